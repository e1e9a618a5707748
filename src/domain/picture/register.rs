//! Two pictures of one content laid on each other to a fraction of a pixel, by what their pixels
//! say: Lucas and Kanade, "An iterative image registration technique" (IJCAI 1981), coarse to fine,
//! with gain, offset and robust weights.
//!
//! Local features place a picture to about a pixel; telling a copy from a look-alike needs less
//! than that, over all of the picture and in its plain parts too.

use crate::domain::{
    averaging::averaged,
    geometry::{Homography, Point},
    linear::solve,
    number::{index, single},
    raster::{Plane, Raster},
    rectify::local_scale,
    tuning::copy::{FIRST_CORRELATION, FIRST_LEVEL_PX, LAST_LEVEL_PX, LEVEL_ROUNDS},
};

/// Unknowns of a step: two affine displacements, gain and offset.
const UNKNOWNS: usize = 8;

/// A photo laid on a reference, so far.
struct Registration {
    /// Maps pixels of the reference to pixels of the photo; affine.
    reference_to_photo: Homography,
    /// What the photo's grey values are multiplied by to give the reference's.
    gain: f64,
    /// What is added then.
    offset: f64,
}

/// One size of both pictures.
struct Level {
    reference: Plane,
    photo: Plane,
    /// Pixels of this level to pixels of the pictures, of the reference and of the photo.
    reference_full: Homography,
    photo_full: Homography,
}

/// The photo as the reference's frame shows it at one level.
struct Warped {
    values: Vec<f32>,
    inside: Vec<bool>,
}

/// Lays `photo` on `reference`, beginning at the affine map `start` (pixels of the reference to
/// pixels of the photo). Gives the better map, or `None` as soon as a coarse look shows that they
/// are not of one content.
pub(super) fn register(
    reference: &Raster,
    photo: &Raster,
    start: &Homography,
) -> Option<Homography> {
    let mut found = Registration {
        reference_to_photo: *start,
        gain: 1.0,
        offset: 0.0,
    };
    // A small reference has no finer level to offer.
    let finest = LAST_LEVEL_PX.min(f64::from(reference.long_side()));
    let mut side = FIRST_LEVEL_PX;
    loop {
        let level = Level::new(reference, photo, start, side);
        refine(&level, &mut found)?;
        // The coarsest alone may be off by much and yet be on its way.
        if side > FIRST_LEVEL_PX && correlation(&level, &found)? < FIRST_CORRELATION {
            return None;
        }
        if side >= finest {
            break;
        }
        side = (2.0 * side).min(finest);
    }
    Some(found.reference_to_photo)
}

impl Level {
    fn new(reference: &Raster, photo: &Raster, start: &Homography, side: f64) -> Self {
        let sides = |r: &Raster| (f64::from(r.width()), f64::from(r.height()));
        let (rw, rh) = sides(reference);
        let shrink = side / rw.max(rh);
        // As many pixels of the article as the reference has: both are then equally soft.
        let middle = Point::new(rw / 2.0, rh / 2.0);
        let photo_shrink = shrink / local_scale(|at| start.apply(at), middle).max(1e-6);
        let (reference, reference_full) = shrunk(reference, shrink);
        let (photo, photo_full) = shrunk(photo, photo_shrink.min(1.0));
        Self {
            reference,
            photo,
            reference_full,
            photo_full,
        }
    }

    /// The map from this level's reference to its photo.
    fn map(&self, found: &Registration) -> Option<Homography> {
        let to_photo = found.reference_to_photo.after(&self.reference_full);
        Some(self.photo_full.inverse()?.after(&to_photo))
    }

    fn warped(&self, map: &Homography) -> Warped {
        let (w, h) = (self.reference.width, self.reference.height);
        let (right, bottom) = (
            self.photo.width as f64 - 1.0,
            self.photo.height as f64 - 1.0,
        );
        let mut values = Vec::with_capacity(w * h);
        let mut inside = Vec::with_capacity(w * h);
        for y in 0..h {
            for x in 0..w {
                let p = map.apply(Point::new(x as f64, y as f64));
                inside.push(p.x >= 0.0 && p.y >= 0.0 && p.x <= right && p.y <= bottom);
                values.push(mixed(&self.photo, p));
            }
        }
        Warped { values, inside }
    }
}

/// A picture's grey plane with its sides multiplied by `by`, and the map from its pixels to those
/// of the picture.
fn shrunk(raster: &Raster, by: f64) -> (Plane, Homography) {
    let side = |v: u32| index((f64::from(v) * by).round()).max(1);
    let (w, h) = (side(raster.width()), side(raster.height()));
    let plane = averaged(raster, w, h).smoothed(1.0);
    let (sx, sy) = (
        f64::from(raster.width()) / w as f64,
        f64::from(raster.height()) / h as f64,
    );
    // Whole numbers are centres of pixels.
    let full = Homography([
        sx,
        0.0,
        (sx - 1.0) / 2.0,
        0.0,
        sy,
        (sy - 1.0) / 2.0,
        0.0,
        0.0,
        1.0,
    ]);
    (plane, full)
}

/// The value between pixels, the edge repeated outside.
fn mixed(plane: &Plane, p: Point) -> f32 {
    let x = p.x.clamp(0.0, plane.width as f64 - 1.0);
    let y = p.y.clamp(0.0, plane.height as f64 - 1.0);
    let (left, top) = (index(x), index(y));
    let (right, down) = (
        (left + 1).min(plane.width - 1),
        (top + 1).min(plane.height - 1),
    );
    let (u, v) = (single(x - left as f64), single(y - top as f64));
    let above = plane.at(left, top) * (1.0 - u) + plane.at(right, top) * u;
    let below = plane.at(left, down) * (1.0 - u) + plane.at(right, down) * u;
    above * (1.0 - v) + below * v
}

/// Gauss-Newton steps at one level; `None` when too little of the reference is left in the photo
/// or nothing tells where it lies.
fn refine(level: &Level, found: &mut Registration) -> Option<()> {
    let mut spread = 24.0;
    for _ in 0..LEVEL_ROUNDS {
        let map = level.map(found)?;
        let warped = level.warped(&map);
        let (system, error) = normal_equations(level, &warped, found, spread)?;
        let q = solve(system)?;
        let gain = q[6];
        // A negative or vanishing gain would be another picture, not the same one in another light.
        if !(0.2..5.0).contains(&gain) {
            return None;
        }
        let step = displacement(&q, gain, &level.reference);
        let moved = map.after(&step);
        found.reference_to_photo = level
            .photo_full
            .after(&moved)
            .after(&level.reference_full.inverse()?);
        (found.gain, found.offset) = (gain, q[7]);
        // Differing print loses its say as the rest comes to lie well.
        spread = (2.0 * error).clamp(4.0, 24.0);
        let [a0, a1, a2, b0, b1, b2] = std::array::from_fn(|i| q[i] / gain);
        if [a0, a1, a2, b0, b1, b2]
            .iter()
            .all(|v: &f64| v.abs() < 0.01)
        {
            break;
        }
    }
    found.reference_to_photo.is_finite().then_some(())
}

/// The step as a map of the level's reference: displacements of up to a few pixels, linear in the
/// place.
fn displacement(q: &[f64; UNKNOWNS], gain: f64, plane: &Plane) -> Homography {
    let half = plane.width.max(plane.height) as f64 / 2.0;
    let (cx, cy) = (plane.width as f64 / 2.0, plane.height as f64 / 2.0);
    let [a0, a1, a2, b0, b1, b2] = std::array::from_fn(|i| q[i] / gain);
    Homography([
        1.0 + a1 / half,
        a2 / half,
        a0 - (a1 * cx + a2 * cy) / half,
        b1 / half,
        1.0 + b2 / half,
        b0 - (b1 * cx + b2 * cy) / half,
        0.0,
        0.0,
        1.0,
    ])
}

/// The weighted normal equations of a step with their right side, and the mean error before it.
#[allow(
    clippy::type_complexity,
    reason = "a system and a number, taken apart at once"
)]
fn normal_equations(
    level: &Level,
    warped: &Warped,
    found: &Registration,
    spread: f64,
) -> Option<([[f64; UNKNOWNS + 1]; UNKNOWNS], f64)> {
    let (w, h) = (level.reference.width, level.reference.height);
    let half = w.max(h) as f64 / 2.0;
    let (cx, cy) = (w as f64 / 2.0, h as f64 / 2.0);
    if w < 3 || h < 3 {
        return None;
    }
    let mut system = [[0.0; UNKNOWNS + 1]; UNKNOWNS];
    let (mut errors, mut seen) = (0.0, 0_usize);
    for y in 1..h - 1 {
        for x in 1..w - 1 {
            let i = y * w + x;
            let around = [i - 1, i + 1, i - w, i + w, i];
            if !around.iter().all(|j| warped.inside[*j]) {
                continue;
            }
            let at = |j: usize| f64::from(warped.values[j]);
            let (gx, gy) = ((at(i + 1) - at(i - 1)) / 2.0, (at(i + w) - at(i - w)) / 2.0);
            let (u, v) = ((x as f64 - cx) / half, (y as f64 - cy) / half);
            let own = f64::from(level.reference.data[i]);
            let error = own - (found.gain * at(i) + found.offset);
            let weight = 1.0 / (1.0 + (error / spread).powi(2));
            let row = [gx, gx * u, gx * v, gy, gy * u, gy * v, at(i), 1.0];
            for (r, line) in system.iter_mut().enumerate() {
                let scaled = weight * row[r];
                (r..UNKNOWNS).for_each(|c| line[c] += scaled * row[c]);
                line[UNKNOWNS] += scaled * own;
            }
            errors += error.abs();
            seen += 1;
        }
    }
    // How much of the picture is left is asked when both lie well; on the way half is enough.
    if (seen as f64) < 0.5 * ((w - 2) * (h - 2)) as f64 {
        return None;
    }
    // The lower half mirrors the upper.
    let upper = system;
    for (r, line) in system.iter_mut().enumerate() {
        (0..r).for_each(|c| line[c] = upper[c][r]);
    }
    Some((system, errors / seen as f64))
}

/// The correlation of the level's pixels, -1 to 1; `None` when too little is seen.
fn correlation(level: &Level, found: &Registration) -> Option<f64> {
    let warped = level.warped(&level.map(found)?);
    let pairs: Vec<(f64, f64)> = level
        .reference
        .data
        .iter()
        .zip(&warped.values)
        .zip(&warped.inside)
        .filter(|(_, inside)| **inside)
        .map(|((a, b), _)| (f64::from(*a), f64::from(*b)))
        .collect();
    let n = pairs.len() as f64;
    if n < 0.5 * level.reference.data.len() as f64 {
        return None;
    }
    let (ma, mb) = pairs
        .iter()
        .fold((0.0, 0.0), |(a, b), p| (a + p.0 / n, b + p.1 / n));
    let (mut ab, mut aa, mut bb) = (0.0, 1e-9, 1e-9);
    for (a, b) in pairs {
        ab += (a - ma) * (b - mb);
        aa += (a - ma).powi(2);
        bb += (b - mb).powi(2);
    }
    Some(ab / (aa * bb).sqrt())
}
