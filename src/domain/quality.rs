//! Is the photo good enough to be compared at all: size, sharpness, exposure.

use super::raster::Raster;

/// Measured quality of one photo; each figure is comparable between photos of any size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The shorter side in pixels.
    pub short_side_px: u32,
    /// Share of the strong edges' contrast that is reached within one pixel at 480 px, 0 to 1; low is blurred.
    pub sharpness: f64,
    /// Mean grey value, 0 (black) to 1 (white).
    pub exposure: f64,
    /// Share of pixels with a channel at either end of its range, 0 to 1.
    pub clipped: f64,
}
