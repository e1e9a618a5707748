//! Tentative correspondences between two feature sets, and the coarse vote that shortlists a large
//! gallery.

use ndarray::{Array2, ArrayView2, Axis};

use crate::domain::{
    features::FeatureSet, geometry::Point, number::count_u32, tuning::search::VOTE_COSINE,
};

/// The strongest descriptors of a reference in each of four rotations, as signed bytes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CoarseDescriptors {
    /// Per quarter turn: rows of `dimensions` bytes.
    pub turns: [Box<[i8]>; 4],
    /// Length of one descriptor.
    pub dimensions: usize,
}

impl CoarseDescriptors {
    /// Keypoints that they are of, upright.
    pub(crate) fn len(&self) -> usize {
        self.turns[0].len() / self.dimensions.max(1)
    }
}

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

/// Mutual nearest neighbours by cosine similarity, strongest first; pairs below `min_cosine` are
/// left out. Sets of different models or lengths have none. Ties go to the lower index, so that the
/// answer is reproducible.
#[expect(
    clippy::float_cmp,
    reason = "the largest of a line's own values is sought again, to the last bit"
)]
pub(crate) fn mutual_nearest(
    first: &FeatureSet,
    second: &FeatureSet,
    min_cosine: f32,
) -> Vec<Correspondence> {
    // Spaces of different models have nothing in common: any cosine between them is chance.
    if first.model != second.model || first.dimensions != second.dimensions {
        return Vec::new();
    }
    let mut best_of_first = vec![(f32::NEG_INFINITY, 0_usize); first.len()];
    // Apart, so that the loop over them has no branch and runs in vector registers.
    let (mut best_cosine, mut best_of_second) = (
        vec![f32::NEG_INFINITY; second.len()],
        vec![0_u32; second.len()],
    );
    let (Some(rows), Some(others)) = (matrix(first), matrix(second)) else {
        return Vec::new();
    };
    for (chunk, rows) in rows.axis_chunks_iter(Axis(0), ROWS).enumerate() {
        let cosines = rows.dot(&others.t());
        for (k, line) in cosines.outer_iter().enumerate() {
            let i = chunk * ROWS + k;
            // As 32 bits beside 32-bit cosines, so that the loop below takes as many of each at
            // once.
            let number = count_u32(i);
            for ((&cosine, best), from) in
                line.iter().zip(&mut best_cosine).zip(&mut best_of_second)
            {
                *from = if cosine > *best { number } else { *from };
                *best = if cosine > *best { cosine } else { *best };
            }
            // Values first, then the place of the largest: one loop that kept both would have a
            // branch.
            let most = line
                .iter()
                .fold(f32::NEG_INFINITY, |m, &v| if v > m { v } else { m });
            best_of_first[i] = (most, line.iter().position(|v| *v == most).unwrap_or(0));
        }
    }
    let mut pairs: Vec<Correspondence> = best_of_first
        .iter()
        .enumerate()
        .filter(|(i, (cosine, j))| *cosine >= min_cosine && best_of_second[*j] as usize == *i)
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

/// The strongest `count` descriptors as signed bytes (a component of 1 becomes 127).
#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is clamped to the type first"
)]
pub(crate) fn quantise_strongest(set: &FeatureSet, count: usize) -> Box<[i8]> {
    // Sets are in order of falling score: the first rows are the strongest.
    let wanted = set.len().min(count) * set.dimensions;
    set.descriptors[..wanted]
        .iter()
        .map(|v| (v * 127.0).round().clamp(-127.0, 127.0) as i8)
        .collect()
}

/// Bytes of [`quantise_strongest`] as the matrix that [`coarse_votes`] multiplies: exact, since
/// every product and sum of 64 of them is a whole number below 2^24.
pub(crate) fn coarse_matrix(bytes: &[i8], dimensions: usize) -> Array2<f32> {
    let rows = bytes.len() / dimensions.max(1);
    let values = bytes[..rows * dimensions]
        .iter()
        .map(|v| f32::from(*v))
        .collect();
    Array2::from_shape_vec((rows, dimensions), values).unwrap_or_default()
}

/// How many of the photo's strongest keypoints resemble one of the reference's, for each of the
/// four rotations.
pub(crate) fn coarse_votes(photo: &Array2<f32>, reference: &CoarseDescriptors) -> [usize; 4] {
    // Both sides stand in 127ths: so the product is compared without scaling it back.
    let needed = VOTE_COSINE * 127.0 * 127.0;
    std::array::from_fn(|turn| {
        let others = coarse_matrix(&reference.turns[turn], reference.dimensions);
        // Of another model, or of no keypoints: nothing to vote with.
        if others.ncols() != photo.ncols() {
            return 0;
        }
        photo
            .dot(&others.t())
            .outer_iter()
            .filter(|row| row.iter().any(|cosine| *cosine >= needed))
            .count()
    })
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
            .map(|i| (0..16).map(|k| ((i * 16 + k) as f32 * 1.7).sin()).collect())
            .collect();
        let features = set(&rows);
        let bytes = quantise_strongest(&features, 8);
        let mut coarse = CoarseDescriptors {
            dimensions: 16,
            ..Default::default()
        };
        coarse.turns[2] = bytes.clone();
        assert_eq!(
            coarse_votes(&coarse_matrix(&bytes, 16), &coarse),
            [0, 0, 8, 0]
        );
    }
}
