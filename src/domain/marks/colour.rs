//! The colour channel: by how much the hues of a mark are turned, relative to the rest of the same
//! pack.
//!
//! Absolute colour is lost in white balance and in how a camera renders colours, so the photo is
//! brought to the reference's light first (`illumination::normalised_light`), and the pack outside
//! the mark then says how this photo's chroma (a*, b* of CIE 1976 L*a*b*; D65, sRGB) maps to the
//! reference's: an affine map fitted by re-weighted least squares. What is left at the mark is one
//! turn of all its hues and one gain of their saturation, by least squares. Glare and fading take
//! saturation away but turn no hue, so only the turn accuses.

use crate::domain::{
    appearance::BlockMap,
    covered::Covered,
    geometry::Rect,
    linear::solve,
    number::count_u32,
    raster::Raster,
    rectify::Rectified,
    tuning::colour::{
        APART_PX, CLIPPED, LEAST_GAIN, LEAST_MARK_PATCHES, LEAST_NOISE, LEAST_PACK_PATCHES,
        LEAST_TURN, LINEAR_RIDGE, MOST_GAIN, OUTER_PATCHES, OUTLIER, PATCH_PX, PLACE_COLUMNS,
        PLACE_ROWS, RENDERING, ROUNDS, SEEN, SHIFT_RIDGE,
    },
};

/// How the hues of a mark are turned against the rest of the pack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HueTurn {
    /// The turn in degrees, -180 to 180, from the photo to the reference.
    pub degrees: f64,
    /// Root mean square chroma change that the turn explains, in units of what the pack's noise and
    /// the camera explain, and lessened where the mark's colours do not turn together; 0 for a mark
    /// without colour, 0.4 in the middle of genuine photos.
    pub strength: f64,
}

/// The chroma of a pack's patches in the reference and in the normalised_light photo.
pub struct PackColours {
    columns: usize,
    /// Row-major; `None` where the photo does not show the patch or is clipped.
    patches: Vec<Option<Patch>>,
}

#[derive(Clone, Copy)]
struct Patch {
    /// Middle, in pixels of the frame.
    x: f64,
    y: f64,
    reference: [f64; 2],
    photo: [f64; 2],
}

impl PackColours {
    /// Of an aligned pair: the reference's frame, the photo rectified into it, and that in the
    /// reference's light. Patches that the photo does not show or that are clipped in it are left
    /// out.
    pub fn of(reference: &Raster, rectified: &Rectified, lit: &Raster) -> Self {
        let (columns, rows) = (reference.width() / PATCH_PX, reference.height() / PATCH_PX);
        let patch = |column: u32, row: u32| {
            let (x, y) = (column * PATCH_PX, row * PATCH_PX);
            // Clipping is asked of the photo as it was taken: in another light it can no longer be
            // told.
            let hidden = !rectified.shows(Rect::from_size(x, y, PATCH_PX, PATCH_PX))
                || rectified
                    .raster
                    .square_mean(x, y, PATCH_PX)
                    .iter()
                    .any(|v| *v >= CLIPPED);
            let middle = |v: u32| f64::from(v) + f64::from(PATCH_PX) / 2.0;
            (!hidden).then(|| Patch {
                x: middle(x),
                y: middle(y),
                reference: chroma(reference.square_mean(x, y, PATCH_PX)),
                photo: chroma(lit.square_mean(x, y, PATCH_PX)),
            })
        };
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        Self {
            columns: columns as usize,
            patches: places.map(|(column, row)| patch(column, row)).collect(),
        }
    }

    /// The same without the patches that something covers.
    pub(crate) fn outside(&self, covered: &Covered) -> Self {
        let half = f64::from(PATCH_PX) / 2.0;
        let seen = |p: &Patch| {
            let patch = Rect::new(p.x - half, p.y - half, p.x + half, p.y + half);
            covered.share(patch) == 0.0
        };
        Self {
            columns: self.columns,
            patches: self.patches.iter().map(|p| p.filter(seen)).collect(),
        }
    }

    /// The turn of the hues inside `place` (pixels of the frame) against everything outside it;
    /// `None` when either has too few patches.
    pub fn turn(&self, place: Rect) -> Option<HueTurn> {
        let place = place.map(f64::from);
        let within = |p: &&Patch, by: f64| {
            let Rect {
                left,
                top,
                right,
                bottom,
            } = place;
            Rect::new(left - by, top - by, right + by, bottom + by).contains((p.x, p.y))
        };
        let known = || self.patches.iter().flatten();
        // Kept apart from the mark, whose own colours would else help to excuse themselves.
        let rest: Vec<&Patch> = known().filter(|p| !within(p, APART_PX)).collect();
        let mark: Vec<&Patch> = known().filter(|p| within(p, 0.0)).collect();
        if rest.len() < LEAST_PACK_PATCHES || mark.len() < LEAST_MARK_PATCHES {
            return None;
        }
        let (map, noise) = ChromaMap::fit(&rest);
        let mut sums = TurnSums::default();
        mark.iter()
            .for_each(|patch| sums.add(patch.reference, map.apply(patch.photo)));
        Some(sums.turn(noise))
    }

    /// The place (pixels of the frame) whose hues are turned most against the pack as a whole,
    /// among places that the photo clearly shows; `None` where no turn is worth a closer look.
    pub fn most_turned(&self, blocks: &BlockMap) -> Option<Rect> {
        let known: Vec<&Patch> = self.patches.iter().flatten().collect();
        if known.len() < LEAST_PACK_PATCHES {
            return None;
        }
        // One map for all places: a fit for each would cost too much, and one place hardly moves
        // it.
        let (map, noise) = ChromaMap::fit(&known);
        let seen = |p: &&Patch| {
            blocks
                .nearest(p.x, p.y)
                .is_some_and(|b| b.correlation >= SEEN)
        };
        let pairs: Vec<Option<([f64; 2], [f64; 2])>> = self
            .patches
            .iter()
            .map(|p| {
                p.as_ref()
                    .filter(seen)
                    .map(|p| (p.reference, map.apply(p.photo)))
            })
            .collect();
        let (wide, high) = (PLACE_COLUMNS, PLACE_ROWS);
        let rows = pairs.len() / self.columns.max(1);
        // Saturating: a frame smaller than one place has none.
        let last = |side: usize, length: usize| (side + 1).saturating_sub(OUTER_PATCHES + length);
        let places = (OUTER_PATCHES..last(rows, high)).flat_map(|row| {
            (OUTER_PATCHES..last(self.columns, wide)).map(move |column| (column, row))
        });
        let turned = places.filter_map(|(column, row)| {
            let mut sums = TurnSums::default();
            for line in row..row + high {
                let start = line * self.columns + column;
                pairs[start..start + wide]
                    .iter()
                    .flatten()
                    .for_each(|(reference, photo)| sums.add(*reference, *photo));
            }
            // Of a place less than half known a few stray patches would decide.
            (2 * sums.patches >= wide * high).then(|| (column, row, sums.turn(noise).strength))
        });
        let turned = turned.filter(|(.., strength)| *strength > LEAST_TURN);
        let (column, row, _) = turned.max_by(|a, b| a.2.total_cmp(&b.2))?;
        let px = |patches: usize| count_u32(patches) * PATCH_PX;
        Some(Rect::new(
            px(column),
            px(row),
            px(column + wide),
            px(row + high),
        ))
    }
}

/// Sums over patches from which one turn of their hues follows, with chroma taken as complex
/// numbers.
#[derive(Default)]
struct TurnSums {
    /// Of the reference times the conjugate photo: its angle is the turn, its length the gain.
    real: f64,
    imaginary: f64,
    /// Of the squared photo.
    own: f64,
    /// Of the squared reference.
    expected: f64,
    patches: usize,
}

impl TurnSums {
    fn add(&mut self, [a, b]: [f64; 2], [u, v]: [f64; 2]) {
        self.real += u * a + v * b;
        self.imaginary += u * b - v * a;
        self.own += u * u + v * v;
        self.expected += a * a + b * b;
        self.patches += 1;
    }

    /// The turn, on a pack of the given noise (delta a*b*).
    fn turn(&self, noise: f64) -> HueTurn {
        let patches = self.patches.max(1) as f64;
        let length = (self.real * self.real + self.imaginary * self.imaginary).sqrt();
        // 1 where all hues turn alike: a photo's noise turns them all differently.
        let together = length * length / (self.own * self.expected + 1e-9);
        // Fading and cameras explain no more than this: beyond, the gain would inflate or hide a
        // turn.
        let gain = (length / (self.own + 1e-9)).clamp(LEAST_GAIN, MOST_GAIN);
        // What the turn alone accounts for: saturation is left to glare and fading.
        let explained = 2.0 * gain * (length - self.real).max(0.0) / patches;
        let innocent = noise + LEAST_NOISE + RENDERING * (self.expected / patches).sqrt();
        let strength = explained.sqrt() / innocent * together.min(1.0);
        HueTurn {
            degrees: self.imaginary.atan2(self.real).to_degrees(),
            strength,
        }
    }
}

/// An affine map of chroma: each row is two weights and a shift.
struct ChromaMap([[f64; 3]; 2]);

/// The rows of the map that changes nothing.
const IDENTITY: [[f64; 3]; 2] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];

impl ChromaMap {
    /// From the photo's chroma to the reference's, with the median residual.
    fn fit(patches: &[&Patch]) -> (Self, f64) {
        let mut map = Self(IDENTITY);
        let mut weights = vec![1.0; patches.len()];
        let mut squared = vec![0.0; patches.len()];
        for _ in 0..ROUNDS {
            map = Self::weighted(patches, &weights);
            for ((patch, squared), weight) in patches.iter().zip(&mut squared).zip(&mut weights) {
                let [a, b] = map.apply(patch.photo);
                *squared = (patch.reference[0] - a).powi(2) + (patch.reference[1] - b).powi(2);
                *weight = 1.0 / (1.0 + *squared / (OUTLIER * OUTLIER));
            }
        }
        let middle = squared.len() / 2;
        // The median: stickers and hands would raise a mean and so excuse the mark.
        let (_, median, _) = squared.select_nth_unstable_by(middle, f64::total_cmp);
        (map, median.sqrt())
    }

    /// Weighted least squares with a ridge towards the identity, which also keeps the system
    /// solvable.
    fn weighted(patches: &[&Patch], weights: &[f64]) -> Self {
        // Of the photo's two terms and a constant with these and with the reference's two: both
        // rows of the map need the first.
        let mut sums = [[0.0; 5]; 3];
        for (patch, weight) in patches.iter().zip(weights) {
            let terms = [
                patch.photo[0],
                patch.photo[1],
                1.0,
                patch.reference[0],
                patch.reference[1],
            ];
            for (row, term) in sums.iter_mut().zip(terms.map(|term| weight * term)) {
                row.iter_mut()
                    .zip(terms)
                    .for_each(|(sum, other)| *sum += term * other);
            }
        }
        for (i, ridge) in [LINEAR_RIDGE, LINEAR_RIDGE, SHIFT_RIDGE]
            .into_iter()
            .enumerate()
        {
            sums[i][i] += ridge;
        }
        Self(std::array::from_fn(|channel| {
            let mut system = sums.map(|row| [row[0], row[1], row[2], row[3 + channel]]);
            // The ridge pulls towards the identity, whose element on the diagonal is 1, not 0.
            system[channel][3] += LINEAR_RIDGE;
            // The ridge makes it solvable: only numbers that are not finite end here.
            solve(system).unwrap_or(IDENTITY[channel])
        }))
    }

    fn apply(&self, [a, b]: [f64; 2]) -> [f64; 2] {
        self.0.map(|[p, q, shift]| p * a + q * b + shift)
    }
}

/// Chroma (a*, b*) of an sRGB colour.
fn chroma(rgb: [f64; 3]) -> [f64; 2] {
    let [_, a, b] = lab(rgb);
    [a, b]
}

/// L*, a*, b* of an sRGB colour, 0 to 255 (CIE 15:2004 with sRGB primaries, D65).
pub(crate) fn lab(rgb: [f64; 3]) -> [f64; 3] {
    let linear = rgb.map(|v| {
        let c = v / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    });
    let [r, g, b] = linear;
    let xyz = [
        (0.412_456 * r + 0.357_576 * g + 0.180_438 * b) / 0.950_47,
        0.212_673 * r + 0.715_152 * g + 0.072_175 * b,
        (0.019_334 * r + 0.119_192 * g + 0.950_304 * b) / 1.088_83,
    ];
    let f = xyz.map(|t| {
        if t > 0.008_856 {
            t.cbrt()
        } else {
            7.787 * t + 16.0 / 116.0
        }
    });
    [
        116.0 * f[1] - 16.0,
        500.0 * (f[0] - f[1]),
        200.0 * (f[1] - f[2]),
    ]
}

#[cfg(test)]
mod tests;
