//! What is stored, and one small port for each kind of it.

mod accounts;
mod audit;
mod authorised;
mod catalogue;
mod checks;
mod genuine;
mod jobs;
mod operating_points;
mod references;
mod retention;
mod reviews;

use std::sync::Arc;

use async_trait::async_trait;

pub use accounts::{Accounts, KeyRecord, SessionRecord};
pub use audit::{Audit, Entry, Head, Logged, Portion};
pub use authorised::{AuthorisedPhotoRecord, AuthorisedPhotos};
pub use catalogue::{Brand, Catalogue, Change, Product, Settings};
pub use checks::{CheckFilter, Checks, SeenElsewhere, Tally};
pub(crate) use genuine::MOST_GENUINE_PHOTOS;
pub use genuine::{
    GenuinePhotoRecord, GenuinePhotos, GenuineScore, KeptObservation, KeptVariation, Scores,
};
pub use jobs::{Job, JobKind, JobState, Jobs, Leased, NewJob};
pub use operating_points::{OperatingPoints, Standing};
pub use references::{ChangedReference, Edition, ReferenceRecord, References};
pub use retention::{Concerned, Hold, RemovedBy, RemovedPhoto, Retention, Subject};
pub use reviews::{
    DecisionRecord, DisputeRecord, Holder, Lease, QueueFilter, ReviewRecord, Reviews,
};

use super::ports::StoreError;

/// Tells whether records can be kept.
#[async_trait]
pub trait Upkeep: Send + Sync {
    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
    /// Whether there is room for new data: tried by writing, and then removing, as much as a photo.
    async fn room(&self) -> Result<(), StoreError>;
}

/// The ports of one store.
#[derive(Clone)]
pub struct Records {
    /// Brands and products.
    pub catalogue: Arc<dyn Catalogue>,
    /// References.
    pub references: Arc<dyn References>,
    /// Genuine photos.
    pub genuine: Arc<dyn GenuinePhotos>,
    /// Photos that must never be flagged.
    pub authorised: Arc<dyn AuthorisedPhotos>,
    /// Scores of genuine photos.
    pub scores: Arc<dyn Scores>,
    /// What checks are judged by.
    pub points: Arc<dyn OperatingPoints>,
    /// Checks.
    pub checks: Arc<dyn Checks>,
    /// Work to be done.
    pub jobs: Arc<dyn Jobs>,
    /// Keys.
    pub accounts: Arc<dyn Accounts>,
    /// What people look at.
    pub reviews: Arc<dyn Reviews>,
    /// What was done.
    pub audit: Arc<dyn Audit>,
    /// What is removed, and what is held.
    pub retention: Arc<dyn Retention>,
    /// Whether records can be kept.
    pub upkeep: Arc<dyn Upkeep>,
}

impl Records {
    /// All ports of a store that has them all.
    pub fn of<S>(store: Arc<S>) -> Self
    where
        S: Catalogue
            + References
            + GenuinePhotos
            + AuthorisedPhotos
            + Scores
            + OperatingPoints
            + Checks
            + Jobs
            + Accounts
            + Reviews
            + Audit
            + Retention
            + Upkeep
            + 'static,
    {
        Self {
            catalogue: store.clone(),
            references: store.clone(),
            genuine: store.clone(),
            authorised: store.clone(),
            scores: store.clone(),
            points: store.clone(),
            checks: store.clone(),
            jobs: store.clone(),
            accounts: store.clone(),
            reviews: store.clone(),
            audit: store.clone(),
            retention: store.clone(),
            upkeep: store,
        }
    }
}
