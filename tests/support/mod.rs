//! What several tests build on: records with one obvious value each, and eyes that need no model.

pub mod app;
pub mod process;
pub mod records;
#[cfg(feature = "cluster")]
pub mod servers;
pub mod vision;
