//! The pure, synchronous core: pictures as numbers, how they are compared, and what the comparison
//! means.
//!
//! Nothing here touches files, clocks, networks or unseeded randomness, and nothing here imports
//! another module of the crate: every function gives the same answer for the same input.

pub mod appearance;
pub mod averaging;
pub mod calibration;
pub mod camera;
pub mod colour;
pub mod edits;
pub mod embedding;
pub mod features;
pub mod fingerprint;
pub mod fusion;
pub mod gallery;
pub mod geometry;
pub mod light;
pub mod linear;
pub mod marks;
pub mod matching;
pub mod quality;
pub mod random;
pub mod raster;
pub mod rates;
pub mod rectify;
pub mod score;
pub mod text;
pub mod variation;
pub mod verdict;
pub mod windows;
