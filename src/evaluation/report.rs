//! The figures of an evaluation, as a table for people and as JSON.

use serde::Serialize;
use std::{collections::BTreeMap, fmt::Write};

use super::{
    audit::audit,
    measured::{Measured, Row},
};
use crate::domain::{
    calibration::{Calibration, CalibrationSource},
    rates::{Rate, area_under_curve},
    tuning::variation::LEAST_ITEMS,
};

/// Budgets reported.
const BUDGETS: [f64; 2] = [0.01, 0.05];

/// A rate with its counts and Wilson's 95 % interval.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct RateReport {
    share: f64,
    hits: usize,
    total: usize,
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
    fn text(&self) -> String {
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

/// What happened at one budget.
#[derive(Debug, Serialize)]
pub(crate) struct AtBudget {
    /// Share of genuine photos that may be flagged.
    budget: f64,
    /// Upper 95 % bound that the number of calibration items supports.
    bound_95: f64,
    /// Genuine test photos flagged.
    false_flags: RateReport,
    /// Other groups flagged (`deviates` or `no_brand_seen`).
    detection: BTreeMap<String, RateReport>,
}

/// The whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    folder: String,
    references_per_product: usize,
    calibration_photos: usize,
    calibration_items: usize,
    /// Products of which enough genuine items are there to tell what their photos show, and the
    /// fewest and most of such items.
    products_with_variation: usize,
    variation_items: Option<[usize; 2]>,
    top_1: RateReport,
    top_3: RateReport,
    /// Genuine test photos that are good enough and located.
    coverage: RateReport,
    budgets: Vec<AtBudget>,
    /// Area under the curve, genuine test photos against each group.
    area_under_curve: BTreeMap<String, f64>,
    /// The same area for a classifier that sees only file type, size, JPEG quantisation, brightness
    /// and sharpness of photo and reference: away from 0.5 the other figures measure how the files
    /// were made.
    provenance_audit: BTreeMap<String, f64>,
    /// Mean milliseconds per photo and stage.
    ms_per_photo: BTreeMap<String, f64>,
    models: BTreeMap<String, String>,
}

impl Report {
    /// Figures from measurements; only calibration rows set thresholds, only test rows are counted.
    pub(crate) fn new(
        folder: String,
        references_per_product: usize,
        measured: &Measured,
        models: BTreeMap<String, String>,
    ) -> Self {
        let scores = measured.calibration_scores();
        // With fewer items a check knows nothing of a product's variation, and so the report must
        // not.
        let items = || {
            measured
                .variation_items
                .values()
                .copied()
                .filter(|items| *items >= LEAST_ITEMS)
        };
        let groups = measured.by_group();
        let genuine: &[&Row] = groups.get("genuine").map_or(&[], Vec::as_slice);
        let top = |n: usize| {
            Rate::of(
                measured
                    .identified
                    .iter()
                    .map(|i| i.rank.is_some_and(|r| r < n)),
            )
            .into()
        };
        let budgets = BUDGETS.map(|budget| {
            // All products together, as a brand is judged whose products have too few items each.
            let calibration =
                Calibration::new("eval".into(), budget, CalibrationSource::Brand, &scores);
            // A photo that cannot be judged counts as not flagged. Left out, it would flatter the
            // detection.
            let flagged = |rows: &[&Row]| {
                Rate::of(
                    rows.iter()
                        .map(|r| r.score.is_some_and(|s| calibration.flags(s))),
                )
            };
            let others = groups.iter().filter(|(name, _)| **name != "genuine");
            let mut detection: BTreeMap<String, RateReport> = others
                .map(|(name, rows)| ((*name).to_owned(), flagged(rows).into()))
                .collect();
            // Kinds of edits have few photos each; together they have a narrower interval.
            let edited: Vec<&Row> = groups
                .iter()
                .filter(|(n, _)| n.starts_with("edited"))
                .flat_map(|(_, r)| r.iter().copied())
                .collect();
            if !edited.is_empty() {
                detection.insert("edited, all".into(), flagged(&edited).into());
            }
            AtBudget {
                budget,
                bound_95: calibration.bound_95(),
                false_flags: flagged(genuine).into(),
                detection,
            }
        });
        // Here only judged photos count, since without a score nothing can be ranked.
        let known = |rows: &[&Row]| -> Vec<f64> {
            rows.iter().filter_map(|r| Some(r.score?.get())).collect()
        };
        let area_under_curve = groups
            .iter()
            .filter(|(name, _)| **name != "genuine")
            .filter_map(|(name, rows)| {
                Some((
                    (*name).to_owned(),
                    area_under_curve(&known(genuine), &known(rows))?,
                ))
            })
            .collect();
        let stages = measured.stages.iter();
        Self {
            folder,
            references_per_product,
            calibration_photos: scores.len(),
            // The number of items is the same at any budget.
            calibration_items: Calibration::new(
                "eval".into(),
                0.01,
                CalibrationSource::Brand,
                &scores,
            )
            .items,
            products_with_variation: items().count(),
            variation_items: items().min().zip(items().max()).map(<[usize; 2]>::from),
            top_1: top(1),
            top_3: top(3),
            coverage: Rate::of(genuine.iter().map(|r| r.located)).into(),
            budgets: budgets.into(),
            area_under_curve,
            // Of the very rows that the figures above rest on.
            provenance_audit: audit(&measured.test),
            ms_per_photo: stages
                .map(|(s, (ms, n))| ((*s).to_owned(), ms / (*n).max(1) as f64))
                .collect(),
            models,
        }
    }

    /// The table.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> std::fmt::Result {
        writeln!(
            out,
            "{} with {} added references per product",
            self.folder, self.references_per_product
        )?;
        writeln!(
            out,
            "calibration: {} photos of {} items",
            self.calibration_photos, self.calibration_items
        )?;
        if let Some([least, most]) = self.variation_items {
            let products = self.products_with_variation;
            writeln!(
                out,
                "genuine variation: known of {products} products, by {least} to {most} items each"
            )?;
        }
        writeln!(
            out,
            "\n{:<24} {}",
            "identification top-1",
            self.top_1.text()
        )?;
        writeln!(out, "{:<24} {}", "identification top-3", self.top_3.text())?;
        writeln!(out, "{:<24} {}", "coverage", self.coverage.text())?;
        for at in &self.budgets {
            writeln!(
                out,
                "\nat a false-flag budget of {} % (95 % bound that the items support: {:.1} %)",
                at.budget * 100.0,
                at.bound_95 * 100.0
            )?;
            writeln!(
                out,
                "  {:<22} {}",
                "false flags reached",
                at.false_flags.text()
            )?;
            for (name, rate) in &at.detection {
                let auc = self
                    .area_under_curve
                    .get(name)
                    .map_or(String::new(), |a| format!("   AUC {a:.3}"));
                writeln!(
                    out,
                    "  {:<22} {}{auc}",
                    format!("{name} flagged"),
                    rate.text()
                )?;
            }
        }
        writeln!(
            out,
            "\nprovenance audit: AUC of a classifier that sees only how the files were made (0.5 is chance)"
        )?;
        for (group, area) in &self.provenance_audit {
            writeln!(out, "  {group:<22} {area:.3}")?;
        }
        writeln!(out, "\nmilliseconds per photo")?;
        for (stage, ms) in &self.ms_per_photo {
            writeln!(out, "  {stage:<22} {ms:7.1}")?;
        }
        Ok(())
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
