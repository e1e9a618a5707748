//! What a photo reads at a text mark.

use super::view::View;
use crate::domain::tuning::text::{LINE_PX, LONGEST_LINE_PX, READABLE};
use crate::{
    domain::{
        gallery::{Mark, MarkKind},
        geometry::{Homography, Point, number::whole},
        rectify::{rectify, rectify_by},
        text::agreement,
        variation::Reading,
    },
    engine::vision::{InferenceError, Vision},
};

/// What the photo reads at a text mark, and its agreement with what it should read. There is no
/// agreement when the recogniser cannot read the reference itself: then its word says nothing about
/// the photo.
pub(crate) fn read_mark(
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
    // By its corners from the photo itself: a mark may stand on its side, and the recogniser takes
    // upright lines only.
    let to_source = |at| view.pair.to_source(line_to_frame.apply(at));
    let seen = rectify_by(view.source, to_source, width, LINE_PX).raster;
    let mut lines = vec![seen];
    // The text of a proposed mark is what the recogniser read there.
    if !mark.proposed {
        lines.push(rectify(&view.pixels.frame.raster, &line_to_frame, width, LINE_PX).raster);
    }
    let readings = vision.text.recognise(&lines)?;
    let Some(seen) = readings.first().filter(|r| !r.text.is_empty()) else {
        return Ok(None);
    };
    // A word that the reference itself is misread as, in the same way, is no change of the print.
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
    // Bounded, since the recogniser's cost grows with the width, and a sliver reads as anything.
    let width = (length / height * f64::from(LINE_PX))
        .clamp(f64::from(LINE_PX) / 3.0, LONGEST_LINE_PX)
        .round();
    let (w, h) = (width - 0.5, f64::from(LINE_PX) - 0.5);
    let from = [(-0.5, -0.5), (w, -0.5), (w, h), (-0.5, h)].map(|(x, y)| Point::new(x, y));
    Some((Homography::through(from, *corners)?, whole(width)))
}
