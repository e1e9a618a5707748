//! WebP: a walk over its chunks for what must be known before decoding, and decoding itself.

use image::{ImageDecoder, codecs::webp::WebPDecoder};

use super::{
    bytes::{Deadline, TimedReader},
    decoded::{Decoded, Ground, IntakeLimits, PROFILE_IGNORED, blank, damaged},
    upright,
};
use crate::engine::vision::IntakeError;

/// What the chunks of a file say.
#[derive(Debug, Default, PartialEq)]
struct Outline<'a> {
    /// Sides of the canvas and of the bitstream, in the order met.
    sides: Vec<(u32, u32)>,
    animated: bool,
    /// What the decoder holds besides the picture: a lossless frame is unpacked with alpha (4), a
    /// lossy one as planes (2), its transparency separately (10).
    extra_bytes_per_pixel: u64,
    profile: bool,
    exif: Option<&'a [u8]>,
}

/// Bytes of memory that decoding `bytes` will take, told by its chunks.
pub(super) fn decoding_bytes(bytes: &[u8], limits: &IntakeLimits) -> Result<u64, IntakeError> {
    Outline::of(bytes)?.check(limits)
}

/// Decodes `bytes`, which open as a WebP, within `limits`.
pub(super) fn decode(
    bytes: &[u8],
    limits: &IntakeLimits,
    deadline: Deadline,
) -> Result<Decoded, IntakeError> {
    let outline = Outline::of(bytes)?;
    let (width, height) = outline.canvas()?;
    outline.check(limits)?;

    let decoder =
        WebPDecoder::new(TimedReader::new(bytes, deadline)).map_err(|e| deadline.blame(e))?;
    // The limits were checked by the sides that the walk saw: others would escape them.
    if decoder.dimensions() != (width, height) {
        return Err(damaged("its headers contradict each other"));
    }
    let mut pixels = blank(width, height);
    let target = pixels.as_mut_slice();
    let mut ground = Ground::white();
    if decoder.color_type().has_alpha() {
        // The decoder gives transparency only with all colours beside it; the limits count the
        // copy.
        let mut rgba = vec![0; width as usize * height as usize * 4];
        decoder
            .read_image(&mut rgba)
            .map_err(|e| deadline.blame(e))?;
        lay(&rgba, &mut ground, target);
        if ground.hides_all() {
            ground = Ground::dark();
            lay(&rgba, &mut ground, target);
        }
    } else {
        decoder.read_image(target).map_err(|e| deadline.blame(e))?;
    }

    let mut notes = Vec::new();
    if outline.profile {
        notes.push(PROFILE_IGNORED.to_owned());
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

/// Lays pixels with their transparency on a ground.
fn lay(rgba: &[u8], ground: &mut Ground, target: &mut [u8]) {
    let (pixels, _) = target.as_chunks_mut::<3>();
    for (to, &[r, g, b, alpha]) in pixels.iter_mut().zip(rgba.as_chunks::<4>().0) {
        *to = ground.lay([r, g, b], alpha);
    }
}

impl<'a> Outline<'a> {
    fn canvas(&self) -> Result<(u32, u32), IntakeError> {
        let first = self.sides.first().copied();
        first.ok_or_else(|| damaged("it holds no picture"))
    }

    /// Bytes of memory that decoding takes, if the picture may be decoded.
    fn check(&self, limits: &IntakeLimits) -> Result<u64, IntakeError> {
        let (width, height) = self.canvas()?;
        let max_pixels = limits.max_webp_pixels.min(limits.max_pixels);
        IntakeLimits {
            max_pixels,
            ..limits.clone()
        }
        .check_sides(width, height)?;
        if self.animated {
            return Err(IntakeError::Animated);
        }
        // The bitstream is allocated by its own sides, whatever the canvas says.
        if self.sides.iter().any(|s| *s != (width, height)) {
            return Err(damaged("its headers contradict each other"));
        }
        let pixels = u64::from(width) * u64::from(height);
        limits.check_memory(
            (width, height),
            pixels * self.extra_bytes_per_pixel,
            upright::from_exif(self.exif),
        )
    }

    /// Walks over the chunks; one that is longer than the file is damage.
    fn of(bytes: &'a [u8]) -> Result<Self, IntakeError> {
        let mut outline = Self::default();
        // The length in the file's head is not asked: the bytes at hand are what is walked over.
        let mut rest = bytes.get(12..).unwrap_or_default();
        while let Some((name, after)) = rest.split_first_chunk::<4>() {
            let Some((length, after)) = after.split_first_chunk::<4>() else {
                break;
            };
            let length = u32::from_le_bytes(*length) as usize;
            let body = after
                .get(..length)
                .ok_or_else(|| damaged("it ends inside a chunk"))?;
            outline.note(name, body)?;
            // Chunks are padded to an even length.
            rest = after.get(length + length % 2..).unwrap_or_default();
        }
        Ok(outline)
    }

    fn note(&mut self, name: &[u8; 4], body: &'a [u8]) -> Result<(), IntakeError> {
        let cut = || damaged("a header is cut off");
        match name {
            b"VP8X" => {
                let &[flags, _, _, _, w0, w1, w2, h0, h1, h2, ..] = body else {
                    return Err(cut());
                };
                self.animated |= flags & 2 != 0;
                // Sides are stored less one.
                let side = |low, middle, high| u32::from_le_bytes([low, middle, high, 0]) + 1;
                self.sides.push((side(w0, w1, w2), side(h0, h1, h2)));
            }
            b"VP8 " => {
                let &[_, _, _, _, _, _, w0, w1, h0, h1, ..] = body else {
                    return Err(cut());
                };
                // The upper two bits ask the viewer to enlarge, and are no part of the side.
                let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
                self.sides.push((side(w0, w1), side(h0, h1)));
                self.extra_bytes_per_pixel += 2;
            }
            b"VP8L" => {
                let &[_, b0, b1, b2, b3, ..] = body else {
                    return Err(cut());
                };
                let bits = u32::from_le_bytes([b0, b1, b2, b3]);
                self.sides
                    .push(((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1));
                self.extra_bytes_per_pixel += 4;
            }
            b"ALPH" => self.extra_bytes_per_pixel += 10,
            b"ANIM" | b"ANMF" => self.animated = true,
            b"ICCP" => self.profile = true,
            b"EXIF" => self.exif = self.exif.or(Some(body)),
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::number::count_u32;

    fn chunk(name: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let pad = vec![0; body.len() % 2];
        [&name[..], &count_u32(body.len()).to_le_bytes(), body, &pad].concat()
    }

    #[test]
    fn the_walk_sees_canvas_bitstream_animation_profile_and_exif() {
        let canvas = [0b10, 0, 0, 0, 99, 0, 0, 49, 1, 0];
        let bytes = [
            vec![0; 12],
            chunk(b"VP8X", &canvas),
            chunk(b"ICCP", b"odd"),
            chunk(b"VP8 ", &[0, 0, 0, 0x9d, 1, 0x2a, 7, 0x40, 5, 0]),
            chunk(b"VP8L", &[0x2f, 0xff, 0xc0, 0, 0]),
            chunk(b"EXIF", b"II"),
        ]
        .concat();
        let sides = vec![(100, 306), (7, 5), (0x0100, 4)];
        let outline = Outline::of(&bytes).expect("well formed");
        assert_eq!(
            outline,
            Outline {
                sides,
                animated: true,
                extra_bytes_per_pixel: 6,
                profile: true,
                exif: Some(b"II")
            }
        );
    }

    #[test]
    fn a_chunk_longer_than_the_file_is_damage() {
        let bytes = [&[0; 12][..], b"EXIF", &[200, 0, 0, 0], b"short"].concat();
        assert!(matches!(
            Outline::of(&bytes),
            Err(IntakeError::Damaged { .. })
        ));
    }
}
