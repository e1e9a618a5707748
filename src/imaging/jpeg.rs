//! JPEG: a walk over its markers for what must be known before decoding, and decoding itself.

use zune_core::{colorspace::ColorSpace, options::DecoderOptions};
use zune_jpeg::JpegDecoder;

use super::{
    bytes::{Deadline, TimedJpegBytes},
    decoded::{Decoded, IntakeLimits, blank, damaged},
    upright,
};
use crate::engine::vision::IntakeError;

/// What the markers of a file say.
#[derive(Debug, Default, PartialEq)]
struct Outline<'a> {
    frame: Option<Frame>,
    scans: usize,
    profile: bool,
    exif: Option<&'a [u8]>,
    /// Offset just after the end marker.
    end: usize,
}

/// What the frame header says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Frame {
    marker: u8,
    precision: u8,
    width: u32,
    height: u32,
    components: u8,
    /// Samples stored per pixel, in hundredths: 300 for three components without subsampling.
    samples_percent: u64,
}

/// Bytes of memory that decoding `bytes` will take, told by what stands before the picture's data.
pub(super) fn decoding_bytes(bytes: &[u8], limits: &IntakeLimits) -> Result<u64, IntakeError> {
    let outline = Outline::before_data(bytes)?;
    let frame = outline.frame.ok_or_else(no_frame)?;
    limits.check_sides(frame.width, frame.height)?;
    frame.check_memory(&outline, limits)
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
    frame.check_memory(&outline, limits)?;

    let options = DecoderOptions::default()
        // Without this the decoder makes the best of a file that ends early, and pixels that no
        // camera saw would be compared.
        .set_strict_mode(true)
        .set_max_width(frame.width as usize)
        .set_max_height(frame.height as usize)
        .jpeg_set_max_scans(limits.scans)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(
        // The first picture alone: what a telephone appends has markers of its own.
        TimedJpegBytes::new(&bytes[..outline.end], deadline),
        options,
    );
    decoder.decode_headers().map_err(|e| deadline.blame(e))?;
    // The limits were checked by the sides that the walk saw: others would escape them.
    if decoder.dimensions() != Some((frame.width as usize, frame.height as usize)) {
        return Err(damaged("its headers contradict each other"));
    }
    let mut pixels = blank(frame.width, frame.height);
    decoder
        .decode_into(&mut pixels)
        .map_err(|e| deadline.blame(e))?;

    let mut notes = Vec::new();
    if outline.profile {
        notes.push("the colour profile was ignored".to_owned());
    }
    if frame.components == 4 {
        notes.push("CMYK colours were converted without a profile".to_owned());
    }
    if bytes[outline.end..].starts_with(b"\xff\xd8") {
        notes.push("only the first of several pictures in the file was used".to_owned());
    }
    Ok(Decoded {
        width: frame.width,
        height: frame.height,
        pixels,
        orientation: upright::from_exif(outline.exif),
        notes,
    })
}

impl Frame {
    fn parse(marker: u8, body: &[u8]) -> Result<Self, IntakeError> {
        let &[precision, y1, y0, x1, x0, components, ..] = body else {
            return Err(damaged("its frame header is cut off"));
        };
        let (width, height) = (
            u16::from_be_bytes([x1, x0]).into(),
            u16::from_be_bytes([y1, y0]).into(),
        );
        let factors = body[6..]
            .chunks_exact(3)
            .map(|c| (u64::from(c[1] >> 4), u64::from(c[1] & 15)));
        let factors = factors.take(components.into());
        let largest = factors.clone().map(|f| f.0).max().unwrap_or(1)
            * factors.clone().map(|f| f.1).max().unwrap_or(1);
        // Components are stored at shares of the finest one: their sum is what a pixel takes.
        let samples_percent = 100 * factors.map(|(h, v)| h * v).sum::<u64>() / largest.max(1);
        Ok(Self {
            marker,
            precision,
            width,
            height,
            components,
            samples_percent,
        })
    }

    /// What decoding takes besides the picture: a progressive file's coefficients, two bytes a
    /// sample, are gathered over all scans.
    fn extra_bytes(&self) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        if self.marker == 0xc2 {
            pixels * 2 * self.samples_percent / 100
        } else {
            0
        }
    }

    fn check_memory(
        &self,
        outline: &Outline<'_>,
        limits: &IntakeLimits,
    ) -> Result<u64, IntakeError> {
        let sides = (self.width, self.height);
        let orientation = upright::from_exif(outline.exif);
        limits.check_memory(sides, self.extra_bytes(), orientation)
    }

    /// Refuses by name what the standard allows but nobody's decoder reads.
    fn check_kind(&self) -> Result<(), IntakeError> {
        let found = match (self.marker, self.precision, self.components) {
            (0xc0..=0xc2, 8, 1 | 3 | 4) => return Ok(()),
            (0xc0..=0xc2, 8, n) => format!("a JPEG of {n} colour components"),
            (0xc0..=0xc2, bits, _) => format!("a JPEG of {bits} bits a component"),
            (0xc3 | 0xc7 | 0xcb | 0xcf, ..) => "a lossless JPEG".to_owned(),
            (0xc5 | 0xc6 | 0xcd | 0xce, ..) => "a hierarchical JPEG".to_owned(),
            _ => "an arithmetic-coded JPEG".to_owned(),
        };
        Err(IntakeError::UnsupportedFormat { found })
    }
}

impl<'a> Outline<'a> {
    /// Walks from the start marker to the end marker of the first picture. Takes time linear in the
    /// bytes.
    fn of(bytes: &'a [u8]) -> Result<Self, IntakeError> {
        Self::walk(bytes, 0xd9)
    }

    /// Walks from the start marker to the first scan: over headers, never over the picture's data.
    fn before_data(bytes: &'a [u8]) -> Result<Self, IntakeError> {
        Self::walk(bytes, 0xda)
    }

    fn walk(bytes: &'a [u8], last: u8) -> Result<Self, IntakeError> {
        let mut outline = Self::default();
        let mut at = 2;
        loop {
            let (marker, after) =
                next_marker(bytes, at).ok_or_else(|| damaged("it ends before its end marker"))?;
            at = after;
            match marker {
                _ if marker == last || marker == 0xd9 => {
                    outline.end = at;
                    return Ok(outline);
                }
                // These stand alone: no length follows them.
                0x01 | 0xd0..=0xd8 => continue,
                _ => {}
            }
            let body = segment(bytes, at).ok_or_else(|| damaged("it ends inside a header"))?;
            at += 2 + body.len();
            outline.note(marker, body)?;
        }
    }

    fn note(&mut self, marker: u8, body: &'a [u8]) -> Result<(), IntakeError> {
        match marker {
            // Tables and reserved numbers in the midst of those of frame headers.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf if self.frame.is_some() => return Err(damaged("it has two frame headers")),
            0xc0..=0xcf => self.frame = Some(Frame::parse(marker, body)?),
            0xda => self.scans += 1,
            // Behind the first scan it is no EXIF block any more: the standard puts it first, and
            // memory is set aside by what stands before the data.
            0xe1 if self.exif.is_none() && self.scans == 0 && body.starts_with(b"Exif\0\0") => {
                self.exif = Some(body)
            }
            0xe2 => self.profile |= body.starts_with(b"ICC_PROFILE\0"),
            _ => {}
        }
        Ok(())
    }
}

/// The next marker at or after `at` and the offset behind it. Entropy-coded data is passed over:
/// there 0xff is followed by zero.
fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
    loop {
        at += bytes.get(at..)?.iter().position(|&b| b == 0xff)?;
        match bytes.get(at + 1)? {
            0xff => at += 1,
            0 => at += 2,
            &marker => return Some((marker, at + 2)),
        }
    }
}

/// The body of the segment whose length stands at `at`.
fn segment(bytes: &[u8], at: usize) -> Option<&[u8]> {
    let length = u16::from_be_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]) as usize;
    bytes.get(at + 2..at + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 7x5 pixels in three components, the last two at half the width and height.
    const FRAME: [u8; 19] = [
        0xff, 0xc2, 0, 17, 8, 0, 5, 0, 7, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0,
    ];

    fn file(parts: &[&[u8]]) -> Vec<u8> {
        [&[&[0xff, 0xd8][..]], parts].concat().concat()
    }

    #[test]
    fn the_walk_sees_frame_scans_and_end_and_passes_over_stuffed_data() {
        let scan = [0xff, 0xda, 0, 2, 1, 0xff, 0, 2, 0xff, 0xd3, 3];
        let bytes = file(&[&FRAME, &scan, &scan, &[0xff, 0xff, 0xd9], b"rest"]);
        let outline = Outline::of(&bytes).expect("well formed");
        let frame = Frame {
            marker: 0xc2,
            precision: 8,
            width: 7,
            height: 5,
            components: 3,
            samples_percent: 150,
        };
        assert_eq!(outline.frame, Some(frame));
        assert_eq!(frame.extra_bytes(), 105);
        assert_eq!((outline.scans, outline.end), (2, bytes.len() - 4));
    }

    #[test]
    fn what_stands_before_the_data_is_seen_without_walking_over_the_data() {
        let bytes = file(&[&FRAME, &[0xff, 0xda, 0, 2, 1, 2, 3]]);
        let outline = Outline::before_data(&bytes).expect("the end is not looked at");
        assert!(outline.frame.is_some_and(|f| f.width == 7));
        assert!(Outline::of(&bytes).is_err());
    }

    #[test]
    fn every_cut_of_a_file_is_damage() {
        let bytes = file(&[&FRAME, &[0xff, 0xda, 0, 2, 1, 2, 3], &[0xff, 0xd9]]);
        for length in 2..bytes.len() {
            assert!(
                matches!(
                    Outline::of(&bytes[..length]),
                    Err(IntakeError::Damaged { .. })
                ),
                "cut at {length}"
            );
        }
    }

    #[test]
    fn kinds_that_no_decoder_reads_are_named() {
        let kind = |marker, precision, components| {
            Frame {
                marker,
                precision,
                width: 1,
                height: 1,
                components,
                samples_percent: 300,
            }
            .check_kind()
            .map_err(|e| e.to_string())
        };
        assert_eq!(kind(0xc0, 8, 3), Ok(()));
        for (frame, words) in [
            (kind(0xc1, 12, 3), "a JPEG of 12 bits a component"),
            (kind(0xc0, 8, 2), "a JPEG of 2 colour components"),
            (kind(0xc3, 8, 3), "a lossless JPEG"),
            (kind(0xc9, 8, 3), "an arithmetic-coded JPEG"),
        ] {
            assert!(frame.expect_err("refused").contains(words));
        }
    }
}
