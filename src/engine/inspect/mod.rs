//! A located photo looked at closely: block by block, mark by mark, and where the photo itself points
//! to.

mod cells;
mod deviation;
mod look;
mod pair;
mod purpose;
mod reading;
mod regions;
mod view;

pub use deviation::{Cell, deviation_map};
use look::Looked;
use pair::Pair;
pub use purpose::Purpose;
use regions::regions;
use view::{View, boxes_of, outline_of};

use super::{
    align::Aligned,
    cache::Cache,
    prepare::ReferencePixels,
    search::Query,
    vision::{InferenceError, Vision},
};
use crate::domain::{
    appearance::BlockMap,
    cells::MarkBox,
    gallery::{Mark, Reference},
    geometry::{Homography, Rect},
    variation::{CellGrid, MarkObservation, Weighed},
};

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
    /// Whether the photo has colour, as far as the reference has: without, what differs in colour
    /// alone is not seen.
    pub has_colour: bool,
    /// Whether the article is not seen plainly: without colour, or under something that hides some
    /// of it. The latter is looked for only where a mark may accuse.
    pub obscured: bool,
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
    let ignored = boxes_of(&reference.ignored, frame);
    let mut pair = Pair::of(query, aligned, pixels);
    pair.blocks = pair.blocks.without(&ignored);
    let view = View::new(query, pixels, &pair)
        .ignoring(ignored)
        .of_kind(reference.kind);
    let mut boxes = boxes_of(&reference.marks, frame);
    // An owner who names marks says what is protected; then nothing else is judged.
    let is_open = view.is_fine() && !reference.has_named_marks();
    let (regions, overview) = if is_open {
        let (regions, overview) = regions(vision, cache, &view, &boxes)?;
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
    let obscured = view.is_obscured();
    Ok(Inspection {
        obscured,
        reference_to_photo: aligned.reference_to_photo,
        blocks: pair.blocks,
        marks,
        boxes,
        overview,
        has_colour: pair.has_colour,
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
    let pair = Pair::of(query, aligned, pixels);
    let view = View::new(query, pixels, &pair);
    observe_mark(vision, &view, mark, Some(cache), Purpose::Learn)
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
    if !view.is_fine() || !view.pair.photo.shows(place.padded) {
        return Ok(None);
    }
    let seen = Looked {
        view,
        mark,
        outline: &outline,
        place: &place,
        cache,
        purpose,
    };
    seen.observation(vision).map(Some)
}
