//! Regions of a photo that are compared besides the marks of its reference: proposed marks leave
//! much out, and the photo itself points to where it looks different.

use super::{
    cells::{Border, compare_at, grid},
    view::View,
};
use crate::{
    domain::{
        appearance::BlockMap,
        cells::{MarkBox, cell_evidence, suspect_region},
        gallery::Mark,
        geometry::Rect,
        tuning::places::OVERVIEW_SHRINK,
        variation::CellGrid,
        windows::mostly_in,
    },
    engine::{
        cache::Cache,
        frames::Frame,
        propose::figure,
        vision::{CellMap, InferenceError, Vision},
    },
};

/// Where an overview at the whole article sees most difference, and where it does besides.
const SUSPECT: [&str; 2] = ["most different place", "second most different place"];
/// Where blocks leave most contrast unexplained.
const UNEXPLAINED: &str = "least explained place";
/// Where hues are turned most against the rest.
const RECOLOURED: &str = "most recoloured place";

/// The regions of a photo worth a closer look, with the coarse comparison of the whole article that
/// points to them. Outside the boxes `taken` (pixels of the frame) these are the two that look most
/// different there and the one that blocks explain least; anywhere, the one whose hues are turned
/// most; none where most of it is ignored. A photo of plain agreement may have none.
pub(crate) fn regions(
    vision: &mut Vision,
    cache: &Cache,
    view: &View,
    taken: &[Rect],
) -> Result<(Vec<Mark>, CellGrid), InferenceError> {
    let (frame, blocks) = (&view.pixels.frame, &view.pair.blocks);
    let cells = overview(vision, cache, view)?;
    let turned = view.most_turned(blocks);
    let whole = MarkBox::whole(frame.raster.width(), frame.raster.height());
    Ok((
        chosen(&cells, blocks, turned, [taken, &view.ignored], frame),
        grid(&whole, &cells),
    ))
}

/// [`regions`] from what each measure says, `cells` those of the overview.
fn chosen(
    cells: &CellMap,
    blocks: &BlockMap,
    turned: Option<Rect>,
    [taken, ignored]: [&[Rect]; 2],
    frame: &Frame,
) -> Vec<Mark> {
    let Some(to_unit) = frame.from_unit.inverse() else {
        return Vec::new();
    };
    let (width, height) = (frame.raster.width(), frame.raster.height());
    let evidence = cell_evidence(&cells.probabilities, cells.columns);
    let (mut taken, mut named) = ([taken, ignored].concat(), Vec::new());
    for name in SUSPECT {
        let suspect = suspect_region(&evidence, cells.columns, width, height, &taken);
        // Taken at once, so that the next one lies elsewhere and no place is judged twice.
        taken.extend(suspect);
        named.extend(suspect.map(|place| (place, name)));
    }
    named.extend(
        blocks
            .least_explained(&taken, width, height)
            .map(|place| (place, UNEXPLAINED)),
    );
    // Inside a mark too: its letters may be kept where its colour is not.
    named.extend(turned.map(|place| (place, RECOLOURED)));
    named
        .iter()
        .filter(|(place, _)| !mostly_in(*place, ignored))
        .map(|(place, name)| figure(name, place.map(f64::from).corners(), &to_unit))
        .collect()
}

/// The comparator's answer on the whole article at once, reduced. It only points.
fn overview(vision: &mut Vision, cache: &Cache, view: &View) -> Result<CellMap, InferenceError> {
    let frame = &view.pair.own;
    let (width, height) = (frame.width(), frame.height());
    let whole = MarkBox::whole(width, height);
    // Both sides by one factor: squeezed to a fixed size, upright articles lost their small words.
    let (w, h) = whole.shrunk(OVERVIEW_SHRINK);
    let (own, seen) = (
        vision.imaging.resize(frame, w, h),
        vision.imaging.resize(&view.pair.photo.raster, w, h),
    );
    compare_at(
        vision,
        Some(cache),
        view,
        &whole,
        Border::Same,
        [&own, &seen, &seen],
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{appearance::Block, cells::Cell, raster::Raster, tuning::frames::REFERENCE_PX},
        engine::frames::{frame_size, unit_to_pixels},
    };

    #[test]
    fn a_glance_at_an_article_of_any_shape_is_a_size_that_the_comparator_takes() {
        for (width, height) in [(1, 5000), (5000, 1), (1, 1), (640, 448), (448, 640)] {
            let (width, height) = frame_size(width, height, REFERENCE_PX);
            let (w, h) = MarkBox::whole(width, height).shrunk(OVERVIEW_SHRINK);
            assert!(
                (32..=512).contains(&w) && (32..=512).contains(&h),
                "{w}x{h}"
            );
        }
    }

    #[test]
    fn each_measure_points_to_its_own_place_and_none_into_a_mark() {
        let frame = Frame {
            raster: Raster::from_fn(640, 448, |_, _| [90; 3]),
            from_unit: unit_to_pixels(640.0, 448.0),
            source_pixels: 1.0,
        };
        let mut blocks = vec![
            Some(Block {
                correlation: 0.95,
                contrast: 40.0,
                shift: [0.0; 2],
            });
            31 * 21
        ];
        // Pixels 160 to 252 across, 100 to 132 down.
        blocks[5 * 31 + 8..5 * 31 + 12].fill(Some(Block {
            correlation: 0.1,
            contrast: 40.0,
            shift: [0.0; 2],
        }));
        let blocks = BlockMap {
            columns: 31,
            rows: 21,
            blocks,
        };
        // Cells of nearly 12 pixels: 474 to 522 across, 295 to 319 down, and fainter 320 to 344
        // across, 389 to 401 down.
        let mut cells = CellMap {
            columns: 54,
            rows: 38,
            probabilities: vec![Cell::new(1.0, 0.0, 0.0); 54 * 38],
        };
        for row in 25..27 {
            cells.probabilities[row * 54 + 40..row * 54 + 44].fill(Cell::new(0.1, 0.9, 0.0));
        }
        cells.probabilities[33 * 54 + 27..33 * 54 + 29].fill(Cell::new(0.2, 0.8, 0.0));
        let turned = Some(Rect::new(320, 64, 440, 88));
        let look = |taken: &[Rect]| chosen(&cells, &blocks, turned, [taken, &[]], &frame);
        let ignoring = |places: &[Rect]| chosen(&cells, &blocks, turned, [&[], places], &frame);
        let [first, second] = SUSPECT;
        let names = |found: &[Mark]| found.iter().map(|m| m.name.clone()).collect::<Vec<_>>();
        let found = look(&[]);
        assert_eq!(names(&found), [first, second, UNEXPLAINED, RECOLOURED]);
        let holds = |mark: &Mark, x: f64, y: f64| {
            let (low, high) = (mark.region[0], mark.region[2]);
            (low.x * 640.0..high.x * 640.0).contains(&x)
                && (low.y * 448.0..high.y * 448.0).contains(&y)
        };
        assert!(
            holds(&found[0], 500.0, 310.0) && holds(&found[1], 332.0, 395.0),
            "{found:?}"
        );
        assert!(holds(&found[2], 200.0, 116.0), "{found:?}");
        let without = look(&[Rect::new(470, 290, 540, 330)]);
        assert_eq!(
            names(&without),
            [first, UNEXPLAINED, RECOLOURED],
            "a mark holds the most different place"
        );
        assert!(holds(&without[0], 332.0, 395.0), "{without:?}");
        assert_eq!(
            names(&look(&[Rect::new(300, 390, 380, 430)])),
            [first, UNEXPLAINED, RECOLOURED],
            "a mark holds the second"
        );
        assert_eq!(
            names(&look(&[Rect::new(140, 90, 270, 140)])),
            [first, second, RECOLOURED],
            "a mark holds the third"
        );
        assert_eq!(
            names(&ignoring(&[Rect::new(320, 64, 400, 88)])),
            [first, second, UNEXPLAINED],
            "hues may vary there"
        );
        assert_eq!(
            names(&ignoring(&[
                Rect::new(470, 290, 540, 330),
                Rect::new(300, 380, 600, 448)
            ])),
            [UNEXPLAINED, RECOLOURED],
            "print may vary there"
        );
    }
}
