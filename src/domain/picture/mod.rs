//! A picture as numbers: pixels, their quality, and the same pixels from another point of view or
//! in another light.

pub(crate) mod averaging;
pub mod bend;
pub(crate) mod copy;
pub mod illumination;
pub(crate) mod mosaic;
pub mod quality;
pub mod raster;
pub mod rectify;
mod register;
pub(crate) mod repeated;
