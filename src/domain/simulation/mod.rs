//! Photos made up for a self-test: prints edited by kind and photographed by a simulated camera.

pub(crate) mod camera;
pub(crate) mod edits;
