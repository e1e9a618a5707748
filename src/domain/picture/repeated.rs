//! Marks that are laid over a whole picture again and again, such as a marketplace's watermark.
//!
//! What is brighter than its surroundings is taken as bits; a pattern that repeats exactly in two
//! directions makes these bits meet themselves at two shifts far more often than at any shift a few
//! pixels off. Edges and lines of print meet themselves along their own direction too, and so at
//! those as well.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "shifts are smaller than the sides of a small picture"
)]

use super::averaging::averaged;
use crate::domain::{
    geometry::Point,
    number::index,
    raster::{Plane, Raster},
    tuning::repeated::{
        AROUND, BRIGHTER, CANDIDATES, FEWEST_SHIFTS, LEAST_ANGLE, LEAST_DENSITY, LEAST_EXCESS,
        LEAST_SHIFT, MOST_SHIFT, RING, SIDE_PX, WINDOW,
    },
};

/// A shift in pixels, to the right and down.
type Shift = (i32, i32);

/// Where a picture carries a repeated pattern.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Repeated {
    density: Plane,
    /// Pixels of the plane to one of the picture.
    scale: (f64, f64),
}

impl Repeated {
    /// The pattern that a picture repeats; `None` when it repeats none.
    pub(crate) fn of(picture: &Raster) -> Option<Self> {
        let shrink = f64::from(SIDE_PX) / f64::from(picture.long_side());
        let side = |v: u32| index((f64::from(v) * shrink).round()).max(2);
        let (width, height) = (side(picture.width()), side(picture.height()));
        let bits = Bits::brighter(&averaged(picture, width, height));
        let shifts = bits.repeats()?;
        let density = mean_around(&bits.votes(shifts), WINDOW);
        let scale = (
            width as f64 / f64::from(picture.width()),
            height as f64 / f64::from(picture.height()),
        );
        Some(Self { density, scale })
    }

    /// Whether the pattern lies at a place, in pixels of the picture.
    pub(crate) fn covers(&self, at: Point) -> bool {
        let place =
            |v: f64, scale: f64, count: usize| index(((v + 0.5) * scale).max(0.0)).min(count - 1);
        let x = place(at.x, self.scale.0, self.density.width);
        let y = place(at.y, self.scale.1, self.density.height);
        self.density.at(x, y) >= LEAST_DENSITY
    }
}

/// Mean over the square of `reach` pixels to every side, cut at the border.
fn mean_around(plane: &Plane, reach: usize) -> Plane {
    let (width, height) = (plane.width, plane.height);
    let line = |data: &[f32], count: usize, stride: usize, start: usize| -> Vec<f32> {
        let value = |i: usize| data[start + i * stride];
        let span = |i: usize| i.saturating_sub(reach)..(i + reach + 1).min(count);
        (0..count)
            .map(|i| span(i).map(value).sum::<f32>() / span(i).len() as f32)
            .collect()
    };
    let across: Vec<f32> = (0..height)
        .flat_map(|y| line(&plane.data, width, 1, y * width))
        .collect();
    let mut out = Plane::filled(width, height, 0.0);
    for x in 0..width {
        for (y, v) in line(&across, height, width, x).into_iter().enumerate() {
            out.data[y * width + x] = v;
        }
    }
    out
}

/// One bit for each pixel, 64 in a word.
struct Bits {
    width: usize,
    height: usize,
    words: usize,
    rows: Vec<u64>,
}

impl Bits {
    fn from_fn(width: usize, height: usize, is_set: impl Fn(usize, usize) -> bool) -> Self {
        let words = width.div_ceil(64);
        let mut rows = vec![0; words * height];
        for y in 0..height {
            for x in (0..width).filter(|x| is_set(*x, y)) {
                rows[y * words + x / 64] |= 1 << (x % 64);
            }
        }
        Self {
            width,
            height,
            words,
            rows,
        }
    }

    fn brighter(grey: &Plane) -> Self {
        let around = mean_around(grey, AROUND);
        Self::from_fn(grey.width, grey.height, |x, y| {
            grey.at(x, y) - around.at(x, y) > BRIGHTER
        })
    }

    /// At half the size: set where two of four are.
    fn halved(&self) -> Self {
        Self::from_fn(self.width / 2, self.height / 2, |x, y| {
            let four = [(0, 0), (1, 0), (0, 1), (1, 1)];
            four.into_iter()
                .filter(|(u, v)| self.at(2 * x + u, 2 * y + v))
                .count()
                >= 2
        })
    }

    fn at(&self, x: usize, y: usize) -> bool {
        self.rows[y * self.words + x / 64] >> (x % 64) & 1 == 1
    }

    /// The bit a shift away; `None` outside.
    fn beside(&self, x: usize, y: usize, (right, down): Shift) -> Option<bool> {
        let along = |at: usize, by: i32, count: usize| {
            at.checked_add_signed(by as isize).filter(|v| *v < count)
        };
        Some(self.at(along(x, right, self.width)?, along(y, down, self.height)?))
    }

    /// Bits that meet a bit a shift away.
    fn meetings(&self, (right, down): Shift) -> u32 {
        // The same pairs are met from the other end: only shifts downwards need be written out.
        if down < 0 {
            return self.meetings((-right, -down));
        }
        let (by, down) = (right.unsigned_abs() as usize, down.unsigned_abs() as usize);
        let (skip, part) = (by / 64, by % 64);
        let mut count = 0;
        for y in 0..self.height.saturating_sub(down) {
            let row = |y: usize| &self.rows[y * self.words..(y + 1) * self.words];
            // `moved` is brought back by the shift to meet `still`.
            let (still, moved) = match right < 0 {
                true => (row(y + down), row(y)),
                false => (row(y), row(y + down)),
            };
            for (word, still) in still.iter().enumerate() {
                let take = |i: usize| moved.get(i).copied().unwrap_or(0);
                let low = take(word + skip) >> part;
                let high = if part == 0 {
                    0
                } else {
                    take(word + skip + 1) << (64 - part)
                };
                count += (still & (low | high)).count_ones();
            }
        }
        count
    }

    /// How far the meetings at each shift of a field exceed those at the shifts around it, in
    /// standard deviations, for the shifts that `counts`.
    fn excesses(
        &self,
        xs: [i32; 2],
        ys: [i32; 2],
        counts: impl Fn(Shift) -> bool,
    ) -> Vec<(f64, Shift)> {
        let columns = (xs[1] - xs[0] + 2 * RING) as usize;
        let table: Vec<u32> = (ys[0] - RING..ys[1] + RING)
            .flat_map(|y| (xs[0] - RING..xs[1] + RING).map(move |x| (x, y)))
            .map(|shift| self.meetings(shift))
            .collect();
        let at = |x: i32, y: i32| {
            f64::from(table[(y - ys[0] + RING) as usize * columns + (x - xs[0] + RING) as usize])
        };
        // All around at one distance: an edge or a line of print meets itself at two of these.
        let ring: Vec<Shift> = (-RING..=RING)
            .flat_map(|along| [(along, RING), (along, -RING), (RING, along), (-RING, along)])
            .collect();
        let mut found = Vec::new();
        for y in ys[0]..ys[1] {
            for x in (xs[0]..xs[1]).filter(|x| counts((*x, y))) {
                let around = ring.iter().map(|(u, v)| at(x + u, y + v));
                let most = around.fold(0.0, f64::max);
                found.push(((at(x, y) - most) / most.max(16.0).sqrt(), (x, y)));
            }
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        found
    }

    /// The two shifts at which the bits repeat.
    fn repeats(&self) -> Option<[Shift; 2]> {
        let half = self.halved();
        let most = |count: usize| (count as f64 * MOST_SHIFT) as i32;
        let (across, down) = (most(half.width), most(half.height));
        let far = |(x, y): Shift| x * x + y * y >= LEAST_SHIFT * LEAST_SHIFT && (y > 0 || x > 0);
        let mut candidates: Vec<Shift> = Vec::new();
        for (_, (x, y)) in half.excesses([-across, across + 1], [0, down + 1], far) {
            if candidates.len() == CANDIDATES {
                break;
            }
            if candidates
                .iter()
                .all(|(u, v)| (u - x).abs().max((v - y).abs()) > RING)
            {
                candidates.push((x, y));
            }
        }
        // Half the size finds where to look; the strokes of a watermark need all of it.
        let mut fine: Vec<(f64, Shift)> = candidates
            .iter()
            .filter_map(|(x, y)| {
                let near = |v: i32| [2 * v - 2, 2 * v + 3];
                self.excesses(near(*x), near(*y), |_| true).first().copied()
            })
            .filter(|(excess, _)| *excess >= LEAST_EXCESS)
            .collect();
        fine.sort_by(|a, b| b.0.total_cmp(&a.0));
        let (_, first) = *fine.first()?;
        let length = |(x, y): Shift| f64::from(x).hypot(f64::from(y));
        let aside = |s: &Shift| {
            let cross = f64::from(first.0 * s.1 - first.1 * s.0).abs();
            cross >= LEAST_ANGLE * length(first) * length(*s)
        };
        // In two directions: a line of print or an edge repeats along itself only.
        let second = fine.iter().map(|(_, s)| *s).find(aside)?;
        Some([first, second])
    }

    /// 1 where most places that lie a few shifts away carry a bit.
    fn votes(&self, [a, b]: [Shift; 2]) -> Plane {
        let (sum, difference) = ((a.0 + b.0, a.1 + b.1), (a.0 - b.0, a.1 - b.1));
        let shifts = [a, b, sum, difference]
            .into_iter()
            .flat_map(|s| [s, (-s.0, -s.1)]);
        let shifts: Vec<Shift> = shifts.collect();
        let mut out = Plane::filled(self.width, self.height, 0.0);
        for (i, value) in out.data.iter_mut().enumerate() {
            let (x, y) = (i % self.width, i / self.width);
            let seen = || shifts.iter().filter_map(|s| self.beside(x, y, *s));
            let (inside, set) = (seen().count(), seen().filter(|bit| *bit).count());
            if inside >= FEWEST_SHIFTS && 5 * set >= 3 * inside {
                *value = 1.0;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uneven ground with what `over` lays over it.
    fn picture(over: impl Fn(u32, u32) -> bool) -> Raster {
        Raster::from_fn(480, 360, |x, y| {
            let ground = 100.0 + 60.0 * (f64::from(x) / 37.0).sin() * (f64::from(y) / 23.0).cos();
            let seen = if over(x, y) {
                0.6 * ground + 102.0
            } else {
                ground
            };
            [seen as u8; 3]
        })
    }

    /// Strokes like letters, 60 x 12 pixels, every 150 x 100.
    fn watermark(x: u32, y: u32) -> bool {
        let (u, v) = (x % 150, y % 100);
        (40..100).contains(&u) && (30..42).contains(&v) && (u * 7 / 5 + v * u / 9) % 8 < 2
    }

    #[test]
    fn a_watermark_is_found_where_it_lies() {
        let repeated = Repeated::of(&picture(watermark)).unwrap();
        let at = |x: f64, y: f64| repeated.covers(Point::new(x, y));
        assert!(at(220.0, 136.0) && at(70.0, 236.0) && at(240.0, 237.0));
        assert!(!at(220.0, 180.0) && !at(150.0, 60.0));
    }

    #[test]
    fn what_does_not_repeat_in_two_directions_is_no_watermark() {
        assert!(Repeated::of(&picture(|_, _| false)).is_none());
        assert!(Repeated::of(&picture(|x, y| y < 100 && watermark(x, y))).is_none());
        // Upright stripes; slanted thin ones are still taken for a pattern.
        assert!(Repeated::of(&picture(|x, _| x % 80 < 2)).is_none());
    }
}
