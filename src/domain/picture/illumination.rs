//! The light of a photo: what brings an aligned photo to its reference's. [`normalised_light`] does
//! it for a whole frame, by a per-channel gain with a quadratic field fitted robustly on logarithms
//! of small squares; [`with_spread_of`] for a small part of it, by each channel's spread.

use crate::domain::{
    geometry::Rect,
    linear::solve,
    number::{index, level},
    raster::Raster,
    rectify::Rectified,
    tuning::light::{LEAST_GAIN, LEAST_STRETCH, LIGHT_PX, SPREAD_HIGH, SPREAD_LOW},
};

/// Terms of the quadratic field: 1, x, y, xy, x^2, y^2.
const TERMS: usize = 6;

/// The photo with the reference's light: each channel is multiplied by a gain that varies
/// quadratically over the frame, fitted by re-weighted least squares so that real differences do
/// not pull it.
pub fn normalised_light(rectified: &Rectified, reference: &Raster) -> Raster {
    let photo = &rectified.raster;
    let (w, h) = (photo.width() as usize, photo.height() as usize);
    let (columns, rows) = (photo.width() / LIGHT_PX, photo.height() / LIGHT_PX);
    let mut samples = Vec::with_capacity((columns * rows) as usize);
    for row in 0..rows {
        for column in 0..columns {
            let (x, y) = (column * LIGHT_PX, row * LIGHT_PX);
            // Beyond the photo there is only filling, whose light would pull the field.
            if !rectified.shows(Rect::from_size(x, y, LIGHT_PX, LIGHT_PX)) {
                continue;
            }
            let [own, seen] = [reference, photo].map(|raster| raster.square_mean(x, y, LIGHT_PX));
            // From -1 to 1, so that all six terms are of one size and one ridge suits them.
            let at = |v: u32, side: u32| {
                2.0 * (f64::from(v) + f64::from(LIGHT_PX) / 2.0) / f64::from(side) - 1.0
            };
            // A little is added to both, or black print would have any ratio. Of logarithms, so
            // that twice and half as bright pull equally.
            let ratios = std::array::from_fn(|c| ((own[c] + 8.0) / (seen[c] + 8.0)).ln());
            samples.push((terms(at(x, photo.width()), at(y, photo.height())), ratios));
        }
    }
    let fields: [[f64; TERMS]; 3] = std::array::from_fn(|channel| fit_field(&samples, channel));
    let mut pixels = photo.pixels().to_vec();
    for (y, row) in pixels.chunks_exact_mut(w * 3).enumerate() {
        let mut gains: [RowGain; 3] = std::array::from_fn(|c| RowGain::new(&fields[c], y, w, h));
        for pixel in row.chunks_exact_mut(3) {
            for (gain, value) in gains.iter_mut().zip(pixel) {
                // Rounds; the cast holds it within 0 and 255.
                *value = level((f64::from(*value) + 8.0) * gain.next() - 7.5);
            }
        }
    }
    // As many bytes as the photo has.
    Raster::new(photo.width(), photo.height(), pixels).unwrap_or_else(|_| photo.clone())
}

/// `photo` with each channel brought linearly to the middle and the spread that it has in
/// `reference`: misalignment, small edits and highlights hardly change either.
pub fn with_spread_of(photo: &Raster, reference: &Raster) -> Raster {
    let tables: [[u8; 256]; 3] = std::array::from_fn(|channel| {
        // Not the least and the largest value: one highlight would set the gain of the whole mark.
        let ((from_low, from_high), (to_low, to_high)) =
            (spread(photo, channel), spread(reference, channel));
        // A plain channel has no spread: a little is added to both.
        let gain = ((to_high - to_low + 4.0) / (from_high - from_low + 4.0))
            .clamp(LEAST_STRETCH, 1.0 / LEAST_STRETCH);
        let offset = (to_low + to_high - gain * (from_low + from_high)) / 2.0;
        std::array::from_fn(|value| level((gain * value as f64 + offset).round()))
    });
    Raster::from_fn(photo.width(), photo.height(), |x, y| {
        let pixel = photo.at(x, y);
        std::array::from_fn(|c| tables[c][usize::from(pixel[c])])
    })
}

/// The values of a channel at both ends of its spread.
fn spread(raster: &Raster, channel: usize) -> (f64, f64) {
    let mut counts = [0_usize; 256];
    raster
        .pixels()
        .iter()
        .skip(channel)
        .step_by(3)
        .for_each(|v| counts[usize::from(*v)] += 1);
    let last = raster.pixels().len() / 3 - 1;
    let [low, high] = [SPREAD_LOW, SPREAD_HIGH].map(|share| {
        let rank = index(last as f64 * share);
        let mut below = 0;
        let at = counts.iter().position(|count| {
            below += count;
            below > rank
        });
        at.unwrap_or(0) as f64
    });
    (low, high)
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
            let t = terms(
                2.0 * x / width as f64 - 1.0,
                2.0 * y as f64 / height as f64 - 1.0,
            );
            t.iter().zip(field).map(|(a, b)| a * b).sum::<f64>()
        };
        let (first, second, third) = (log(0.0), log(1.0), log(2.0));
        Self {
            // An exponential for every pixel and channel would cost more than all else here.
            gain: first.exp(),
            step: (second - first).exp(),
            bend: (third - 2.0 * second + first).exp(),
        }
    }

    fn next(&mut self) -> f64 {
        // In deep shade a larger gain would show noise and steps of compression as print.
        let gain = self.gain.clamp(LEAST_GAIN, 1.0 / LEAST_GAIN);
        self.gain *= self.step;
        self.step *= self.bend;
        gain
    }
}

fn terms(x: f64, y: f64) -> [f64; TERMS] {
    [1.0, x, y, x * y, x * x, y * y]
}

/// Least squares with Cauchy weights, four rounds, for one channel of the samples; a flat zero
/// field when there are too few.
fn fit_field(samples: &[([f64; TERMS], [f64; 3])], channel: usize) -> [f64; TERMS] {
    let mut field = [0.0; TERMS];
    // A field through few squares would follow their differences in print instead of the light.
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
        (0..TERMS).for_each(|i| {
            system[i][i] += 1e-3 * samples.len() as f64 * if i == 0 { 1e-6 } else { 1.0 }
        });
        let Some(solved) = solve(system) else { break };
        field = solved;
        for ((t, values), w) in samples.iter().zip(&mut weights) {
            let r = values[channel] - t.iter().zip(&field).map(|(a, b)| a * b).sum::<f64>();
            // Squares whose print differs, or that a highlight covers, lose their say.
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
    fn each_channels_spread_is_brought_to_the_references() {
        let reference = texture(96, 64);
        // Faded and tinted; one corner holds a highlight, which moves the ranks a little.
        let faded = Raster::from_fn(96, 64, |x, y| {
            let [r, g, b] = reference.at(x, y).map(f64::from);
            let [r, g, b] = [r * 0.5 + 10.0, g * 0.6 + 90.0, b * 0.5 + 20.0].map(|v| v as u8);
            if x < 12 && y < 8 { [255; 3] } else { [r, g, b] }
        });
        let fixed = with_spread_of(&faded, &reference);
        for (x, y) in [(40, 20), (70, 50), (90, 5), (20, 60)] {
            let (have, want) = (fixed.at(x, y), reference.at(x, y));
            assert!(
                have.iter().zip(want).all(|(h, w)| h.abs_diff(w) <= 9),
                "{have:?} {want:?}"
            );
        }
        let plain = Raster::from_fn(40, 40, |_, _| [120, 130, 140]);
        let shifted = with_spread_of(&Raster::from_fn(40, 40, |_, _| [90, 90, 90]), &plain);
        assert_eq!(shifted, plain);
        // By definition: sorted values, the one at each end's rank.
        let mut sorted: Vec<u8> = faded.pixels().iter().skip(1).step_by(3).copied().collect();
        sorted.sort_unstable();
        let at = |share: f64| f64::from(sorted[((sorted.len() - 1) as f64 * share) as usize]);
        assert_eq!(spread(&faded, 1), (at(0.05), at(0.95)));
    }

    #[test]
    fn light_is_taken_out() {
        let reference = texture(320, 240);
        let dim = Raster::from_fn(320, 240, |x, y| {
            let gain = 0.5 + 0.4 * f64::from(x) / 320.0;
            reference.at(x, y).map(|v| (f64::from(v) * gain) as u8)
        });
        let fixed = normalised_light(&rectify(&dim, &Homography::IDENTITY, 320, 240), &reference);
        let error: f64 = (0..240)
            .flat_map(|y| (0..320).map(move |x| (x, y)))
            .map(|(x, y)| (f64::from(fixed.at(x, y)[1]) - f64::from(reference.at(x, y)[1])).abs())
            .sum::<f64>()
            / (320.0 * 240.0);
        assert!(error < 6.0, "mean error {error}");
    }
}
