//! Places of a photo that are compared besides the marks of its reference: what proposed marks leave out, the photo points
//! to itself.

use super::{
    PipelineError,
    frames::Frame,
    inspect::{View, compare_at},
    prepared::Cache,
    propose::figure,
};
use crate::checker::ports::{CellMap, Vision};
use crate::domain::{
    appearance::BlockMap,
    gallery::Mark,
    geometry::Point,
    marks::{MarkBox, cell_evidence, places_in_doubt},
};

/// The whole article is looked at with its sides brought down by this: at a half no more edits are found, at a quarter fewer.
const GLANCE_SHRINK: f64 = 3.0;
/// Places in doubt after a glance at the whole article, likeliest first.
const IN_DOUBT: [&str; 2] = ["most different place", "second most different place"];
/// Where blocks leave most contrast unexplained.
const UNEXPLAINED: &str = "least explained place";
/// Where hues are turned most against the rest.
const RECOLOURED: &str = "most recoloured place";

/// The places of a photo worth a closer look: outside the boxes `taken` (pixels of the frame) those that a glance at the
/// whole article finds most different and the one where blocks explain least; and, wherever it is, the most recoloured one.
pub fn places(
    vision: &mut Vision,
    cache: &Cache,
    view: &View,
    blocks: &BlockMap,
    taken: &[[u32; 4]],
) -> Result<Vec<Mark>, PipelineError> {
    let cells = glance(vision, cache, view)?;
    let turned = view.colours().most_turned(blocks);
    Ok(chosen(&cells, blocks, turned, taken, &view.pixels.frame))
}

fn chosen(
    cells: &CellMap,
    blocks: &BlockMap,
    turned: Option<[u32; 4]>,
    taken: &[[u32; 4]],
    frame: &Frame,
) -> Vec<Mark> {
    let Some(to_unit) = frame.from_unit.inverse() else { return Vec::new() };
    let (width, height) = (frame.raster.width(), frame.raster.height());
    let evidence = cell_evidence(&cells.probabilities, cells.columns);
    let doubted = places_in_doubt(&evidence, cells.columns, width, height, taken, IN_DOUBT.len());
    let taken: Vec<[u32; 4]> = taken.iter().chain(&doubted).copied().collect();
    let unexplained = blocks.least_explained(&taken, width, height);
    let named = doubted.into_iter().zip(IN_DOUBT);
    let named =
        named.chain(unexplained.map(|place| (place, UNEXPLAINED))).chain(turned.map(|place| (place, RECOLOURED)));
    named.map(|(place, name)| figure(name, Point::corners(place.map(f64::from)), &to_unit)).collect()
}

/// The comparator's answer on the whole article at once, much reduced: too coarse to accuse, but it points.
fn glance(vision: &mut Vision, cache: &Cache, view: &View) -> Result<CellMap, PipelineError> {
    let frame = &view.pixels.frame.raster;
    let (width, height) = (frame.width(), frame.height());
    let whole = MarkBox::whole(width, height);
    let (w, h) = whole.shrunk(GLANCE_SHRINK);
    let (own, seen) = (vision.imaging.resize(frame, w, h), vision.imaging.resize(&view.rectified.raster, w, h));
    Ok(compare_at(vision, Some(cache), view, &whole, [&own, &seen, &seen])?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checker::pipeline::frames::unit_to_pixels,
        domain::{appearance::Block, raster::Raster},
    };

    #[test]
    fn each_measure_points_to_its_own_place_and_none_into_a_mark() {
        let frame = Frame {
            raster: Raster::from_fn(640, 448, |_, _| [90; 3]),
            from_unit: unit_to_pixels(640.0, 448.0),
            source_pixels: 1.0,
        };
        let mut blocks = vec![Some(Block { correlation: 0.95, contrast: 40.0 }); 31 * 21];
        // Pixels 160 to 252 across, 100 to 132 down.
        blocks[5 * 31 + 8..5 * 31 + 12].fill(Some(Block { correlation: 0.1, contrast: 40.0 }));
        let blocks = BlockMap { columns: 31, rows: 21, blocks };
        // Cells of 24 by 25 pixels: 480 to 528 across, 299 to 324 down.
        let mut cells = CellMap { columns: 26, rows: 18, probabilities: vec![[1.0, 0.0, 0.0]; 26 * 18] };
        cells.probabilities[12 * 26 + 20..12 * 26 + 22].fill([0.1, 0.9, 0.0]);
        let look = |taken: &[[u32; 4]]| chosen(&cells, &blocks, Some([320, 64, 440, 88]), taken, &frame);
        let names = |found: &[Mark]| found.iter().map(|m| m.name.clone()).collect::<Vec<_>>();
        let found = look(&[]);
        assert_eq!(names(&found), [IN_DOUBT[0], UNEXPLAINED, RECOLOURED], "a second place in doubt there is not");
        let holds = |mark: &Mark, x: f64, y: f64| {
            let (low, high) = (mark.region[0], mark.region[2]);
            (low.x * 640.0..high.x * 640.0).contains(&x) && (low.y * 448.0..high.y * 448.0).contains(&y)
        };
        assert!(holds(&found[0], 500.0, 310.0) && holds(&found[1], 200.0, 116.0), "{found:?}");
        assert_eq!(names(&look(&[[470, 290, 540, 330]])), [UNEXPLAINED, RECOLOURED], "a mark holds the first");
        assert_eq!(names(&look(&[[140, 90, 270, 140]])), [IN_DOUBT[0], RECOLOURED], "a mark holds the other");
    }
}
