//! A located photo brought into its reference's frame and located there once more.

use super::{
    frames::{pixels_to_unit, unit_to_pixels},
    locate::{Location, locate_rectified},
    prepare::{Scale, TurnedFeatures, half_size},
    search::Query,
    vision::{InferenceError, Vision},
};
use crate::domain::tuning::{compare::REFINE_INLIERS, search::RECTIFIED_KEYPOINTS};
use crate::domain::{
    features::FeatureSet,
    geometry::{Homography, check_quad},
    rectify::rectify,
};

/// A located photo brought into its reference's frame and located there again.
pub(crate) struct Aligned {
    /// Maps pixels of the reference's frame to pixels of the photo's frame, after refinement.
    pub reference_to_photo: Homography,
    /// Inliers on the rectified photo.
    pub refined: Option<Location>,
    /// Features of the rectified photo, for looking at rivals in the same frame.
    pub features: FeatureSet,
}

/// A candidate and its rivals on the photo rectified for it: perspective is gone, and they meet on
/// equal terms.
pub(crate) struct AlignedPair {
    /// The photo in the candidate's frame.
    pub aligned: Aligned,
    /// The most inliers that a rival reaches there.
    pub rival_refined: Option<usize>,
}

/// Rectifies the photo into a reference's frame of `width` x `height` pixels and aligns it again.
pub(crate) fn align(
    vision: &mut Vision,
    query: &Query,
    location: &Location,
    features: &TurnedFeatures,
) -> Result<Aligned, InferenceError> {
    let frame = (features.turns[0].width, features.turns[0].height);
    // At the size that it was found by: enlarged, a small article would show points that no sharp
    // reference has.
    let (width, height) = match location.scale {
        Scale::Whole => frame,
        Scale::Half => half_size(frame.0, frame.1),
    };
    let (fw, fh) = features.frame_size();
    let to_frame =
        unit_to_pixels(fw, fh).after(&pixels_to_unit(f64::from(width), f64::from(height)));
    // Keypoints need no more than the photo's frame has; what is compared later is resampled from
    // the photo itself.
    let first = rectify(
        &query.frame.raster,
        &location.reference_to_photo.after(&to_frame),
        width,
        height,
    );
    let seen = vision.local.extract(&first.raster, RECTIFIED_KEYPOINTS)?;
    let seen = seen.scaled_to(frame.0, frame.1);
    // Without perspective and rotation, points agree that the first fit had to miss, and a smaller
    // error can be asked of them.
    let refined = locate_rectified(&seen, features, location.scale);
    let better = refined
        .as_ref()
        .filter(|r| r.inliers >= REFINE_INLIERS)
        .map(|r| location.reference_to_photo.after(&r.reference_to_photo))
        // A second fit on few points may turn the reference inside out; then the first stands.
        .filter(|map| check_quad(map, features.frame_size(), query.frame.size()).is_ok());
    Ok(Aligned {
        reference_to_photo: better.unwrap_or(location.reference_to_photo),
        refined,
        features: seen,
    })
}
