//! The network that finds logos: one map for photos and for logos.

use std::path::{Path, PathBuf};

use ndarray::ArrayViewD;

use super::{
    manifest::{Manifest, ModelEntry, Role},
    onnx::{self, Model, Scratch},
    tensor::{Channels, nchw},
};
use crate::{
    domain::{embedding::ModelId, raster::Raster},
    engine::vision::{InferenceError, LogoEncoder, LogoMaps},
};

/// Mean of ImageNet's R, G, B (0 to 1).
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's R, G, B (0 to 1).
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];
/// Planes of vectors, boxes and parts.
const PLANES: [usize; 3] = [128, 4, 32];

/// [`LogoEncoder`] by the network of `models/logo_encoder.onnx`, loaded when the first logo is looked for:
/// most galleries hold none.
pub struct LogoNetwork {
    id: ModelId,
    entry: ModelEntry,
    models_dir: Option<PathBuf>,
    model: Option<Model>,
}

impl LogoNetwork {
    /// Verifies the file; `models_dir` is the folder that the user named, if any.
    pub fn load(manifest: &Manifest, models_dir: Option<&Path>) -> Result<Self, InferenceError> {
        let entry = manifest.model(Role::Logos)?.clone();
        // Now, though it is loaded later: a missing file must not show in the middle of a check.
        onnx::verify(&entry, models_dir)?;
        Ok(Self {
            id: entry.id(),
            entry,
            models_dir: models_dir.map(Path::to_owned),
            model: None,
        })
    }
}

impl LogoEncoder for LogoNetwork {
    fn model(&self) -> &ModelId {
        &self.id
    }

    fn encode(&mut self, picture: &Raster) -> Result<LogoMaps, InferenceError> {
        let model = match &mut self.model {
            Some(model) => model,
            None => {
                let dir = self.models_dir.as_deref();
                let loaded = Model::load(&self.entry, dir, Scratch::GivenBack)?;
                self.model.insert(loaded)
            }
        };
        let [columns, rows] = [picture.width(), picture.height()].map(|side| (side / 16) as usize);
        let tensor = nchw(picture, Channels::Rgb, MEAN, DEVIATION);
        let maps = model.run([tensor.view()], |outputs: [ArrayViewD<'_, f32>; 3]| {
            let fine = [1, 1, 2];
            let as_said = outputs
                .iter()
                .zip(PLANES)
                .zip(fine)
                .all(|((map, planes), n)| map.shape() == [1, planes, n * rows, n * columns]);
            let [vectors, boxes, parts] = outputs.each_ref().map(|map| map.as_slice());
            as_said.then_some(LogoMaps {
                columns,
                rows,
                vectors: vectors?.to_vec(),
                boxes: boxes?.to_vec(),
                parts: parts?.to_vec(),
            })
        })?;
        maps.ok_or_else(|| InferenceError::Failed {
            model: self.id.clone(),
            detail: format!("the maps of a picture of {columns}x{rows} cells are not as said"),
        })
    }
}
