//! Places of a photo that are compared besides the marks of its reference: what proposed marks leave out, the photo points
//! to itself.

use super::{
    PipelineError,
    frames::Frame,
    inspect::{Border, View, compare_at},
    prepared::Cache,
    propose::figure,
};
use crate::checker::ports::{CellMap, Vision};
use crate::domain::{
    appearance::BlockMap,
    gallery::Mark,
    geometry::Point,
    marks::{MarkBox, cell_evidence, place_in_doubt},
};

/// Glances at the whole article: what its sides are brought down by, and the name of the place that it finds most different. At a
/// third logos and hues show best, at a half small words.
const GLANCES: [(f64, &str); 2] = [(3.0, "most different place"), (2.0, "most different small place")];
/// Where blocks leave most contrast unexplained.
const UNEXPLAINED: &str = "least explained place";
/// Where hues are turned most against the rest.
const RECOLOURED: &str = "most recoloured place";

/// The places of a photo worth a closer look: outside the boxes `taken` (pixels of the frame) those that glances at the whole
/// article find most different and the one where blocks explain least; and, wherever it is, the most recoloured one.
pub fn places(
    vision: &mut Vision,
    cache: &Cache,
    view: &View,
    blocks: &BlockMap,
    taken: &[[u32; 4]],
) -> Result<Vec<Mark>, PipelineError> {
    let glances = GLANCES.iter().map(|(shrink, _)| glance(vision, cache, view, *shrink));
    let glances: Vec<CellMap> = glances.collect::<Result<_, _>>()?;
    let turned = view.colours().most_turned(blocks);
    Ok(chosen(&glances, blocks, turned, taken, &view.pixels.frame))
}

/// `glances` in the order of [`GLANCES`].
fn chosen(
    glances: &[CellMap],
    blocks: &BlockMap,
    turned: Option<[u32; 4]>,
    taken: &[[u32; 4]],
    frame: &Frame,
) -> Vec<Mark> {
    let Some(to_unit) = frame.from_unit.inverse() else { return Vec::new() };
    let (width, height) = (frame.raster.width(), frame.raster.height());
    let (mut taken, mut named) = (taken.to_vec(), Vec::new());
    for (cells, (_, name)) in glances.iter().zip(GLANCES) {
        let evidence = cell_evidence(&cells.probabilities, cells.columns);
        let doubted = place_in_doubt(&evidence, cells.columns, width, height, &taken);
        taken.extend(doubted);
        named.extend(doubted.map(|place| (place, name)));
    }
    named.extend(blocks.least_explained(&taken, width, height).map(|place| (place, UNEXPLAINED)));
    named.extend(turned.map(|place| (place, RECOLOURED)));
    named.iter().map(|(place, name)| figure(name, Point::corners(place.map(f64::from)), &to_unit)).collect()
}

/// The comparator's answer on the whole article at once, much reduced: too coarse to accuse, but it points.
fn glance(vision: &mut Vision, cache: &Cache, view: &View, shrink: f64) -> Result<CellMap, PipelineError> {
    let frame = &view.pixels.frame.raster;
    let (width, height) = (frame.width(), frame.height());
    let whole = MarkBox::whole(width, height);
    let (w, h) = whole.shrunk(shrink);
    let (own, seen) = (vision.imaging.resize(frame, w, h), vision.imaging.resize(&view.rectified.raster, w, h));
    Ok(compare_at(vision, Some(cache), view, &whole, Border::Same, [&own, &seen, &seen])?)
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
        let mut coarse = CellMap { columns: 26, rows: 18, probabilities: vec![[1.0, 0.0, 0.0]; 26 * 18] };
        coarse.probabilities[12 * 26 + 20..12 * 26 + 22].fill([0.1, 0.9, 0.0]);
        // Cells of 16 pixels: the same place, and 320 to 352 across, 400 to 416 down.
        let mut fine = CellMap { columns: 40, rows: 28, probabilities: vec![[1.0, 0.0, 0.0]; 40 * 28] };
        fine.probabilities[19 * 40 + 30..19 * 40 + 33].fill([0.1, 0.9, 0.0]);
        fine.probabilities[25 * 40 + 20..25 * 40 + 22].fill([0.2, 0.8, 0.0]);
        let glances = [coarse, fine];
        let look = |taken: &[[u32; 4]]| chosen(&glances, &blocks, Some([320, 64, 440, 88]), taken, &frame);
        let [first, small] = GLANCES.map(|(_, name)| name);
        let names = |found: &[Mark]| found.iter().map(|m| m.name.clone()).collect::<Vec<_>>();
        let found = look(&[]);
        assert_eq!(names(&found), [first, small, UNEXPLAINED, RECOLOURED], "one place of each glance");
        let holds = |mark: &Mark, x: f64, y: f64| {
            let (low, high) = (mark.region[0], mark.region[2]);
            (low.x * 640.0..high.x * 640.0).contains(&x) && (low.y * 448.0..high.y * 448.0).contains(&y)
        };
        assert!(holds(&found[0], 500.0, 310.0) && holds(&found[1], 336.0, 408.0), "{found:?}");
        assert!(holds(&found[2], 200.0, 116.0), "{found:?}");
        assert_eq!(names(&look(&[[470, 290, 540, 330]])), [small, UNEXPLAINED, RECOLOURED], "a mark holds the first");
        assert_eq!(
            names(&look(&[[300, 390, 380, 430]])),
            [first, UNEXPLAINED, RECOLOURED],
            "a mark holds the small one"
        );
        assert_eq!(names(&look(&[[140, 90, 270, 140]])), [first, small, RECOLOURED], "a mark holds the third");
    }
}
