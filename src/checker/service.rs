//! The façade that HTTP and the command line call: one method per use case, async, without a runtime of its own.

use std::sync::Arc;

use bytes::Bytes;

use super::{
    answer::CheckAnswer,
    ports::{Compute, ComputeError, Files, InferenceError, IntakeError, StoreError},
    records::{Brand, CheckFilter, GenuinePhotoRecord, Product, ReferenceRecord, Store},
};
use crate::domain::gallery::{Mark, ProductKey, ReferenceKind};

/// Why a use case failed. Every kind is told to the caller; only `Store`'s and `Inference`'s causes stay in the log.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A field is missing or malformed.
    #[error("`{field}` {problem}")]
    Invalid {
        /// The field, as the caller names it.
        field: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The image of a reference or genuine photo was not accepted.
    #[error("`{field}`: {source}")]
    Intake {
        /// The field or file.
        field: String,
        /// Why.
        source: IntakeError,
    },
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The workers.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// The models.
    #[error(transparent)]
    Inference(#[from] InferenceError),
}

/// A reference to enroll.
#[derive(Clone, Debug)]
pub struct NewReference {
    /// Product it belongs to.
    pub product: ProductKey,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view.
    pub view: Option<String>,
    /// Protected marks given by the owner; Assay proposes some when empty.
    pub marks: Vec<Mark>,
    /// The image file's bytes.
    pub image: Bytes,
}

/// Photos to check.
#[derive(Clone, Debug, Default)]
pub struct CheckRequest {
    /// 1 to 12 photos' bytes.
    pub photos: Vec<Bytes>,
    /// Claimed brand.
    pub brand: Option<String>,
    /// Claimed product; needs a brand.
    pub product: Option<String>,
    /// The listing's id.
    pub listing_id: Option<String>,
    /// The seller's id.
    pub seller_id: Option<String>,
}

/// Everything Assay does, behind its ports.
pub struct Assay {
    store: Arc<dyn Store>,
    files: Files,
    compute: Arc<dyn Compute>,
}
