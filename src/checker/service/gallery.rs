//! Keeps the gallery in memory in step with the store, whichever process changed it.

use std::sync::{Arc, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, ServiceError};
use crate::{
    checker::{
        codec::entry::{entry_from_bytes, entry_model, entry_name},
        ports::StoreError,
        records::ReferenceRecord,
        snapshot::{Delta, GallerySnapshot, LostReference},
    },
    domain::gallery::Reference,
    engine::{self, Claim, prepare_reference, vision::Vision},
};

/// References read or prepared at a time.
const AT_ONCE: usize = 8;

impl Assay {
    /// The gallery with all changes until now.
    pub(super) async fn refresh(&self) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let last = self.records.references.last_change().await?;
        self.refresh_to(last).await
    }

    /// The gallery with all changes up to `change` at least.
    pub(super) async fn refresh_to(
        &self,
        change: i64,
    ) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let snapshot = self.snapshot();
        if snapshot.change >= change {
            return Ok(snapshot);
        }
        self.catch_up(change, &mut |_, _| {}).await
    }

    /// The same for a check; what was lost of the claimed product is looked for once more, since an
    /// operator may have restored it.
    pub(super) async fn refresh_for(
        &self,
        claim: Option<&Claim>,
        change: i64,
    ) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let snapshot = self.refresh_to(change).await?;
        let mut delta = Delta {
            change: snapshot.change,
            ..Delta::default()
        };
        for id in snapshot.lost_of(claim) {
            let record = self.records.references.reference(&id).await?;
            delta.came.extend(self.read_reference(record).await?.ok());
        }
        if delta.came.is_empty() {
            return Ok(snapshot);
        }
        Ok(self.replace(&snapshot, delta))
    }

    /// Reads the whole gallery; `progress` hears how many references are read and how many there are.
    pub(super) async fn load(
        &self,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<(), ServiceError> {
        let last = self.records.references.last_change().await?;
        self.catch_up(last, progress).await?;
        Ok(())
    }

    /// Reads what changed since, and no more.
    async fn catch_up(
        &self,
        change: i64,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let old = self.snapshot();
        let changed = self
            .records
            .references
            .changed_references(old.change)
            .await?;
        // A change may have no reference of its own, as when an empty product is retired; and more
        // may have come since `change` was read.
        let last = changed.last().map_or(change, |c| c.change.max(change));
        let mut delta = Delta {
            change: last,
            ..Delta::default()
        };
        let mut missing = Vec::new();
        for changed in changed {
            match changed.in_use {
                // References never change once enrolled: what is in memory stays right.
                true if old.get(&changed.reference.id).is_some() => {}
                true => missing.push(changed.reference),
                false => delta.gone.push(changed.reference.id),
            }
        }
        let total = missing.len();
        let mut read = stream::iter(missing.into_iter().map(|r| self.read_reference(r)))
            .buffer_unordered(AT_ONCE);
        while let Some(reference) = read.try_next().await? {
            match reference {
                Ok(reference) => delta.came.push(reference),
                Err(gone) => delta.lost.push(gone),
            }
            progress(delta.came.len(), total);
        }
        drop(read);
        Ok(self.replace(&old, delta))
    }

    /// Makes the next snapshot from an older one.
    fn replace(&self, old: &GallerySnapshot, delta: Delta) -> Arc<GallerySnapshot> {
        let fresh = Arc::new(old.with(delta));
        let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        // Two may read at the same time; the older reading must not replace the newer.
        if snapshot.change <= fresh.change {
            *snapshot = Arc::clone(&fresh);
        }
        fresh
    }

    /// A reference from its stored entry or, when the models have changed since, from its picture.
    /// One whose picture is lost or damaged is left out: it must not keep the others from being
    /// searched.
    async fn read_reference(
        &self,
        record: ReferenceRecord,
    ) -> Result<Result<Arc<Reference>, LostReference>, ServiceError> {
        let (embedder, local) = self.supply.models();
        let model = entry_model(embedder, local);
        let name = entry_name(record.sha256, record.article);
        let stored = self.derived.derived(name, &model).await?;
        // Of other models or another form there is none, and the picture decides.
        let entry = stored.and_then(|b| entry_from_bytes(&record, &b));
        if let Some(reference) = entry {
            return Ok(Ok(Arc::new(reference)));
        }
        let ReferenceRecord {
            id,
            product,
            kind,
            view,
            marks,
            article,
            sha256,
            ..
        } = record;
        let lost = LostReference {
            id: id.clone(),
            product: product.clone(),
        };
        let why = match self.images.image(sha256).await {
            Ok(image) => match self.decode(image).await {
                Ok((picture, room)) => {
                    let new = engine::NewReference {
                        id,
                        product,
                        kind,
                        view,
                        marks,
                    };
                    let prepare = move |vision: &mut Vision| {
                        let prepared = prepare_reference(vision, new, article, &picture);
                        drop((picture, room));
                        prepared
                    };
                    let enrolled = self.see(prepare).await?;
                    self.keep(&enrolled).await?;
                    self.supply.found(&lost.id);
                    return Ok(Ok(Arc::new(enrolled.reference)));
                }
                // It was a picture when it was enrolled, so its file was damaged since. Anything
                // else is no fault of this reference.
                Err(ServiceError::Intake { source, .. }) => source.to_string(),
                Err(error) => return Err(error),
            },
            Err(StoreError::Lost { why, .. }) => why,
            Err(error) => return Err(error.into()),
        };
        self.supply.is_lost(&lost.id, &lost.product, &why);
        Ok(Err(lost))
    }
}
