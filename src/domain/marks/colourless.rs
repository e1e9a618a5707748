//! Photos without colour: black and white, sepia, faded, tinted, or taken in light of one hue.
//!
//! In such a photo chroma follows lightness alone, while the reference's does not. Where chroma is
//! gone, hues cannot be compared, and print of another colour looks like other print: so both sides
//! are brought to grey, the reference by the weights of red, green and blue that this photo shows
//! (a night light shows red as white and blue as black; a camera's black and white does not).

use crate::domain::{
    colour::lab,
    geometry::Rect,
    linear::solve,
    number::level,
    raster::Raster,
    rectify::Rectified,
    tuning::{
        colour::CLIPPED,
        colourless::{FEWEST_SQUARES, LEAST_CHROMA, LEAST_SHARE, OUTLIER, ROUNDS, TINT_RIDGE},
        light::LIGHT_PX,
    },
};

/// Weights of red, green and blue in brightness (ITU-R BT.601), as most programs take colour away.
const WEIGHTS: [f64; 3] = [0.299, 0.587, 0.114];

/// What a photo without colour shows of a reference's colours: the grey level is a constant and a
/// weight of each channel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct GreyOf {
    constant: f64,
    weights: [f64; 3],
}

/// Squares of the aligned pair that say something: mean colours of the reference and of the photo.
type Squares = Vec<[[f64; 3]; 2]>;

impl GreyOf {
    /// Of a photo without colour; `None` for one with colour, and where the reference itself has
    /// none, so that nothing would be lost.
    pub(crate) fn of(reference: &Raster, rectified: &Rectified) -> Option<Self> {
        let squares = squares(reference, rectified);
        if squares.len() < FEWEST_SQUARES {
            return None;
        }
        let [own, seen] = [0, 1].map(|side| chroma_beyond_lightness(&squares, side));
        (own >= LEAST_CHROMA && seen < LEAST_SHARE * own).then(|| Self::fit(&squares))
    }

    /// Re-weighted least squares, so that hands and reflections do not pull the weights.
    fn fit(squares: &Squares) -> Self {
        // Brightness, and how red and blue lie against green: packs with few colours leave the
        // latter open, so a ridge holds them at what eyes see.
        let terms = |[r, g, b]: [f64; 3]| [1.0, brightness([r, g, b]), r - g, b - g];
        let mut weights = vec![1.0; squares.len()];
        let mut found = [0.0, 1.0, 0.0, 0.0];
        for _ in 0..ROUNDS {
            let mut system = [[0.0; 5]; 4];
            for ([own, seen], weight) in squares.iter().zip(&weights) {
                let t = terms(*own);
                for (i, row) in system.iter_mut().enumerate() {
                    (0..4).for_each(|j| row[j] += weight * t[i] * t[j]);
                    row[4] += weight * t[i] * mean(*seen);
                }
            }
            let ridge = TINT_RIDGE * squares.len() as f64;
            system[2][2] += ridge;
            system[3][3] += ridge;
            let Some(solved) = solve(system) else { break };
            found = solved;
            for ([own, seen], weight) in squares.iter().zip(&mut weights) {
                let told: f64 = terms(*own).iter().zip(&found).map(|(t, f)| t * f).sum();
                *weight = 1.0 / (1.0 + ((mean(*seen) - told) / OUTLIER).powi(2));
            }
        }
        let [constant, bright, red, blue] = found;
        let [r, g, b] = WEIGHTS.map(|w| bright * w);
        Self {
            constant,
            weights: [r + red, g - red - blue, b + blue],
        }
    }

    /// The reference as such a photo shows it, in grey.
    pub(crate) fn shown(&self, reference: &Raster) -> Raster {
        grey(reference, |[r, g, b]| {
            let [x, y, z] = self.weights;
            self.constant + x * r + y * g + z * b
        })
    }
}

/// A photo without what is left of its tint.
pub(crate) fn untinted(photo: &Raster) -> Raster {
    grey(photo, mean)
}

fn grey(raster: &Raster, of: impl Fn([f64; 3]) -> f64) -> Raster {
    let pixels = raster.pixels().chunks_exact(3);
    let pixels = pixels.flat_map(|p| {
        let colour = [f64::from(p[0]), f64::from(p[1]), f64::from(p[2])];
        [level((of(colour) + 0.5).clamp(0.0, 255.0)); 3]
    });
    // As many bytes as came in.
    Raster::new(raster.width(), raster.height(), pixels.collect())
        .unwrap_or_else(|_| raster.clone())
}

fn mean([r, g, b]: [f64; 3]) -> f64 {
    (r + g + b) / 3.0
}

fn brightness(colour: [f64; 3]) -> f64 {
    colour.iter().zip(WEIGHTS).map(|(v, w)| v * w).sum()
}

fn squares(reference: &Raster, rectified: &Rectified) -> Squares {
    let photo = &rectified.raster;
    let (columns, rows) = (photo.width() / LIGHT_PX, photo.height() / LIGHT_PX);
    let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    let square = |(column, row)| {
        let (x, y) = (column * LIGHT_PX, row * LIGHT_PX);
        let seen = photo.square_mean(x, y, LIGHT_PX);
        // A reflection has no colour in any photo.
        let is_seen = seen.iter().all(|v| *v < CLIPPED)
            && rectified.shows(Rect::from_size(x, y, LIGHT_PX, LIGHT_PX));
        is_seen.then(|| [reference.square_mean(x, y, LIGHT_PX), seen])
    };
    places.filter_map(square).collect()
}

/// Root mean square chroma that does not follow from lightness (quadratically), on one side.
fn chroma_beyond_lightness(squares: &Squares, side: usize) -> f64 {
    let colours: Vec<[f64; 3]> = squares.iter().map(|pair| lab(pair[side])).collect();
    let terms = |lightness: f64| {
        let t = lightness / 50.0 - 1.0;
        [1.0, t, t * t]
    };
    let squared = [1, 2].map(|channel| {
        let mut system = [[0.0; 4]; 3];
        for colour in &colours {
            let t = terms(colour[0]);
            for (i, row) in system.iter_mut().enumerate() {
                (0..3).for_each(|j| row[j] += t[i] * t[j]);
                row[3] += t[i] * colour[channel];
            }
        }
        // A little ridge: a print of one lightness leaves the curve open.
        (0..3).for_each(|i| system[i][i] += 1e-6 * colours.len() as f64);
        let curve = solve(system).unwrap_or([0.0; 3]);
        let rest = colours.iter().map(|colour| {
            let told: f64 = terms(colour[0]).iter().zip(curve).map(|(t, c)| t * c).sum();
            (colour[channel] - told).powi(2)
        });
        rest.sum::<f64>() / colours.len().max(1) as f64
    });
    (squared[0] + squared[1]).sqrt()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the tests' numbers are small"
    )]
    use super::*;
    use crate::domain::random::SplitMix;

    /// A pack of coloured tiles as a photo shows it that makes `look` of each colour.
    fn pack(look: impl Fn([f64; 3]) -> [f64; 3]) -> Raster {
        let mut random = SplitMix(7);
        let tiles: Vec<[f64; 3]> = (0..128)
            .map(|_| std::array::from_fn(|_| random.between(20.0, 210.0)))
            .collect();
        Raster::from_fn(256, 128, |x, y| {
            look(tiles[(y / 16 * 16 + x / 16) as usize]).map(|v| v.round().clamp(0.0, 255.0) as u8)
        })
    }

    fn of(photo: &Raster) -> Option<GreyOf> {
        let rectified = Rectified {
            raster: photo.clone(),
            visible: vec![true; 256 * 128],
            scale: 1.0,
        };
        GreyOf::of(&pack(|c| c), &rectified)
    }

    #[test]
    fn black_and_white_sepia_faded_tinted_and_night_light_have_no_colour() {
        let looks: [fn([f64; 3]) -> [f64; 3]; 5] = [
            |c| [brightness(c); 3],
            |c| [1.08, 0.87, 0.69].map(|v| v * brightness(c)),
            |c| c.map(|v| 60.0 + 0.7 * (brightness(c) + 0.1 * (v - brightness(c)))),
            |c| [60.0, 30.0, 10.0].map(|v| v + 0.7 * brightness(c)),
            |[r, g, _]| [1.0, 0.5, 0.1].map(|v| v * (0.7 * r + 0.3 * g)),
        ];
        for (n, look) in looks.into_iter().enumerate() {
            assert!(of(&pack(look)).is_some(), "look {n}");
        }
    }

    #[test]
    fn pale_dim_and_warm_photos_have_colour_and_a_print_without_any_loses_none() {
        let looks: [fn([f64; 3]) -> [f64; 3]; 3] = [
            |c| c.map(|v| brightness(c) + 0.4 * (v - brightness(c))),
            |c| c.map(|v| 0.4 * v),
            |[r, g, b]| [1.1 * r, 0.9 * g, 0.6 * b],
        ];
        for (n, look) in looks.into_iter().enumerate() {
            assert_eq!(of(&pack(look)), None, "look {n}");
        }
        let grey = pack(|c| [brightness(c); 3]);
        let rectified = Rectified {
            raster: grey.clone(),
            visible: vec![true; 256 * 128],
            scale: 1.0,
        };
        assert_eq!(GreyOf::of(&grey, &rectified), None);
    }

    #[test]
    fn the_reference_is_shown_as_the_light_of_the_photo_shows_it() {
        let night = pack(|[r, g, _]| [1.0, 0.5, 0.1].map(|v| v * (0.8 * r + 0.2 * g)));
        let shown = of(&night).unwrap().shown(&pack(|c| c));
        let seen = untinted(&night);
        for (own, seen) in shown.pixels().iter().zip(seen.pixels()) {
            assert!(own.abs_diff(*seen) <= 6, "{own} {seen}");
        }
    }
}
