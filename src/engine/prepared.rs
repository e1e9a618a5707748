//! References made ready for comparison, kept while they are in use.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex},
};

use super::frames::{Frame, reference_frame};
use crate::domain::{
    cells::MarkBox,
    descriptors::{CoarseDescriptors, quantise_strongest},
    digest::Sha256,
    embedding::ModelId,
    features::{FeatureSet, Keypoint},
    geometry::{Homography, Rect},
    raster::{Plane, Raster},
    tuning::{
        frames::GREY_SIGMA,
        search::{COARSE_REFERENCE, REFERENCE_KEYPOINTS},
    },
};
use crate::{
    checker::ports::{Files, StoreError},
    engine::vision::{EncodedMark, Imaging, InferenceError, LocalFeatures, MarkComparator, Vision},
};

/// A reference's local features in four rotations, all with coordinates of the upright frame.
#[derive(Clone, Debug, PartialEq)]
pub struct TurnedFeatures {
    /// Maps 0..1 of the whole upright picture to pixels of the frame.
    pub from_unit: Homography,
    /// Per quarter turn.
    pub turns: [FeatureSet; 4],
}

impl TurnedFeatures {
    /// Takes features of the frame and of its three rotations: local features are not
    /// rotation-invariant, so a photo lying on its side is met by the reference turned the same
    /// way.
    pub fn extract(local: &mut dyn LocalFeatures, whole: &Frame) -> Result<Self, InferenceError> {
        let frame = &whole.raster;
        let (w, h) = (frame.width() as f32 - 1.0, frame.height() as f32 - 1.0);
        let mut sets = Vec::with_capacity(4);
        for turn in 0..4_u8 {
            let mut set = local.extract(&frame.rotated(turn), REFERENCE_KEYPOINTS)?;
            for k in &mut set.keypoints {
                (k.x, k.y) = match turn {
                    0 => (k.x, k.y),
                    1 => (w - k.y, k.x),
                    2 => (w - k.x, h - k.y),
                    _ => (k.y, h - k.x),
                };
            }
            (set.width, set.height) = (frame.width(), frame.height());
            // Stored descriptors are bytes; comparing with the same rounding keeps a check
            // replayable.
            set.descriptors
                .iter_mut()
                .for_each(|v| *v = f32::from(to_byte(*v)) / 127.0);
            sets.push(set);
        }
        let turns = sets
            .try_into()
            .map_err(|_| InferenceError::Unavailable("four rotations were expected".into()))?;
        Ok(Self {
            from_unit: whole.from_unit,
            turns,
        })
    }

    /// The frame's sides in pixels.
    pub fn frame_size(&self) -> (f64, f64) {
        (
            f64::from(self.turns[0].width),
            f64::from(self.turns[0].height),
        )
    }

    /// The strongest descriptors, for the gallery.
    pub fn coarse(&self) -> CoarseDescriptors {
        CoarseDescriptors {
            turns: self
                .turns
                .each_ref()
                .map(|t| quantise_strongest(t, COARSE_REFERENCE)),
            dimensions: self.turns[0].dimensions,
        }
    }

    /// Little-endian bytes: version, frame sides, descriptor length, map from 0..1, then per turn
    /// the count, points and descriptors.
    pub fn to_bytes(&self) -> Vec<u8> {
        let first = &self.turns[0];
        let mut out = vec![FORMAT];
        for v in [first.width, first.height, first.dimensions as u32] {
            out.extend(v.to_le_bytes());
        }
        self.from_unit
            .0
            .iter()
            .for_each(|v| out.extend(v.to_le_bytes()));
        for set in &self.turns {
            out.extend((set.len() as u32).to_le_bytes());
            for k in &set.keypoints {
                [k.x, k.y, k.score]
                    .iter()
                    .for_each(|v| out.extend(v.to_le_bytes()));
            }
            out.extend(set.descriptors.iter().map(|v| to_byte(*v) as u8));
        }
        out
    }

    /// The features back from [`TurnedFeatures::to_bytes`]; `None` for other bytes.
    pub fn from_bytes(bytes: &[u8], model: &ModelId) -> Option<Self> {
        let mut rest = bytes.strip_prefix(&[FORMAT])?;
        let mut word = |n: usize| -> Option<Vec<u8>> {
            let (head, tail) = rest.split_at_checked(n)?;
            rest = tail;
            Some(head.to_vec())
        };
        let u32_of = |b: Vec<u8>| Some(u32::from_le_bytes(b.try_into().ok()?));
        let (width, height) = (u32_of(word(4)?)?, u32_of(word(4)?)?);
        let dimensions = u32_of(word(4)?)? as usize;
        let mut from_unit = [0.0; 9];
        for v in &mut from_unit {
            *v = f64::from_le_bytes(word(8)?.try_into().ok()?);
        }
        let mut sets = Vec::with_capacity(4);
        for _ in 0..4 {
            let count = u32_of(word(4)?)? as usize;
            let points = word(count.checked_mul(12)?)?;
            let keypoints = points
                .chunks_exact(12)
                .map(|c| {
                    let at = |i: usize| f32::from_le_bytes([c[i], c[i + 1], c[i + 2], c[i + 3]]);
                    Keypoint {
                        x: at(0),
                        y: at(4),
                        score: at(8),
                    }
                })
                .collect();
            let descriptors = word(count.checked_mul(dimensions)?)?
                .iter()
                .map(|b| f32::from(*b as i8) / 127.0)
                .collect();
            sets.push(FeatureSet {
                model: model.clone(),
                width,
                height,
                keypoints,
                descriptors,
                dimensions,
            });
        }
        Some(Self {
            from_unit: Homography(from_unit),
            turns: sets.try_into().ok()?,
        })
    }
}

const FORMAT: u8 = 1;

fn to_byte(v: f32) -> i8 {
    (v * 127.0).round().clamp(-127.0, 127.0) as i8
}

/// A reference's pixels in its frame.
pub struct ReferencePixels {
    /// Names the picture and its part in the cache.
    key: String,
    /// The frame.
    pub frame: Frame,
    /// Its grey plane, lightly smoothed as block comparison wants it.
    pub grey: Plane,
}

/// What is kept of references between checks, up to a number of bytes; the least recently used go
/// first.
pub struct Cache {
    budget: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    clock: u64,
    held: usize,
    /// What is kept by its name, when it was last used, and its bytes.
    entries: HashMap<String, (Arc<dyn Any + Send + Sync>, u64, usize)>,
}

impl Cache {
    /// A cache of at most `budget` bytes (one entry may exceed it while in use).
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            state: Mutex::default(),
        }
    }

    fn get<T: Any + Send + Sync>(&self, key: &str) -> Option<Arc<T>> {
        // A panic while the lock is held cannot leave the map half changed in a way that matters:
        // it is a cache.
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        state.clock += 1;
        let now = state.clock;
        let (entry, used, _) = state.entries.get_mut(key)?;
        *used = now;
        entry.clone().downcast().ok()
    }

    fn put<T: Any + Send + Sync>(&self, key: String, made: T, bytes: usize) -> Arc<T> {
        let made = Arc::new(made);
        let mut state = self
            .state
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        state.clock += 1;
        let now = state.clock;
        if let Some((_, _, old)) = state.entries.insert(key, (made.clone(), now, bytes)) {
            state.held -= old;
        }
        state.held += bytes;
        while state.held > self.budget && state.entries.len() > 1 {
            let Some(oldest) = state
                .entries
                .iter()
                .min_by_key(|(_, v)| v.1)
                .map(|(k, _)| k.clone())
            else {
                break;
            };
            if let Some((_, _, size)) = state.entries.remove(&oldest) {
                state.held -= size;
            }
        }
        made
    }

    /// The local features of the image `sha256`, from here, from the files, or made anew.
    pub fn features(
        &self,
        vision: &mut Vision,
        files: &Files,
        sha256: Sha256,
        article: Option<Rect>,
    ) -> Result<Arc<TurnedFeatures>, super::EngineError> {
        let model = vision.local.model().clone();
        let key = format!("features {sha256} {article:?} {model}");
        if let Some(features) = self.get(&key) {
            return Ok(features);
        }
        // The same picture may serve as a whole for one product and in part for another.
        let stored_as = match article.map(Rect::to_xywh) {
            Some([x, y, w, h]) => ModelId(format!("{model}-{x}-{y}-{w}-{h}")),
            None => model.clone(),
        };
        let stored = files
            .features(sha256, &stored_as)?
            .and_then(|bytes| TurnedFeatures::from_bytes(&bytes, &model));
        let features = match stored {
            Some(features) => features,
            None => {
                let frame = load(vision.imaging.as_mut(), files, sha256, article)?;
                let features = TurnedFeatures::extract(vision.local.as_mut(), &frame)?;
                files.put_features(sha256, &stored_as, &features.to_bytes())?;
                features
            }
        };
        let bytes = features
            .turns
            .iter()
            .map(|t| t.descriptors.len() * 4 + t.len() * 12)
            .sum();
        Ok(self.put(key, features, bytes))
    }

    /// The pixels of the image `sha256` in its frame.
    pub fn pixels(
        &self,
        imaging: &mut dyn Imaging,
        files: &Files,
        sha256: Sha256,
        article: Option<Rect>,
    ) -> Result<Arc<ReferencePixels>, super::EngineError> {
        let key = format!("pixels {sha256} {article:?}");
        if let Some(pixels) = self.get(&key) {
            return Ok(pixels);
        }
        let frame = load(imaging, files, sha256, article)?;
        let grey = frame.raster.grey().smoothed(GREY_SIGMA);
        let bytes = frame.raster.pixels().len() + grey.data.len() * 4;
        Ok(self.put(key.clone(), ReferencePixels { key, frame, grey }, bytes))
    }

    /// What the comparator makes of `cut`, the pixels of a mark of the reference in `pixels`.
    pub fn mark(
        &self,
        comparator: &mut dyn MarkComparator,
        pixels: &ReferencePixels,
        place: &MarkBox,
        cut: &Raster,
    ) -> Result<Arc<EncodedMark>, InferenceError> {
        let (width, height) = (cut.width(), cut.height());
        let key = format!(
            "mark {:?} at {width}x{height} of {} {}",
            place.padded,
            pixels.key,
            comparator.model()
        );
        if let Some(mark) = self.get(&key) {
            return Ok(mark);
        }
        let mark = comparator.encode(cut)?;
        let bytes = 4 * (mark.keys.len() + mark.values.len());
        Ok(self.put(key, mark, bytes))
    }
}

fn load(
    imaging: &mut dyn Imaging,
    files: &Files,
    sha256: Sha256,
    article: Option<Rect>,
) -> Result<Frame, super::EngineError> {
    let bytes = files.image(sha256)?;
    let photo = imaging
        .decode(&bytes)
        .map_err(|e| StoreError::Failed(Box::new(e)))?;
    Ok(reference_frame(imaging, &photo.raster, article))
}

#[cfg(test)]
mod tests {
    use super::{super::frames::unit_to_pixels, *};
    use crate::engine::vision::CellMap;

    struct Counting(ModelId, usize);

    impl MarkComparator for Counting {
        fn model(&self) -> &ModelId {
            &self.0
        }

        fn encode(&mut self, picture: &Raster) -> Result<EncodedMark, InferenceError> {
            self.1 += 1;
            let (columns, rows) = (picture.width() as usize, picture.height() as usize);
            Ok(EncodedMark {
                rows,
                columns,
                keys: vec![],
                values: vec![0.0; rows * columns],
            })
        }

        fn compare(&mut self, _: &EncodedMark, _: &EncodedMark) -> Result<CellMap, InferenceError> {
            Ok(CellMap {
                columns: 0,
                rows: 0,
                probabilities: vec![],
            })
        }
    }

    #[test]
    fn a_mark_is_encoded_once_while_there_is_room_and_another_place_is_another_mark() {
        let frame = Frame {
            raster: Raster::from_fn(320, 224, |_, _| [90; 3]),
            from_unit: unit_to_pixels(320.0, 224.0),
            source_pixels: 1.0,
        };
        let grey = frame.raster.grey();
        let pixels = ReferencePixels {
            key: "pixels of one".into(),
            frame,
            grey,
        };
        let place = |x: f64, side: f64| {
            let outline = Rect::new(x, 40.0, x + side, 40.0 + side).corners();
            MarkBox::around(&outline, 320, 224).unwrap()
        };
        let cut = |place: &MarkBox| pixels.frame.raster.crop(place.padded);
        let (small, beside, large) = (place(40.0, 30.0), place(140.0, 30.0), place(40.0, 90.0));
        let room = 4 * cut(&large).pixels().len() / 3;
        let (cache, mut comparator) = (Cache::new(room), Counting(ModelId("counting@1".into()), 0));
        let mut ask = |place: &MarkBox| {
            cache
                .mark(&mut comparator, &pixels, place, &cut(place))
                .unwrap();
            comparator.1
        };
        assert_eq!(
            [ask(&small), ask(&small), ask(&beside), ask(&small)],
            [1, 1, 2, 2]
        );
        assert_eq!(
            [ask(&large), ask(&large), ask(&small)],
            [3, 3, 4],
            "the large one leaves no room for others"
        );
    }
}
