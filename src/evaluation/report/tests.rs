//! The report on made-up measurements.

use std::{collections::BTreeMap, sync::atomic::AtomicBool};

use super::*;
use crate::{
    domain::{
        score::LogOdds,
        verdict::Verdict::{self, Consistent, Deviates, NoBrandSeen, NotComparable},
    },
    evaluation::{
        data::{ClaimRow, Labelled, PhotoRow},
        fixture,
        judged::{self, Judged},
    },
};

fn judged(verdict: Verdict) -> Vec<Judged> {
    let judged = Judged::with(verdict, None, None);
    vec![judged; BUDGETS.len()]
}

fn row(n: usize, truth: &str, verdict: Verdict) -> Row {
    let claim = ClaimRow {
        brand: "acme".into(),
        product: "oat".into(),
        truth: truth.into(),
        ..ClaimRow::default()
    };
    Row {
        photo: PhotoRow {
            path: format!("{n}.jpg"),
            ..PhotoRow::default()
        },
        group: claim.group(),
        claim,
        judged: judged(verdict),
        covered: verdict == Consistent,
        ..Row::default()
    }
}

fn identified(shows_nothing: bool, rank: Option<usize>, verdict: Verdict) -> Identified {
    Identified {
        shows_nothing,
        rank,
        outlined: verdict == Consistent,
        judged: judged(verdict),
    }
}

fn measured() -> Measured {
    let scores: Vec<_> = [1.0, 2.0, 3.0]
        .iter()
        .map(|s| (format!("item-{s}"), LogOdds::new(*s).unwrap()))
        .collect();
    Measured {
        calibrations: judged::own(&scores),
        test: vec![
            row(0, "genuine", Consistent),
            row(1, "genuine", NotComparable),
            row(2, "genuine", NoBrandSeen),
            row(3, "genuine", Consistent),
            row(0, "other", Deviates),
            row(1, "other", NotComparable),
        ],
        identified: vec![
            identified(false, Some(0), Consistent),
            identified(false, Some(1), NotComparable),
            identified(true, None, NotComparable),
            identified(true, None, Consistent),
            identified(true, None, NoBrandSeen),
        ],
        ..Measured::default()
    }
}

fn report(listings: &[usize]) -> Report {
    let dir = fixture::folder(&[]);
    let data = Labelled::read(dir.path()).unwrap();
    let stop = AtomicBool::new(false);
    let plan = Plan {
        listings,
        ..Plan::plain(&data, &stop)
    };
    Report::new("folder".into(), &plan, &measured(), BTreeMap::new())
}

fn counts(rate: &RateReport) -> (usize, usize) {
    (rate.hits, rate.total)
}

#[test]
fn flags_and_verdicts_are_counted_by_what_a_caller_reads() {
    let report = report(&[]);
    let at = &report.budgets[0];
    assert_eq!(counts(&at.false_flags), (1, 4));
    assert_eq!(counts(&at.detection["other"]), (1, 2));
    let genuine = &at.verdicts["genuine"];
    let count = |v: Verdict| genuine.get(&v.into()).copied().unwrap_or(0);
    let all = [Consistent, Deviates, NotComparable, NoBrandSeen].map(count);
    assert_eq!(all, [2, 0, 1, 1]);
    assert_eq!(counts(&report.coverage), (2, 4));
    assert_eq!(
        (report.calibration_photos, report.calibration_items),
        (3, 3)
    );
}

#[test]
fn photos_that_show_nothing_count_only_as_false_identifications() {
    let report = report(&[]);
    assert_eq!(counts(&report.top_1), (1, 2));
    let named = report.budgets[0].false_identifications.as_ref().unwrap();
    assert_eq!(counts(named), (1, 3));
    assert_eq!(counts(report.nothing_outlined.as_ref().unwrap()), (1, 3));
}

#[test]
fn listings_are_told_for_each_number_of_photos() {
    let report = report(&[2, 12]);
    let [pairs, all] = &report.budgets[1].listings[..] else {
        panic!("{report:?}");
    };
    assert_eq!(
        (pairs.photos, pairs.smaller, pairs.false_flags.total),
        (2, 0, 2)
    );
    // One photo in which nothing is seen accuses nobody beside those that agree.
    assert_eq!((all.smaller, counts(&all.false_flags)), (1, (0, 1)));
    assert_eq!(counts(&all.detection["other"]), (1, 1));
}

#[test]
fn the_text_tells_all_of_it() {
    let text = report(&[2]).text();
    for part in [
        "calibration: the folder's own, 3 photos of 3 items",
        "nothing there, outlined",
        "nothing there, named",
        "worst product",
        "listings of 2",
        "no_brand_seen",
    ] {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
    assert!(!text.contains("boxes"), "the folder has none:\n{text}");
}
