//! The engine over made-up models: how closely a photo is looked at before it is compared.

mod enrolled;

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use assay::{
    domain::{
        calibration::{Calibration, CalibrationSource},
        embedding::ModelId,
        features::FeatureSet,
        gallery::{Gallery, Mark, MarkKind, ProductKey, Reference, ReferenceKind},
        geometry::{Point, Rect},
        raster::Raster,
        score::LogOdds,
        variation::Variation,
        verdict::{ReasonCode, Verdict},
    },
    engine::{
        Claim, Comparison, Decoded, Engine, Examination, Interrupt, Lacking, Need, NewReference,
        OperatingPoint, Prepared, Purpose, Question, prepare_reference, take,
        vision::{InferenceError, LocalFeatures, Vision},
    },
};

use crate::support::{
    app::{Shipped, defaults},
    records::key,
    vision::{Scene, fake_vision},
};

/// Sides of the pictures that features were taken of.
type Sizes = Arc<Mutex<Vec<(u32, u32)>>>;

/// Size of a photo of 960x640 pixels in the coarse pass, in full, and of what is rectified for a
/// reference of 640x480.
const COARSE: (u32, u32) = (640, 416);
const FULL: (u32, u32) = (960, 640);
const RECTIFIED: (u32, u32) = (640, 480);

/// Sees what the other sees, but for pictures of one size.
struct Watched {
    eyes: Box<dyn LocalFeatures>,
    sizes: Sizes,
    blind_at: Option<(u32, u32)>,
}

impl LocalFeatures for Watched {
    fn model(&self) -> &ModelId {
        self.eyes.model()
    }

    fn extract(&mut self, frame: &Raster, top: usize) -> Result<FeatureSet, InferenceError> {
        let size = (frame.width(), frame.height());
        self.sizes.lock().unwrap().push(size);
        let top = if self.blind_at == Some(size) { 0 } else { top };
        self.eyes.extract(frame, top)
    }
}

fn watched(blind_at: Option<(u32, u32)>) -> (Vision, Sizes) {
    let (vision, sizes) = (fake_vision(), Sizes::default());
    let local = Box::new(Watched {
        eyes: vision.local,
        sizes: Arc::clone(&sizes),
        blind_at,
    });
    (Vision { local, ..vision }, sizes)
}

/// Two products with a catalogue picture each, and those pictures.
struct World {
    engine: Engine,
    gallery: Gallery,
    pictures: Vec<(Arc<Reference>, Decoded)>,
}

fn decoded(scene: &Scene) -> Decoded {
    Decoded::from_bytes(fake_vision().imaging.as_mut(), &scene.bytes()).unwrap()
}

impl World {
    fn new() -> Self {
        Self::with_marks(&[])
    }

    /// Both references with these marks.
    fn with_marks(marks: &[Mark]) -> Self {
        Self::of([("oat", 1), ("rice", 2)], marks)
    }

    /// Products, each with the picture of a pack, all with these marks.
    fn of(products: [(&str, u8); 2], marks: &[Mark]) -> Self {
        let engine = Engine::with(Arc::new(defaults(Shipped::Lenient)), 64 << 20);
        let pictures = products.map(|(product, pack)| {
            let picture = decoded(&Scene::of(pack));
            let new = NewReference {
                id: product.to_owned(),
                product: key("acme", product),
                kind: ReferenceKind::Pack,
                view: None,
                marks: marks.to_vec(),
            };
            let enrolled = prepare_reference(&mut fake_vision(), new, None, &picture).unwrap();
            (Arc::new(enrolled.reference), picture)
        });
        let gallery = Gallery::new(pictures.iter().map(|(r, _)| Arc::clone(r)).collect());
        let pictures = pictures.into();
        Self {
            engine,
            gallery,
            pictures,
        }
    }

    /// Brings what is needed, as a caller with files does.
    fn bring(&self, need: &Need, prepared: &mut Prepared) {
        for (reference, picture) in &self.pictures {
            let lacking = Lacking {
                features: need.features.contains(&reference.id),
                pixels: need.pixels.contains(&reference.id),
            };
            if lacking.any() {
                let (cache, shown) = (self.engine.cache(), (reference.as_ref(), picture));
                take(cache, &mut fake_vision(), shown, lacking, prepared).unwrap();
            }
        }
    }

    fn everything(&self) -> Prepared {
        let ids: BTreeSet<_> = self.pictures.iter().map(|(r, _)| r.id.clone()).collect();
        let mut prepared = Prepared::default();
        let need = Need {
            features: ids.clone(),
            pixels: ids,
        };
        self.bring(&need, &mut prepared);
        prepared
    }

    fn question<'a>(&'a self, claim: Option<&'a Claim>, prepared: &'a Prepared) -> Question<'a> {
        Question {
            gallery: &self.gallery,
            claim,
            prepared,
        }
    }

    /// The comparison of a photo with everything at hand.
    fn compare(&self, vision: &mut Vision, scene: &Scene, claim: Option<&Claim>) -> Comparison {
        let (nothing, prepared) = (Variation::default(), self.everything());
        let mut photo = Examination::new(vision, Arc::new(decoded(scene))).unwrap();
        let (question, purpose) = (self.question(claim, &prepared), Purpose::Judge(&nothing));
        self.engine
            .compare(vision, &mut photo, question, purpose, &mut ())
            .unwrap()
    }
}

fn claim(product: &str) -> Claim {
    Claim::Product(key("acme", product))
}

fn inliers(comparison: &Comparison, product: &ProductKey) -> usize {
    let mut candidates = comparison.candidates.iter();
    candidates
        .find(|c| c.reference.product == *product)
        .unwrap()
        .inliers()
}

#[test]
fn what_the_coarse_pass_does_not_find_is_looked_for_in_full() {
    let (world, oat) = (World::new(), key("acme", "oat"));
    for (blind_at, expected) in [
        (None, vec![COARSE, RECTIFIED]),
        (Some(COARSE), vec![COARSE, FULL, RECTIFIED]),
    ] {
        for claim in [Some(claim("oat")), None] {
            let (mut vision, sizes) = watched(blind_at);
            let found = world.compare(&mut vision, &Scene::photo(1, "-"), claim.as_ref());
            assert!(
                inliers(&found, &oat) >= 100,
                "{blind_at:?}: {}",
                inliers(&found, &oat)
            );
            // The photo lies 150 pixels to the right of the reference and 90 below, in pixels of
            // its own frame.
            let inspection = found.subject.unwrap().inspection.unwrap();
            let corner = inspection.reference_to_photo.apply(Point::new(0.0, 0.0));
            assert!(
                (corner.x - 150.0).abs() < 2.0 && (corner.y - 90.0).abs() < 2.0,
                "{corner:?}"
            );
            assert_eq!(sizes.lock().unwrap()[..expected.len()], expected);
        }
    }
}

#[test]
fn what_is_lacking_is_asked_for_and_nothing_is_done_twice() {
    let (world, nothing) = (World::new(), Variation::default());
    let scene = Scene::photo(1, "-");
    for claim in [Some(claim("oat")), Some(claim("rice")), None] {
        let (mut vision, sizes) = watched(None);
        let at_once = world.compare(&mut vision, &scene, claim.as_ref());
        let expected = std::mem::take(&mut *sizes.lock().unwrap());
        let mut photo = Examination::new(&mut vision, Arc::new(decoded(&scene))).unwrap();
        let (mut prepared, mut asked) = (Prepared::default(), Vec::new());
        let found = loop {
            let question = world.question(claim.as_ref(), &prepared);
            let purpose = Purpose::Judge(&nothing);
            match world
                .engine
                .compare(&mut vision, &mut photo, question, purpose, &mut ())
            {
                Ok(found) => break found,
                Err(Interrupt::Need(need)) => {
                    assert!(
                        !need.is_empty() && asked.len() < 3,
                        "{need:?} after {asked:?}"
                    );
                    world.bring(&need, &mut prepared);
                    asked.push(need);
                }
                Err(Interrupt::Model(error)) => panic!("{error}"),
            }
        };
        assert_eq!(
            asked[0].features.len(),
            2,
            "all of a small gallery are compared"
        );
        let evidence = |c: Comparison| c.subject.map(|s| s.evidence);
        assert_eq!(evidence(found), evidence(at_once));
        assert_eq!(*sizes.lock().unwrap(), expected, "features are taken once");
    }
}

/// A mark at a place of the catalogue picture, in pixels.
fn mark(kind: MarkKind, place: Rect<f64>) -> Mark {
    let to_unit = |p: Point| Point::new(p.x / 640.0, p.y / 480.0);
    Mark {
        name: "here".into(),
        kind,
        region: place.corners().map(to_unit).to_vec(),
        text: None,
        proposed: false,
    }
}

#[test]
fn what_varies_by_design_is_neither_pointed_to_nor_compared_and_no_owner_s_mark() {
    let scene = Scene {
        overprinted: &[(200, 100)],
        ..Scene::photo(1, "-")
    };
    let most_different = |marks: &[Mark]| {
        let world = World::with_marks(marks);
        let (reference, _) = &world.pictures[0];
        assert!(
            reference.marks.iter().all(|m| m.proposed),
            "{:?}",
            reference.marks
        );
        assert_eq!(reference.ignored, marks);
        let comparison = world.compare(&mut fake_vision(), &scene, Some(&claim("oat")));
        let inspection = comparison.subject.unwrap().inspection.unwrap();
        assert!(
            inspection.overview.is_some(),
            "the photo may point to places"
        );
        let seen = inspection.marks.iter().filter_map(|m| m.weighed.as_ref());
        seen.map(|w| w.evidence.difference).fold(0.0, f64::max)
    };
    let over = Rect::new(190.0, 90.0, 280.0, 160.0);
    let (compared, ignored) = (
        most_different(&[]),
        most_different(&[mark(MarkKind::Ignored, over)]),
    );
    assert!(compared > 0.5 && ignored < 0.1, "{compared} {ignored}");
}

#[test]
fn a_caller_can_stop_after_locating_or_compare_one_mark() {
    let (world, prepared) = (World::new(), World::new().everything());
    let (mut vision, sizes) = watched(None);
    let oat = claim("oat");
    let question = world.question(Some(&oat), &prepared);
    let scene = Scene {
        overprinted: &[(200, 100)],
        ..Scene::photo(1, "-")
    };
    let mut photo = Examination::new(&mut vision, Arc::new(decoded(&scene))).unwrap();
    let located = world
        .engine
        .locate(&mut vision, &mut photo, question, &mut ())
        .unwrap();
    assert!(located.candidates[0].is_located());
    let taken = sizes.lock().unwrap().len();
    let mut suspicion = |left, top| {
        let mark = mark(
            MarkKind::Logo,
            Rect::new(left, top, left + 64.0, top + 48.0),
        );
        let seen = world
            .engine
            .compare_mark(&mut vision, &mut photo, question, &mark)
            .unwrap();
        seen.unwrap().weighed(0, None).evidence.difference
    };
    let (printed_over, plain) = (suspicion(200.0, 100.0), suspicion(400.0, 300.0));
    assert!(printed_over > 0.5 && plain < 0.1, "{printed_over} {plain}");
    assert_eq!(
        sizes.lock().unwrap().len(),
        taken,
        "nothing is located again"
    );
}

#[test]
fn a_claim_on_a_product_whose_reference_is_lost_cannot_be_compared() {
    let world = World::new();
    let mut prepared = Prepared::default();
    let need = Need {
        features: BTreeSet::from(["rice".to_owned()]),
        pixels: BTreeSet::from(["rice".to_owned()]),
    };
    world.bring(&need, &mut prepared);
    prepared.add_lost("oat");
    let point = OperatingPoint {
        calibration: Calibration::new(
            "c".into(),
            0.2,
            CalibrationSource::Default,
            &["a", "b", "c"].map(|item| (item.into(), LogOdds::saturating(-1e6))),
        ),
        variation: Variation::default(),
    };
    let check = |product: &str, pack: u8| {
        let (mut vision, claim) = (fake_vision(), claim(product));
        let question = world.question(Some(&claim), &prepared);
        let photo = Arc::new(decoded(&Scene::photo(pack, "-")));
        let mut photo = Examination::new(&mut vision, photo).unwrap();
        let engine = &world.engine;
        let report = engine
            .check(&mut vision, &mut photo, question, &point, 0, &mut ())
            .unwrap();
        (report.verdict, report.reasons[0].code)
    };
    assert_eq!(
        check("oat", 1),
        (Verdict::NotComparable, ReasonCode::ReferenceLost)
    );
    assert_eq!(
        check("rice", 2),
        (Verdict::Consistent, ReasonCode::Agrees),
        "others go on"
    );
}

#[test]
fn a_small_photo_is_looked_at_in_full_right_away() {
    let (world, (mut vision, sizes)) = (World::new(), watched(None));
    let scene = Scene {
        width: 400,
        height: 300,
        ..Scene::photo(0, "-")
    };
    world.compare(&mut vision, &scene, None);
    let taken = sizes.lock().unwrap();
    assert_eq!(taken[0], (800, 608));
    assert!(taken.iter().all(|size| size.0 != 640), "{taken:?}");
}
