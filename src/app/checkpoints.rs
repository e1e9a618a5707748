//! Signs how far the audit log is, now and then and at the end.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    checker::{
        ports::{Signer, StoreError},
        records::{Audit, Head},
    },
    storage::checkpoints::{self, Checkpoint},
};

/// How often it is looked whether anything was noted.
const PERIOD: Duration = Duration::from_secs(1);
/// The shortest time between two checkpoints, while fewer than [`MANY`] entries come.
const SPACING: Duration = Duration::from_secs(60);
/// This many entries get a checkpoint of their own, however fast they came.
const MANY: i64 = 1000;

/// Writes checkpoints of one database's log into the file of one data folder.
#[derive(Clone)]
pub(crate) struct Checkpoints {
    audit: Arc<dyn Audit>,
    signer: Arc<dyn Signer>,
    file: PathBuf,
}

impl Checkpoints {
    pub(super) fn new(audit: Arc<dyn Audit>, signer: Arc<dyn Signer>, data: &Path) -> Self {
        let file = checkpoints::file_in(data);
        Self {
            audit,
            signer,
            file,
        }
    }

    /// Writes checkpoints for as long as it is polled: after each minute in which anything was noted,
    /// and after each thousand entries.
    pub(super) async fn keep(self) {
        let mut last = None;
        let (mut written, mut period) = (Instant::now(), interval(PERIOD));
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            period.tick().await;
            let due = written.elapsed() >= SPACING;
            match self.write_if(&mut last, if due { 1 } else { MANY }).await {
                Ok(true) => written = Instant::now(),
                Ok(false) => {}
                Err(error) => {
                    tracing::warn!(
                        "no checkpoint of the audit log could be written, which is tried again: {error}"
                    );
                    written = Instant::now();
                }
            }
        }
    }

    /// Writes one where anything was noted since the last; its line.
    ///
    /// # Errors
    /// The log cannot be read or the file not written.
    pub(crate) async fn write(&self) -> Result<Option<String>, StoreError> {
        let (head, last) = (self.audit.head().await?, self.last().await?);
        if head.seq == 0 || last == Some(head) {
            return Ok(None);
        }
        self.append(head).await.map(Some)
    }

    /// Writes one where at least so many entries were noted since the last; `last` remembers which
    /// that was.
    async fn write_if(&self, last: &mut Option<Head>, new: i64) -> Result<bool, StoreError> {
        let before = match *last {
            Some(before) => before,
            None => *last.insert(self.last().await?.unwrap_or_else(Head::start)),
        };
        let head = self.audit.head().await?;
        if head.seq - before.seq < new {
            return Ok(false);
        }
        self.append(head).await?;
        *last = Some(head);
        Ok(true)
    }

    async fn last(&self) -> Result<Option<Head>, StoreError> {
        let file = self.file.clone();
        on_disk(move || checkpoints::last(&file)).await
    }

    async fn append(&self, head: Head) -> Result<String, StoreError> {
        let (file, signer) = (self.file.clone(), Arc::clone(&self.signer));
        let line = on_disk(move || {
            let checkpoint = Checkpoint::sign(signer.as_ref(), head)?;
            checkpoints::append(&file, &checkpoint)
        });
        let line = line.await?;
        // Logs often go to another machine by themselves: one more place that the log's end is known.
        tracing::info!("checkpoint of the audit log: {line}");
        Ok(line)
    }
}

/// Works on a thread of its own, once a minute: syncing and locking a file block.
async fn on_disk<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let (tell, told) = oneshot::channel();
    let work = move || {
        // Nobody listens when the program ends meanwhile.
        let _ = tell.send(work());
    };
    let failed = |e| StoreError::Failed(Box::new(e));
    let named = thread::Builder::new().name("checkpoint".to_owned());
    named.spawn(work).map_err(failed)?;
    told.await
        .map_err(io::Error::other)
        .flatten()
        .map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use async_trait::async_trait;

    use super::*;
    use crate::{checker::records::Portion, storage::signing::KeyFile};

    /// A log that is as long as a test says.
    struct Long(Mutex<i64>);

    #[async_trait]
    impl Audit for Long {
        async fn entries(&self, _: Option<&str>, _: i64, _: usize) -> Result<Portion, StoreError> {
            unreachable!("a checkpoint needs the head alone")
        }

        async fn head(&self) -> Result<Head, StoreError> {
            let seq = *self.0.lock().unwrap();
            Ok(Head::start().then(seq, "entry"))
        }
    }

    #[tokio::test]
    async fn a_checkpoint_is_written_when_something_or_much_was_noted() {
        let folder = tempfile::tempdir().unwrap();
        let audit = Arc::new(Long(Mutex::new(0)));
        let signer = Arc::new(KeyFile::open(folder.path()).unwrap());
        let checkpoints = Checkpoints::new(audit.clone(), signer, folder.path());
        let mut last = None;
        let mut after = async |seq: i64, new: i64| {
            *audit.0.lock().unwrap() = seq;
            checkpoints.write_if(&mut last, new).await.unwrap()
        };
        assert!(!after(0, 1).await);
        assert!(!after(1, MANY).await);
        assert!(after(1, 1).await);
        assert!(!after(1, 1).await);
        assert!(!after(1000, MANY).await);
        assert!(after(1001, MANY).await);
        assert_eq!(checkpoints.write().await.unwrap(), None);
        *audit.0.lock().unwrap() = 1002;
        assert!(checkpoints.write().await.unwrap().is_some());
        // Another start goes on where this one ended.
        assert!(!checkpoints.write_if(&mut None, 1).await.unwrap());
        let mut seqs = Vec::new();
        let file = checkpoints::file_in(folder.path());
        checkpoints::read(&file, |_, line| {
            seqs.push(line.unwrap().head().unwrap().seq)
        })
        .unwrap();
        assert_eq!(seqs, [1, 1001, 1002]);
    }
}
