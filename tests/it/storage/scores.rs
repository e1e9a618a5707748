//! What genuine photos scored and showed belongs to one version.

use assay::{
    checker::records::{
        Audit, AuthorisedPhotoRecord, AuthorisedPhotos, GenuinePhotos, GenuineScore,
        KeptObservation, KeptVariation, Scores,
    },
    domain::score::LogOdds,
};

use super::{Place, is_conflict, is_not_found, with_two_products};
use crate::support::records::{genuine_photo, hash, key, local};

pub(super) async fn scores_of_genuine_photos_belong_to_one_version(place: &Place) {
    let store = with_two_products(place).await;
    let oat = key("acme", "oat");
    let photo = genuine_photo("g1", oat.clone(), "item-1", hash('b'));
    store.add_genuine_photo(&local(), &photo).await.unwrap();
    assert!(is_conflict(
        store.add_genuine_photo(&local(), &photo).await,
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
    let with_photos = async |brand| store.products_with_genuine_photos(brand).await.unwrap();
    assert_eq!(with_photos("acme").await, std::slice::from_ref(&oat));
    assert_eq!(with_photos("none").await, []);
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

pub(super) async fn what_genuine_photos_show_belongs_to_one_version_and_is_replaced_as_a_whole(
    place: &Place,
) {
    let store = with_two_products(place).await;
    let (oat, rice) = (key("acme", "oat"), key("acme", "rice"));
    for (n, product) in [(1, &oat), (2, &oat), (3, &rice), (4, &oat)] {
        let photo = genuine_photo(
            &format!("g{n}"),
            product.clone(),
            "item",
            hash((b'a' + n) as char),
        );
        store.add_genuine_photo(&local(), &photo).await.unwrap();
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

/// Photos that must never be flagged are kept per product, and every change of them is noted.
pub(super) async fn authorised_photos_are_kept_and_noted(place: &Place) {
    let store = with_two_products(place).await;
    let (oat, rice) = (key("acme", "oat"), key("acme", "rice"));
    let photo = AuthorisedPhotoRecord {
        id: "n1".into(),
        product: oat.clone(),
        note: "press picture".into(),
        sha256: hash('c'),
        actor: local().name().into(),
        created_ms: 5,
    };
    store.add_authorised_photo(&local(), &photo).await.unwrap();
    assert!(is_conflict(
        store.add_authorised_photo(&local(), &photo).await,
        "authorised photo"
    ));
    let kept = store.authorised_photos(&oat).await.unwrap();
    assert_eq!(kept, std::slice::from_ref(&photo));
    assert_eq!(store.authorised_photos(&rice).await.unwrap(), []);
    assert!(is_not_found(
        store.authorised_photos(&key("acme", "none")).await,
        "product"
    ));
    assert!(is_not_found(
        store.delete_authorised_photo(&local(), &rice, "n1").await,
        "authorised photo"
    ));
    store
        .delete_authorised_photo(&local(), &oat, "n1")
        .await
        .unwrap();
    let noted = store.entries(Some("authorised_photo/n1"), 0, 9).await;
    let noted = noted.unwrap().entries;
    for (entry, action) in noted.iter().zip(["added", "removed"]) {
        let wanted = format!("authorised_photo.{action}");
        assert!(entry.entry.contains(&wanted), "{}", entry.entry);
    }
    assert_eq!(noted.len(), 2);
}
