//! The comparator's answer on a place of an aligned pair, and which of its cells may accuse.

use std::sync::Arc;

use super::view::View;
use crate::domain::tuning::marks::{BORDER_PX, NOT_WHITE, SATURATED, WASHED_OUT};
use crate::{
    domain::{
        cells::{Cell, CellBlock, MarkBox, cell_evidence},
        covered::Covered,
        geometry::{
            Point, Rect,
            number::{count_u32, whole},
        },
        raster::Raster,
        rectify::Rectified,
        silhouette::Silhouette,
        variation::CellGrid,
        windows::lies_in,
    },
    engine::{
        cache::Cache,
        prepare::ReferencePixels,
        vision::{CellMap, EncodedMark, InferenceError, MarkComparator, Vision},
    },
};

/// Evidence of the comparator's cells over a mark's padded box.
pub(crate) fn grid(place: &MarkBox, cells: &CellMap) -> CellGrid {
    CellGrid::new(
        place.padded,
        cells.columns,
        &cell_evidence(&cells.probabilities, cells.columns),
    )
}

/// What cells at the frame's border, which do not accuse, count as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Border {
    /// Not seen, and so hiding their neighbours: where a photo is laid a little wrong, print that
    /// ends there looks changed.
    Unseen,
    /// The same, hiding nothing: for what only points, since print often reaches into the border.
    Same,
}

/// The comparator's answer on `place`, cells that cannot accuse blinded: the reference there, the
/// photo, and the photo as the comparator is to see it. With a `cache`, what is known of the
/// reference is taken from there.
pub(crate) fn compare_at(
    vision: &mut Vision,
    cache: Option<&Cache>,
    view: &View,
    place: &MarkBox,
    border: Border,
    [own, seen, shown]: [&Raster; 3],
) -> Result<CellMap, InferenceError> {
    let comparator = vision.comparator.as_mut();
    // What is kept of a reference is in its colours.
    let cache = cache.filter(|_| view.pair.has_colour);
    let reference = match cache {
        Some(cache) => encoded(cache, comparator, view.pixels, place, own)?,
        None => Arc::new(comparator.encode(own)?),
    };
    // The comparator may get a photo in other light. Reflections are looked for in the photo as it
    // is: that light would hide them.
    let photo = comparator.encode(shown)?;
    let mut cells = comparator.compare(&reference, &photo)?;
    blind_cells(&mut cells, [own, seen], place, border, &view.pair.photo);
    hide_ignored(&mut cells, place, &view.ignored);
    Ok(cells)
}

/// Adds what the contours tell, where the reference's place shows a figure of two tones. What agrees by its
/// tones was seen: of plain ground the comparator alone says that it cannot tell.
pub(crate) fn compare_shapes(cells: &mut CellMap, own: &Raster, seen: &Raster) {
    let Some(differing) = Silhouette::of(own).and_then(|figure| figure.differing(seen)) else {
        return;
    };
    for (cell, differs) in cells.probabilities.iter_mut().zip(differing) {
        let different = cell.different.max(differs);
        *cell = Cell::new(1.0 - different, different, 0.0);
    }
}

/// Makes cells that something covers unseen.
pub(crate) fn hide_covered(cells: &mut CellMap, place: &MarkBox, covered: &Covered) {
    for (i, cell) in cells.probabilities.iter_mut().enumerate() {
        let block = CellBlock::one(i % cells.columns, i / cells.columns);
        let at = place.cells_to_frame(block, cells.columns, cells.rows);
        if covered.share(at) > 0.0 {
            *cell = Cell::new(0.0, 0.0, 1.0);
        }
    }
}

/// Takes the accusation out of cells that cannot carry one, since whoever is flagged for them is
/// flagged for nothing on the pack:
///
/// - at the frame's border, whose context lies beyond the article (what they count as is `border`'s
///   to say);
/// - beyond the photo's own border;
/// - where a reflection has washed the photo out and the reference is not white;
/// - in a mark's surroundings, which are another mark's matter.
///
/// A cell of 8x8 pixels with half its pixels in a reflection becomes "cannot see".
fn blind_cells(
    cells: &mut CellMap,
    [own, seen]: [&Raster; 2],
    place: &MarkBox,
    border: Border,
    rectified: &Rectified,
) {
    // Told by the map itself: a comparator with cells of another size cannot be read wrongly.
    let side = |value: u32, count: usize| count_u32((value as usize / count.max(1)).max(1));
    let (cw, ch) = (
        side(own.width(), cells.columns),
        side(own.height(), cells.rows),
    );
    let (width, height) = (rectified.raster.width(), rectified.raster.height());
    let (right, bottom) = (f64::from(width) - BORDER_PX, f64::from(height) - BORDER_PX);
    for (i, cell) in cells.probabilities.iter_mut().enumerate() {
        let (column, row) = (i % cells.columns, i / cells.columns);
        let at = place.cells_to_frame(CellBlock::one(column, row), cells.columns, cells.rows);
        let (across, down) = (at.left + at.right, at.top + at.bottom);
        let centre = Point::new(across / 2.0, down / 2.0);
        let outer =
            centre.x < BORDER_PX || centre.y < BORDER_PX || centre.x > right || centre.y > bottom;
        let (x, y) = (count_u32(column) * cw, count_u32(row) * ch);
        // Lazily, since it reads every pixel of the cell. White print is white in any light, so
        // only white that the reference lacks is a reflection.
        let washed = || {
            white_share(seen, x, y, cw, ch) > WASHED_OUT
                && white_share(own, x, y, cw, ch) < NOT_WHITE
        };
        let beyond = || !rectified.shows(at.map(whole));
        if outer && border == Border::Unseen || beyond() || washed() {
            *cell = cell.hidden();
        } else if outer || !place.holds(centre) {
            // Excused and not hidden: a hidden cell also silences its neighbours, and those may lie
            // in the mark.
            *cell = cell.excused();
        }
    }
}

/// Hides the cells whose middle lies in one of the boxes `ignored`: what varies by design says
/// nothing, and blurs into its neighbours.
fn hide_ignored(cells: &mut CellMap, place: &MarkBox, ignored: &[Rect]) {
    // Most references have none.
    if ignored.is_empty() {
        return;
    }
    for (i, cell) in cells.probabilities.iter_mut().enumerate() {
        let one = CellBlock::one(i % cells.columns, i / cells.columns);
        let at = place.cells_to_frame(one, cells.columns, cells.rows);
        let middle = ((at.left + at.right) / 2.0, (at.top + at.bottom) / 2.0);
        if lies_in(ignored, (whole(middle.0), whole(middle.1))) {
            *cell = cell.hidden();
        }
    }
}

/// Share of pixels in a box whose every channel is at the end of its range.
fn white_share(raster: &Raster, x: u32, y: u32, width: u32, height: u32) -> f64 {
    let places = (y..y + height).flat_map(|v| (x..x + width).map(move |u| (u, v)));
    let white = places
        .filter(|&(u, v)| raster.at(u, v).iter().all(|c| *c >= SATURATED))
        .count();
    white as f64 / f64::from(width * height)
}

/// What the comparator makes of `cut`, the pixels of a mark of the reference in `pixels`. It is the
/// same for every photo, so it is kept.
fn encoded(
    cache: &Cache,
    comparator: &mut dyn MarkComparator,
    pixels: &ReferencePixels,
    place: &MarkBox,
    cut: &Raster,
) -> Result<Arc<EncodedMark>, InferenceError> {
    let (width, height) = (cut.width(), cut.height());
    let (area, of) = (place.padded, &pixels.key);
    // All that changes the encoding is in the name: another mark's would look like an edit.
    let key = format!(
        "mark {area:?} at {width}x{height} of {of} {}",
        comparator.model()
    );
    if let Some(mark) = cache.get(&key) {
        return Ok(mark);
    }
    let mark = Arc::new(comparator.encode(cut)?);
    let bytes = 4 * (mark.keys.len() + mark.values.len());
    cache.put(key, Arc::clone(&mark), bytes);
    Ok(mark)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "evidence of 0 and 1 is exact")]

    use super::*;
    use crate::{
        domain::{cells::Cell, embedding::ModelId, geometry::Rect},
        engine::frames::{Frame, unit_to_pixels},
    };

    /// Evidence of three rows of cells, all different, at the top of a frame of 96x96 pixels.
    fn evidence_at_the_top(border: Border) -> Vec<f32> {
        let (width, height) = (96, 96);
        let raster = Raster::from_fn(width, height, |_, _| [90; 3]);
        let rectified = Rectified {
            raster: raster.clone(),
            visible: vec![true; 96 * 96],
            scale: 1.0,
        };
        let mut cells = CellMap {
            columns: 12,
            rows: 12,
            probabilities: vec![Cell::new(1.0, 0.0, 0.0); 144],
        };
        cells.probabilities[..36].fill(Cell::new(0.0, 1.0, 0.0));
        blind_cells(
            &mut cells,
            [&raster, &raster],
            &MarkBox::whole(width, height),
            border,
            &rectified,
        );
        cell_evidence(&cells.probabilities, cells.columns)
    }

    #[test]
    fn a_border_does_not_accuse_and_hides_its_neighbours_from_marks_but_not_from_a_glance() {
        let column = |evidence: Vec<f32>| [0, 1, 2].map(|row| evidence[row * 12 + 6]);
        assert_eq!(column(evidence_at_the_top(Border::Same)), [0.0, 1.0, 1.0]);
        assert_eq!(column(evidence_at_the_top(Border::Unseen)), [0.0, 0.0, 1.0]);
    }

    #[test]
    fn cells_of_a_place_that_is_ignored_say_nothing() {
        let place = MarkBox::whole(96, 96);
        let different = |ignored: &[Rect]| {
            let mut cells = CellMap {
                columns: 12,
                rows: 12,
                probabilities: vec![Cell::new(0.0, 1.0, 0.0); 144],
            };
            hide_ignored(&mut cells, &place, ignored);
            let differing = cells.probabilities.iter().filter(|c| c.different > 0.0);
            differing.count()
        };
        assert_eq!(different(&[]), 144);
        assert_eq!(different(&[Rect::new(16, 24, 48, 40)]), 144 - 4 * 2);
    }

    struct Counting(ModelId, usize);

    impl MarkComparator for Counting {
        fn model(&self) -> &ModelId {
            &self.0
        }

        fn encode(&mut self, picture: &Raster) -> Result<EncodedMark, InferenceError> {
            self.1 += 1;
            let (columns, rows) = (picture.width() as usize, picture.height() as usize);
            Ok(EncodedMark {
                rows,
                columns,
                keys: vec![],
                values: vec![0.0; rows * columns],
            })
        }

        fn compare(&mut self, _: &EncodedMark, _: &EncodedMark) -> Result<CellMap, InferenceError> {
            Ok(CellMap {
                columns: 0,
                rows: 0,
                probabilities: vec![],
            })
        }
    }

    #[test]
    fn a_mark_is_encoded_once_while_there_is_room_and_another_place_is_another_mark() {
        let frame = Frame {
            raster: Raster::from_fn(320, 224, |_, _| [90; 3]),
            from_unit: unit_to_pixels(320.0, 224.0),
            source_pixels: 1.0,
        };
        let grey = frame.raster.grey();
        let pixels = ReferencePixels {
            key: "pixels of one".into(),
            frame,
            grey,
        };
        let place = |x: f64, side: f64| {
            let outline = Rect::new(x, 40.0, x + side, 40.0 + side).corners();
            MarkBox::around(&outline, 320, 224).unwrap()
        };
        let cut = |place: &MarkBox| pixels.frame.raster.crop(place.padded);
        let (small, beside, large) = (place(40.0, 30.0), place(140.0, 30.0), place(40.0, 90.0));
        let room = 4 * cut(&large).pixels().len() / 3;
        let (cache, mut comparator) = (Cache::new(room), Counting(ModelId("counting@1".into()), 0));
        let mut ask = |place: &MarkBox| {
            encoded(&cache, &mut comparator, &pixels, place, &cut(place)).unwrap();
            comparator.1
        };
        assert_eq!(
            [ask(&small), ask(&small), ask(&beside), ask(&small)],
            [1, 1, 2, 2]
        );
        assert_eq!(
            [ask(&large), ask(&large), ask(&small)],
            [3, 3, 4],
            "the large one leaves no room for others"
        );
    }
}
