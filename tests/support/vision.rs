//! Something to see with that needs no model: pictures are drawn from one line of text, and every
//! answer can be worked out in the head.
//!
//! A picture is a [`Scene`]: grey ground with a pack of 120 dots on it, each dot of a colour of its
//! own. A local feature is the middle of a colour, its descriptor names the colour; the embedding
//! counts the packs' colours.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use assay::{
    domain::{
        cells::Cell,
        digest::Sha256,
        embedding::{Embedding, ModelId},
        features::{FeatureSet, Keypoint},
        raster::Raster,
    },
    engine::vision::{
        CellMap, Embedder, EncodedMark, Imaging, InferenceError, IntakeError, LocalFeatures,
        LogoEncoder, LogoMaps, MarkComparator, Reading, TextLine, TextReader, UprightPhoto, Vision,
    },
};
use bytes::Bytes;

/// A picture in words: `WIDTH HEIGHT PACK X Y NOTE`, and `X Y` of each place that is printed over.
#[derive(Clone, Debug)]
pub struct Scene {
    pub width: u32,
    pub height: u32,
    /// Which pack, 1 to 9; 0 shows none.
    pub pack: u8,
    /// How far the pack is moved to the right and down, in pixels.
    pub moved: (u32, u32),
    /// Changes the bytes and nothing that is seen.
    pub note: &'static str,
    /// Places of the pack that are printed over in dark speckles: left and top of 64x48 pixels.
    pub overprinted: &'static [(u32, u32)],
}

impl Scene {
    /// The catalogue picture of a pack.
    pub fn of(pack: u8) -> Self {
        Self {
            width: 640,
            height: 480,
            pack,
            moved: (0, 0),
            note: "-",
            overprinted: &[],
        }
    }

    /// A seller's photo of a pack: more ground around it.
    pub fn photo(pack: u8, note: &'static str) -> Self {
        Self {
            width: 960,
            height: 640,
            moved: (150, 90),
            note,
            ..Self::of(pack)
        }
    }

    /// The file.
    pub fn bytes(&self) -> Bytes {
        let Self {
            width,
            height,
            pack,
            moved: (x, y),
            note,
            overprinted,
        } = self;
        let over: String = overprinted
            .iter()
            .map(|(left, top)| format!(" {left} {top}"))
            .collect();
        Bytes::from(format!(
            "scene {width} {height} {pack} {x} {y} {note}{over}"
        ))
    }

    /// The picture that the words of a file describe.
    fn draw(text: &str) -> Option<Raster> {
        let mut words = text.strip_prefix("scene ")?.split(' ');
        let mut number = || words.next()?.parse::<u32>().ok();
        let (width, height, pack, x, y) = (number()?, number()?, number()?, number()?, number()?);
        words.next()?;
        let over: Vec<u32> = words.map(|word| word.parse().ok()).collect::<Option<_>>()?;
        // With a grain that moves with the pack: wholly plain ground would be a mosaic.
        let mut pixels: Vec<u8> = (0..width * height)
            .flat_map(|n| {
                let at = (n % width).wrapping_sub(x).wrapping_mul(7919);
                let grain = noise(u64::from(at ^ (n / width).wrapping_sub(y)));
                [122 + (grain % 12) as u8; 3]
            })
            .collect();
        let mut fill = |left: u32, top: u32, [w, h]: [u32; 2], colour: [u8; 3]| {
            for v in (top + y)..(top + y + h).min(height) {
                for u in (left + x)..(left + x + w).min(width) {
                    pixels[3 * (v * width + u) as usize..][..3].copy_from_slice(&colour);
                }
            }
        };
        for (left, top, colour) in dots(pack as u8) {
            fill(left, top, [DOT; 2], colour);
        }
        // Speckled: one plain colour would be something laid over the pack, and squares of three
        // pixels and more a mosaic.
        for place in over.chunks_exact(2) {
            for n in 0..32 * 24 {
                let dark = (noise(n.into()) % 30) as u8;
                fill(
                    place[0] + n % 32 * 2,
                    place[1] + n / 32 * 2,
                    [2; 2],
                    [dark; 3],
                );
            }
        }
        Raster::new(width, height, pixels).ok()
    }
}

/// What drawing a scene takes: its pixels.
pub fn scene_bytes(file: &[u8]) -> u64 {
    let sides = std::str::from_utf8(file).ok().and_then(|text| {
        let mut words = text.strip_prefix("scene ")?.split(' ');
        let mut side = || words.next()?.parse::<u64>().ok();
        Some((side()?, side()?))
    });
    sides.map_or(0, |(width, height)| width * height * 3)
}

const DOTS: u32 = 120;
const DOT: u32 = 12;
const DIMENSIONS: usize = 64;

/// Left, top and colour of each dot. Red marks a dot, green counts it, blue names the pack.
fn dots(pack: u8) -> Vec<(u32, u32, [u8; 3])> {
    let count = if pack == 0 { 0 } else { DOTS };
    (0..count)
        .map(|n| {
            let (column, row) = (n % 12, n / 12);
            let jitter = noise(u64::from(pack) * 1000 + u64::from(n));
            let (x, y) = (
                20 + column * 50 + (jitter % 30) as u32,
                20 + row * 44 + (jitter / 32 % 28) as u32,
            );
            (x, y, [250, 2 * n as u8, 20 * pack])
        })
        .collect()
}

/// A fixed scramble of a number (splitmix64).
fn noise(n: u64) -> u64 {
    let z = (n.wrapping_add(1)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    (z ^ (z >> 27)) >> 8
}

/// Sees no logo anywhere.
struct Logoless(ModelId);

impl LogoEncoder for Logoless {
    fn model(&self) -> &ModelId {
        &self.0
    }

    fn encode(&mut self, picture: &Raster) -> Result<LogoMaps, InferenceError> {
        let [columns, rows] = [picture.width(), picture.height()].map(|side| side as usize / 16);
        let planes = |count: usize| vec![0.0; count * columns * rows];
        Ok(LogoMaps {
            columns,
            rows,
            vectors: planes(128),
            boxes: planes(4),
            parts: planes(4 * 32),
        })
    }
}

/// Sees scenes.
pub fn fake_vision() -> Vision {
    let id = |name: &str| ModelId(format!("fake-{name}@1"));
    Vision {
        imaging: Box::new(Drawing),
        local: Box::new(DotFinder(id("dots"))),
        embedder: Box::new(PackCounter(id("packs"))),
        text: Box::new(Illiterate(id("text"))),
        comparator: Box::new(PixelComparator(id("pixels"))),
        logos: Box::new(Logoless(id("logos"))),
    }
}

/// Sees as the other does, and reads with another model.
pub fn rereading_vision() -> Vision {
    let text = Box::new(Illiterate(ModelId("fake-text@2".into())));
    Vision {
        text,
        ..fake_vision()
    }
}

/// Sees scenes unless its local features are told to fail.
pub fn failing_vision(fails: Arc<AtomicBool>) -> Vision {
    let vision = fake_vision();
    Vision {
        local: Box::new(Failing {
            eyes: vision.local,
            fails,
        }),
        ..vision
    }
}

struct Failing {
    eyes: Box<dyn LocalFeatures>,
    fails: Arc<AtomicBool>,
}

impl LocalFeatures for Failing {
    fn model(&self) -> &ModelId {
        self.eyes.model()
    }

    fn extract(&mut self, frame: &Raster, top: usize) -> Result<FeatureSet, InferenceError> {
        if self.fails.load(Ordering::SeqCst) {
            return Err(InferenceError::Failed {
                model: self.model().clone(),
                detail: "told to fail".into(),
            });
        }
        self.eyes.extract(frame, top)
    }
}

/// What packed pixels begin with.
const PACKED: &[u8] = b"pixels ";

fn unpacked(bytes: &[u8]) -> Option<Raster> {
    let (width, rest) = bytes.strip_prefix(PACKED)?.split_first_chunk()?;
    let (height, pixels) = rest.split_first_chunk()?;
    Raster::new(
        u32::from_le_bytes(*width),
        u32::from_le_bytes(*height),
        pixels.to_vec(),
    )
    .ok()
}

struct Drawing;

impl Imaging for Drawing {
    fn decode(&mut self, bytes: &[u8]) -> Result<UprightPhoto, IntakeError> {
        if bytes.is_empty() {
            return Err(IntakeError::Empty);
        }
        if let Some(raster) = unpacked(bytes) {
            return Ok(UprightPhoto {
                raster,
                sha256: Sha256::of(bytes),
                format: "jpeg",
                notes: vec![],
            });
        }
        let drawn = std::str::from_utf8(bytes).ok().and_then(Scene::draw);
        let raster = drawn.ok_or_else(|| IntakeError::UnsupportedFormat {
            found: "no scene".into(),
        })?;
        Ok(UprightPhoto {
            raster,
            sha256: Sha256::of(bytes),
            format: "png",
            notes: vec![],
        })
    }

    /// Width and height before the pixels as they are.
    fn encode_jpeg(&mut self, raster: &Raster, _: u8) -> Vec<u8> {
        let sides = [raster.width(), raster.height()]
            .map(u32::to_le_bytes)
            .concat();
        [PACKED, &sides, raster.pixels()].concat()
    }

    /// Takes the nearest pixel, so that colours survive.
    fn resize(&mut self, raster: &Raster, width: u32, height: u32) -> Raster {
        let nearest = |v: u32, from: u32, to: u32| ((2 * v + 1) * from / (2 * to)).min(from - 1);
        Raster::from_fn(width.max(1), height.max(1), |x, y| {
            raster.at(
                nearest(x, raster.width(), width.max(1)),
                nearest(y, raster.height(), height.max(1)),
            )
        })
    }
}

struct DotFinder(ModelId);

impl LocalFeatures for DotFinder {
    fn model(&self) -> &ModelId {
        &self.0
    }

    fn extract(&mut self, frame: &Raster, top: usize) -> Result<FeatureSet, InferenceError> {
        let mut found = std::collections::BTreeMap::<[u8; 3], (f32, f32, f32)>::new();
        for (x, y) in (0..frame.height()).flat_map(|y| (0..frame.width()).map(move |x| (x, y))) {
            let colour = frame.at(x, y);
            if colour[0] == 250 {
                let sum = found.entry(colour).or_default();
                *sum = (sum.0 + x as f32, sum.1 + y as f32, sum.2 + 1.0);
            }
        }
        let mut keypoints = Vec::new();
        let mut descriptors = Vec::new();
        for (colour, (x, y, n)) in found.into_iter().take(top) {
            keypoints.push(Keypoint {
                x: x / n,
                y: y / n,
                score: 1.0,
            });
            let seed = u64::from(colour[1]) * 256 + u64::from(colour[2]);
            let signs = (0..DIMENSIONS as u64).map(|i| {
                if noise(seed * 64 + i) & 1 == 0 {
                    0.125
                } else {
                    -0.125
                }
            });
            descriptors.extend(signs);
        }
        let (width, height) = (frame.width(), frame.height());
        Ok(FeatureSet {
            model: self.0.clone(),
            width,
            height,
            keypoints,
            descriptors,
            dimensions: DIMENSIONS,
        })
    }
}

struct PackCounter(ModelId);

impl Embedder for PackCounter {
    fn model(&self) -> &ModelId {
        &self.0
    }

    fn side(&self) -> u32 {
        96
    }

    fn embed(&mut self, square: &Raster) -> Result<Embedding, InferenceError> {
        // The first place counts a little ground, so that no picture is without direction.
        let mut counts = vec![0.0_f32; 10];
        counts[0] = 1.0;
        for pixel in square.pixels().chunks_exact(3).filter(|p| p[0] == 250) {
            counts[usize::from(pixel[2] / 20).min(9)] += 1.0;
        }
        Embedding::new(self.0.clone(), counts).map_err(|e| InferenceError::Failed {
            model: self.0.clone(),
            detail: e.to_string(),
        })
    }
}

struct Illiterate(ModelId);

impl TextReader for Illiterate {
    fn model(&self) -> &ModelId {
        &self.0
    }

    fn knows(&self, letter: char) -> bool {
        letter.is_ascii()
    }

    fn read(&mut self, _: &Raster) -> Result<Vec<TextLine>, InferenceError> {
        Ok(vec![])
    }

    fn recognise(&mut self, lines: &[Raster]) -> Result<Vec<Reading>, InferenceError> {
        Ok(lines
            .iter()
            .map(|_| Reading {
                text: String::new(),
                confidence: 0.0,
            })
            .collect())
    }
}

struct PixelComparator(ModelId);

impl MarkComparator for PixelComparator {
    fn model(&self) -> &ModelId {
        &self.0
    }

    /// The middle pixel of each cell.
    fn encode(&mut self, picture: &Raster) -> Result<EncodedMark, InferenceError> {
        let (columns, rows) = (picture.width() / 8, picture.height() / 8);
        let cells = (0..rows).flat_map(|y| (0..columns).map(move |x| (x, y)));
        let values = cells
            .flat_map(|(x, y)| picture.at(8 * x + 4, 8 * y + 4).map(f32::from))
            .collect();
        Ok(EncodedMark {
            rows: rows as usize,
            columns: columns as usize,
            keys: vec![],
            values,
        })
    }

    /// A cell is the same when its middle pixels differ by less than 80 in every channel: by half an
    /// edge of a dot they differ by chance.
    fn compare(
        &mut self,
        reference: &EncodedMark,
        photo: &EncodedMark,
    ) -> Result<CellMap, InferenceError> {
        let cells = reference
            .values
            .chunks_exact(3)
            .zip(photo.values.chunks_exact(3));
        let same = cells.map(|(a, b)| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 80.0));
        let probabilities = same.map(|same| {
            if same {
                Cell::new(0.9, 0.05, 0.05)
            } else {
                Cell::new(0.05, 0.9, 0.05)
            }
        });
        Ok(CellMap {
            columns: reference.columns,
            rows: reference.rows,
            probabilities: probabilities.collect(),
        })
    }
}
