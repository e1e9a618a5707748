//! Is a photo a copy of a picture, pixel by pixel, or does something in it differ?
//!
//! A copy is related to its picture by scale, shift, mirroring and a small turn, over all of it, and
//! what is left after gain and offset is the noise of compression and resizing, everywhere. A
//! look-alike in which one letter or one hue is another is not; nor is a photo of the article,
//! however straight it was taken: camera, light and lens leave more than compression does.

use super::register::register;
use crate::domain::{
    geometry::{Homography, Point, Rect},
    number::level,
    raster::{Plane, Raster},
    rectify::{Rectified, rectify},
    tuning::copy::{
        BLOCK_PX, CONTRAST_FLOOR, HUE_BLOCK_PX, LEAST_SIDE_PX, MOST_ALTERED, MOST_GAIN, MOST_HUE,
        MOST_MEAN, MOST_RESIDUAL, MOST_SHEAR, MOST_STRETCH, SHOWN,
    },
};

/// How well a photo agrees with a picture as its copy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CopyAgreement {
    /// Mean residual over the picture's blocks, as a share of their contrast.
    pub mean: f64,
    /// The residual of the block that differs most, as a share of its contrast.
    pub worst: f64,
    /// Share of the blocks that differ more than those of a copy do, 0 to 1.
    pub differing: f64,
    /// The difference in colour of the block that differs most in it, in levels.
    pub hue: f64,
    /// Maps pixels of the picture to pixels of the photo; affine.
    pub picture_to_photo: Homography,
}

impl CopyAgreement {
    /// Whether nothing differs: then it is a copy.
    pub(crate) fn is_copy(&self) -> bool {
        self.mean <= MOST_MEAN && self.worst <= MOST_RESIDUAL && self.hue <= MOST_HUE
    }

    /// Whether it is a copy but for a few places: then those were changed in the picture itself, and
    /// no camera did it.
    pub(crate) fn is_altered(&self) -> bool {
        !self.is_copy() && self.mean <= MOST_MEAN && self.differing <= MOST_ALTERED
    }
}

/// Compares a photo with a picture as its copy, beginning at the affine map `start` (pixels of the
/// picture to pixels of the photo); `None` when it is not even nearly one.
pub(crate) fn copy_agreement(
    picture: &Raster,
    photo: &Raster,
    start: &Homography,
) -> Option<CopyAgreement> {
    // Too small a picture shows no difference of letters, copy or not.
    if f64::from(picture.long_side()) < LEAST_SIDE_PX {
        return None;
    }
    let picture_to_photo = register(picture, photo, start)?;
    if !is_similarity(&picture_to_photo) {
        return None;
    }
    let (w, h) = (picture.width(), picture.height());
    let seen = rectify(photo, &picture_to_photo, w, h);
    let shown = seen.visible.iter().filter(|v| **v).count() as f64;
    if shown < SHOWN * seen.visible.len() as f64 {
        return None;
    }
    let light = light(picture, &seen)?;
    let expected = light.on(picture);
    Some(blocks(&expected, &seen, 1.0 / light.gain, picture_to_photo))
}

/// Whether an affine map turns, shifts, mirrors and scales alone, but for what rounding of sides
/// and a careless resize do.
fn is_similarity(map: &Homography) -> bool {
    let o = map.apply(Point::new(0.0, 0.0));
    let x = map.apply(Point::new(1.0, 0.0));
    let y = map.apply(Point::new(0.0, 1.0));
    let (ax, ay) = (x.x - o.x, x.y - o.y);
    let (bx, by) = (y.x - o.x, y.y - o.y);
    let (a, b) = (ax.hypot(ay), bx.hypot(by));
    let shear = (ax * bx + ay * by).abs() / (a * b);
    (a / b).max(b / a) <= MOST_STRETCH && shear <= MOST_SHEAR
}

/// What a copy's exposure did to its picture.
struct Light {
    gain: f64,
    offset: f64,
}

/// The light of the photo against the picture, all channels together: a gain for each could turn
/// one hue into another. `None` where it would be no copy's light.
fn light(picture: &Raster, seen: &Rectified) -> Option<Light> {
    // By squares, since a softer picture has its edges elsewhere: pixel by pixel it would seem to
    // have less contrast.
    let samples: Vec<(f64, f64)> = squares((picture.width(), picture.height()), BLOCK_PX, BLOCK_PX)
        .filter(|part| is_inside(seen, *part))
        .flat_map(|part| {
            let mean = |r: &Raster| r.square_mean(part.left, part.top, BLOCK_PX);
            mean(picture).into_iter().zip(mean(&seen.raster))
        })
        // What is clipped says nothing of the gain.
        .filter(|(_, b)| (6.0..=249.0).contains(b))
        .collect();
    let mut light = Light {
        gain: 1.0,
        offset: 0.0,
    };
    let mut reach = f64::INFINITY;
    for _ in 0..4 {
        let error = |s: &(f64, f64)| (s.1 - light.gain * s.0 - light.offset).abs();
        let near: Vec<&(f64, f64)> = samples.iter().filter(|s| error(s) <= reach).collect();
        let n = near.len() as f64;
        let (ma, mb) = near
            .iter()
            .fold((0.0, 0.0), |(a, b), s| (a + s.0 / n, b + s.1 / n));
        let (mut ab, mut aa) = (0.0, 1e-9);
        for (a, b) in near.iter().copied() {
            ab += (a - ma) * (b - mb);
            aa += (a - ma).powi(2);
        }
        let gain = ab / aa;
        light = Light {
            gain,
            offset: mb - gain * ma,
        };
        let error = |s: &&(f64, f64)| (s.1 - light.gain * s.0 - light.offset).abs();
        // Differing print and ringing lose their say.
        reach = (3.0 * near.iter().map(error).sum::<f64>() / n).max(2.0);
    }
    (1.0 / MOST_GAIN..=MOST_GAIN)
        .contains(&light.gain)
        .then_some(light)
}

impl Light {
    /// The picture in this light: what would be brighter than white is white.
    fn on(&self, picture: &Raster) -> Raster {
        let table: [u8; 256] =
            std::array::from_fn(|v| level(self.gain * v as f64 + self.offset + 0.5));
        Raster::from_fn(picture.width(), picture.height(), |x, y| {
            picture.at(x, y).map(|v| table[usize::from(v)])
        })
    }
}

/// Compares block by block; `gain` brings differences of the photo to levels of the picture.
fn blocks(
    expected: &Raster,
    seen: &Rectified,
    gain: f64,
    picture_to_photo: Homography,
) -> CopyAgreement {
    let (own, photo) = (
        expected.grey().smoothed(0.8),
        seen.raster.grey().smoothed(0.8),
    );
    let size = (expected.width(), expected.height());
    let mut result = CopyAgreement {
        mean: 0.0,
        worst: 0.0,
        differing: 0.0,
        hue: 0.0,
        picture_to_photo,
    };
    let mut count = 0_usize;
    for part in squares(size, BLOCK_PX, BLOCK_PX / 2).filter(|part| is_inside(seen, *part)) {
        let residual = residual(&own, &photo, part, gain);
        result.worst = result.worst.max(residual);
        result.mean += residual;
        result.differing += f64::from(u8::from(residual > MOST_RESIDUAL));
        count += 1;
    }
    result.mean /= count.max(1) as f64;
    result.differing /= count.max(1) as f64;
    for part in squares(size, HUE_BLOCK_PX, HUE_BLOCK_PX / 2).filter(|part| is_inside(seen, *part))
    {
        let at = |r: &Raster| r.square_mean(part.left, part.top, HUE_BLOCK_PX);
        let (a, b) = (at(expected), at(&seen.raster));
        let chroma = |v: [f64; 3]| [v[0] - v[1], (v[0] + v[1]) / 2.0 - v[2]];
        let (a, b) = (chroma(a), chroma(b));
        let apart = (a[0] - b[0]).hypot(a[1] - b[1]) * gain;
        result.hue = result.hue.max(apart);
    }
    result
}

/// Squares of `side` pixels, one every `step` pixels, but for the outermost pixels, which are mixed
/// with whatever lies around the photo.
fn squares((width, height): (u32, u32), side: u32, step: u32) -> impl Iterator<Item = Rect> {
    let starts =
        move |length: u32| (2..length.saturating_sub(side + 2)).step_by(step.max(1) as usize);
    starts(height).flat_map(move |y| starts(width).map(move |x| Rect::from_size(x, y, side, side)))
}

/// Whether the photo shows a block and a little around it. What it shows of the picture has straight
/// sides and no dents, so that the corners tell.
fn is_inside(seen: &Rectified, part: Rect) -> bool {
    let width = seen.raster.width() as usize;
    let around = part.map(|v| v as usize);
    let [left, top] = [around.left - 2, around.top - 2];
    let corners = [left, around.right + 1]
        .into_iter()
        .flat_map(|x| [top, around.bottom + 1].map(|y| (x, y)));
    corners
        .into_iter()
        .all(|(x, y)| seen.visible.get(y * width + x) == Some(&true))
}

/// The root mean square of what differs in a block, as a share of its contrast.
fn residual(own: &Plane, photo: &Plane, part: Rect, gain: f64) -> f64 {
    let n = f64::from(part.width() * part.height());
    let at = part.map(|v| v as usize);
    let (mut a1, mut a2, mut b1, mut b2, mut e2) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for y in at.top..at.bottom {
        for x in at.left..at.right {
            let (a, b) = (f64::from(own.at(x, y)), f64::from(photo.at(x, y)));
            a1 += a;
            a2 += a * a;
            b1 += b;
            b2 += b * b;
            e2 += (a - b) * (a - b);
        }
    }
    let deviation = |s1: f64, s2: f64| (s2 / n - (s1 / n).powi(2)).max(0.0).sqrt();
    let contrast = deviation(a1, a2).max(deviation(b1, b2));
    (e2 / n).sqrt() * gain / (CONTRAST_FLOOR + contrast * gain)
}

#[cfg(test)]
mod tests;
