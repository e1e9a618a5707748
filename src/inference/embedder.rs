//! Whole-image embedding by an EfficientNet-lite0 trained on print and photos of it.

use std::path::Path;

use super::{
    manifest::{Manifest, Role},
    onnx::{Model, Scratch},
    tensor::{Channels, nchw},
};
use crate::{
    domain::{
        embedding::{Embedding, ModelId},
        raster::Raster,
    },
    engine::vision::{Embedder, InferenceError},
};

/// Side in pixels that the network was trained at.
const SIDE: u32 = 224;
/// Mean of ImageNet's R, G, B (0 to 1).
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
/// Standard deviation of ImageNet's R, G, B (0 to 1).
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// [`Embedder`] by the network of `models/embedder.onnx`: 256 dimensions.
pub struct PrintEmbedder {
    model: Model,
}

impl PrintEmbedder {
    /// Loads the model; `models_dir` is the folder that the user named, if any.
    pub fn load(manifest: &Manifest, models_dir: Option<&Path>) -> Result<Self, InferenceError> {
        Ok(Self {
            model: Model::load(
                manifest.model(Role::Embedder)?,
                models_dir,
                Scratch::GivenBack,
            )?,
        })
    }
}

impl Embedder for PrintEmbedder {
    fn model(&self) -> &ModelId {
        self.model.id()
    }

    fn side(&self) -> u32 {
        SIDE
    }

    fn embed(&mut self, square: &Raster) -> Result<Embedding, InferenceError> {
        let model = self.model.id().clone();
        let failed = |detail: String| InferenceError::Failed {
            model: model.clone(),
            detail,
        };
        // The graph takes one size alone, and its own words for another say nothing to a person.
        if (square.width(), square.height()) != (SIDE, SIDE) {
            let (width, height) = (square.width(), square.height());
            return Err(failed(format!(
                "a picture of {width}x{height} is not {SIDE}x{SIDE}"
            )));
        }
        // The colours' scale of the weights that training started from.
        let tensor = nchw(square, Channels::Rgb, MEAN, DEVIATION);
        let values = self.model.run([tensor.view()], |[embedding]| {
            embedding.iter().copied().collect::<Vec<f32>>()
        })?;
        // Brought to unit length by the host: the network's own length says nothing.
        Embedding::new(model.clone(), values).map_err(|e| failed(e.to_string()))
    }
}
