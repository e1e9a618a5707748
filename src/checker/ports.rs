//! The traits that adapters implement: storing, and running work off the async runtime.

use bytes::Bytes;

use crate::{
    domain::{digest::Sha256, embedding::ModelId},
    engine::vision::Vision,
};

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
// Without a result of its own, so that one queue can take all kinds of work.
pub type Job = Box<dyn FnOnce(&mut Vision) + Send>;

/// Bytes of memory that decoding a file takes at most, told from its headers; 0 for a file that
/// will be refused.
pub type DecodingBytes = fn(file: &[u8]) -> u64;

/// Runs work on threads that own their models, off the async runtime.
#[async_trait::async_trait]
pub trait Compute: Send + Sync {
    /// Runs `job` and returns when it is done; the job hands its result out through what it
    /// captured.
    async fn run(&self, job: Job) -> Result<(), ComputeError>;

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

    /// Waits until there is memory for `decoding` bytes of decoded photos, or for all there is when
    /// they are more. To be taken before the job that decodes is run, and dropped with the pixels.
    // Waits where the two before refuse at once: its request has a place already and only needs its
    // turn.
    async fn room_for(&self, decoding: u64) -> Result<Permit, ComputeError>;
}

/// A request's place among those being served; dropping it frees the place.
pub struct Permit {
    // Optional only because dropping lends `self`, and what is called once has to be taken out.
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

/// Original image files by content hash. What is lost here is lost.
#[async_trait::async_trait]
pub trait Images: Send + Sync {
    /// Keeps an image's bytes under their SHA-256, whole and on disk when this
    /// returns. Bytes that are there already are left as they are.
    async fn put_image(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError>;

    /// The original bytes of an image, verified by its hash.
    ///
    /// # Errors
    /// [`StoreError::Lost`] when the file is missing or damaged.
    async fn image(&self, sha256: Sha256) -> Result<Bytes, StoreError>;

    /// Removes an image for good; nothing where there is none. Only for who has made sure that no
    /// record needs it.
    async fn remove_image(&self, sha256: Sha256) -> Result<(), StoreError>;

    /// Whether the place where images are kept answers; cheap, for those who ask often.
    ///
    /// # Errors
    /// It does not, or not in time.
    // A folder beside the database needs no word of its own: the database's store tries the disk.
    async fn reachable(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

/// What models made of images: it can be made again, so damage costs time, not data.
// A port of its own: what can be made again needs no backup, and may lie on another disk.
#[async_trait::async_trait]
pub trait Derived: Send + Sync {
    /// What `model` made of the image called `name`, if it is there.
    async fn derived(&self, name: Sha256, model: &ModelId) -> Result<Option<Vec<u8>>, StoreError>;

    /// Keeps what `model` made of the image called `name`, atomically.
    async fn put_derived(
        &self,
        name: Sha256,
        model: &ModelId,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError>;
}

/// Signs what must be shown to come from this installation (Ed25519, RFC 8032).
pub trait Signer: Send + Sync {
    /// The signature of these bytes.
    fn sign(&self, bytes: &[u8]) -> [u8; 64];

    /// The key that signatures are verified with.
    fn public_key(&self) -> [u8; 32];
}

/// Why the store did not do it.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// There is no such thing.
    #[error("{what} `{id}` does not exist")]
    NotFound {
        /// `brand`, `product`, `reference`, `genuine photo`, `check`, `calibration` or `photo`.
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
    // Apart from other failures: somebody can make room, and then the same request succeeds.
    #[error("there is no room to keep it: {0}")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A file that was kept is missing or is not what its name promises.
    // Not the same as not found: what was named exists, and losing it was ours.
    #[error("the image `{sha256}` is lost: {why}; restore it from a backup or send it again")]
    Lost {
        /// Content hash of the image.
        sha256: Sha256,
        /// What was found instead.
        why: String,
    },
    /// A photo was removed on purpose.
    #[error("the photo `{photo}` was removed {why}")]
    Removed {
        /// Check and number, as in `ID/0`.
        photo: String,
        /// By what, and when, as in `by retention on 2026-11-29`.
        why: String,
    },
    /// The database or the disk failed.
    #[error("the store failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
