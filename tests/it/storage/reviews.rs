//! Checks that people look at: who comes first, who holds one, and what is decided once.

use std::time::{Duration, Instant};

use assay::{
    checker::{
        actor::{Actor, Role},
        records::{Checks, DecisionRecord, DisputeRecord, Lease, QueueFilter, Retention, Reviews},
    },
    contract::{QueueOrder, ReviewOutcome, ReviewState, Verdict},
    storage::database::Database,
};

use super::{Place, is_not_found};
use crate::support::records::{check, hash};

pub(super) const LEASE: i64 = 60_000;

pub(super) fn reviewer(name: &str) -> Actor {
    Actor::new(format!("key:{name}"), Role::Reviewer, None).called(name)
}

fn all(order: QueueOrder) -> QueueFilter {
    QueueFilter {
        state: ReviewState::Open,
        disputed: false,
        verdict: None,
        brand: None,
        words: Vec::new(),
        order,
        after: None,
        limit: 10,
    }
}

async fn ids(store: &Database, filter: &QueueFilter) -> Vec<String> {
    let found = store.queue(filter).await.unwrap();
    found.into_iter().map(|r| r.answer.id).collect()
}

pub(super) fn dispute(id: &str, check: &str) -> DisputeRecord {
    DisputeRecord {
        id: id.into(),
        check: check.into(),
        statement: "It is mine.\nLook again.".into(),
        photos_check: None,
        actor: "key:shop".into(),
        created_ms: 5,
    }
}

pub(super) fn decision(
    id: &str,
    check: &str,
    by: &Actor,
    outcome: ReviewOutcome,
) -> DecisionRecord {
    DecisionRecord {
        id: id.into(),
        check: check.into(),
        outcome,
        reason: "because".into(),
        dispute: None,
        actor: by.name().into(),
        label: by.label().into(),
        created_ms: 7,
    }
}

/// Checks `a` to `d` by how they should rank, `c` of another brand, and one that nobody has to see.
async fn with_checks(place: &Place) -> Database {
    let store = place.open().await;
    let put = async |id: &str, verdict, brand: &str, p: Option<f64>| {
        let mut answer = check(id, verdict, Some(brand), Some("Shop-17"), hash('1'));
        answer.p_value = p;
        answer.listing_id = Some(format!("item {id}"));
        store
            .add_check(&reviewer("shop"), &answer, &[None])
            .await
            .unwrap();
    };
    put("a", Verdict::Deviates, "acme", Some(0.002)).await;
    put("b", Verdict::Deviates, "acme", Some(0.001)).await;
    put("c", Verdict::NoBrandSeen, "bolt", None).await;
    put("d", Verdict::Deviates, "acme", Some(0.0005)).await;
    put("e", Verdict::Consistent, "acme", Some(0.9)).await;
    store
}

pub(super) async fn flagged_checks_wait_in_the_order_asked_for(place: &Place) {
    let store = with_checks(place).await;
    let newest = all(QueueOrder::Newest);
    let strongest = all(QueueOrder::Strongest);
    let oldest = all(QueueOrder::Oldest);
    assert_eq!(ids(&store, &oldest).await, ["a", "b", "c", "d"]);
    assert_eq!(ids(&store, &newest).await, ["d", "c", "b", "a"]);
    assert_eq!(ids(&store, &strongest).await, ["d", "b", "a", "c"]);
    // A dispute brings on top also what nobody had flagged.
    let shop = reviewer("shop");
    store.dispute(&shop, &dispute("1", "e")).await.unwrap();
    // In another millisecond: of one the ids decide.
    let first = Instant::now();
    while first.elapsed() < Duration::from_millis(3) {
        tokio::task::yield_now().await;
    }
    store.dispute(&shop, &dispute("2", "c")).await.unwrap();
    for (order, wanted) in [
        (QueueOrder::Oldest, ["e", "c", "a", "b", "d"]),
        (QueueOrder::Newest, ["c", "e", "d", "b", "a"]),
        (QueueOrder::Strongest, ["e", "c", "d", "b", "a"]),
    ] {
        // Page by page it is the same, whatever the size of a page.
        for limit in 1..=6 {
            let (mut seen, mut after) = (Vec::new(), None);
            loop {
                let page = QueueFilter {
                    after,
                    limit,
                    ..all(order)
                };
                let page = ids(&store, &page).await;
                let Some(last) = page.last().cloned() else {
                    break;
                };
                after = Some(last);
                seen.extend(page);
            }
            assert_eq!(seen, wanted, "{order} {limit}");
        }
    }
    let only = |change: fn(&mut QueueFilter)| {
        let mut filter = all(QueueOrder::Oldest);
        change(&mut filter);
        filter
    };
    for (filter, wanted) in [
        (only(|f| f.disputed = true), vec!["e", "c"]),
        (only(|f| f.verdict = Some(Verdict::NoBrandSeen)), vec!["c"]),
        (only(|f| f.brand = Some("bolt".into())), vec!["c"]),
        (only(|f| f.brand = Some("none".into())), vec![]),
        (
            only(|f| f.words = vec!["shop".into(), "b".into()]),
            vec!["b"],
        ),
        (
            only(|f| f.words = vec!["shop-17".into(), "item d".into()]),
            vec!["d"],
        ),
        (only(|f| f.words = vec!["hop".into()]), vec![]),
        (only(|f| f.words = vec!["%".into()]), vec![]),
        (only(|f| f.state = ReviewState::Decided), vec![]),
    ] {
        assert_eq!(ids(&store, &filter).await, wanted, "{filter:?}");
    }
    assert!(is_not_found(
        store.dispute(&shop, &dispute("3", "z")).await,
        "check"
    ));
    assert_eq!(store.disputes("z").await.unwrap(), []);
    assert_eq!(store.disputes("e").await.unwrap(), [dispute("1", "e")]);
}

pub(super) async fn one_person_holds_a_check_and_decides_once(place: &Place) {
    let store = with_checks(place).await;
    let other = place.open().await;
    let (rita, otto) = (reviewer("rita"), reviewer("otto"));
    let taken = |hold: &Lease| matches!(hold, Lease::Taken(by) if by.label == "rita");
    let theirs = |hold: &Lease| matches!(hold, Lease::Theirs(_));

    // Of two who ask at the same time one gets it.
    let both = tokio::join!(
        store.lease(&rita, "a", LEASE),
        other.lease(&otto, "a", LEASE)
    );
    let both = [both.0.unwrap(), both.1.unwrap()];
    assert_eq!(
        both.iter().filter(|hold| theirs(hold)).count(),
        1,
        "{both:?}"
    );

    assert!(theirs(&store.lease(&rita, "b", LEASE).await.unwrap()));
    assert!(
        theirs(&store.lease(&rita, "b", LEASE).await.unwrap()),
        "prolonged"
    );
    assert!(taken(&other.lease(&otto, "b", LEASE).await.unwrap()));
    let by_otto = decision("1", "b", &otto, ReviewOutcome::Overturn);
    assert!(taken(&other.decide(&otto, &by_otto).await.unwrap()));
    other.give_back(&otto, "b").await.unwrap();
    let review = store.review("b").await.unwrap().unwrap();
    assert_eq!(review.holder.map(|h| h.label).as_deref(), Some("rita"));
    assert_eq!(store.decisions("b").await.unwrap(), []);

    store.give_back(&rita, "b").await.unwrap();
    let by_rita = decision("2", "b", &rita, ReviewOutcome::Uphold);
    assert_eq!(store.decide(&rita, &by_rita).await.unwrap(), Lease::Lost);
    // A lease that ran out is none.
    assert!(theirs(&store.lease(&rita, "b", -1).await.unwrap()));
    assert_eq!(store.review("b").await.unwrap().unwrap().holder, None);
    assert_eq!(store.decide(&rita, &by_rita).await.unwrap(), Lease::Lost);
    assert!(theirs(&other.lease(&otto, "b", LEASE).await.unwrap()));
    other.give_back(&otto, "b").await.unwrap();

    assert!(theirs(&store.lease(&rita, "b", LEASE).await.unwrap()));
    assert!(theirs(&store.decide(&rita, &by_rita).await.unwrap()));
    let decided = store.review("b").await.unwrap().unwrap();
    assert_eq!(
        (decided.state, decided.holder),
        (ReviewState::Decided, None)
    );
    assert_eq!(ids(&other, &all(QueueOrder::Oldest)).await, ["a", "c", "d"]);
    assert_eq!(
        other.decisions("b").await.unwrap(),
        std::slice::from_ref(&by_rita)
    );

    // Disputed, it comes back, and not to who decided.
    store.dispute(&rita, &dispute("3", "b")).await.unwrap();
    assert_eq!(
        store.lease(&rita, "b", LEASE).await.unwrap(),
        Lease::DecidedBefore
    );
    assert!(theirs(&other.lease(&otto, "b", LEASE).await.unwrap()));
    let again = decision("4", "b", &otto, ReviewOutcome::NeedPhoto);
    assert!(theirs(&other.decide(&otto, &again).await.unwrap()));
    let waiting = store.review("b").await.unwrap().unwrap();
    assert_eq!(
        (waiting.state, waiting.disputed),
        (ReviewState::Waiting, false)
    );
    assert_eq!(store.decisions("b").await.unwrap(), [by_rita, again]);

    assert!(is_not_found(store.lease(&rita, "e", LEASE).await, "review"));
    assert_eq!(store.review("e").await.unwrap(), None);
}

pub(super) async fn what_a_listing_and_a_seller_had_before_is_found(place: &Place) {
    let store = with_checks(place).await;
    let of = async |listing, seller, most| {
        let found = store.history(listing, seller, most).await.unwrap();
        found
            .into_iter()
            .map(|answer| answer.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(of(Some("item b"), None, 9).await, ["b"]);
    assert_eq!(
        of(Some("item b"), Some("Shop-17"), 9).await,
        ["e", "d", "c", "b", "a"]
    );
    assert_eq!(of(None, Some("Shop-17"), 2).await, ["e", "d"]);
    assert!(of(None, None, 9).await.is_empty() && of(None, Some("shop-17"), 9).await.is_empty());
}

/// What somebody still has to look at is not removed, nor what came with a dispute about it.
pub(super) async fn photos_of_a_dispute_are_kept_until_it_is_decided(place: &Place) {
    let (store, shop) = (place.open().await, reviewer("shop"));
    for id in ["f", "g"] {
        let answer = check(id, Verdict::Consistent, Some("acme"), None, hash('2'));
        let added = store.add_check(&shop, &answer, &[Some(1)]).await;
        added.unwrap();
    }
    assert_eq!(store.cleared("z", 9).await.unwrap(), ["f", "g"]);
    let rita = reviewer("rita");
    let with_photos = DisputeRecord {
        photos_check: Some("g".into()),
        ..dispute("1", "f")
    };
    store.dispute(&shop, &with_photos).await.unwrap();
    assert_eq!(store.cleared("z", 9).await.unwrap(), [""; 0]);
    store.lease(&rita, "f", LEASE).await.unwrap();
    let overturned = decision("2", "f", &rita, ReviewOutcome::Overturn);
    store.decide(&rita, &overturned).await.unwrap();
    assert_eq!(store.cleared("z", 9).await.unwrap(), ["f", "g"]);
}

/// Transactions that read before they write wait for each other, as others do.
pub(super) async fn many_disputes_at_once_are_all_kept(place: &Place) {
    let store = with_checks(place).await;
    let other = place.open().await;
    let shop = reviewer("shop");
    let ids: Vec<_> = (0..60).map(|n| format!("{n:02}")).collect();
    let disputes = ids.iter().enumerate().map(async |(n, id)| {
        let check = ["a", "b", "c"][n % 3];
        let at = if n % 2 == 0 { &store } else { &other };
        at.dispute(&shop, &dispute(id, check)).await
    });
    for kept in futures_util::future::join_all(disputes).await {
        kept.unwrap();
    }
    let mut kept = 0;
    for check in ["a", "b", "c"] {
        kept += store.disputes(check).await.unwrap().len();
    }
    assert_eq!(kept, ids.len());
}
