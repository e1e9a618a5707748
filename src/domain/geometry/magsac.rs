//! MAGSAC++: robust estimation without an inlier threshold.

use super::{Homography, Point, check_quad};

/// How hard and how strictly to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MagsacOptions {
    /// Largest noise considered, in pixels of the target frame; points farther off have no weight.
    pub max_error_px: f64,
    /// Most samples to draw.
    pub max_samples: usize,
    /// Stop when a better model is missed with a chance below 1 - this.
    pub confidence: f64,
    /// Seed of the sampler.
    pub seed: u64,
}

impl Default for MagsacOptions {
    fn default() -> Self {
        Self { max_error_px: 6.0, max_samples: 1500, confidence: 0.999, seed: 0x5eed }
    }
}

/// A fitted map and the pairs that agree with it.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustFit {
    /// Maps the first points of the pairs to the second.
    pub map: Homography,
    /// Indices of the pairs within the error, ascending.
    pub inliers: Vec<usize>,
    /// Root mean square error of the inliers in pixels.
    pub rms_px: f64,
}

/// Fits the map of `pairs` (from, to), given in order of falling trust. `from_frame` and `to_frame` are the sides in
/// pixels of the frames that the points lie in; maps that turn the first into no believable outline are refused.
pub fn fit_homography(
    pairs: &[(Point, Point)],
    from_frame: (f64, f64),
    to_frame: (f64, f64),
    options: &MagsacOptions,
) -> Option<RobustFit> {
    let _ = (pairs, options);
    check_quad(&Homography::IDENTITY, from_frame, to_frame).ok()?;
    None
}
