//! Thresholds of a product from its own genuine photos, and what these show.

use assay::{
    checker::{
        actor::Actor,
        service::{CheckRequest, SelfTestRequest, ServiceError},
    },
    domain::gallery::ProductKey,
};

use super::{codes, stocked};
use crate::support::{
    app::{BUDGET, Shipped, TestApp, request},
    records::key,
    vision::{Scene, rereading_vision},
};

#[tokio::test]
async fn a_product_with_enough_items_is_judged_by_its_own_photos() {
    let (app, oat) = stocked(Shipped::Strict).await;
    let photo = |n: u32| Scene {
        moved: (150 + n, 90),
        ..Scene::photo(1, "a")
    };
    let add = async |n: u32| {
        app.assay
            .add_genuine_photo(
                &Actor::local(),
                &oat,
                &format!("item-{n}"),
                photo(n).bytes(),
            )
            .await
    };
    for n in 0..13 {
        add(n).await.unwrap();
    }
    let short = app.assay.calibration(&Actor::local(), &oat).await.unwrap();
    assert_eq!(short.source.name(), "default");
    assert!(
        short
            .advice
            .as_deref()
            .is_some_and(|a| a.contains("1 more items (13 of 14")),
        "{short:?}"
    );
    add(13).await.unwrap();
    let waiting = app.check(Some(&oat), &[photo(5)]).await.calibration;
    assert!(
        waiting
            .advice
            .as_deref()
            .is_some_and(|a| a.contains("1 of 14 genuine photos wait")),
        "{waiting:?}"
    );
    let own = app.assay.calibration(&Actor::local(), &oat).await.unwrap();
    assert_eq!(
        (own.source.name(), own.items, own.advice.as_deref()),
        ("product", 14, None)
    );
    assert!(own.bound_95 <= BUDGET);
    assert_eq!(
        app.assay.score_brand("acme").await.unwrap(),
        0,
        "scores are kept"
    );
    let answer = app.check(Some(&oat), &[photo(5)]).await;
    assert_eq!(
        (answer.verdict.name(), &answer.calibration),
        ("consistent", &own),
        "{answer:#?}"
    );
    let rice = app
        .check(Some(&key("acme", "rice")), &[Scene::photo(2, "a")])
        .await;
    assert_eq!(
        (rice.calibration.source.name(), rice.calibration.items),
        ("brand", 14),
        "its brand's items support it"
    );
    let advice = rice.calibration.advice.as_deref();
    assert!(
        advice.is_some_and(|a| a.contains("14 more items (0 of 14") && a.contains("brand's products")),
        "{advice:?}"
    );
    app.enroll(&oat, &Scene::of(7)).await;
    let stale = app.check(Some(&oat), &[photo(5)]).await.calibration;
    assert_eq!(
        stale.source.name(),
        "default",
        "scores belong to one set of references"
    );
    assert_eq!(app.assay.score_brand("acme").await.unwrap(), 14);
}

#[tokio::test]
async fn a_removed_genuine_photo_calibrates_nothing_any_more() {
    let (app, oat) = stocked(Shipped::Strict).await;
    let photo = |n: u32| Scene {
        moved: (150 + n, 90),
        ..Scene::photo(1, "a")
    };
    let mut added = Vec::new();
    for n in 0..15 {
        let item = format!("item-{n}");
        let photo = app
            .assay
            .add_genuine_photo(&Actor::local(), &oat, &item, photo(n).bytes())
            .await;
        added.push(photo.unwrap().id);
    }
    let of_all = app.assay.calibration(&Actor::local(), &oat).await.unwrap();
    assert_eq!((of_all.source.name(), of_all.items), ("product", 15));
    app.assay
        .delete_genuine_photo(&Actor::local(), &oat, &added[3])
        .await
        .unwrap();
    let meanwhile = app.check(Some(&oat), &[photo(5)]).await.calibration;
    assert_ne!(meanwhile.source.name(), "product", "{meanwhile:?}");
    assert_eq!(meanwhile.variation_items, 0, "{meanwhile:?}");
    // Put together from what is left, fewer than before; nothing is scored twice.
    assert_eq!(app.assay.score_brand("acme").await.unwrap(), 0);
    let left = app.check(Some(&oat), &[photo(5)]).await.calibration;
    assert_eq!((left.source.name(), left.items), ("product", 14));
    assert_ne!(left.id, of_all.id);
    app.assay
        .delete_genuine_photo(&Actor::local(), &oat, &added[4])
        .await
        .unwrap();
    app.assay.score_brand("acme").await.unwrap();
    let few = app.check(Some(&oat), &[photo(5)]).await.calibration;
    assert_eq!(few.source.name(), "default");
}

#[tokio::test]
async fn what_all_genuine_photos_show_is_no_deviation_and_what_else_differs_is() {
    const PRINTING: &[(u32, u32)] = &[(200, 100)];
    const FORGED: &[(u32, u32)] = &[(200, 100), (420, 300)];
    let (app, oat) = stocked(Shipped::Lenient).await;
    let scene = |note: &'static str, overprinted| Scene {
        overprinted,
        ..Scene::photo(1, note)
    };
    let similarity = async |claim: Option<&ProductKey>, overprinted| {
        let answer = app.check(claim, &[scene("check", overprinted)]).await;
        (answer.photos[0].similarity, answer.calibration)
    };
    let (plain, _) = similarity(Some(&oat), &[]).await;
    let (before, shipped) = similarity(Some(&oat), PRINTING).await;
    let (forged_before, _) = similarity(Some(&oat), FORGED).await;
    assert!(before < plain - 0.02, "{before} {plain}");
    for (n, note) in ["one", "two", "three"].into_iter().enumerate() {
        assert_eq!(
            app.assay
                .calibration(&Actor::local(), &oat)
                .await
                .unwrap()
                .variation_items,
            n
        );
        app.assay
            .add_genuine_photo(&Actor::local(), &oat, note, scene(note, PRINTING).bytes())
            .await
            .unwrap();
    }
    let stale = similarity(Some(&oat), PRINTING).await;
    assert_eq!(
        (stale.0, stale.1.variation_items),
        (before, 2),
        "two items show nothing together"
    );
    assert_eq!(app.assay.score_brand("acme").await.unwrap(), 1);
    let (after, known) = similarity(Some(&oat), PRINTING).await;
    assert!(after > before + 0.02, "{after} {before}");
    assert_eq!((known.source.name(), known.variation_items), ("default", 3));
    assert!(
        known.id.starts_with(&format!("{}+variation-", shipped.id)),
        "{known:?}"
    );
    let (forged, _) = similarity(Some(&oat), FORGED).await;
    assert!(
        forged < after - 0.02 && (forged - forged_before).abs() < 0.01,
        "{forged} {forged_before} {after}"
    );
    let brand = CheckRequest {
        product: None,
        ..request(Some(&oat), &[scene("check", PRINTING)])
    };
    assert_eq!(
        app.assay
            .check(&Actor::local(), brand)
            .await
            .unwrap()
            .photos[0]
            .similarity,
        after,
        "a claim on the brand knows it too"
    );
    let (unclaimed, _) = similarity(None, PRINTING).await;
    assert_eq!(
        unclaimed, before,
        "without a claim nothing is known of the product"
    );
    app.enroll(&key("acme", "rice"), &Scene::of(7)).await;
    assert_eq!(
        similarity(Some(&oat), PRINTING).await.0,
        before,
        "what is known belongs to one set of references"
    );
}

#[tokio::test]
async fn a_calibration_of_its_own_takes_off_what_the_other_items_show() {
    let (app, oat) = stocked(Shipped::Strict).await;
    let photo = |n: u32| Scene {
        moved: (150 + n, 90),
        overprinted: &[(200, 100)],
        ..Scene::photo(1, "a")
    };
    for n in 0..14 {
        app.assay
            .add_genuine_photo(
                &Actor::local(),
                &oat,
                &format!("item-{n}"),
                photo(n).bytes(),
            )
            .await
            .unwrap();
    }
    let own = app.assay.calibration(&Actor::local(), &oat).await.unwrap();
    assert_eq!((own.source.name(), own.variation_items), ("product", 14));
    let answer = app.check(Some(&oat), &[photo(20)]).await;
    assert_eq!(
        (answer.verdict.name(), &answer.calibration),
        ("consistent", &own),
        "{answer:#?}"
    );
    let marks = &answer.photos[0].matches[0].marks;
    assert!(
        marks.iter().any(|m| m.genuine_variation > 0.01),
        "{marks:#?}"
    );
    let new = Scene {
        note: "new",
        ..photo(7)
    };
    app.assay
        .add_genuine_photo(&Actor::local(), &oat, "item-14", new.bytes())
        .await
        .unwrap();
    let request = SelfTestRequest {
        product: oat.clone(),
        photos_per_kind: 1,
        seed: 1,
    };
    let tried = app
        .assay
        .self_test(&Actor::local(), request, |_, _, _| {})
        .await
        .unwrap()
        .genuine_photos;
    assert_eq!((tried.stored, tried.judged), (15, 15));
    assert!(
        tried
            .flagged
            .iter()
            .all(|f| f.item != "item-14" && f.item != "item-7"),
        "as photos of others: {tried:#?}"
    );
    let forged = Scene {
        overprinted: &[(200, 100), (420, 300)],
        ..photo(20)
    };
    let answer = app.check(Some(&oat), &[forged]).await;
    assert_eq!(
        (answer.verdict.name(), codes(&answer)[0]),
        ("deviates", "mark_differs"),
        "{answer:#?}"
    );
}

#[tokio::test]
async fn what_another_reader_made_of_genuine_photos_is_not_used() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    for (item, note) in [("one", "a"), ("two", "b")] {
        let photo = Scene::photo(1, note).bytes();
        app.assay
            .add_genuine_photo(&Actor::local(), &oat, item, photo)
            .await
            .unwrap();
    }
    let scored = async |app: &TestApp| app.assay.score_brand("acme").await.unwrap();
    assert_eq!((scored(&app).await, scored(&app).await), (2, 0));
    let reread = app.beside_seeing(Shipped::Lenient, rereading_vision).await;
    assert_eq!((scored(&reread).await, scored(&reread).await), (2, 0));
}

#[tokio::test]
async fn a_reference_is_no_calibration_photo() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let refused = app
        .assay
        .add_genuine_photo(&Actor::local(), &oat, "item", Scene::of(1).bytes())
        .await;
    assert!(
        matches!(&refused, Err(ServiceError::Conflict { field, .. }) if field == "image"),
        "{refused:?}"
    );
}
