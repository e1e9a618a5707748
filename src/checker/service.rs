//! The façade that HTTP and the command line call: one method per use case, async, without a runtime of its own.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use super::{
    answer::{CalibrationAnswer, CheckAnswer, PhotoAnswer, ReasonAnswer},
    ports::{Compute, ComputeError, Files, InferenceError, IntakeError, Permit, StoreError, Vision},
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

/// What it takes to show a person why a photo was judged as it was.
#[derive(Clone, Debug)]
pub struct EvidenceInputs {
    /// The photo's bytes as sent.
    pub photo: Bytes,
    /// Its answer.
    pub answer: PhotoAnswer,
    /// The check's reasons that concern this photo.
    pub reasons: Vec<ReasonAnswer>,
    /// Per match of the answer, in order: the reference and its image's bytes; `None` when it was deleted since.
    pub references: Vec<Option<(ReferenceRecord, Bytes)>>,
}

/// Draws the evidence of one photo for a person; called on a worker thread.
pub trait EvidencePainter: Send + Sync {
    /// A PNG of the photo with the located reference, its marks and the places that differ. Fails when the photo's
    /// bytes were not accepted: then there is nothing to draw.
    fn paint(&self, vision: &mut Vision, inputs: &EvidenceInputs) -> Result<Vec<u8>, IntakeError>;
}

/// Whether requests can be served, and what is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Per part (`database`, `workers`): `None` when it works, else what is wrong.
    pub parts: Vec<(&'static str, Option<String>)>,
}

impl Readiness {
    /// Whether every part works.
    pub fn is_ready(&self) -> bool {
        self.parts.iter().all(|(_, problem)| problem.is_none())
    }
}

/// Everything Assay does, behind its ports.
pub struct Assay {
    store: Arc<dyn Store>,
    files: Files,
    compute: Arc<dyn Compute>,
    models: BTreeMap<String, String>,
}

impl Assay {
    /// Creates a brand; the same id and name is accepted again, another name is a conflict.
    pub async fn create_brand(&self, brand: Brand) -> Result<Brand, ServiceError> {
        self.store.add_brand(&brand).await?;
        Ok(brand)
    }

    /// All brands by id.
    pub async fn brands(&self) -> Result<Vec<Brand>, ServiceError> {
        Ok(self.store.brands().await?)
    }

    /// Creates a product of a brand that exists; the same id and name is accepted again.
    pub async fn create_product(&self, product: Product) -> Result<Product, ServiceError> {
        self.store.add_product(&product).await?;
        Ok(product)
    }

    /// All products of a brand by id.
    pub async fn products(&self, brand: &str) -> Result<Vec<Product>, ServiceError> {
        Ok(self.store.products(brand).await?)
    }

    /// One product.
    pub async fn product(&self, key: &ProductKey) -> Result<Product, ServiceError> {
        Ok(self.store.product(key).await?)
    }

    /// Enrolls a reference; it takes part in the next check.
    pub async fn enroll_reference(&self, new: NewReference) -> Result<ReferenceRecord, ServiceError> {
        let _ = (new, &self.files);
        Err(ComputeError::Interrupted.into())
    }

    /// A product's references, oldest first.
    pub async fn references(&self, product: &ProductKey) -> Result<Vec<ReferenceRecord>, ServiceError> {
        Ok(self.store.references(Some(product)).await?)
    }

    /// Removes a reference; the next check no longer sees it.
    pub async fn delete_reference(&self, product: &ProductKey, id: &str) -> Result<(), ServiceError> {
        Ok(self.store.delete_reference(product, id).await?)
    }

    /// Adds a genuine photo of the physical item `item` to a product's calibration data.
    pub async fn add_genuine_photo(
        &self,
        product: &ProductKey,
        item: &str,
        image: Bytes,
    ) -> Result<GenuinePhotoRecord, ServiceError> {
        let _ = (product, item, image);
        Err(ComputeError::Interrupted.into())
    }

    /// What the product's p-values would rest on now.
    pub async fn calibration(&self, product: &ProductKey) -> Result<CalibrationAnswer, ServiceError> {
        let _ = product;
        Err(ComputeError::Interrupted.into())
    }

    /// Checks photos against a claim, or identifies them when there is none, and keeps the answer.
    pub async fn check(&self, request: CheckRequest) -> Result<CheckAnswer, ServiceError> {
        let _ = request;
        Err(ComputeError::Interrupted.into())
    }

    /// An earlier check.
    pub async fn get_check(&self, id: &str) -> Result<CheckAnswer, ServiceError> {
        Ok(self.store.check(id).await?)
    }

    /// Earlier checks, newest first.
    pub async fn checks(&self, filter: &CheckFilter) -> Result<Vec<CheckAnswer>, ServiceError> {
        Ok(self.store.checks(filter).await?)
    }

    /// What it takes to draw the evidence of photo `n` (from 0) of a check.
    pub async fn evidence(&self, check: &str, n: usize) -> Result<EvidenceInputs, ServiceError> {
        let _ = (check, n);
        Err(ComputeError::Interrupted.into())
    }

    /// Models in use: role to `name@version`.
    pub fn models(&self) -> &BTreeMap<String, String> {
        &self.models
    }

    /// Whether the database answers and the workers reach their models.
    pub async fn ready(&self) -> Readiness {
        let database = self.store.ping().await.err().map(|e| e.to_string());
        let workers = (!self.compute.ready()).then(|| "no worker reaches its models".to_owned());
        Readiness { parts: vec![("database", database), ("workers", workers)] }
    }

    /// Takes a place for a request of about `bytes` bytes, without waiting; the place is free again when the permit is
    /// dropped, so it must live as long as the request. Ask before reading the body.
    pub fn try_admit(&self, bytes: u64) -> Result<Permit, ComputeError> {
        self.compute.try_admit(bytes)
    }

    /// Runs `work` on a worker thread that owns its models, such as the drawing of evidence.
    pub async fn on_worker<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vision) -> T + Send + 'static,
    ) -> Result<T, ComputeError> {
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let job = move |vision: &mut Vision| {
            let result = work(vision);
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        };
        self.compute.run(Box::new(job)).await?;
        // An empty slot means that the job was dropped before its end.
        slot.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(ComputeError::Interrupted)
    }
}
