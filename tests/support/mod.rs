//! What several tests build on: records with one obvious value each, and eyes that need no model.

pub mod app;
pub mod records;
pub mod vision;
