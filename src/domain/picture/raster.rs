//! Upright RGB8 pixels: the only image type the core knows.

use std::sync::Arc;

use crate::domain::{geometry::Rect, number::index};

/// An upright picture: `height` rows of `width` pixels of 3 bytes (R, G, B), row-major, no padding
/// (hwc).
///
/// Cloning shares the pixels.
#[derive(Clone, PartialEq, Eq)]
pub struct Raster {
    width: u32,
    height: u32,
    /// Behind a pointer of its own, so that a decoded photo is taken over rather than copied.
    pixels: Arc<Vec<u8>>,
}

impl std::fmt::Debug for Raster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Raster({}x{})", self.width, self.height)
    }
}

/// The pixel buffer does not fit the sides it is said to have.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("a raster of {width}x{height} needs {} bytes, got {bytes}", (*width as usize) * (*height as usize) * 3)]
pub struct RasterSizeError {
    /// Claimed width in pixels.
    pub width: u32,
    /// Claimed height in pixels.
    pub height: u32,
    /// Bytes given.
    pub bytes: usize,
}

impl Raster {
    /// Takes `pixels` in hwc order; both sides must be at least 1 and the buffer
    /// `width * height * 3` bytes.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, RasterSizeError> {
        // Places are clamped to the last pixel elsewhere: there must be one.
        if width == 0 || height == 0 || pixels.len() != width as usize * height as usize * 3 {
            return Err(RasterSizeError {
                width,
                height,
                bytes: pixels.len(),
            });
        }
        Ok(Self {
            width,
            height,
            pixels: Arc::new(pixels),
        })
    }

    /// Builds a picture pixel by pixel; `colour_at(x, y)` is called row by row. Sides of 0 are
    /// raised to 1.
    pub fn from_fn(
        width: u32,
        height: u32,
        mut colour_at: impl FnMut(u32, u32) -> [u8; 3],
    ) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
        for y in 0..height {
            for x in 0..width {
                pixels.extend_from_slice(&colour_at(x, y));
            }
        }
        Self {
            width,
            height,
            pixels: Arc::new(pixels),
        }
    }

    /// Width in pixels.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The longer side in pixels.
    pub fn long_side(&self) -> u32 {
        self.width.max(self.height)
    }

    /// All bytes in hwc order.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// The pixel at column `x` and row `y`, both clamped to the picture.
    pub fn at(&self, x: u32, y: u32) -> [u8; 3] {
        let (x, y) = (
            x.min(self.width - 1) as usize,
            y.min(self.height - 1) as usize,
        );
        let i = (y * self.width as usize + x) * 3;
        [self.pixels[i], self.pixels[i + 1], self.pixels[i + 2]]
    }

    /// Mean of each channel, 0 to 255, over the square of `side` pixels from `(x, y)` on, which
    /// lies inside the picture.
    pub fn square_mean(&self, x: u32, y: u32, side: u32) -> [f64; 3] {
        let (x, y, length) = (x as usize, y as usize, side as usize);
        // Whole numbers hold a square's sum exactly: no order of adding changes it.
        let mut sums = [0_u32; 3];
        for row in self
            .pixels
            .chunks_exact(self.width as usize * 3)
            .skip(y)
            .take(length)
        {
            let line = row[x * 3..(x + length) * 3].chunks_exact(3);
            line.for_each(|pixel| {
                sums.iter_mut()
                    .zip(pixel)
                    .for_each(|(sum, v)| *sum += u32::from(*v))
            });
        }
        sums.map(|sum| f64::from(sum) / f64::from(side * side))
    }

    /// A copy of `part`, cut to what lies inside; at least 1x1.
    pub fn crop(&self, part: Rect) -> Self {
        let [x, y, width, height] = part.to_xywh();
        // A part that lies outside gives the nearest pixels, so that the result is never empty.
        let (x, y) = (x.min(self.width - 1), y.min(self.height - 1));
        let (width, height) = (
            width.clamp(1, self.width - x),
            height.clamp(1, self.height - y),
        );
        let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
        for row in y..y + height {
            let start = (row as usize * self.width as usize + x as usize) * 3;
            pixels.extend_from_slice(&self.pixels[start..start + width as usize * 3]);
        }
        Self {
            width,
            height,
            pixels: Arc::new(pixels),
        }
    }

    /// The picture turned by `quarter_turns` times 90 degrees counter-clockwise (as `numpy.rot90`
    /// does).
    pub fn rotated(&self, quarter_turns: u8) -> Self {
        let (w, h) = (self.width, self.height);
        match quarter_turns % 4 {
            0 => self.clone(),
            1 => Self::from_fn(h, w, |x, y| self.at(w - 1 - y, x)),
            2 => Self::from_fn(w, h, |x, y| self.at(w - 1 - x, h - 1 - y)),
            _ => Self::from_fn(h, w, |x, y| self.at(y, h - 1 - x)),
        }
    }

    /// Grey plane in 0 to 255: the mean of R, G and B.
    pub fn grey(&self) -> Plane {
        let data = self
            .pixels
            .chunks_exact(3)
            // The plain mean and not luma, in which blue print would all but vanish.
            .map(|p| (f32::from(p[0]) + f32::from(p[1]) + f32::from(p[2])) / 3.0);
        Plane {
            width: self.width as usize,
            height: self.height as usize,
            data: data.collect(),
        }
    }
}

/// A plane of `height` rows of `width` real values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Plane {
    /// Columns.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `width * height` values, row by row.
    pub data: Vec<f32>,
}

impl Plane {
    /// A plane filled with `value`.
    pub fn filled(width: usize, height: usize, value: f32) -> Self {
        Self {
            width,
            height,
            data: vec![value; width * height],
        }
    }

    /// The value at column `x`, row `y`; panics outside the plane.
    pub fn at(&self, x: usize, y: usize) -> f32 {
        self.data[y * self.width + x]
    }

    /// Gaussian smoothing with standard deviation `sigma` in pixels, borders repeated.
    pub fn smoothed(&self, sigma: f32) -> Self {
        // Beyond three deviations a Gaussian weighs next to nothing.
        let reach = index((3.0 * sigma).ceil());
        let kernel: Vec<f32> = (0..=2 * reach)
            .map(|place| place as f32 - reach as f32)
            .map(|d| (-(d * d) / (2.0 * sigma * sigma)).exp())
            .collect();
        // A kernel that ends sums to a little less than 1: without this, pictures would darken.
        let total: f32 = kernel.iter().sum();
        let (width, height) = (self.width.max(1), self.height);
        // Whole rows at a time: the compiler takes several values at once then.
        let add = |to: &mut [f32], from: &[f32], weight: f32| {
            to.iter_mut().zip(from).for_each(|(t, f)| *t += weight * f)
        };
        // Across and then down: a Gaussian falls apart into both, which is far fewer products.
        let mut across = Self::filled(self.width, height, 0.0);
        let mut line = vec![0.0; width + 2 * reach];
        for (from, to) in self
            .data
            .chunks_exact(width)
            .zip(across.data.chunks_exact_mut(width))
        {
            // Borders stand in the line itself: the loop over it needs no bounds.
            line[..reach].fill(from[0]);
            line[reach..reach + width].copy_from_slice(from);
            line[reach + width..].fill(from[width - 1]);
            kernel
                .iter()
                .enumerate()
                .for_each(|(d, weight)| add(to, &line[d..], *weight));
            to.iter_mut().for_each(|v| *v /= total);
        }
        let mut out = Self::filled(self.width, height, 0.0);
        for (y, to) in out.data.chunks_exact_mut(width).enumerate() {
            for (d, weight) in kernel.iter().enumerate() {
                let row = (y + d).saturating_sub(reach).min(height - 1);
                add(to, &across.data[row * width..], *weight);
            }
            to.iter_mut().for_each(|v| *v /= total);
        }
        out
    }
}

/// A picture with edges of every size, for tests.
#[cfg(test)]
pub fn texture(w: u32, h: u32) -> Raster {
    Raster::from_fn(w, h, |x, y| {
        let v = ((f64::from(x) * 0.37).sin()
            + (f64::from(y) * 0.29).cos()
            + (f64::from(x * y) * 0.011).sin())
            * 38.0
            + 120.0;
        [v, v * 0.8, 220.0 - v * 0.5].map(crate::domain::number::level)
    })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "the same sum gives the same bits")]

    use super::*;

    fn numbered(w: u32, h: u32) -> Raster {
        Raster::from_fn(w, h, |x, y| [x as u8, y as u8, 0])
    }

    #[test]
    fn a_buffer_of_the_wrong_size_is_refused() {
        assert!(Raster::new(2, 2, vec![0; 11]).is_err());
        assert!(Raster::new(0, 2, vec![]).is_err());
    }

    #[test]
    fn rotation_is_counter_clockwise_and_four_turns_restore() {
        let r = numbered(3, 2);
        let once = r.rotated(1);
        assert_eq!((once.width(), once.height()), (2, 3));
        assert_eq!(once.at(0, 0), r.at(2, 0));
        assert_eq!(once.rotated(1), r.rotated(2));
        assert_eq!(once.rotated(3), r);
    }

    #[test]
    fn a_crop_is_cut_to_the_picture() {
        let c = numbered(4, 4).crop(Rect::from_size(3, 2, 9, 9));
        assert_eq!((c.width(), c.height(), c.at(0, 0)), (1, 2, [3, 2, 0]));
    }

    #[test]
    fn a_square_has_the_mean_of_its_pixels() {
        let picture = numbered(5, 6);
        assert_eq!(picture.square_mean(1, 2, 3), [2.0, 3.0, 0.0]);
        assert_eq!(picture.square_mean(0, 0, 2), [0.5, 0.5, 0.0]);
        assert_eq!(picture.square_mean(4, 5, 1), [4.0, 5.0, 0.0]);
    }

    #[test]
    fn smoothing_is_a_weighted_mean_of_the_neighbours_borders_repeated() {
        let plane = texture(23, 9).grey();
        let found = plane.smoothed(1.2);
        let weight = |d: isize| (-(d * d) as f64 / (2.0 * 1.2 * 1.2)).exp();
        let places = || (-4..=4_isize).flat_map(|dy| (-4..=4_isize).map(move |dx| (dx, dy)));
        let total: f64 = places().map(|(dx, dy)| weight(dx) * weight(dy)).sum();
        for (i, found) in found.data.iter().enumerate() {
            let (x, y) = ((i % 23) as isize, (i / 23) as isize);
            let value = |(dx, dy): (isize, isize)| {
                let at = plane.at(
                    (x + dx).clamp(0, 22) as usize,
                    (y + dy).clamp(0, 8) as usize,
                );
                weight(dx) * weight(dy) * f64::from(at)
            };
            let expected = places().map(value).sum::<f64>() / total;
            assert!(
                (f64::from(*found) - expected).abs() < 1e-3,
                "{x},{y}: {found} instead of {expected}"
            );
        }
    }

    #[test]
    fn smoothing_keeps_a_constant() {
        let p = Plane::filled(7, 5, 3.0).smoothed(1.0);
        assert!(p.data.iter().all(|v| (v - 3.0).abs() < 1e-5));
    }
}
