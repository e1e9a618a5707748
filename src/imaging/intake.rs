//! The one door for pictures: sniff, bound, decode, turn upright once; and resizing.

use std::panic::{AssertUnwindSafe, catch_unwind};

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images};
use image::{ExtendedColorType, ImageEncoder, codecs::jpeg::JpegEncoder};

use super::{
    bytes::Deadline,
    decoded::{Decoded, IntakeLimits, damaged},
    exif, jpeg, png,
    sniff::{self, Format, sniff},
    upright, webp,
};
use crate::{
    domain::{digest::Sha256, raster::Raster},
    engine::vision::{Imaging, IntakeError, UprightPhoto},
};

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

    fn decode_at(
        &self,
        (format, start): (Format, usize),
        bytes: &[u8],
    ) -> Result<Decoded, IntakeError> {
        let deadline = Deadline::after(self.limits.decode_time);
        let decode = match format {
            Format::Jpeg => jpeg::decode,
            Format::Png => png::decode,
            Format::WebP => webp::decode,
        };
        let mut decoded = guarded(|| decode(&bytes[start..], &self.limits, deadline))?;
        if start > 0 {
            let note = "stray bytes before the picture were skipped";
            decoded.notes.push(note.to_owned());
        }
        Ok(decoded)
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

/// Bytes of memory that decoding a file takes within the default limits; see
/// [`IntakeLimits::decoding_bytes`].
pub(crate) fn decoding_bytes(file: &[u8]) -> u64 {
    IntakeLimits::default().decoding_bytes(file)
}

impl IntakeLimits {
    /// Bytes of memory that decoding a file will take at most, told from the headers alone, in a
    /// small part of the time that decoding takes; 0 when it will be refused, which happens before
    /// any pixel is given room.
    pub fn decoding_bytes(&self, file: &[u8]) -> u64 {
        let told = format_of(file, self).and_then(|(format, start)| {
            let decoding_bytes = match format {
                Format::Jpeg => jpeg::decoding_bytes,
                Format::Png => png::decoding_bytes,
                Format::WebP => webp::decoding_bytes,
            };
            decoding_bytes(&file[start..], self)
        });
        told.unwrap_or(0)
    }
}

/// The format of a file whose length is within the limits, and where the picture begins in it.
fn format_of(bytes: &[u8], limits: &IntakeLimits) -> Result<(Format, usize), IntakeError> {
    if bytes.is_empty() {
        return Err(IntakeError::Empty);
    }
    if bytes.len() as u64 > limits.bytes {
        return Err(IntakeError::TooManyBytes {
            bytes: bytes.len() as u64,
            limit: limits.bytes,
        });
    }
    sniff(bytes).map_err(|found| IntakeError::UnsupportedFormat {
        found: found.to_owned(),
    })
}

impl Imaging for Intake {
    fn decode(&mut self, bytes: &[u8]) -> Result<UprightPhoto, IntakeError> {
        let found = format_of(bytes, &self.limits)?;
        let decoded = self.decode_at(found, bytes)?;
        let (width, height, pixels) = upright::turn(
            decoded.width,
            decoded.height,
            decoded.pixels,
            decoded.orientation,
        );
        let raster = Raster::new(width, height, pixels).map_err(|e| damaged(e.to_string()))?;
        Ok(UprightPhoto {
            raster,
            sha256: Sha256::of(bytes),
            format: found.0.name(),
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
        // By area: one side may grow while the other shrinks, and one filter serves both.
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

    fn media_type(&self, file: &[u8]) -> Option<&'static str> {
        match sniff::format(file).ok()? {
            "jpeg" => Some("image/jpeg"),
            "png" => Some("image/png"),
            "webp" => Some("image/webp"),
            _ => None,
        }
    }

    fn written_facts(&self, file: &[u8]) -> Vec<(&'static str, String)> {
        exif::facts(file)
    }
}

fn nearest(raster: &Raster, width: u32, height: u32) -> Raster {
    // Below `from`, since `at` is below `to`.
    let scale = |at: u32, from: u32, to: u32| {
        u32::try_from(u64::from(at) * u64::from(from) / u64::from(to)).unwrap_or(u32::MAX)
    };
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
