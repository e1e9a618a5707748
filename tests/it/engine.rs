//! The engine over made-up models: how closely a photo is looked at before it is compared.

use std::sync::{Arc, Mutex};

use assay::{
    domain::{
        embedding::ModelId,
        features::FeatureSet,
        gallery::{Gallery, ProductKey, ReferenceKind},
        raster::Raster,
        variation::Variation,
    },
    engine::{
        Analysis, Claim, Clock, Comparison, Engine, FeaturePass, NewReference, Purpose,
        vision::{InferenceError, LocalFeatures, Vision},
    },
    storage::files::ContentFiles,
};
use tempfile::TempDir;

use crate::support::{
    app::{Shipped, defaults},
    records::key,
    vision::{Scene, fake_vision},
};

/// Sides of the pictures that features were taken of.
type Sizes = Arc<Mutex<Vec<(u32, u32)>>>;

/// Size of a photo of 960x640 pixels at first sight, in full, and of what is rectified for a
/// reference of 640x480.
const QUICK: (u32, u32) = (640, 416);
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

/// Two products with a catalogue picture each.
fn stocked(folder: &TempDir) -> (Engine, Gallery) {
    let files = Arc::new(ContentFiles::open(folder.path()).unwrap());
    let engine = Engine::with(
        files.clone(),
        Arc::new(defaults(Shipped::Lenient)),
        64 << 20,
    );
    let references = [("oat", 1), ("rice", 2)].map(|(product, pack)| {
        let bytes = Scene::of(pack).bytes();
        assay::checker::ports::ReferenceFiles::put_image(files.as_ref(), &bytes).unwrap();
        let (id, product) = (format!("r{pack}"), key("acme", product));
        let new = NewReference {
            id,
            product,
            kind: ReferenceKind::Pack,
            view: None,
            marks: vec![],
        };
        Arc::new(
            engine
                .enroll(&mut fake_vision(), new, &Gallery::new(vec![]), &bytes)
                .unwrap()
                .reference,
        )
    });
    (engine, Gallery::new(references.into()))
}

fn analysed(vision: &mut Vision, scene: &Scene) -> Analysis {
    let photo = vision.imaging.decode(&scene.bytes()).unwrap().raster;
    Analysis::new(vision, photo, FeaturePass::Coarse).unwrap()
}

fn inliers(comparison: &Comparison, product: &ProductKey) -> usize {
    comparison
        .candidates
        .iter()
        .find(|c| c.reference.product == *product)
        .unwrap()
        .inliers()
}

#[test]
fn what_first_sight_does_not_find_is_looked_for_in_full() {
    let folder = TempDir::new().unwrap();
    let (engine, gallery) = stocked(&folder);
    let oat = key("acme", "oat");
    let nothing = Variation::default();
    for (blind_at, expected) in [
        (None, vec![QUICK, RECTIFIED]),
        (Some(QUICK), vec![QUICK, FULL, RECTIFIED]),
    ] {
        let (mut vision, sizes) = watched(blind_at);
        let mut analysis = analysed(&mut vision, &Scene::photo(1, "-"));
        for claim in [Some(Claim::Product(oat.clone())), None] {
            let (purpose, clock) = (Purpose::Judge(&nothing), &mut Clock::start());
            let found = engine
                .compare(
                    &mut vision,
                    &mut analysis,
                    &gallery,
                    claim.as_ref(),
                    purpose,
                    clock,
                )
                .unwrap();
            assert!(
                inliers(&found, &oat) >= 100,
                "{blind_at:?}: {}",
                inliers(&found, &oat)
            );
            // The photo lies 150 pixels to the right of the reference and 90 below, in pixels of
            // its own frame.
            let map = found
                .subject
                .unwrap()
                .inspection
                .unwrap()
                .reference_to_photo;
            let corner = map.apply(assay::domain::geometry::Point::new(0.0, 0.0));
            assert!(
                (corner.x - 150.0).abs() < 2.0 && (corner.y - 90.0).abs() < 2.0,
                "{corner:?}"
            );
        }
        let first: Vec<_> = sizes
            .lock()
            .unwrap()
            .iter()
            .copied()
            .take(expected.len())
            .collect();
        assert_eq!(first, expected);
    }
}

#[test]
fn an_answer_does_not_depend_on_what_was_asked_before() {
    let folder = TempDir::new().unwrap();
    let (engine, gallery) = stocked(&folder);
    let (mut vision, sizes) = watched(None);
    let (oat, rice) = (
        Claim::Product(key("acme", "oat")),
        Claim::Product(key("acme", "rice")),
    );
    let mut analysis = analysed(&mut vision, &Scene::photo(1, "-"));
    let nothing = Variation::default();
    let mut evidence = |claim: &Claim| {
        let (purpose, clock) = (Purpose::Judge(&nothing), &mut Clock::start());
        let found = engine.compare(
            &mut vision,
            &mut analysis,
            &gallery,
            Some(claim),
            purpose,
            clock,
        );
        found.unwrap().subject.unwrap().evidence
    };
    let first = evidence(&oat);
    // Rice is not there, so that the photo is looked at in full.
    assert_eq!(evidence(&rice).inliers, 0);
    assert_eq!(evidence(&oat), first);
    let looks = |size: (u32, u32)| sizes.lock().unwrap().iter().filter(|s| **s == size).count();
    assert_eq!((looks(QUICK), looks(FULL)), (1, 1));
}

#[test]
fn a_small_photo_is_looked_at_in_full_right_away() {
    let (mut vision, sizes) = watched(None);
    let scene = Scene {
        width: 400,
        height: 300,
        ..Scene::photo(0, "-")
    };
    let mut analysis = analysed(&mut vision, &scene);
    assert!(
        !analysis.look(&mut vision, FeaturePass::Full).unwrap()
            && !analysis.look(&mut vision, FeaturePass::Coarse).unwrap()
    );
    assert_eq!(*sizes.lock().unwrap(), [(800, 608)]);
}
