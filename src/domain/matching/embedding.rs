//! Unit-length vectors of whole images, tagged with the model that made them, and exact int8 search
//! over them.

/// Name and version of the model that produced a vector or a descriptor, as `name@version`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelId(pub String);

impl std::fmt::Display for ModelId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Two vectors cannot be compared.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum EmbeddingError {
    /// The vector is empty, all zero or holds NaN.
    #[error("the embedding has no direction")]
    NoDirection,
    /// Vectors of different models live in different spaces.
    #[error("embeddings of `{0}` and `{1}` cannot be compared")]
    OtherModel(ModelId, ModelId),
}

/// A unit-length vector of a whole image.
#[derive(Clone, Debug, PartialEq)]
pub struct Embedding {
    model: ModelId,
    values: Vec<f32>,
}

impl Embedding {
    /// Scales `values` to unit length.
    pub fn new(model: ModelId, mut values: Vec<f32>) -> Result<Self, EmbeddingError> {
        let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt();
        // A picture without a direction is no more alike to one than to another: better refused
        // than 0 or NaN.
        if !norm.is_finite() || norm <= f32::EPSILON {
            return Err(EmbeddingError::NoDirection);
        }
        values.iter_mut().for_each(|v| *v /= norm);
        Ok(Self { model, values })
    }

    /// The model that made it.
    pub fn model(&self) -> &ModelId {
        &self.model
    }

    /// The components, of unit length together.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Cosine similarity, -1 to 1.
    pub fn cosine(&self, other: &Self) -> Result<f32, EmbeddingError> {
        if self.model != other.model || self.values.len() != other.values.len() {
            return Err(EmbeddingError::OtherModel(
                self.model.clone(),
                other.model.clone(),
            ));
        }
        Ok(self
            .values
            .iter()
            .zip(&other.values)
            .map(|(a, b)| a * b)
            .sum())
    }

    /// Components as signed bytes with one scale per vector, for search: a quarter of the memory,
    /// and the ranking of unit vectors survives (error of a cosine below 0.01).
    #[expect(
        clippy::cast_possible_truncation,
        reason = "no value exceeds the peak, hence none exceeds 127"
    )]
    pub fn quantised(&self) -> QuantisedEmbedding {
        let peak = self
            .values
            .iter()
            .fold(0.0_f32, |m, v| m.max(v.abs()))
            // A vector of nothing must not divide by 0.
            .max(f32::MIN_POSITIVE);
        let values = self
            .values
            .iter()
            .map(|v| (v / peak * 127.0).round() as i8)
            .collect();
        QuantisedEmbedding {
            values,
            scale: peak / 127.0,
        }
    }
}

/// An embedding as signed bytes and one scale.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantisedEmbedding {
    values: Box<[i8]>,
    scale: f32,
}

impl QuantisedEmbedding {
    /// An embedding from what [`QuantisedEmbedding::values`] and [`QuantisedEmbedding::scale`]
    /// gave.
    pub fn from_parts(values: Box<[i8]>, scale: f32) -> Self {
        Self { values, scale }
    }

    /// The components as signed bytes.
    pub fn values(&self) -> &[i8] {
        &self.values
    }

    /// What a byte's step is worth.
    pub fn scale(&self) -> f32 {
        self.scale
    }

    /// Approximate cosine similarity of two quantised unit vectors of one model.
    pub fn cosine(&self, other: &Self) -> f32 {
        let dot: i32 = self
            .values
            .iter()
            .zip(&other.values)
            .map(|(a, b)| i32::from(*a) * i32::from(*b))
            .sum();
        // Scaled once at the end: until then the sums are whole numbers, hence exact.
        dot as f32 * self.scale * other.scale
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f32]) -> Embedding {
        Embedding::new(ModelId("m@1".into()), values.to_vec()).unwrap()
    }

    #[test]
    fn vectors_become_unit_length_and_zero_is_refused() {
        assert_eq!(of(&[3.0, 4.0]).values(), &[0.6, 0.8]);
        assert_eq!(
            Embedding::new(ModelId("m@1".into()), vec![0.0; 4]),
            Err(EmbeddingError::NoDirection)
        );
    }

    #[test]
    fn other_models_cannot_be_compared() {
        let b = Embedding::new(ModelId("m@2".into()), vec![1.0, 0.0]).unwrap();
        assert!(of(&[1.0, 0.0]).cosine(&b).is_err());
    }

    #[test]
    fn bytes_keep_the_cosine() {
        let a = of(&(0..64).map(|i| (i as f32 * 0.7).sin()).collect::<Vec<_>>());
        let b = of(&(0..64)
            .map(|i| (i as f32 * 0.7 + 0.4).sin())
            .collect::<Vec<_>>());
        let exact = a.cosine(&b).unwrap();
        assert!((a.quantised().cosine(&b.quantised()) - exact).abs() < 0.01);
    }
}
