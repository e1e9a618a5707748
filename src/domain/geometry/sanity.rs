//! Is the outline that a homography gives a believable picture of a flat rectangle?

use super::{Homography, Point};
use crate::domain::tuning::fit::{
    LARGEST_OUTLINE, MOST_ASPECT, MOST_PERSPECTIVE, SMALLEST_OUTLINE,
};

/// Why an outline is not believable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QuadProblem {
    /// A corner is not finite, or lies behind the camera.
    NotFinite,
    /// The outline is mirrored or crosses itself.
    NotConvex,
    /// Too small or too large a share of the photo.
    Area,
    /// Opposite sides differ too much in length.
    Perspective,
    /// The sides' ratio differs too much from the reference's.
    Aspect,
}

/// Signed area of a quadrilateral, positive when its corners run clockwise on the screen (y down).
pub fn quad_area(q: &[Point; 4]) -> f64 {
    (0..4)
        .map(|i| q[i].x * q[(i + 1) % 4].y - q[(i + 1) % 4].x * q[i].y)
        .sum::<f64>()
        / 2.0
}

/// The outline of a `reference` frame of (width, height) in a `photo` frame of (width, height),
/// both in pixels, if it is believable: convex, not mirrored, of plausible area, perspective and
/// aspect.
pub fn check_quad(
    reference_to_photo: &Homography,
    reference: (f64, f64),
    photo: (f64, f64),
) -> Result<[Point; 4], QuadProblem> {
    let (w, h) = reference;
    let corners = [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)].map(|(x, y)| Point::new(x, y));
    // The sign of the projective weight must not change over the rectangle, or the horizon runs
    // through it.
    let m = &reference_to_photo.0;
    let weights = corners.map(|p| m[6] * p.x + m[7] * p.y + m[8]);
    if !weights.iter().all(|w| w.is_finite()) || weights.iter().any(|w| w * weights[0] <= 0.0) {
        return Err(QuadProblem::NotFinite);
    }
    let q = corners.map(|p| reference_to_photo.apply(p));
    let turn = |i: usize| {
        let (a, b, c) = (q[i], q[(i + 1) % 4], q[(i + 2) % 4]);
        (b.x - a.x) * (c.y - b.y) - (b.y - a.y) * (c.x - b.x)
    };
    // NaN is neither above nor below 0: unless asked for by name it would pass.
    if (0..4).any(|i| turn(i).is_nan() || turn(i) <= 0.0) {
        return Err(QuadProblem::NotConvex);
    }
    let share = quad_area(&q) / (photo.0 * photo.1);
    if !(SMALLEST_OUTLINE..=LARGEST_OUTLINE).contains(&share) {
        return Err(QuadProblem::Area);
    }
    let side = |i: usize| q[i].distance(q[(i + 1) % 4]);
    // A side of no length must not divide by 0.
    let ratio = |a: f64, b: f64| a.max(b) / a.min(b).max(1e-9);
    if ratio(side(0), side(2)) >= MOST_PERSPECTIVE || ratio(side(1), side(3)) >= MOST_PERSPECTIVE {
        return Err(QuadProblem::Perspective);
    }
    let (seen, own) = ((side(0) + side(2)) / (side(1) + side(3)), w / h);
    if ratio(seen, own) >= MOST_ASPECT {
        return Err(QuadProblem::Aspect);
    }
    Ok(q)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFERENCE: (f64, f64) = (400.0, 640.0);
    const PHOTO: (f64, f64) = (960.0, 720.0);

    #[test]
    fn a_shifted_rectangle_is_believable() {
        let map = Homography([0.8, 0.1, 90.0, -0.1, 0.8, 80.0, 0.0, 0.0, 1.0]);
        assert!(check_quad(&map, REFERENCE, PHOTO).is_ok());
    }

    #[test]
    fn each_problem_is_named() {
        let mirrored = Homography([-1.0, 0.0, 400.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        assert_eq!(
            check_quad(&mirrored, REFERENCE, PHOTO),
            Err(QuadProblem::NotConvex)
        );
        assert_eq!(
            check_quad(&Homography::scaling(0.1, 0.1), REFERENCE, PHOTO),
            Err(QuadProblem::Area)
        );
        assert_eq!(
            check_quad(&Homography::scaling(1.6, 0.2), REFERENCE, PHOTO),
            Err(QuadProblem::Aspect)
        );
        let horizon = Homography([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, -0.002, 1.0]);
        assert_eq!(
            check_quad(&horizon, REFERENCE, PHOTO),
            Err(QuadProblem::NotFinite)
        );
        let steep = Homography([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0055, 1.0]);
        assert_eq!(
            check_quad(&steep, REFERENCE, PHOTO),
            Err(QuadProblem::Perspective)
        );
    }
}
