//! A located photo looked at closely: block by block, mark by mark, and where the photo itself points
//! to.

mod cells;
mod reading;
mod regions;
mod view;

use cells::{Border, compare_at, grid};
use reading::read_mark;
use regions::regions;
use view::{View, boxes_of, cut, outline_of};

use super::{
    align::Aligned,
    cache::Cache,
    frames::Frame,
    prepare::ReferencePixels,
    search::Query,
    vision::{InferenceError, Vision},
};
use crate::domain::tuning::frames::GREY_SIGMA;
use crate::domain::{
    appearance::{BlockMap, compare_blocks},
    cells::MarkBox,
    gallery::{Mark, Reference},
    geometry::{Homography, Rect},
    illumination::{normalised_light, with_spread_of},
    raster::Raster,
    rectify::{Rectified, rectify},
    variation::{CellGrid, MarkObservation, ReferenceVariation, Variation, Weighed},
};

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

/// What was found in a close look.
pub struct Inspection {
    /// Maps pixels of the reference's frame to pixels of the photo's frame, after refinement.
    pub reference_to_photo: Homography,
    /// Blocks of the aligned pair.
    pub blocks: BlockMap,
    /// The reference's marks, then the regions that the photo itself points to.
    pub marks: Vec<InspectedMark>,
    /// Boxes of all these in pixels of the frame.
    pub boxes: Vec<Rect>,
    /// The coarse comparison of the whole article that pointed to regions, when one was made.
    pub overview: Option<CellGrid>,
}

/// One mark after the close look.
pub struct InspectedMark {
    /// The mark of the reference, or the region as a mark.
    pub mark: Mark,
    /// What was seen of it; `None` when it cannot be seen at all.
    pub observation: Option<MarkObservation>,
    /// The same less what genuine photos show too.
    pub weighed: Option<Weighed>,
}

/// Compares an aligned photo with its reference block by block and mark by mark; what `cache` holds
/// of the marks is used.
pub(crate) fn inspect(
    vision: &mut Vision,
    cache: &Cache,
    query: &Query,
    aligned: &Aligned,
    (reference, pixels): (&Reference, &ReferencePixels),
    purpose: Purpose,
) -> Result<Inspection, InferenceError> {
    let frame = &pixels.frame;
    let rectified = RectifiedPhoto::of(query, aligned, frame);
    let smooth = rectified.lit.grey().smoothed(GREY_SIGMA);
    let ignored = boxes_of(&reference.ignored, frame);
    let blocks = compare_blocks(&pixels.grey, &smooth, &rectified.photo).without(&ignored);
    let view = rectified.view(query, pixels).ignoring(ignored);
    let mut boxes = boxes_of(&reference.marks, frame);
    // An owner who names marks says what is protected; then nothing else is judged.
    let is_open = view.is_fine() && reference.marks.iter().all(|m| m.proposed);
    let (regions, overview) = if is_open {
        let (regions, overview) = regions(vision, cache, &view, &blocks, &boxes)?;
        (regions, Some(overview))
    } else {
        (Vec::new(), None)
    };
    // Regions count as taken from here on, so that no deviation is told of them once more.
    boxes.extend(boxes_of(&regions, frame));
    // The reference's side of a mark is the same for every photo and worth keeping; regions lie
    // elsewhere in each.
    let kept = reference.marks.iter().map(|mark| (mark, Some(cache)));
    let all = kept.chain(regions.iter().map(|region| (region, None)));
    let known = purpose.known(&reference.id);
    let mut marks = Vec::new();
    for (n, (mark, cache)) in all.enumerate() {
        let observation = observe_mark(vision, &view, mark, cache, purpose)?;
        let weighed = observation.as_ref().map(|seen| seen.weighed(n, known));
        marks.push(InspectedMark {
            mark: mark.clone(),
            observation,
            weighed,
        });
    }
    Ok(Inspection {
        reference_to_photo: aligned.reference_to_photo,
        blocks,
        marks,
        boxes,
        overview,
    })
}

/// Compares one mark of an aligned photo; `None` when it cannot be seen at all.
pub(crate) fn inspect_mark(
    vision: &mut Vision,
    cache: &Cache,
    (query, aligned): (&Query, &Aligned),
    pixels: &ReferencePixels,
    mark: &Mark,
) -> Result<Option<MarkObservation>, InferenceError> {
    let rectified = RectifiedPhoto::of(query, aligned, &pixels.frame);
    let view = rectified.view(query, pixels);
    observe_mark(vision, &view, mark, Some(cache), Purpose::Learn)
}

/// The photo resampled into the reference's frame, as it is and in the reference's light.
struct RectifiedPhoto {
    photo: Rectified,
    lit: Raster,
    /// Maps pixels of the frame to pixels of what was resampled.
    to_source: Homography,
}

impl RectifiedPhoto {
    fn of(query: &Query, aligned: &Aligned, frame: &Frame) -> Self {
        let (source, source_from_frame) = query.source();
        // From the best pixels there are, in one step: by way of the frame small letters would be
        // blurred twice.
        let to_source = source_from_frame.after(&aligned.reference_to_photo);
        let photo = rectify(
            source,
            &to_source,
            frame.raster.width(),
            frame.raster.height(),
        );
        let lit = normalised_light(&photo, &frame.raster);
        Self {
            photo,
            lit,
            to_source,
        }
    }

    fn view<'a>(&'a self, query: &'a Query, pixels: &'a ReferencePixels) -> View<'a> {
        let (source, _) = query.source();
        // In pixels of the photo as it came: enlarging it to its frame added none.
        let photo_side = f64::from(query.photo.raster.long_side());
        let photo_pixels = self.photo.scale * photo_side / f64::from(source.long_side());
        let close = (source, self.to_source);
        View::new(pixels, &self.photo, &self.lit, close, photo_pixels)
    }
}

/// What is seen of a mark; `None` when it cannot be seen at all. With a `cache`, the reference's
/// side is taken from there.
fn observe_mark(
    vision: &mut Vision,
    view: &View,
    mark: &Mark,
    cache: Option<&Cache>,
    purpose: Purpose,
) -> Result<Option<MarkObservation>, InferenceError> {
    let frame = &view.pixels.frame;
    let outline = outline_of(mark, frame);
    let Some(place) = MarkBox::around(&outline, frame.raster.width(), frame.raster.height()) else {
        return Ok(None);
    };
    // Too soft, or half outside the photo: an answer would judge the camera.
    if !view.is_fine() || !view.rectified.shows(place.padded) {
        return Ok(None);
    }
    let own = cut(vision, &frame.raster, &place);
    let seen = cut(vision, &view.rectified.raster, &place);
    let pair = [&own, &seen, &seen];
    let cells = compare_at(vision, cache, view, &place, Border::Unseen, pair)?;
    let first = grid(&place, &cells);
    let is_suspect = MarkObservation::is_suspect(&first);
    // The second look and the reading are dear, so only a suspect mark gets them.
    let second = match is_suspect {
        true => Some(second_look(vision, cache, view, &place)?),
        false => None,
    };
    // Learning needs every reading: what genuine photos are misread as must be known before a
    // misreading can accuse.
    let reading = match is_suspect || matches!(purpose, Purpose::Learn) {
        true => read_mark(vision, view, mark, &outline)?,
        false => None,
    };
    Ok(Some(MarkObservation {
        place: place.tight,
        first,
        second,
        reading,
        turn: view.colours().turn(place.tight),
        unseen: cells.unseen(),
    }))
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
    // Half a cell on, every edge falls elsewhere in its cell: chance seldom survives that.
    let moved = place.half_a_cell_on(frame.width(), frame.height());
    let own = cut(vision, frame, &moved);
    let seen = cut(vision, &view.rectified.raster, &moved);
    let pair = [&own, &seen, &with_spread_of(&seen, &own)];
    let cells = compare_at(vision, cache, view, &moved, Border::Unseen, pair)?;
    Ok(grid(&moved, &cells))
}
