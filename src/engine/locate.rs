//! Where in the photo is the reference: a vote on its rotation, mutual nearest neighbours, robust homography.

use super::prepare::{Scale, TurnedFeatures};
use crate::domain::{
    descriptors::{located, mutual_nearest},
    features::FeatureSet,
    geometry::{Homography, MagsacOptions, check_quad, fit_homography, lies_inside, number::index},
    tuning::locate::{
        FIRST_ERROR_PX, MIN_COSINE, PLACED_INLIERS, PLACED_SPREAD, REFINED_ERROR_PX, SOLID_INLIERS,
        SPREAD_CELLS, SURE_INLIERS, SURE_SPREAD, WIDE_SPREAD,
    },
};

/// A reference located in a photo.
#[derive(Clone, Debug, PartialEq)]
pub struct Location {
    /// Maps pixels of the reference's frame to pixels of the photo's frame.
    pub reference_to_photo: Homography,
    /// Correspondences that agree.
    pub inliers: usize,
    /// Correspondences in all.
    pub correspondences: usize,
    /// Share of the cells of an 8x8 grid over the reference that hold an inlier, 0 to 1.
    pub spread: f64,
    /// Correspondences that lie outside its outline: they may belong to another copy.
    pub outside: usize,
    /// Quarter turns of the reference that it was found by.
    pub turn: usize,
    /// The reference's size that it was found by.
    pub scale: Scale,
}

impl Location {
    /// Whether it is more than chance: many points, or fewer that spread over the reference.
    pub(crate) fn is_placed(&self) -> bool {
        (self.inliers >= SOLID_INLIERS && self.spread >= PLACED_SPREAD)
            || (self.inliers >= PLACED_INLIERS && self.spread >= WIDE_SPREAD)
    }

    /// Whether a closer look would only find the reference again.
    pub(crate) fn is_sure(&self) -> bool {
        self.inliers >= SURE_INLIERS && self.spread >= SURE_SPREAD
    }
}

/// Looks for the reference at one of its sizes in the rotations given by `order`, until one is
/// solid.
pub(crate) fn locate(
    photo: &FeatureSet,
    reference: &TurnedFeatures,
    scale: Scale,
    order: &[usize],
) -> Option<Location> {
    let mut best: Option<Location> = None;
    for &turn in order {
        let found = fit(photo, reference, (turn, scale), FIRST_ERROR_PX);
        if found.as_ref().map_or(0, |f| f.inliers) > best.as_ref().map_or(0, |b| b.inliers) {
            best = found;
        }
        // Beyond chance already: the other rotations could only cost more matches.
        if best.as_ref().is_some_and(|b| b.inliers >= SOLID_INLIERS) {
            break;
        }
    }
    best
}

/// Matches an already rectified photo: perspective and rotation are gone, so the error allowed is
/// smaller.
pub(crate) fn locate_rectified(
    rectified: &FeatureSet,
    reference: &TurnedFeatures,
    scale: Scale,
) -> Option<Location> {
    fit(rectified, reference, (0, scale), REFINED_ERROR_PX)
}

fn fit(
    photo: &FeatureSet,
    reference: &TurnedFeatures,
    (turn, scale): (usize, Scale),
    max_error_px: f64,
) -> Option<Location> {
    let reference = &reference.at(scale)[turn];
    let pairs = mutual_nearest(reference, photo, MIN_COSINE);
    let points = located(reference, photo, &pairs);
    let size = |s: &FeatureSet| (f64::from(s.width), f64::from(s.height));
    let options = MagsacOptions {
        max_error_px,
        ..MagsacOptions::default()
    };
    let fit = fit_homography(&points, size(reference), size(photo), &options)?;
    let cell =
        |v: f64, side: u32| index(v / f64::from(side) * SPREAD_CELLS as f64).min(SPREAD_CELLS - 1);
    // How far the points spread is kept beside their number: many titles share one banner, and its
    // points alone can be many.
    let mut cells = [false; SPREAD_CELLS * SPREAD_CELLS];
    for &i in &fit.inliers {
        let at = points[i].0;
        cells[cell(at.y, reference.height) * SPREAD_CELLS + cell(at.x, reference.width)] = true;
    }
    let outline = check_quad(&fit.map, size(reference), size(photo)).ok()?;
    let outside = points
        .iter()
        .filter(|p| !lies_inside(&outline, p.1))
        .count();
    Some(Location {
        reference_to_photo: fit.map,
        outside,
        inliers: fit.inliers.len(),
        correspondences: pairs.len(),
        spread: cells.iter().filter(|c| **c).count() as f64 / cells.len() as f64,
        turn,
        scale,
    })
}

/// The rotations by falling number of votes.
pub(crate) fn by_votes(votes: [usize; 4]) -> [usize; 4] {
    let mut order = [0, 1, 2, 3];
    // Equal votes go by the turn itself, the upright one first.
    order.sort_by_key(|&turn| (std::cmp::Reverse(votes[turn]), turn));
    order
}
