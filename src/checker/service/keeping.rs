//! Images that are removed by one process while another keeps them, and photos that were removed.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Assay, ServiceError};
use crate::{
    checker::{clock::rfc3339, ports::StoreError},
    domain::digest::Sha256,
};

impl Assay {
    /// Images were removed so often by now; to be asked before an image is kept.
    pub(super) async fn removals(&self) -> Result<i64, ServiceError> {
        Ok(self.records.retention.removals().await?)
    }

    /// Keeps images once more where any was removed since they were kept first; to be called when the
    /// records that name them are kept. From then on nobody removes them.
    pub(super) async fn keep_again(
        &self,
        before: i64,
        images: impl IntoIterator<Item = (Sha256, Bytes)>,
    ) -> Result<(), ServiceError> {
        if self.removals().await? != before {
            for (sha256, bytes) in images {
                self.images.put_image(sha256, bytes).await?;
            }
        }
        Ok(())
    }

    /// Refuses a photo of a check whose bytes were removed, also where somebody else needs the same
    /// file.
    pub(super) async fn refuse_removed(
        &self,
        check: &str,
        photos: impl Fn(usize) -> bool,
    ) -> Result<(), ServiceError> {
        let removed = self.removed_photos(check).await?;
        match removed.into_iter().find(|(n, _)| photos(*n)) {
            None => Ok(()),
            Some((n, why)) => Err(StoreError::Removed {
                photo: format!("{check}/{n}"),
                why,
            }
            .into()),
        }
    }

    /// Photos of a check whose bytes were removed, by their numbers from 0, each with a few words on
    /// by what and when.
    pub async fn removed_photos(
        &self,
        check: &str,
    ) -> Result<BTreeMap<usize, String>, ServiceError> {
        let removed = self.records.retention.removed(check).await?;
        let told = removed.into_iter().map(|photo| {
            let at = rfc3339(photo.at_ms);
            let day = at.split('T').next().unwrap_or_default();
            (photo.n, format!("by {} on {day}", photo.by))
        });
        Ok(told.collect())
    }
}
