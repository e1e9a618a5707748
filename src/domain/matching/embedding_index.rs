//! Exact search for the embeddings most alike to one.

use super::embedding::QuantisedEmbedding;

/// The embeddings of a gallery side by side, as signed bytes.
// One run of memory: a hundred thousand of 256 bytes are read in about the time of one model run.
#[derive(Debug, Default)]
pub(crate) struct EmbeddingIndex {
    dimensions: usize,
    /// Rows of `dimensions` bytes.
    values: Vec<i8>,
    /// What a byte's step is worth, by row; 0 for a row of another length, which is alike to none.
    scales: Vec<f32>,
}

impl EmbeddingIndex {
    /// Of embeddings of one model.
    pub(crate) fn of<'a>(embeddings: impl Iterator<Item = &'a QuantisedEmbedding>) -> Self {
        let mut index = Self::default();
        for embedding in embeddings {
            let row = embedding.values();
            if index.scales.is_empty() {
                index.dimensions = row.len();
            }
            match row.len() == index.dimensions {
                true => {
                    index.values.extend(row);
                    index.scales.push(embedding.scale());
                }
                false => {
                    let empty = index.values.len() + index.dimensions;
                    index.values.resize(empty, 0);
                    index.scales.push(0.0);
                }
            }
        }
        index
    }

    /// The rows of the `count` embeddings most alike to `embedding` (by cosine), of those `wanted`,
    /// the most alike first; of equals the first.
    pub(crate) fn nearest(
        &self,
        embedding: &QuantisedEmbedding,
        count: usize,
        wanted: impl Fn(usize) -> bool,
    ) -> Vec<usize> {
        if embedding.values().len() != self.dimensions || self.dimensions == 0 {
            return Vec::new();
        }
        let asked: Vec<i16> = embedding.values().iter().map(|v| i16::from(*v)).collect();
        let rows = self.values.chunks_exact(self.dimensions).zip(&self.scales);
        let mut all: Vec<(f32, usize)> = rows
            .enumerate()
            .filter(|(n, _)| wanted(*n))
            .map(|(n, (row, scale))| (dot(row, &asked) as f32 * scale, n))
            .collect();
        let order = |a: &(f32, usize), b: &(f32, usize)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        // Only the first few need an order.
        if count < all.len() {
            all.select_nth_unstable_by(count, order);
            all.truncate(count);
        }
        all.sort_by(order);
        all.into_iter().map(|(_, n)| n).collect()
    }
}

/// The product of two rows; whole numbers, hence exact.
fn dot(row: &[i8], asked: &[i16]) -> i32 {
    row.iter()
        .zip(asked)
        .map(|(a, b)| i32::from(i16::from(*a)) * i32::from(*b))
        .sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn embedding(values: &[i8]) -> QuantisedEmbedding {
        QuantisedEmbedding::from_parts(values.into(), 1.0 / 127.0)
    }

    proptest! {
        /// Against the plain way: the cosine of each pair, all of them sorted.
        #[test]
        fn it_finds_what_comparing_with_each_finds(
            rows in prop::collection::vec(prop::collection::vec(-127_i8..=127, 9), 1..40),
            asked in prop::collection::vec(-127_i8..=127, 9),
            count in 0_usize..12,
            odd in any::<bool>(),
        ) {
            let all: Vec<QuantisedEmbedding> = rows.iter().map(|r| embedding(r)).collect();
            let asked = embedding(&asked);
            let wanted = |n: usize| !odd || n % 2 == 1;
            let mut plain: Vec<usize> = (0..all.len()).filter(|n| wanted(*n)).collect();
            plain.sort_by(|a, b| asked.cosine(&all[*b]).total_cmp(&asked.cosine(&all[*a])));
            plain.truncate(count);
            prop_assert_eq!(EmbeddingIndex::of(all.iter()).nearest(&asked, count, wanted), plain);
        }
    }

    #[test]
    fn an_embedding_of_another_length_is_alike_to_none() {
        let [own, other] = [embedding(&[1, 2, 3]), embedding(&[100, 100])];
        let index = EmbeddingIndex::of([&own, &other, &own].into_iter());
        assert_eq!(index.nearest(&own, 2, |_| true), [0, 2]);
        assert_eq!(index.nearest(&other, 2, |_| true), [] as [usize; 0]);
    }
}
