//! XFeat keypoints and descriptors (Potje et al., CVPR 2024): the network gives dense maps, the
//! host picks the peaks.

use std::path::Path;

use ndarray::{Array4, ArrayViewD, Ix3, Ix4};

use super::{
    manifest::{Manifest, Role},
    onnx::{Model, Scratch},
};
use crate::{
    domain::{
        embedding::ModelId,
        features::{FeatureSet, Keypoint},
        number::index,
        raster::Raster,
    },
    engine::vision::{InferenceError, LocalFeatures},
};

/// Heat below this is no keypoint (the method's own value).
const MIN_HEAT: f32 = 0.05;
/// A keypoint is the maximum of the square that reaches this many pixels to each side.
const REACH: usize = 2;

/// [`LocalFeatures`] by XFeat.
pub struct XFeat {
    model: Model,
}

impl XFeat {
    /// Loads the model; `models_dir` is the folder that the user named, if any.
    pub fn load(manifest: &Manifest, models_dir: Option<&Path>) -> Result<Self, InferenceError> {
        Ok(Self {
            model: Model::load(
                manifest.model(Role::LocalFeatures)?,
                models_dir,
                Scratch::GivenBack,
            )?,
        })
    }
}

impl LocalFeatures for XFeat {
    fn model(&self) -> &ModelId {
        self.model.id()
    }

    fn extract(&mut self, frame: &Raster, top: usize) -> Result<FeatureSet, InferenceError> {
        let (width, height) = (frame.width(), frame.height());
        let model = self.model.id().clone();
        let failed = |detail: String| InferenceError::Failed {
            model: model.clone(),
            detail,
        };
        // The network halves a frame five times: other sides would not meet again.
        if width % 32 != 0 || height % 32 != 0 {
            return Err(failed(format!(
                "a frame of {width}x{height} has sides that are no multiples of 32"
            )));
        }
        let grey =
            Array4::from_shape_vec((1, 1, height as usize, width as usize), frame.grey().data)
                .map_err(|e| failed(e.to_string()))?;
        let (keypoints, descriptors, dimensions) = self
            .model
            .run([grey.view()], |[feats, heat, rel]| {
                pick(feats, heat, rel, top)
            })?
            .ok_or_else(|| failed("an output has an unexpected shape".to_owned()))?;
        Ok(FeatureSet {
            model,
            width,
            height,
            keypoints,
            descriptors,
            dimensions,
        })
    }
}

/// Peaks of `heat` (1x1xHxW), scored by heat times reliability (`rel`, 1x1xH/8xW/8), the `top`
/// strongest with their descriptors out of `feats` (1xCxH/8xW/8). `None` when a shape is not as
/// said.
fn pick(
    feats: ArrayViewD<'_, f32>,
    heat: ArrayViewD<'_, f32>,
    rel: ArrayViewD<'_, f32>,
    top: usize,
) -> Option<(Vec<Keypoint>, Vec<f32>, usize)> {
    let heat = heat.into_dimensionality::<Ix4>().ok()?;
    let (_, _, height, width) = heat.dim();
    let feats = Maps::new(feats, width, height)?;
    let rel = Maps::new(rel, width, height)?;
    let mut keypoints: Vec<Keypoint> = peaks(heat.to_slice()?, width, height)
        .into_iter()
        .map(|(x, y, heat)| {
            let (x, y) = (x as f32, y as f32);
            Keypoint {
                x,
                y,
                score: heat * rel.at(0, &rel.corners(x, y)),
            }
        })
        .collect();
    // A stable sort keeps raster order among equals, so the same picture always gives the same
    // list.
    keypoints.sort_by(|a, b| b.score.total_cmp(&a.score));
    keypoints.truncate(top);
    // Only for those that are left: each costs a look into every map.
    let mut descriptors = Vec::with_capacity(keypoints.len() * feats.channels);
    for point in &keypoints {
        let corners = feats.corners(point.x, point.y);
        let start = descriptors.len();
        descriptors.extend((0..feats.channels).map(|channel| feats.at(channel, &corners)));
        // The small summand keeps a descriptor of zeros from becoming no number.
        let norm = descriptors[start..]
            .iter()
            .map(|v| v * v)
            .sum::<f32>()
            .sqrt()
            + 1e-9;
        descriptors[start..].iter_mut().for_each(|v| *v /= norm);
    }
    Some((keypoints, descriptors, feats.channels))
}

/// Pixels above [`MIN_HEAT`] that no pixel of their neighbourhood exceeds: (x, y, heat), row by
/// row.
fn peaks(heat: &[f32], width: usize, height: usize) -> Vec<(usize, usize, f32)> {
    let mut found = Vec::new();
    for y in 0..height {
        for (x, &value) in heat[y * width..(y + 1) * width].iter().enumerate() {
            // Few pixels pass this, so looking at their neighbours costs less than a maximum filter
            // over all.
            if value <= MIN_HEAT {
                continue;
            }
            let columns = x.saturating_sub(REACH)..(x + REACH + 1).min(width);
            let highest = (y.saturating_sub(REACH)..(y + REACH + 1).min(height)).all(|row| {
                heat[row * width..][columns.clone()]
                    .iter()
                    .all(|other| *other <= value)
            });
            if highest {
                found.push((x, y, value));
            }
        }
    }
    found
}

/// Maps at an eighth of the frame's size, sampled bilinearly at frame coordinates.
struct Maps<'a> {
    values: &'a [f32],
    channels: usize,
    columns: usize,
    rows: usize,
    /// Cells per pixel, so that the last pixel lies half a cell past the last cell's centre as in
    /// the method's own code.
    per_pixel: (f32, f32),
}

/// Four cells and their weights.
type Corners = [(usize, f32); 4];

impl<'a> Maps<'a> {
    fn new(array: ArrayViewD<'a, f32>, frame_width: usize, frame_height: usize) -> Option<Self> {
        let array = array
            .into_dimensionality::<Ix4>()
            .ok()?
            .index_axis_move(ndarray::Axis(0), 0);
        let array: ndarray::ArrayView<'a, f32, Ix3> = array;
        let (channels, rows, columns) = array.dim();
        let per_pixel = (
            columns as f32 / (frame_width - 1) as f32,
            rows as f32 / (frame_height - 1) as f32,
        );
        Some(Self {
            values: array.to_slice()?,
            channels,
            columns,
            rows,
            per_pixel,
        })
    }

    fn corners(&self, x: f32, y: f32) -> Corners {
        let fx = (x * self.per_pixel.0 - 0.5).clamp(0.0, (self.columns - 1) as f32);
        let fy = (y * self.per_pixel.1 - 0.5).clamp(0.0, (self.rows - 1) as f32);
        let (left, top) = (index(fx), index(fy));
        let (right, bottom) = (
            (left + 1).min(self.columns - 1),
            (top + 1).min(self.rows - 1),
        );
        let (a, b) = (fx - left as f32, fy - top as f32);
        [
            (top * self.columns + left, (1.0 - a) * (1.0 - b)),
            (top * self.columns + right, a * (1.0 - b)),
            (bottom * self.columns + left, (1.0 - a) * b),
            (bottom * self.columns + right, a * b),
        ]
    }

    fn at(&self, channel: usize, corners: &Corners) -> f32 {
        let map = &self.values[channel * self.rows * self.columns..];
        corners
            .iter()
            .map(|(cell, weight)| map[*cell] * weight)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::ArrayD;

    fn maps(channels: usize, at: impl Fn(usize, usize) -> f32) -> ArrayD<f32> {
        ArrayD::from_shape_fn(vec![1, channels, 4, 4], |i| at(i[1], i[3]))
    }

    fn heat(points: &[(usize, usize, f32)]) -> ArrayD<f32> {
        let mut heat = ArrayD::zeros(vec![1, 1, 32, 32]);
        for (x, y, value) in points {
            heat[[0, 0, *y, *x]] = *value;
        }
        heat
    }

    #[test]
    fn only_the_maximum_of_five_by_five_above_the_threshold_is_a_peak() {
        let heat = heat(&[
            (10, 10, 0.9),
            (12, 12, 0.8),
            (13, 8, 0.7),
            (20, 20, 0.05),
            (0, 31, 0.3),
        ]);
        let found = peaks(heat.as_slice().unwrap(), 32, 32);
        assert_eq!(found, [(13, 8, 0.7), (10, 10, 0.9), (0, 31, 0.3)]);
    }

    #[test]
    fn reliability_orders_and_descriptors_are_unit_length() {
        let heat = heat(&[(4, 4, 0.9), (28, 4, 0.6)]);
        let rel = maps(1, |_, column| if column < 2 { 0.1 } else { 1.0 });
        let feats = maps(
            2,
            |channel, column| if channel == 0 { column as f32 } else { 2.0 },
        );
        let (points, descriptors, dimensions) =
            pick(feats.view(), heat.view(), rel.view(), 5).unwrap();
        assert_eq!(dimensions, 2);
        assert_eq!(points.iter().map(|p| p.x).collect::<Vec<_>>(), [28.0, 4.0]);
        assert!((points[0].score - 0.6).abs() < 1e-6);
        assert!(
            descriptors
                .chunks(2)
                .all(|d| (d[0].hypot(d[1]) - 1.0).abs() < 1e-5)
        );
        assert_eq!(
            pick(feats.view(), heat.view(), rel.view(), 1)
                .unwrap()
                .0
                .len(),
            1
        );
    }

    #[test]
    fn sampling_is_bilinear_between_cell_centres() {
        let array = maps(1, |_, column| column as f32);
        let map = Maps::new(array.view(), 32, 32).unwrap();
        assert!((map.at(0, &map.corners(0.0, 0.0)) - 0.0).abs() < 1e-6);
        assert!((map.at(0, &map.corners(31.0, 31.0)) - 3.0).abs() < 1e-6);
        assert!((map.at(0, &map.corners(15.5, 7.0)) - 1.5).abs() < 1e-5);
    }
}
