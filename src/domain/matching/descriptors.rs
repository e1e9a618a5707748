//! Tentative correspondences between two feature sets, and a quick vote on how a reference is
//! turned.

use ndarray::{ArrayView2, Axis};

use crate::domain::{features::FeatureSet, geometry::Point, tuning::search::VOTE_COSINE};

/// A tentative pair of keypoints, before geometry.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Correspondence {
    /// Index of the keypoint in the first set.
    pub first: usize,
    /// Index of the keypoint in the second set.
    pub second: usize,
    /// Cosine similarity of the descriptors, -1 to 1.
    pub cosine: f32,
}

/// Rows multiplied at once: their products stay in the processor's cache.
const ROWS: usize = 64;

/// Cosines looked at together: most runs of so many hold none that matters.
const RUN: usize = 16;

/// Mutual nearest neighbours by cosine similarity, strongest first; pairs below `min_cosine` are
/// left out. Sets of different models or lengths have none. Ties go to the lower index, so that the
/// answer is reproducible.
pub(crate) fn mutual_nearest(
    first: &FeatureSet,
    second: &FeatureSet,
    min_cosine: f32,
) -> Vec<Correspondence> {
    // Spaces of different models have nothing in common: any cosine between them is chance.
    if first.model != second.model || first.dimensions != second.dimensions {
        return Vec::new();
    }
    let (Some(rows), Some(others)) = (matrix(first), matrix(second)) else {
        return Vec::new();
    };
    // What is left out is no pair's better either, so that only what reaches `min_cosine` is noted.
    let none = (f32::NEG_INFINITY, 0_usize);
    let (mut best_of_first, mut best_of_second) =
        (vec![none; first.len()], vec![none; second.len()]);
    let mut note = |i: usize, j: usize, cosine: f32| {
        for (best, from) in [(&mut best_of_first[i], j), (&mut best_of_second[j], i)] {
            if cosine > best.0 {
                *best = (cosine, from);
            }
        }
    };
    for (chunk, rows) in rows.axis_chunks_iter(Axis(0), ROWS).enumerate() {
        let cosines = rows.dot(&others.t());
        for (k, line) in cosines.outer_iter().enumerate() {
            let Some(line) = line.to_slice() else {
                continue;
            };
            for (r, run) in line.chunks(RUN).enumerate() {
                // Without a branch, so that it runs in vector registers.
                if run.iter().fold(false, |any, v| any | (*v >= min_cosine)) {
                    let reached = run.iter().enumerate().filter(|(_, v)| **v >= min_cosine);
                    reached.for_each(|(n, v)| note(chunk * ROWS + k, r * RUN + n, *v));
                }
            }
        }
    }
    let mut pairs: Vec<Correspondence> = best_of_first
        .iter()
        .enumerate()
        .filter(|(i, (cosine, j))| *cosine >= min_cosine && best_of_second[*j].1 == *i)
        .map(|(i, (cosine, j))| Correspondence {
            first: i,
            second: *j,
            cosine: *cosine,
        })
        .collect();
    // The robust fit draws the most trusted pairs first. Equal ones need an order too, or the draws
    // would differ.
    pairs.sort_by(|a, b| b.cosine.total_cmp(&a.cosine).then(a.first.cmp(&b.first)));
    pairs
}

/// Descriptors as a matrix of one row per keypoint.
fn matrix(set: &FeatureSet) -> Option<ArrayView2<'_, f32>> {
    ArrayView2::from_shape((set.len(), set.dimensions), &set.descriptors).ok()
}

/// The places of the pairs, in the pixels of each set's frame.
pub(crate) fn located(
    first: &FeatureSet,
    second: &FeatureSet,
    pairs: &[Correspondence],
) -> Vec<(Point, Point)> {
    let at = |set: &FeatureSet, i: usize| {
        Point::new(f64::from(set.keypoints[i].x), f64::from(set.keypoints[i].y))
    };
    pairs
        .iter()
        .map(|p| (at(first, p.first), at(second, p.second)))
        .collect()
}

/// How many of the photo's `from_photo` strongest keypoints resemble one of the reference's
/// `from_reference` strongest, for each of its four rotations; 0 for sets of different models or
/// lengths.
pub(crate) fn votes(
    photo: &FeatureSet,
    reference: &[FeatureSet; 4],
    [from_photo, from_reference]: [usize; 2],
) -> [usize; 4] {
    let Some(seen) = strongest(photo, from_photo) else {
        return [0; 4];
    };
    reference.each_ref().map(|turn| {
        // Spaces of different models have nothing in common.
        if turn.model != photo.model || turn.dimensions != photo.dimensions {
            return 0;
        }
        let own = strongest(turn, from_reference);
        own.map_or(0, |own| {
            seen.dot(&own.t())
                .outer_iter()
                .filter(|row| row.iter().any(|cosine| *cosine >= VOTE_COSINE))
                .count()
        })
    })
}

/// The strongest `count` descriptors, one a row.
fn strongest(set: &FeatureSet, count: usize) -> Option<ArrayView2<'_, f32>> {
    // Sets are in order of falling score: the first rows are the strongest.
    let rows = set.len().min(count);
    let values = set.descriptors.get(..rows * set.dimensions)?;
    ArrayView2::from_shape((rows, set.dimensions), values).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{embedding::ModelId, features::Keypoint};
    use proptest::prelude::*;

    fn set(rows: &[Vec<f32>]) -> FeatureSet {
        let dimensions = rows.first().map_or(1, Vec::len);
        let descriptors = rows
            .iter()
            .flat_map(|r| {
                let n = r.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-6);
                r.iter().map(move |v| v / n)
            })
            .collect();
        let keypoints = rows
            .iter()
            .enumerate()
            .map(|(i, _)| Keypoint {
                x: i as f32,
                y: 0.0,
                score: 1.0,
            })
            .collect();
        FeatureSet {
            model: ModelId("m@1".into()),
            width: 64,
            height: 64,
            keypoints,
            descriptors,
            dimensions,
        }
    }

    /// The definition, written the slow way.
    fn reference_mutual(a: &FeatureSet, b: &FeatureSet, min: f32) -> Vec<(usize, usize)> {
        let cosine = |i: usize, j: usize| {
            a.descriptor(i)
                .iter()
                .zip(b.descriptor(j))
                .map(|(x, y)| x * y)
                .sum::<f32>()
        };
        let mut out = Vec::new();
        for i in 0..a.len() {
            for j in 0..b.len() {
                let c = cosine(i, j);
                let best_row =
                    (0..b.len()).all(|k| cosine(i, k) < c || (k >= j && cosine(i, k) <= c));
                let best_col =
                    (0..a.len()).all(|k| cosine(k, j) < c || (k >= i && cosine(k, j) <= c));
                if best_row && best_col && c >= min {
                    out.push((i, j));
                }
            }
        }
        out
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(
            a in prop::collection::vec(prop::collection::vec(-1.0..1.0_f32, 20), 1..14),
            b in prop::collection::vec(prop::collection::vec(-1.0..1.0_f32, 20), 1..14),
        ) {
            let (a, b) = (set(&a), set(&b));
            let mut found: Vec<_> = mutual_nearest(&a, &b, 0.1).iter().map(|p| (p.first, p.second)).collect();
            found.sort_unstable();
            prop_assert_eq!(found, reference_mutual(&a, &b, 0.1));
        }
    }

    #[test]
    fn sets_of_other_models_have_no_pairs() {
        let a = set(&[vec![1.0, 0.0]]);
        let mut b = a.clone();
        b.model = ModelId("m@2".into());
        assert!(mutual_nearest(&a, &b, 0.0).is_empty());
    }

    #[test]
    fn a_picture_votes_for_itself() {
        let rows: Vec<Vec<f32>> = (0..8)
            .map(|i| (0..16).map(|k| f32::from(u8::from(i == k))).collect())
            .collect();
        let features = set(&rows);
        let other = set(&[rows[0].iter().map(|v| -v).collect()]);
        let turns = [&other, &other, &features, &other].map(Clone::clone);
        assert_eq!(votes(&features, &turns, [8, 8]), [0, 0, 8, 0]);
        assert_eq!(votes(&features, &turns, [5, 3]), [0, 0, 3, 0]);
        let mut foreign = turns;
        foreign[2].model = ModelId("m@2".into());
        assert_eq!(votes(&features, &foreign, [8, 8]), [0; 4]);
    }
}
