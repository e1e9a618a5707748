//! Ink told from ground within a mark, its letters, and a page on which letters are removed and
//! laid anew.

use crate::domain::{
    geometry::Rect,
    number::{index, level, single},
    raster::Raster,
};

/// Pixels around a letter that go with it: its soft edge.
const HALO: usize = 2;
/// Ink must differ from the ground by this much (of 255), in the channel that differs most.
const LEAST_CONTRAST: f64 = 40.0;
/// Share of a mark that ink may cover.
const INK_SHARE: (f64, f64) = (0.02, 0.7);
/// Smaller shapes, in pixels of height, are no letters that could be read in a photo.
const LEAST_LETTER_PX: usize = 10;
/// Wider shapes, in heights, are several letters grown together.
const WIDEST_LETTER: f64 = 2.0;
/// Side of the grid on which shapes are compared.
const SHAPE: usize = 12;

/// A mark's print taken apart.
pub(super) struct Ink {
    /// The print.
    pub(super) patch: Raster,
    /// Pixels of ink.
    pub(super) area: usize,
    colour: [f32; 3],
    alpha: Vec<f32>,
    mask: Vec<bool>,
    ground: Raster,
}

/// A letter, or a whole word.
#[derive(Clone)]
pub(super) struct Letter {
    /// The box around it, in pixels of the patch.
    pub(super) outline: Rect<usize>,
    /// Pixels of ink.
    pub(super) area: usize,
    /// Over the whole patch: the letter's ink with its soft edge.
    cover: Vec<bool>,
    shape: [f64; SHAPE * SHAPE],
}

impl Letter {
    pub(super) fn width(&self) -> usize {
        self.outline.width()
    }

    fn height(&self) -> usize {
        self.outline.height()
    }

    /// How differently two shapes cover their boxes, 0 to 1.
    pub(super) fn unlike(&self, other: &Self) -> f64 {
        let sum: f64 = self
            .shape
            .iter()
            .zip(&other.shape)
            .map(|(a, b)| (a - b).abs())
            .sum();
        sum / (SHAPE * SHAPE) as f64
    }

    /// How far this must be stretched out of its proportions to fill the other's box; 1 is not at
    /// all.
    pub(super) fn stretch(&self, other: &Self) -> f64 {
        let proportion = |l: &Self| l.width() as f64 / l.height() as f64;
        let ratio = proportion(self) / proportion(other);
        ratio.max(1.0 / ratio)
    }
}

impl Ink {
    /// Tells ink from ground by its difference from the patch's border (Otsu's threshold); `None`
    /// when there is no ink, or nothing that could be the ground.
    pub(super) fn of(patch: &Raster) -> Option<Self> {
        let (w, h) = (patch.width() as usize, patch.height() as usize);
        // A mark's outline leaves a little of its ground around the letters.
        let ground = border_colour(patch);
        let difference = |p: &[u8]| {
            p.iter()
                .zip(ground)
                .map(|(a, b)| a.abs_diff(b))
                .max()
                .unwrap_or(0)
        };
        let differences: Vec<u8> = patch.pixels().chunks_exact(3).map(difference).collect();
        let threshold = otsu(&differences);
        let mask: Vec<bool> = differences.iter().map(|d| *d > threshold).collect();
        let area = mask.iter().filter(|m| **m).count();
        let share = area as f64 / (w * h) as f64;
        let sum: f64 = differences
            .iter()
            .zip(&mask)
            .filter(|(_, m)| **m)
            .map(|(d, _)| f64::from(*d))
            .sum();
        let contrast = sum / area.max(1) as f64;
        // The ground itself has a threshold too: what it parts is then noise.
        if contrast < LEAST_CONTRAST || !(INK_SHARE.0..=INK_SHARE.1).contains(&share) {
            return None;
        }
        let alpha = differences
            .iter()
            .map(|d| (f32::from(*d) / single(contrast)).min(1.0))
            .collect();
        let mut colour = [0.0; 3];
        let mut full = 0.0_f32;
        for (pixel, _) in patch
            .pixels()
            .chunks_exact(3)
            .zip(&differences)
            // Soft edges are mixed with the ground: only full ink shows its colour.
            .filter(|(_, d)| f64::from(**d) >= contrast)
        {
            (0..3).for_each(|c| colour[c] += f32::from(pixel[c]));
            full += 1.0;
        }
        let colour = colour.map(|c| c / full.max(1.0));
        // Grown first, or the letters' soft edges would be smeared into the ground.
        let ground = filled(patch, &grown(&mask, w, h));
        Some(Self {
            patch: patch.clone(),
            area,
            colour,
            alpha,
            mask,
            ground,
        })
    }

    /// How much of a pixel is ink, 0 to 1.
    pub(super) fn alpha_at(&self, x: u32, y: u32) -> f32 {
        self.alpha[(y * self.patch.width() + x) as usize]
    }

    /// All ink as one shape.
    pub(super) fn whole(&self) -> Letter {
        self.cut(&self.mask)
    }

    /// Letters from left to right: connected ink, with dots and accents above joined to what they
    /// stand over.
    pub(super) fn letters(&self) -> Vec<Letter> {
        let mut groups: Vec<(Rect<usize>, Vec<usize>)> = Vec::new();
        let mut parts = self.connected();
        // Left to right: groups then come in reading order, and a shape joins the leftmost that it
        // shares columns with.
        parts.sort_by_key(|(outline, _)| outline.left);
        for (outline, pixels) in parts {
            // By the narrower of both: a dot is far narrower than some letters.
            let narrower = |o: &Rect<usize>| o.width().min(outline.width()) as f64;
            let shared = |o: &Rect<usize>| {
                o.right.min(outline.right) as f64 - o.left.max(outline.left) as f64
            };
            match groups
                .iter_mut()
                .find(|(o, _)| shared(o) >= 0.5 * narrower(o))
            {
                Some((o, all)) => {
                    *o = o.union(outline);
                    all.extend(pixels);
                }
                None => groups.push((outline, pixels)),
            }
        }
        // Commas and dots of noise are far lower than the letters of their line.
        let tallest = groups.iter().map(|(o, _)| o.height()).max().unwrap_or(0);
        groups.retain(|(outline, _)| {
            let (w, h) = (outline.width(), outline.height());
            h >= LEAST_LETTER_PX
                && 5 * h >= 2 * tallest
                && w >= 2
                && w as f64 <= WIDEST_LETTER * h as f64
        });
        groups
            .into_iter()
            .map(|(_, pixels)| {
                let mut mask = vec![false; self.mask.len()];
                pixels.into_iter().for_each(|i| mask[i] = true);
                self.cut(&mask)
            })
            .collect()
    }

    /// A page that shows the print as it is.
    pub(super) fn page(&self) -> Page<'_> {
        Page {
            ink: self,
            pixels: self.patch.pixels().to_vec(),
        }
    }

    fn size(&self) -> (usize, usize) {
        (self.patch.width() as usize, self.patch.height() as usize)
    }

    fn cut(&self, mask: &[bool]) -> Letter {
        let (w, h) = self.size();
        let mut outline = Rect::new(w, h, 0, 0);
        for i in (0..mask.len()).filter(|i| mask[*i]) {
            let (x, y) = (i % w, i / w);
            outline = outline.union(Rect::new(x, y, x + 1, y + 1));
        }
        let [x0, y0, x1, y1] = outline.into();
        let shape = std::array::from_fn(|n| {
            // In the middle of each grid cell, in whole numbers: the same letter twice gives the
            // same shape.
            let x = x0 + (2 * (n % SHAPE) + 1) * (x1.max(x0 + 1) - x0) / (2 * SHAPE);
            let y = y0 + (2 * (n / SHAPE) + 1) * (y1.max(y0 + 1) - y0) / (2 * SHAPE);
            if mask[y.min(h - 1) * w + x.min(w - 1)] {
                1.0
            } else {
                0.0
            }
        });
        let grown = grown(mask, w, h);
        // The soft edge of a neighbour's ink is the neighbour's.
        let cover = (0..mask.len())
            .map(|i| mask[i] || grown[i] && !self.mask[i])
            .collect();
        Letter {
            outline,
            area: mask.iter().filter(|m| **m).count(),
            cover,
            shape,
        }
    }

    /// Connected shapes of ink (eight neighbours): outline and pixels.
    fn connected(&self) -> Vec<(Rect<usize>, Vec<usize>)> {
        let (w, h) = self.size();
        let mut open = self.mask.clone();
        let mut found = Vec::new();
        for start in 0..open.len() {
            if !std::mem::take(&mut open[start]) {
                continue;
            }
            let mut outline = Rect::new(w, h, 0, 0);
            let (mut pixels, mut next) = (Vec::new(), vec![start]);
            while let Some(i) = next.pop() {
                let (x, y) = (i % w, i / w);
                outline = outline.union(Rect::new(x, y, x + 1, y + 1));
                pixels.push(i);
                for ny in y.saturating_sub(1)..(y + 2).min(h) {
                    for nx in x.saturating_sub(1)..(x + 2).min(w) {
                        if std::mem::take(&mut open[ny * w + nx]) {
                            next.push(ny * w + nx);
                        }
                    }
                }
            }
            // Smaller specks are noise of compression.
            if pixels.len() >= 4 {
                found.push((outline, pixels));
            }
        }
        found
    }
}

/// A print being changed.
pub(super) struct Page<'a> {
    ink: &'a Ink,
    pixels: Vec<u8>,
}

impl Page<'_> {
    /// Puts the ground in a letter's place.
    pub(super) fn erase(&mut self, letter: &Letter) {
        for i in (0..letter.cover.len()).filter(|i| letter.cover[*i]) {
            self.pixels[3 * i..3 * i + 3]
                .copy_from_slice(&self.ink.ground.pixels()[3 * i..3 * i + 3]);
        }
    }

    /// Lays a letter of this print, as it is, with its left edge at column `x`.
    pub(super) fn paste(&mut self, letter: &Letter, x: usize) {
        let (w, _) = self.ink.size();
        for i in (0..letter.cover.len()).filter(|i| letter.cover[*i]) {
            // A wider letter may reach beyond the patch: what does is cut off.
            let column = (i % w + x).checked_sub(letter.outline.left);
            if let Some(column) = column.filter(|column| *column < w) {
                let to = i / w * w + column;
                self.pixels[3 * to..3 * to + 3]
                    .copy_from_slice(&self.ink.patch.pixels()[3 * i..3 * i + 3]);
            }
        }
    }

    /// Draws a letter of `from` into the box `slot`, in this print's colour.
    pub(super) fn draw(&mut self, from: &Ink, letter: &Letter, slot: Rect<usize>) {
        let (w, h) = self.ink.size();
        let [x0, y0, x1, y1] = slot.into();
        let scale = |side: usize, of: usize| side as f64 / of.max(1) as f64;
        let (sx, sy) = (
            scale(letter.width(), slot.width()),
            scale(letter.height(), slot.height()),
        );
        // A pixel beyond the box, for the soft edge.
        for y in y0.saturating_sub(1)..(y1 + 1).min(h) {
            for x in x0.saturating_sub(1)..(x1 + 1).min(w) {
                let u = letter.outline.left as f64 + (x as f64 - x0 as f64 + 0.5) * sx - 0.5;
                let v = letter.outline.top as f64 + (y as f64 - y0 as f64 + 0.5) * sy - 0.5;
                let alpha = from.soft(letter, u, v);
                for (c, value) in self.pixels[3 * (y * w + x)..][..3].iter_mut().enumerate() {
                    let mixed = f32::from(*value) * (1.0 - alpha) + self.ink.colour[c] * alpha;
                    *value = level(mixed.round());
                }
            }
        }
    }

    /// The changed print.
    pub(super) fn raster(self) -> Raster {
        let (w, h) = (self.ink.patch.width(), self.ink.patch.height());
        // As many bytes as the patch has.
        Raster::new(w, h, self.pixels).unwrap_or_else(|_| self.ink.patch.clone())
    }
}

impl Ink {
    /// How much ink of a letter there is at a place between pixels, 0 to 1.
    fn soft(&self, letter: &Letter, u: f64, v: f64) -> f32 {
        let (w, h) = self.size();
        let (left, top) = (u.floor(), v.floor());
        let mut sum = 0.0;
        for (dx, dy) in [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)] {
            let (x, y) = (left + dx, top + dy);
            if !(0.0..w as f64).contains(&x) || !(0.0..h as f64).contains(&y) {
                continue;
            }
            let i = index(y) * w + index(x);
            let weight = (1.0 - (u - x).abs()) * (1.0 - (v - y).abs());
            sum += if letter.cover[i] {
                self.alpha[i] * single(weight)
            } else {
                0.0
            };
        }
        sum.clamp(0.0, 1.0)
    }
}

/// Per channel the middle value along the border.
fn border_colour(patch: &Raster) -> [u8; 3] {
    let (w, h) = (patch.width(), patch.height());
    let rows = (0..w).flat_map(|x| [(x, 0), (x, h - 1)]);
    let border: Vec<[u8; 3]> = rows
        .chain((0..h).flat_map(|y| [(0, y), (w - 1, y)]))
        .map(|(x, y)| patch.at(x, y))
        .collect();
    std::array::from_fn(|c| {
        let mut values: Vec<u8> = border.iter().map(|p| p[c]).collect();
        values.sort_unstable();
        // The middle and not the mean: a letter that touches the border must not tint the ground.
        values[values.len() / 2]
    })
}

/// The threshold that parts the values best in two (Otsu, "A threshold selection method", 1979):
/// values above it are one side.
#[expect(
    clippy::float_cmp,
    reason = "sums of counts are whole numbers, which floats hold exactly"
)]
fn otsu(values: &[u8]) -> u8 {
    let mut counts = [0_usize; 256];
    values.iter().for_each(|v| counts[usize::from(*v)] += 1);
    let total = values.len() as f64;
    let sum: f64 = counts
        .iter()
        .enumerate()
        .map(|(v, n)| v as f64 * *n as f64)
        .sum();
    let (mut below, mut below_sum, mut best) = (0.0, 0.0, (0.0, 0));
    for (value, count) in (0..=u8::MAX).zip(counts) {
        below += count as f64;
        below_sum += f64::from(value) * count as f64;
        // With all values on one side there is nothing to part, and a division by 0.
        if below == 0.0 || below == total {
            continue;
        }
        let between = below
            * (total - below)
            * (below_sum / below - (sum - below_sum) / (total - below)).powi(2);
        if between > best.0 {
            best = (between, value);
        }
    }
    best.1
}

/// The mask grown by [`HALO`] pixels in all directions.
fn grown(mask: &[bool], w: usize, h: usize) -> Vec<bool> {
    let mut out = vec![false; mask.len()];
    for i in (0..mask.len()).filter(|i| mask[*i]) {
        let (x, y) = (i % w, i / w);
        for ny in y.saturating_sub(HALO)..(y + HALO + 1).min(h) {
            out[ny * w + x.saturating_sub(HALO)..ny * w + (x + HALO + 1).min(w)].fill(true);
        }
    }
    out
}

/// The patch with the `hidden` pixels filled from the nearest others to the left, right, above and
/// below, nearer ones counting more.
fn filled(patch: &Raster, hidden: &[bool]) -> Raster {
    let (w, h) = (patch.width() as usize, patch.height() as usize);
    let mut sums = vec![[0.0_f32; 4]; w * h];
    // The same walk serves all four directions.
    let mut pass = |along: &mut dyn Iterator<Item = usize>| {
        let mut last: Option<(usize, f32)> = None;
        for i in along {
            if !hidden[i] {
                last = Some((i, 0.0));
            } else if let Some((from, steps)) = &mut last {
                *steps += 1.0;
                let colour = &patch.pixels()[3 * *from..3 * *from + 3];
                (0..3).for_each(|c| sums[i][c] += f32::from(colour[c]) / *steps);
                // Nearer pixels count more: the ground may change across the mark.
                sums[i][3] += 1.0 / *steps;
            }
        }
    };
    for y in 0..h {
        pass(&mut (y * w..(y + 1) * w));
        pass(&mut (y * w..(y + 1) * w).rev());
    }
    for x in 0..w {
        pass(&mut (0..h).map(|y| y * w + x));
        pass(&mut (0..h).rev().map(|y| y * w + x));
    }
    Raster::from_fn(patch.width(), patch.height(), |x, y| {
        let i = y as usize * w + x as usize;
        match sums[i] {
            [r, g, b, weight] if weight > 0.0 => [r, g, b].map(|v| level((v / weight).round())),
            _ => patch.at(x, y),
        }
    })
}
