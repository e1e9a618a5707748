//! Enrolled pictures sent as photos, pictures that stand for two products, and pictures of no use.

use super::*;
use assay::domain::verdict::PhotoReport;

/// What a check of a scene says to a claim, by a calibration that flags nothing.
fn judged(world: &World, scene: &Scene, product: &str) -> PhotoReport {
    let (prepared, claim) = (world.everything(), claim(product));
    let genuine = ["a", "b", "c"].map(|item| (item.into(), LogOdds::saturating(-1e6)));
    let point = OperatingPoint {
        calibration: Calibration::new("c".into(), 0.2, CalibrationSource::Default, &genuine),
        variation: Variation::default(),
    };
    let mut vision = fake_vision();
    let mut photo = Examination::new(&mut vision, Arc::new(decoded(scene))).unwrap();
    let question = world.question(Some(&claim), &prepared);
    world
        .engine
        .check(&mut vision, &mut photo, question, &point, 0, &mut ())
        .unwrap()
}

#[test]
fn the_enrolled_picture_is_a_copy_and_one_with_a_difference_is_judged() {
    let world = World::new();
    let same = Scene {
        note: "saved-again",
        ..Scene::of(1)
    };
    let report = judged(&world, &same, "oat");
    assert_eq!(report.verdict, Verdict::ReusedPhoto);
    assert_eq!(report.reasons[0].code, ReasonCode::CataloguePicture);
    assert!(report.reasons[0].detail.contains("oat"));
    let altered = Scene {
        overprinted: &[(200, 100)],
        ..same
    };
    assert_ne!(
        judged(&world, &altered, "oat").verdict,
        Verdict::ReusedPhoto
    );
}

#[test]
fn a_picture_of_another_product_is_not_called_one_of_the_claim() {
    let report = judged(&World::new(), &Scene::of(2), "oat");
    assert_ne!(report.verdict, Verdict::ReusedPhoto);
    assert!(!report.reasons.iter().any(|r| r.detail.contains("itself")));
}

#[test]
fn two_products_enrolled_with_one_picture_never_rival_each_other() {
    let world = World::of([("oat", 1), ("rice", 1)], &[]);
    for product in ["oat", "rice"] {
        let scene = Scene::photo(1, "-");
        let found = world.compare(&mut fake_vision(), &scene, Some(&claim(product)));
        let products: Vec<_> = found
            .candidates
            .iter()
            .map(|c| &c.reference.product)
            .collect();
        assert_eq!(products, [&key("acme", product)]);
        assert_eq!(found.subject.unwrap().evidence.rival_inliers, 0);
        assert_eq!(judged(&world, &scene, product).verdict, Verdict::Consistent);
        // Whoever claims it, the picture is the claimed product's.
        let copy = judged(&world, &Scene::of(1), product);
        assert!(copy.reasons[0].detail.contains(product), "{copy:?}");
    }
}

#[test]
fn a_product_whose_references_show_nothing_cannot_be_compared() {
    let world = World::of([("oat", 0), ("rice", 2)], &[]);
    let report = judged(&world, &Scene::photo(1, "-"), "oat");
    assert_eq!(report.verdict, Verdict::NotComparable);
    assert_eq!(report.reasons[0].code, ReasonCode::NoReference);
    assert!(report.reasons[0].detail.contains("no usable reference"));
}
