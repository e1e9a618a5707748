//! A walk over the markers of a JPEG: what must be known before decoding, and which bytes belong to
//! the picture.

use super::frame::{Coverage, Frame};
use crate::{engine::vision::IntakeError, imaging::decoded::damaged};

const START_OF_SCAN: u8 = 0xda;
const END_OF_IMAGE: u8 = 0xd9;

/// What the markers of a file say.
#[derive(Debug, Default)]
pub(super) struct Outline<'a> {
    pub(super) frame: Option<Frame>,
    pub(super) scans: usize,
    pub(super) profile: bool,
    pub(super) exif: Option<&'a [u8]>,
    /// Whether the decoder keeps all coefficients until the last scan: two bytes a sample.
    pub(super) gathered: bool,
    /// Whether an end marker closes the picture.
    pub(super) ended: bool,
    /// Whether bytes that belong to no segment stand among the headers.
    pub(super) stray: bool,
    /// Offset just after the end marker; without one, where the picture's data can last reach.
    pub(super) end: usize,
    /// The headers up to that of the first scan, each with its marker.
    headers: Vec<&'a [u8]>,
    /// Offset of the first scan's data.
    data: usize,
    coverage: Coverage,
}

impl<'a> Outline<'a> {
    /// Walks over the first picture, whose start marker opens `bytes`. Takes time linear in the
    /// bytes.
    pub(super) fn of(bytes: &'a [u8]) -> Result<Self, IntakeError> {
        let mut outline = Self::before_data(bytes)?;
        outline.walk_data(bytes);
        if outline.ended || outline.coverage.is_complete() {
            Ok(outline)
        } else {
            Err(cut_off())
        }
    }

    /// Walks to the first scan: over headers, never over the picture's data.
    pub(super) fn before_data(bytes: &'a [u8]) -> Result<Self, IntakeError> {
        let mut outline = Self::default();
        let mut at = 2;
        while outline.scans == 0 {
            let (marker, after) = next_marker(bytes, at).ok_or_else(cut_off)?;
            // Any number of 0xff may stand before a marker; other bytes are somebody's padding.
            outline.stray |= bytes[at..after - 2].iter().any(|&b| b != 0xff);
            at = after;
            match marker {
                END_OF_IMAGE => return Err(damaged("it ends before its picture")),
                // These stand alone: no length follows them. None has a meaning here.
                0x01 | 0xd0..=0xd8 => {
                    outline.stray = true;
                    continue;
                }
                _ => {}
            }
            let body = segment(bytes, at).ok_or_else(|| damaged("it ends inside a header"))?;
            outline.note(marker, body)?;
            outline.headers.push(&bytes[at - 2..at + 2 + body.len()]);
            at += 2 + body.len();
        }
        outline.data = at;
        Ok(outline)
    }

    /// Walks from the first scan's data to the end marker. Where other bytes follow the data
    /// instead, they are no part of the picture.
    fn walk_data(&mut self, bytes: &'a [u8]) {
        let mut at = self.data;
        // The first marker behind the latest scan: what follows may be anything.
        let mut behind = None;
        while let Some((marker, after)) = next_marker(bytes, at) {
            at = after;
            match marker {
                END_OF_IMAGE => {
                    (self.end, self.ended) = (at, true);
                    return;
                }
                // Restarts belong to the data.
                0xd0..=0xd7 => continue,
                _ => {}
            }
            behind.get_or_insert(after - 2);
            let body = may_follow_data(marker).then(|| segment(bytes, at));
            let Some(body) = body.flatten() else { break };
            if marker == START_OF_SCAN {
                // Nothing is left for it to bring: chance made it look like a scan.
                if self.coverage.is_complete() {
                    break;
                }
                self.note_scan(body);
                behind = None;
            }
            at += 2 + body.len();
        }
        self.end = behind.unwrap_or(bytes.len());
    }

    fn note(&mut self, marker: u8, body: &'a [u8]) -> Result<(), IntakeError> {
        match marker {
            // Tables and reserved numbers in the midst of those of frame headers.
            0xc4 | 0xc8 | 0xcc => {}
            0xc0..=0xcf if self.frame.is_some() => return Err(damaged("it has two frame headers")),
            0xc0..=0xcf => {
                self.frame = Some(Frame::parse(marker, body)?);
                self.coverage = Coverage::none_of(body);
            }
            START_OF_SCAN => self.note_scan(body),
            // Only before the data: the standard puts it first, and memory is set aside by what
            // stands there.
            0xe1 if self.exif.is_none() && body.starts_with(b"Exif\0\0") => self.exif = Some(body),
            0xe2 => self.profile |= body.starts_with(b"ICC_PROFILE\0"),
            _ => {}
        }
        Ok(())
    }

    fn note_scan(&mut self, body: &[u8]) {
        let progressive = self.frame.is_some_and(|f| f.is_progressive());
        self.coverage.add(body, progressive);
        if self.scans == 0 {
            self.gathered = progressive || !self.coverage.is_complete();
        }
        self.scans += 1;
    }

    /// The picture's bytes alone, without what is stray among its headers, and `tail` behind them.
    pub(super) fn mended(&self, bytes: &[u8], tail: &[u8]) -> Vec<u8> {
        let mut file = vec![0xff, 0xd8];
        self.headers
            .iter()
            .for_each(|header| file.extend_from_slice(header));
        file.extend_from_slice(&bytes[self.data..self.end]);
        file.extend_from_slice(tail);
        file
    }
}

/// The error for a file that stops before its picture is complete.
pub(super) fn cut_off() -> IntakeError {
    damaged("it ends before its end marker")
}

/// Tables, comments, data of applications, the number of lines, and the next scan.
fn may_follow_data(marker: u8) -> bool {
    matches!(marker, 0xc4 | 0xda..=0xdd | 0xe0..=0xef | 0xfe)
}

/// The next marker at or after `at` and the offset behind it. Entropy-coded data is passed over:
/// there 0xff is followed by zero.
pub(super) fn next_marker(bytes: &[u8], mut at: usize) -> Option<(u8, usize)> {
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
    const END: [u8; 2] = [0xff, 0xd9];

    fn file(parts: &[&[u8]]) -> Vec<u8> {
        [&[&[0xff, 0xd8][..]], parts].concat().concat()
    }

    /// A scan that brings coefficients `first` to `last` of the component or of all, with data.
    fn scan(component: Option<u8>, first: u8, last: u8) -> Vec<u8> {
        let components = component.map_or(vec![1, 2, 3], |c| vec![c]);
        let count = components.len() as u8;
        let mut scan = vec![0xff, 0xda, 0, 6 + 2 * count, count];
        components.iter().for_each(|c| scan.extend([*c, 0]));
        scan.extend([first, last, 0]);
        scan.extend([1, 0xff, 0, 2, 0xff, 0xd3, 3]);
        scan
    }

    fn all_scans() -> Vec<u8> {
        let details = [1, 2, 3].map(|c| scan(Some(c), 1, 63)).concat();
        [scan(None, 0, 0), details].concat()
    }

    #[test]
    fn the_walk_sees_frame_scans_and_end_and_passes_over_stuffed_data() {
        let bytes = file(&[&FRAME, &all_scans(), &[0xff], &END, b"rest"]);
        let outline = Outline::of(&bytes).expect("well formed");
        let frame = outline.frame.expect("seen");
        assert_eq!((frame.width, frame.height, frame.components), (7, 5, 3));
        assert_eq!((outline.scans, outline.end), (4, bytes.len() - 4));
        assert!(outline.ended && !outline.stray && outline.gathered);
    }

    #[test]
    fn what_stands_before_the_data_is_seen_without_walking_over_the_data() {
        let bytes = file(&[&FRAME, &scan(None, 0, 0)]);
        let outline = Outline::before_data(&bytes).expect("the end is not looked at");
        assert!(outline.frame.is_some_and(|f| f.width == 7));
        assert!(
            Outline::of(&bytes).is_err(),
            "its details are missing and no end marker says that this was all"
        );
    }

    #[test]
    fn bytes_of_nobody_are_left_out_among_headers_and_behind_the_data() {
        let sound = file(&[&FRAME, &all_scans(), &END]);
        let stray = [0xff, 0xd8];
        let padded = file(&[&[0; 4], &stray, &FRAME, b"\r\n", &all_scans(), &END]);
        let outline = Outline::of(&padded).expect("stray bytes are no damage");
        assert!(outline.stray && outline.ended);
        assert_eq!(outline.mended(&padded, &[]), sound);

        for trailer in [
            &b""[..],
            b"SEFT",
            // Another picture, a header that is cut off, a frame, a scan by chance.
            &[0xff, 0xd8, 0xff, 0xe0, 0, 2],
            &[0xff, 0xe0, 0xff, 0xff, 1],
            &FRAME,
            &scan(Some(1), 0, 0),
        ] {
            let open = file(&[&FRAME, &all_scans(), trailer]);
            let outline = Outline::of(&open).expect("complete without its end marker");
            assert!(!outline.ended, "{trailer:?}");
            let mended = outline.mended(&open, &END);
            assert!(mended.starts_with(&sound[..sound.len() - 2]), "{trailer:?}");
            assert!(mended.len() <= sound.len() + 4, "{trailer:?}");
        }
    }

    #[test]
    fn fill_bytes_before_a_marker_are_nobody_s_fault() {
        let bytes = file(&[&[0xff; 5], &FRAME, &all_scans(), &END]);
        assert!(!Outline::of(&bytes).expect("well formed").stray);
    }

    #[test]
    fn every_cut_of_a_file_before_its_last_data_is_damage() {
        let bytes = file(&[&FRAME, &all_scans(), &END]);
        let last_header = bytes.len() - 9;
        for length in 2..last_header {
            assert!(
                matches!(
                    Outline::of(&bytes[..length]),
                    Err(IntakeError::Damaged { .. })
                ),
                "cut at {length}"
            );
        }
    }
}
