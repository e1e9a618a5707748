//! The pure, synchronous core: pictures as numbers, how they are compared, and what the comparison
//! means.
//!
//! Nothing here touches files, clocks, networks or unseeded randomness, and nothing here imports
//! another module of the crate: every function gives the same answer for the same input.
//!
//! | room | holds | may import |
//! | --- | --- | --- |
//! | [`digest`] | content hashes | nothing |
//! | [`score`] | one type per scale | nothing |
//! | [`tuning`] | the numbers that decide an answer and come from no model | `digest` |
//! | [`geometry`] | points, boxes, homographies and their robust fit | `tuning` |
//! | [`picture`] | pixels, their quality, other points of view and other lights | `tuning`, `geometry` |
//! | [`matching`] | vectors, descriptors and fingerprints that pictures are found by | `tuning`, `geometry`, `picture` |
//! | [`gallery`] | products and their references | `digest`, `geometry`, `matching` |
//! | [`marks`] | what cells, blocks, letters and hues of an aligned pair say | `score`, `tuning`, `geometry`, `picture` |
//! | [`judgement`] | fusion, genuine variation, calibration, verdict | `score`, `tuning`, `geometry`, `gallery`, `marks` |
//! | [`simulation`] | photos made up for a self-test | `geometry`, `picture`, `gallery` |
//!
//! A test reads this table and compares the imports between rooms with it.

pub mod digest;
pub mod gallery;
pub mod geometry;
pub(crate) mod judgement;
pub(crate) mod marks;
pub(crate) mod matching;
pub(crate) mod picture;
pub mod score;
pub(crate) mod simulation;
pub mod tuning;

// Every module is named by itself: which room it stands in matters to the domain alone.
pub use geometry::number;
pub(crate) use geometry::{linear, random};
pub use judgement::{calibration, listing, variation, verdict};
pub(crate) use judgement::{fusion, rates};
pub use marks::{appearance, cells, colour};
pub(crate) use marks::{colourless, covered, moved, silhouette, text, windows};
pub(crate) use matching::{descriptors, embedding_index};
pub use matching::{embedding, features, fingerprint};
pub(crate) use picture::{averaging, copy, mosaic, repeated};
pub use picture::{bend, illumination, quality, raster, rectify};
pub(crate) use simulation::{camera, edits};
