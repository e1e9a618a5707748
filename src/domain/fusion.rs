//! One score from many channels.
//!
//! Two questions are answered apart, each by a logistic model fitted on calibration data: is this the claimed product
//! rather than another one (identity), and do its protected marks look as they should (marks). The fused score is the
//! worse of the two, in log-odds: a pack must pass both. Nothing that could not be measured counts against a photo.

/// What was measured of one protected mark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkEvidence {
    /// How surely the comparator sees a difference, 0 to 1.
    pub difference: f64,
    /// Share of the mark that cannot be judged, 0 to 1.
    pub unseen: f64,
    /// Agreement of the expected and the read text, 0 to 1, when both could be read.
    pub text: Option<f64>,
    /// Confidence of the reading, 0 to 1.
    pub text_confidence: f64,
    /// Mean chroma difference to the reference in the reference's light, delta a*b*.
    pub chroma: Option<f64>,
    /// Mean chroma difference of the whole aligned pack, delta a*b*.
    pub pack_chroma: Option<f64>,
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
    /// The protected marks that could be seen.
    pub marks: Vec<MarkEvidence>,
}

/// Names of the identity model's inputs, in order.
pub const IDENTITY_INPUTS: [&str; 8] = [
    "log_inliers",
    "inlier_ratio",
    "spread",
    "log_refined",
    "embedding",
    "margin_inliers",
    "margin_refined",
    "margin_embedding",
];
/// Names of the marks model's inputs, in order; each is the worst over the marks.
pub const MARK_INPUTS: [&str; 4] = ["difference", "text", "chroma", "unseen"];

fn log_count(n: usize) -> f64 {
    (n as f64).ln_1p()
}

impl Evidence {
    /// The identity model's inputs; what was not measured stands at the value that says nothing.
    pub fn identity_inputs(&self) -> [f64; 8] {
        let refined = self.refined.unwrap_or(0);
        let rival_refined = self.rival_refined.unwrap_or(0);
        [
            log_count(self.inliers),
            self.inlier_ratio,
            self.spread,
            log_count(refined),
            self.embedding.unwrap_or(0.0),
            log_count(self.inliers) - log_count(self.rival_inliers),
            if self.rival_refined.is_some() {
                log_count(refined) - log_count(rival_refined)
            } else {
                log_count(self.inliers) - log_count(self.rival_inliers)
            },
            match (self.embedding, self.rival_embedding) {
                (Some(own), Some(rival)) => own - rival,
                _ => 0.0,
            },
        ]
    }
}

impl MarkEvidence {
    /// The marks model's inputs for this mark.
    pub fn inputs(&self) -> [f64; 4] {
        let text = self.text.map_or(0.0, |t| (1.0 - t) * self.text_confidence);
        let chroma = match (self.chroma, self.pack_chroma) {
            (Some(own), Some(pack)) => (own - pack).max(0.0) / 10.0,
            _ => 0.0,
        };
        [logit(self.difference), text, chroma, self.unseen]
    }
}

/// Log-odds of a share, kept finite.
pub fn logit(p: f64) -> f64 {
    let p = p.clamp(1e-3, 1.0 - 1e-3);
    (p / (1.0 - p)).ln()
}

/// The share that belongs to log-odds.
pub fn sigmoid(x: f64) -> f64 {
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
    pub fn log_odds(&self, inputs: &[f64; N]) -> f64 {
        self.intercept + self.weights.iter().zip(inputs).map(|(w, x)| w * x).sum::<f64>()
    }
}

/// Both models.
#[derive(Clone, Debug, PartialEq)]
pub struct Fusion {
    /// Is it the claimed product?
    pub identity: Logistic<8>,
    /// Does a mark look as it should?
    pub mark: Logistic<4>,
}

/// The fused answer in log-odds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FusedScore {
    /// Log-odds that this is the claimed product.
    pub identity: f64,
    /// Log-odds that the worst seen mark is genuine, when a mark was seen.
    pub marks: Option<f64>,
}

impl FusedScore {
    /// The worse of both, in log-odds; higher is more genuine.
    pub fn value(&self) -> f64 {
        self.marks.map_or(self.identity, |m| m.min(self.identity))
    }
}

/// The rule in words, as the response states it.
pub const RULE: &str = "similarity = logistic(min(identity, worst seen mark)): identity is a logistic model of inliers, \
    their ratio and spread, inliers after rectification, embedding cosine and the margins of these over the best rival \
    product; each mark is a logistic model of the comparator's difference, text disagreement and chroma difference";

impl Fusion {
    /// Fuses the evidence.
    pub fn score(&self, evidence: &Evidence) -> FusedScore {
        let marks = evidence.marks.iter().map(|m| self.mark.log_odds(&m.inputs())).min_by(f64::total_cmp);
        FusedScore { identity: self.identity.log_odds(&evidence.identity_inputs()), marks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fusion() -> Fusion {
        Fusion {
            identity: Logistic { weights: [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], intercept: -3.0 },
            mark: Logistic { weights: [-1.0, -1.0, 0.0, 0.0], intercept: 0.0 },
        }
    }

    #[test]
    fn the_worse_question_decides() {
        let mark = MarkEvidence {
            difference: 0.9,
            unseen: 0.0,
            text: None,
            text_confidence: 0.0,
            chroma: None,
            pack_chroma: None,
        };
        let mut evidence = Evidence { inliers: 400, ..Evidence::default() };
        let without = fusion().score(&evidence).value();
        evidence.marks.push(mark);
        let with = fusion().score(&evidence);
        assert!(with.value() < without);
        assert_eq!(with.value(), with.marks.unwrap());
    }

    #[test]
    fn what_was_not_measured_does_not_count() {
        let mark = MarkEvidence {
            difference: 0.5,
            unseen: 0.0,
            text: None,
            text_confidence: 0.9,
            chroma: Some(40.0),
            pack_chroma: None,
        };
        assert_eq!(mark.inputs(), [0.0, 0.0, 0.0, 0.0]);
        assert!((sigmoid(logit(0.3)) - 0.3).abs() < 1e-12);
    }
}
