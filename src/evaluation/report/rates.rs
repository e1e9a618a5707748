//! Shares as they are told: with counts and interval.

use serde::Serialize;

use crate::domain::rates::Rate;

/// A rate with its counts and Wilson's 95 % interval.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct RateReport {
    /// The share, 0 to 1.
    pub share: f64,
    /// How often.
    pub hits: usize,
    /// Out of how many.
    pub total: usize,
    wilson_95: [f64; 2],
}

impl From<Rate> for RateReport {
    fn from(rate: Rate) -> Self {
        // Wilson's interval, since with few photos and shares near 0 or 1 the usual one leaves the
        // range.
        let (low, high) = rate.wilson_95();
        Self {
            share: rate.share(),
            hits: rate.hits,
            total: rate.total,
            wilson_95: [low, high],
        }
    }
}

impl RateReport {
    /// For people.
    pub(crate) fn text(&self) -> String {
        // A share of nothing, printed as 0 %, would read as a result.
        if self.total == 0 {
            return "-".into();
        }
        let [low, high] = self.wilson_95;
        let percent = |v: f64| v * 100.0;
        format!(
            "{:5.1} % [{:.1}, {:.1}] ({}/{})",
            percent(self.share),
            percent(low),
            percent(high),
            self.hits,
            self.total
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_told_with_counts_and_interval() {
        let report = RateReport::from(Rate {
            hits: 3,
            total: 120,
        });
        assert_eq!(report.text(), "  2.5 % [0.9, 7.1] (3/120)");
        assert_eq!(RateReport::from(Rate::default()).text(), "-");
    }
}
