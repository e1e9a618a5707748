//! The light of a photo: what brings an aligned photo to its reference's, a per-channel gain with a quadratic field over
//! the frame, fitted robustly on logarithms of small squares.

use super::{linear::solve, raster::Raster, rectify::Rectified};

/// Side in pixels of the squares over which light is measured.
const LIGHT_PX: usize = 16;
/// Smallest gain of the light, its inverse the largest.
const LEAST_GAIN: f64 = 0.22;
/// Terms of the quadratic field: 1, x, y, xy, x^2, y^2.
const TERMS: usize = 6;

/// The photo with the reference's light: each channel is multiplied by a gain that varies quadratically over the
/// frame, fitted by re-weighted least squares so that real differences do not pull it.
pub fn relit(rectified: &Rectified, reference: &Raster) -> Raster {
    let photo = &rectified.raster;
    let (w, h) = (photo.width() as usize, photo.height() as usize);
    let (columns, rows) = (w / LIGHT_PX, h / LIGHT_PX);
    let mut samples = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        for column in 0..columns {
            let (x, y) = (column * LIGHT_PX, row * LIGHT_PX);
            let side = LIGHT_PX as u32;
            if !rectified.shows(x as u32, y as u32, x as u32 + side, y as u32 + side) {
                continue;
            }
            let (own, seen) = (square_means(reference, x, y), square_means(photo, x, y));
            let at = |v: usize, side: usize| 2.0 * (v as f64 + LIGHT_PX as f64 / 2.0) / side as f64 - 1.0;
            let ratios = std::array::from_fn(|c| ((own[c] + 8.0) / (seen[c] + 8.0)).ln());
            samples.push((terms(at(x, w), at(y, h)), ratios));
        }
    }
    let fields: [[f64; TERMS]; 3] = std::array::from_fn(|channel| fit_field(&samples, channel));
    let mut pixels = Vec::with_capacity(w * h * 3);
    for y in 0..h {
        let mut gains: [RowGain; 3] = std::array::from_fn(|c| RowGain::new(&fields[c], y, w, h));
        for x in 0..w as u32 {
            let pixel = photo.at(x, y as u32);
            for (gain, value) in gains.iter_mut().zip(pixel) {
                // Rounds; the cast holds it within 0 and 255.
                pixels.push(((f64::from(value) + 8.0) * gain.next() - 7.5) as u8);
            }
        }
    }
    // The loops above push exactly one pixel for each of the photo's.
    Raster::new(photo.width(), photo.height(), pixels).unwrap_or_else(|_| photo.clone())
}

/// The gains along a row, exp(a + b x + c x^2), by two multiplications a pixel.
struct RowGain {
    gain: f64,
    step: f64,
    bend: f64,
}

impl RowGain {
    fn new(field: &[f64; TERMS], y: usize, width: usize, height: usize) -> Self {
        let log = |x: f64| {
            let t = terms(2.0 * x / width as f64 - 1.0, 2.0 * y as f64 / height as f64 - 1.0);
            t.iter().zip(field).map(|(a, b)| a * b).sum::<f64>()
        };
        let (first, second, third) = (log(0.0), log(1.0), log(2.0));
        Self { gain: first.exp(), step: (second - first).exp(), bend: (third - 2.0 * second + first).exp() }
    }

    fn next(&mut self) -> f64 {
        let gain = self.gain.clamp(LEAST_GAIN, 1.0 / LEAST_GAIN);
        self.gain *= self.step;
        self.step *= self.bend;
        gain
    }
}

fn terms(x: f64, y: f64) -> [f64; TERMS] {
    [1.0, x, y, x * y, x * x, y * y]
}

/// Mean of each channel over a square.
fn square_means(raster: &Raster, x: usize, y: usize) -> [f64; 3] {
    let width = raster.width() as usize;
    let mut sums = [0_u32; 3];
    for row in y..y + LIGHT_PX {
        let line = &raster.pixels()[(row * width + x) * 3..(row * width + x + LIGHT_PX) * 3];
        for pixel in line.chunks_exact(3) {
            sums.iter_mut().zip(pixel).for_each(|(sum, v)| *sum += u32::from(*v));
        }
    }
    sums.map(|sum| f64::from(sum) / (LIGHT_PX * LIGHT_PX) as f64)
}

/// Least squares with Cauchy weights, four rounds, for one channel of the samples; a flat zero field when there are too few.
fn fit_field(samples: &[([f64; TERMS], [f64; 3])], channel: usize) -> [f64; TERMS] {
    let mut field = [0.0; TERMS];
    if samples.len() < 4 * TERMS {
        return field;
    }
    let mut weights = vec![1.0; samples.len()];
    for _ in 0..4 {
        let mut system = [[0.0; TERMS + 1]; TERMS];
        for ((t, values), w) in samples.iter().zip(&weights) {
            for i in 0..TERMS {
                (0..TERMS).for_each(|j| system[i][j] += w * t[i] * t[j]);
                system[i][TERMS] += w * t[i] * values[channel];
            }
        }
        // A little ridge keeps the field flat where the pack shows too little to tell.
        (0..TERMS).for_each(|i| system[i][i] += 1e-3 * samples.len() as f64 * if i == 0 { 1e-6 } else { 1.0 });
        let Some(solved) = solve(system) else { break };
        field = solved;
        for ((t, values), w) in samples.iter().zip(&mut weights) {
            let r = values[channel] - t.iter().zip(&field).map(|(a, b)| a * b).sum::<f64>();
            *w = 1.0 / (1.0 + (r / 0.15).powi(2));
        }
    }
    field
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{geometry::Homography, raster::texture, rectify::rectify};

    #[test]
    fn gains_along_a_row_are_the_exponentials_of_the_field() {
        let field = [0.2, -0.4, 0.1, 0.3, -0.25, 0.15];
        let mut gains = RowGain::new(&field, 37, 640, 448);
        for x in 0..640 {
            let t = terms(2.0 * f64::from(x) / 640.0 - 1.0, 2.0 * 37.0 / 448.0 - 1.0);
            let log: f64 = t.iter().zip(&field).map(|(a, b)| a * b).sum();
            assert!((gains.next() - log.exp()).abs() < 1e-9, "{x}");
        }
    }

    #[test]
    fn light_is_taken_out() {
        let reference = texture(320, 240);
        let dim = Raster::from_fn(320, 240, |x, y| {
            let gain = 0.5 + 0.4 * f64::from(x) / 320.0;
            reference.at(x, y).map(|v| (f64::from(v) * gain) as u8)
        });
        let fixed = relit(&rectify(&dim, &Homography::IDENTITY, 320, 240), &reference);
        let error: f64 = (0..240)
            .flat_map(|y| (0..320).map(move |x| (x, y)))
            .map(|(x, y)| (f64::from(fixed.at(x, y)[1]) - f64::from(reference.at(x, y)[1])).abs())
            .sum::<f64>()
            / (320.0 * 240.0);
        assert!(error < 6.0, "mean error {error}");
    }
}
