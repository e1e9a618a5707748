//! Damages real picture files in every way that a network, a disk or an attacker would; the same
//! seed always gives the same files.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};

/// Sides of the drawn pictures.
pub const WIDTH: u32 = 96;
/// See [`WIDTH`].
pub const HEIGHT: u32 = 64;

/// Whole, valid files of every kind that intake accepts: drawn here, and the fixtures that no
/// encoder here can write.
pub fn originals() -> Vec<Vec<u8>> {
    let picture = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| {
        Rgb([
            (x * 5 % 256) as u8,
            (y * 3) as u8,
            if (x / 8 + y / 8) % 2 == 0 { 240 } else { 20 },
        ])
    });
    let glass = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
        Rgba([(x * 2) as u8, (y * 2) as u8, 90, (x + y) as u8])
    });
    let deep = DynamicImage::from(glass.clone()).into_rgba16();
    let grey = DynamicImage::from(picture.clone()).into_luma8();
    let mut all = Vec::new();
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        all.push(encoded(picture.clone().into(), format));
    }
    all.push(encoded(glass.clone().into(), ImageFormat::Png));
    all.push(encoded(glass.into(), ImageFormat::WebP));
    all.push(encoded(deep.into(), ImageFormat::Png));
    all.push(encoded(grey.into(), ImageFormat::Jpeg));
    for name in [
        "progressive.jpg",
        "cmyk.jpg",
        "ycck.jpg",
        "interlaced.png",
        "lossy.webp",
        "lossy-alpha.webp",
        "animated.webp",
    ] {
        let path = format!(
            "{}/tests/fixtures/hostile/{name}",
            env!("CARGO_MANIFEST_DIR")
        );
        all.push(std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}")));
    }
    all
}

fn encoded(picture: DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, format).expect("encodes");
    out.into_inner()
}

/// A seeded source of damage.
pub struct Mutator {
    state: u64,
}

impl Mutator {
    /// The same `seed` gives the same damage.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// SplitMix64 (Steele, Lea, Flood, 2014), below `bound`.
    fn below(&mut self, bound: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % bound.max(1) as u64) as usize
    }

    /// A damaged file made from one or two of `originals`.
    pub fn mutated(&mut self, originals: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = originals[self.below(originals.len())].clone();
        let other = &originals[self.below(originals.len())];
        for _ in 0..=self.below(3) {
            self.damage(&mut bytes, other);
        }
        // Half of the damaged PNGs get their checksums mended, so that what lies behind them is
        // reached.
        if self.below(2) == 0 {
            mend_png(&mut bytes);
        }
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        let length = bytes.len();
        if length < 8 {
            return;
        }
        let at = self.below(length);
        let span = at..(at + 1 + self.below(40)).min(length);
        match self.below(9) {
            0 => (0..=self.below(8)).for_each(|_| {
                let at = self.below(length);
                bytes[at] ^= 1 << self.below(8);
            }),
            1 => bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][self.below(6)],
            2 => bytes.truncate(at),
            3 => {
                let piece = bytes[span].to_vec();
                bytes.splice(at..at, piece);
            }
            4 => drop(bytes.drain(span)),
            5 => {
                // A field near the start, where the headers are.
                let at = self.below(length.min(64) - 4);
                let value = [
                    0_u32,
                    1,
                    0x7fff,
                    0xffff,
                    0x1_0000,
                    0x7fff_ffff,
                    u32::MAX,
                    9000,
                ][self.below(8)];
                let field = if self.below(2) == 0 {
                    value.to_be_bytes()
                } else {
                    value.to_le_bytes()
                };
                let size = 2 + 2 * self.below(2);
                bytes[at..at + size].copy_from_slice(if self.below(2) == 0 {
                    &field[..size]
                } else {
                    &field[4 - size..]
                });
            }
            6 => {
                let from = self.below(other.len());
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => {
                let from = self.below(other.len());
                let piece = &other[from..(from + 64).min(other.len())];
                bytes.splice(at..at, piece.iter().copied());
            }
            _ => bytes[span].reverse(),
        }
    }
}

/// Gives every chunk of a PNG the checksum that its content asks for.
fn mend_png(bytes: &mut [u8]) {
    if !bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return;
    }
    let mut at = 8;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_be_bytes(length.try_into().expect("four bytes")) as usize;
        let end = at.saturating_add(length).saturating_add(8);
        if bytes.len() < end.saturating_add(4) {
            return;
        }
        let sum = crc32(&bytes[at + 4..end]);
        bytes[end..end + 4].copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte), |s, _| {
            if s & 1 == 1 {
                s >> 1 ^ 0xedb8_8320
            } else {
                s >> 1
            }
        })
    })
}
