//! Is the photo good enough to be compared at all: size, sharpness, exposure.
//!
//! Sharpness follows the edge-width measure of Marziliano, Dufaux, Winkler and Ebrahimi ("A
//! no-reference perceptual blur metric", ICIP 2002): an edge is followed from one local extreme to
//! the next, across rows and across columns. Instead of its width in pixels we take the share of
//! its contrast that its steepest pixel step reaches, which is about 0.4 over the standard
//! deviation of a Gaussian blur and needs no threshold where the edge fades out.

use crate::domain::{
    averaging::averaged,
    number::index,
    raster::{Plane, Raster},
    tuning::quality::{
        ANALYSED_SIDE_PX, CLIP_MARGIN, FEWEST_EDGES, LEAST_CONTRAST, NOISE_STEP, REACH,
        STRONG_SHARE,
    },
};

/// Measured quality of one photo; each figure is comparable between photos of any size.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Quality {
    /// The shorter side in pixels.
    pub short_side_px: u32,
    /// Share of the strong edges' contrast that is reached within one pixel at 480 px, 0 to 1; low
    /// is blurred. Of the two directions the worse counts, so that motion blur shows. 0 for a
    /// picture without edges.
    pub sharpness: f64,
    /// Mean grey value, 0 (black) to 1 (white).
    pub exposure: f64,
    /// Share of pixels that are quite white or quite black, hence hold nothing, 0 to 1.
    pub clipped: f64,
}

/// Measures a photo.
pub fn measure(raster: &Raster) -> Quality {
    // Never enlarged: that would only blur, and a small picture look worse than it is.
    let shrink = f64::from(ANALYSED_SIDE_PX) / f64::from(raster.long_side().max(ANALYSED_SIDE_PX));
    let side = |pixels: u32| index((f64::from(pixels) * shrink).round()).max(1);
    let plane = averaged(raster, side(raster.width()), side(raster.height()));
    let clipped = raster
        .pixels()
        .chunks_exact(3)
        .filter(|p| is_clipped(p))
        .count();
    let mean = plane.data.iter().map(|&v| f64::from(v)).sum::<f64>() / plane.data.len() as f64;
    Quality {
        short_side_px: raster.width().min(raster.height()),
        sharpness: sharpness(&plane),
        exposure: (mean / 255.0).clamp(0.0, 1.0),
        clipped: clipped as f64 / (raster.pixels().len() / 3) as f64,
    }
}

fn is_clipped(pixel: &[u8]) -> bool {
    // Without a branch: photos have millions of pixels.
    let (low, high) = pixel
        .iter()
        .fold((u8::MAX, 0), |(low, high): (u8, u8), &v| {
            (low.min(v), high.max(v))
        });
    (low >= 255 - CLIP_MARGIN) | (high <= CLIP_MARGIN)
}

fn sharpness(plane: &Plane) -> f64 {
    let across_columns = edges(plane);
    let across_rows = edges(&transposed(plane));
    let contrasts = across_columns
        .iter()
        .chain(&across_rows)
        .map(|e| e.contrast)
        .collect();
    // Relative to the picture, so that a pale print is judged by its own best edges; the floor
    // keeps noise out.
    let strong = (quantile(contrasts, 0.95) * STRONG_SHARE).max(LEAST_CONTRAST);
    let directions = [across_columns, across_rows].map(|edges| {
        let shares: Vec<f32> = edges
            .iter()
            .filter(|e| e.contrast >= strong)
            .map(|e| e.step / e.contrast)
            .collect();
        // Not the mean: letters on a soft background are sharp at their best edges only.
        (shares.len(), quantile(shares, 0.75))
    });
    let judged = directions
        .iter()
        .filter(|d| d.0 >= FEWEST_EDGES)
        .map(|d| d.1)
        // A shaken hand blurs one direction: the other would hide it.
        .min_by(f32::total_cmp);
    // With next to no edges the direction that has more of them is the better guess.
    let guess = directions.iter().max_by_key(|d| d.0).map_or(0.0, |d| d.1);
    f64::from(judged.unwrap_or(guess)).clamp(0.0, 1.0)
}

/// One edge crossed along a row.
struct Edge {
    /// Grey levels from one end to the other.
    contrast: f32,
    /// Grey levels of the steepest step between neighbouring pixels.
    step: f32,
}

/// The edges met along the rows, where the change along the row is the larger one: an edge crossed
/// at a slant looks wider than it is.
fn edges(plane: &Plane) -> Vec<Edge> {
    let mut found = Vec::new();
    let width = plane.width;
    let mut crossed = vec![false; width.saturating_sub(3)];
    for y in 1..plane.height.saturating_sub(1) {
        let [above, row, below] = [y - 1, y, y + 1].map(|y| &plane.data[y * width..][..width]);
        // All places of a row first and without a branch: few of them are edges.
        for (i, crossed) in crossed.iter_mut().enumerate() {
            let [before, step, after] = [0, 1, 2].map(|by| (row[i + by + 1] - row[i + by]).abs());
            let slant = (below[i + 1] - above[i + 1]).abs();
            *crossed = (step > before)
                // Of two equal steps only one counts, hence once 'more' and once 'at least'.
                & (step >= after)
                & (step * 4.0 >= LEAST_CONTRAST / REACH as f32)
                & (slant <= step);
        }
        for x in crossed
            .iter()
            .enumerate()
            .filter(|(_, crossed)| **crossed)
            .map(|(i, _)| i + 1)
        {
            let step = row[x + 1] - row[x];
            let sign = step.signum();
            let right = follow(&row[x + 1..], sign);
            let left = follow_back(&row[..=x], sign);
            // On both sides of the steepest step: an edge is as high as all of its slope.
            found.push(Edge {
                contrast: step.abs() + right + left,
                step: step.abs(),
            });
        }
    }
    found
}

/// Grey levels gained in the direction of `sign` from the first value on, until the values turn
/// back.
fn follow(values: &[f32], sign: f32) -> f32 {
    gain(values.iter().take(REACH + 1).map(|v| v * sign))
}

/// The same leftwards from the last value, against the direction of `sign`.
fn follow_back(values: &[f32], sign: f32) -> f32 {
    gain(values.iter().rev().take(REACH + 1).map(|v| -v * sign))
}

fn gain(mut values: impl Iterator<Item = f32>) -> f32 {
    let Some(first) = values.next() else {
        return 0.0;
    };
    let mut top = first;
    for value in values {
        if value < top - NOISE_STEP {
            break;
        }
        // Noise within a slope is no end of it.
        top = top.max(value);
    }
    top - first
}

fn transposed(plane: &Plane) -> Plane {
    let mut out = Plane::filled(plane.height, plane.width, 0.0);
    for y in 0..plane.height {
        for x in 0..plane.width {
            out.data[x * plane.height + y] = plane.at(x, y);
        }
    }
    out
}

/// The value below which a share `q` of the values lies; 0 without values.
fn quantile(mut values: Vec<f32>, q: f64) -> f32 {
    if values.is_empty() {
        return 0.0;
    }
    let at = index(((values.len() - 1) as f64 * q).round());
    // One value is asked for: sorting all would take longer.
    *values.select_nth_unstable_by(at, f32::total_cmp).1
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Blocks of many sizes and greys, as on a pack; `amount` of them.
    fn pack(amount: u32) -> Raster {
        let mut state = 7_u32;
        let mut next = move |below: u32| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) % below
        };
        let blocks: Vec<[u32; 5]> = (0..amount)
            .map(|_| [next(460), next(340), 5 + next(60), 5 + next(60), next(256)])
            .collect();
        Raster::from_fn(480, 360, |x, y| {
            let inside =
                |b: &&[u32; 5]| x >= b[0] && x < b[0] + b[2] && y >= b[1] && y < b[1] + b[3];
            [blocks.iter().rev().find(inside).map_or(128, |b| b[4] as u8); 3]
        })
    }

    fn from_plane(plane: &Plane) -> Raster {
        Raster::from_fn(plane.width as u32, plane.height as u32, |x, y| {
            [plane.at(x as usize, y as usize).round() as u8; 3]
        })
    }

    fn blurred(raster: &Raster, sigma: f32) -> Raster {
        from_plane(&raster.grey().smoothed(sigma))
    }

    fn shaken(raster: &Raster, length: u32) -> Raster {
        Raster::from_fn(raster.width(), raster.height(), |x, y| {
            let sum: u32 = (0..length).map(|d| u32::from(raster.at(x + d, y)[0])).sum();
            [(sum / length) as u8; 3]
        })
    }

    fn noisy(raster: &Raster) -> Raster {
        let mut state = 1_u32;
        Raster::from_fn(raster.width(), raster.height(), |x, y| {
            // The sum of four even ones: nearly normal, standard deviation 5.
            let noise: i32 = (0..4)
                .map(|_| {
                    state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    (state >> 24) as i32 % 9 - 4
                })
                .sum();
            raster
                .at(x, y)
                .map(|v| (i32::from(v) + noise).clamp(0, 255) as u8)
        })
    }

    #[test]
    fn blur_lowers_sharpness_step_by_step() {
        let sharp = pack(200);
        let values: Vec<f64> = [0.6, 1.0, 1.5, 2.0, 3.0, 4.0]
            .map(|s| measure(&blurred(&sharp, s)).sharpness)
            .into();
        assert!(measure(&sharp).sharpness > 0.95);
        assert!(values.windows(2).all(|w| w[1] < w[0] * 0.95), "{values:?}");
    }

    #[test]
    fn sharpness_is_what_a_gaussian_edge_promises() {
        for sigma in [1.0, 2.0, 3.0] {
            let got = measure(&blurred(&pack(20), sigma)).sharpness;
            let want = 0.3989 / f64::from(sigma);
            assert!(
                (got - want).abs() < 0.25 * want,
                "sigma {sigma}: {got} is far from {want}"
            );
        }
    }

    #[test]
    fn motion_in_one_direction_counts_though_the_other_stays_sharp() {
        let sharp = pack(200);
        let values: Vec<f64> = [3, 6, 10]
            .map(|l| measure(&shaken(&sharp, l)).sharpness)
            .into();
        assert!(
            values[0] < 0.5 && values[1] < 0.3 && values[2] < values[1],
            "{values:?}"
        );
    }

    #[test]
    fn the_amount_of_content_and_moderate_noise_matter_little() {
        for sigma in [1.0, 2.5] {
            let much = measure(&blurred(&pack(300), sigma)).sharpness;
            let little = measure(&blurred(&pack(12), sigma)).sharpness;
            let noise = measure(&noisy(&blurred(&pack(300), sigma))).sharpness;
            assert!((much - little).abs() < 0.25 * much, "{much} {little}");
            assert!((much - noise).abs() < 0.35 * much, "{much} {noise}");
        }
    }

    #[test]
    fn a_larger_picture_of_the_same_thing_measures_alike() {
        let small = blurred(&pack(100), 2.0);
        let large = Raster::from_fn(1440, 1080, |x, y| small.at(x / 3, y / 3));
        let (a, b) = (measure(&small), measure(&large));
        assert!(
            (a.sharpness - b.sharpness).abs() < 0.01 && (a.exposure - b.exposure).abs() < 0.001
        );
        assert_eq!((a.short_side_px, b.short_side_px), (360, 1080));
    }

    #[test]
    fn flat_and_tiny_pictures_have_no_sharpness() {
        for (w, h) in [(1, 1), (2, 1), (1, 9), (3, 3), (600, 1), (640, 480)] {
            let quality = measure(&Raster::from_fn(w, h, |_, _| [90; 3]));
            assert_eq!((quality.sharpness, quality.clipped), (0.0, 0.0));
            assert!((quality.exposure - 90.0 / 255.0).abs() < 1e-6);
        }
    }

    #[test]
    fn white_and_black_are_clipped_and_strong_colours_are_not() {
        let thirds = [[255; 3], [0; 3], [255, 0, 0]];
        let quality = measure(&Raster::from_fn(300, 20, |x, _| thirds[(x / 100) as usize]));
        assert!((quality.clipped - 2.0 / 3.0).abs() < 1e-9);
    }
}
