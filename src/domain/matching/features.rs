//! Local features: located points of a picture and the vectors that describe them.

use crate::domain::embedding::ModelId;

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

    /// The descriptor of keypoint `i`; panics when there is none.
    pub fn descriptor(&self, i: usize) -> &[f32] {
        &self.descriptors[i * self.dimensions..(i + 1) * self.dimensions]
    }
}
