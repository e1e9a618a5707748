//! How many workers there are and how much may wait for them.

use std::num::NonZeroUsize;

/// Bounds of the work done at a time. Refusing early is kinder than answering late.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComputeConfig {
    /// Worker threads; each holds its own copy of the models (about 100 MB).
    pub workers: NonZeroUsize,
    /// Jobs that may wait for a worker; further ones are refused.
    pub queue: usize,
    /// Requests that may be underway, reading their bodies included; further ones are refused.
    pub requests: usize,
    /// Bytes that the bodies of requests underway may announce together; further requests are
    /// refused.
    pub bytes: u64,
    /// Bytes of memory for photos that are decoded and looked at; further photos wait. A photo that
    /// takes more than this goes alone.
    pub decoding: u64,
    /// Bytes that the photos of all requests underway may take when they are decoded, one after the
    /// other or not; further requests are refused, for they would wait too long.
    pub decoding_admitted: u64,
}

/// More workers than this are never taken by default: their models would fill a small machine's
/// memory.
const MOST_DEFAULT_WORKERS: usize = 8;
/// Bytes for decoded photos per worker: two photos of 20 megapixels, or one of 40, on each. With
/// the models of two workers, a server whose callers send photos of 48 megapixels stays below
/// 600 MB.
const DECODING_PER_WORKER: u64 = 128 << 20;
/// Bytes of a decoded photo of 12 megapixels, as most telephones make them: the places for requests
/// are meant for such photos, and larger ones take more of them.
const COMMON_PHOTO: u64 = 12_000_000 * 3;

impl ComputeConfig {
    /// Bounds that suit `workers` worker threads: a few requests for each, and room in the queue
    /// for every job that the requests underway can bring (`jobs_per_request` each), so that an
    /// admitted request is not refused half-way.
    pub fn for_workers(workers: NonZeroUsize, jobs_per_request: usize) -> Self {
        // Enough that a worker finds its next job while bodies are still being read.
        let requests = 4 * workers.get();
        let queue = requests * jobs_per_request;
        Self {
            workers,
            queue,
            requests,
            bytes: 512 << 20,
            decoding: workers.get() as u64 * DECODING_PER_WORKER,
            decoding_admitted: queue as u64 * COMMON_PHOTO,
        }
    }

    /// Worker threads when the operator does not say: one for each core, within reason.
    pub fn default_workers() -> NonZeroUsize {
        // Where the system does not tell, one is sure to be there.
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        NonZeroUsize::new(cores.min(MOST_DEFAULT_WORKERS)).unwrap_or(NonZeroUsize::MIN)
    }
}
