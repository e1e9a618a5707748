//! The synchronous heart of a check, run on a worker thread: bytes in, reports out.
//!
//! `enroll` turns a reference's bytes into what the gallery keeps, `check_photo` compares one photo
//! with the gallery and judges it, `observe_genuine` keeps what a genuine photo shows. All share
//! one path: [`Analysis`] (features, locations) → [`compare`] (claim, rivals, close look) →
//! [`judge`] (score, verdict, reasons).

mod analysis;
mod compare;
mod defaults;
mod enroll;
mod frames;
mod inspect;
mod judge;
mod locate;
mod places;
mod prepared;
mod propose;
mod simulate;
pub mod vision;

use std::{sync::Arc, time::Instant};

pub use analysis::{Analysis, FeaturePass};
pub use compare::{Candidate, Comparison, Subject};
pub use defaults::Defaults;
pub use inspect::Purpose;
pub use judge::too_poor;
pub use prepared::Cache;
pub use simulate::{Seeds, Simulated};

use crate::domain::{
    calibration::Calibration,
    fingerprint::{Fingerprint, fingerprint},
    gallery::{Gallery, Mark, ProductKey, Reference, ReferenceKind},
    quality::{Quality, measure},
    variation::{Observation, Variation},
    verdict::PhotoReport,
};
use crate::{
    checker::{
        ports::{Files, StoreError},
        records::Health,
    },
    engine::vision::{InferenceError, IntakeError, Vision},
};

/// What a listing claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Something of this brand.
    Brand(String),
    /// This product.
    Product(ProductKey),
}

impl Claim {
    /// Whether a product would fulfil the claim.
    pub fn covers(&self, product: &ProductKey) -> bool {
        match self {
            Self::Brand(brand) => &product.brand == brand,
            Self::Product(claimed) => product == claimed,
        }
    }
}

/// What a check is judged by.
#[derive(Clone, Debug)]
pub struct OperatingPoint {
    /// Scores of genuine photos.
    pub calibration: Calibration,
    /// What genuine photos of the claimed products show of their references.
    pub variation: Variation,
}

/// A reference to prepare.
pub struct NewReference {
    /// Its id.
    pub id: String,
    /// Product it belongs to.
    pub product: ProductKey,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view.
    pub view: Option<String>,
    /// Marks given by the owner; some are proposed when empty.
    pub marks: Vec<Mark>,
}

/// A reference ready to be stored and searched.
pub struct Enrolled {
    /// The entry for the gallery.
    pub reference: Reference,
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// What a person should know of the file.
    pub notes: Vec<String>,
    /// How usable it is.
    pub health: Health,
}

/// One photo checked: decoded or not, and judged.
pub struct CheckedPhoto {
    /// Lower-case hex SHA-256 of the bytes.
    pub sha256: String,
    /// What is told of the photo, or why its bytes were not accepted (then the verdict is
    /// `not_comparable`).
    pub photo: Result<SeenPhoto, IntakeError>,
    /// The judgement.
    pub report: PhotoReport,
    /// Milliseconds per stage: `decode`, `features`, `search`, `compare`, `judge`.
    pub timings_ms: Vec<(&'static str, f64)>,
}

/// What is told of a photo that was judged. Its pixels are not kept: a check has up to twelve
/// photos, and each may take 150 MB.
pub struct SeenPhoto {
    /// Upright width in pixels.
    pub width: u32,
    /// Upright height in pixels.
    pub height: u32,
    /// What a person should know of the file.
    pub notes: Vec<String>,
    /// Its quality.
    pub quality: Quality,
    /// By which copies of it are recognised.
    pub fingerprint: Fingerprint,
}

/// What it takes to run checks besides a [`Vision`]; cheap to clone and shared by all workers.
#[derive(Clone)]
pub struct Engine {
    files: Files,
    cache: Arc<Cache>,
    defaults: Arc<Defaults>,
}

/// Bytes of prepared references kept between checks: the features of about 48, or 4 with their
/// pixels, marks and overview.
const CACHE_BYTES: usize = 32 << 20;

impl Engine {
    /// An engine over the given files with the shipped defaults.
    pub fn new(files: Files) -> Self {
        Self::with(files, Arc::new(Defaults::shipped()), CACHE_BYTES)
    }

    /// An engine with other defaults and room for `cache_bytes` of prepared references.
    pub fn with(files: Files, defaults: Arc<Defaults>, cache_bytes: usize) -> Self {
        Self {
            files,
            cache: Arc::new(Cache::new(cache_bytes)),
            defaults,
        }
    }

    /// The fusion, thresholds and calibration in use.
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    fn features(
        &self,
        vision: &mut Vision,
        reference: &Reference,
    ) -> Result<Arc<prepared::TurnedFeatures>, EngineError> {
        self.cache
            .features(vision, &self.files, &reference.sha256, reference.article)
    }

    fn pixels(
        &self,
        vision: &mut Vision,
        reference: &Reference,
    ) -> Result<Arc<prepared::ReferencePixels>, EngineError> {
        self.cache.pixels(
            vision.imaging.as_mut(),
            &self.files,
            &reference.sha256,
            reference.article,
        )
    }

    /// Checks one photo, number `index` of its check, against the gallery.
    pub fn check_photo(
        &self,
        vision: &mut Vision,
        gallery: &Gallery,
        operating_point: &OperatingPoint,
        claim: Option<&Claim>,
        index: usize,
        bytes: &[u8],
    ) -> Result<CheckedPhoto, EngineError> {
        let mut clock = Clock::start();
        let photo = match vision.imaging.decode(bytes) {
            Ok(photo) => photo,
            Err(error) => {
                let sha256 = crate::domain::digest::sha256_hex(bytes);
                let report = judge::unreadable(index, &error);
                clock.lap("decode");
                return Ok(CheckedPhoto {
                    sha256,
                    photo: Err(error),
                    report,
                    timings_ms: clock.laps,
                });
            }
        };
        let quality = measure(&photo.raster);
        clock.lap("decode");
        let mut analysis = Analysis::new(vision, photo.raster.clone(), FeaturePass::Coarse)?;
        clock.lap("features");
        let purpose = Purpose::Judge(&operating_point.variation);
        let comparison =
            self.compare(vision, &mut analysis, gallery, claim, purpose, &mut clock)?;
        let calibration = &operating_point.calibration;
        let context = judge::Context {
            defaults: &self.defaults,
            calibration,
            claim,
            index,
            quality: &quality,
        };
        let report = judge::judge(&context, &analysis, gallery, &photo.raster, &comparison);
        clock.lap("judge");
        let fingerprint = fingerprint(&photo.raster);
        Ok(CheckedPhoto {
            sha256: photo.sha256,
            photo: Ok(SeenPhoto {
                width: photo.raster.width(),
                height: photo.raster.height(),
                notes: photo.notes,
                quality,
                fingerprint,
            }),
            report,
            timings_ms: clock.laps,
        })
    }

    /// What a genuine photo shows under the claim on its own product; `None` when it is not
    /// comparable.
    pub fn observe_genuine(
        &self,
        vision: &mut Vision,
        gallery: &Gallery,
        product: &ProductKey,
        bytes: &[u8],
    ) -> Result<Option<Observation>, EngineError> {
        let photo = vision.imaging.decode(bytes)?;
        let quality = measure(&photo.raster);
        if judge::too_poor(&self.defaults, &quality).is_some() {
            return Ok(None);
        }
        let mut analysis = Analysis::new(vision, photo.raster, FeaturePass::Coarse)?;
        let claim = Claim::Product(product.clone());
        let mut clock = Clock::start();
        let comparison = self.compare(
            vision,
            &mut analysis,
            gallery,
            Some(&claim),
            Purpose::Learn,
            &mut clock,
        )?;
        Ok(comparison.observation())
    }

    /// Models in use: role to `name@version`.
    pub fn models(vision: &Vision) -> Vec<(&'static str, String)> {
        vec![
            ("local_features", vision.local.model().to_string()),
            ("embedder", vision.embedder.model().to_string()),
            ("text", vision.text.model().to_string()),
            ("comparator", vision.comparator.model().to_string()),
        ]
    }
}

/// Milliseconds since the last lap, by stage.
pub struct Clock {
    last: Instant,
    /// Stage and milliseconds, in order.
    pub laps: Vec<(&'static str, f64)>,
}

impl Clock {
    /// Starts now.
    pub fn start() -> Self {
        Self {
            last: Instant::now(),
            laps: Vec::new(),
        }
    }

    /// Ends a stage; one that was there before becomes longer.
    pub fn lap(&mut self, stage: &'static str) {
        let now = Instant::now();
        let ms = (now - self.last).as_secs_f64() * 1e3;
        match self.laps.iter_mut().find(|l| l.0 == stage) {
            Some(lap) => lap.1 += ms,
            None => self.laps.push((stage, ms)),
        }
        self.last = now;
    }
}

/// Why the engine stopped. A photo's own fault is no such error: it is part of the report.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// A reference's bytes were not accepted.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// A model.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// The files.
    #[error(transparent)]
    Store(#[from] StoreError),
}
