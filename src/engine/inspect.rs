//! A located photo looked at closely: [`align`] rectifies it and aligns it again, [`inspect`]
//! compares block by block and mark by mark.

use std::{cell::OnceCell, sync::Arc};

use super::{
    EngineError,
    analysis::Analysis,
    frames::Frame,
    locate::{Location, locate_rectified},
    places::places,
    prepared::{Cache, ReferencePixels, TurnedFeatures},
};
use crate::domain::{
    appearance::{BlockMap, compare_blocks},
    cells::{CellBlock, MarkBox, blobs, cell_evidence},
    colour::PackColours,
    features::FeatureSet,
    fusion::MarkEvidence,
    gallery::{Mark, MarkKind, Reference},
    geometry::{Homography, Point, Rect, check_quad},
    illumination::{normalised_light, with_spread_of},
    raster::Raster,
    rectify::{Rectified, rectify},
    text::agreement,
    tuning::{
        compare::REFINE_INLIERS,
        frames::{GREY_SIGMA, MIN_SOURCE_PIXELS},
        marks::{BORDER_PX, NOT_WHITE, SATURATED, WASHED_OUT},
        search::RECTIFIED_KEYPOINTS,
        text::{LINE_PX, LONGEST_LINE_PX, READABLE},
    },
    variation::{CellGrid, MarkObservation, Reading, ReferenceVariation, Variation},
};
use crate::engine::vision::{CellMap, InferenceError, Vision};

/// What a photo is looked at for.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// To be judged by what is known of genuine photos.
    Judge(&'a Variation),
    /// To be learnt from as a genuine photo: every text mark is read, and nothing known is taken
    /// into account.
    Learn,
}

impl<'a> Purpose<'a> {
    fn known(self, reference: &str) -> Option<&'a ReferenceVariation> {
        match self {
            Self::Judge(variation) => variation.references.get(reference),
            Self::Learn => None,
        }
    }
}

/// A located photo brought into its reference's frame and located there again.
pub struct Aligned {
    /// Maps pixels of the reference's frame to pixels of the photo's frame, after refinement.
    pub reference_to_photo: Homography,
    /// Inliers on the rectified photo.
    pub refined: Option<Location>,
    /// Features of the rectified photo, for looking at rivals in the same frame.
    pub features: FeatureSet,
}

/// What was found in a close look.
pub struct Inspection {
    /// Maps pixels of the reference's frame to pixels of the photo's frame, after refinement.
    pub reference_to_photo: Homography,
    /// Blocks of the aligned pair.
    pub blocks: BlockMap,
    /// Places looked at besides the reference's marks, as marks.
    pub places: Vec<Mark>,
    /// One entry per mark of the reference and per place, in their order.
    pub marks: Vec<InspectedMark>,
    /// Boxes of all these in pixels of the frame.
    pub boxes: Vec<Rect>,
    /// The overview that pointed to places, when one was taken.
    pub overview: Option<CellGrid>,
}

/// One mark after the close look.
pub struct InspectedMark {
    /// What the fusion needs; `None` when the mark cannot be seen at all.
    pub evidence: Option<MarkEvidence>,
    /// Share of its cells that cannot be judged, 0 to 1.
    pub unseen: f64,
    /// What was seen of it, before what is known of genuine photos was taken off.
    pub observation: Option<MarkObservation>,
    /// Places that differ, as corners in pixels of the reference's frame.
    pub differing: Vec<[Point; 4]>,
}

/// Rectifies the photo into a reference's frame of `width` x `height` pixels and aligns it again.
pub fn align(
    vision: &mut Vision,
    analysis: &Analysis,
    location: &Location,
    features: &TurnedFeatures,
) -> Result<Aligned, EngineError> {
    let (width, height) = (features.turns[0].width, features.turns[0].height);
    // Keypoints need no more than the photo's frame has; what is compared later is resampled from
    // the photo itself.
    let first = rectify(
        &analysis.frame.raster,
        &location.reference_to_photo,
        width,
        height,
    );
    let seen = vision.local.extract(&first.raster, RECTIFIED_KEYPOINTS)?;
    let refined = locate_rectified(&seen, features);
    let better = refined
        .as_ref()
        .filter(|r| r.inliers >= REFINE_INLIERS)
        .map(|r| location.reference_to_photo.after(&r.reference_to_photo))
        .filter(|map| check_quad(map, features.frame_size(), analysis.frame.size()).is_ok());
    Ok(Aligned {
        reference_to_photo: better.unwrap_or(location.reference_to_photo),
        refined,
        features: seen,
    })
}

/// Compares an aligned photo with its reference block by block and mark by mark; what `cache` holds
/// of the marks is used.
pub fn inspect(
    vision: &mut Vision,
    cache: &Cache,
    analysis: &Analysis,
    aligned: &Aligned,
    (reference, pixels): (&Reference, &Arc<ReferencePixels>),
    purpose: Purpose,
) -> Result<Inspection, EngineError> {
    let marks = &reference.marks;
    let (width, height) = (pixels.frame.raster.width(), pixels.frame.raster.height());
    let (source, source_from_frame) = analysis.source();
    let to_source = source_from_frame.after(&aligned.reference_to_photo);
    let rectified = rectify(source, &to_source, width, height);
    let lit = normalised_light(&rectified, &pixels.frame.raster);
    let blocks = compare_blocks(&pixels.grey, &lit.grey().smoothed(GREY_SIGMA), &rectified);
    let photo_pixels =
        rectified.scale * f64::from(analysis.photo.long_side()) / f64::from(source.long_side());
    let view = View {
        pixels,
        rectified: &rectified,
        lit: &lit,
        source,
        to_source,
        colours: OnceCell::new(),
        photo_pixels,
    };
    let mut boxes = boxes_of(marks, &pixels.frame);
    // An owner who names marks says what is protected; then nothing else is judged.
    let (places, overview) = match view.is_fine() && marks.iter().all(|m| m.proposed) {
        true => places(vision, cache, &view, &blocks, &boxes)
            .map(|(places, overview)| (places, Some(overview)))?,
        false => (Vec::new(), None),
    };
    boxes.extend(boxes_of(&places, &pixels.frame));
    let kept = marks.iter().map(|mark| (mark, Some(cache)));
    let all = kept
        .chain(places.iter().map(|place| (place, None)))
        .enumerate();
    let known = purpose.known(&reference.id);
    let looked = all.map(|(n, (mark, cache))| {
        let (observation, unseen) = see_mark(vision, &view, mark, cache, purpose)?;
        Ok(InspectedMark::new(n, observation, unseen, known))
    });
    let marks = looked.collect::<Result<_, EngineError>>()?;
    Ok(Inspection {
        reference_to_photo: aligned.reference_to_photo,
        blocks,
        places,
        marks,
        boxes,
        overview,
    })
}

/// The boxes of marks in pixels of the frame.
fn boxes_of(marks: &[Mark], frame: &Frame) -> Vec<Rect> {
    let (width, height) = (frame.raster.width(), frame.raster.height());
    marks
        .iter()
        .filter_map(|mark| Some(MarkBox::around(&outline_of(mark, frame), width, height)?.tight))
        .collect()
}

/// A mark's outline in pixels of the frame.
fn outline_of(mark: &Mark, frame: &Frame) -> Vec<Point> {
    mark.region
        .iter()
        .map(|p| frame.from_unit.apply(*p))
        .collect()
}

/// Both sides of an aligned pair.
pub struct View<'a> {
    /// The reference.
    pub pixels: &'a ReferencePixels,
    /// The photo in the reference's frame.
    pub rectified: &'a Rectified,
    lit: &'a Raster,
    source: &'a Raster,
    to_source: Homography,
    /// Taken when the first mark is looked at.
    colours: OnceCell<PackColours>,
    /// Pixels of the photo as it came to one of the frame, along a side.
    photo_pixels: f64,
}

impl View<'_> {
    /// Whether both sides have pixels enough for marks to be judged.
    fn is_fine(&self) -> bool {
        self.pixels.frame.is_fine() && self.photo_pixels >= MIN_SOURCE_PIXELS
    }

    /// The colours of both sides.
    pub fn colours(&self) -> &PackColours {
        self.colours
            .get_or_init(|| PackColours::of(&self.pixels.frame.raster, self.rectified, self.lit))
    }
}

impl InspectedMark {
    /// Mark number `n` as it was seen, less what is known of genuine photos.
    fn new(
        n: usize,
        observation: Option<MarkObservation>,
        unseen: f64,
        known: Option<&ReferenceVariation>,
    ) -> Self {
        let Some(seen) = &observation else {
            return Self {
                evidence: None,
                unseen,
                observation,
                differing: Vec::new(),
            };
        };
        let (evidence, cells) = seen.weighed(n, known);
        let blobs = blobs(&cells, seen.first.columns);
        let differing = blobs
            .into_iter()
            .map(|cells| seen.first.cells_to_frame(cells).corners())
            .collect();
        Self {
            evidence: Some(evidence),
            unseen,
            observation,
            differing,
        }
    }

    /// What was read, with its confidence, 0 to 1.
    pub fn read(&self) -> Option<(String, f64)> {
        let reading = self.observation.as_ref()?.reading.as_ref()?;
        Some((reading.text.clone(), reading.confidence))
    }
}

/// A mark as it is seen and the share of its cells that cannot be judged, 0 to 1; `None` when it
/// cannot be seen at all. With a `cache`, the reference's side is taken from there: it is the same
/// for every photo.
fn see_mark(
    vision: &mut Vision,
    view: &View,
    mark: &Mark,
    cache: Option<&Cache>,
    purpose: Purpose,
) -> Result<(Option<MarkObservation>, f64), InferenceError> {
    let frame = &view.pixels.frame;
    let outline = outline_of(mark, frame);
    let Some(place) = MarkBox::around(&outline, frame.raster.width(), frame.raster.height()) else {
        return Ok((None, 1.0));
    };
    if !view.is_fine() || !view.rectified.shows(place.padded) {
        return Ok((None, 1.0));
    }
    let (own, seen) = (
        cut(vision, &frame.raster, &place),
        cut(vision, &view.rectified.raster, &place),
    );
    let cells = compare_at(
        vision,
        cache,
        view,
        &place,
        Border::Unseen,
        [&own, &seen, &seen],
    )?;
    let unseen = cells
        .probabilities
        .iter()
        .map(|cell| f64::from(cell.unseen))
        .sum::<f64>()
        / cells.probabilities.len().max(1) as f64;
    let first = grid(&place, &cells);
    let in_doubt = MarkObservation::is_suspect(&first);
    let second = match in_doubt {
        true => Some(second_look(vision, cache, view, &place)?),
        false => None,
    };
    let reading = match in_doubt || matches!(purpose, Purpose::Learn) {
        true => read_mark(vision, view, mark, &outline)?,
        false => None,
    };
    let (place, turn) = (place.tight, view.colours().turn(place.tight));
    Ok((
        Some(MarkObservation {
            place,
            first,
            second,
            reading,
            turn,
        }),
        unseen,
    ))
}

/// Evidence of the comparator's cells over a mark's padded box.
pub fn grid(place: &MarkBox, cells: &CellMap) -> CellGrid {
    CellGrid::new(
        place.padded,
        cells.columns,
        &cell_evidence(&cells.probabilities, cells.columns),
    )
}

/// A mark in the reference's light and with its cells half a cell further on: what is an edit looks
/// different there too, what only looked like one by chance often does not.
fn second_look(
    vision: &mut Vision,
    cache: Option<&Cache>,
    view: &View,
    place: &MarkBox,
) -> Result<CellGrid, InferenceError> {
    let frame = &view.pixels.frame.raster;
    let moved = place.half_a_cell_on(frame.width(), frame.height());
    let (own, seen) = (
        cut(vision, frame, &moved),
        cut(vision, &view.rectified.raster, &moved),
    );
    let cells = compare_at(
        vision,
        cache,
        view,
        &moved,
        Border::Unseen,
        [&own, &seen, &with_spread_of(&seen, &own)],
    )?;
    Ok(grid(&moved, &cells))
}

/// What cells at the frame's border, which do not accuse, count as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Border {
    /// Not seen, and so hiding their neighbours: where a photo is laid a little wrong, print that
    /// ends there looks changed.
    Unseen,
    /// The same, hiding nothing: for what only points, since print often reaches into the border.
    Same,
}

/// The comparator's answer on `place`, cells that cannot accuse blinded: the reference there, the
/// photo, and the photo as the comparator is to see it. With a `cache`, what is known of the
/// reference is taken from there.
pub fn compare_at(
    vision: &mut Vision,
    cache: Option<&Cache>,
    view: &View,
    place: &MarkBox,
    border: Border,
    [own, seen, shown]: [&Raster; 3],
) -> Result<CellMap, InferenceError> {
    let comparator = vision.comparator.as_mut();
    let reference = match cache {
        Some(cache) => cache.mark(comparator, view.pixels, place, own)?,
        None => Arc::new(comparator.encode(own)?),
    };
    let photo = comparator.encode(shown)?;
    let mut cells = comparator.compare(&reference, &photo)?;
    blind_cells(&mut cells, [own, seen], place, border, view.rectified);
    Ok(cells)
}

/// Takes the accusation out of cells that cannot carry one: those at the frame's border, whose
/// context lies beyond the article, those beyond the photo's own border, and those that a
/// reflection has washed out where the reference is not white cannot be seen, unless `border` says
/// otherwise of the first; those of a mark's surroundings are another mark's matter.
fn blind_cells(
    cells: &mut CellMap,
    [own, seen]: [&Raster; 2],
    place: &MarkBox,
    border: Border,
    rectified: &Rectified,
) {
    let side = |value: u32, count: usize| (value as usize / count.max(1)).max(1) as u32;
    let (cw, ch) = (
        side(own.width(), cells.columns),
        side(own.height(), cells.rows),
    );
    let (width, height) = (rectified.raster.width(), rectified.raster.height());
    let (right, bottom) = (f64::from(width) - BORDER_PX, f64::from(height) - BORDER_PX);
    for (i, cell) in cells.probabilities.iter_mut().enumerate() {
        let (column, row) = (i % cells.columns, i / cells.columns);
        let at = place.cells_to_frame(CellBlock::one(column, row), cells.columns, cells.rows);
        let centre = Point::new((at.left + at.right) / 2.0, (at.top + at.bottom) / 2.0);
        let outer =
            centre.x < BORDER_PX || centre.y < BORDER_PX || centre.x > right || centre.y > bottom;
        let (x, y) = (column as u32 * cw, row as u32 * ch);
        let washed = || {
            white_share(seen, x, y, cw, ch) > WASHED_OUT
                && white_share(own, x, y, cw, ch) < NOT_WHITE
        };
        let beyond = || !rectified.shows(at.map(|v| v as u32));
        if outer && border == Border::Unseen || beyond() || washed() {
            *cell = cell.hidden();
        } else if outer || !place.holds(centre) {
            *cell = cell.excused();
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

/// The mark's padded box, brought down to what the comparator takes when it is larger.
fn cut(vision: &mut Vision, raster: &Raster, place: &MarkBox) -> Raster {
    let crop = raster.crop(place.padded);
    let (w, h) = place.input_size();
    if (w, h) == (crop.width(), crop.height()) {
        crop
    } else {
        vision.imaging.resize(&crop, w, h)
    }
}

/// What the photo reads at a text mark, and its agreement with what it should read. There is no
/// agreement when the recogniser cannot read the reference itself: then its word says nothing about
/// the photo.
fn read_mark(
    vision: &mut Vision,
    view: &View,
    mark: &Mark,
    outline: &[Point],
) -> Result<Option<Reading>, InferenceError> {
    let (MarkKind::Text, Some(expected), Ok(corners)) = (
        mark.kind,
        mark.text.as_deref(),
        <[Point; 4]>::try_from(outline),
    ) else {
        return Ok(None);
    };
    let Some((line_to_frame, width)) = line_map(&corners) else {
        return Ok(None);
    };
    let seen = rectify(
        view.source,
        &view.to_source.after(&line_to_frame),
        width,
        LINE_PX,
    )
    .raster;
    let mut lines = vec![seen];
    // The text of a proposed mark is what the recogniser read there.
    if !mark.proposed {
        lines.push(rectify(&view.pixels.frame.raster, &line_to_frame, width, LINE_PX).raster);
    }
    let readings = vision.text.recognise(&lines)?;
    let Some(seen) = readings.first().filter(|r| !r.text.is_empty()) else {
        return Ok(None);
    };
    let own = readings.get(1).map_or(expected, |r| r.text.as_str());
    let agreement = (agreement(expected, own) >= READABLE)
        .then(|| agreement(expected, &seen.text).max(agreement(own, &seen.text)));
    Ok(Some(Reading {
        text: seen.text.clone(),
        confidence: seen.confidence,
        agreement,
    }))
}

/// Maps pixels of an upright line, 48 high, to pixels of the frame, with a little room around the
/// letters.
fn line_map(corners: &[Point; 4]) -> Option<(Homography, u32)> {
    let length = (corners[0].distance(corners[1]) + corners[3].distance(corners[2])) / 2.0;
    let height = (corners[0].distance(corners[3]) + corners[1].distance(corners[2])) / 2.0;
    if height < 1.0 || length < 1.0 {
        return None;
    }
    let width = (length / height * f64::from(LINE_PX))
        .clamp(f64::from(LINE_PX) / 3.0, LONGEST_LINE_PX)
        .round();
    let (w, h) = (width - 0.5, f64::from(LINE_PX) - 0.5);
    let from = [(-0.5, -0.5), (w, -0.5), (w, h), (-0.5, h)].map(|(x, y)| Point::new(x, y));
    Some((Homography::through(from, *corners)?, width as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::cells::Cell;

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
}
