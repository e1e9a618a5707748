//! A picture as numbers: pixels, their quality, and the same pixels from another point of view or
//! in another light.

pub(crate) mod averaging;
pub(crate) mod copy;
pub mod illumination;
pub mod quality;
pub mod raster;
pub mod rectify;
mod register;
