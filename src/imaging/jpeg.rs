//! JPEG: sound files that are laid out oddly are mended, then one decoder reads them all.

mod frame;
mod outline;

use std::borrow::Cow;

use zune_core::{colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use self::{
    frame::Frame,
    outline::{Outline, cut_off},
};
use super::{
    bytes::{Deadline, TimedJpegBytes},
    decoded::{Decoded, IntakeLimits, PROFILE_IGNORED, blank, damaged},
    upright,
};
use crate::{domain::digest::Sha256, engine::vision::IntakeError};

/// Most bytes that may stand between the start marker and the next one, or before the picture:
/// a blank line, padding, a server's warning.
const STRAY_BYTES: usize = 1024;

/// Padding that [`decode_unended`] puts behind data without an end marker, as bits of zeros and of
/// ones; in data a zero byte follows 0xff.
const ZEROS: [u8; 18] = tail([0, 0]);
/// See [`ZEROS`].
const ONES: [u8; 18] = tail([0xff, 0]);

const fn tail([even, odd]: [u8; 2]) -> [u8; 18] {
    let mut tail = [even; 18];
    let mut at = 1;
    while at < 16 {
        tail[at] = odd;
        at += 2;
    }
    tail[16] = 0xff;
    tail[17] = 0xd9;
    tail
}

/// Where the picture begins in `bytes`, if they are a JPEG.
pub(super) fn start(bytes: &[u8]) -> Option<usize> {
    let head = &bytes[..bytes.len().min(STRAY_BYTES)];
    // Two bytes alone are too few to tell by: a marker follows in every file.
    if bytes.starts_with(b"\xff\xd8") && outline::next_marker(head, 2).is_some() {
        return Some(0);
    }
    head.windows(3).position(|w| w == b"\xff\xd8\xff")
}

/// Bytes of memory that decoding `bytes` will take, told by what stands before the picture's data.
pub(super) fn decoding_bytes(bytes: &[u8], limits: &IntakeLimits) -> Result<u64, IntakeError> {
    let outline = Outline::before_data(bytes)?;
    let frame = outline.frame.ok_or_else(no_frame)?;
    limits.check_sides(frame.width, frame.height)?;
    frame.check_memory(outline.gathered, outline.exif, limits)
}

fn no_frame() -> IntakeError {
    damaged("it has no frame header")
}

/// Decodes `bytes`, which open as a JPEG, within `limits`.
pub(super) fn decode(
    bytes: &[u8],
    limits: &IntakeLimits,
    deadline: Deadline,
) -> Result<Decoded, IntakeError> {
    let outline = Outline::of(bytes)?;
    let frame = outline.frame.ok_or_else(no_frame)?;
    frame.check_kind()?;
    limits.check_sides(frame.width, frame.height)?;
    // Each scan may walk over all pixels again: a small file of many scans takes long.
    if outline.scans > limits.scans {
        return Err(damaged(format!(
            "it has {} scans, at most {} are believable",
            outline.scans, limits.scans
        )));
    }
    frame.check_memory(outline.gathered, outline.exif, limits)?;
    let pixels = if outline.ended {
        let file = match outline.stray {
            // The first picture alone: what a telephone appends has markers of its own.
            false => Cow::from(&bytes[..outline.end]),
            true => Cow::from(outline.mended(bytes, &[])),
        };
        let mut pixels = blank(frame.width, frame.height);
        decode_into(&mut pixels, &file, &frame, limits, deadline)?;
        pixels
    } else {
        decode_unended(bytes, &outline, &frame, limits, deadline)?
    };
    Ok(Decoded {
        width: frame.width,
        height: frame.height,
        pixels,
        orientation: upright::from_exif(outline.exif),
        notes: notes(bytes, &outline, &frame),
    })
}

/// Decodes data that no end marker closes, twice: with zeros behind it and with ones. Only of a
/// complete picture both give the same, since nothing of them is read.
fn decode_unended(
    bytes: &[u8],
    outline: &Outline<'_>,
    frame: &Frame,
    limits: &IntakeLimits,
    deadline: Deadline,
) -> Result<Vec<u8>, IntakeError> {
    let mut pixels = blank(frame.width, frame.height);
    let mut decoded = |tail| {
        // One at a time and one buffer for both: the limits count the picture once.
        let file = outline.mended(bytes, tail);
        decode_into(&mut pixels, &file, frame, limits, deadline).map_err(|e| match e {
            IntakeError::Damaged { .. } => cut_off(),
            other => other,
        })?;
        Ok(Sha256::of(&pixels))
    };
    if decoded(&ZEROS)? == decoded(&ONES)? {
        Ok(pixels)
    } else {
        Err(cut_off())
    }
}

fn decode_into(
    pixels: &mut [u8],
    file: &[u8],
    frame: &Frame,
    limits: &IntakeLimits,
    deadline: Deadline,
) -> Result<(), IntakeError> {
    let options = DecoderOptions::default()
        // Without this the decoder makes the best of a file that ends early, and pixels that no
        // camera saw would be compared.
        .set_strict_mode(true)
        .set_max_width(frame.width as usize)
        .set_max_height(frame.height as usize)
        .jpeg_set_max_scans(limits.scans)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(TimedJpegBytes::new(file, deadline), options);
    decoder.decode_headers().map_err(|e| deadline.blame(e))?;
    // The limits were checked by the sides that the walk saw: others would escape them.
    if decoder.dimensions() != Some((frame.width as usize, frame.height as usize)) {
        return Err(damaged("its headers contradict each other"));
    }
    decoder.decode_into(pixels).map_err(|e| deadline.blame(e))
}

fn notes(bytes: &[u8], outline: &Outline<'_>, frame: &Frame) -> Vec<String> {
    let said = [
        (outline.profile, PROFILE_IGNORED),
        (
            frame.components == 4,
            "CMYK colours were converted without a profile",
        ),
        (
            bytes[outline.end..].starts_with(b"\xff\xd8"),
            "only the first of several pictures in the file was used",
        ),
        (
            outline.stray,
            "stray bytes among the picture's headers were skipped",
        ),
        (
            !outline.ended,
            "the picture has no end marker, but all its data",
        ),
    ];
    let said = said.into_iter().filter(|(is_so, _)| *is_so);
    said.map(|(_, words)| words.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_found_behind_a_little_that_is_none() {
        for (before, at) in [(&b""[..], 0), (b"\r\n", 2), (b"\xef\xbb\xbf<br>", 7)] {
            let bytes = [before, b"\xff\xd8\xff\xe0\0\x02"].concat();
            assert_eq!(start(&bytes), Some(at));
        }
        assert_eq!(start(b"\xff\xd8\0\0\xff\xdb\0\x02"), Some(0), "padding");
        assert_eq!(start(b"\xff\xd8\0\0"), None, "no marker follows");
        let far = [&[b' '; STRAY_BYTES][..], b"\xff\xd8\xff\xe0"].concat();
        assert_eq!(start(&far), None);
    }
}
