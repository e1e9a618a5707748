//! PNG: a walk over its chunks for what must be known before decoding, and decoding row by row.

use png::{Adam7Info, ColorType, InterlaceInfo, Limits, Transformations};

use super::{
    bytes::{Deadline, TimedReader},
    decoded::{Decoded, Ground, IntakeLimits, PROFILE_IGNORED, blank, damaged},
    upright,
};
use crate::engine::vision::IntakeError;

/// Most bytes the decoder may spend besides the pixels; one row of the longest side at 16 bits with
/// alpha is 96 kB.
const SCRATCH_BYTES: usize = 4 << 20;

/// What the chunks of a file say.
#[derive(Debug, Default, PartialEq)]
struct Outline<'a> {
    header: Option<(u32, u32, u8)>,
    frames: u32,
    profile: bool,
    exif: Option<&'a [u8]>,
}

/// Bytes of memory that decoding `bytes` will take, told by its chunks.
pub(super) fn decoding_bytes(bytes: &[u8], limits: &IntakeLimits) -> Result<u64, IntakeError> {
    Outline::of(bytes).check(limits)
}

/// Decodes `bytes`, which open as a PNG, within `limits`.
pub(super) fn decode(
    bytes: &[u8],
    limits: &IntakeLimits,
    deadline: Deadline,
) -> Result<Decoded, IntakeError> {
    let outline = Outline::of(bytes);
    outline.check(limits)?;
    let mut ground = Ground::white();
    let mut pixels = laid_on(&mut ground, &outline, bytes, deadline)?;
    if ground.hides_all() {
        // Decoded again rather than kept with its transparency, which few pictures have.
        drop(pixels);
        ground = Ground::dark();
        pixels = laid_on(&mut ground, &outline, bytes, deadline)?;
    }

    let (width, height, depth) = outline.header()?;
    let mut notes = Vec::new();
    if outline.profile {
        notes.push(PROFILE_IGNORED.to_owned());
    }
    if depth == 16 {
        notes.push("16 bits a channel became 8".to_owned());
    }
    notes.extend(ground.note());
    Ok(Decoded {
        width,
        height,
        pixels,
        orientation: upright::from_exif(outline.exif),
        notes,
    })
}

/// The pixels laid on a ground where they are transparent.
fn laid_on(
    ground: &mut Ground,
    outline: &Outline,
    bytes: &[u8],
    deadline: Deadline,
) -> Result<Vec<u8>, IntakeError> {
    let (width, height, _) = outline.header()?;
    let mut decoder = png::Decoder::new_with_limits(
        TimedReader::new(bytes, deadline),
        Limits {
            bytes: SCRATCH_BYTES,
        },
    );
    // Palettes, few bits and 16 bits all become bytes: four kinds of rows are left to lay out.
    decoder.set_transformations(Transformations::normalize_to_color8());
    // The walk has seen these already; inflating them would cost time and memory for nothing.
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let mut reader = decoder.read_info().map_err(|e| deadline.blame(e))?;
    // The limits were checked by the sides that the walk saw: others would escape them.
    if reader.info().size() != (width, height) {
        return Err(damaged("its headers contradict each other"));
    }
    let (colour, _) = reader.output_color_type();
    let mut pixels = blank(width, height);
    let target = pixels.as_mut_slice();
    let stride = width as usize * 3;
    let mut rgb = Vec::with_capacity(stride);
    let mut y = 0;
    // Row by row, so that a picture with transparency is never held twice.
    while let Some(row) = reader
        .next_interlaced_row()
        .map_err(|e| deadline.blame(e))?
    {
        rgb.clear();
        append_rgb(row.data(), colour, ground, &mut rgb)?;
        match row.interlace() {
            InterlaceInfo::Adam7(info) => spread(target, stride, &rgb, info),
            InterlaceInfo::Null(_) => {
                // Rows beyond those that the header promised are dropped.
                if let Some(line) = target.get_mut(y * stride..(y + 1) * stride) {
                    line.copy_from_slice(&rgb);
                }
                y += 1;
            }
        }
    }
    Ok(pixels)
}

/// Puts one row of an interlaced pass, already RGB8, where it belongs.
fn spread(target: &mut [u8], stride: usize, rgb: &[u8], info: &Adam7Info) {
    png::expand_interlaced_row(target, stride, rgb, info, 24);
}

/// Appends a row of 8-bit samples as RGB8.
fn append_rgb(
    row: &[u8],
    colour: ColorType,
    ground: &mut Ground,
    rgb: &mut Vec<u8>,
) -> Result<(), IntakeError> {
    let mut lay = |pixel: [u8; 3], alpha: u8, rgb: &mut Vec<u8>| {
        rgb.extend_from_slice(&ground.lay(pixel, alpha));
    };
    match colour {
        ColorType::Rgb => rgb.extend_from_slice(row),
        ColorType::Grayscale => row.iter().for_each(|&v| rgb.extend_from_slice(&[v; 3])),
        ColorType::GrayscaleAlpha => row
            .as_chunks()
            .0
            .iter()
            .for_each(|&[v, a]| lay([v; 3], a, rgb)),
        ColorType::Rgba => row
            .as_chunks()
            .0
            .iter()
            .for_each(|&[r, g, b, a]| lay([r, g, b], a, rgb)),
        ColorType::Indexed => return Err(damaged("its palette is missing")),
    }
    Ok(())
}

impl<'a> Outline<'a> {
    fn header(&self) -> Result<(u32, u32, u8), IntakeError> {
        self.header.ok_or_else(|| damaged("it has no header"))
    }

    /// Bytes of memory that decoding takes, if the picture may be decoded.
    fn check(&self, limits: &IntakeLimits) -> Result<u64, IntakeError> {
        let (width, height, _) = self.header()?;
        limits.check_sides(width, height)?;
        // A still picture may carry the header of animations too, with one frame.
        if self.frames > 1 {
            return Err(IntakeError::Animated);
        }
        let orientation = upright::from_exif(self.exif);
        limits.check_memory((width, height), SCRATCH_BYTES as u64, orientation)
    }

    /// Walks over the chunks up to the first that is cut off; says nothing of checksums, the
    /// decoder does.
    fn of(bytes: &'a [u8]) -> Self {
        let mut outline = Self {
            frames: 1,
            ..Self::default()
        };
        let mut rest = &bytes[8..];
        while let Some((length, after)) = rest.split_first_chunk::<4>() {
            let length = u32::from_be_bytes(*length) as usize;
            let Some((name, after)) = after.split_first_chunk::<4>() else {
                break;
            };
            let Some(body) = after.get(..length) else {
                break;
            };
            match name {
                b"IHDR" if outline.header.is_none() => {
                    if let [w3, w2, w1, w0, h3, h2, h1, h0, depth, ..] = *body {
                        let (w, h) = (
                            u32::from_be_bytes([w3, w2, w1, w0]),
                            u32::from_be_bytes([h3, h2, h1, h0]),
                        );
                        outline.header = Some((w, h, depth));
                    }
                }
                b"acTL" => {
                    if let Some(frames) = body.first_chunk() {
                        outline.frames = u32::from_be_bytes(*frames);
                    }
                }
                b"iCCP" => outline.profile = true,
                b"eXIf" => outline.exif = Some(body),
                b"IEND" => break,
                _ => {}
            }
            // Four bytes of checksum stand behind the body.
            rest = after.get(length + 4..).unwrap_or_default();
        }
        outline
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::number::count_u32;

    fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [
            &count_u32(body.len()).to_be_bytes()[..],
            name,
            body,
            &[0; 4],
        ]
        .concat()
    }

    #[test]
    fn the_walk_sees_header_frames_profile_and_exif_even_behind_the_data() {
        let header = [0, 0, 1, 0, 0, 0, 0, 9, 16, 2, 0, 0, 0];
        let bytes = [
            vec![0; 8],
            chunk(b"IHDR", &header),
            chunk(b"iCCP", b"x"),
            chunk(b"acTL", &[0, 0, 0, 3, 0, 0, 0, 0]),
            chunk(b"IDAT", &[7; 30]),
            chunk(b"eXIf", b"MM"),
        ]
        .concat();
        let want = Outline {
            header: Some((256, 9, 16)),
            frames: 3,
            profile: true,
            exif: Some(b"MM"),
        };
        assert_eq!(Outline::of(&bytes), want);
    }

    #[test]
    fn a_chunk_longer_than_the_file_ends_the_walk() {
        let bytes = [&[0; 8][..], &u32::MAX.to_be_bytes(), b"IHDR", &[0; 13]].concat();
        assert_eq!(Outline::of(&bytes).header, None);
    }
}
