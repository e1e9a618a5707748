//! References made ready for comparison: their local features, and their pixels in their frame.

use super::{
    frames::{Frame, frame_size, reference_frame},
    vision::{Imaging, InferenceError, LocalFeatures},
};
use crate::domain::tuning::{
    frames::GREY_SIGMA,
    search::{HALF_KEYPOINTS, REFERENCE_KEYPOINTS},
};
use crate::domain::{
    digest::Sha256,
    features::FeatureSet,
    geometry::{Homography, Rect},
    raster::{Plane, Raster},
};

/// A reference's local features in four rotations, all with coordinates of the upright frame.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnedFeatures {
    /// Maps 0..1 of the whole upright picture to pixels of the frame.
    pub from_unit: Homography,
    /// Per quarter turn.
    pub turns: [FeatureSet; 4],
    /// The same of the frame at half its size, for photos that show the article small: they have no
    /// detail finer than that, and local features meet only their like.
    pub half: [FeatureSet; 4],
}

impl TurnedFeatures {
    /// Takes features of the frame and of its three rotations: local features are not
    /// rotation-invariant, so a photo lying on its side is met by the reference turned the same
    /// way.
    pub(crate) fn extract(
        imaging: &mut dyn Imaging,
        local: &mut dyn LocalFeatures,
        whole: &Frame,
    ) -> Result<Self, InferenceError> {
        let frame = &whole.raster;
        let turns = turned(
            local,
            frame,
            (frame.width(), frame.height()),
            REFERENCE_KEYPOINTS,
        )?;
        let (width, height) = half_size(frame.width(), frame.height());
        let small = imaging.resize(frame, width, height);
        let whole_size = (frame.width(), frame.height());
        let half = turned(local, &small, whole_size, HALF_KEYPOINTS)?;
        Ok(Self {
            from_unit: whole.from_unit,
            turns,
            half,
        })
    }

    /// The features of a scale.
    pub(crate) fn at(&self, scale: Scale) -> &[FeatureSet; 4] {
        match scale {
            Scale::Whole => &self.turns,
            Scale::Half => &self.half,
        }
    }

    /// The frame's sides in pixels.
    pub(crate) fn frame_size(&self) -> (f64, f64) {
        (
            f64::from(self.turns[0].width),
            f64::from(self.turns[0].height),
        )
    }

    /// About the bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        // Names and maps are small beside the numbers.
        let of = |set: &FeatureSet| set.descriptors.len() * 4 + set.len() * 12;
        self.turns.iter().chain(&self.half).map(of).sum()
    }
}

/// Which of a reference's two sizes features are taken at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scale {
    /// The reference's frame.
    Whole,
    /// Half of it.
    Half,
}

/// The sides of a frame at half its size.
pub(crate) fn half_size(width: u32, height: u32) -> (u32, u32) {
    frame_size(width, height, width.max(height) / 2)
}

/// Features of a picture in four rotations, with coordinates of the upright one at another `size`.
fn turned(
    local: &mut dyn LocalFeatures,
    picture: &Raster,
    size: (u32, u32),
    most: usize,
) -> Result<[FeatureSet; 4], InferenceError> {
    // Whole numbers are centres of pixels: the last one lies at the width less one.
    let (w, h) = (picture.width() as f32 - 1.0, picture.height() as f32 - 1.0);
    let mut sets = Vec::with_capacity(4);
    // Four runs of the model, once for each reference: turning the photos instead would cost every
    // check three more.
    for turn in 0..4_u8 {
        let mut set = local.extract(&picture.rotated(turn), most)?;
        for k in &mut set.keypoints {
            (k.x, k.y) = match turn {
                0 => (k.x, k.y),
                1 => (w - k.y, k.x),
                2 => (w - k.x, h - k.y),
                _ => (k.y, h - k.x),
            };
        }
        (set.width, set.height) = (picture.width(), picture.height());
        // Stored descriptors are bytes; comparing with the same rounding keeps a check replayable.
        set.descriptors
            .iter_mut()
            .for_each(|v| *v = f32::from(to_byte(*v)) / 127.0);
        sets.push(set.scaled_to(size.0, size.1));
    }
    sets.try_into()
        .map_err(|_| InferenceError::Unavailable("four rotations were expected".into()))
}

/// A descriptor's value, -1 to 1, as a stored byte.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounded and clamped to a byte's range before"
)]
pub(crate) fn to_byte(v: f32) -> i8 {
    // Without -128, so that a value and its negative stay each other's negative.
    (v * 127.0).round().clamp(-127.0, 127.0) as i8
}

/// A reference's pixels in its frame.
pub(crate) struct ReferencePixels {
    /// Names the picture and its part in a cache.
    pub key: String,
    /// The frame.
    pub frame: Frame,
    /// Its grey plane, lightly smoothed as block comparison wants it.
    pub grey: Plane,
}

impl ReferencePixels {
    /// The pixels of a picture, or of the part of it that shows the article; `sha256` names it.
    pub(crate) fn take(
        imaging: &mut dyn Imaging,
        sha256: Sha256,
        picture: &Raster,
        article: Option<Rect>,
    ) -> Self {
        Self::of(reference_frame(imaging, picture, article), sha256, article)
    }

    /// The pixels of a frame that was made already.
    pub(crate) fn of(frame: Frame, sha256: Sha256, article: Option<Rect>) -> Self {
        let grey = frame.raster.grey().smoothed(GREY_SIGMA);
        let key = pixels_key(sha256, article);
        Self { key, frame, grey }
    }

    /// About the bytes of memory that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.frame.raster.pixels().len() + self.grey.data.len() * 4
    }
}

/// The name of a picture's features in a cache; the same picture may serve as a whole for one
/// product and in part for another.
pub(crate) fn features_key(sha256: Sha256, article: Option<Rect>) -> String {
    format!("features {sha256} {:?}", article.map(Rect::to_xywh))
}

/// The name of a picture's pixels in a cache.
pub(crate) fn pixels_key(sha256: Sha256, article: Option<Rect>) -> String {
    format!("pixels {sha256} {:?}", article.map(Rect::to_xywh))
}
