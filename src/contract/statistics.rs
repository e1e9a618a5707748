//! How many checks claimed a brand, and what came of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Id, Verdict};
use crate::domain::rates::Rate;

/// What was checked against a brand in some days. It names neither listings nor sellers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatisticsAnswer {
    /// Brand id.
    #[schema(value_type = Id)]
    pub brand: String,
    /// Every day, oldest first, also those without a check; the last is today, UTC.
    pub days: Vec<DayAnswer>,
    /// Checks of all these days by verdict; those that did not occur are absent.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// Checks of all these days by the product that they claim. Claims on the brand alone are absent.
    pub products: BTreeMap<String, usize>,
    /// What people decided about those of these checks that were flagged.
    pub decided: DecidedAnswer,
}

/// The checks of one day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DayAnswer {
    /// The day, UTC.
    #[schema(format = Date)]
    pub day: String,
    /// Checks by verdict; those that did not occur are absent.
    pub verdicts: BTreeMap<Verdict, usize>,
}

/// Flagged checks that people decided about.
// Not a rate of all genuine goods: only what was flagged is ever looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecidedAnswer {
    /// Checks whose flag was right.
    pub upheld: usize,
    /// Checks whose flag was wrong.
    pub overturned: usize,
    /// Share of these that was wrong, 0 to 1; `null` while nothing is decided.
    pub overturned_share: Option<f64>,
    /// Wilson's 95 % interval of that share; `null` while nothing is decided.
    pub overturned_wilson_95: Option<[f64; 2]>,
}

impl DecidedAnswer {
    /// From how many were upheld and overturned.
    pub fn of(upheld: usize, overturned: usize) -> Self {
        let rate = Rate {
            hits: overturned,
            total: upheld + overturned,
        };
        let (low, high) = rate.wilson_95();
        let known = rate.total > 0;
        Self {
            upheld,
            overturned,
            // None and not zero: without decisions nothing is known of how often flags are wrong.
            overturned_share: known.then(|| rate.share()),
            overturned_wilson_95: known.then_some([low, high]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_decisions_no_share_is_told() {
        let none = DecidedAnswer::of(0, 0);
        assert_eq!(
            (none.overturned_share, none.overturned_wilson_95),
            (None, None)
        );
        let some = DecidedAnswer::of(3, 1);
        assert_eq!(some.overturned_share, Some(0.25));
        let [low, high] = some.overturned_wilson_95.unwrap();
        assert!(low < 0.1 && high > 0.6, "{low} {high}");
    }
}
