//! Where a photo that was located departs from its reference, place by place, for a person to look at.

use super::pair::Pair;
use crate::domain::{
    digest::Sha256,
    geometry::{Homography, Point, Rect},
    raster::{Plane, Raster},
    tuning::{appearance::FLAT, frames::GREY_SIGMA},
};
use crate::engine::{frames::unit_to_pixels, prepare::ReferencePixels, vision::Imaging};

/// As far below the mean correlation as this, a place departs in full.
const IN_FULL: f64 = 0.8;
/// As much contrast as this (standard deviation of grey, 0 to 128) on plain ground departs in full.
const PRINTED: f64 = 40.0;

/// A place of the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Its box in 0..1 of the reference.
    pub place: Rect<f64>,
    /// How far the photo departs there, 0 to 1: where the reference has print, by how much less both
    /// correlate than on the whole; where it is plain, by how much print the photo has.
    pub strength: f64,
}

/// Compares a photo with the reference that it was located by, row by row; what lies beyond the photo is
/// left out. `article` is the part of the reference that shows the article, in pixels, and
/// `reference_to_photo` maps 0..1 of the one picture to 0..1 of the other.
pub fn deviation_map(
    imaging: &mut dyn Imaging,
    (reference, article): (&Raster, Option<Rect>),
    photo: &Raster,
    reference_to_photo: Homography,
) -> Vec<Cell> {
    // Its name is for caches, and this one goes into none.
    let pixels = ReferencePixels::take(imaging, Sha256::of(&[]), reference, article);
    let Some(to_unit) = pixels.frame.from_unit.inverse() else {
        return Vec::new();
    };
    let (width, height) = (f64::from(photo.width()), f64::from(photo.height()));
    let to_photo = unit_to_pixels(width, height)
        .after(&reference_to_photo)
        .after(&to_unit);
    let pair = Pair::laid(photo, to_photo, &pixels);
    let seen = pair.lit.grey().smoothed(GREY_SIGMA);
    // Against the photo's own mean: a blurred one agrees less everywhere.
    let mean = pair.blocks.mean().unwrap_or(1.0);
    let mut cells = Vec::new();
    for (i, block) in pair.blocks.blocks.iter().enumerate() {
        let cell = pair.blocks.cell(i);
        let strength = match block {
            Some(block) => (mean - f64::from(block.correlation)) / IN_FULL,
            None if !pair.photo.shows(cell) => continue,
            None => (contrast(&seen, cell) - f64::from(FLAT)) / PRINTED,
        };
        let at = |x: u32, y: u32| {
            // Pixels have their centres at whole numbers.
            to_unit.apply(Point::new(f64::from(x) - 0.5, f64::from(y) - 0.5))
        };
        let (first, last) = (at(cell.left, cell.top), at(cell.right, cell.bottom));
        cells.push(Cell {
            place: Rect::new(first.x, first.y, last.x, last.y),
            strength: strength.clamp(0.0, 1.0),
        });
    }
    cells
}

/// Standard deviation of the grey levels of a box, 0 to 128.
fn contrast(plane: &Plane, cell: Rect) -> f64 {
    let rows = cell.top as usize..cell.bottom as usize;
    let levels = rows.flat_map(|y| {
        let start = y * plane.width;
        &plane.data[start + cell.left as usize..start + cell.right as usize]
    });
    let (mut n, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for level in levels {
        let level = f64::from(*level);
        n += 1.0;
        sum += level;
        squares += level * level;
    }
    let mean: f64 = sum / f64::max(n, 1.0);
    (squares / f64::max(n, 1.0) - mean * mean).max(0.0).sqrt()
}
