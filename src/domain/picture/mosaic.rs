//! Places of a picture that were made unreadable with large square pixels.
//!
//! Such squares are plain and end in steps of one pixel, upright and level, and a fixed distance
//! apart. A lens never draws that: its steps take several pixels. Sharp print that a program drew
//! has such steps too, but at many columns and rows close together.

use crate::domain::{
    geometry::Point,
    number::index,
    raster::Raster,
    tuning::mosaic::{FEWEST_STEPS, FLAT, LEAST_FLAT, LEAST_GAP, LEAST_STEP, RUN, STEEP},
};

/// Side in pixels of the tiles that a picture is taken in.
const TILE: usize = 8;
/// Tiles to a side of the windows that are judged.
const WINDOW: usize = 4;

/// What one tile shows.
#[derive(Clone, Copy, Default)]
struct Tile {
    /// Bits of the columns after which most of its rows have a step, and of such rows.
    columns: u8,
    rows: u8,
    /// Pixels that hardly differ from their neighbours to the right and below.
    flat: u32,
}

/// Tiles of a picture that lie in large square pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mosaic {
    columns: usize,
    tiles: Vec<bool>,
}

impl Mosaic {
    /// Of a picture.
    pub(crate) fn of(picture: &Raster) -> Self {
        let (columns, rows) = (
            picture.width() as usize / TILE,
            picture.height() as usize / TILE,
        );
        let seen: Vec<Tile> = (0..columns * rows)
            .map(|i| tile(picture, i % columns * TILE, i / columns * TILE))
            .collect();
        let mut tiles = vec![false; seen.len()];
        for row in 0..(rows + 1).saturating_sub(WINDOW) {
            for column in 0..(columns + 1).saturating_sub(WINDOW) {
                let lines = (row..row + WINDOW).map(|r| r * columns + column);
                if is_mosaic(lines.clone().map(|at| &seen[at..at + WINDOW])) {
                    lines.for_each(|at| tiles[at..at + WINDOW].fill(true));
                }
            }
        }
        Self {
            columns: columns.max(1),
            tiles,
        }
    }

    /// Whether a place (pixels of the picture) lies in such squares.
    pub(crate) fn covers(&self, at: Point) -> bool {
        let (column, row) = (index(at.x.max(0.0)) / TILE, index(at.y.max(0.0)) / TILE);
        column < self.columns && self.tiles.get(row * self.columns + column) == Some(&true)
    }
}

/// Whether a window of tiles, line by line, shows large squares.
fn is_mosaic<'a>(lines: impl Iterator<Item = &'a [Tile]>) -> bool {
    let (mut columns, mut rows, mut flat) = (0_u64, 0_u64, 0);
    for (r, line) in lines.enumerate() {
        for (c, tile) in line.iter().enumerate() {
            columns |= u64::from(tile.columns) << (c * TILE);
            rows |= u64::from(tile.rows) << (r * TILE);
            flat += tile.flat;
        }
    }
    let pixels = (WINDOW * WINDOW * TILE * TILE) as f64;
    let steps = columns.count_ones() + rows.count_ones();
    columns != 0
        && rows != 0
        && steps >= FEWEST_STEPS
        && f64::from(flat) >= LEAST_FLAT * pixels
        && is_wide(columns)
        && is_wide(rows)
}

/// Whether all set bits lie far apart.
fn is_wide(bits: u64) -> bool {
    (1..LEAST_GAP).all(|by| bits & (bits >> by) == 0)
}

fn tile(picture: &Raster, x: usize, y: usize) -> Tile {
    let (width, last) = (picture.width() as usize, picture.pixels().len() / 3 - 1);
    // Green alone: it carries most of the brightness, and all of it would take three times as long.
    let value = |i: usize| i32::from(picture.pixels()[i.min(last) * 3 + 1]);
    let (mut across, mut down) = ([0_u8; TILE], [0_u8; TILE]);
    let mut flat = 0;
    for (v, down) in down.iter_mut().enumerate() {
        for (u, across) in across.iter_mut().enumerate() {
            let at = (y + v) * width + x + u;
            let step = |by: usize| {
                let here = (value(at + by) - value(at)).abs();
                // Before and after a step of one pixel nothing changes.
                let before = (value(at) - value(at.saturating_sub(by))).abs();
                let after = (value(at + 2 * by) - value(at + by)).abs();
                (
                    here,
                    here >= LEAST_STEP && STEEP * before.max(after) <= here,
                )
            };
            let ((right, is_right), (below, is_below)) = (step(1), step(width));
            *across += u8::from(is_right);
            *down += u8::from(is_below);
            flat += u32::from(right.max(below) <= FLAT);
        }
    }
    let bits = |counts: [u8; TILE]| {
        let set = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count >= RUN);
        set.fold(0, |bits, (i, _)| bits | 1 << i)
    };
    Tile {
        columns: bits(across),
        rows: bits(down),
        flat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::raster::texture;

    #[test]
    fn large_square_pixels_are_found_and_what_is_around_them_is_not() {
        let print = texture(320, 240);
        let photo = Raster::from_fn(320, 240, |x, y| {
            let inside = (96..240).contains(&x) && (60..150).contains(&y);
            if inside {
                print.at(x / 15 * 15 + 7, y / 15 * 15 + 7)
            } else {
                print.at(x, y)
            }
        });
        let mosaic = Mosaic::of(&photo);
        let at = |x: f64, y: f64| mosaic.covers(Point::new(x, y));
        assert!(at(160.0, 100.0) && at(120.0, 90.0) && at(220.0, 130.0));
        assert!(!at(40.0, 100.0) && !at(160.0, 200.0) && !at(-3.0, 900.0));
        assert!(!Mosaic::of(&print).tiles.contains(&true));
    }

    #[test]
    fn sharp_letters_that_a_program_drew_are_no_mosaic() {
        let letters = Raster::from_fn(320, 240, |x, y| {
            let (u, v) = (x % 12, y % 20);
            [if v < 14 && (u < 3 || (v / 4 == 1 && u < 9)) {
                20
            } else {
                230
            }; 3]
        });
        assert!(!Mosaic::of(&letters).tiles.contains(&true));
    }
}
