//! Homographies: fitting them robustly to correspondences, and judging whether one is believable.
//!
//! The estimator is MAGSAC++ (Barath, Noskova, Ivashechkin, Matas, "MAGSAC++, a fast, reliable and
//! accurate robust estimator", CVPR 2020): instead of one inlier threshold it marginalises over the
//! noise scale, so that it needs no tuned threshold and every point has a weight. Samples are drawn
//! in PROSAC order from a seeded generator, hence the same input always gives the same answer.

pub(crate) mod linear;
mod magsac;
pub mod number;
mod overlap;
mod projective;
pub(crate) mod random;
mod rect;
mod sanity;

pub use magsac::{MagsacOptions, RobustFit, fit_homography};
pub use overlap::{common_area, intersection_over_union, lies_inside};
pub use projective::{Homography, Point};
pub use rect::Rect;
pub use sanity::{QuadProblem, check_quad, quad_area};
