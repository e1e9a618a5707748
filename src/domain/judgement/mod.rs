//! What a comparison means: scores fused, weighed against genuine photos, and named.

pub mod calibration;
pub mod fusion;
pub mod rates;
pub mod variation;
pub mod verdict;
