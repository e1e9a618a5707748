//! What genuine photos of an article show of its reference: where they look different from it too,
//! and what its words are misread as there.
//!
//! Evidence at a place speaks against a photo only as far as genuine photos lack it there. Per
//! square of the reference's frame a [`Variation`] keeps the evidence that nearly all genuine items
//! reach: a second printing, a fold, lettering that cameras render pale. What only some of them
//! show is left alone: a bad photo differs everywhere, and letters too small for a camera are where
//! edits are made.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    cells::{CellBlock, MarkBox, mark_score},
    colour::HueTurn,
    fusion::{FusedScore, Fusion, MarkEvidence, logit, sigmoid},
    geometry::Rect,
    score::LogOdds,
    text::{agreement, normalised},
    tuning::variation::{
        EXCEPTIONS, FAINT, LEAST_ITEMS, MOST_ITEMS, MOST_MISREAD, SQUARE_PX, SURE, SUSPECT_FROM,
    },
    windows::lies_in,
};

/// Evidence is kept in these parts of 1.
const PARTS: f32 = 65_535.0;

/// Evidence of cells over a part of a reference's frame (`marks::cell_evidence`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellGrid {
    /// The part, in pixels of the frame.
    pub area: Rect,
    /// Cells in a row.
    pub columns: usize,
    /// Row-major evidence in 65,535ths of 1, as it is stored: a kept observation scores as it did
    /// when it was new.
    pub evidence: Vec<u16>,
}

/// What the recogniser made of a mark's text.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What it read.
    pub text: String,
    /// How sure it was, 0 to 1.
    pub confidence: f64,
    /// Agreement with the expected text, 0 to 1; `None` when the reference itself cannot be read.
    pub agreement: Option<f64>,
}

/// What a photo showed of one mark, before anything known of genuine photos is taken into account.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkObservation {
    /// The mark's own box in pixels of the frame; looks reach a little beyond.
    pub place: Rect,
    /// The first look.
    pub first: CellGrid,
    /// The second look, taken of a mark in doubt.
    pub second: Option<CellGrid>,
    /// Its text, when it was read.
    pub reading: Option<Reading>,
    /// How far its hues are turned, when both sides show enough.
    pub turn: Option<HueTurn>,
    /// Share of its cells that cannot be judged, 0 to 1.
    pub unseen: f64,
}

/// A mark's observation less what genuine photos show too.
#[derive(Clone, Debug, PartialEq)]
pub struct Weighed {
    /// What the fusion needs.
    pub evidence: MarkEvidence,
    /// Evidence of the first look's cells, 0 to 1.
    pub cells: Vec<f32>,
}

/// What a photo showed of a reference: enough to score it anew whenever more is known of genuine
/// photos.
#[derive(Clone, Debug, PartialEq)]
pub struct Observation {
    /// Id of the reference.
    pub reference: String,
    /// Log-odds that this is the product, without its marks.
    pub identity: LogOdds,
    /// Per mark of the reference and per place looked at besides; `None` when it could not be seen.
    pub marks: Vec<Option<MarkObservation>>,
    /// An overview at the whole article, when one was taken.
    pub overview: Option<CellGrid>,
}

/// Observations of one product's genuine photos, to be told apart by item.
#[derive(Clone, Debug, Default)]
pub struct GenuineObservations {
    references: BTreeMap<String, Vec<ItemSeen>>,
}

/// What the photos of one item showed of one reference.
#[derive(Clone, Debug)]
struct ItemSeen {
    item: String,
    /// Evidence by square (row, column), that of its first photo.
    squares: BTreeMap<Square, u16>,
    /// What marks were surely read as where that is not what was expected, on any of its photos.
    misread: BTreeSet<(usize, String)>,
}

type Square = (u32, u32);

/// What is known of genuine photos of some references.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variation {
    /// By the reference's id.
    pub references: BTreeMap<String, ReferenceVariation>,
}

/// What is known of genuine photos of one reference.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReferenceVariation {
    /// Genuine items behind it.
    pub items: usize,
    /// Evidence in 65,535ths of 1 that nearly all items reach beyond the faint, by square (row,
    /// column) of the frame.
    pub shared: BTreeMap<Square, u16>,
    /// What the recogniser made of a mark (by its number) on genuine photos, where not what was
    /// expected.
    pub misread: BTreeSet<(usize, String)>,
}

/// Rounded to a whole number of [`PARTS`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a cast from a float saturates: 0 and all parts are the ends that are wanted"
)]
fn to_parts(value: f32) -> u16 {
    value.round() as u16
}

impl CellGrid {
    /// A grid of [`crate::domain::cells::cell_evidence`], 0 to 1, over `area`.
    pub fn new(area: Rect, columns: usize, evidence: &[f32]) -> Self {
        let parts = |e: &f32| to_parts(e.clamp(0.0, 1.0) * PARTS);
        Self {
            area,
            columns: columns.max(1),
            evidence: evidence.iter().map(parts).collect(),
        }
    }

    /// Evidence of each cell, 0 to 1, less what genuine photos share there: times one minus the
    /// most shared of the squares that it reaches into.
    pub fn discounted(&self, known: Option<&ReferenceVariation>) -> Vec<f32> {
        // Most references have nothing shared: their cells need no look-up.
        let known = known.filter(|k| !k.shared.is_empty());
        let weighed = |(i, e): (usize, &u16)| {
            let shared = known.map_or(0, |k| k.most_shared(self.squares_of(i)));
            f32::from(*e) / PARTS * (1.0 - f32::from(shared) / PARTS)
        };
        self.evidence.iter().enumerate().map(weighed).collect()
    }

    /// The place in pixels of the frame of a block of cells.
    pub fn cells_to_frame(&self, block: CellBlock) -> Rect<f64> {
        let place = MarkBox {
            tight: self.area,
            padded: self.area,
        };
        place.cells_to_frame(block, self.columns, self.evidence.len() / self.columns)
    }

    /// Raises `squares` that `counts` to the evidence of the cells that reach into them, the faint
    /// left out.
    fn add_to(&self, squares: &mut BTreeMap<Square, u16>, counts: impl Fn(Square) -> bool) {
        for (i, e) in self
            .evidence
            .iter()
            .enumerate()
            .filter(|(_, e)| f32::from(**e) > FAINT * PARTS)
        {
            let [rows, columns] = self.squares_of(i);
            let reached = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
            for square in reached.filter(|square| counts(*square)) {
                let most = squares.entry(square).or_default();
                *most = (*most).max(*e);
            }
        }
    }

    /// The squares that cell `i` reaches into: rows and columns, the ends exclusive.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "squares are fewer than pixels, and a frame's sides fit 32 bits"
    )]
    fn squares_of(&self, i: usize) -> [std::ops::Range<u32>; 2] {
        let rows = (self.evidence.len() / self.columns).max(1) as u64;
        let area = self.area.map(u64::from);
        let (column, row, columns) = (
            (i % self.columns) as u64,
            (i / self.columns) as u64,
            self.columns as u64,
        );
        let square = u64::from(SQUARE_PX);
        // Whole numbers: a cell that ends where a square begins does not reach into it.
        let reach = |low: u64, high: u64, n: u64, of: u64| {
            let from = (low * of + (high - low) * n) / (of * square);
            let to = (low * of + (high - low) * (n + 1)).div_ceil(of * square);
            from as u32..(to as u32).max(from as u32 + 1)
        };
        [
            reach(area.top, area.bottom, row, rows),
            reach(area.left, area.right, column, columns),
        ]
    }
}

impl MarkObservation {
    /// Whether a first look leaves a mark in doubt.
    pub fn is_suspect(first: &CellGrid) -> bool {
        mark_score(&first.discounted(None)).get() >= SUSPECT_FROM
    }

    /// What mark number `mark` amounts to, less what is known of genuine photos.
    pub fn weighed(&self, mark: usize, known: Option<&ReferenceVariation>) -> Weighed {
        let cells = self.first.discounted(known);
        let difference = mark_score(&cells).get();
        let mut evidence = MarkEvidence {
            difference,
            text: None,
            text_confidence: 0.0,
            turn: self.turn,
            unseen: self.unseen,
        };
        if let Some(second) = &self.second {
            let again = mark_score(&second.discounted(known)).get();
            // In log-odds, in which two looks of the same kind can be averaged.
            evidence.difference = sigmoid((logit(difference) + logit(again)) / 2.0);
        }
        if let Some(Reading {
            text,
            confidence,
            agreement,
        }) = self.reading.as_ref().filter(|_| difference >= SUSPECT_FROM)
        {
            // The better of both: what genuine photos are misread as is as good as the text itself.
            evidence.text = agreement.map(|a| known.map_or(a, |k| k.agreement(mark, text).max(a)));
            evidence.text_confidence = *confidence;
        }
        Weighed { evidence, cells }
    }
}

impl Observation {
    /// The photo's score under what is known of genuine photos of its reference.
    pub fn score(&self, fusion: &Fusion, known: Option<&ReferenceVariation>) -> FusedScore {
        let seen = self
            .marks
            .iter()
            .enumerate()
            .filter_map(|(n, mark)| Some(mark.as_ref()?.weighed(n, known).evidence));
        fusion.with_marks(self.identity, seen)
    }

    /// Evidence by square where it is more than faint: the strongest of first looks and, where no
    /// mark was looked at, of the overview. Every photo points to places of its own, and a place
    /// that was not looked at is not therefore the same.
    fn squares(&self) -> BTreeMap<Square, u16> {
        let mut squares = BTreeMap::new();
        for mark in self.marks.iter().flatten() {
            mark.first.add_to(&mut squares, |square| {
                lies_in(&[mark.place], middle(square))
            });
        }
        // A mark's own look is finer than the overview, which must not speak over it.
        let places: Vec<Rect> = self.marks.iter().flatten().map(|m| m.place).collect();
        if let Some(overview) = &self.overview {
            overview.add_to(&mut squares, |square| !lies_in(&places, middle(square)));
        }
        squares
    }

    fn misread(&self) -> impl Iterator<Item = (usize, String)> {
        let readings = self
            .marks
            .iter()
            .enumerate()
            .filter_map(|(n, m)| Some((n, m.as_ref()?.reading.as_ref()?)));
        let wrong =
            readings.filter(|(_, r)| r.confidence >= SURE && r.agreement.is_some_and(|a| a < 1.0));
        wrong.map(|(n, r)| (n, normalised(&r.text)))
    }
}

impl GenuineObservations {
    /// Adds a photo of `item`; photos come oldest first. One that was not looked at closely tells
    /// nothing.
    pub fn add(&mut self, item: &str, observation: &Observation) {
        // Counted in, such a photo would look like an item without any variation.
        if observation.overview.is_none() && observation.marks.iter().all(Option::is_none) {
            return;
        }
        let items = self
            .references
            .entry(observation.reference.clone())
            .or_default();
        if let Some(seen) = items.iter_mut().find(|seen| seen.item == item) {
            // Bounded, since what is read comes from photos and is kept in memory.
            let room = MOST_MISREAD.saturating_sub(seen.misread.len());
            seen.misread.extend(observation.misread().take(room));
        // Photos come oldest first: which items count stays the same as more of them come.
        } else if items.len() < MOST_ITEMS {
            let (squares, misread) = (
                observation.squares(),
                observation.misread().take(MOST_MISREAD).collect(),
            );
            items.push(ItemSeen {
                item: item.to_owned(),
                squares,
                misread,
            });
        }
    }

    /// What all items together tell.
    pub fn variation(&self) -> Variation {
        let told =
            |items: &Vec<ItemSeen>| known_of(items.iter().collect(), |n| Some(n / EXCEPTIONS));
        Variation {
            references: self
                .references
                .iter()
                .map(|(id, items)| (id.clone(), told(items)))
                .collect(),
        }
    }

    /// What the items other than `item` show of a reference; `None` when `item` itself is not among
    /// those that were kept.
    ///
    /// The photos of `item` are scored by this: by all items together they would be forgiven what
    /// only they show, since a photo agrees with itself.
    ///
    /// One exception fewer is allowed than for all items together, so that these photos are never
    /// forgiven more than a new photo, which is judged by all items. An example: 17 of 19 items
    /// show a fold. All 19 allow one exception, two lack it, and a new photo's fold counts. Without
    /// one of these two, 17 of 18 show it; were one exception allowed again, the fold would be
    /// forgiven here alone. Genuine scores are thus never too good, and a p-value by them is at
    /// least that of cross-conformal prediction (Vovk, 2015), which compares both without `item`.
    pub fn without(&self, item: &str, reference: &str) -> Option<ReferenceVariation> {
        let items = self.references.get(reference)?;
        let others: Vec<&ItemSeen> = items.iter().filter(|seen| seen.item != item).collect();
        (others.len() < items.len())
            .then(|| known_of(others, |n| ((n + 1) / EXCEPTIONS).checked_sub(1)))
    }
}

/// What some items tell, of whom so many as `exceptions` says may lack what the others share;
/// nothing shared without an answer.
fn known_of(
    items: Vec<&ItemSeen>,
    exceptions: impl Fn(usize) -> Option<usize>,
) -> ReferenceVariation {
    let misread = items
        .iter()
        .flat_map(|seen| seen.misread.iter().cloned())
        .collect();
    // Two items that agree may do so by chance.
    let enough = Some(items.len()).filter(|n| *n >= LEAST_ITEMS);
    let shared = enough
        .and_then(exceptions)
        .map(|exceptions| shared(&items, exceptions));
    ReferenceVariation {
        items: items.len(),
        shared: shared.unwrap_or_default(),
        misread,
    }
}

/// The middle of a square in pixels of the frame.
fn middle((row, column): Square) -> (u32, u32) {
    (
        column * SQUARE_PX + SQUARE_PX / 2,
        row * SQUARE_PX + SQUARE_PX / 2,
    )
}

/// Per square the evidence that all items but some `exceptions` reach, as a part of what there is
/// beyond the faint.
fn shared(items: &[&ItemSeen], exceptions: usize) -> BTreeMap<Square, u16> {
    let mut reached: BTreeMap<Square, Vec<u16>> = BTreeMap::new();
    // Sparse maps: most squares of most items hold nothing.
    for (square, evidence) in items.iter().flat_map(|seen| &seen.squares) {
        reached.entry(*square).or_default().push(*evidence);
    }
    let beyond = |e: u16| to_parts((f32::from(e) - FAINT * PARTS) / (1.0 - FAINT));
    let least = |(square, mut evidence): (Square, Vec<u16>)| {
        // Items without an entry have no evidence there: they are the first exceptions.
        let lacking = items.len() - evidence.len();
        // Ascending: after the exceptions comes the least that all others reach.
        evidence.sort_unstable();
        let reached = exceptions
            .checked_sub(lacking)
            .and_then(|spared| evidence.get(spared));
        Some((square, beyond(*reached?)))
    };
    reached.into_iter().filter_map(least).collect()
}

impl ReferenceVariation {
    fn most_shared(&self, [rows, columns]: [std::ops::Range<u32>; 2]) -> u16 {
        let of_row = |row| {
            self.shared
                .range((row, columns.start)..(row, columns.end))
                .map(|(_, e)| *e)
        };
        // The most and not the mean: a cell at the edge of a fold is half on plain print.
        rows.flat_map(of_row).max().unwrap_or(0)
    }

    /// How far a reading of mark number `mark` agrees with one from a genuine photo, 0 to 1.
    fn agreement(&self, mark: usize, read: &str) -> f64 {
        let known = self.misread.iter().filter(|(n, _)| *n == mark);
        known
            .map(|(_, text)| agreement(text, read))
            .fold(0.0, f64::max)
    }
}

impl Variation {
    /// The most genuine items behind any reference.
    pub fn items(&self) -> usize {
        self.references.values().map(|r| r.items).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests;
