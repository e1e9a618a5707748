//! What genuine photos of an article show of its reference: where they look different from it too, and what its words are
//! misread as there.
//!
//! Evidence at a place speaks against a photo only as far as genuine photos lack it there. Per square of the reference's
//! frame a [`Variation`] keeps the evidence that nearly all genuine items reach: a second printing, a fold, lettering
//! that cameras render pale. What only some of them show is left alone: a bad photo differs everywhere, and letters too
//! small for a camera are where edits are made.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    colour::HueTurn,
    fusion::{FusedScore, Fusion, MarkEvidence, logit, sigmoid},
    geometry::Point,
    marks::{MarkBox, mark_score},
    text::{agreement, normalised},
    windows::lies_in,
};

/// A mark is in doubt from this difference on: then it is looked at again and read, both dear, and reading was measured to add
/// nothing where the print looks the same.
pub const DOUBT: f64 = 0.4;
/// Side of a square of the frame, in pixels: that of a cell where a mark is not brought down.
const SQUARE_PX: u32 = 8;
/// Evidence is kept in these parts of 1.
const PARTS: f32 = 65_535.0;
/// Evidence up to this is no variation: where letters are small for a camera all genuine photos share a little, and only from
/// here on counts what they do. On calibration titles the edits of letters stay found that otherwise would not, and no false
/// alarm comes back.
const FAINT: f32 = 0.1;
/// Genuine items that show a place at least before what they share there counts.
pub const LEAST_ITEMS: usize = 3;
/// Items that tell what is shared, of each reference the first: more change little and cost time.
const MOST_ITEMS: usize = 100;
/// One item in this many may lack what the others share.
const EXCEPTIONS: usize = 10;

/// Evidence of cells over a part of a reference's frame (`marks::cell_evidence`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CellGrid {
    /// Left, top, right, bottom in pixels of the frame.
    pub area: [u32; 4],
    /// Cells in a row.
    pub columns: usize,
    /// Row-major evidence in 65,535ths of 1, as it is stored: a kept sighting scores as it did when it was new.
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
pub struct MarkSighting {
    /// The mark's own box in pixels of the frame: left, top, right, bottom; looks reach a little beyond.
    pub place: [u32; 4],
    /// The first look.
    pub first: CellGrid,
    /// The second look, taken of a mark in doubt.
    pub second: Option<CellGrid>,
    /// Its text, when it was read.
    pub reading: Option<Reading>,
    /// How far its hues are turned, when both sides show enough.
    pub turn: Option<HueTurn>,
}

/// What a photo showed of a reference: enough to score it anew whenever more is known of genuine photos.
#[derive(Clone, Debug, PartialEq)]
pub struct Sighting {
    /// Id of the reference.
    pub reference: String,
    /// Log-odds that this is the product, without its marks.
    pub identity: f64,
    /// Per mark of the reference and per place looked at besides; `None` when it could not be seen.
    pub marks: Vec<Option<MarkSighting>>,
    /// A glance at the whole article, when one was taken.
    pub glance: Option<CellGrid>,
}

/// Sightings of one product's genuine photos, to be told apart by item.
#[derive(Clone, Debug, Default)]
pub struct GenuineSightings {
    references: BTreeMap<String, Vec<ItemSeen>>,
}

/// What the photos of one item showed of one reference.
#[derive(Clone, Debug)]
struct ItemSeen {
    item: String,
    /// Evidence by square (row, column), that of its first photo.
    squares: BTreeMap<Square, u16>,
    /// What marks were read as where that is not what was expected, by any of its photos.
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
    /// Evidence in 65,535ths of 1 that nearly all items reach beyond the faint, by square (row, column) of the frame.
    pub shared: BTreeMap<Square, u16>,
    /// What the recogniser made of a mark (by its number) on genuine photos, where not what was expected.
    pub misread: BTreeSet<(usize, String)>,
}

impl CellGrid {
    /// A grid of [`super::marks::cell_evidence`], 0 to 1, over `area`.
    pub fn new(area: [u32; 4], columns: usize, evidence: &[f32]) -> Self {
        let parts = |e: &f32| (e.clamp(0.0, 1.0) * PARTS).round() as u16;
        Self { area, columns: columns.max(1), evidence: evidence.iter().map(parts).collect() }
    }

    /// Evidence of each cell, 0 to 1, less what genuine photos share there: times one minus the most shared of the squares
    /// that it reaches into.
    pub fn discounted(&self, known: Option<&ReferenceVariation>) -> Vec<f32> {
        let known = known.filter(|k| !k.shared.is_empty());
        let weighed = |(i, e): (usize, &u16)| {
            let shared = known.map_or(0, |k| k.most_shared(self.squares_of(i)));
            f32::from(*e) / PARTS * (1.0 - f32::from(shared) / PARTS)
        };
        self.evidence.iter().enumerate().map(weighed).collect()
    }

    /// Corners in pixels of the frame of a block of cells (column, row, columns, rows).
    pub fn cells_to_frame(&self, block: [usize; 4]) -> [Point; 4] {
        let place = MarkBox { tight: self.area, padded: self.area };
        place.cells_to_frame(block, self.columns, self.evidence.len() / self.columns)
    }

    /// Raises `squares` that `counts` to the evidence of the cells that reach into them, the faint left out.
    fn add_to(&self, squares: &mut BTreeMap<Square, u16>, counts: impl Fn(Square) -> bool) {
        for (i, e) in self.evidence.iter().enumerate().filter(|(_, e)| f32::from(**e) > FAINT * PARTS) {
            let [rows, columns] = self.squares_of(i);
            let reached = rows.flat_map(|row| columns.clone().map(move |column| (row, column)));
            for square in reached.filter(|square| counts(*square)) {
                let most = squares.entry(square).or_default();
                *most = (*most).max(*e);
            }
        }
    }

    /// The squares that cell `i` reaches into: rows and columns, the ends exclusive.
    fn squares_of(&self, i: usize) -> [std::ops::Range<u32>; 2] {
        let rows = (self.evidence.len() / self.columns).max(1) as u64;
        let [x0, y0, x1, y1] = self.area.map(u64::from);
        let (column, row, columns) = ((i % self.columns) as u64, (i / self.columns) as u64, self.columns as u64);
        let square = u64::from(SQUARE_PX);
        // Whole numbers: a cell that ends where a square begins does not reach into it.
        let reach = |low: u64, high: u64, n: u64, of: u64| {
            let from = (low * of + (high - low) * n) / (of * square);
            let to = (low * of + (high - low) * (n + 1)).div_ceil(of * square);
            from as u32..(to as u32).max(from as u32 + 1)
        };
        [reach(y0, y1, row, rows), reach(x0, x1, column, columns)]
    }
}

impl MarkSighting {
    /// Whether a first look leaves a mark in doubt.
    pub fn is_in_doubt(first: &CellGrid) -> bool {
        mark_score(&first.discounted(None)).get() >= DOUBT
    }

    /// What the fusion needs of mark number `mark`, and the evidence of the first look's cells, both less what genuine photos
    /// show as well.
    pub fn weighed(&self, mark: usize, known: Option<&ReferenceVariation>) -> (MarkEvidence, Vec<f32>) {
        let cells = self.first.discounted(known);
        let difference = mark_score(&cells).get();
        let mut evidence = MarkEvidence { difference, text: None, text_confidence: 0.0, turn: self.turn };
        if let Some(second) = &self.second {
            let again = mark_score(&second.discounted(known)).get();
            evidence.difference = sigmoid((logit(difference) + logit(again)) / 2.0);
        }
        if let Some(Reading { text, confidence, agreement }) = self.reading.as_ref().filter(|_| difference >= DOUBT) {
            evidence.text = agreement.map(|a| known.map_or(a, |k| k.agreement(mark, text).max(a)));
            evidence.text_confidence = *confidence;
        }
        (evidence, cells)
    }
}

impl Sighting {
    /// The photo's score under what is known of genuine photos.
    pub fn score(&self, fusion: &Fusion, known: &Variation) -> FusedScore {
        let known = known.references.get(&self.reference);
        let seen = self.marks.iter().enumerate().filter_map(|(n, mark)| Some(mark.as_ref()?.weighed(n, known).0));
        fusion.with_marks(self.identity, seen)
    }

    /// Evidence by square where it is more than faint: the strongest of first looks and, where no mark was looked at, of the
    /// glance. Every photo points to places of its own, and a place that was not looked at is not therefore the same.
    fn squares(&self) -> BTreeMap<Square, u16> {
        let mut squares = BTreeMap::new();
        for mark in self.marks.iter().flatten() {
            mark.first.add_to(&mut squares, |square| lies_in(&[mark.place], middle(square)));
        }
        let places: Vec<[u32; 4]> = self.marks.iter().flatten().map(|m| m.place).collect();
        if let Some(glance) = &self.glance {
            glance.add_to(&mut squares, |square| !lies_in(&places, middle(square)));
        }
        squares
    }

    fn misread(&self) -> impl Iterator<Item = (usize, String)> {
        let readings = self.marks.iter().enumerate().filter_map(|(n, m)| Some((n, m.as_ref()?.reading.as_ref()?)));
        let wrong = readings.filter(|(_, r)| r.agreement.is_some_and(|a| a < 1.0));
        wrong.map(|(n, r)| (n, normalised(&r.text)))
    }
}

impl GenuineSightings {
    /// Adds a photo of `item`; photos come oldest first.
    pub fn add(&mut self, item: &str, sighting: &Sighting) {
        let items = self.references.entry(sighting.reference.clone()).or_default();
        if let Some(seen) = items.iter_mut().find(|seen| seen.item == item) {
            seen.misread.extend(sighting.misread());
        } else if items.len() < MOST_ITEMS {
            let (squares, misread) = (sighting.squares(), sighting.misread().collect());
            items.push(ItemSeen { item: item.to_owned(), squares, misread });
        }
    }

    /// Whether an item is among those that tell something.
    pub fn count(&self, item: &str) -> bool {
        self.references.values().flatten().any(|seen| seen.item == item)
    }

    /// What all items together tell, but for item `without`: what its own photos are judged by, since a photo agrees with itself
    /// (the leave-one-out scores of cross-conformal prediction: Vovk, "Cross-conformal predictors", 2015).
    pub fn variation(&self, without: Option<&str>) -> Variation {
        let told = |items: &[ItemSeen]| {
            let items: Vec<&ItemSeen> = items.iter().filter(|seen| Some(seen.item.as_str()) != without).collect();
            let misread = items.iter().flat_map(|seen| seen.misread.iter().cloned()).collect();
            ReferenceVariation { items: items.len(), shared: shared(&items), misread }
        };
        let references = self.references.iter().map(|(id, items)| (id.clone(), told(items)));
        Variation { references: references.filter(|(_, told)| told.items > 0).collect() }
    }
}

/// The middle of a square in pixels of the frame.
fn middle((row, column): Square) -> (u32, u32) {
    (column * SQUARE_PX + SQUARE_PX / 2, row * SQUARE_PX + SQUARE_PX / 2)
}

/// Per square the evidence that all items but one in ten reach, as a part of what there is beyond the faint.
fn shared(items: &[&ItemSeen]) -> BTreeMap<Square, u16> {
    if items.len() < LEAST_ITEMS {
        return BTreeMap::new();
    }
    let exceptions = items.len() / EXCEPTIONS;
    let mut reached: BTreeMap<Square, Vec<u16>> = BTreeMap::new();
    for (square, evidence) in items.iter().flat_map(|seen| &seen.squares) {
        reached.entry(*square).or_default().push(*evidence);
    }
    let beyond = |e: u16| ((f32::from(e) - FAINT * PARTS) / (1.0 - FAINT)).round().max(0.0) as u16;
    let least = |(square, mut evidence): (Square, Vec<u16>)| {
        let lacking = items.len() - evidence.len();
        evidence.sort_unstable();
        (lacking <= exceptions).then(|| (square, beyond(evidence[exceptions - lacking])))
    };
    reached.into_iter().filter_map(least).collect()
}

impl ReferenceVariation {
    fn most_shared(&self, [rows, columns]: [std::ops::Range<u32>; 2]) -> u16 {
        let of_row = |row| self.shared.range((row, columns.start)..(row, columns.end)).map(|(_, e)| *e);
        rows.flat_map(of_row).max().unwrap_or(0)
    }

    /// How far a reading of mark number `mark` agrees with one from a genuine photo, 0 to 1.
    fn agreement(&self, mark: usize, read: &str) -> f64 {
        let known = self.misread.iter().filter(|(n, _)| *n == mark);
        known.map(|(_, text)| agreement(text, read)).fold(0.0, f64::max)
    }
}

impl Variation {
    /// The most genuine items behind any reference.
    pub fn items(&self) -> usize {
        self.references.values().map(|r| r.items).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fusion::Logistic;
    use proptest::prelude::*;

    /// A mark over two rows of three cells of 8 pixels at (16, 8).
    fn grid(evidence: [f32; 6]) -> CellGrid {
        CellGrid::new([16, 8, 40, 24], 3, &evidence)
    }

    fn mark(evidence: [f32; 6], read: Option<&str>) -> MarkSighting {
        let agreement = read.map(|text| agreement("tropicana", text));
        let reading = read.map(|text| Reading { text: text.to_owned(), confidence: 0.9, agreement });
        MarkSighting { place: [16, 8, 40, 24], first: grid(evidence), second: None, reading, turn: None }
    }

    fn sighting(evidence: [f32; 6], read: Option<&str>) -> Sighting {
        Sighting { reference: "r".into(), identity: 9.0, marks: vec![None, Some(mark(evidence, read))], glance: None }
    }

    fn known(sightings: &[(&str, Sighting)]) -> GenuineSightings {
        let mut all = GenuineSightings::default();
        sightings.iter().for_each(|(item, sighting)| all.add(item, sighting));
        all
    }

    fn fusion() -> Fusion {
        Fusion {
            presence: Logistic { weights: [0.0; 3], intercept: 0.0 },
            rivalry: Logistic { weights: [0.0; 5], intercept: 0.0 },
            mark: Logistic { weights: [-1.0, -4.0, 0.0], intercept: 0.0 },
        }
    }

    #[test]
    fn what_all_genuine_items_show_is_discounted_and_what_one_lacks_is_not() {
        let both = [0.9, 0.0, 0.0, 0.0, 0.8, 0.0];
        let all = known(&[
            ("a", sighting(both, None)),
            ("b", sighting([0.8, 0.0, 0.0, 0.0, 0.0, 0.0], None)),
            ("c", sighting(both, None)),
        ]);
        let variation = all.variation(None);
        let cells = grid([0.9, 0.9, 0.0, 0.0, 0.8, 0.0]).discounted(variation.references.get("r"));
        for (cell, expected) in cells.iter().zip([0.9 * 0.2 / 0.9, 0.9, 0.0, 0.0, 0.8, 0.0]) {
            assert!((cell - expected).abs() < 1e-4, "{cells:?}");
        }
        assert!(all.variation(Some("a")).references["r"].shared.is_empty(), "two items are too few");
        let faint = |item| (item, sighting([0.09; 6], None));
        let all = known(&[faint("a"), faint("b"), faint("c")]);
        assert!(all.variation(None).references["r"].shared.is_empty(), "a little of it is everywhere");
    }

    #[test]
    fn what_no_mark_looked_at_is_known_from_the_glance() {
        // The glance sees two rows of three cells from the frame's corner on; the second and third of the lower row lie in the mark.
        let glance = CellGrid::new([0, 0, 24, 16], 3, &[0.9, 0.0, 0.0, 0.8, 0.9, 0.9]);
        let seen = |place| {
            let marks = vec![Some(MarkSighting { place, ..mark([0.6, 0.0, 0.0, 0.0, 0.0, 0.0], None) })];
            Sighting { glance: Some(glance.clone()), marks, ..sighting([0.0; 6], None) }
        };
        let parts = |e: f32| (e * PARTS).round() as u16;
        let squares = seen([8, 8, 40, 24]).squares();
        assert_eq!(squares, BTreeMap::from([((0, 0), parts(0.9)), ((1, 0), parts(0.8)), ((1, 2), parts(0.6))]));
        assert_eq!(seen([0, 0, 40, 24]).squares(), BTreeMap::from([((1, 2), parts(0.6))]), "all of it was looked at");
    }

    #[test]
    fn one_item_in_ten_may_lack_what_the_others_share() {
        let print = |n: usize| if n < 1 { [0.0; 6] } else { [0.5 + n as f32 / 100.0, 0.0, 0.0, 0.0, 0.0, 0.0] };
        let items: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        let seen: Vec<_> =
            items.iter().enumerate().map(|(n, item)| (item.as_str(), sighting(print(n), None))).collect();
        let of = |count: usize| known(&seen[..count]).variation(None).references["r"].shared.clone();
        assert!(of(9).is_empty());
        assert_eq!(
            of(10),
            BTreeMap::from([((1, 2), (0.41 / 0.9 * PARTS).round() as u16)]),
            "the least of those that show it"
        );
    }

    #[test]
    fn photos_of_one_item_count_once_but_all_their_misreadings_do() {
        let all = known(&[
            ("a", sighting([0.9; 6], Some("tropicana"))),
            ("a", sighting([0.0; 6], Some("TROPlCANA"))),
            ("b", sighting([0.9; 6], None)),
            ("c", sighting([0.9; 6], None)),
        ]);
        let told = &all.variation(None).references["r"];
        assert_eq!((told.items, told.shared.len()), (3, 6));
        assert_eq!(told.misread, BTreeSet::from([(1, "troplcana".to_owned())]));
        assert!(all.variation(Some("a")).references["r"].misread.is_empty(), "an item does not vouch for itself");
    }

    #[test]
    fn a_word_that_genuine_photos_are_misread_as_does_not_accuse() {
        let photo = sighting([0.9; 6], Some("TROPICANO"));
        let score = |known: &Variation| photo.score(&fusion(), known).value();
        let before = score(&Variation::default());
        let elsewhere = known(&[("a", sighting([0.0; 6], Some("TROPl")))]).variation(None);
        let there = known(&[("a", sighting([0.0; 6], Some("tropicano")))]).variation(None);
        assert!((score(&elsewhere) - before).abs() < 1e-9, "no nearer than what is expected");
        assert!(score(&there) > before + 0.3, "{} {before}", score(&there));
    }

    #[test]
    fn the_text_of_a_mark_that_genuine_photos_doubt_too_does_not_count() {
        let photo = MarkSighting { second: Some(grid([1.0; 6])), ..mark([0.9; 6], Some("forged")) };
        let seen = sighting([0.9; 6], None);
        let variation = known(&[("a", seen.clone()), ("b", seen.clone()), ("c", seen)]).variation(None);
        let (evidence, _) = photo.weighed(1, variation.references.get("r"));
        assert!((evidence.difference - 0.1054).abs() < 1e-3 && evidence.text.is_none(), "{evidence:?}");
        let (evidence, _) = photo.weighed(1, None);
        assert!(evidence.difference > 0.95 && evidence.text.is_some(), "{evidence:?}");
    }

    proptest! {
        #[test]
        fn a_cell_reaches_into_the_squares_that_overlap_it(
            x in 0_u32..500, y in 0_u32..400, w in 4_u32..300, h in 4_u32..200, columns in 1_usize..40, rows in 1_usize..30,
        ) {
            let grid = CellGrid { area: [x, y, x + w, y + h], columns, evidence: vec![0; columns * rows] };
            for i in 0..grid.evidence.len() {
                let cell = |low: u32, side: u32, n: usize, of: usize| {
                    let at = |n: usize| f64::from(low) + f64::from(side) * n as f64 / of as f64;
                    (at(n), at(n + 1))
                };
                let spans = [cell(y, h, i / columns, rows), cell(x, w, i % columns, columns)];
                for (range, (low, high)) in grid.squares_of(i).into_iter().zip(spans) {
                    let overlaps = |n: u32| f64::from(n * 8) < high - 1e-9 && f64::from(n * 8 + 8) > low + 1e-9;
                    prop_assert!(range.clone().all(overlaps) && !overlaps(range.end), "{range:?} {low} {high}");
                    prop_assert!(range.start == 0 || !overlaps(range.start - 1), "{range:?} {low} {high}");
                }
            }
        }

        #[test]
        fn what_is_known_never_makes_a_photo_look_stranger(
            looks in proptest::array::uniform2(proptest::array::uniform6(0.0..1.0_f32)), again: bool, seen in proptest::collection::vec(proptest::array::uniform6(0.0..1.0_f32), 3..14),
        ) {
            let items: Vec<String> = (0..seen.len()).map(|n| n.to_string()).collect();
            let seen: Vec<_> = items.iter().zip(&seen).map(|(i, e)| (i.as_str(), sighting(*e, Some("tr0picana")))).collect();
            let first = mark(looks[0], Some("tropikana"));
            let photo = Sighting {
                marks: vec![None, Some(MarkSighting { second: again.then(|| grid(looks[1])), ..first })],
                ..sighting(looks[0], None)
            };
            let (plain, informed) = (Variation::default(), known(&seen).variation(None));
            let score = |known| photo.score(&fusion(), known).value();
            prop_assert!(score(&informed) >= score(&plain) - 1e-6);
        }
    }
}
