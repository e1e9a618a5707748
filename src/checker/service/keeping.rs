//! Images that are removed by one process while another keeps them, and photos that were removed.

use bytes::Bytes;

use super::{Assay, ServiceError};
use crate::{checker::ports::StoreError, domain::digest::Sha256};

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
        let removed = self.records.retention.removed(check).await?;
        let Some(photo) = removed.into_iter().find(|photo| photos(photo.n)) else {
            return Ok(());
        };
        let failed = |e| StoreError::Failed(Box::new(e));
        let at = jiff::Timestamp::from_millisecond(photo.at_ms).map_err(failed)?;
        let day = at.to_string().chars().take(10).collect::<String>();
        Err(StoreError::Removed {
            photo: format!("{check}/{}", photo.n),
            why: format!("by {} on {day}", photo.by),
        }
        .into())
    }
}
