//! One file per resource.

pub mod brands;
pub mod checks;
pub mod genuine_photos;
pub mod openapi;
pub mod products;
pub mod references;
pub mod self_test;
pub mod system;
