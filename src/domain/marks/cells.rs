//! Protected marks: the box that is compared, and what its cells say together.

use crate::domain::{
    geometry::{Point, Rect},
    number::{index, whole},
    score::Difference,
    tuning::{
        marks::{CELL_DIFFERS, EDGE_PX, LARGEST_AREA, PADDING_PX, TOP_CELLS},
        places::{LEAST_SUSPICION, SUSPECT_HEIGHT_PX, SUSPECT_WIDTH_PX},
    },
    windows::{lies_in, strongest_window},
};

/// Outlines are stored in units of the picture; brought back to pixels, whole ones are off by less
/// than this.
const ROUNDING_PX: f64 = 0.01;
/// Sides of the comparator's input are multiples of this.
const MULTIPLE: u32 = 16;
/// Half of a cell of the maps that the comparator encodes a print to, in pixels of its input.
const HALF_CELL: f64 = 2.0;
/// Smallest and largest input for a mark: (width, height) in pixels.
const SMALLEST: (u32, u32) = (32, 32);
const LARGEST: (u32, u32) = (512, 256);

/// What is seen of one cell: probabilities that sum to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Photo and reference show the same.
    pub same: f32,
    /// They differ.
    pub different: f32,
    /// It cannot be told.
    pub unseen: f32,
}

impl Cell {
    /// A cell with these probabilities of same, different and unseen.
    pub const fn new(same: f32, different: f32, unseen: f32) -> Self {
        Self {
            same,
            different,
            unseen,
        }
    }

    /// The cell with what looked different taken for not seen.
    pub fn hidden(self) -> Self {
        Self::new(self.same, 0.0, self.different + self.unseen)
    }

    /// The cell with what looked different taken for the same.
    pub fn excused(self) -> Self {
        Self::new(self.same + self.different, 0.0, self.unseen)
    }
}

/// A block of cells of a grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CellBlock {
    /// Column of its first cell.
    pub column: usize,
    /// Row of its first cell.
    pub row: usize,
    /// Cells in a row.
    pub columns: usize,
    /// Rows of cells.
    pub rows: usize,
}

impl CellBlock {
    /// The one cell at `column`, `row`.
    pub const fn one(column: usize, row: usize) -> Self {
        Self {
            column,
            row,
            columns: 1,
            rows: 1,
        }
    }
}

/// The place of a mark in a reference's frame, in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkBox {
    /// The mark itself.
    pub tight: Rect,
    /// With context, sides grown to multiples of 16 where the frame allows.
    pub padded: Rect,
}

impl MarkBox {
    /// The box around an outline in a frame of `width` x `height` pixels; `None` when too little of
    /// it lies inside.
    pub fn around(outline: &[Point], width: u32, height: u32) -> Option<Self> {
        let hull = Rect::around(outline)?;
        let (across, down) = (
            span(hull.left, hull.right, 0.0, width)?,
            span(hull.top, hull.bottom, 0.0, height)?,
        );
        // What is left of a mark cut off by the frame holds no letter.
        if across.1 - across.0 < 4 || down.1 - down.0 < 4 {
            return None;
        }
        // Context comes along, since the comparator must find by itself how the photo is shifted.
        let wide = grown(
            span(hull.left, hull.right, PADDING_PX, width)?,
            width,
            SMALLEST.0,
        )?;
        let high = grown(
            span(hull.top, hull.bottom, PADDING_PX, height)?,
            height,
            SMALLEST.1,
        )?;
        Some(Self {
            tight: Rect::new(across.0, down.0, across.1, down.1),
            padded: Rect::new(wide.0, high.0, wide.1, high.1),
        })
    }

    /// The whole frame.
    pub fn whole(width: u32, height: u32) -> Self {
        let whole = Rect::from_size(0, 0, width, height);
        Self {
            tight: whole,
            padded: whole,
        }
    }

    /// Sides in pixels of the comparator's input for this box, `times` smaller than it but at least
    /// 32. There is no upper bound: the caller's `times` is to bring the box down far enough.
    pub fn shrunk(&self, times: f64) -> (u32, u32) {
        let side =
            |v: u32| whole((f64::from(v) / times / f64::from(MULTIPLE)).round()).max(2) * MULTIPLE;
        (side(self.padded.width()), side(self.padded.height()))
    }

    /// Sides in pixels of the comparator's input for this box: its own, or scaled down to the
    /// largest allowed.
    pub fn input_size(&self) -> (u32, u32) {
        let (w, h) = (self.padded.width(), self.padded.height());
        // Both sides by the same factor, so that letters keep their shape.
        let shrink = (f64::from(LARGEST.0) / f64::from(w))
            .min(f64::from(LARGEST.1) / f64::from(h))
            .min(1.0);
        self.shrunk(1.0 / shrink.min((LARGEST_AREA / (f64::from(w) * f64::from(h))).sqrt()))
    }

    /// The same mark with its context moved by half a cell of the comparator's encoded maps: on, or
    /// back where a frame of `width` x `height` pixels ends, or not at all where there is no room.
    pub fn half_a_cell_on(&self, width: u32, height: u32) -> Self {
        let (w, h) = self.input_size();
        let moved = |low: u32, high: u32, input: u32, side: u32| {
            let step = whole((HALF_CELL * f64::from(high - low) / f64::from(input)).round());
            // Cells then end at other places of the print: what lay on a border between two lies
            // within one.
            match (high + step <= side, low >= step) {
                (true, _) => (low + step, high + step),
                (_, true) => (low - step, high - step),
                _ => (low, high),
            }
        };
        let Rect {
            left,
            top,
            right,
            bottom,
        } = self.padded;
        let (left, right) = moved(left, right, w, width);
        let (top, bottom) = moved(top, bottom, h, height);
        Self {
            padded: Rect::new(left, top, right, bottom),
            ..*self
        }
    }

    /// The same box moved to the right and down, in pixels; `None` where it would leave a frame of
    /// `width` x `height`.
    pub fn moved(&self, shift: (i32, i32), width: u32, height: u32) -> Option<Self> {
        Some(Self {
            tight: self.tight.moved(shift, width, height)?,
            padded: self.padded.moved(shift, width, height)?,
        })
    }

    /// Whether a place in pixels of the frame belongs to the mark itself rather than to its
    /// surroundings.
    pub fn holds(&self, at: Point) -> bool {
        let tight = self.tight.map(f64::from);
        (tight.left - EDGE_PX..=tight.right + EDGE_PX).contains(&at.x)
            && (tight.top - EDGE_PX..=tight.bottom + EDGE_PX).contains(&at.y)
    }

    /// The place in pixels of the frame of a block of cells out of `columns` x `rows`.
    pub fn cells_to_frame(&self, cells: CellBlock, columns: usize, rows: usize) -> Rect<f64> {
        let padded = self.padded.map(f64::from);
        let x = |c: usize| padded.left + padded.width() * c as f64 / columns.max(1) as f64;
        let y = |r: usize| padded.top + padded.height() * r as f64 / rows.max(1) as f64;
        Rect::new(
            x(cells.column),
            y(cells.row),
            x(cells.column + cells.columns),
            y(cells.row + cells.rows),
        )
    }
}

/// Whole pixels that hold a span with padding. What reaches into a pixel by a rounding error does
/// not reach it.
fn span(low: f64, high: f64, padding: f64, side: u32) -> Option<(u32, u32)> {
    let low = (low - padding + ROUNDING_PX).floor().max(0.0);
    let high = (high + padding - ROUNDING_PX).ceil().min(f64::from(side));
    (low < high).then_some((whole(low), whole(high)))
}

/// Grows a span about its middle to a multiple of 16 of at least `least`, within a side that is
/// such a multiple.
fn grown((low, high): (u32, u32), side: u32, least: u32) -> Option<(u32, u32)> {
    // Cut to what the frame holds before it is placed, or the box would reach outside.
    let length = (high - low)
        .next_multiple_of(MULTIPLE)
        .max(least)
        .min(side / MULTIPLE * MULTIPLE);
    if length < least {
        return None;
    }
    let middle = (low + high) / 2;
    // Pushed back inside at a border rather than cut: the side must stay such a multiple.
    let start = middle.saturating_sub(length / 2).min(side - length);
    Some((start, start + length))
}

/// How surely each cell (row-major) differs: P(different) times the least chance of being seen
/// among itself and its eight neighbours. What covers the print ends in the middle of cells, and
/// its edge looks like an edit.
pub fn cell_evidence(cells: &[Cell], columns: usize) -> Vec<f32> {
    let columns = columns.max(1);
    // Beyond the grid nothing is hidden: a border cell has fewer neighbours, not unseen ones.
    let reach = |at: usize, count: usize| at.saturating_sub(1)..(at + 2).min(count);
    let rows = cells.len() / columns;
    let unseen = |i: usize| {
        let around = reach(i / columns, rows)
            .flat_map(|r| reach(i % columns, columns).map(move |c| r * columns + c));
        around.map(|n| cells[n].unseen).fold(0.0, f32::max)
    };
    cells
        .iter()
        .enumerate()
        .map(|(i, cell)| cell.different * (1.0 - unseen(i)))
        .collect()
}

/// How surely a mark differs: the mean [`cell_evidence`] over the six cells that differ most.
pub fn mark_score(evidence: &[f32]) -> Difference {
    let mut scores = evidence.to_vec();
    scores.sort_by(|a, b| b.total_cmp(a));
    // Not the mean over all: a forger changes one letter of a long line.
    let top = &scores[..scores.len().min(TOP_CELLS)];
    Difference::saturating(top.iter().map(|v| f64::from(*v)).sum::<f64>() / top.len().max(1) as f64)
}

/// The place of a frame of `width` x `height` pixels that a grid of [`cell_evidence`] over it
/// doubts most, in pixels; `None` when none is in doubt. Cells whose middle lies in
/// one of the boxes `taken` do not count, nor does a faint doubt many times over: evidence is
/// squared before it is added up.
pub fn suspect_region(
    evidence: &[f32],
    columns: usize,
    width: u32,
    height: u32,
    taken: &[Rect],
) -> Option<Rect> {
    let (columns, rows) = (columns.max(1), evidence.len() / columns.max(1));
    let (across, down) = (
        f64::from(width) / columns as f64,
        f64::from(height) / rows.max(1) as f64,
    );
    let cells =
        |px: f64, cell: f64, count: usize| index((px / cell).round()).clamp(1, count.max(1));
    let (wide, high) = (
        cells(SUSPECT_WIDTH_PX, across, columns),
        cells(SUSPECT_HEIGHT_PX, down, rows),
    );
    let middle = |cell: usize, side: f64| whole((cell as f64 + 0.5) * side);
    let is_taken = |i: usize| {
        lies_in(
            taken,
            (middle(i % columns, across), middle(i / columns, down)),
        )
    };
    // Squared: many cells in faint doubt are a worn print, a few in strong doubt an edit.
    let doubt = |(i, e): (usize, &f32)| {
        if is_taken(i) {
            0.0
        } else {
            f64::from(*e).powi(2)
        }
    };
    let doubt: Vec<f64> = evidence.iter().enumerate().map(doubt).collect();
    let (c, r) = strongest_window(&doubt, (columns, rows), (wide, high), LEAST_SUSPICION)?;
    let px = |cells: usize, cell: f64| whole((cells as f64 * cell).round());
    Some(Rect::new(
        px(c, across),
        px(r, down),
        px(c + wide, across),
        px(r + high, down),
    ))
}

/// The blocks around the connected groups of cells that differ by their [`cell_evidence`], largest
/// first.
pub fn blobs(evidence: &[f32], columns: usize) -> Vec<CellBlock> {
    let mut open: Vec<bool> = evidence.iter().map(|e| *e >= CELL_DIFFERS).collect();
    let mut found = Vec::new();
    for start in 0..open.len() {
        if !open[start] {
            continue;
        }
        let (mut left, mut top, mut right, mut bottom) = (columns, usize::MAX, 0, 0);
        // A list instead of recursion: a large mark would exhaust the stack.
        let mut pending = vec![start];
        open[start] = false;
        while let Some(cell) = pending.pop() {
            let (c, r) = (cell % columns, cell / columns);
            (left, top, right, bottom) = (left.min(c), top.min(r), right.max(c), bottom.max(r));
            // Side by side only: groups that touch at a corner alone are told apart.
            let neighbours = [
                (c > 0).then(|| cell - 1),
                (c + 1 < columns).then_some(cell + 1),
                (r > 0).then(|| cell - columns),
                (cell + columns < open.len()).then_some(cell + columns),
            ];
            for n in neighbours.into_iter().flatten() {
                if std::mem::take(&mut open[n]) {
                    pending.push(n);
                }
            }
        }
        found.push(CellBlock {
            column: left,
            row: top,
            columns: right - left + 1,
            rows: bottom - top + 1,
        });
    }
    found.sort_by_key(|b| std::cmp::Reverse(b.columns * b.rows));
    found
}

#[cfg(test)]
mod tests;
