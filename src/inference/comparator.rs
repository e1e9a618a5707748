//! The comparator network: whether the same place of a reference and a photo shows the same print,
//! cell by cell.
//!
//! Each side is encoded by one network, the two meet in [`cost_volume`](super::cost_volume), a
//! second network decides.

use std::path::Path;

use ndarray::{ArrayView4, ArrayViewD, Ix4};

use super::{
    cost_volume::meet,
    manifest::{Manifest, Role},
    onnx::{Model, Scratch},
    tensor::nchw_bytes,
};
use crate::{
    domain::{cells::Cell, embedding::ModelId, raster::Raster},
    engine::vision::{CellMap, EncodedMark, InferenceError, MarkComparator},
};

/// Sides in pixels that are taken, also multiples of [`STEP`]: an overview at a whole article is the
/// largest. The networks were trained on sizes of up to 352 wide or 192 high.
const SIDES: std::ops::RangeInclusive<u32> = 32..=512;
const STEP: u32 = 16;
/// Pixels to a cell of the encoder's maps.
const ENCODED_PX: u32 = 4;
/// Maps that the encoder gives: keys and values.
const ENCODED: [usize; 2] = [32, 38];
/// Maps that the deciding network takes. The last five are zeros: a convolution over a multiple of
/// 8 maps is faster.
const JOINED: usize = 168;

/// [`MarkComparator`] by the networks of `models/comparator_encoder.onnx` and
/// `models/comparator_decider.onnx`.
pub struct Comparator {
    encoder: Model,
    decider: Model,
}

impl Comparator {
    /// Loads both networks; `models_dir` is the folder that the user named, if any.
    pub fn load(manifest: &Manifest, models_dir: Option<&Path>) -> Result<Self, InferenceError> {
        let load = |role| -> Result<Model, InferenceError> {
            Ok(Model::load(
                manifest.model(role)?,
                models_dir,
                Scratch::GivenBack,
            )?)
        };
        Ok(Self {
            // Marks come in many sizes: memory that is kept would grow to what the largest needs.
            encoder: load(Role::ComparatorEncoder)?,
            decider: load(Role::Comparator)?,
        })
    }
}

fn unexpected(model: &Model, detail: impl Into<String>) -> InferenceError {
    InferenceError::Failed {
        model: model.id().clone(),
        detail: detail.into(),
    }
}

impl MarkComparator for Comparator {
    fn model(&self) -> &ModelId {
        self.decider.id()
    }

    fn encode(&mut self, picture: &Raster) -> Result<EncodedMark, InferenceError> {
        let (width, height) = (picture.width(), picture.height());
        // Multiples of 16 make whole cells of 4 pixels, and columns of cells in fours, as `meet`
        // takes them.
        if [width, height]
            .iter()
            .any(|side| !SIDES.contains(side) || side % STEP != 0)
        {
            let detail = format!(
                "{width}x{height} is not a size it takes: multiples of 16, 32x32 to 512x512"
            );
            return Err(unexpected(&self.encoder, detail));
        }
        let [columns, rows] = [width, height].map(|side| (side / ENCODED_PX) as usize);
        let encoded = self.encoder.run(
            [nchw_bytes(picture).view()],
            |outputs: [ArrayViewD<'_, f32>; 2]| {
                // What follows indexes these lists without asking again: their shape is made sure
                // of once.
                let as_said = outputs
                    .iter()
                    .zip(ENCODED)
                    .all(|(maps, count)| maps.shape() == [1, count, rows, columns]);
                let [keys, values] = outputs.each_ref().map(|maps| maps.as_slice());
                as_said.then_some(EncodedMark {
                    rows,
                    columns,
                    keys: keys?.to_vec(),
                    values: values?.to_vec(),
                })
            },
        )?;
        encoded.ok_or_else(|| unexpected(&self.encoder, "the outputs are not 1x32 and 1x38 maps"))
    }

    fn compare(
        &mut self,
        reference: &EncodedMark,
        photo: &EncodedMark,
    ) -> Result<CellMap, InferenceError> {
        let (rows, columns) = (reference.rows, reference.columns);
        // The reference's side was encoded earlier and kept: both must fit before they are joined.
        let whole = |side: &EncodedMark| {
            ENCODED.map(|maps| maps * rows * columns) == [side.keys.len(), side.values.len()]
        };
        if (rows, columns) != (photo.rows, photo.columns) || !whole(reference) || !whole(photo) {
            let detail = format!(
                "maps of {rows}x{columns} and {}x{} do not meet",
                photo.rows, photo.columns
            );
            return Err(unexpected(&self.decider, detail));
        }
        // Zeros, which the maps behind the joined ones stay.
        let mut joined = vec![0.0; JOINED * rows * columns];
        meet(reference, photo, &mut joined);
        let joined = ArrayView4::from_shape((1, JOINED, rows, columns), &joined)
            .map_err(|e| unexpected(&self.decider, e.to_string()))?;
        self.decider
            .run([joined], |[logits]| cells(logits))?
            .ok_or_else(|| unexpected(&self.decider, "the output is not 1x3 maps"))
    }
}

/// Softmax over the three classes of `logits` (1x3xRxC). `None` when the shape is not as said.
fn cells(logits: ArrayViewD<'_, f32>) -> Option<CellMap> {
    let logits = logits.into_dimensionality::<Ix4>().ok()?;
    let (1, 3, rows, columns) = logits.dim() else {
        return None;
    };
    let mut probabilities = Vec::with_capacity(rows * columns);
    for row in 0..rows {
        for column in 0..columns {
            let values: [f32; 3] = std::array::from_fn(|class| logits[[0, class, row, column]]);
            // Against the largest, so that no exponential overflows.
            let peak = values.iter().fold(f32::NEG_INFINITY, |m, v| m.max(*v));
            let raised = values.map(|v| (v - peak).exp());
            let total: f32 = raised.iter().sum();
            let [same, different, unseen] = raised.map(|v| v / total);
            probabilities.push(Cell::new(same, different, unseen));
        }
    }
    Some(CellMap {
        columns,
        rows,
        probabilities,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;

    #[test]
    fn logits_become_probabilities_per_cell() {
        let logits =
            ArrayD::from_shape_fn(vec![1, 3, 1, 2], |i| if i[1] == i[3] { 200.0 } else { 0.0 });
        let map = cells(logits.view()).unwrap();
        assert_eq!((map.rows, map.columns), (1, 2));
        assert_eq!(map.probabilities[0], Cell::new(1.0, 0.0, 0.0));
        assert_eq!(map.probabilities[1], Cell::new(0.0, 1.0, 0.0));
        assert!(cells(ArrayD::zeros(vec![1, 2, 1, 1]).view()).is_none());
    }
}
