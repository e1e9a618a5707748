//! Local features: located points of a picture and the vectors that describe them.

use crate::domain::{
    embedding::ModelId,
    geometry::{Point, lies_inside},
};

/// A located local point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Keypoint {
    /// Column in pixels of the feature set's frame.
    pub x: f32,
    /// Row in pixels of the feature set's frame.
    pub y: f32,
    /// Strength, higher is more repeatable.
    pub score: f32,
}

/// Keypoints of one picture in order of falling score, with one unit-length descriptor each.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSet {
    /// The model that made the descriptors.
    pub model: ModelId,
    /// Width in pixels of the frame that the coordinates refer to (the network's input, not the
    /// photo).
    pub width: u32,
    /// Height in pixels of that frame.
    pub height: u32,
    /// The points, strongest first.
    pub keypoints: Vec<Keypoint>,
    /// `keypoints.len() * dimensions` values, one row per keypoint.
    pub descriptors: Vec<f32>,
    /// Length of one descriptor.
    pub dimensions: usize,
}

impl FeatureSet {
    /// Number of keypoints.
    pub fn len(&self) -> usize {
        self.keypoints.len()
    }

    /// Whether there is no keypoint.
    pub fn is_empty(&self) -> bool {
        self.keypoints.is_empty()
    }

    /// The same points in a frame of another size.
    pub fn scaled_to(mut self, width: u32, height: u32) -> Self {
        // Not even rounding may move points that stay where they are.
        if (width, height) == (self.width, self.height) {
            return self;
        }
        // Pixel centres: a point between two pixels stays between those that cover the same part of
        // the picture.
        let scaled = |v: f32, from: u32, to: u32| (v + 0.5) * to as f32 / from as f32 - 0.5;
        for point in &mut self.keypoints {
            (point.x, point.y) = (
                scaled(point.x, self.width, width),
                scaled(point.y, self.height, height),
            );
        }
        Self {
            width,
            height,
            ..self
        }
    }

    /// The points that lie in none of the outlines, in pixels of the frame.
    pub fn outside(&self, outlines: &[[Point; 4]]) -> Self {
        let mut rest = Self {
            keypoints: Vec::new(),
            descriptors: Vec::new(),
            model: self.model.clone(),
            ..*self
        };
        for (i, k) in self.keypoints.iter().enumerate() {
            let at = Point::new(f64::from(k.x), f64::from(k.y));
            if !outlines.iter().any(|o| lies_inside(o, at)) {
                rest.keypoints.push(*k);
                rest.descriptors.extend_from_slice(self.descriptor(i));
            }
        }
        rest
    }

    /// The descriptor of keypoint `i`; panics when there is none.
    pub fn descriptor(&self, i: usize) -> &[f32] {
        &self.descriptors[i * self.dimensions..(i + 1) * self.dimensions]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_inside_known_outlines_are_left_out() {
        let points = [(10.0, 10.0), (50.0, 50.0), (90.0, 10.0)];
        let features = FeatureSet {
            model: ModelId("test".into()),
            width: 100,
            height: 100,
            keypoints: points.map(|(x, y)| Keypoint { x, y, score: 1.0 }).to_vec(),
            descriptors: vec![1.0, 2.0, 3.0],
            dimensions: 1,
        };
        let square = |x: f64, y: f64, side: f64| {
            [(0.0, 0.0), (side, 0.0), (side, side), (0.0, side)]
                .map(|(a, b)| Point::new(x + a, y + b))
        };
        let rest = features.outside(&[square(40.0, 40.0, 20.0), square(80.0, 0.0, 20.0)]);
        assert_eq!(rest.len(), 1);
        assert_eq!(rest.descriptors, [1.0]);
    }
}
