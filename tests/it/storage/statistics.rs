//! Checks of a brand are counted by the day that their ids tell, and by what people decided last.

use assay::{
    checker::records::{Checks, DecisionRecord, Lease, Reviews, Tally},
    contract::{ReviewOutcome, Verdict},
};

use super::Place;
use crate::support::records::{check, hash, local};

const DAY_MS: i64 = 86_400_000;
/// A day of the year 2026, since 1970.
const DAY: i64 = 20_500;

/// An id that was made at this time, as version 7 of a UUID has it.
fn id(ms: i64, n: u8) -> String {
    format!(
        "{:08x}-{:04x}-7c3b-9a51-2f4f0c3b7a{n:02x}",
        ms >> 16,
        ms & 0xffff
    )
}

pub(super) async fn checks_of_a_brand_are_counted_by_day_verdict_and_product(place: &Place) {
    let store = place.open().await;
    let start = DAY * DAY_MS;
    let made = [
        // The last moment before, the first and the last of the first day, the first of the next.
        (start - 1, Verdict::Deviates, "acme", Some("oat")),
        (start, Verdict::Deviates, "acme", Some("oat")),
        (start + DAY_MS - 1, Verdict::Consistent, "acme", None),
        (
            start + DAY_MS - 1,
            Verdict::Consistent,
            "acme",
            Some("rice"),
        ),
        (start + DAY_MS, Verdict::Consistent, "acme", Some("oat")),
        (start + DAY_MS, Verdict::Consistent, "bolt", Some("oat")),
        (start + 2 * DAY_MS, Verdict::Consistent, "acme", Some("oat")),
    ];
    for (n, (ms, verdict, brand, product)) in (0..).zip(made) {
        let mut answer = check(&id(ms, n), verdict, Some(brand), Some("Shop-17"), hash('1'));
        if let Some(claim) = &mut answer.claim {
            claim.product = product.map(str::to_owned);
        }
        store.add_check(&local(), &answer, &[None]).await.unwrap();
    }
    let tally = store.tally("acme", DAY..DAY + 2).await.unwrap();
    let expected = Tally {
        days: [
            ((DAY, Verdict::Deviates), 1),
            ((DAY, Verdict::Consistent), 2),
            ((DAY + 1, Verdict::Consistent), 1),
        ]
        .into(),
        products: [("oat".to_owned(), 2), ("rice".to_owned(), 1)].into(),
        upheld: 0,
        overturned: 0,
    };
    assert_eq!(tally, expected);
    // Nothing of before 1970, of no days, and of nobody.
    for (brand, days) in [("acme", -9..1), ("acme", DAY..DAY), ("none", DAY..DAY + 92)] {
        assert_eq!(store.tally(brand, days).await.unwrap(), Tally::default());
    }
}

pub(super) async fn the_last_decision_about_a_flag_is_the_one_that_counts(place: &Place) {
    let store = place.open().await;
    let ms = DAY * DAY_MS;
    let mut decisions = 0;
    let mut decide = async |check: String, outcome| {
        decisions += 1;
        let actor = local();
        let held = store.lease(&actor, &check, 60_000).await.unwrap();
        assert!(matches!(held, Lease::Theirs(_)), "{held:?}");
        let decision = DecisionRecord {
            id: format!("d{decisions}"),
            check,
            outcome,
            reason: "because".into(),
            dispute: None,
            actor: actor.name().into(),
            label: actor.label().into(),
            created_ms: 7,
        };
        store.decide(&actor, &decision).await.unwrap();
    };
    for n in 0..5 {
        // The last is one that nobody had flagged, and the one before is another brand's.
        let brand = if n == 3 { "bolt" } else { "acme" };
        let verdict = if n == 4 {
            Verdict::Consistent
        } else {
            Verdict::NoBrandSeen
        };
        let mut answer = check(&id(ms, n), verdict, Some(brand), None, hash('1'));
        answer.action = assay::contract::Action::Review;
        store.add_check(&local(), &answer, &[None]).await.unwrap();
    }
    use ReviewOutcome::{NeedPhoto, Overturn, Uphold};
    let counts = async || {
        let tally = store.tally("acme", DAY..DAY + 1).await.unwrap();
        (tally.upheld, tally.overturned)
    };
    decide(id(ms, 0), Uphold).await;
    decide(id(ms, 1), Uphold).await;
    decide(id(ms, 2), NeedPhoto).await;
    decide(id(ms, 3), Overturn).await;
    decide(id(ms, 4), Overturn).await;
    assert_eq!(counts().await, (2, 0));
    decide(id(ms, 1), Overturn).await;
    assert_eq!(counts().await, (1, 1));
    decide(id(ms, 0), NeedPhoto).await;
    assert_eq!(counts().await, (0, 1), "it is open again");
}
