//! The use cases end to end over the real store, files, workers and engine; only the models are
//! made up.

mod calibrating;
mod gallery;

use assay::{
    checker::{
        actor::Actor,
        ports::StoreError,
        service::{CheckRequest, NewReference, ServiceError},
    },
    domain::{digest::Sha256, gallery::ProductKey},
};
use bytes::Bytes;

use crate::support::{
    app::{Shipped, TestApp, new_reference, request},
    records::{key, mark},
    vision::Scene,
};

/// Two products of one brand and one of another, each with its catalogue picture.
async fn stocked(shipped: Shipped) -> (TestApp, ProductKey) {
    let app = TestApp::start(shipped).await;
    for (n, (brand, product)) in [("acme", "oat"), ("acme", "rice"), ("other", "soy")]
        .into_iter()
        .enumerate()
    {
        let product = app.create(brand, product).await;
        app.enroll(&product, &Scene::of(n as u8 + 1)).await;
    }
    (app, key("acme", "oat"))
}

fn codes(answer: &assay::contract::answer::CheckAnswer) -> Vec<&str> {
    answer.reasons.iter().map(|r| r.code.name()).collect()
}

#[tokio::test]
async fn a_photo_of_the_claimed_product_is_consistent_and_kept() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let scene = Scene::photo(1, "a");
    let answer = app.check(Some(&oat), std::slice::from_ref(&scene)).await;
    assert_eq!(
        (answer.verdict.name(), answer.action.name()),
        ("consistent", "allow"),
        "{answer:#?}"
    );
    let photo = &answer.photos[0];
    assert_eq!((photo.width, photo.height), (960, 640));
    assert_eq!(photo.sha256, Sha256::of(&scene.bytes()).to_string());
    assert_eq!(
        (
            photo.matches[0].brand.as_str(),
            photo.matches[0].product.as_str()
        ),
        ("acme", "oat")
    );
    assert_eq!(photo.p_value, Some(1.0));
    assert_eq!(
        app.assay
            .get_check(&Actor::local(), &answer.id)
            .await
            .unwrap(),
        answer
    );
    let evidence = app
        .assay
        .evidence(&Actor::local(), &answer.id, 0)
        .await
        .unwrap();
    assert_eq!(evidence.photo, scene.bytes());
    assert_eq!(evidence.references[0].1, Scene::of(1).bytes());
    let beyond = app.assay.evidence(&Actor::local(), &answer.id, 1).await;
    assert!(matches!(
        beyond,
        Err(ServiceError::Store(StoreError::NotFound {
            what: "photo",
            ..
        }))
    ));
}

#[tokio::test]
async fn a_flagged_photo_deviates_and_goes_to_review() {
    let (app, oat) = stocked(Shipped::Strict).await;
    let answer = app.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    assert_eq!(
        (answer.verdict.name(), answer.action.name()),
        ("deviates", "review"),
        "{answer:#?}"
    );
    assert!(!answer.reasons.is_empty());
}

#[tokio::test]
async fn every_question_that_was_lost_gives_its_reason() {
    let app = TestApp::start(Shipped::Strict).await;
    let rice = app.create("acme", "rice").await;
    let with_mark = NewReference {
        marks: vec![mark()],
        ..new_reference(&rice, &Scene::of(2))
    };
    app.assay
        .enroll_reference(&Actor::local(), with_mark)
        .await
        .unwrap();
    let answer = app.check(Some(&rice), &[Scene::photo(2, "a")]).await;
    let mut codes: Vec<&str> = answer.reasons.iter().map(|r| r.code.name()).collect();
    codes.sort_unstable();
    assert_eq!(codes, ["mark_differs", "weak_agreement"], "{answer:#?}");
}

#[tokio::test]
async fn a_photo_points_to_places_of_its_own_unless_the_owner_has_named_marks() {
    let app = TestApp::start(Shipped::Lenient).await;
    let (free, named) = (
        app.create("acme", "oat").await,
        app.create("acme", "rice").await,
    );
    app.enroll(&free, &Scene::of(1)).await;
    let with_mark = NewReference {
        marks: vec![mark()],
        ..new_reference(&named, &Scene::of(2))
    };
    app.assay
        .enroll_reference(&Actor::local(), with_mark)
        .await
        .unwrap();
    let names = async |claim: &ProductKey, pack: u8| {
        let answer = app.check(Some(claim), &[Scene::photo(pack, "a")]).await;
        answer.photos[0].matches[0]
            .marks
            .iter()
            .map(|m| m.name.clone())
            .collect::<Vec<_>>()
    };
    let places = names(&free, 1).await;
    assert!(
        !places.is_empty() && places.iter().all(|name| name.ends_with(" place")),
        "{places:?}"
    );
    assert_eq!(names(&named, 2).await, ["wordmark"]);
}

#[tokio::test]
async fn without_a_claim_the_photo_is_identified_among_all() {
    let (app, _) = stocked(Shipped::Lenient).await;
    let answer = app.check(None, &[Scene::photo(3, "a")]).await;
    let best = &answer.photos[0].matches[0];
    assert_eq!(
        (best.brand.as_str(), best.product.as_str()),
        ("other", "soy")
    );
    assert_eq!((answer.claim, answer.photos[0].p_value), (None, None));
}

#[tokio::test]
async fn the_same_inputs_give_the_same_answer_but_for_id_and_times() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let scenes = [
        Scene::photo(1, "a"),
        Scene::photo(2, "b"),
        Scene::photo(0, "c"),
    ];
    let mut first = app.check(Some(&oat), &scenes).await;
    let mut again = app
        .beside(Shipped::Lenient)
        .await
        .check(Some(&oat), &scenes)
        .await;
    assert_ne!(first.id, again.id);
    for answer in [&mut first, &mut again] {
        answer.id.clear();
        answer.created_at.clear();
        answer.timings_ms.clear();
    }
    assert_eq!(first, again);
}

#[tokio::test]
async fn one_bad_photo_does_not_spoil_the_others() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let mut request = request(Some(&oat), &[Scene::photo(1, "a")]);
    request.photos.push(Bytes::from_static(b"no picture"));
    let answer = app.assay.check(&Actor::local(), request).await.unwrap();
    let verdicts: Vec<_> = answer.photos.iter().map(|p| p.verdict.name()).collect();
    assert_eq!(verdicts, ["consistent", "not_comparable"]);
    assert_eq!(answer.verdict.name(), "consistent");
    assert_eq!(
        answer.photos[1].error.as_ref().map(|e| e.kind.name()),
        Some("photo-unsupported-format")
    );
    assert!(
        answer
            .reasons
            .iter()
            .any(|r| r.code.name() == "photo_unreadable" && r.photo == 1)
    );
    assert!(
        app.assay
            .evidence(&Actor::local(), &answer.id, 1)
            .await
            .is_err(),
        "bytes that are no picture are not kept"
    );
}

#[tokio::test]
async fn a_claim_on_what_does_not_exist_is_refused_and_one_without_references_is_not_comparable() {
    let (app, _) = stocked(Shipped::Lenient).await;
    let refused = async |claim: CheckRequest| match app.assay.check(&Actor::local(), claim).await {
        Err(ServiceError::Store(StoreError::NotFound { what, .. })) => what,
        other => panic!("{other:?}"),
    };
    let scenes = [Scene::photo(1, "a")];
    assert_eq!(
        refused(request(Some(&key("acme", "tea")), &scenes)).await,
        "product"
    );
    let brand_only = |brand: &str| CheckRequest {
        product: None,
        ..request(Some(&key(brand, "x")), &scenes)
    };
    assert_eq!(refused(brand_only("nobody")).await, "brand");
    app.assay
        .check(&Actor::local(), brand_only("acme"))
        .await
        .unwrap();
    let tea = app.create("acme", "tea").await;
    let answer = app.check(Some(&tea), &scenes).await;
    assert_eq!(
        (answer.verdict.name(), answer.action.name()),
        ("not_comparable", "request_photo")
    );
    assert_eq!(codes(&answer), ["no_reference"]);
}

#[tokio::test]
async fn a_photo_seen_on_another_sellers_listing_is_reused() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let by = |seller: &str| CheckRequest {
        seller_id: Some(seller.to_owned()),
        ..request(Some(&oat), &[Scene::photo(1, "a")])
    };
    let first = app.assay.check(&Actor::local(), by("ann")).await.unwrap();
    assert_eq!(first.verdict.name(), "consistent");
    assert_eq!(
        app.assay
            .check(&Actor::local(), by("ann"))
            .await
            .unwrap()
            .verdict
            .name(),
        "consistent",
        "her own photo again"
    );
    let second = app.assay.check(&Actor::local(), by("bob")).await.unwrap();
    assert_eq!(
        (second.verdict.name(), second.action.name()),
        ("reused_photo", "request_photo")
    );
    let reason = second
        .reasons
        .iter()
        .find(|r| r.code.name() == "seen_elsewhere")
        .expect("a reason");
    assert!(reason.detail.contains(&first.id), "{}", reason.detail);
    assert!(
        !reason.detail.contains("ann"),
        "other sellers are not named"
    );
}

#[tokio::test]
async fn what_shows_nothing_of_the_product_spoils_no_listing_by_being_shared() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let banner = Scene::photo(0, "banner");
    let catalogue = Scene {
        note: "saved-again",
        ..Scene::of(1)
    };
    let by = |seller: &str, own: Scene| CheckRequest {
        seller_id: Some(seller.to_owned()),
        ..request(Some(&oat), &[own, banner.clone(), catalogue.clone()])
    };
    app.assay
        .check(&Actor::local(), by("ann", Scene::photo(1, "a")))
        .await
        .unwrap();
    let answer = app
        .assay
        .check(&Actor::local(), by("bob", Scene::photo(1, "b")))
        .await
        .unwrap();
    assert_eq!(
        (answer.verdict.name(), answer.action.name()),
        ("consistent", "allow"),
        "{answer:#?}"
    );
    assert_eq!(
        answer.p_value, answer.photos[0].p_value,
        "of the only photo that counts"
    );
}

#[tokio::test]
async fn the_catalogue_picture_itself_is_reused() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let answer = app
        .check(
            Some(&oat),
            &[Scene {
                note: "saved-again",
                ..Scene::of(1)
            }],
        )
        .await;
    assert_eq!(answer.verdict.name(), "reused_photo", "{answer:#?}");
}

#[tokio::test]
async fn everything_is_ready_and_says_by_which_models_it_sees() {
    let app = TestApp::start(Shipped::Lenient).await;
    let readiness = app.assay.ready().await;
    assert!(readiness.parts.iter().all(|(_, problem)| problem.is_none()));
    assert_eq!(app.assay.models()["embedder"], "fake-packs@1");
}
