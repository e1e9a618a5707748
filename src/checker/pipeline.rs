//! The synchronous heart of a check, run on a worker thread: bytes in, reports out.
//!
//! `enroll` turns a reference's bytes into what the gallery keeps, `check_photo` compares one photo with the gallery
//! and judges it, `genuine_score` gives a genuine photo's calibration score. All three share one code path.

use super::{
    ports::{Files, InferenceError, IntakeError, UprightPhoto, Vision},
    records::Health,
};
use crate::domain::{
    calibration::Calibration,
    gallery::{Gallery, Mark, ProductKey, Reference, ReferenceKind},
    quality::Quality,
    verdict::PhotoReport,
};

/// What a listing claims.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Something of this brand.
    Brand(String),
    /// This product.
    Product(ProductKey),
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
    /// The photo, or why its bytes were not accepted (then the verdict is `not_comparable`).
    pub photo: Result<(UprightPhoto, Quality), IntakeError>,
    /// The judgement.
    pub report: PhotoReport,
    /// Milliseconds per stage: `decode`, `features`, `search`, `compare`, `marks`, `judge`.
    pub timings_ms: Vec<(&'static str, f64)>,
}

/// What it takes to run checks besides a [`Vision`]; cheap to clone and shared by all workers.
#[derive(Clone)]
pub struct Pipeline {
    files: Files,
}

impl Pipeline {
    /// A pipeline over the given files.
    pub fn new(files: Files) -> Self {
        Self { files }
    }

    /// Prepares a reference. `given` marks are kept as they are; when empty, marks are proposed. The image must already
    /// be in the files (its features are stored beside it).
    pub fn enroll(
        &self,
        vision: &mut Vision,
        id: String,
        product: ProductKey,
        kind: ReferenceKind,
        view: Option<String>,
        given: Vec<Mark>,
        bytes: &[u8],
    ) -> Result<Enrolled, PipelineError> {
        let _ = (vision, id, product, kind, view, given, bytes, &self.files);
        Err(InferenceError::Unavailable("not wired yet".into()).into())
    }

    /// Checks one photo, number `index` of its check, against the gallery.
    pub fn check_photo(
        &self,
        vision: &mut Vision,
        gallery: &Gallery,
        calibration: &Calibration,
        claim: Option<&Claim>,
        index: usize,
        bytes: &[u8],
    ) -> Result<CheckedPhoto, PipelineError> {
        let _ = (vision, gallery, calibration, claim, index, bytes);
        Err(InferenceError::Unavailable("not wired yet".into()).into())
    }

    /// The score that calibration ranks: that of a genuine photo under the claim on its own product. `None` when the
    /// photo is not comparable.
    pub fn genuine_score(
        &self,
        vision: &mut Vision,
        gallery: &Gallery,
        product: &ProductKey,
        bytes: &[u8],
    ) -> Result<Option<f64>, PipelineError> {
        let _ = (vision, gallery, product, bytes);
        Err(InferenceError::Unavailable("not wired yet".into()).into())
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

/// Why the pipeline stopped. A photo's own fault is no such error: it is part of the report.
#[derive(Debug, thiserror::Error)]
pub enum PipelineError {
    /// A reference's bytes were not accepted.
    #[error(transparent)]
    Intake(#[from] IntakeError),
    /// A model.
    #[error(transparent)]
    Inference(#[from] InferenceError),
    /// The files.
    #[error(transparent)]
    Store(#[from] super::ports::StoreError),
}
