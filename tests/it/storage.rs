//! The store keeps what it is given, refuses what contradicts it, and opens what older versions
//! wrote.

mod opening;

use std::path::Path;

use assay::{
    checker::{
        ports::StoreError,
        records::{
            CheckFilter, GenuineScore, KeptObservation, KeptVariation, SeenElsewhere, Store,
        },
    },
    contract::{CalibrationSource, Verdict, operating_point::OperatingPointAnswer},
    domain::score::LogOdds,
    storage::sqlite::SqliteStore,
};

use crate::support::records::{brand, check, genuine_photo, hash, key, product, reference};

async fn with_two_products(data: &Path) -> SqliteStore {
    let store = SqliteStore::open(data).await.unwrap();
    store.add_brand(&brand("acme")).await.unwrap();
    store.add_product(&product("acme", "oat")).await.unwrap();
    store.add_product(&product("acme", "rice")).await.unwrap();
    store
}

fn is_not_found<T: std::fmt::Debug>(result: Result<T, StoreError>, wanted: &str) -> bool {
    matches!(result, Err(StoreError::NotFound { what, .. }) if what == wanted)
}

fn is_conflict<T: std::fmt::Debug>(result: Result<T, StoreError>, wanted: &str) -> bool {
    matches!(result, Err(StoreError::Conflict { what, .. }) if what == wanted)
}

#[tokio::test]
async fn brands_and_products_are_accepted_again_but_not_under_another_name() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_two_products(dir.path()).await;
    store.add_brand(&brand("acme")).await.unwrap();
    store.add_product(&product("acme", "oat")).await.unwrap();
    let mut other = brand("acme");
    other.name = "Acme Inc".into();
    assert!(is_conflict(store.add_brand(&other).await, "brand"));
    let mut other = product("acme", "oat");
    other.name = "Oat drink".into();
    assert!(is_conflict(store.add_product(&other).await, "product"));
    assert_eq!(store.brands().await.unwrap(), [brand("acme")]);
    assert_eq!(
        store.products("acme").await.unwrap(),
        [product("acme", "oat"), product("acme", "rice")]
    );
    assert!(is_not_found(store.products("nobody").await, "brand"));
    assert!(is_not_found(
        store.add_product(&product("nobody", "oat")).await,
        "brand"
    ));
    assert!(is_not_found(
        store.product(&key("acme", "soy")).await,
        "product"
    ));
}

#[tokio::test]
async fn a_reference_comes_back_whole_and_once_per_image() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_two_products(dir.path()).await;
    let first = reference("r1", key("acme", "oat"), hash('a'));
    store.add_reference(&first).await.unwrap();
    assert!(is_conflict(
        store
            .add_reference(&reference("r2", key("acme", "oat"), hash('a')))
            .await,
        "reference"
    ));
    assert!(is_not_found(
        store
            .add_reference(&reference("r2", key("acme", "soy"), hash('a')))
            .await,
        "product"
    ));
    let mut second = reference("r2", key("acme", "rice"), hash('a'));
    (second.view, second.article, second.marks) = (None, None, vec![]);
    store.add_reference(&second).await.unwrap();
    assert_eq!(
        store.references(Some(&key("acme", "oat"))).await.unwrap(),
        std::slice::from_ref(&first)
    );
    assert_eq!(store.references(None).await.unwrap(), [first, second]);
    assert!(is_not_found(
        store.references(Some(&key("acme", "soy"))).await,
        "product"
    ));
}

#[tokio::test]
async fn a_removed_reference_is_gone_from_the_gallery_but_not_from_the_evidence() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_two_products(dir.path()).await;
    let record = reference("r1", key("acme", "oat"), hash('a'));
    store.add_reference(&record).await.unwrap();
    assert!(is_not_found(
        store.delete_reference(&key("acme", "rice"), "r1", 5).await,
        "reference"
    ));
    store
        .delete_reference(&key("acme", "oat"), "r1", 5)
        .await
        .unwrap();
    assert!(is_not_found(
        store.delete_reference(&key("acme", "oat"), "r1", 6).await,
        "reference"
    ));
    assert_eq!(store.references(None).await.unwrap(), []);
    assert_eq!(store.reference("r1").await.unwrap(), record);
    store
        .add_reference(&reference("r2", key("acme", "oat"), hash('a')))
        .await
        .unwrap();
}

#[tokio::test]
async fn scores_of_genuine_photos_belong_to_one_version() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_two_products(dir.path()).await;
    let oat = key("acme", "oat");
    let photo = genuine_photo("g1", oat.clone(), "item-1", hash('b'));
    store.add_genuine_photo(&photo).await.unwrap();
    assert!(is_conflict(
        store.add_genuine_photo(&photo).await,
        "genuine photo"
    ));
    assert_eq!(
        store.genuine_photos(&oat).await.unwrap(),
        std::slice::from_ref(&photo)
    );
    assert_eq!(
        store.genuine_photos_of_brand("acme").await.unwrap(),
        [photo]
    );
    assert!(is_not_found(
        store.genuine_photos_of_brand("none").await,
        "brand"
    ));
    let score = |score: Option<f64>, adjusted: Option<f64>| {
        let [score, adjusted] = [score, adjusted].map(|s| s.map(LogOdds::saturating));
        let (photo, product, item) = ("g1".into(), "oat".into(), "item-1".into());
        GenuineScore {
            photo,
            product,
            item,
            score,
            adjusted,
        }
    };
    store
        .put_genuine_score(&score(Some(0.5), None), Some("seen"), "v1")
        .await
        .unwrap();
    assert_eq!(
        store
            .genuine_scores("acme", Some("oat"), "v1")
            .await
            .unwrap(),
        [score(Some(0.5), None)]
    );
    assert_eq!(store.genuine_scores("acme", None, "v2").await.unwrap(), []);
    store
        .put_genuine_score(&score(None, None), None, "v2")
        .await
        .unwrap();
    assert_eq!(
        store
            .genuine_scores("acme", Some("oat"), "v1")
            .await
            .unwrap(),
        []
    );
    assert_eq!(
        store.genuine_scores("acme", None, "v2").await.unwrap(),
        [score(None, None)]
    );
}

#[tokio::test]
async fn what_genuine_photos_show_belongs_to_one_version_and_is_replaced_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let store = with_two_products(dir.path()).await;
    let (oat, rice) = (key("acme", "oat"), key("acme", "rice"));
    for (n, product) in [(1, &oat), (2, &oat), (3, &rice), (4, &oat)] {
        let photo = genuine_photo(
            &format!("g{n}"),
            product.clone(),
            "item",
            hash((b'a' + n) as char),
        );
        store.add_genuine_photo(&photo).await.unwrap();
        let (photo, product, item) = (photo.id, product.product.clone(), photo.item);
        let score = GenuineScore {
            photo,
            product,
            item,
            score: Some(LogOdds::saturating(1.0)),
            adjusted: None,
        };
        store
            .put_genuine_score(&score, (n != 2).then_some("seen"), "v1")
            .await
            .unwrap();
    }
    let kept = |id: &str| KeptObservation {
        photo: id.into(),
        item: "item".into(),
        observation: "seen".into(),
    };
    let observations = async |version, after, most| {
        store
            .observations(&oat, version, after, most)
            .await
            .unwrap()
    };
    assert_eq!(
        observations("v1", None, 5).await,
        [kept("g1"), kept("g4")],
        "what is not comparable showed nothing"
    );
    assert_eq!(observations("v1", None, 1).await, [kept("g1")]);
    assert_eq!(observations("v1", Some("g1"), 5).await, [kept("g4")]);
    assert_eq!(
        (
            observations("v1", Some("g4"), 5).await,
            observations("v2", None, 5).await
        ),
        (vec![], vec![])
    );
    let adjusted = |photo: &str, score| (photo.to_owned(), LogOdds::saturating(score));
    let of = |photos, variation: &str| KeptVariation {
        photos,
        variation: variation.into(),
    };
    store
        .put_variation(
            &oat,
            &of(2, "one"),
            &[adjusted("g1", 2.0), adjusted("g3", 3.0)],
            "v1",
        )
        .await
        .unwrap();
    store
        .put_variation(&rice, &of(1, "other"), &[], "v1")
        .await
        .unwrap();
    let stored = async |product: Option<&'static str>| -> Vec<_> {
        let scores = store.genuine_scores("acme", product, "v1").await.unwrap();
        scores
            .into_iter()
            .map(|s| s.adjusted.map(LogOdds::get))
            .collect()
    };
    assert_eq!(stored(Some("oat")).await, [Some(2.0), None, None]);
    let variations =
        async |product, version| store.variations("acme", product, version).await.unwrap();
    assert_eq!(variations(Some("oat"), "v1").await, [of(2, "one")]);
    assert_eq!(variations(None, "v1").await, [of(2, "one"), of(1, "other")]);
    store
        .put_variation(&oat, &of(1, "late"), &[adjusted("g1", 9.0)], "v1")
        .await
        .unwrap();
    assert_eq!(
        variations(Some("oat"), "v1").await,
        [of(2, "one")],
        "a slower process saw fewer photos"
    );
    assert_eq!(stored(Some("oat")).await, [Some(2.0), None, None]);
    store
        .put_variation(&oat, &of(0, "[]"), &[adjusted("g1", 4.0)], "v0")
        .await
        .unwrap();
    assert_eq!(
        variations(Some("oat"), "v1").await,
        [of(2, "one")],
        "other references are another matter"
    );
    assert_eq!(
        stored(Some("oat")).await,
        [Some(2.0), None, None],
        "a score of another version is left alone"
    );
    store
        .put_variation(&oat, &of(3, "more"), &[], "v1")
        .await
        .unwrap();
    assert_eq!(
        variations(Some("oat"), "v0").await,
        [],
        "no score is of that version"
    );
    assert_eq!(variations(Some("oat"), "v1").await, [of(3, "more")]);
    let again = GenuineScore {
        photo: "g1".into(),
        product: "oat".into(),
        item: "item".into(),
        score: Some(LogOdds::saturating(0.0)),
        adjusted: Some(LogOdds::saturating(9.0)),
    };
    store
        .put_genuine_score(&again, Some("seen anew"), "v1")
        .await
        .unwrap();
    assert_eq!(
        stored(Some("oat")).await,
        [None, None, None],
        "what is known of the others is to be put together again"
    );
}

#[tokio::test]
async fn checks_are_listed_newest_first_by_verdict_and_brand() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let all = [
        check("c1", Verdict::Deviates, Some("acme"), None, hash('1')),
        check("c2", Verdict::Consistent, Some("acme"), None, hash('2')),
        check("c3", Verdict::Deviates, None, None, hash('3')),
    ];
    for answer in &all {
        store.add_check(answer, &[Some(7)]).await.unwrap();
    }
    assert_eq!(store.check("c2").await.unwrap(), all[1]);
    assert!(is_not_found(store.check("c9").await, "check"));
    let listed =
        async |verdict: Option<Verdict>, brand: Option<&str>, before: Option<&str>, limit| {
            let [brand, before] = [brand, before].map(|s| s.map(str::to_owned));
            let found = store
                .checks(&CheckFilter {
                    verdict,
                    brand,
                    before,
                    limit,
                })
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

#[tokio::test]
async fn a_photo_is_seen_elsewhere_only_with_another_seller() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    for (id, seller) in [
        ("c1", None),
        ("c2", Some("ann")),
        ("c3", Some("bob")),
        ("c4", Some("cid")),
    ] {
        store
            .add_check(
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

#[tokio::test]
async fn another_connection_notices_changes() {
    let dir = tempfile::tempdir().unwrap();
    let writer = with_two_products(dir.path()).await;
    let reader = SqliteStore::open(dir.path()).await.unwrap();
    let before = reader.changes().await.unwrap();
    writer
        .add_reference(&reference("r1", key("acme", "oat"), hash('a')))
        .await
        .unwrap();
    let added = reader.changes().await.unwrap();
    assert!(added.references > before.references && added.genuine_photos == before.genuine_photos);
    writer
        .delete_reference(&key("acme", "oat"), "r1", 5)
        .await
        .unwrap();
    let removed = reader.changes().await.unwrap();
    assert!(removed.references > added.references);
    writer
        .add_genuine_photo(&genuine_photo("g1", key("acme", "oat"), "i", hash('b')))
        .await
        .unwrap();
    assert!(reader.changes().await.unwrap().genuine_photos > removed.genuine_photos);
}

#[tokio::test]
async fn what_answers_were_judged_by_stays_as_it_was_first_kept() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path()).await.unwrap();
    let point = |id: &str, created_at: &str| OperatingPointAnswer {
        id: id.into(),
        created_at: created_at.into(),
        calibration: "default-1".into(),
        source: CalibrationSource::Default,
        budget: 0.01,
        bound_95: 0.016,
        items: 183,
        photos: 2,
        questions: 2.0,
        scores: [("marks".to_owned(), vec![[-1.25, 0.5], [3.0, 1.5]])].into(),
        models: [("embedder".to_owned(), "e@1".to_owned())].into(),
        program: "assay 0.1.0+tuning.000000000000".into(),
        similarity_rule: "rule".into(),
    };
    let first = point("op-1", "2026-01-01T00:00:00Z");
    for kept in [
        &first,
        &point("op-1", "2027-01-01T00:00:00Z"),
        &point("op-2", "now"),
    ] {
        store.add_operating_point(kept).await.unwrap();
    }
    store.close().await;
    let store = SqliteStore::open(dir.path()).await.unwrap();
    assert_eq!(store.operating_point("op-1").await.unwrap(), first);
    assert!(is_not_found(
        store.operating_point("op-3").await,
        "calibration"
    ));
}
