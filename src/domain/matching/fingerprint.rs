//! Perceptual fingerprints: might this be the very same picture, re-encoded or resized?
//!
//! Difference hashes (Krawetz, "Kind of like that", 2013) of rows and of columns over an 8x8 grid.
//! Re-encoding and resizing change next to no bit; another photo of the same article changes
//! dozens.

use crate::domain::{averaging::averaged, raster::Raster, tuning::fingerprint::LEAST_STEP};

/// Perceptual fingerprint of a whole picture (64-bit difference hashes of rows and columns).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// Sign of the change between horizontal neighbours of an 8x8 grid.
    pub horizontal: u64,
    /// Sign of the change between vertical neighbours of an 8x8 grid.
    pub vertical: u64,
}

/// Cells of the grid in each direction.
const GRID: usize = 8;

/// The fingerprint of a whole picture.
pub fn fingerprint(raster: &Raster) -> Fingerprint {
    let [upright, _] = fingerprints(raster);
    upright
}

/// The fingerprints of a whole picture and of its mirror image.
// From the same cells: only the averaging walks over all pixels.
pub(crate) fn fingerprints(raster: &Raster) -> [Fingerprint; 2] {
    let (wide, high) = (
        // One cell more in the direction of the steps: eight steps have nine cells.
        averaged(raster, GRID + 1, GRID),
        averaged(raster, GRID, GRID + 1),
    );
    let mut prints = [Fingerprint {
        horizontal: 0,
        vertical: 0,
    }; 2];
    for y in 0..GRID {
        for x in 0..GRID {
            let bit = 1_u64 << (y * GRID + x);
            // Steps rather than levels: another exposure of the same picture keeps them.
            let rises = |from: f32, to: f32| to > from + LEAST_STEP;
            let last = GRID - 1 - x;
            let across = [
                rises(wide.at(x, y), wide.at(x + 1, y)),
                rises(wide.at(last + 1, y), wide.at(last, y)),
            ];
            let down = [x, last].map(|x| rises(high.at(x, y), high.at(x, y + 1)));
            for (print, (across, down)) in prints.iter_mut().zip(across.into_iter().zip(down)) {
                print.horizontal |= if across { bit } else { 0 };
                print.vertical |= if down { bit } else { 0 };
            }
        }
    }
    prints
}

impl Fingerprint {
    /// Bits in which the two differ, 0 (the same picture) to 128.
    pub fn distance(&self, other: &Self) -> u32 {
        (self.horizontal ^ other.horizontal).count_ones()
            + (self.vertical ^ other.vertical).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(width: u32, height: u32, seed: f64) -> Raster {
        Raster::from_fn(width, height, |x, y| {
            let (u, v) = (
                (f64::from(x) + 0.5) / f64::from(width),
                (f64::from(y) + 0.5) / f64::from(height),
            );
            let wave =
                (u * 9.0 + seed).sin() + (v * 7.0 - seed * 2.0).sin() + (u * v * 20.0 + seed).cos();
            [(127.0 + 40.0 * wave) as u8, (120.0 + 38.0 * wave) as u8, 60]
        })
    }

    #[test]
    fn a_resized_copy_keeps_its_fingerprint() {
        let print = fingerprint(&scene(500, 700, 0.3));
        for (w, h) in [(250, 350), (1000, 1400), (123, 173), (36, 50)] {
            assert!(
                print.distance(&fingerprint(&scene(w, h, 0.3))) <= 4,
                "{w}x{h}"
            );
        }
    }

    #[test]
    fn another_picture_has_another() {
        let print = fingerprint(&scene(500, 700, 0.3));
        assert!(print.distance(&fingerprint(&scene(500, 700, 1.9))) > 24);
        assert!(print.distance(&fingerprint(&scene(500, 700, 0.3).rotated(2))) > 24);
    }

    #[test]
    fn a_brighter_copy_keeps_its_fingerprint() {
        let picture = scene(300, 300, 1.0);
        let brighter = Raster::from_fn(300, 300, |x, y| {
            picture.at(x, y).map(|v| v.saturating_add(20))
        });
        assert!(fingerprint(&picture).distance(&fingerprint(&brighter)) <= 2);
    }

    #[test]
    fn the_mirror_image_is_known_without_drawing_it() {
        // Plain in parts, where a step is neither up nor down.
        let waves = scene(180, 240, 0.7);
        let picture = Raster::from_fn(180, 240, |x, y| match (x < 70, y < 90) {
            (true, true) => [90; 3],
            _ => waves.at(x, y),
        });
        let mirrored = Raster::from_fn(180, 240, |x, y| picture.at(179 - x, y));
        let [upright, other] = fingerprints(&picture);
        assert!(upright.distance(&other) > 24);
        assert!(other.distance(&fingerprint(&mirrored)) <= 2);
    }

    #[test]
    fn a_flat_picture_has_no_bits() {
        let flat = fingerprint(&Raster::from_fn(33, 21, |_, _| [77; 3]));
        assert_eq!(
            flat,
            Fingerprint {
                horizontal: 0,
                vertical: 0
            }
        );
    }
}
