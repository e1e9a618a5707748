//! What pictures are found by: whole-image vectors, local descriptors, fingerprints.

pub(crate) mod descriptors;
pub mod embedding;
pub(crate) mod embedding_index;
pub mod features;
pub mod fingerprint;
