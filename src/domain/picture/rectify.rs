//! The photo seen from straight ahead: resampled into the reference's frame.

use crate::domain::{
    geometry::{Homography, Point, Rect},
    number::{index, level, single, whole},
    raster::Raster,
    tuning::marks::SHOWN,
};

/// A photo resampled into a reference's frame.
#[derive(Clone, Debug)]
pub struct Rectified {
    /// The photo in the frame of the reference.
    pub raster: Raster,
    /// Per pixel, row-major: whether it lies inside the photo.
    pub visible: Vec<bool>,
    /// Photo pixels per frame pixel at the centre; below 1 the frame shows more pixels than the
    /// photo has.
    pub scale: f64,
}

impl Rectified {
    /// Whether a part of the frame lies inside the photo, a few of its pixels excepted.
    pub fn shows(&self, part: Rect) -> bool {
        let width = self.raster.width() as usize;
        let at = part.map(|v| v as usize);
        let rows =
            (at.top..at.bottom).map(|y| &self.visible[y * width + at.left..y * width + at.right]);
        // A few pixels may be missing: outlines are never exact to the pixel.
        let seen: usize = rows.map(|r| r.iter().filter(|v| **v).count()).sum();
        seen as f64 >= SHOWN * f64::from(part.width()) * f64::from(part.height())
    }
}

/// Parts of a pixel that places are rounded to: two weights' product, nine times a byte, fits 32
/// bits.
const PARTS: u32 = 1 << 10;
/// Added to a float it leaves the nearest whole number in its lowest bits: the one rounding that
/// compilers take for several values at once.
const ROUNDING: f64 = 6_755_399_441_055_744.0;

/// Samples `photo` at `frame_to_photo` (frame pixels to photo pixels, pixel centres at whole
/// numbers) over a frame of `width` x `height`. Where the photo has several pixels to one of the
/// frame they are averaged over a grid of up to 3x3 samples, against aliasing; otherwise neighbours
/// are interpolated.
pub fn rectify(photo: &Raster, frame_to_photo: &Homography, width: u32, height: u32) -> Rectified {
    rectify_by(photo, |at| frame_to_photo.apply(at), width, height)
}

/// The same by any smooth map.
pub fn rectify_by(
    photo: &Raster,
    frame_to_photo: impl Fn(Point) -> Point,
    width: u32,
    height: u32,
) -> Rectified {
    let scale = local_scale(
        &frame_to_photo,
        Point::new(f64::from(width) / 2.0, f64::from(height) / 2.0),
    );
    let grid = index(scale.round()).clamp(1, 3);
    let offsets: Vec<f64> = (0..grid)
        .map(|i| (i as f64 + 0.5) / grid as f64 - 0.5)
        .collect();
    let mut pixels = Vec::with_capacity(width as usize * height as usize * 3);
    let mut visible = Vec::with_capacity(width as usize * height as usize);
    let (right, bottom) = (
        f64::from(photo.width()) - 0.5,
        f64::from(photo.height()) - 0.5,
    );
    // Half a pixel beyond the outer centres, where the outer pixels end.
    let inside = |p: &Point| p.x >= -0.5 && p.y >= -0.5 && p.x <= right && p.y <= bottom;
    let sampler = Sampler::new(photo);
    // A row's places first, then its colours: divisions next to each other are taken several at
    // once.
    let (mut places, mut sums) = (
        vec![Point::new(0.0, 0.0); width as usize],
        vec![[0_u32; 3]; width as usize],
    );
    let mut parts = vec![(0, 0); width as usize];
    let place = |places: &mut [Point], dx: f64, y: f64| {
        let columns = (0..width).map(f64::from);
        places
            .iter_mut()
            .zip(columns)
            .for_each(|(p, x)| *p = frame_to_photo(Point::new(x + dx, y)));
    };
    // One factor for the mean over samples and for the parts of a pixel.
    let share = 1.0 / (grid * grid) as f32 / (PARTS * PARTS) as f32;
    for y in (0..height).map(f64::from) {
        place(&mut places, 0.0, y);
        let row = visible.len();
        visible.extend(places.iter().map(inside));
        sums.fill([0; 3]);
        for dy in &offsets {
            for dx in &offsets {
                place(&mut places, *dx, y + dy);
                parts
                    .iter_mut()
                    .zip(&places)
                    .for_each(|(parts, at)| *parts = sampler.parts(*at));
                for ((sum, at), _) in sums
                    .iter_mut()
                    .zip(&parts)
                    .zip(&visible[row..])
                    .filter(|(_, seen)| **seen)
                {
                    sampler.add(*at, sum);
                }
            }
        }
        for (sum, seen) in sums.iter().zip(&visible[row..]) {
            // Rounds: a mean of bytes is never negative, and the cast stays within bounds.
            pixels.extend(if *seen {
                sum.map(|s| level(s as f32 * share + 0.5))
            } else {
                // Middle grey has the least contrast to any print beside it.
                [127; 3]
            });
        }
    }
    // The loops above push exactly one pixel for each place of the frame, and no side is 0.
    let raster = Raster::new(width, height, pixels)
        .unwrap_or_else(|_| Raster::from_fn(1, 1, |_, _| [127; 3]));
    Rectified {
        raster,
        visible,
        scale,
    }
}

/// What [`bilinear`] mixes, in whole numbers: a frame takes two thirds of the time.
struct Sampler {
    /// The picture, each side of at least two pixels, so that every pixel has a neighbour: the edge
    /// is repeated outside.
    picture: Raster,
    /// Farthest places of the photo, in pixels.
    ends: (f64, f64),
    /// Last pixel of a row, and last row, with a next one.
    last: (u32, u32),
    stride: usize,
}

impl Sampler {
    fn new(photo: &Raster) -> Self {
        let (width, height) = (photo.width(), photo.height());
        let picture = match width < 2 || height < 2 {
            // Rare: all other photos are shared, not copied.
            true => Raster::from_fn(width.max(2), height.max(2), |x, y| photo.at(x, y)),
            false => photo.clone(),
        };
        let last = (picture.width() - 2, picture.height() - 2);
        let stride = picture.width() as usize * 3;
        Self {
            picture,
            ends: (f64::from(width - 1), f64::from(height - 1)),
            last,
            stride,
        }
    }

    /// A place brought into the picture, in parts of a pixel.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the lowest bits alone hold the whole number"
    )]
    #[inline]
    fn parts(&self, at: Point) -> (u32, u32) {
        let whole =
            |v: f64, end: f64| (v.clamp(0.0, end) * f64::from(PARTS) + ROUNDING).to_bits() as u32;
        (whole(at.x, self.ends.0), whole(at.y, self.ends.1))
    }

    /// Adds the colour there times [`PARTS`] squared.
    #[inline]
    fn add(&self, (x, y): (u32, u32), sum: &mut [u32; 3]) {
        let (column, row) = ((x / PARTS).min(self.last.0), (y / PARTS).min(self.last.1));
        // Places were brought into the picture, hence `PARTS` at most, and that at the last pixel
        // alone; the bound holds those back that are no numbers.
        let (right, down) = (
            (x - column * PARTS).min(PARTS),
            (y - row * PARTS).min(PARTS),
        );
        let (left, up) = (PARTS - right, PARTS - down);
        let at = row as usize * self.stride + column as usize * 3;
        let pixels = self.picture.pixels();
        let (above, below) = (&pixels[at..at + 6], &pixels[at + self.stride..][..6]);
        let weights = [left * up, right * up, left * down, right * down];
        for (c, sum) in sum.iter_mut().enumerate() {
            let [a, b, d, e] = [above[c], above[c + 3], below[c], below[c + 3]].map(u32::from);
            *sum += a * weights[0] + b * weights[1] + d * weights[2] + e * weights[3];
        }
    }
}

/// Photo pixels per frame pixel around `at` (square root of the Jacobian's determinant).
pub fn local_scale(map: impl Fn(Point) -> Point, at: Point) -> f64 {
    let o = map(at);
    let x = map(Point::new(at.x + 1.0, at.y));
    let y = map(Point::new(at.x, at.y + 1.0));
    ((x.x - o.x) * (y.y - o.y) - (x.y - o.y) * (y.x - o.x))
        .abs()
        .sqrt()
}

/// The colour at `p`, pixel centres at whole numbers, mixed from its four neighbours; the edge is
/// repeated outside.
#[inline]
pub fn bilinear(raster: &Raster, p: Point) -> [f32; 3] {
    let x = p.x.clamp(0.0, f64::from(raster.width() - 1));
    let y = p.y.clamp(0.0, f64::from(raster.height() - 1));
    let (x0, y0) = (whole(x), whole(y));
    let (fx, fy) = (single(x - f64::from(x0)), single(y - f64::from(y0)));
    let mix = |a: u8, b: u8, d: u8, e: u8| {
        let [a, b, d, e] = [a, b, d, e].map(f32::from);
        (a * (1.0 - fx) + b * fx) * (1.0 - fy) + (d * (1.0 - fx) + e * fx) * fy
    };
    let stride = raster.width() as usize * 3;
    let at = y0 as usize * stride + x0 as usize * 3;
    if x0 + 1 < raster.width()
        && let (Some(above), Some(below)) = (
            raster.pixels().get(at..at + 6),
            raster.pixels().get(at + stride..at + stride + 6),
        )
    {
        return std::array::from_fn(|c| mix(above[c], above[c + 3], below[c], below[c + 3]));
    }
    // At the right and the lower edge the last pixel stands for the next.
    let corners = [
        raster.at(x0, y0),
        raster.at(x0 + 1, y0),
        raster.at(x0, y0 + 1),
        raster.at(x0 + 1, y0 + 1),
    ];
    std::array::from_fn(|c| mix(corners[0][c], corners[1][c], corners[2][c], corners[3][c]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checker(w: u32, h: u32) -> Raster {
        Raster::from_fn(w, h, |x, y| [(x * 7 % 256) as u8, (y * 5 % 256) as u8, 90])
    }

    #[test]
    fn the_identity_changes_nothing() {
        let r = checker(40, 30);
        let same = rectify(&r, &Homography::IDENTITY, 40, 30);
        assert_eq!(same.raster, r);
        assert!(same.visible.iter().all(|v| *v));
    }

    #[test]
    fn a_shift_shows_what_lies_outside() {
        let shift = Homography([1.0, 0.0, 20.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        let out = rectify(&checker(40, 30), &shift, 40, 30);
        assert_eq!(out.raster.at(3, 4), checker(40, 30).at(23, 4));
        let seen = out.visible.iter().filter(|v| **v).count() as f64;
        assert!((seen / out.visible.len() as f64 - 0.5).abs() < 0.03);
        assert!(out.shows(Rect::new(0, 0, 20, 30)) && !out.shows(Rect::new(0, 0, 40, 30)));
    }

    #[test]
    fn sampling_in_whole_numbers_follows_the_definition_up_to_the_last_pixel() {
        let aslant = Homography([0.61, 0.03, -0.4, -0.02, 0.57, 0.3, 1e-4, -2e-4, 1.0]);
        for photo in [
            checker(41, 29),
            checker(1, 29),
            checker(41, 1),
            checker(1, 1),
        ] {
            let (width, height) = (72, 56);
            let found = rectify(&photo, &aslant, width, height);
            assert!(found.visible.iter().any(|v| *v));
            for (i, _) in found.visible.iter().enumerate().filter(|(_, seen)| **seen) {
                let (x, y) = (i as u32 % width, i as u32 / width);
                let expected =
                    bilinear(&photo, aslant.apply(Point::new(f64::from(x), f64::from(y))));
                for (found, expected) in found.raster.at(x, y).into_iter().zip(expected) {
                    // Half a level by rounding, and a 1024th of the steepest step by where it was
                    // taken.
                    assert!(
                        (f32::from(found) - expected).abs() < 0.8,
                        "{x},{y}: {found} instead of {expected}"
                    );
                }
            }
        }
    }

    #[test]
    fn halving_averages() {
        let stripes = Raster::from_fn(60, 60, |x, _| if x % 2 == 0 { [0; 3] } else { [200; 3] });
        let half = rectify(
            &stripes,
            &Homography([2.0, 0.0, 0.5, 0.0, 2.0, 0.5, 0.0, 0.0, 1.0]),
            30,
            30,
        );
        assert!((i32::from(half.raster.at(10, 10)[0]) - 100).abs() <= 2);
    }
}
