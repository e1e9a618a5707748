//! One score from many channels.
//!
//! Three questions are answered apart, each by a logistic model fitted on calibration data: is the
//! claimed product there at all (presence), does it fit better than every rival (rivalry), and do
//! its protected marks look as they should (marks). The fused score is the worst of them, in
//! log-odds: a pack must pass all. Nothing that could not be measured counts against a photo.

use crate::domain::{colour::HueTurn, score::LogOdds};

/// What was measured of one protected mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkEvidence {
    /// How surely the comparator sees a difference, 0 to 1.
    pub difference: f64,
    /// Agreement of the expected and the read text, 0 to 1, when both could be read.
    pub text: Option<f64>,
    /// Confidence of the reading, 0 to 1.
    pub text_confidence: f64,
    /// How far its hues are turned against the rest of the pack, when both show enough.
    pub turn: Option<HueTurn>,
    /// Share of it that cannot be judged, 0 to 1.
    pub unseen: f64,
}

/// What was measured of one photo against one claimed product and its rivals.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Inliers of the best reference of the claimed product.
    pub inliers: usize,
    /// Inliers over correspondences, 0 to 1.
    pub inlier_ratio: f64,
    /// Spread of the inliers over the reference, 0 to 1.
    pub spread: f64,
    /// Inliers on the rectified photo.
    pub refined: Option<usize>,
    /// Cosine of embeddings.
    pub embedding: Option<f64>,
    /// Mean correlation of aligned blocks.
    pub blocks: Option<f64>,
    /// Inliers of the best reference of any other product.
    pub rival_inliers: usize,
    /// Inliers of the best rival on the rectified photo.
    pub rival_refined: Option<usize>,
    /// Cosine of the most similar reference of any other product.
    pub rival_embedding: Option<f64>,
    /// The protected marks that could be seen, and then the places that the photo points to.
    pub marks: Vec<MarkEvidence>,
    /// How many of those are such places.
    pub pointed: usize,
}

/// Names of the presence model's inputs, in order.
pub(crate) const PRESENCE_INPUTS: [&str; 3] = ["log_inliers", "spread", "log_refined"];
/// Names of the rivalry model's inputs, in order.
pub(crate) const RIVALRY_INPUTS: [&str; 5] = [
    "margin_inliers",
    "margin_refined",
    "margin_embedding",
    "lead_inliers",
    "lead_refined",
];
/// Names of the marks model's inputs, in order.
pub(crate) const MARK_INPUTS: [&str; 3] = ["difference", "text", "turn"];

fn log_count(n: usize) -> f64 {
    // The step from 10 inliers to 20 says more than that from 110 to 120. None at all must be
    // finite.
    (n as f64).ln_1p()
}

/// Own minus rival inliers in standard deviations of their sum, counts taken as Poisson: on a
/// large, sharp photo a small relative margin is certain, on a small one it is chance.
fn lead(own: usize, rival: usize) -> f64 {
    let (own, rival) = (own as f64, rival as f64);
    // One is added, so that 0 against 0 is 0.
    (own - rival) / (own + rival + 1.0).sqrt()
}

impl Evidence {
    /// The presence model's inputs.
    pub fn presence_inputs(&self) -> [f64; 3] {
        [
            log_count(self.inliers),
            self.spread,
            log_count(self.refined.unwrap_or(0)),
        ]
    }

    /// The rivalry model's inputs; what was not measured stands at the value that says nothing.
    pub fn rivalry_inputs(&self) -> [f64; 5] {
        let (refined, rival_refined) = match (self.refined, self.rival_refined) {
            (Some(own), Some(rival)) => (own, rival),
            // Both after rectification or both before: counts of the two kinds cannot be compared.
            _ => (self.inliers, self.rival_inliers),
        };
        let embedding = match (self.embedding, self.rival_embedding) {
            (Some(own), Some(rival)) => own - rival,
            _ => 0.0,
        };
        [
            log_count(self.inliers) - log_count(self.rival_inliers),
            log_count(refined) - log_count(rival_refined),
            embedding,
            lead(self.inliers, self.rival_inliers),
            lead(refined, rival_refined),
        ]
    }
}

impl MarkEvidence {
    /// The marks model's inputs for this mark.
    pub fn inputs(&self) -> [f64; 3] {
        // A reading counts by how sure it was; text that was not read says nothing.
        let text = self.text.map_or(0.0, |t| (1.0 - t) * self.text_confidence);
        [
            logit(self.difference),
            text,
            self.turn.map_or(0.0, |t| t.strength),
        ]
    }
}

/// Log-odds of a share, kept finite.
pub(crate) fn logit(p: f64) -> f64 {
    // A comparator that is quite sure must not outweigh all else: it is never that right.
    let p = p.clamp(1e-3, 1.0 - 1e-3);
    (p / (1.0 - p)).ln()
}

/// The share that belongs to log-odds.
pub(crate) fn sigmoid(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// A logistic model: log-odds = intercept + weights . inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Logistic<const N: usize> {
    /// Weight of each input.
    pub weights: [f64; N],
    /// Log-odds when every input is 0.
    pub intercept: f64,
}

impl<const N: usize> Logistic<N> {
    /// Log-odds that the photo is genuine.
    pub fn log_odds(&self, inputs: &[f64; N]) -> LogOdds {
        let weighted = self.weights.iter().zip(inputs).map(|(w, x)| w * x);
        LogOdds::saturating(self.intercept + weighted.sum::<f64>())
    }
}

/// The models of the three questions.
#[derive(Clone, Debug, PartialEq)]
pub struct Fusion {
    /// Is the claimed product there at all?
    pub presence: Logistic<3>,
    /// Does it fit better than every other product?
    pub rivalry: Logistic<5>,
    /// Does a mark look as it should?
    pub mark: Logistic<3>,
    /// A mark that is hidden for a larger share than this says nothing, unless it differs.
    pub unseen_above: f64,
    /// A mark whose log-odds of being genuine are below this differs.
    pub different_below: f64,
}

/// The fused answer in log-odds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusedScore {
    /// Log-odds that this is the claimed product: there, and not bettered by a rival.
    pub identity: LogOdds,
    /// Score of the worst seen mark, when one was seen.
    pub marks: Option<LogOdds>,
}

impl FusedScore {
    /// The worse of both.
    pub fn value(&self) -> LogOdds {
        // The worse and no product: both look at the same photo and are not independent.
        self.marks.map_or(self.identity, |m| m.min(self.identity))
    }
}

/// The rule in words, as the response states it.
pub(crate) const RULE: &str = "similarity = logistic(min(presence, rivalry, worst seen mark)): presence is a logistic model of \
    inliers, their spread and the inliers after rectification; rivalry of the margins of inliers and embedding cosine over \
    the best other product; each mark of the comparator's difference and \
    text disagreement, both less what genuine photos of the product show too, and of how far its hues are turned against the \
    rest of the pack";

impl Fusion {
    /// Fuses the evidence.
    pub fn score(&self, evidence: &Evidence) -> FusedScore {
        let presence = self.presence.log_odds(&evidence.presence_inputs());
        let rivalry = self.rivalry.log_odds(&evidence.rivalry_inputs());
        self.with_marks(presence.min(rivalry), evidence.marks.iter().copied())
    }

    /// Whether a mark says anything. A difference counts even of a mark that is half hidden, since
    /// what can be seen of it differs; a mere doubt would accuse by what was not seen.
    pub fn tells(&self, mark: &MarkEvidence) -> bool {
        mark.unseen <= self.unseen_above
            || self.mark.log_odds(&mark.inputs()).get() < self.different_below
    }

    /// The score of a photo whose identity is known already, with its seen marks.
    pub fn with_marks(
        &self,
        identity: LogOdds,
        marks: impl Iterator<Item = MarkEvidence>,
    ) -> FusedScore {
        let told = marks.filter(|m| self.tells(m));
        let marks = told.map(|m| self.mark.log_odds(&m.inputs()));
        FusedScore {
            identity,
            // One forged mark is enough, however many others look right.
            marks: marks.min(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "the same sum gives the same bits")]

    use super::*;

    fn fusion() -> Fusion {
        Fusion {
            presence: Logistic {
                weights: [1.0, 0.0, 0.0],
                intercept: -3.0,
            },
            rivalry: Logistic {
                weights: [0.0, 0.0, 0.0, 1.0, 0.0],
                intercept: 0.0,
            },
            mark: Logistic {
                weights: [-1.0, -1.0, 0.0],
                intercept: 0.0,
            },
            unseen_above: 0.5,
            different_below: 0.0,
        }
    }

    #[test]
    fn the_worse_question_decides() {
        let mark = MarkEvidence {
            difference: 0.9,
            text: None,
            text_confidence: 0.0,
            turn: None,
            unseen: 0.0,
        };
        let mut evidence = Evidence {
            inliers: 400,
            ..Evidence::default()
        };
        let without = fusion().score(&evidence).value();
        evidence.marks.push(mark);
        let with = fusion().score(&evidence);
        assert!(with.value() < without);
        assert_eq!(with.value(), with.marks.unwrap());
    }

    #[test]
    fn a_better_rival_counts_more_on_larger_counts() {
        let of = |inliers, rival_inliers| {
            fusion()
                .score(&Evidence {
                    inliers,
                    rival_inliers,
                    ..Evidence::default()
                })
                .identity
        };
        assert!(of(340, 430) < of(34, 43));
        assert!(of(340, 0).get() > 2.0 && of(0, 0).get() < 0.0);
    }

    #[test]
    fn a_turned_hue_speaks_against_a_mark() {
        let mark = |turn| MarkEvidence {
            difference: 0.5,
            text: None,
            text_confidence: 0.0,
            turn,
            unseen: 0.0,
        };
        let turned = mark(Some(HueTurn {
            degrees: -50.0,
            strength: 2.0,
        }));
        assert_eq!(turned.inputs(), [0.0, 0.0, 2.0]);
        let fusion = Fusion {
            mark: Logistic {
                weights: [-1.0, -1.0, -2.0],
                intercept: 0.0,
            },
            ..fusion()
        };
        assert!(
            fusion.mark.log_odds(&turned.inputs()) < fusion.mark.log_odds(&mark(None).inputs())
        );
    }

    #[test]
    fn a_hidden_mark_counts_only_where_it_surely_differs() {
        let mark = |difference, unseen| MarkEvidence {
            difference,
            text: None,
            text_confidence: 0.0,
            turn: None,
            unseen,
        };
        let score = |m| {
            let identity = LogOdds::saturating(5.0);
            fusion().with_marks(identity, std::iter::once(m)).marks
        };
        assert_eq!(score(mark(0.3, 0.9)), None);
        assert!(score(mark(0.3, 0.1)).is_some());
        assert!(score(mark(0.9, 0.9)).is_some());
    }

    #[test]
    fn what_was_not_measured_does_not_count() {
        let mark = MarkEvidence {
            difference: 0.5,
            text: None,
            text_confidence: 0.9,
            turn: None,
            unseen: 0.0,
        };
        assert_eq!(mark.inputs(), [0.0; 3]);
        assert!((sigmoid(logit(0.3)) - 0.3).abs() < 1e-12);
    }
}
