//! One newtype per scale; construction rejects NaN, so that sorting and comparing are total.

use std::fmt;

/// A score is not a number on its scale.
#[derive(Debug, thiserror::Error, PartialEq)]
#[error("`{value}` is not a {scale}")]
pub struct ScoreError {
    /// Name of the scale.
    pub scale: &'static str,
    /// The value refused.
    pub value: f64,
}

macro_rules! unit_score {
    ($(#[$doc:meta])* $name:ident, $scale:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name(f64);

        impl $name {
            /// Takes a value in 0 to 1; NaN and values outside are refused.
            pub fn new(value: f64) -> Result<Self, ScoreError> {
                // NaN lies in no range, hence it is refused here too.
                if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(ScoreError { scale: $scale, value }) }
            }

            /// Brings a finite value into 0 to 1; NaN becomes 0, the answer that claims least.
            pub fn saturating(value: f64) -> Self {
                // A result that is no number must not stop a check: it counts neither for nor
                // against.
                if value.is_nan() { Self(0.0) } else { Self(value.clamp(0.0, 1.0)) }
            }

            /// The value, 0 to 1.
            pub fn get(self) -> f64 {
                self.0
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> std::cmp::Ordering {
                self.0.total_cmp(&other.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:.3}", self.0)
            }
        }
    };
}

unit_score!(
    /// How alike a photo and a reference are, fused over all channels, 0 to 1; higher is more
    /// alike.
    Similarity, "similarity between 0 and 1"
);
unit_score!(
    /// Conformal p-value: the share of genuine calibration items at least as unlike, 0 to 1; lower
    /// is stranger.
    PValue, "p-value between 0 and 1"
);
unit_score!(
    /// How surely the same place of photo and reference differs, 0 to 1; higher is more different.
    Difference, "difference between 0 and 1"
);

/// Log-odds that a photo is genuine: any finite number, higher is more genuine, 0 says nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LogOdds(f64);

impl LogOdds {
    /// Takes a finite value; NaN and infinities are refused.
    pub fn new(value: f64) -> Result<Self, ScoreError> {
        if value.is_finite() {
            Ok(Self(value))
        } else {
            Err(ScoreError {
                scale: "log-odds, a finite number",
                value,
            })
        }
    }

    /// The result of a computation: every finite value as it is, infinities the nearest finite one;
    /// NaN becomes 0, which says nothing.
    pub fn saturating(value: f64) -> Self {
        if value.is_nan() {
            Self(0.0)
        } else {
            Self(value.clamp(f64::MIN, f64::MAX))
        }
    }

    /// The value.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl Eq for LogOdds {}

impl PartialOrd for LogOdds {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for LogOdds {
    /// As numbers compare, so that 0 equals -0 here as it does in `==`; finite numbers always do.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0
            .partial_cmp(&other.0)
            // Never met: no value here is NaN.
            .unwrap_or(std::cmp::Ordering::Equal)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "the same sum gives the same bits")]

    use super::*;

    #[test]
    fn nan_and_values_outside_are_refused() {
        assert!(Similarity::new(f64::NAN).is_err());
        assert!(Similarity::new(1.01).is_err());
        assert_eq!(Similarity::new(0.5).map(Similarity::get), Ok(0.5));
        assert_eq!(Similarity::saturating(f64::NAN).get(), 0.0);
    }

    #[test]
    fn log_odds_are_finite_keep_every_bit_and_have_one_order() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert!(LogOdds::new(value).is_err());
            assert!(LogOdds::saturating(value).get().is_finite());
        }
        for value in [-0.0, 0.1 + 0.2, f64::MIN_POSITIVE / 8.0, f64::MAX] {
            assert_eq!(LogOdds::saturating(value).get().to_bits(), value.to_bits());
        }
        let [low, zero, minus_zero] = [-1.5, 0.0, -0.0].map(LogOdds::saturating);
        assert!(low < zero && low.min(zero) == low);
        assert_eq!(zero.cmp(&minus_zero), std::cmp::Ordering::Equal);
        assert_eq!(zero, minus_zero);
    }
}
