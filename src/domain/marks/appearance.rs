//! The appearance channel: an aligned photo against its reference, block by block.
//!
//! Once light is taken out (`light`), blocks are compared by normalised cross-correlation with a
//! small search, which forgives the few pixels by which a homography misses on curved or folded
//! packs.

use crate::domain::{
    bend::Found,
    geometry::{Point, Rect},
    number::{self, count_u32, single},
    raster::Plane,
    rectify::Rectified,
    tuning::appearance::{
        BLOCK_PX, FLAT, LEAST_SURPLUS, LOST, OUTER_PX, PLACE_COLUMNS, PLACE_ROWS, REGISTERED,
        SEARCH_PX, STRIDE_PX,
    },
    windows::{lies_in, mostly_in, strongest_window},
};

/// Values multiplied at once.
const LANES: usize = 16;

/// A block of the reference against the photo.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Block {
    /// Normalised cross-correlation, -1 to 1.
    pub correlation: f32,
    /// Contrast of the reference: standard deviation of grey, 0 to 128.
    pub contrast: f32,
    /// How far from its place it was found in the photo, in pixels to the right and down.
    pub shift: [f32; 2],
}

impl Block {
    /// Contrast of the reference that the photo does not explain, in grey levels: what is left of a
    /// block after the best linear prediction from the photo's with a slope of 0 or more.
    fn unexplained(&self) -> f64 {
        let explained = f64::from(self.correlation.max(0.0));
        f64::from(self.contrast) * (1.0 - explained * explained).max(0.0).sqrt()
    }
}

/// The blocks of an aligned pair.
#[derive(Clone, Debug, PartialEq)]
pub struct BlockMap {
    /// Blocks in a row.
    pub columns: usize,
    /// Rows of blocks.
    pub rows: usize,
    /// Row-major; `None` where the reference is flat or the photo does not show it.
    pub blocks: Vec<Option<Block>>,
}

impl BlockMap {
    /// The map with nothing said by blocks of which the boxes, in pixels, hold more than a third.
    #[must_use]
    pub fn without(mut self, boxes: &[Rect]) -> Self {
        for i in 0..self.blocks.len() {
            let (x, y, side) = self.place(i);
            let [x, y, side] = [x, y, side].map(count_u32);
            if mostly_in(Rect::from_size(x, y, side, side), boxes) {
                self.blocks[i] = None;
            }
        }
        self
    }

    /// Mean correlation over the blocks that say something.
    pub fn mean(&self) -> Option<f64> {
        let known: Vec<f64> = self
            .blocks
            .iter()
            .flatten()
            .map(|b| f64::from(b.correlation))
            .collect();
        // No mean of nothing: a flat print neither agrees nor differs.
        (!known.is_empty()).then(|| known.iter().sum::<f64>() / known.len() as f64)
    }

    /// The place of a frame of `width` x `height` pixels with most contrast that the photo does not
    /// explain, against the median, outside the boxes `taken`. `None` where nothing stands out.
    pub fn least_explained(&self, taken: &[Rect], width: u32, height: u32) -> Option<Rect> {
        let mut levels: Vec<f64> = self
            .blocks
            .iter()
            .flatten()
            .map(Block::unexplained)
            .collect();
        levels.sort_by(f64::total_cmp);
        // Against the median, because blur leaves some contrast unexplained everywhere.
        let usual = *levels.get(levels.len() / 2)?;
        let inner = |v: u32, side: u32| (OUTER_PX..=side.saturating_sub(OUTER_PX)).contains(&v);
        let surplus: Vec<f64> = (0..self.blocks.len())
            .map(|i| {
                let (x, y) = self.middle(i);
                let counts = inner(x, width) && inner(y, height) && !self.lies_in(i, taken);
                self.blocks[i]
                    .filter(|_| counts)
                    .map_or(0.0, |b| (b.unexplained() - usual).max(0.0))
            })
            .collect();
        // A small frame still has a place: all of it.
        let (wide, high) = (PLACE_COLUMNS.min(self.columns), PLACE_ROWS.min(self.rows));
        let (c, r) = strongest_window(
            &surplus,
            (self.columns, self.rows),
            (wide, high),
            LEAST_SURPLUS,
        )?;
        let px = |blocks: usize| count_u32(blocks * STRIDE_PX);
        let end = |first: usize, blocks: usize| px(first + blocks - 1) + count_u32(BLOCK_PX);
        Some(Rect::new(px(c), px(r), end(c, wide), end(r, high)))
    }

    /// Where blocks that are surely seen were found.
    pub fn found(&self) -> Vec<Found> {
        let seen = self.blocks.iter().enumerate();
        let seen = seen.filter_map(|(i, block)| Some((i, block.as_ref()?)));
        seen.filter(|(_, block)| block.correlation >= REGISTERED)
            .map(|(i, block)| {
                let (x, y) = self.middle(i);
                Found {
                    at: Point::new(f64::from(x), f64::from(y)),
                    shift: block.shift.map(f64::from),
                    weight: f64::from(block.correlation).powi(2),
                }
            })
            .collect()
    }

    /// Whether most blocks around a place in pixels of the frame were not found in the photo, nor
    /// the block that is nearest.
    pub fn is_lost(&self, at: Point) -> bool {
        if self
            .nearest(at.x, at.y)
            .is_some_and(|b| b.correlation >= LOST)
        {
            return false;
        }
        let steps = [-1.0, 0.0, 1.0].map(|step| step * STRIDE_PX as f64);
        let around = steps
            .iter()
            .flat_map(|y| steps.map(|x| (at.x + x, at.y + y)));
        let known: Vec<Block> = around.filter_map(|(x, y)| self.nearest(x, y)).collect();
        let lost = known.iter().filter(|b| b.correlation < LOST).count();
        2 * lost > known.len()
    }

    /// Whether the block's middle lies in one of some boxes in pixels of the frame.
    pub fn lies_in(&self, index: usize, boxes: &[Rect]) -> bool {
        lies_in(boxes, self.middle(index))
    }

    /// The block whose middle is nearest to a place in pixels of the frame; `None` when it says
    /// nothing.
    pub fn nearest(&self, x: f64, y: f64) -> Option<Block> {
        let index = |at: f64, count: usize| {
            let nearest = ((at - BLOCK_PX as f64 / 2.0) / STRIDE_PX as f64).round();
            number::index(nearest).min(count.saturating_sub(1))
        };
        *self
            .blocks
            .get(index(y, self.rows) * self.columns + index(x, self.columns))?
    }

    fn middle(&self, index: usize) -> (u32, u32) {
        let (x, y, side) = self.place(index);
        (count_u32(x + side / 2), count_u32(y + side / 2))
    }

    /// What the block stands for when all of them are drawn side by side, in pixels of the frame. Blocks
    /// themselves overlap.
    pub fn cell(&self, index: usize) -> Rect {
        let (x, y) = self.middle(index);
        let half = count_u32(STRIDE_PX / 2);
        Rect::new(x - half, y - half, x + half, y + half)
    }

    /// The block's box in pixels of the frame: (x, y, side).
    pub fn place(&self, index: usize) -> (usize, usize, usize) {
        (
            index % self.columns * STRIDE_PX,
            index / self.columns * STRIDE_PX,
            BLOCK_PX,
        )
    }
}

/// Compares block by block; both pictures are of one size.
pub fn compare_blocks(reference: &Plane, photo: &Plane, rectified: &Rectified) -> BlockMap {
    let count = |side: usize| {
        // The difference below would wrap round.
        if side < BLOCK_PX {
            0
        } else {
            (side - BLOCK_PX) / STRIDE_PX + 1
        }
    };
    let (columns, rows) = (count(reference.width), count(reference.height));
    let sums = BoxSums::new(photo);
    let mut blocks = Vec::with_capacity(columns * rows);
    for row in 0..rows {
        for column in 0..columns {
            let (x, y) = (column * STRIDE_PX, row * STRIDE_PX);
            let side = count_u32(BLOCK_PX);
            let seen = rectified.shows(Rect::from_size(count_u32(x), count_u32(y), side, side));
            blocks.push(if seen {
                compare_block(reference, photo, &sums, x, y)
            } else {
                None
            });
        }
    }
    BlockMap {
        columns,
        rows,
        blocks,
    }
}

/// The reference's block at `x`, `y` where it correlates best with the photo over the search;
/// `None` for a flat block.
fn compare_block(
    reference: &Plane,
    photo: &Plane,
    sums: &BoxSums,
    x: usize,
    y: usize,
) -> Option<Block> {
    let n = (BLOCK_PX * BLOCK_PX) as f32;
    let row = |plane: &Plane, x: usize, y: usize| -> std::ops::Range<usize> {
        let start = y * plane.width + x;
        start..start + BLOCK_PX
    };
    // A copy in one piece: the search reads it for every shift.
    let mut template = [0.0_f32; BLOCK_PX * BLOCK_PX];
    for dy in 0..BLOCK_PX {
        template[dy * BLOCK_PX..(dy + 1) * BLOCK_PX]
            .copy_from_slice(&reference.data[row(reference, x, y + dy)]);
    }
    let mean = template.iter().sum::<f32>() / n;
    template.iter_mut().for_each(|v| *v -= mean);
    let energy = template.iter().map(|v| v * v).sum::<f32>();
    let contrast = (energy / n).sqrt();
    // The correlation of flat print is that of its noise.
    if contrast < FLAT {
        return None;
    }
    let correlation = |px: usize, py: usize| {
        let mut lanes = [0.0_f32; LANES];
        for (dy, line) in template.chunks_exact(BLOCK_PX).enumerate() {
            add_products(&mut lanes, &photo.data[row(photo, px, py + dy)], line);
        }
        let cross: f32 = lanes.iter().sum();
        // By sums made once: the mean of each place need not be taken anew, since the template's
        // own is 0.
        let spread = sums.spread(px, py);
        // Rounding leaves a little of a flat place, sometimes below 0; its root must not be taken.
        if spread > 1e-3 {
            cross / (spread * energy).sqrt()
        } else {
            -1.0
        }
    };
    // Every second place first, then the neighbours of the best: the planes are smoothed, so their
    // peak is wider than that.
    let range = |at: usize, side: usize| {
        at.saturating_sub(SEARCH_PX)..=(at + SEARCH_PX).min(side - BLOCK_PX)
    };
    let (across, down) = (range(x, photo.width), range(y, photo.height));
    let mut best = (-1.0_f32, x, y);
    for py in down.clone().step_by(2) {
        for px in across.clone().step_by(2) {
            let found = correlation(px, py);
            if found > best.0 {
                best = (found, px, py);
            }
        }
    }
    let (_, cx, cy) = best;
    for py in cy.saturating_sub(1)..=cy + 1 {
        for px in cx.saturating_sub(1)..=cx + 1 {
            if (px, py) != (cx, cy) && across.contains(&px) && down.contains(&py) {
                let found = correlation(px, py);
                if found > best.0 {
                    best = (found, px, py);
                }
            }
        }
    }
    let (correlation, px, py) = best;
    Some(Block {
        correlation,
        contrast,
        shift: [px as f32 - x as f32, py as f32 - y as f32],
    })
}

/// Adds the products of two lines, in lanes so that the compiler can use vectors.
fn add_products(lanes: &mut [f32; LANES], line: &[f32], template: &[f32]) {
    for (a, b) in line.chunks_exact(LANES).zip(template.chunks_exact(LANES)) {
        (0..LANES).for_each(|k| lanes[k] += a[k] * b[k]);
    }
}

/// Sums of a plane's values and of their squares over everything above and to the left (Crow,
/// 1984).
struct BoxSums {
    stride: usize,
    sums: Vec<(f64, f64)>,
}

impl BoxSums {
    fn new(plane: &Plane) -> Self {
        let stride = plane.width + 1;
        let mut sums = vec![(0.0, 0.0); stride * (plane.height + 1)];
        for y in 0..plane.height {
            let (mut sum, mut square) = (0.0, 0.0);
            for x in 0..plane.width {
                let value = f64::from(plane.data[y * plane.width + x]);
                sum += value;
                square += value * value;
                let above = sums[y * stride + x + 1];
                sums[(y + 1) * stride + x + 1] = (above.0 + sum, above.1 + square);
            }
        }
        Self { stride, sums }
    }

    /// Sum of squared differences to the mean over the block at `x`, `y`.
    fn spread(&self, x: usize, y: usize) -> f32 {
        let at = |x: usize, y: usize| self.sums[y * self.stride + x];
        let (a, b, c, d) = (
            at(x, y),
            at(x + BLOCK_PX, y),
            at(x, y + BLOCK_PX),
            at(x + BLOCK_PX, y + BLOCK_PX),
        );
        // In f64: in f32 the sums of a whole frame would leave no digits for one block.
        let (sum, square) = (d.0 - b.0 - c.0 + a.0, d.1 - b.1 - c.1 + a.1);
        single(square - sum * sum / (BLOCK_PX * BLOCK_PX) as f64)
    }
}

#[cfg(test)]
mod tests;
