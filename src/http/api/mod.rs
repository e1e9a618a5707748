//! One file per resource.

pub(crate) mod audit;
pub(crate) mod authorised_photos;
pub(crate) mod brands;
pub(crate) mod calibrations;
pub(crate) mod checks;
pub(crate) mod edition;
pub(crate) mod genuine_photos;
pub(crate) mod openapi;
pub(crate) mod pictures;
pub(crate) mod products;
pub(crate) mod references;
pub(crate) mod reviews;
pub(crate) mod self_test;
pub(crate) mod statements;
pub(crate) mod statistics;
pub(crate) mod system;
