//! A reference's local features as bytes: little-endian, descriptors as signed bytes.

use crate::{
    domain::{
        embedding::ModelId,
        features::{FeatureSet, Keypoint},
        geometry::{Homography, Rect, number::count_u32},
    },
    engine::prepare::{TurnedFeatures, to_byte},
};

// In front of the bytes, since the name they are stored under tells the model only.
const FORMAT: u8 = 2;

/// The name of the model that features are stored under: the same picture may serve as a whole for
/// one product and in part for another.
pub(crate) fn features_model(local: &ModelId, article: Option<Rect>) -> ModelId {
    match article.map(Rect::to_xywh) {
        Some([x, y, w, h]) => ModelId(format!("{local}-{x}-{y}-{w}-{h}")),
        None => local.clone(),
    }
}

/// Version, frame sides, descriptor length, map from 0..1, then per turn, of the whole frame and of
/// half its size, the count, points and descriptors.
pub(crate) fn features_to_bytes(features: &TurnedFeatures) -> Vec<u8> {
    let first = &features.turns[0];
    let mut out = vec![FORMAT];
    for v in [first.width, first.height, count_u32(first.dimensions)] {
        out.extend(v.to_le_bytes());
    }
    features
        .from_unit
        .0
        .iter()
        .for_each(|v| out.extend(v.to_le_bytes()));
    for set in features.turns.iter().chain(&features.half) {
        out.extend(count_u32(set.len()).to_le_bytes());
        for k in &set.keypoints {
            [k.x, k.y, k.score]
                .iter()
                .for_each(|v| out.extend(v.to_le_bytes()));
        }
        // A quarter of the space of floats. Extraction rounds to the same bytes, so what comes back
        // is equal to what was compared before.
        out.extend(set.descriptors.iter().map(|v| to_byte(*v).cast_unsigned()));
    }
    out
}

/// The features back from [`features_to_bytes`]; `None` for other bytes.
pub(crate) fn features_from_bytes(bytes: &[u8], model: &ModelId) -> Option<TurnedFeatures> {
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
    let mut sets = Vec::with_capacity(8);
    for _ in 0..8 {
        let count = u32_of(word(4)?)? as usize;
        // The count may come from a damaged file: a product that wraps would pass for a small one.
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
            .map(|b| f32::from(b.cast_signed()) / 127.0)
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
    let half = sets.split_off(4);
    Some(TurnedFeatures {
        from_unit: Homography(from_unit),
        turns: sets.try_into().ok()?,
        half: half.try_into().ok()?,
    })
}
