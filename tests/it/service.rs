//! The use cases end to end over the real store, files, workers and engine; only the models are
//! made up.

use assay::{
    checker::{
        ports::StoreError,
        service::{CheckRequest, NewReference, SelfTestRequest, ServiceError},
    },
    contract::Verdict,
    domain::{digest::Sha256, gallery::ProductKey},
};
use bytes::Bytes;

use crate::support::{
    app::{BUDGET, Shipped, TestApp, new_reference, request},
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
    assert_eq!(app.assay.get_check(&answer.id).await.unwrap(), answer);
    let evidence = app.assay.evidence(&answer.id, 0).await.unwrap();
    assert_eq!(evidence.photo, scene.bytes());
    assert_eq!(evidence.references[0].1, Scene::of(1).bytes());
    let beyond = app.assay.evidence(&answer.id, 1).await;
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
    app.assay.enroll_reference(with_mark).await.unwrap();
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
    app.assay.enroll_reference(with_mark).await.unwrap();
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
    let answer = app.assay.check(request).await.unwrap();
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
        app.assay.evidence(&answer.id, 1).await.is_err(),
        "bytes that are no picture are not kept"
    );
}

#[tokio::test]
async fn a_claim_on_what_does_not_exist_is_refused_and_one_without_references_is_not_comparable() {
    let (app, _) = stocked(Shipped::Lenient).await;
    let refused = async |claim: CheckRequest| match app.assay.check(claim).await {
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
    app.assay.check(brand_only("acme")).await.unwrap();
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
    let first = app.assay.check(by("ann")).await.unwrap();
    assert_eq!(first.verdict.name(), "consistent");
    assert_eq!(
        app.assay.check(by("ann")).await.unwrap().verdict.name(),
        "consistent",
        "her own photo again"
    );
    let second = app.assay.check(by("bob")).await.unwrap();
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
async fn a_reference_enrolled_by_another_process_takes_part_in_the_next_check() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let other = app.beside(Shipped::Lenient).await;
    let tea = other.create("acme", "tea").await;
    let before = app
        .check(Some(&oat), &[Scene::photo(1, "a")])
        .await
        .reference_set;
    let reference = other.enroll(&tea, &Scene::of(4)).await;
    let answer = app.check(Some(&tea), &[Scene::photo(4, "a")]).await;
    assert_eq!(answer.verdict.name(), "consistent", "{answer:#?}");
    assert_ne!(answer.reference_set, before);
    other
        .assay
        .delete_reference(&tea, &reference.id)
        .await
        .unwrap();
    let after = app.check(Some(&tea), &[Scene::photo(4, "b")]).await;
    assert_eq!(
        (codes(&after), &after.reference_set),
        (vec!["no_reference"], &before)
    );
    assert!(
        app.assay.evidence(&answer.id, 0).await.is_ok(),
        "evidence outlives its reference"
    );
}

#[tokio::test]
async fn an_image_is_enrolled_once_per_product_and_only_if_it_is_one() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let twice = app
        .assay
        .enroll_reference(new_reference(&oat, &Scene::of(1)))
        .await;
    assert!(
        matches!(
            twice,
            Err(ServiceError::Store(StoreError::Conflict {
                what: "reference",
                ..
            }))
        ),
        "{twice:?}"
    );
    let mut new = new_reference(&oat, &Scene::of(1));
    new.image = Bytes::from_static(b"no picture");
    let refused = app.assay.enroll_reference(new.clone()).await;
    assert!(
        matches!(&refused, Err(ServiceError::Intake { field, .. }) if field == "image"),
        "{refused:?}"
    );
    let kept = app
        .data()
        .join("images")
        .join(Sha256::of(&new.image).prefix(2))
        .join(Sha256::of(&new.image).to_string());
    assert!(!kept.exists(), "refused bytes do not reach the disk");
    let unknown = app
        .assay
        .enroll_reference(new_reference(&key("acme", "tea"), &Scene::of(4)))
        .await;
    assert!(matches!(
        unknown,
        Err(ServiceError::Store(StoreError::NotFound {
            what: "product",
            ..
        }))
    ));
}

#[tokio::test]
async fn enrolments_at_the_same_time_all_arrive() {
    let app = TestApp::start(Shipped::Lenient).await;
    let oat = app.create("acme", "oat").await;
    let scenes = (1..=6).map(Scene::of).collect::<Vec<_>>();
    let same = app.assay.enroll_reference(new_reference(&oat, &scenes[0]));
    let enrolments = scenes
        .iter()
        .map(|s| app.assay.enroll_reference(new_reference(&oat, s)));
    let (all, same) = tokio::join!(futures_util::future::join_all(enrolments), same);
    let added = all.iter().chain([&same]).filter(|r| r.is_ok()).count();
    assert_eq!(
        added, 6,
        "the image sent twice is refused once: {all:?} {same:?}"
    );
    app.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    assert_eq!(app.assay.gallery().references.len(), 6);
}

#[tokio::test]
async fn lost_features_are_made_again_at_start() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    std::fs::remove_dir_all(app.data().join("features")).unwrap();
    let again = app.beside(Shipped::Lenient).await;
    again.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    app.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    assert_eq!(again.assay.gallery().references.len(), 3);
    for (fresh, old) in again
        .assay
        .gallery()
        .references
        .iter()
        .zip(&app.assay.gallery().references)
    {
        assert_eq!(fresh, old);
    }
}

#[tokio::test]
async fn a_lost_picture_stops_checks_of_its_product_alone_until_it_is_restored() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let rice = key("acme", "rice");
    let hash = Sha256::of(&Scene::of(1).bytes()).to_string();
    let file = app.data().join("images").join(&hash[..2]).join(&hash);
    let picture = std::fs::read(&file).unwrap();
    let ways: [(&str, Option<&[u8]>); 2] = [("lost", None), ("damaged", Some(b"other bytes"))];
    for (how, instead) in ways {
        match instead {
            None => std::fs::remove_file(&file).unwrap(),
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
        }
        // Another process knows nothing from memory.
        let beside = app.beside(Shipped::Lenient).await;
        let answer = beside.check(Some(&oat), &[Scene::photo(1, how)]).await;
        assert_eq!(answer.verdict, Verdict::NotComparable, "{how}");
        assert_eq!(codes(&answer), ["reference_lost"], "{how}");
        let other = beside.check(Some(&rice), &[Scene::photo(2, how)]).await;
        assert_eq!(other.verdict, Verdict::Consistent, "{how}: others go on");
        let readiness = beside.assay.ready().await;
        let named: Vec<_> = readiness.lost.iter().map(|lost| &lost.product).collect();
        assert_eq!(named, [&oat], "{how}");
        assert!(
            readiness.parts.iter().all(|(_, problem)| problem.is_none()),
            "{how}"
        );
        std::fs::write(&file, &picture).unwrap();
        let answer = beside.check(Some(&oat), &[Scene::photo(1, how)]).await;
        assert_eq!(answer.verdict, Verdict::Consistent, "{how}, then restored");
        assert_eq!(beside.assay.ready().await.lost, [], "{how}, then restored");
    }
}

#[tokio::test]
async fn a_reference_left_out_of_the_gallery_is_missed_until_it_is_restored() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let hash = Sha256::of(&Scene::of(1).bytes()).to_string();
    let file = app.data().join("images").join(&hash[..2]).join(&hash);
    let picture = std::fs::read(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    // Without what was made of it, it cannot even be searched for.
    std::fs::remove_dir_all(app.data().join("features")).unwrap();
    let beside = app.beside(Shipped::Lenient).await;
    let answer = beside.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    assert_eq!(codes(&answer), ["reference_lost"]);
    std::fs::write(&file, &picture).unwrap();
    let answer = beside.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    assert_eq!(answer.verdict, Verdict::Consistent);
}

#[tokio::test]
async fn a_product_with_enough_items_is_judged_by_its_own_photos() {
    let (app, oat) = stocked(Shipped::Strict).await;
    let photo = |n: u32| Scene {
        moved: (150 + n, 90),
        ..Scene::photo(1, "a")
    };
    let add = async |n: u32| {
        app.assay
            .add_genuine_photo(&oat, &format!("item-{n}"), photo(n).bytes())
            .await
    };
    for n in 0..13 {
        add(n).await.unwrap();
    }
    let short = app.assay.calibration(&oat).await.unwrap();
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
    let own = app.assay.calibration(&oat).await.unwrap();
    assert_eq!(
        (own.source.name(), own.items, own.advice.as_deref()),
        ("product", 14, None)
    );
    assert!(own.bound_95 <= BUDGET);
    assert_eq!(
        app.assay.calibrate_all().await.unwrap(),
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
    assert_eq!(app.assay.calibrate_all().await.unwrap(), 14);
}

#[tokio::test]
async fn what_all_genuine_photos_show_is_no_deviation_and_what_else_differs_is() {
    const PRINTING: &[(u32, u32)] = &[(120, 200)];
    const FORGED: &[(u32, u32)] = &[(120, 200), (420, 300)];
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
            app.assay.calibration(&oat).await.unwrap().variation_items,
            n
        );
        app.assay
            .add_genuine_photo(&oat, note, scene(note, PRINTING).bytes())
            .await
            .unwrap();
    }
    let stale = similarity(Some(&oat), PRINTING).await;
    assert_eq!(
        (stale.0, stale.1.variation_items),
        (before, 2),
        "two items show nothing together"
    );
    assert_eq!(app.assay.calibrate_all().await.unwrap(), 1);
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
        app.assay.check(brand).await.unwrap().photos[0].similarity,
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
        overprinted: &[(120, 200)],
        ..Scene::photo(1, "a")
    };
    for n in 0..14 {
        app.assay
            .add_genuine_photo(&oat, &format!("item-{n}"), photo(n).bytes())
            .await
            .unwrap();
    }
    let own = app.assay.calibration(&oat).await.unwrap();
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
        .add_genuine_photo(&oat, "item-14", new.bytes())
        .await
        .unwrap();
    let request = SelfTestRequest {
        product: oat.clone(),
        photos_per_kind: 1,
        seed: 1,
    };
    let tried = app
        .assay
        .self_test(request, |_, _, _| {})
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
        overprinted: &[(120, 200), (420, 300)],
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
async fn a_reference_is_no_calibration_photo() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let refused = app
        .assay
        .add_genuine_photo(&oat, "item", Scene::of(1).bytes())
        .await;
    assert!(
        matches!(&refused, Err(ServiceError::Conflict { field, .. }) if field == "image"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn everything_is_ready_and_says_by_which_models_it_sees() {
    let app = TestApp::start(Shipped::Lenient).await;
    let readiness = app.assay.ready().await;
    assert!(readiness.parts.iter().all(|(_, problem)| problem.is_none()));
    assert_eq!(app.assay.models()["embedder"], "fake-packs@1");
}
