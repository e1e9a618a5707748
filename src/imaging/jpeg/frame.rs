//! What the frame header of a JPEG says, and how much of the frame its scans have brought.

use crate::{
    engine::vision::IntakeError,
    imaging::{
        decoded::{IntakeLimits, damaged},
        upright,
    },
};

/// Coefficients of a block.
const COEFFICIENTS: usize = 64;

/// What the frame header says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Frame {
    marker: u8,
    precision: u8,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) components: u8,
    /// Samples stored per pixel, in hundredths: 300 for three components without subsampling.
    samples_percent: u64,
}

impl Frame {
    pub(super) fn parse(marker: u8, body: &[u8]) -> Result<Self, IntakeError> {
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

    pub(super) fn is_progressive(&self) -> bool {
        self.marker == 0xc2
    }

    /// What decoding takes besides the picture: the coefficients, two bytes a sample.
    fn extra_bytes(&self, gathered: bool) -> u64 {
        let pixels = u64::from(self.width) * u64::from(self.height);
        if gathered {
            pixels * 2 * self.samples_percent / 100
        } else {
            0
        }
    }

    /// Bytes of memory that decoding takes, if it may; `gathered` when all coefficients are kept
    /// until the last scan.
    pub(super) fn check_memory(
        &self,
        gathered: bool,
        exif: Option<&[u8]>,
        limits: &IntakeLimits,
    ) -> Result<u64, IntakeError> {
        let sides = (self.width, self.height);
        limits.check_memory(sides, self.extra_bytes(gathered), upright::from_exif(exif))
    }

    /// Refuses by name what the standard allows but nobody's decoder reads.
    pub(super) fn check_kind(&self) -> Result<(), IntakeError> {
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

/// The lowest bit that the scans so far have brought, of every coefficient of every component.
#[derive(Debug, Default)]
pub(super) struct Coverage(Vec<(u8, [u8; COEFFICIENTS])>);

impl Coverage {
    /// Nothing yet of the components in the body of a frame header.
    pub(super) fn none_of(frame: &[u8]) -> Self {
        let components = frame.get(5).map_or(0, |n| usize::from(*n));
        let ids = frame.iter().skip(6).step_by(3).take(components);
        Self(ids.map(|id| (*id, [u8::MAX; COEFFICIENTS])).collect())
    }

    /// Adds what a scan brings, told by the body of its header.
    pub(super) fn add(&mut self, scan: &[u8], progressive: bool) {
        let Some((count, rest)) = scan.split_first() else {
            return;
        };
        let (ids, rest) = rest.split_at(rest.len().min(2 * usize::from(*count)));
        // A scan that is not progressive brings all, whatever these numbers are.
        let (first, last, low) = match *rest {
            [first, last, bits, ..] if progressive => (first, last, bits & 15),
            _ => (0, u8::MAX, 0),
        };
        for id in ids.iter().step_by(2) {
            let component = self.0.iter_mut().filter(|(own, _)| own == id);
            component
                .flat_map(|(_, bits)| bits.iter_mut().enumerate())
                .filter(|(k, _)| (usize::from(first)..=usize::from(last)).contains(k))
                .for_each(|(_, bit)| *bit = low);
        }
    }

    /// Whether nothing is missing any more.
    pub(super) fn is_complete(&self) -> bool {
        !self.0.is_empty() && self.0.iter().all(|(_, bits)| bits.iter().all(|b| *b == 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_told_by_the_samples_that_are_gathered() {
        // 7x5 pixels in three components, the last two at half the width and height.
        let body = [8, 0, 5, 0, 7, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0];
        let frame = Frame::parse(0xc2, &body).expect("well formed");
        assert_eq!(frame.samples_percent, 150);
        assert_eq!(
            (frame.extra_bytes(true), frame.extra_bytes(false)),
            (105, 0)
        );
    }

    #[test]
    fn a_picture_is_complete_with_the_last_bit_of_the_last_coefficient() {
        let frame = [8, 0, 5, 0, 7, 2, 1, 0x11, 0, 9, 0x11, 0];
        let mut coverage = Coverage::none_of(&frame);
        for scan in [
            &[2, 1, 0, 9, 0, 0, 0, 1][..],
            &[1, 1, 0, 1, 63, 0],
            &[1, 9, 0, 1, 63, 2],
            &[1, 9, 0, 1, 63, 0x20],
        ] {
            coverage.add(scan, true);
            assert!(!coverage.is_complete(), "{scan:?}");
        }
        coverage.add(&[2, 1, 0, 9, 0, 0, 0, 0x10], true);
        assert!(coverage.is_complete());

        let mut baseline = Coverage::none_of(&frame);
        baseline.add(&[1, 1, 0, 0, 0, 0], false);
        assert!(!baseline.is_complete(), "one of two components");
        baseline.add(&[1, 9, 0, 0, 0, 0], false);
        assert!(baseline.is_complete());
        assert!(!Coverage::default().is_complete(), "no frame, no picture");
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
