//! The traits that adapters implement: storing, and running work off the async runtime.

use std::sync::Arc;

use crate::{domain::embedding::ModelId, engine::vision::Vision};

/// The work was not done.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum ComputeError {
    /// No room in the queue.
    #[error("all workers are busy; try again in {retry_after_s} s")]
    Busy {
        /// Seconds to wait before the next try.
        retry_after_s: u64,
    },
    /// The worker died while on this job, or the pool is shutting down.
    #[error("the work was interrupted; try again")]
    Interrupted,
}

/// A piece of work for a thread that owns a [`Vision`].
pub type Job = Box<dyn FnOnce(&mut Vision) + Send>;

/// Bytes of memory that decoding a file takes at most, told from its headers; 0 for a file that
/// will be refused.
pub type DecodingBytes = fn(file: &[u8]) -> u64;

/// Runs work on threads that own their models, off the async runtime.
#[async_trait::async_trait]
pub trait Compute: Send + Sync {
    /// Runs `job` and returns when it is done; the job hands its result out through what it
    /// captured. A job that decodes photos waits until there is memory for `decoding` bytes, and
    /// holds them until it is done.
    async fn run(&self, decoding: u64, job: Job) -> Result<(), ComputeError>;

    /// Whether some worker has its models.
    fn ready(&self) -> bool;

    /// Jobs that wait for a worker.
    fn waiting(&self) -> usize;

    /// Takes a place for a request of about `bytes` bytes without waiting, or says when to try
    /// again.
    fn try_admit(&self, bytes: u64) -> Result<Permit, ComputeError>;

    /// Takes a place for photos that take `decoding` bytes together when they are decoded, without
    /// waiting, or says when to try again.
    fn try_admit_photos(&self, decoding: u64) -> Result<Permit, ComputeError>;
}

/// A request's place among those being served; dropping it frees the place.
pub struct Permit {
    release: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Permit {
    /// A place that calls `release` once when it is dropped.
    pub fn new(release: impl FnOnce() + Send + Sync + 'static) -> Self {
        Self {
            release: Some(Box::new(release)),
        }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(release) = self.release.take() {
            release();
        }
    }
}

/// Image files and stored features by content hash; called from worker threads.
pub trait ReferenceFiles: Send + Sync {
    /// Keeps an image's bytes under their SHA-256, atomically, and returns that hash in lower-case
    /// hex. Bytes that are there already are left as they are.
    fn put_image(&self, bytes: &[u8]) -> Result<String, StoreError>;

    /// The original bytes of an image; lower-case hex SHA-256.
    fn image(&self, sha256: &str) -> Result<Vec<u8>, StoreError>;

    /// The stored features of an image for one model, if any.
    fn features(&self, sha256: &str, model: &ModelId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Stores the features of an image for one model, atomically.
    fn put_features(&self, sha256: &str, model: &ModelId, bytes: &[u8]) -> Result<(), StoreError>;
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing.
    #[error("{what} `{id}` does not exist")]
    NotFound {
        /// `brand`, `product`, `reference`, `check` or `image`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// It is there already with other content.
    #[error("{what} `{id}` exists already")]
    Conflict {
        /// `brand`, `product`, `reference` or `genuine photo`.
        what: &'static str,
        /// Its id.
        id: String,
    },
    /// The disk is full, or what the system lets this user keep on it.
    #[error("there is no room to keep it: {0}")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The database or the disk failed.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Shared handle to the reference files.
pub type Files = Arc<dyn ReferenceFiles>;
