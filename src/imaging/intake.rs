//! The one door for pictures: sniff, bound, decode, turn upright once; and resizing.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images};
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder, metadata::Orientation};
use sha2::{Digest, Sha256};

use super::{
    bytes::Deadline,
    jpeg, png,
    sniff::{Format, sniff},
    upright, webp,
};
use crate::{
    domain::raster::Raster,
    engine::vision::{Imaging, IntakeError, UprightPhoto},
};

/// What a photo may cost. Everything but the time is checked from the headers, before memory is
/// spent on pixels.
///
/// One frame is not a setting: an animation shows several things, and a check answers for one
/// photo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IntakeLimits {
    /// Most bytes of the file.
    pub bytes: u64,
    /// Shortest side allowed in pixels. Below the default a picture holds fewer cells of local
    /// features than an alignment needs.
    pub min_side: u32,
    /// Longest side allowed in pixels.
    pub max_side: u32,
    /// Most pixels allowed.
    pub max_pixels: u64,
    /// Most pixels allowed in a WebP, whose decoder takes longest and does not look at the clock
    /// while it works through a lossy frame: 7 s were measured for 49 million noisy pixels.
    pub max_webp_pixels: u64,
    /// Most bytes of memory while decoding, estimated from the headers. The picture takes 3 bytes a
    /// pixel; a progressive JPEG up to 6 more for its coefficients, a WebP 2 to 12 more, a quarter
    /// turn 3 more.
    pub memory: u64,
    /// Most scans of a JPEG. Cameras write 1, web encoders about 10; each may walk over all pixels
    /// again.
    pub scans: usize,
    /// Longest time for decoding. It is looked at whenever the decoder reads on; what it does after
    /// its last read is bounded by the pixels, and a picture that is done by then is kept.
    pub decode_time: Duration,
}

impl Default for IntakeLimits {
    fn default() -> Self {
        Self {
            bytes: 20 << 20,
            min_side: 16,
            max_side: 12_000,
            max_pixels: 50_000_000,
            max_webp_pixels: 25_000_000,
            memory: 320 << 20,
            scans: 64,
            decode_time: Duration::from_secs(5),
        }
    }
}

impl IntakeLimits {
    /// Whether a picture of these sides may be decoded.
    pub(super) fn check_sides(&self, width: u32, height: u32) -> Result<(), IntakeError> {
        if width.max(height) > self.max_side
            || u64::from(width) * u64::from(height) > self.max_pixels
        {
            let (max_side, max_pixels) = (self.max_side, self.max_pixels);
            return Err(IntakeError::TooLarge {
                width,
                height,
                max_side,
                max_pixels,
            });
        }
        if width.min(height) < self.min_side.max(1) {
            return Err(IntakeError::TooSmall {
                width,
                height,
                min_side: self.min_side.max(1),
            });
        }
        Ok(())
    }

    /// Bytes of memory that decoding takes, if it may: `extra` besides the picture's own 3 a pixel.
    /// After decoding, a quarter turn holds the picture twice.
    pub(super) fn check_memory(
        &self,
        (width, height): (u32, u32),
        extra: u64,
        orientation: Orientation,
    ) -> Result<u64, IntakeError> {
        let picture = u64::from(width) * u64::from(height) * 3;
        let turned = if upright::is_quarter_turn(orientation) {
            picture
        } else {
            0
        };
        let (bytes, limit) = (picture + extra.max(turned), self.memory);
        if bytes > limit {
            Err(IntakeError::TooMuchMemory { bytes, limit })
        } else {
            Ok(bytes)
        }
    }

    /// Bytes of memory that decoding `bytes` will take at most, told from the headers alone, in a
    /// small part of the time that decoding takes; 0 when they will be refused, which happens
    /// before any pixel is given room.
    pub fn decoding_bytes(&self, bytes: &[u8]) -> u64 {
        let Ok(format) = self.check_file(bytes) else {
            return 0;
        };
        let told = match format {
            Format::Jpeg => jpeg::decoding_bytes(bytes, self),
            Format::Png => png::decoding_bytes(bytes, self),
            Format::WebP => webp::decoding_bytes(bytes, self),
        };
        told.unwrap_or(0)
    }

    /// The format of a file whose length is within the limits.
    fn check_file(&self, bytes: &[u8]) -> Result<Format, IntakeError> {
        if bytes.is_empty() {
            return Err(IntakeError::Empty);
        }
        if bytes.len() as u64 > self.bytes {
            return Err(IntakeError::TooManyBytes {
                bytes: bytes.len() as u64,
                limit: self.bytes,
            });
        }
        sniff(bytes).map_err(|found| IntakeError::UnsupportedFormat {
            found: found.to_owned(),
        })
    }
}

/// Pixels as the file stores them, and how to turn them.
pub(super) struct Decoded {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) pixels: Vec<u8>,
    pub(super) orientation: Orientation,
    pub(super) notes: Vec<String>,
}

/// An error of the file itself.
pub(super) fn damaged(detail: impl Into<String>) -> IntakeError {
    IntakeError::Damaged {
        detail: detail.into(),
    }
}

/// The buffer that a picture is decoded into and then kept in: its sides have been checked.
pub(super) fn blank(width: u32, height: u32) -> Vec<u8> {
    vec![0; width as usize * height as usize * 3]
}

/// One channel of a transparent pixel laid on white.
pub(super) fn lay_on_white(value: u8, alpha: u8) -> u8 {
    let (value, alpha) = (u32::from(value), u32::from(alpha));
    // At most 255: the weights add up to 255.
    ((value * alpha + 255 * (255 - alpha) + 127) / 255) as u8
}

/// Decodes photos within limits and resizes pictures. Each worker owns one, for its buffers.
pub struct Intake {
    limits: IntakeLimits,
    resizer: Resizer,
}

impl Intake {
    /// An intake within `limits`.
    pub fn new(limits: IntakeLimits) -> Self {
        Self {
            limits,
            resizer: Resizer::new(),
        }
    }

    /// The limits it works within.
    pub fn limits(&self) -> &IntakeLimits {
        &self.limits
    }

    fn decode_as(&self, format: Format, bytes: &[u8]) -> Result<Decoded, IntakeError> {
        let deadline = Deadline::after(self.limits.decode_time);
        let decode = match format {
            Format::Jpeg => jpeg::decode,
            Format::Png => png::decode,
            Format::WebP => webp::decode,
        };
        guarded(|| decode(bytes, &self.limits, deadline))
    }
}

/// Decoders are other people's code fed with a stranger's bytes: a panic there costs one photo, not
/// a worker. Nothing that `decode` changes outlives it, so no state can be left half changed.
fn guarded(decode: impl FnOnce() -> Result<Decoded, IntakeError>) -> Result<Decoded, IntakeError> {
    catch_unwind(AssertUnwindSafe(decode))
        .unwrap_or_else(|_| Err(damaged("the decoder gave up on it")))
}

impl Default for Intake {
    fn default() -> Self {
        Self::new(IntakeLimits::default())
    }
}

impl Imaging for Intake {
    fn decode(&mut self, bytes: &[u8]) -> Result<UprightPhoto, IntakeError> {
        let format = self.limits.check_file(bytes)?;
        let decoded = self.decode_as(format, bytes)?;
        let (width, height, pixels) = upright::turn(
            decoded.width,
            decoded.height,
            decoded.pixels,
            decoded.orientation,
        );
        let raster = Raster::new(width, height, pixels).map_err(|e| damaged(e.to_string()))?;
        let sha256 = Sha256::digest(bytes)
            .iter()
            .map(|b| format!("{b:02x}"))
            .collect();
        Ok(UprightPhoto {
            raster,
            sha256,
            format: format.name(),
            notes: decoded.notes,
        })
    }

    /// Downwards with a Hamming window, which differs from exact area averaging by less than one
    /// grey level (root mean square over real photos) at every ratio, where a box window differs by
    /// up to two; upwards with Catmull-Rom.
    fn resize(&mut self, raster: &Raster, width: u32, height: u32) -> Raster {
        let (width, height) = (width.max(1), height.max(1));
        if (width, height) == (raster.width(), raster.height()) {
            return raster.clone();
        }
        let shrinks = u64::from(width) * u64::from(height)
            < u64::from(raster.width()) * u64::from(raster.height());
        let filter = if shrinks {
            FilterType::Hamming
        } else {
            FilterType::CatmullRom
        };
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(filter))
            .use_alpha(false);
        let source = images::ImageRef::new(
            raster.width(),
            raster.height(),
            raster.pixels(),
            PixelType::U8x3,
        );
        let mut target = images::Image::new(width, height, PixelType::U8x3);
        let resized = source.is_ok_and(|s| self.resizer.resize(&s, &mut target, &options).is_ok());
        // A raster always has as many bytes as its sides ask for, and both pictures have the same
        // pixel type: the two calls above cannot fail. Should a later version of the library find a
        // reason, the nearest pixel still serves.
        resized
            .then(|| Raster::new(width, height, target.into_vec()).ok())
            .flatten()
            .unwrap_or_else(|| nearest(raster, width, height))
    }

    fn encode_jpeg(&mut self, raster: &Raster, quality: u8) -> Vec<u8> {
        let mut out = Vec::new();
        let encoder = JpegEncoder::new_with_quality(&mut out, quality.clamp(1, 100));
        // Memory takes every byte: what fails here is the size alone.
        match encoder.write_image(
            raster.pixels(),
            raster.width(),
            raster.height(),
            ExtendedColorType::Rgb8,
        ) {
            Ok(()) => out,
            Err(_) => Vec::new(),
        }
    }
}

fn nearest(raster: &Raster, width: u32, height: u32) -> Raster {
    let scale =
        |at: u32, from: u32, to: u32| (u64::from(at) * u64::from(from) / u64::from(to)) as u32;
    Raster::from_fn(width, height, |x, y| {
        raster.at(
            scale(x, raster.width(), width),
            scale(y, raster.height(), height),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decoder_that_panics_costs_only_its_photo() {
        let empty: [u8; 0] = [];
        let answer = guarded(|| {
            let first = empty[std::hint::black_box(0)];
            Err(damaged(first.to_string()))
        });
        assert!(
            matches!(answer, Err(IntakeError::Damaged { detail }) if detail.contains("gave up"))
        );
        let passed_on = guarded(|| Err(IntakeError::Animated));
        assert!(matches!(passed_on, Err(IntakeError::Animated)));
    }
}
