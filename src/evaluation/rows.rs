//! Every claim with its answer and the inputs of its score, as CSV: where failures are looked up and
//! what the fusion is fitted on.

use std::{collections::HashMap, path::Path};

use anyhow::Context;

use super::measured::{Measured, Row};
use crate::{
    contract::{ReasonCode, Verdict},
    domain::score::LogOdds,
};

/// Columns that every row has, whatever was measured of it.
const FIXED: [&str; 18] = [
    "split",
    "photo",
    "item",
    "brand",
    "product",
    "group",
    "score",
    "located",
    "truth",
    "edit",
    "verdict",
    "p_value",
    "reason",
    "inliers",
    "covered",
    "verdict_at_5",
    "reason_at_5",
    "overlap",
];

impl Measured {
    /// Writes every row.
    pub(crate) fn write_rows(&self, path: &Path) -> anyhow::Result<()> {
        let out = csv::Writer::from_path(path).with_context(|| format!("`{}`", path.display()))?;
        self.write_rows_to(out)
    }

    fn write_rows_to<W: std::io::Write>(&self, mut out: csv::Writer<W>) -> anyhow::Result<()> {
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
        out.write_record(FIXED.iter().chain(&names))?;
        for row in rows() {
            let inputs: HashMap<&str, f64> =
                row.inputs.iter().map(|(n, v)| (n.as_str(), *v)).collect();
            let inputs = names
                .iter()
                .map(|n| number(inputs.get(n).copied().filter(|v| !v.is_nan())));
            out.write_record(fixed(row).into_iter().chain(inputs))?;
        }
        Ok(out.flush()?)
    }
}

fn fixed(row: &Row) -> [String; FIXED.len()] {
    // By the names that callers know from answers; empty where nothing was judged.
    let verdict = |budget: usize| {
        row.verdict(budget)
            .map_or(String::new(), |v| Verdict::from(v).name().to_owned())
    };
    let reason = |budget: usize| {
        row.judged
            .get(budget)
            .and_then(|j| j.reason)
            .map_or(String::new(), |r| ReasonCode::from(r).name().to_owned())
    };
    [
        row.photo.split.clone(),
        row.photo.path.clone(),
        row.photo.item.clone(),
        row.claim.brand.clone(),
        row.claim.product.clone(),
        row.group.clone(),
        number(row.score.map(LogOdds::get)),
        row.located.to_string(),
        row.claim.truth.clone(),
        row.claim.edit.clone(),
        verdict(0),
        // The same at every budget: it is held against them.
        number(row.judged.first().and_then(|j| j.p_value)),
        reason(0),
        row.inliers.to_string(),
        row.covered.to_string(),
        verdict(1),
        reason(1),
        number(row.overlap),
    ]
}

fn number(value: Option<f64>) -> String {
    value.map_or(String::new(), |v| format!("{v:.5}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::verdict::{self, ReasonCode::OtherProductSeen},
        evaluation::{data::ClaimRow, judged::Judged},
    };

    #[test]
    fn a_failure_can_be_looked_up_by_photo_edit_and_reason() {
        let judged = |verdict, reason| Judged::with(verdict, Some(0.0125), Some(reason));
        let row = Row {
            claim: ClaimRow {
                truth: "genuine".into(),
                edit: "mirrored".into(),
                ..ClaimRow::default()
            },
            inliers: 12,
            judged: vec![
                judged(
                    verdict::Verdict::NotComparable,
                    verdict::ReasonCode::NotLocated,
                ),
                judged(verdict::Verdict::NoBrandSeen, OtherProductSeen),
            ],
            inputs: vec![("blocks".into(), f64::NAN), ("log_inliers".into(), 2.5)],
            ..Row::default()
        };
        let measured = Measured {
            test: vec![row],
            ..Measured::default()
        };
        let mut bytes = Vec::new();
        measured
            .write_rows_to(csv::Writer::from_writer(&mut bytes))
            .unwrap();
        let mut table = csv::Reader::from_reader(bytes.as_slice());
        let read: HashMap<String, String> = table.deserialize().next().unwrap().unwrap();
        for (column, wanted) in [
            ("truth", "genuine"),
            ("edit", "mirrored"),
            ("verdict", "not_comparable"),
            ("reason", "not_located"),
            ("verdict_at_5", "no_brand_seen"),
            ("reason_at_5", "other_product_seen"),
            ("p_value", "0.01250"),
            ("inliers", "12"),
            ("score", ""),
            ("blocks", ""),
            ("log_inliers", "2.50000"),
        ] {
            assert_eq!(read[column], wanted, "{column}");
        }
    }
}
