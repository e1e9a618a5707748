//! References: enrolled once, seen by every process, missed when they are lost.

use assay::{
    checker::{
        actor::Actor,
        ports::StoreError,
        service::{NewReference, ServiceError},
    },
    contract::Verdict,
    domain::{digest::Sha256, gallery::Mark},
};
use bytes::Bytes;

use super::{codes, stocked};
use crate::support::{
    app::{Shipped, TestApp, new_reference},
    records::{key, mark},
    vision::Scene,
};

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
        .delete_reference(&Actor::local(), &tea, &reference.id)
        .await
        .unwrap();
    let after = app.check(Some(&tea), &[Scene::photo(4, "b")]).await;
    assert_eq!(
        (codes(&after), &after.reference_set),
        (vec!["no_reference"], &before)
    );
    assert!(
        app.assay
            .evidence(&Actor::local(), &answer.id, 0)
            .await
            .is_ok(),
        "evidence outlives its reference"
    );
}

#[tokio::test]
async fn an_owner_hears_at_enrolment_of_letters_that_the_reader_does_not_know() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let told = async |text: &str, pack| {
        let marks = vec![Mark {
            text: Some(text.to_owned()),
            ..mark()
        }];
        let new = new_reference(&oat, &Scene::of(pack));
        let new = NewReference { marks, ..new };
        let health = app
            .assay
            .enroll_reference(&Actor::local(), new)
            .await
            .unwrap()
            .health;
        assert!(health.usable);
        health.problems
    };
    let latin = told("OAT DRINK", 5).await;
    let cyrillic = told("ВІВСЯНЕ", 6).await;
    assert_eq!(cyrillic.len(), latin.len() + 1, "{cyrillic:?}");
    assert!(
        cyrillic
            .iter()
            .any(|p| p.contains("`wordmark`: ІВЕНСЯ;") && p.contains("as a picture only")),
        "{cyrillic:?}"
    );
}

#[tokio::test]
async fn an_image_is_enrolled_once_per_product_and_only_if_it_is_one() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let twice = app
        .assay
        .enroll_reference(&Actor::local(), new_reference(&oat, &Scene::of(1)))
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
    let refused = app
        .assay
        .enroll_reference(&Actor::local(), new.clone())
        .await;
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
        .enroll_reference(
            &Actor::local(),
            new_reference(&key("acme", "tea"), &Scene::of(4)),
        )
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
    let actor = Actor::local();
    let enroll = |scene| {
        app.assay
            .enroll_reference(&actor, new_reference(&oat, scene))
    };
    let same = enroll(&scenes[0]);
    let enrolments = scenes.iter().map(enroll);
    let (all, same) = tokio::join!(futures_util::future::join_all(enrolments), same);
    let added = all.iter().chain([&same]).filter(|r| r.is_ok()).count();
    assert_eq!(
        added, 6,
        "the image sent twice is refused once: {all:?} {same:?}"
    );
    app.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    assert_eq!(app.assay.gallery().references().len(), 6);
}

#[tokio::test]
async fn lost_features_are_made_again_at_start() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    std::fs::remove_dir_all(app.data().join("features")).unwrap();
    let again = app.beside(Shipped::Lenient).await;
    again.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    app.check(Some(&oat), &[Scene::photo(1, "a")]).await;
    assert_eq!(again.assay.gallery().references().len(), 3);
    for (fresh, old) in again
        .assay
        .gallery()
        .references()
        .iter()
        .zip(app.assay.gallery().references())
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
async fn a_picture_in_which_nothing_can_be_located_is_refused_with_the_remedy() {
    let (app, oat) = stocked(Shipped::Lenient).await;
    let before = app
        .assay
        .references(&Actor::local(), &oat)
        .await
        .unwrap()
        .len();
    let refused = app
        .assay
        .enroll_reference(&Actor::local(), new_reference(&oat, &Scene::of(0)))
        .await;
    match refused {
        Err(ServiceError::Invalid { field, problem }) => {
            assert_eq!(field, "image");
            assert!(problem.contains("send a"), "{problem}");
        }
        other => panic!("{other:?}"),
    }
    let after = app
        .assay
        .references(&Actor::local(), &oat)
        .await
        .unwrap()
        .len();
    assert_eq!(after, before, "nothing was added");
}

#[tokio::test]
async fn one_picture_for_two_products_of_a_brand_is_told_at_once() {
    let (app, _) = stocked(Shipped::Lenient).await;
    let decaf = app.create("acme", "decaf").await;
    let same = Scene {
        note: "saved-again",
        ..Scene::of(1)
    };
    let told = app.enroll(&decaf, &same).await.health.problems.join("; ");
    assert!(
        told.contains("the same picture is enrolled for `oat`"),
        "{told}"
    );
    // What others enroll is nobody else's business.
    let rival = app.create("rival", "oat").await;
    let told = app.enroll(&rival, &same).await.health.problems.join("; ");
    assert!(!told.contains("same picture"), "{told}");
    // Another file of it adds nothing to its own product either.
    let told = app.enroll(&rival, &Scene::of(1)).await.health.problems;
    let told = told.join("; ");
    assert!(told.contains("enrolled for this product already"), "{told}");
}
