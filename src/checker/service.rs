//! The façade that HTTP and the command line call: one method per use case, async, without a
//! runtime of its own.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::Bytes;
use uuid::Uuid;

use super::{
    ports::{Compute, ComputeError, Files, Permit, StoreError},
    records::{Brand, Changes, CheckFilter, GenuinePhotoRecord, Product, ReferenceRecord, Store},
    requests::Invalid,
    snapshot::GallerySnapshot,
    validate,
};
use crate::contract::answer::{CheckAnswer, ClaimAnswer, PhotoAnswer, ReasonAnswer};
use crate::domain::gallery::{Gallery, ProductKey};
use crate::engine::{
    Engine, EngineError,
    vision::{InferenceError, IntakeError, Vision},
};

mod calibrate;
mod check;
mod enroll;
mod self_test;

pub use super::requests::{CheckRequest, NewReference, SelfTestRequest};
pub use self_test::Trial;

/// Why a use case failed. Every kind is told to the caller; only `Store`'s and `Inference`'s causes
/// stay in the log.
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
    /// A field is well formed, and what is stored stands against it.
    #[error("`{field}` {problem}")]
    Conflict {
        /// The field, as the caller names it.
        field: String,
        /// What stands against it and what to do.
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
    /// Another self-test is underway.
    #[error("another self-test is underway and one runs at a time; try again in {retry_after_s} s")]
    Underway {
        /// Seconds to wait before the next try.
        retry_after_s: u64,
    },
    /// The workers.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// The models.
    #[error(transparent)]
    Inference(#[from] InferenceError),
}

impl From<Invalid> for ServiceError {
    fn from(Invalid { field, problem }: Invalid) -> Self {
        Self::Invalid { field, problem }
    }
}

/// What it takes to show a person why a photo was judged as it was.
#[derive(Clone, Debug)]
pub struct EvidenceInputs {
    /// The photo's bytes as sent.
    pub photo: Bytes,
    /// What the check's listing claims.
    pub claim: Option<ClaimAnswer>,
    /// Its answer.
    pub answer: PhotoAnswer,
    /// The check's reasons that concern this photo.
    pub reasons: Vec<ReasonAnswer>,
    /// Per match of the answer, in order: the reference, also when it was removed since, and its
    /// image's bytes.
    pub references: Vec<(ReferenceRecord, Bytes)>,
}

/// Draws the evidence of one photo for a person; called on a worker thread.
pub trait EvidencePainter: Send + Sync {
    /// A PNG of the photo with the located reference, its marks and the places that differ. Fails
    /// when the photo's bytes were not accepted: then there is nothing to draw.
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

/// What [`Assay`] works with.
pub struct Parts {
    /// Keeps records.
    pub store: Arc<dyn Store>,
    /// Keeps images and features.
    pub files: Files,
    /// Runs work on threads that own models.
    pub compute: Arc<dyn Compute>,
    /// Compares and judges.
    pub engine: Engine,
    /// Share of genuine photos that may be flagged, 0 to 1, both exclusive.
    pub budget: f64,
}

/// Everything Assay does, behind its ports.
pub struct Assay {
    store: Arc<dyn Store>,
    files: Files,
    compute: Arc<dyn Compute>,
    engine: Engine,
    budget: f64,
    models: BTreeMap<String, String>,
    snapshot: Mutex<Arc<GallerySnapshot>>,
    /// Whether the models answered when they were last asked.
    seeing: AtomicBool,
    /// Whether a self-test is underway: one at a time, so that checks keep the workers.
    testing: AtomicBool,
}

impl Assay {
    /// Loads the gallery; references that were enrolled with other models are prepared anew.
    /// `progress` hears how many references are loaded and how many there are.
    pub async fn open(
        parts: Parts,
        mut progress: impl FnMut(usize, usize) + Send,
    ) -> Result<Self, ServiceError> {
        let Parts {
            store,
            files,
            compute,
            engine,
            budget,
        } = parts;
        if !(budget > 0.0 && budget < 1.0) {
            let problem = format!("is `{budget}`; a share between 0 and 1 is needed, such as 0.01");
            return Err(ServiceError::Invalid {
                field: "budget".to_owned(),
                problem,
            });
        }
        let mut assay = Self {
            store,
            files,
            compute,
            engine,
            budget,
            models: BTreeMap::new(),
            snapshot: Mutex::default(),
            seeing: AtomicBool::new(true),
            testing: AtomicBool::new(false),
        };
        let models = assay.on_worker(|vision| Engine::models(vision)).await?;
        assay.models = models
            .into_iter()
            .map(|(role, model)| (role.to_owned(), model))
            .collect();
        assay.reload(&mut progress).await?;
        Ok(assay)
    }

    /// Creates a brand; the same id and name is accepted again, another name is a conflict.
    pub async fn create_brand(&self, brand: Brand) -> Result<Brand, ServiceError> {
        validate::brand(&brand)?;
        self.store.add_brand(&brand).await?;
        Ok(brand)
    }

    /// All brands by id.
    pub async fn brands(&self) -> Result<Vec<Brand>, ServiceError> {
        Ok(self.store.brands().await?)
    }

    /// Creates a product of a brand that exists; the same id and name is accepted again.
    pub async fn create_product(&self, product: Product) -> Result<Product, ServiceError> {
        validate::product(&product)?;
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

    /// A product's references, oldest first.
    pub async fn references(
        &self,
        product: &ProductKey,
    ) -> Result<Vec<ReferenceRecord>, ServiceError> {
        Ok(self.store.references(Some(product)).await?)
    }

    /// Removes a reference; the next check no longer sees it.
    pub async fn delete_reference(
        &self,
        product: &ProductKey,
        id: &str,
    ) -> Result<(), ServiceError> {
        Ok(self.store.delete_reference(product, id, now_ms()).await?)
    }

    /// A product's genuine photos, oldest first.
    pub async fn genuine_photos(
        &self,
        product: &ProductKey,
    ) -> Result<Vec<GenuinePhotoRecord>, ServiceError> {
        Ok(self.store.genuine_photos(product).await?)
    }

    /// An earlier check.
    pub async fn get_check(&self, id: &str) -> Result<CheckAnswer, ServiceError> {
        Ok(self.store.check(id).await?)
    }

    /// Earlier checks, newest first.
    pub async fn checks(&self, filter: &CheckFilter) -> Result<Vec<CheckAnswer>, ServiceError> {
        validate::filter(filter)?;
        Ok(self.store.checks(filter).await?)
    }

    /// Models in use: role to `name@version`.
    pub fn models(&self) -> &BTreeMap<String, String> {
        &self.models
    }

    /// The references in memory, as they were at the last check or enrolment.
    pub fn gallery(&self) -> Gallery {
        self.snapshot().gallery.clone()
    }

    /// Counters that move when references or genuine photos change, here or in another process.
    pub async fn changes(&self) -> Result<Changes, ServiceError> {
        Ok(self.store.changes().await?)
    }

    /// Whether the database answers and the workers reach their models.
    pub async fn ready(&self) -> Readiness {
        let database = self.store.ping().await.err().map(|e| e.to_string());
        let workers = (!self.compute.ready()).then(|| "no worker has its models".to_owned());
        let models = (!self.seeing.load(Ordering::Relaxed))
            .then(|| "the models failed when last asked".to_owned());
        Readiness {
            parts: vec![
                ("database", database),
                ("workers", workers),
                ("models", models),
            ],
        }
    }

    /// Jobs that wait for a worker.
    pub fn waiting(&self) -> usize {
        self.compute.waiting()
    }

    /// Takes a place for a request of about `bytes` bytes, without waiting; the place is free again
    /// when the permit is dropped, so it must live as long as the request. Ask before reading the
    /// body.
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
        slot.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            .ok_or(ComputeError::Interrupted)
    }

    /// Runs a piece of the engine on a worker and remembers whether the models answered. `field`
    /// names the image in a refusal.
    async fn see<T: Send + 'static>(
        &self,
        field: &str,
        work: impl FnOnce(&mut Vision) -> Result<T, EngineError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let result = self.on_worker(work).await?;
        self.seeing.store(
            !matches!(result, Err(EngineError::Inference(_))),
            Ordering::Relaxed,
        );
        result.map_err(|error| match error {
            EngineError::Intake(source) => ServiceError::Intake {
                field: field.to_owned(),
                source,
            },
            EngineError::Inference(source) => source.into(),
            EngineError::Store(source) => source.into(),
        })
    }

    fn snapshot(&self) -> Arc<GallerySnapshot> {
        Arc::clone(&self.snapshot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Milliseconds since 1970, UTC.
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A new id that sorts by time.
fn new_id() -> String {
    Uuid::now_v7().to_string()
}
