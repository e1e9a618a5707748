//! Exact search for the embeddings most alike to some.

use std::ops::Range;

use super::embedding::QuantisedEmbedding;

/// The embeddings of one model of a gallery side by side, as signed bytes.
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
    /// An index without rows, for about as many as another has.
    pub(crate) fn like(other: &Self) -> Self {
        Self {
            dimensions: other.dimensions,
            values: Vec::with_capacity(other.values.len() + other.dimensions),
            scales: Vec::with_capacity(other.scales.len() + 1),
        }
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, embedding: &QuantisedEmbedding) {
        let row = embedding.values();
        if self.scales.is_empty() {
            self.dimensions = row.len();
        }
        if row.len() == self.dimensions {
            self.values.extend(row);
            self.scales.push(embedding.scale());
        } else {
            self.values.resize(self.values.len() + self.dimensions, 0);
            self.scales.push(0.0);
        }
    }

    /// Adds rows of an index of the same embeddings.
    pub(crate) fn extend(&mut self, other: &Self, rows: Range<usize>) {
        // Of an index without rows nobody knows how long they are.
        if rows.is_empty() {
            return;
        }
        let values = rows.start * other.dimensions..rows.end * other.dimensions;
        self.dimensions = other.dimensions;
        self.values.extend_from_slice(&other.values[values]);
        self.scales.extend_from_slice(&other.scales[rows]);
    }

    /// For each embedding asked, the rows of as many as wanted that are most alike to it (by cosine),
    /// of those in `among`: the most alike first, of equals the first. All are found in one pass.
    pub(crate) fn nearest<const N: usize>(
        &self,
        asked: [(&QuantisedEmbedding, usize); N],
        among: impl IntoIterator<Item = Range<usize>>,
    ) -> [Vec<usize>; N] {
        let mut searches = asked.map(|(embedding, count)| {
            let fits = embedding.values().len() == self.dimensions && self.dimensions > 0;
            Best {
                asked: embedding.values().iter().map(|v| i16::from(*v)).collect(),
                count: if fits { count } else { 0 },
                rows: Vec::new(),
            }
        });
        for places in among {
            let bytes = places.start * self.dimensions..places.end * self.dimensions;
            let rows = self.values[bytes].chunks_exact(self.dimensions.max(1));
            for ((n, row), scale) in places.clone().zip(rows).zip(&self.scales[places]) {
                for search in &mut searches {
                    search.see(n, row, *scale);
                }
            }
        }
        searches.map(|search| search.rows.into_iter().map(|(_, n)| n).collect())
    }
}

/// The rows most alike to one embedding, of those seen so far.
struct Best {
    asked: Vec<i16>,
    count: usize,
    /// The most alike first, `count` at most.
    rows: Vec<(f32, usize)>,
}

impl Best {
    fn see(&mut self, n: usize, row: &[i8], scale: f32) {
        if self.count == 0 {
            return;
        }
        let alike = dot(row, &self.asked) as f32 * scale;
        let is_full = self.rows.len() == self.count;
        // Nearly all rows end here: few are wanted of many.
        if is_full && self.rows[self.count - 1].0 >= alike {
            return;
        }
        if is_full {
            self.rows.pop();
        }
        let place = self.rows.partition_point(|(known, _)| *known >= alike);
        self.rows.insert(place, (alike, n));
    }
}

/// The product of two rows; whole numbers, hence exact.
fn dot(row: &[i8], asked: &[i16]) -> i32 {
    fn product<'a>(row: impl IntoIterator<Item = &'a i8>, asked: &[i16]) -> i32 {
        let pairs = row.into_iter().zip(asked);
        pairs
            .map(|(a, b)| i32::from(i16::from(*a)) * i32::from(*b))
            .sum()
    }
    // In pieces of a known length, which the compiler makes more than twice as fast.
    let ((rows, row_end), (asked, asked_end)) = (row.as_chunks::<32>(), asked.as_chunks::<32>());
    let pieces = rows.iter().zip(asked).map(|(a, b)| product(a, b));
    pieces.sum::<i32>() + product(row_end, asked_end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn index<'a>(embeddings: impl IntoIterator<Item = &'a QuantisedEmbedding>) -> EmbeddingIndex {
        let mut index = EmbeddingIndex::default();
        embeddings.into_iter().for_each(|e| index.push(e));
        index
    }

    fn embedding(values: &[i8]) -> QuantisedEmbedding {
        QuantisedEmbedding::from_parts(values.into(), 1.0 / 127.0)
    }

    proptest! {
        /// Against the plain way: the cosine of each pair, all of them sorted.
        #[test]
        fn it_finds_what_comparing_with_each_finds(
            rows in prop::collection::vec(prop::collection::vec(-127_i8..=127, 41), 1..40),
            asked in prop::array::uniform2(prop::collection::vec(-127_i8..=127, 41)),
            counts in prop::array::uniform2(0_usize..12),
            cut in prop::array::uniform2(0_usize..40),
        ) {
            let all: Vec<QuantisedEmbedding> = rows.iter().map(|r| embedding(r)).collect();
            let asked = asked.map(|a| embedding(&a));
            let [start, end] = cut.map(|n| n.min(all.len()));
            let among = [0..start.min(end), start.max(end)..all.len()];
            let plain = |asked: &QuantisedEmbedding, count: usize| {
                let mut plain: Vec<usize> = among.iter().cloned().flatten().collect();
                plain.sort_by(|a, b| asked.cosine(&all[*b]).total_cmp(&asked.cosine(&all[*a])));
                plain.truncate(count);
                plain
            };
            let wanted = [plain(&asked[0], counts[0]), plain(&asked[1], counts[1])];
            let index = index(&all);
            let both = [(&asked[0], counts[0]), (&asked[1], counts[1])];
            prop_assert_eq!(index.nearest(both, among.clone()), wanted);
        }
    }

    #[test]
    fn an_embedding_of_another_length_is_alike_to_none() {
        let [own, other] = [embedding(&[1, 2, 3]), embedding(&[100, 100])];
        let index = index([&own, &other, &own]);
        let all = || std::iter::once(0..3);
        assert_eq!(
            index.nearest([(&own, 2), (&other, 2)], all()),
            [vec![0, 2], vec![]]
        );
        assert_eq!(
            EmbeddingIndex::default().nearest([(&own, 2)], []),
            [[0_usize; 0]]
        );
    }
}
