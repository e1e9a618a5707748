//! Reading what was done.

use super::{Assay, ServiceError};
use crate::checker::{
    actor::Actor,
    ports::StoreError,
    records::{Entry, Logged},
};

impl Assay {
    /// Entries of the audit log after a number, at most `most`, of all or about one thing; each as it
    /// is kept and as it reads.
    ///
    /// # Errors
    /// An entry is not one that this program writes.
    pub async fn audit_log(
        &self,
        _: &Actor,
        about: Option<&str>,
        after: i64,
        most: usize,
    ) -> Result<Vec<(Logged, Entry)>, ServiceError> {
        let portion = self.records.audit.entries(about, after, most).await?;
        let read = portion.entries.into_iter().map(|logged| {
            let entry = serde_json::from_str(&logged.entry);
            entry.map(|entry| (logged, entry))
        });
        let read: Result<_, _> = read.collect();
        Ok(read.map_err(|e| StoreError::Failed(Box::new(e)))?)
    }
}
