//! A figure of two tones compared as a shape: contour against contour, whatever the colours and the
//! polarity of the photo.
//!
//! A comparator of print sees little where a limb is added on plain ground. Here both pictures are parted
//! into figure and ground, and what one has farther from the other than their contours can err is told.
//! The distance is that of Hausdorff (Huttenlocher, Klanderman and Rucklidge, IEEE PAMI 15(9), 1993),
//! as a set of pixels instead of as one number, so that the place is known.

use crate::domain::{
    number::index,
    raster::{Plane, Raster},
    tuning::silhouette::{LEAST_CONTRAST, MESSY, REACH_PX, REACH_SHARE, SOLID_SHARE, TWO_TONED},
};

/// Side of a cell in pixels, as the comparator of marks has them.
const CELL_PX: usize = 8;

/// Figure and ground of a picture, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Silhouette {
    width: usize,
    height: usize,
    /// Whether each pixel is of the figure.
    figure: Vec<bool>,
}

impl Silhouette {
    /// The figure of a picture of two tones, each of which takes a part of it; `None` for any other.
    // By the threshold that parts the levels best: Otsu, IEEE SMC 9(1), 1979.
    pub(crate) fn of(picture: &Raster) -> Option<Self> {
        let grey = picture.grey();
        let (threshold, parted) = otsu(&grey.data)?;
        if parted < TWO_TONED {
            return None;
        }
        let dark: Vec<bool> = grey.data.iter().map(|v| *v < threshold).collect();
        // Ground is what the border shows most of.
        let ground_is_dark = 2 * border(&grey, |i| dark[i]) > border(&grey, |_| true);
        Some(Self {
            width: grey.width,
            height: grey.height,
            figure: dark.into_iter().map(|d| d != ground_is_dark).collect(),
        })
    }

    /// How surely each cell of 8 x 8 pixels (row by row) of a photo that lies in this figure's place shows
    /// another shape, 0 to 1. The photo's own two tones are learnt where this figure says that they
    /// are; `None` where they cannot be told apart there.
    pub(crate) fn differing(&self, photo: &Raster) -> Option<Vec<f32>> {
        let grey = photo.grey();
        if (grey.width, grey.height) != (self.width, self.height) {
            return None;
        }
        let side = self.width.max(self.height) as f64;
        let reach = index((side * REACH_SHARE).round()).max(REACH_PX);
        let own = Grown::of(self, reach);
        // Away from the contour, where a photo that is laid a little wrong still shows the same.
        let median = |inner: &dyn Fn(usize) -> bool| {
            let mut levels: Vec<f32> = (0..grey.data.len())
                .filter(|i| inner(*i))
                .map(|i| grey.data[i])
                .collect();
            levels.sort_by(f32::total_cmp);
            levels.get(levels.len() / 2).copied()
        };
        let figure = median(&|i| !own.ground[i]).or_else(|| median(&|i| self.figure[i]))?;
        let ground = median(&|i| !own.figure[i])?;
        if (figure - ground).abs() < LEAST_CONTRAST {
            return None;
        }
        let middle = (figure + ground) / 2.0;
        let shown = Self {
            figure: grey
                .data
                .iter()
                .map(|v| (*v > middle) == (figure > ground))
                .collect(),
            ..*self
        };
        let seen = Grown::of(&shown, reach);
        // Print where there was none, and none where there was some: by figure and by ground, so
        // that a hole that was filled is told as a bar that was added is.
        let added = |i: usize| shown.figure[i] && !own.figure[i];
        let filled = |i: usize| self.ground(i) && !seen.ground[i];
        let missing = |i: usize| self.figure[i] && !seen.figure[i];
        let opened = |i: usize| shown.ground(i) && !own.ground[i];
        // On messy ground nothing can be said to be added.
        let beyond = (0..self.figure.len()).filter(|i| !own.figure[*i]).count();
        let strewn = (0..self.figure.len()).filter(|i| added(*i)).count();
        let messy = strewn as f64 > MESSY * beyond.max(1) as f64;
        let differs = |i: usize| missing(i) || opened(i) || !messy && (added(i) || filled(i));
        let differs: Vec<bool> = (0..self.figure.len()).map(differs).collect();
        // Back to its own extent: what of it lies near the contour was left out.
        let differs = grown(&differs, (self.width, self.height), reach);
        Some(self.by_cells(|i| differs[i]))
    }

    fn ground(&self, i: usize) -> bool {
        !self.figure[i]
    }

    /// Share of each cell's pixels, in that which makes a cell differ for sure.
    fn by_cells(&self, differs: impl Fn(usize) -> bool) -> Vec<f32> {
        let (columns, rows) = (self.width / CELL_PX, self.height / CELL_PX);
        let mut cells = Vec::with_capacity(columns * rows);
        for row in 0..rows {
            for column in 0..columns {
                let inside = (0..CELL_PX * CELL_PX).filter(|n| {
                    let (x, y) = (column * CELL_PX + n % CELL_PX, row * CELL_PX + n / CELL_PX);
                    differs(y * self.width + x)
                });
                let share = inside.count() as f32 / (CELL_PX * CELL_PX) as f32;
                cells.push((share / SOLID_SHARE).min(1.0));
            }
        }
        cells
    }
}

/// A figure and its ground, each grown by a square of some pixels to each side.
struct Grown {
    figure: Vec<bool>,
    ground: Vec<bool>,
}

impl Grown {
    fn of(shape: &Silhouette, reach: usize) -> Self {
        let (width, height) = (shape.width, shape.height);
        let ground: Vec<bool> = shape.figure.iter().map(|f| !f).collect();
        Self {
            figure: grown(&shape.figure, (width, height), reach),
            ground: grown(&ground, (width, height), reach),
        }
    }
}

/// A set of pixels grown by `reach` pixels to each side: along rows, then along columns.
fn grown(set: &[bool], (width, height): (usize, usize), reach: usize) -> Vec<bool> {
    let along = |set: &[bool], lines: usize, length: usize, at: &dyn Fn(usize, usize) -> usize| {
        let mut out = vec![false; set.len()];
        for line in 0..lines {
            // How far on the last pixel of the set still reaches.
            let mut until = 0;
            let mut ahead = 0;
            for n in 0..length {
                while ahead < length && ahead <= n + reach {
                    if set[at(line, ahead)] {
                        until = ahead + reach + 1;
                    }
                    ahead += 1;
                }
                out[at(line, n)] = n < until;
            }
        }
        out
    };
    let rows = along(set, height, width, &|line, n| line * width + n);
    along(&rows, width, height, &|line, n| n * width + line)
}

/// The level that parts some levels (0 to 255) best into two, and the share of their variance that lies
/// between the two, 0 to 1; `None` when all are the same.
fn otsu(levels: &[f32]) -> Option<(f32, f64)> {
    let mut counts = [0_u32; 256];
    for level in levels {
        counts[index(f64::from(level.clamp(0.0, 255.0)))] += 1;
    }
    let all = levels.len() as f64;
    let sum = |power: i32| -> f64 {
        let each = counts.iter().enumerate();
        each.map(|(v, n)| (v as f64).powi(power) * f64::from(*n))
            .sum()
    };
    let mean = sum(1) / all.max(1.0);
    let variance = sum(2) / all.max(1.0) - mean * mean;
    if variance < 1.0 {
        return None;
    }
    let (mut below, mut total, mut best) = (0.0, 0.0, (0, 0.0));
    for (level, count) in counts.iter().enumerate() {
        below += f64::from(*count);
        total += level as f64 * f64::from(*count);
        let above = all - below;
        if below == 0.0 || above == 0.0 {
            continue;
        }
        let apart = total / below - (mean * all - total) / above;
        let between = below * above / (all * all) * apart * apart;
        if between > best.1 {
            best = (level + 1, between);
        }
    }
    Some((best.0 as f32, best.1 / variance))
}

/// How many pixels of the border are so.
fn border(plane: &Plane, is_so: impl Fn(usize) -> bool) -> usize {
    let (width, height) = (plane.width, plane.height);
    let on_border = |i: usize| {
        let (x, y) = (i % width, i / width);
        x == 0 || y == 0 || x + 1 == width || y + 1 == height
    };
    (0..width * height)
        .filter(|i| on_border(*i) && is_so(*i))
        .count()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "noughts and ones are exact")]
    use super::*;

    /// A ring with a bar through it, on ground; `extra` adds to the figure.
    fn picture(tones: [u8; 2], extra: impl Fn(u32, u32) -> Option<bool>) -> Raster {
        Raster::from_fn(128, 96, |x, y| {
            let (dx, dy) = (f64::from(x) - 64.0, f64::from(y) - 48.0);
            let ring = (24.0..34.0).contains(&dx.hypot(dy));
            let figure = extra(x, y).unwrap_or(ring || dx.abs() < 5.0 && dy.abs() < 30.0);
            [tones[usize::from(figure)]; 3]
        })
    }

    fn plain(x: u32, y: u32) -> Option<bool> {
        let _ = (x, y);
        None
    }

    fn strongest(photo: &Raster) -> f32 {
        let figure = Silhouette::of(&picture([250, 20], plain)).unwrap();
        let cells = figure.differing(photo).unwrap();
        cells.into_iter().fold(0.0, f32::max)
    }

    #[test]
    fn the_same_shape_is_the_same_in_any_tones() {
        for tones in [[250, 20], [20, 250], [90, 160], [200, 120]] {
            assert_eq!(strongest(&picture(tones, plain)), 0.0, "{tones:?}");
        }
    }

    #[test]
    fn a_shift_of_a_pixel_is_no_difference() {
        let moved = Raster::from_fn(128, 96, |x, y| {
            picture([250, 20], plain).at(x.max(1) - 1, y)
        });
        assert_eq!(strongest(&moved), 0.0);
    }

    #[test]
    fn what_is_added_missing_filled_or_opened_is_told_where_it_lies() {
        let figure = Silhouette::of(&picture([250, 20], plain)).unwrap();
        let bar =
            |x: u32, y: u32| ((100..124).contains(&x) && (40..56).contains(&y)).then_some(true);
        let gone = |x: u32, y: u32| (x > 88 && y > 30 && y < 66).then_some(false);
        let filled =
            |x: u32, y: u32| ((72..88).contains(&x) && (36..60).contains(&y)).then_some(true);
        for (name, photo, place) in [
            ("bar", picture([20, 250], bar), (112, 48)),
            ("gone", picture([20, 250], gone), (92, 48)),
            ("filled", picture([90, 180], filled), (78, 48)),
        ] {
            let cells = figure.differing(&photo).unwrap();
            let at = place.1 / 8 * 16 + place.0 / 8;
            assert_eq!(cells[at], 1.0, "{name}: {cells:?}");
            // Nothing on the other side.
            assert!((0..12).all(|row| cells[row * 16 + 2] == 0.0), "{name}");
        }
    }

    #[test]
    fn what_has_no_two_tones_is_no_figure() {
        let ramp = Raster::from_fn(64, 64, |x, _| [(x * 4) as u8; 3]);
        assert_eq!(Silhouette::of(&ramp), None);
        assert_eq!(
            Silhouette::of(&Raster::from_fn(64, 64, |_, _| [9; 3])),
            None
        );
        let figure = Silhouette::of(&picture([250, 20], plain)).unwrap();
        assert_eq!(figure.differing(&picture([100, 104], plain)), None);
    }

    #[test]
    fn growing_is_as_looking_around() {
        let set: Vec<bool> = (0..15 * 11).map(|i| i * i % 23 == 4).collect();
        let fast = grown(&set, (15, 11), 2);
        for y in 0..11_usize {
            for x in 0..15_usize {
                let near = (y.saturating_sub(2)..(y + 3).min(11))
                    .any(|v| (x.saturating_sub(2)..(x + 3).min(15)).any(|u| set[v * 15 + u]));
                assert_eq!(fast[y * 15 + x], near, "{x} {y}");
            }
        }
    }
}
