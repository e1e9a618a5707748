//! What was measured, row by row.

use std::collections::{BTreeMap, HashMap};

use anyhow::Context;

use super::{data::PhotoRow, facts::Facts};
use crate::{
    domain::{
        fusion::{MARK_INPUTS, PRESENCE_INPUTS, RIVALRY_INPUTS},
        gallery::ProductKey,
        score::LogOdds,
        variation::Observation,
    },
    engine::Subject,
};

/// One claim on one photo, measured.
pub(crate) struct Row {
    /// The photo.
    pub photo: PhotoRow,
    /// The product claimed.
    pub claimed: ProductKey,
    /// `genuine`, `sibling`, `edited: KIND` or `other`.
    pub group: String,
    /// The fused score; `None` when the photo is too poor to be judged or nothing is
    /// enrolled.
    pub score: Option<LogOdds>,
    /// Whether the claimed product was located in a photo good enough to be judged. Only then can
    /// the photo agree with the claim: this is what coverage counts.
    pub located: bool,
    /// Named inputs of the fusion, for fitting and for analysis.
    pub inputs: Vec<(String, f64)>,
    /// What the photo's file tells.
    pub photo_facts: Facts,
    /// What the file of the claimed product's first reference tells.
    pub reference_facts: Facts,
}

/// Identification of one test photo: rank of the true product from 0, if it was ranked at all.
pub(crate) struct Identified {
    /// Rank from 0.
    pub rank: Option<usize>,
}

/// Everything measured.
#[derive(Default)]
pub(crate) struct Measured {
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
        // `variation_items` is not among these: it is known once all observations are in.
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
            rows.sort_by(|a, b| (&a.photo.path, &a.claimed).cmp(&(&b.photo.path, &b.claimed)));
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

    /// Every row with its inputs, as CSV.
    pub(crate) fn write_rows(&self, path: &std::path::Path) -> anyhow::Result<()> {
        let rows = || {
            self.calibration
                .iter()
                .chain(&self.fitting)
                .chain(&self.test)
        };
        // Of all rows: claims differ in how many marks they have, and a table has the same columns
        // throughout.
        let mut names: Vec<&str> = rows()
            .flat_map(|r| r.inputs.iter().map(|(n, _)| n.as_str()))
            .collect();
        names.sort_unstable();
        names.dedup();
        let mut out =
            csv::Writer::from_path(path).with_context(|| format!("`{}`", path.display()))?;
        let fixed = [
            "split", "photo", "item", "brand", "product", "group", "score", "located",
        ];
        out.write_record(fixed.iter().chain(&names))?;
        for row in rows() {
            let inputs: HashMap<&str, f64> =
                row.inputs.iter().map(|(n, v)| (n.as_str(), *v)).collect();
            let number = |v: Option<f64>| v.map_or(String::new(), |v| format!("{v:.5}"));
            let mut record = vec![
                row.photo.split.clone(),
                row.photo.path.clone(),
                row.photo.item.clone(),
                row.claimed.brand.clone(),
                row.claimed.product.clone(),
                row.group.clone(),
                number(row.score.map(LogOdds::get)),
                row.located.to_string(),
            ];
            record.extend(
                names
                    .iter()
                    .map(|n| number(inputs.get(n).copied().filter(|v| !v.is_nan()))),
            );
            out.write_record(&record)?;
        }
        Ok(out.flush()?)
    }
}
