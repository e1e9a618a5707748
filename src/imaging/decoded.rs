//! What every decoder is given and gives: the limits, and pixels as the file stores them.

use std::time::Duration;

use image::metadata::Orientation;

use super::upright;
use crate::engine::vision::IntakeError;

/// What is said of a picture with a colour profile of its own.
pub(super) const PROFILE_IGNORED: &str = "the colour profile was ignored";

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
        // In 64 bits, since the product of two sides need not fit into 32.
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
        // At least one pixel, whatever the setting: nothing can be said of a picture without any.
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
        // Turned only once decoding is over, so the larger of the two counts, not their sum.
        let (bytes, limit) = (picture + extra.max(turned), self.memory);
        if bytes > limit {
            Err(IntakeError::TooMuchMemory { bytes, limit })
        } else {
            Ok(bytes)
        }
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

/// What transparent pixels are laid on, and whether anything shows there.
pub(super) struct Ground {
    level: u8,
    transparent: bool,
    /// Pixels that can be seen at all.
    visible: u64,
    /// Those of them that stand out from white.
    showing: u64,
}

/// A level that stands out from white in this many levels shows.
const SHOWING: u8 = 32;

impl Ground {
    /// White, as pages show cut-outs.
    pub(super) fn white() -> Self {
        Self::of(255)
    }

    /// Dark, for what does not show on white.
    pub(super) fn dark() -> Self {
        Self::of(64)
    }

    fn of(level: u8) -> Self {
        Self {
            level,
            transparent: false,
            visible: 0,
            showing: 0,
        }
    }

    /// A pixel laid on it.
    pub(super) fn lay(&mut self, pixel: [u8; 3], alpha: u8) -> [u8; 3] {
        self.transparent |= alpha < 255;
        if alpha >= 128 {
            self.visible += 1;
            let shows = pixel.iter().any(|v| *v <= 255 - SHOWING);
            self.showing += u64::from(shows);
        }
        pixel.map(|v| self.mixed(v, alpha))
    }

    fn mixed(&self, value: u8, alpha: u8) -> u8 {
        let (value, alpha) = (u32::from(value), u32::from(alpha));
        let ground = u32::from(self.level);
        // At most 255: the weights add up to 255.
        u8::try_from((value * alpha + ground * (255 - alpha) + 127) / 255).unwrap_or(u8::MAX)
    }

    /// Whether next to nothing of what was laid shows on white: a white logo, say.
    pub(super) fn hides_all(&self) -> bool {
        let is_white = self.level == 255;
        is_white && self.transparent && self.showing * 50 < self.visible
    }

    /// What to say of it.
    pub(super) fn note(&self) -> Option<String> {
        let on = match self.level {
            255 => "white",
            _ => "dark grey, since on white nothing would show",
        };
        self.transparent
            .then(|| format!("transparency was laid on {on}"))
    }
}
