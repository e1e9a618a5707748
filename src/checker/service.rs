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
    actor::Actor,
    edition,
    judged_by::LastJudgedBy,
    ports::{Compute, ComputeError, DecodingBytes, Derived, Images, Permit, StoreError},
    records::{CheckFilter, Edition, GenuinePhotoRecord, Leased, Records, ReferenceRecord},
    requests::Invalid,
    run_on::run_on,
    snapshot::GallerySnapshot,
    supply::Supply,
    validate, visible,
};
use crate::contract::answer::CheckAnswer;
use crate::domain::gallery::{Gallery, ProductKey};
use crate::engine::{
    Engine,
    vision::{InferenceError, IntakeError, Vision},
};

mod audit;
mod authorised;
mod bundle;
mod calibrate;
mod catalogue;
mod check;
mod enroll;
mod evidence;
mod examine;
mod gallery;
mod jobs;
mod judging;
mod keeping;
mod overview;
mod pictures;
mod review;
mod self_test;
mod statement;

pub use super::requests::{CheckRequest, EditionChange, NewReference, SelfTestRequest};
pub use super::snapshot::LostReference;
pub use bundle::BundleInputs;
pub use evidence::{Drawing, EvidenceInputs, EvidencePainter};
pub use overview::{BrandOverview, ProductOverview};
pub use pictures::Original;
pub use review::NewDecision;
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

/// Whether requests can be served, and what is in the way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readiness {
    /// Per part (`database`, `storage`, `images`, `workers`, `models`): `None` when it works, else what is wrong.
    pub parts: Vec<(&'static str, Option<String>)>,
    /// References whose picture is lost: checks that need it are not comparable, others go on.
    pub lost: Vec<LostReference>,
}

/// What [`Assay`] works with.
pub struct Parts {
    /// Keeps records.
    pub records: Records,
    /// Keeps images.
    pub images: Arc<dyn Images>,
    /// Keeps what models made of them.
    pub derived: Arc<dyn Derived>,
    /// Runs work on threads that own models.
    pub compute: Arc<dyn Compute>,
    /// Tells what decoding a file takes.
    pub decoding_bytes: DecodingBytes,
    /// Compares and judges.
    pub engine: Engine,
    /// Share of genuine photos that may be flagged, 0 to 1, both exclusive.
    pub budget: f64,
}

/// Everything Assay does, behind its ports.
pub struct Assay {
    records: Records,
    images: Arc<dyn Images>,
    derived: Arc<dyn Derived>,
    supply: Arc<Supply>,
    compute: Arc<dyn Compute>,
    decoding_bytes: DecodingBytes,
    engine: Engine,
    budget: f64,
    models: BTreeMap<String, String>,
    snapshot: Mutex<Arc<GallerySnapshot>>,
    /// Whether no model failed since the models were last probed.
    seeing: AtomicBool,
    /// What claims were judged by last.
    last_judged_by: LastJudgedBy,
    /// Names this process where it holds work.
    worker: String,
    /// Self-tests of this process whose caller left before the end.
    abandoned: Mutex<Vec<Leased>>,
}

impl Assay {
    /// Loads the gallery; references that were enrolled with other models are prepared anew.
    /// `progress` hears now and then how many references are loaded.
    pub async fn open(
        parts: Parts,
        mut progress: impl FnMut(usize) + Send,
    ) -> Result<Self, ServiceError> {
        let Parts {
            records,
            images,
            derived,
            compute,
            decoding_bytes,
            engine,
            budget,
        } = parts;
        // Refused at start: no number of items could support such a budget. Written so that a NaN
        // is refused too.
        if !(budget > 0.0 && budget < 1.0) {
            let problem = format!("is `{budget}`; a share between 0 and 1 is needed, such as 0.01");
            return Err(ServiceError::Invalid {
                field: "budget".to_owned(),
                problem,
            });
        }
        // Only workers have models, and their names decide which stored features and scores still
        // fit.
        let look = |vision: &mut Vision| {
            let stored_under = (
                vision.embedder.model().clone(),
                vision.local.model().clone(),
            );
            (Engine::models(vision), stored_under)
        };
        let (models, stored_under) = run_on(compute.as_ref(), look).await?;
        let (of_images, of_derived) = (Arc::clone(&images), Arc::clone(&derived));
        let supply = Supply::new(of_images, of_derived, engine.clone(), stored_under);
        let named = models
            .into_iter()
            .map(|(role, model)| (role.to_owned(), model));
        let assay = Self {
            records,
            images,
            derived,
            supply: Arc::new(supply),
            compute,
            decoding_bytes,
            engine,
            budget,
            models: named.collect(),
            snapshot: Mutex::default(),
            seeing: AtomicBool::new(true),
            last_judged_by: LastJudgedBy::default(),
            worker: new_id(),
            abandoned: Mutex::default(),
        };
        // Before the first request: a check against half a gallery would find nothing.
        assay.load(&mut progress).await?;
        Ok(assay)
    }

    /// A product's references, oldest first.
    pub async fn references(
        &self,
        actor: &Actor,
        product: &ProductKey,
    ) -> Result<Vec<ReferenceRecord>, ServiceError> {
        actor.must_see(&product.brand)?;
        Ok(self.records.references.references(product).await?)
    }

    /// Says which edition of its article a reference shows; what it is compared with stays the same.
    pub async fn change_edition(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
        change: EditionChange,
    ) -> Result<ReferenceRecord, ServiceError> {
        if change == EditionChange::default() {
            let problem =
                "changes nothing: send `valid_from`, `valid_to`, `markets` or `variant_of`";
            return Err(ServiceError::Invalid {
                field: "body".to_owned(),
                problem: problem.to_owned(),
            });
        }
        let references = self.references(actor, product).await?;
        let found = references.iter().find(|r| r.id == id);
        let found = found.ok_or_else(|| StoreError::NotFound {
            what: "reference",
            id: id.to_owned(),
        })?;
        let edition = edition::checked(change.of(found.edition.clone()), id, &references)?;
        let references = &self.records.references;
        Ok(references.set_edition(actor, product, id, &edition).await?)
    }

    /// The edition of a new reference as it is kept.
    async fn checked_edition(
        &self,
        product: &ProductKey,
        id: &str,
        edition: Edition,
    ) -> Result<Edition, ServiceError> {
        let others = match edition.variant_of {
            Some(_) => self.records.references.references(product).await?,
            None => Vec::new(),
        };
        Ok(edition::checked(edition, id, &others)?)
    }

    /// Removes a reference; the next check no longer sees it.
    pub async fn delete_reference(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
    ) -> Result<(), ServiceError> {
        actor.must_see(&product.brand)?;
        Ok(self
            .records
            .references
            .delete_reference(actor, product, id, now_ms())
            .await?)
    }

    /// A product's genuine photos, oldest first.
    pub async fn genuine_photos(
        &self,
        actor: &Actor,
        product: &ProductKey,
    ) -> Result<Vec<GenuinePhotoRecord>, ServiceError> {
        actor.must_see(&product.brand)?;
        Ok(self.records.genuine.genuine_photos(product).await?)
    }

    /// Removes a genuine photo; what was calibrated with it is worked out anew. Its file stays.
    pub async fn delete_genuine_photo(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
    ) -> Result<(), ServiceError> {
        actor.must_see(&product.brand)?;
        Ok(self
            .records
            .genuine
            .delete_genuine_photo(actor, product, id)
            .await?)
    }

    /// An earlier check.
    pub async fn get_check(&self, actor: &Actor, id: &str) -> Result<CheckAnswer, ServiceError> {
        let answer = self.readable_check(actor, id).await?;
        Ok(visible::shown_to(actor, answer))
    }

    /// An earlier check as it is kept, for work on it and not to be shown.
    async fn readable_check(&self, actor: &Actor, id: &str) -> Result<CheckAnswer, ServiceError> {
        let answer = self.records.checks.check(id).await?;
        if !visible::may_read(actor, &answer) {
            let (what, id) = ("check", id.to_owned());
            return Err(StoreError::NotFound { what, id }.into());
        }
        Ok(answer)
    }

    /// Earlier checks, newest first.
    pub async fn checks(
        &self,
        actor: &Actor,
        filter: &CheckFilter,
    ) -> Result<Vec<CheckAnswer>, ServiceError> {
        validate::filter(filter)?;
        if let Some(brand) = &filter.brand {
            actor.must_see(brand)?;
        }
        let brands = actor.brands().map(<[String]>::to_vec);
        let found = self
            .records
            .checks
            .checks(filter, brands.as_deref())
            .await?;
        let shown = found.into_iter().map(|c| visible::shown_to(actor, c));
        Ok(shown.collect())
    }

    /// Models in use: role to `name@version`.
    pub fn models(&self) -> &BTreeMap<String, String> {
        &self.models
    }

    /// The references in memory, as they were at the last check or enrolment.
    pub fn gallery(&self) -> Gallery {
        // A copy of the list only: the references behind it are shared.
        self.snapshot().gallery.clone()
    }

    /// Whether the database answers, there is room for new data, images can be reached, and the
    /// workers reach their models.
    pub async fn ready(&self) -> Readiness {
        let database = self
            .records
            .upkeep
            .ping()
            .await
            .err()
            .map(|e| e.to_string());
        // Tried each time instead of remembered, so that it heals by itself once there is room.
        let storage = self
            .records
            .upkeep
            .room()
            .await
            .err()
            .map(|e| e.to_string());
        let images = self.images.reachable().await.err().map(|e| e.to_string());
        let (workers, models) = self.probe().await;
        Readiness {
            parts: vec![
                ("database", database),
                ("storage", storage),
                ("images", images),
                ("workers", workers),
                ("models", models),
            ],
            lost: self.supply.lost(),
        }
    }

    /// What is wrong with the workers and the models. After a failure they are asked for a small
    /// piece of work: one photo that a model cannot take says nothing about the next, and a server
    /// that gets no traffic because it is not ready has no other way to find out that it is.
    async fn probe(&self) -> (Option<String>, Option<String>) {
        // Asked often, by whoever balances load: models are run only where something is in doubt.
        if self.compute.ready() && self.seeing.load(Ordering::Relaxed) {
            return (None, None);
        }
        match self.on_worker(Vision::probe).await {
            Ok(Ok(())) => {
                self.seeing.store(true, Ordering::Relaxed);
                (None, None)
            }
            Ok(Err(error)) => (None, Some(error.to_string())),
            Err(error) => (Some(format!("no worker could be asked: {error}")), None),
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

    /// Takes a place for a request's photos, whose bytes are there now; says besides what decoding
    /// each of them takes.
    fn try_admit_photos(&self, photos: &[Bytes]) -> Result<(Permit, Vec<u64>), ComputeError> {
        // From the headers: a file of a few kilobytes may hold a picture of a hundred megapixels.
        let decoding: Vec<_> = photos.iter().map(|p| (self.decoding_bytes)(p)).collect();
        let place = self.compute.try_admit_photos(decoding.iter().sum())?;
        Ok((place, decoding))
    }

    fn snapshot(&self) -> Arc<GallerySnapshot> {
        Arc::clone(&self.snapshot.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Milliseconds since 1970, UTC.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}

/// A new id that sorts by time.
pub(super) fn new_id() -> String {
    // Version 7, since lists of newest first and pages go by the order of ids.
    Uuid::now_v7().to_string()
}
