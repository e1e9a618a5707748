//! What is shipped with the program: the fusion, the thresholds and the default calibration, all
//! from calibration data.

use serde::Deserialize;

use crate::domain::{
    calibration::{Calibration, Class, ShippedScore},
    fusion::{Fusion, Logistic, MARK_INPUTS, PRESENCE_INPUTS, RIVALRY_INPUTS},
    score::LogOdds,
};

// Compiled in: a file beside the program could be missing or belong to another version of it.
const SHIPPED: &str = include_str!("../../models/calibration.json");

/// The shipped fusion, thresholds and calibration scores.
#[derive(Clone, Debug, PartialEq)]
pub struct Defaults {
    /// Id of the file, part of every calibration's id.
    pub id: String,
    /// The models.
    pub fusion: Fusion,
    /// Thresholds.
    pub thresholds: Thresholds,
    scores: Vec<ShippedScore>,
}

/// Cuts on single scores.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// Photos less sharp are `not_comparable`.
    pub min_sharpness: f64,
    /// Photos with a shorter side below this many pixels are `not_comparable`.
    pub min_short_side_px: u32,
    /// Photos with a mean grey value outside this range (0 to 1) are `not_comparable`.
    pub exposure: [f64; 2],
    /// A mark whose log-odds of being genuine are below this is `different`.
    pub mark_different_below: f64,
    /// A mark of which more than this share cannot be judged is `cannot_see`.
    pub mark_unseen_above: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    id: String,
    #[expect(
        dead_code,
        reason = "for people: what the figures were made from, and how"
    )]
    made_from: String,
    presence: Model,
    rivalry: Model,
    mark: Model,
    thresholds: Thresholds,
    /// Item, product, class and score of each genuine photo.
    scores: Vec<(String, String, String, f64)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Model {
    inputs: Vec<String>,
    weights: Vec<f64>,
    intercept: f64,
}

impl Model {
    fn logistic<const N: usize>(self, inputs: &[&str; N]) -> Result<Logistic<N>, String> {
        // Weights fitted for other inputs would multiply without an error and give plausible
        // nonsense. The names are the only guard.
        if self.inputs != inputs {
            return Err(format!(
                "the inputs are {:?}, this program computes {inputs:?}",
                self.inputs
            ));
        }
        let weights = self
            .weights
            .try_into()
            .map_err(|_| "as many weights as inputs are needed".to_owned())?;
        Ok(Logistic {
            weights,
            intercept: self.intercept,
        })
    }
}

impl Defaults {
    /// The defaults inside the program.
    pub fn shipped() -> Self {
        #[allow(
            clippy::panic,
            reason = "the file is part of the program and a test parses it: what was built cannot fail"
        )]
        Self::parse(SHIPPED).unwrap_or_else(|e| panic!("models/calibration.json: {e}"))
    }

    /// Defaults from the text of a calibration file.
    pub fn parse(text: &str) -> Result<Self, String> {
        let file: File = serde_json::from_str(text).map_err(|e| e.to_string())?;
        Ok(Self {
            id: file.id,
            fusion: Fusion {
                presence: file.presence.logistic(&PRESENCE_INPUTS)?,
                rivalry: file.rivalry.logistic(&RIVALRY_INPUTS)?,
                mark: file.mark.logistic(&MARK_INPUTS)?,
                unseen_above: file.thresholds.mark_unseen_above,
                different_below: file.thresholds.mark_different_below,
            },
            thresholds: file.thresholds,
            scores: file
                .scores
                .into_iter()
                .map(shipped_score)
                .collect::<Result<_, String>>()?,
        })
    }

    /// The shipped calibration at a budget (share of genuine photos that may be flagged, 0 to 1).
    pub fn calibration(&self, budget: f64) -> Calibration {
        Calibration::shipped(self.id.clone(), budget, &self.scores)
    }
}

fn shipped_score(
    (item, product, class, score): (String, String, String, f64),
) -> Result<ShippedScore, String> {
    let known = Class::ALL.into_iter().find(|c| c.name() == class);
    Ok(ShippedScore {
        class: known.ok_or_else(|| format!("`{class}` is no class of photos"))?,
        score: LogOdds::new(score).map_err(|e| format!("{item}: {e}"))?,
        item,
        product,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_file_parses_and_has_scores() {
        let defaults = Defaults::shipped();
        let calibration = defaults.calibration(0.01);
        assert!(calibration.items >= 100);
        // Each class has photos enough for the usual budget.
        assert!(calibration.least_p_value().get() <= 0.01);
    }

    #[test]
    fn other_inputs_are_refused() {
        let text = SHIPPED.replace("log_inliers", "inliers");
        assert!(Defaults::parse(&text).unwrap_err().contains("inputs"));
    }
}
