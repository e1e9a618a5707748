//! Models behind the checker's ports; `ort` is used in `onnx` alone.

pub mod comparator;
mod cost_volume;
pub mod embedder;
pub mod logos;
pub mod manifest;
pub(crate) mod onnx;
pub mod pool;
mod tensor;
pub mod text;
pub mod xfeat;

use std::path::Path;

use crate::engine::vision::{Imaging, InferenceError, Vision};

/// All that one worker sees with: every model loaded and verified but for those of text detection and
/// of logos, which are verified now and loaded when they are wanted. `models_dir` is the folder that
/// the user named, if any; then no other is looked at.
///
/// # Errors [`InferenceError::Unavailable`] with one readable message and its remedy when the
/// runtime or a model is missing or is not the one this program was built for.
pub fn vision(
    models_dir: Option<&Path>,
    imaging: Box<dyn Imaging>,
) -> Result<Vision, InferenceError> {
    let manifest = manifest::Manifest::of_this_build()?;
    // A worker that lacks one of them does not start: no photo is judged by the rest alone.
    Ok(Vision {
        imaging,
        local: Box::new(xfeat::XFeat::load(&manifest, models_dir)?),
        embedder: Box::new(embedder::PrintEmbedder::load(&manifest, models_dir)?),
        comparator: Box::new(comparator::Comparator::load(&manifest, models_dir)?),
        logos: Box::new(logos::LogoNetwork::load(&manifest, models_dir)?),
        // The last, for it keeps the manifest: its detector is loaded again and again.
        text: Box::new(text::PpOcr::load(manifest, models_dir)?),
    })
}
