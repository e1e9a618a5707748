//! What was measured, row by row.

use std::collections::BTreeMap;

use super::{
    data::{ClaimRow, PhotoRow},
    facts::Facts,
    judged::Judged,
};
use crate::{
    domain::{
        calibration::Calibration,
        fusion::{MARK_INPUTS, PRESENCE_INPUTS, RIVALRY_INPUTS},
        gallery::ProductKey,
        score::LogOdds,
        variation::Observation,
        verdict::Verdict,
    },
    engine::Subject,
};

/// One claim on one photo, measured.
#[derive(Default)]
pub(crate) struct Row {
    /// The photo.
    pub photo: PhotoRow,
    /// The claim.
    pub claim: ClaimRow,
    /// `genuine`, `sibling`, `edited: KIND` or `other`.
    pub group: String,
    /// What a caller would read, at each of the budgets; nothing for photos that set thresholds.
    pub judged: Vec<Judged>,
    /// Inliers of the claimed product.
    pub inliers: usize,
    /// Whether a person drew a box around the claimed product.
    pub boxed: bool,
    /// With a box: its overlap with the answer's outline (intersection over union), if there is
    /// one.
    pub overlap: Option<f64>,
    /// Whether the claimed product or a logo of it was located, however poor the photo.
    pub located: bool,
    /// The fused score; `None` when the photo is too poor to be judged or nothing is
    /// enrolled.
    pub score: Option<LogOdds>,
    /// Whether the claimed product was located in a photo good enough to be judged. Only then can
    /// the photo agree with the claim: this is what coverage counts.
    pub covered: bool,
    /// Named inputs of the fusion, for fitting and for analysis.
    pub inputs: Vec<(String, f64)>,
    /// What the photo's file tells.
    pub photo_facts: Facts,
    /// What the file of the claimed product's first reference tells.
    pub reference_facts: Facts,
}

impl Row {
    /// Whether a caller would read that the photo speaks against the claim, at the budget of this
    /// number. A photo that cannot be judged does not: left out, it would flatter the detection.
    pub(crate) fn is_flagged(&self, budget: usize) -> bool {
        self.verdict(budget).is_some_and(Verdict::flags_the_claim)
    }

    /// The verdict at the budget of this number.
    pub(crate) fn verdict(&self, budget: usize) -> Option<Verdict> {
        self.judged.get(budget).map(|j| j.verdict)
    }
}

/// Identification of one test photo.
pub(crate) struct Identified {
    /// Whether it shows nothing that is enrolled.
    pub shows_nothing: bool,
    /// Rank of the true product from 0, if it was ranked at all.
    pub rank: Option<usize>,
    /// Whether any product was outlined.
    pub outlined: bool,
    /// What a caller would read, at each of the budgets.
    pub judged: Vec<Judged>,
}

/// Everything measured.
#[derive(Default)]
pub(crate) struct Measured {
    /// What claims were judged by, one per budget.
    pub calibrations: Vec<Calibration>,
    /// Genuine claims on calibration photos.
    pub calibration: Vec<Row>,
    /// Claims on test photos.
    pub test: Vec<Row>,
    /// Claims on calibration photos that are not genuine: for fitting the fusion only.
    pub fitting: Vec<Row>,
    /// What comparable calibration photos showed of their product.
    pub observations: Vec<(PhotoRow, Observation)>,
    /// Per product, the items that tell what its genuine photos show; without those of whom there
    /// is none.
    pub variation_items: BTreeMap<ProductKey, usize>,
    /// One per test photo.
    pub identified: Vec<Identified>,
    /// Milliseconds per stage, summed, and how many photos.
    pub stages: BTreeMap<&'static str, (f64, usize)>,
}

/// The subject's fusion inputs by name.
pub(crate) fn inputs(subject: &Subject) -> Vec<(String, f64)> {
    let presence = PRESENCE_INPUTS
        .iter()
        .zip(subject.evidence.presence_inputs());
    let rivalry = RIVALRY_INPUTS.iter().zip(subject.evidence.rivalry_inputs());
    let mut named: Vec<(String, f64)> = presence
        .chain(rivalry)
        .map(|(n, v)| ((*n).to_owned(), v))
        .collect();
    // No number where nothing was measured: a fit must leave it out, where zero would teach it.
    named.push(("blocks".into(), subject.evidence.blocks.unwrap_or(f64::NAN)));
    named.push(("score_identity".into(), subject.score.identity.get()));
    named.push((
        "score_marks".into(),
        subject.score.marks.map_or(f64::NAN, LogOdds::get),
    ));
    let inspection = subject.inspection.as_ref();
    let obscured = inspection.is_some_and(|i| i.obscured);
    named.push(("obscured".into(), f64::from(u8::from(obscured))));
    named.push(("pointed".into(), subject.evidence.pointed as f64));
    for (k, mark) in subject.evidence.marks.iter().enumerate() {
        named.extend(
            MARK_INPUTS
                .iter()
                .zip(mark.inputs())
                .map(|(n, v)| (format!("mark{k}_{n}"), v)),
        );
    }
    named
}

impl Measured {
    /// Takes in what was measured of one photo.
    pub(crate) fn absorb(&mut self, one: Self) {
        // `variation_items` and `calibrations` are not among these: they are known once all
        // observations are in.
        self.calibration.extend(one.calibration);
        self.test.extend(one.test);
        self.fitting.extend(one.fitting);
        self.identified.extend(one.identified);
        self.observations.extend(one.observations);
        for (stage, (ms, n)) in one.stages {
            let entry = self.stages.entry(stage).or_default();
            *entry = (entry.0 + ms, entry.1 + n);
        }
    }

    /// Rows come in the order the workers finished; the report must not depend on it.
    pub(crate) fn sort(&mut self) {
        for rows in [&mut self.calibration, &mut self.test, &mut self.fitting] {
            // By what a row is of and not by its score: so rows of two builds can be laid side by
            // side.
            rows.sort_by_key(|r| (r.photo.path.clone(), r.claim.key()));
        }
        self.observations.sort_by(|a, b| a.0.path.cmp(&b.0.path));
    }

    /// (item, score) of the calibration photos that can be judged.
    pub(crate) fn calibration_scores(&self) -> Vec<(String, LogOdds)> {
        self.calibration
            .iter()
            .filter_map(|r| Some((r.photo.item.clone(), r.score?)))
            .collect()
    }

    /// Rows of the test claims by group.
    pub(crate) fn by_group(&self) -> BTreeMap<&str, Vec<&Row>> {
        let mut groups: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
        for row in &self.test {
            groups.entry(&row.group).or_default().push(row);
        }
        groups
    }
}
