//! Genuine scores to p-values and operating points (conformal prediction: Vovk, Gammerman, Shafer,
//! "Algorithmic Learning in a Random World", 2005).

use crate::domain::{
    score::{LogOdds, PValue},
    tuning::listing::TAIL_SHARE,
};

/// Where a calibration's scores come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalibrationSource {
    /// Genuine photos of the claimed product.
    Product,
    /// Genuine photos of all of the brand's products.
    Brand,
    /// The calibration shipped with the program.
    Default,
}

/// Scores of genuine photos, one per item, and the budget they are used with.
#[derive(Clone, Debug, PartialEq)]
pub struct Calibration {
    /// Changes with the scores, the models and the rule.
    pub id: String,
    /// Share of genuine photos that may be flagged, 0 to 1.
    pub budget: f64,
    /// Where the scores come from.
    pub source: CalibrationSource,
    /// Ascending genuine scores.
    scores: Vec<LogOdds>,
    /// Number of distinct items among them.
    pub items: usize,
}

impl Calibration {
    /// A calibration from (item, score) pairs.
    pub fn new(
        id: String,
        budget: f64,
        source: CalibrationSource,
        scores: &[(String, LogOdds)],
    ) -> Self {
        let mut items: Vec<&str> = scores.iter().map(|s| s.0.as_str()).collect();
        items.sort_unstable();
        // Photos of one item are alike: only items are independent evidence.
        items.dedup();
        let items = items.len();
        let mut scores: Vec<LogOdds> = scores.iter().map(|s| s.1).collect();
        scores.sort_unstable();
        Self {
            id,
            budget,
            source,
            scores,
            items,
        }
    }

    /// Share of genuine photos at least as strange as a photo of this score, that photo counted in.
    pub fn p_value(&self, score: LogOdds) -> PValue {
        let stranger = self.scores.partition_point(|s| *s <= score);
        // The photo is counted in: it might be as genuine as the others, and a p-value is never 0.
        PValue::saturating((stranger + 1) as f64 / (self.scores.len() + 1) as f64)
    }

    /// The least p-value that so many scores support.
    pub fn least_p_value(&self) -> PValue {
        PValue::saturating(1.0 / (self.scores.len() + 1) as f64)
    }

    /// The p-value of a score as one of several: beyond the lowest score, where a p-value by
    /// counting stays at its least, it falls on.
    ///
    /// This assumes of genuine scores that their distribution function is log-concave, as those of
    /// normal, logistic and exponential scores are: its logarithm then falls at least as steeply
    /// beyond the lowest score as between that and the median. A share of that slope is taken
    /// ([`TAIL_SHARE`]), since both are known from few scores.
    // Without it, listings of several photos could not be flagged by a small calibration even where
    // every mark of a photo is another.
    pub fn strangeness(&self, score: LogOdds) -> PValue {
        let (Some(lowest), Some(median)) = (
            self.scores.first(),
            self.scores.get(self.scores.len().saturating_sub(1) / 2),
        ) else {
            return self.p_value(score);
        };
        let width = median.get() - lowest.get();
        if score >= *lowest || width <= 0.0 {
            return self.p_value(score);
        }
        let least = self.least_p_value().get();
        let fall = (least / self.p_value(*median).get()).ln() / width;
        let beyond = TAIL_SHARE * (lowest.get() - score.get());
        PValue::saturating(least * (fall * beyond).exp())
    }

    /// Whether a p-value is within the budget for being flagged or, where the scores are too few
    /// for the budget, the least there is.
    pub fn is_beyond_budget(&self, p_value: PValue) -> bool {
        // Too few scores could never reach a small budget: then the strangest of all is flagged.
        !self.scores.is_empty() && p_value.get() <= self.budget.max(self.least_p_value().get())
    }

    /// Whether a photo of this score is flagged: its p-value is within the budget or, where the
    /// scores are too few for the budget, it is stranger than every one of them.
    pub fn flags(&self, score: LogOdds) -> bool {
        self.is_beyond_budget(self.p_value(score))
    }

    /// Number of scores.
    pub fn len(&self) -> usize {
        self.scores.len()
    }

    /// Whether there is no score.
    pub fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    /// Upper 95 % bound of the false-flag rate that this many items support when none of them is
    /// flagged.
    pub fn bound_95(&self) -> f64 {
        if self.items == 0 {
            1.0
        } else {
            // The rate at which so many items would all pass with a chance of 5 %.
            1.0 - 0.05_f64.powf(1.0 / self.items as f64)
        }
    }
}
