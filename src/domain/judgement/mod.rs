//! What a comparison means: scores fused, weighed against genuine photos, and named.

pub mod calibration;
pub(crate) mod fusion;
pub mod listing;
pub(crate) mod rates;
pub mod variation;
pub mod verdict;
