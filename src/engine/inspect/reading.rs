//! What a photo reads at a text mark.

use std::sync::Arc;

use super::view::View;
use crate::domain::tuning::text::{CONFIDENT, LINE_PX, READABLE};
use crate::{
    domain::{
        gallery::{Mark, MarkKind},
        geometry::{Homography, Point},
        raster::Raster,
        rectify::{rectify, rectify_by},
        text::agreement,
        variation::Reading,
    },
    engine::{
        cache::Cache,
        line::{line_map, unknown_letters},
        prepare::ReferencePixels,
        vision::{self, InferenceError, TextReader},
    },
};

/// What the photo reads at a text mark, and its agreement with what it should read. There is no
/// agreement when the recogniser is not sure or cannot read the reference itself: then its word says
/// nothing about the photo. With a `cache`, what it reads on the reference is taken from there.
/// `shift` is how far the print has moved, in pixels of the frame.
pub(crate) fn read_mark(
    text: &mut dyn TextReader,
    cache: Option<&Cache>,
    view: &View,
    mark: &Mark,
    (outline, shift): (&[Point], (i32, i32)),
) -> Result<Option<Reading>, InferenceError> {
    let (MarkKind::Text, Some(expected), Ok(corners)) = (
        mark.kind,
        mark.text.as_deref(),
        <[Point; 4]>::try_from(outline),
    ) else {
        return Ok(None);
    };
    // Letters that it does not know it takes for others, in every photo as it happens to.
    if !unknown_letters(text, mark).is_empty() {
        return Ok(None);
    }
    let Some((line_to_frame, width)) = line_map(&corners, LINE_PX) else {
        return Ok(None);
    };
    // By its corners from the photo itself: a mark may stand on its side, and the recogniser takes
    // upright lines only.
    let to_source = |at| {
        let at = line_to_frame.apply(at);
        let moved = Point::new(at.x + f64::from(shift.0), at.y + f64::from(shift.1));
        view.pair.to_source(moved)
    };
    let seen = read_line(
        text,
        rectify_by(view.source, to_source, width, LINE_PX).raster,
    )?;
    if seen.text.is_empty() {
        return Ok(None);
    }
    // An unsure reading says more about the photo than about the print. The reference of a proposed
    // mark is read too: its text may be what an earlier recogniser made of it.
    let own = match seen.confidence >= CONFIDENT {
        true => Some(own_reading(
            text,
            cache,
            view.pixels,
            (&line_to_frame, width),
        )?),
        false => None,
    };
    let readable = own.filter(|own| agreement(expected, own) >= READABLE);
    // A word that the reference itself is misread as, in the same way, is no change of the print.
    let agreement =
        readable.map(|own| agreement(expected, &seen.text).max(agreement(&own, &seen.text)));
    Ok(Some(Reading {
        text: seen.text,
        confidence: seen.confidence,
        agreement,
    }))
}

/// What the recogniser reads in the line of the reference that `line` maps to its frame. It is the
/// same for every photo, so it is kept.
fn own_reading(
    text: &mut dyn TextReader,
    cache: Option<&Cache>,
    pixels: &ReferencePixels,
    line: (&Homography, u32),
) -> Result<Arc<String>, InferenceError> {
    // All that changes what is read is in the name.
    let key = format!("reading of {line:?} of {} {}", pixels.key, text.model());
    if let Some(kept) = cache.and_then(|cache| cache.get(&key)) {
        return Ok(kept);
    }
    let (map, width) = line;
    let picture = rectify(&pixels.frame.raster, map, width, LINE_PX).raster;
    let own = Arc::new(read_line(text, picture)?.text);
    if let Some(cache) = cache {
        let bytes = key.len() + own.len();
        cache.put(key, Arc::clone(&own), bytes);
    }
    Ok(own)
}

/// Reads a picture of one upright line.
fn read_line(text: &mut dyn TextReader, line: Raster) -> Result<vision::Reading, InferenceError> {
    let mut read = text.recognise(&[line])?;
    // One line in, one reading out; nothing read is what no reading amounts to.
    Ok(read.pop().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::rectify::Rectified,
        engine::{
            frames::{Frame, unit_to_pixels},
            inspect::{pair::Pair, view::outline_of},
            line::tests::{Scripted, text_mark},
        },
    };

    /// What photos show of `mark` when the reader reads these, one cache for all of them.
    fn read_in_turn(
        mark: &Mark,
        (readings, confidence): (&[&'static str], f64),
        photos: usize,
    ) -> Vec<Option<(String, Option<f64>)>> {
        let raster = Raster::from_fn(320, 224, |_, _| [90; 3]);
        let grey = raster.grey();
        let photo = Rectified {
            raster: raster.clone(),
            visible: vec![true; 320 * 224],
            scale: 1.0,
        };
        let frame = Frame {
            raster,
            from_unit: unit_to_pixels(320.0, 224.0),
            source_pixels: 1.0,
        };
        let pixels = ReferencePixels {
            key: "pixels of one".into(),
            frame,
            grey,
        };
        let source = photo.raster.clone();
        let pair = Pair::flat(&pixels, photo);
        let view = View::of_source(&pixels, &pair, &source, 1.0);
        let outline = outline_of(mark, &pixels.frame);
        let mut reader = Scripted::new(readings.iter().copied());
        reader.confidence = confidence;
        let cache = Cache::new(1 << 20);
        let mut read =
            || read_mark(&mut reader, Some(&cache), &view, mark, (&outline, (0, 0))).unwrap();
        let told = (0..photos).map(|_| read().map(|read| (read.text, read.agreement)));
        told.collect()
    }

    #[test]
    fn a_reading_counts_where_the_reference_reads_as_it_should_and_that_is_read_once() {
        // The photo, the reference, the next photo.
        let read = read_in_turn(
            &text_mark("OAT DRINK", true),
            (&["OAT DRXNK", "OATDRINK", "oat drink"], 0.9),
            2,
        );
        let [Some((seen, Some(other))), Some((_, Some(same)))] = read.as_slice() else {
            panic!("{read:?}");
        };
        assert_eq!(seen, "OAT DRXNK");
        assert!(*other < 0.9 && (*same - 1.0).abs() < 1e-9, "{read:?}");
    }

    #[test]
    fn the_text_that_an_earlier_reader_gave_a_mark_accuses_nobody() {
        let mark = text_mark("0A7 0R1NX", true);
        let read = read_in_turn(&mark, (&["OAT DRINK", "OAT DRINK"], 0.9), 1);
        assert_eq!(read, [Some(("OAT DRINK".to_owned(), None))]);
    }

    #[test]
    fn an_unsure_reading_accuses_nobody() {
        let read = read_in_turn(&text_mark("OAT DRINK", false), (&["OAT OBINK"], 0.79), 1);
        assert_eq!(read, [Some(("OAT OBINK".to_owned(), None))]);
    }

    #[test]
    fn letters_that_the_reader_does_not_know_are_not_read_at_all() {
        let mark = text_mark("Печиво", false);
        assert_eq!(read_in_turn(&mark, (&[], 0.9), 1), [None]);
    }
}
