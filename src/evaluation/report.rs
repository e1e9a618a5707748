//! The figures of an evaluation, as a table for people and as JSON.

mod boxes;
mod genuine;
mod rates;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use self::{
    boxes::{Boxes, boxes},
    genuine::{Edit, WorstProduct, by_edit, flagged, worst_product},
    rates::RateReport,
};
use super::{
    audit::audit,
    judged::BUDGETS,
    listings,
    measured::{Identified, Measured, Row},
    plan::{Plan, Thresholds},
};
use crate::{
    contract::Verdict,
    domain::{
        calibration::Calibration,
        rates::{Rate, area_under_curve},
        tuning::variation::LEAST_ITEMS,
        verdict,
    },
};

/// Listings of one number of photos, at one budget.
#[derive(Debug, Serialize)]
pub(crate) struct Listings {
    /// Photos of a listing.
    photos: usize,
    /// Listings of genuine claims that have fewer, since their product has no more.
    smaller: usize,
    /// Listings of genuine claims flagged.
    false_flags: RateReport,
    /// Listings of other groups flagged.
    detection: BTreeMap<String, RateReport>,
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
    /// Of these, the product flagged most.
    worst_product: Option<WorstProduct>,
    /// Other groups flagged (`deviates` or `no_brand_seen`).
    detection: BTreeMap<String, RateReport>,
    /// How often each group got which verdict.
    verdicts: BTreeMap<String, BTreeMap<Verdict, usize>>,
    /// Photos that show nothing enrolled and that, without a claim, are answered `consistent`: the
    /// one answer that reads as "this is the product". `None` where the folder has no such photos.
    false_identifications: Option<RateReport>,
    listings: Vec<Listings>,
}

/// The whole report.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    folder: String,
    references_per_product: usize,
    /// Whose genuine photos set the thresholds.
    calibration: Thresholds,
    calibration_photos: usize,
    calibration_items: usize,
    /// Products of which enough genuine items are there to tell what their photos show, and the
    /// fewest and most of such items.
    products_with_variation: usize,
    variation_items: Option<[usize; 2]>,
    top_1: RateReport,
    top_3: RateReport,
    /// Photos that show nothing enrolled and in which, without a claim, something is outlined.
    nothing_outlined: Option<RateReport>,
    /// Where the folder has boxes, how well outlines lie on them.
    boxes: Option<Boxes>,
    /// Genuine test photos in which the product or a logo of it was located, however poor they are.
    located: RateReport,
    /// Genuine test photos that are good enough, and in which the product was located well enough to be
    /// compared.
    coverage: RateReport,
    budgets: Vec<AtBudget>,
    /// Genuine test photos by what was done to them, where the table tells.
    genuine_by_edit: BTreeMap<String, Edit>,
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

/// Claims on test photos by group.
type Groups<'a> = BTreeMap<&'a str, Vec<&'a Row>>;

impl Report {
    /// Figures from measurements; only calibration rows set thresholds, only test rows are counted.
    pub(crate) fn new(
        folder: String,
        plan: &Plan,
        measured: &Measured,
        models: BTreeMap<String, String>,
    ) -> Self {
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
        let identified = &measured.identified;
        let top = |n: usize| {
            let ranks = identified.iter().filter(|i| !i.shows_nothing);
            Rate::of(ranks.map(|i| i.rank.is_some_and(|r| r < n))).into()
        };
        // The scores are the same at any budget.
        let calibration = measured.calibrations.first();
        let stages = measured.stages.iter();
        Self {
            folder,
            references_per_product: plan.references,
            calibration: plan.thresholds,
            calibration_photos: calibration.map_or(0, |c| c.photos),
            calibration_items: calibration.map_or(0, |c| c.items),
            products_with_variation: items().count(),
            variation_items: items().min().zip(items().max()).map(<[usize; 2]>::from),
            top_1: top(1),
            top_3: top(3),
            nothing_outlined: of_nothing(measured, |i| i.outlined),
            boxes: boxes(genuine),
            located: Rate::of(genuine.iter().map(|r| r.located)).into(),
            coverage: Rate::of(genuine.iter().map(|r| r.covered)).into(),
            budgets: (0..BUDGETS.len())
                .map(|n| at_budget(n, &groups, measured, plan))
                .collect(),
            genuine_by_edit: by_edit(genuine),
            area_under_curve: areas(&groups),
            // Of the very rows that the figures above rest on.
            provenance_audit: audit(&measured.test),
            ms_per_photo: stages
                .map(|(s, (ms, n))| ((*s).to_owned(), ms / (*n).max(1) as f64))
                .collect(),
            models,
        }
    }
}

/// What happened at the budget of this number.
fn at_budget(number: usize, groups: &Groups, measured: &Measured, plan: &Plan) -> AtBudget {
    let genuine: &[&Row] = groups.get("genuine").map_or(&[], Vec::as_slice);
    let others = groups.iter().filter(|(name, _)| **name != "genuine");
    let mut detection: BTreeMap<String, RateReport> = others
        .map(|(name, rows)| ((*name).to_owned(), flagged(rows, number)))
        .collect();
    // Kinds of edits have few photos each; together they have a narrower interval.
    let edited: Vec<&Row> = groups
        .iter()
        .filter(|(n, _)| n.starts_with("edited"))
        .flat_map(|(_, r)| r.iter().copied())
        .collect();
    if !edited.is_empty() {
        detection.insert("edited, all".into(), flagged(&edited, number));
    }
    let verdicts = groups.iter().map(|(name, rows)| {
        let mut counts = BTreeMap::new();
        for verdict in rows.iter().filter_map(|r| r.verdict(number)) {
            *counts.entry(Verdict::from(verdict)).or_insert(0) += 1;
        }
        ((*name).to_owned(), counts)
    });
    let calibration = measured.calibrations.get(number);
    AtBudget {
        budget: BUDGETS[number],
        bound_95: calibration.map_or(1.0, |c| c.bound_95()),
        false_flags: flagged(genuine, number),
        worst_product: worst_product(genuine, number),
        detection,
        verdicts: verdicts.collect(),
        false_identifications: of_nothing(measured, |i| {
            let judged = i.judged.get(number);
            judged.is_some_and(|j| j.verdict == verdict::Verdict::Consistent)
        }),
        listings: plan
            .listings
            .iter()
            .filter_map(|photos| {
                let calibration = measured.calibrations.get(number)?;
                Some(of_listings(
                    *photos,
                    (number, calibration),
                    groups,
                    plan.seed,
                ))
            })
            .collect(),
    }
}

/// A rate over the photos that show nothing enrolled, if there are any.
fn of_nothing(measured: &Measured, is_hit: impl Fn(&Identified) -> bool) -> Option<RateReport> {
    let photos = measured.identified.iter().filter(|i| i.shows_nothing);
    let rate = Rate::of(photos.map(is_hit));
    (rate.total > 0).then(|| rate.into())
}

/// What listings of `photos` photos come to, at the budget of this number.
fn of_listings(
    photos: usize,
    judged_by: (usize, &Calibration),
    groups: &Groups,
    seed: u64,
) -> Listings {
    let dealt = |rows: &[&Row]| -> (usize, RateReport) {
        let listings = listings::deal(rows, photos, seed);
        let smaller = listings.iter().filter(|l| l.len() < photos).count();
        (smaller, listings::flagged(&listings, judged_by).into())
    };
    let mut rates: BTreeMap<String, (usize, RateReport)> = groups
        .iter()
        .map(|(name, rows)| ((*name).to_owned(), dealt(rows)))
        .collect();
    let (smaller, false_flags) = rates.remove("genuine").unwrap_or_else(|| dealt(&[]));
    Listings {
        photos,
        smaller,
        false_flags,
        detection: rates.into_iter().map(|(name, (_, r))| (name, r)).collect(),
    }
}

/// Area under the curve, genuine claims against each other group. Only judged photos count, since
/// without a score nothing can be ranked.
fn areas(groups: &Groups) -> BTreeMap<String, f64> {
    let known =
        |rows: &[&Row]| -> Vec<f64> { rows.iter().filter_map(|r| Some(r.score?.get())).collect() };
    let genuine = groups.get("genuine").map_or(Vec::new(), |rows| known(rows));
    groups
        .iter()
        .filter(|(name, _)| **name != "genuine")
        .filter_map(|(name, rows)| {
            let area = area_under_curve(&genuine, &known(rows))?;
            Some(((*name).to_owned(), area))
        })
        .collect()
}
