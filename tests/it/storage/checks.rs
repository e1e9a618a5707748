//! Checks: listed newest first, and their photos recognised on other listings.

use assay::{
    checker::records::{CheckFilter, Checks, SeenElsewhere},
    contract::Verdict,
};

use super::{Place, is_not_found};
use crate::support::records::{check, hash, local};

pub(super) async fn checks_are_listed_newest_first_by_verdict_and_brand(place: &Place) {
    let store = place.open().await;
    let all = [
        check("c1", Verdict::Deviates, Some("acme"), None, hash('1')),
        check("c2", Verdict::Consistent, Some("acme"), None, hash('2')),
        check("c3", Verdict::Deviates, None, None, hash('3')),
    ];
    for answer in &all {
        store.add_check(&local(), answer, &[Some(7)]).await.unwrap();
    }
    assert_eq!(store.check("c2").await.unwrap(), all[1]);
    assert!(is_not_found(store.check("c9").await, "check"));
    let listed =
        async |verdict: Option<Verdict>, brand: Option<&str>, before: Option<&str>, limit| {
            let [brand, before] = [brand, before].map(|s| s.map(str::to_owned));
            let found = store
                .checks(
                    &CheckFilter {
                        verdict,
                        brand,
                        before,
                        limit,
                    },
                    None,
                )
                .await
                .unwrap();
            found.into_iter().map(|c| c.id).collect::<Vec<_>>()
        };
    assert_eq!(listed(None, None, None, 10).await, ["c3", "c2", "c1"]);
    assert_eq!(listed(None, None, Some("c3"), 1).await, ["c2"]);
    assert_eq!(
        listed(Some(Verdict::Deviates), None, None, 10).await,
        ["c3", "c1"]
    );
    assert_eq!(
        listed(Some(Verdict::Deviates), Some("acme"), None, 10).await,
        ["c1"]
    );
}

pub(super) async fn a_photo_is_seen_elsewhere_only_with_another_seller(place: &Place) {
    let store = place.open().await;
    for (id, seller) in [
        ("c1", None),
        ("c2", Some("ann")),
        ("c3", Some("bob")),
        ("c4", Some("cid")),
    ] {
        store
            .add_check(
                &local(),
                &check(id, Verdict::Consistent, None, seller, hash('a')),
                &[],
            )
            .await
            .unwrap();
    }
    let photos = [hash('a'), hash('b')];
    let seen = |check: &str, seller: &str| SeenElsewhere {
        sha256: hash('a'),
        check: check.into(),
        seller: seller.into(),
    };
    assert_eq!(
        store.seen_elsewhere(&photos, Some("bob")).await.unwrap(),
        [seen("c2", "ann")]
    );
    assert_eq!(
        store.seen_elsewhere(&photos, Some("ann")).await.unwrap(),
        [seen("c3", "bob")]
    );
    assert_eq!(store.seen_elsewhere(&photos, None).await.unwrap(), []);
}
