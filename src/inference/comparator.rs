//! The comparator network: whether the same place of a reference and a photo shows the same print, cell by cell.

use std::path::Path;

use ndarray::{ArrayViewD, Ix4};

use super::{
    manifest::{Manifest, Role},
    onnx::{Model, Scratch},
    tensor::nchw_bytes,
};
use crate::{
    checker::ports::{CellMap, InferenceError, MarkComparator},
    domain::{embedding::ModelId, raster::Raster},
};

/// Widths and heights in pixels that the network was trained for, both also multiples of [`STEP`].
const WIDTHS: std::ops::RangeInclusive<u32> = 32..=512;
const HEIGHTS: std::ops::RangeInclusive<u32> = 32..=256;
const STEP: u32 = 16;

/// [`MarkComparator`] by the network of `models/comparator.onnx`.
pub struct Comparator {
    model: Model,
}

impl Comparator {
    /// Loads the model; `models_dir` is the folder that the user named, if any.
    pub fn load(manifest: &Manifest, models_dir: Option<&Path>) -> Result<Self, InferenceError> {
        Ok(Self { model: Model::load(manifest.model(Role::Comparator)?, models_dir, Scratch::GivenBack)? })
    }
}

impl MarkComparator for Comparator {
    fn model(&self) -> &ModelId {
        self.model.id()
    }

    fn compare(&mut self, reference: &Raster, photo: &Raster) -> Result<CellMap, InferenceError> {
        let model = self.model.id().clone();
        let failed = |detail: String| InferenceError::Failed { model: model.clone(), detail };
        let (width, height) = (reference.width(), reference.height());
        if (width, height) != (photo.width(), photo.height()) {
            let (other_width, other_height) = (photo.width(), photo.height());
            return Err(failed(format!(
                "reference {width}x{height} and photo {other_width}x{other_height} differ in size"
            )));
        }
        if !WIDTHS.contains(&width) || !HEIGHTS.contains(&height) || width % STEP != 0 || height % STEP != 0 {
            return Err(failed(format!("{width}x{height} is not a size it takes: multiples of 16, 32x32 to 512x256")));
        }
        let (reference, photo) = (nchw_bytes(reference), nchw_bytes(photo));
        self.model
            .run([reference.view(), photo.view()], |[logits]| cells(logits))?
            .ok_or_else(|| failed("the output is not 1x3 maps".to_owned()))
    }
}

/// Softmax over the three classes of `logits` (1x3xRxC). `None` when the shape is not as said.
fn cells(logits: ArrayViewD<'_, f32>) -> Option<CellMap> {
    let logits = logits.into_dimensionality::<Ix4>().ok()?;
    let (1, 3, rows, columns) = logits.dim() else { return None };
    let mut probabilities = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let values: [f32; 3] = std::array::from_fn(|class| logits[[0, class, row, column]]);
            let peak = values.iter().fold(f32::NEG_INFINITY, |m, v| m.max(*v));
            let raised = values.map(|v| (v - peak).exp());
            let total: f32 = raised.iter().sum();
            probabilities.push(raised.map(|v| v / total));
        }
    }
    Some(CellMap { columns, rows, probabilities })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;

    #[test]
    fn logits_become_probabilities_per_cell() {
        let logits = ArrayD::from_shape_fn(vec![1, 3, 1, 2], |i| if i[1] == i[3] { 200.0 } else { 0.0 });
        let map = cells(logits.view()).unwrap();
        assert_eq!((map.rows, map.columns), (1, 2));
        assert_eq!(map.probabilities[0], [1.0, 0.0, 0.0]);
        assert_eq!(map.probabilities[1], [0.0, 1.0, 0.0]);
        assert!(cells(ArrayD::zeros(vec![1, 2, 1, 1]).view()).is_none());
    }
}
