//! Files behind the async ports: a few threads of their own wait for the disk, so that neither the
//! runtime nor a worker with models does.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::oneshot;

use super::files::ContentFiles;
use crate::{
    checker::ports::{Derived, Images, StoreError},
    domain::{digest::Sha256, embedding::ModelId},
};

/// Threads that wait for the disk: a few syncs overlap, more would only queue in the kernel.
const THREADS: usize = 4;
/// Jobs that may wait; callers wait for a place, and requests are bounded before they come here.
const WAITING: usize = 64;

type Job = Box<dyn FnOnce(&ContentFiles) + Send>;

/// The files of one data directory for async callers.
pub struct FileThreads {
    jobs: tokio::sync::mpsc::Sender<Job>,
}

impl FileThreads {
    /// Starts the threads over some files; they end when this is dropped.
    ///
    /// # Errors
    /// The system starts no thread.
    pub fn start(files: ContentFiles) -> io::Result<Self> {
        let (jobs, waiting) = tokio::sync::mpsc::channel::<Job>(WAITING);
        let (files, waiting) = (Arc::new(files), Arc::new(Mutex::new(waiting)));
        for n in 0..THREADS {
            let (files, waiting) = (Arc::clone(&files), Arc::clone(&waiting));
            let work = move || {
                loop {
                    // One thread waits for the next job, the others for the lock: either way one
                    // wakes up for each.
                    let job = waiting
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .blocking_recv();
                    match job {
                        Some(job) => job(&files),
                        None => return,
                    }
                }
            };
            thread::Builder::new()
                .name(format!("files-{n}"))
                .spawn(work)?;
        }
        Ok(Self { jobs })
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&ContentFiles) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let job = move |files: &ContentFiles| {
            // Nobody listens when the caller has left; what was written stays written.
            let _ = tell.send(work(files));
        };
        let ended = |_| StoreError::Failed("the threads that read and write files ended".into());
        // Waits for a place and refuses nobody: requests were bounded where they came in.
        self.jobs.send(Box::new(job)).await.map_err(|_| ended(()))?;
        told.await.map_err(|_| ended(()))?
    }
}

#[async_trait]
impl Images for FileThreads {
    async fn put_image(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError> {
        self.run(move |files| files.put_image(sha256, &bytes)).await
    }

    async fn image(&self, sha256: Sha256) -> Result<Bytes, StoreError> {
        self.run(move |files| files.image(sha256).map(Bytes::from))
            .await
    }

    async fn remove_image(&self, sha256: Sha256) -> Result<(), StoreError> {
        self.run(move |files| files.remove_image(sha256)).await
    }
}

#[async_trait]
impl Derived for FileThreads {
    async fn derived(&self, name: Sha256, model: &ModelId) -> Result<Option<Vec<u8>>, StoreError> {
        let model = model.clone();
        self.run(move |files| files.features(name, &model)).await
    }

    async fn put_derived(
        &self,
        name: Sha256,
        model: &ModelId,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let model = model.clone();
        self.run(move |files| files.put_features(name, &model, &bytes))
            .await
    }
}
