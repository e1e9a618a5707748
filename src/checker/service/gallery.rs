//! Keeps the gallery in memory in step with the store, whichever process changed it.

use std::sync::{Arc, PoisonError};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, ServiceError};
use crate::{
    checker::{
        codec::entry::{entry_from_bytes, entry_model, entry_name},
        ports::StoreError,
        records::{ChangedReference, ReferenceRecord},
        snapshot::{Delta, GallerySnapshot, LostReference},
    },
    domain::gallery::Reference,
    engine::{self, Claim, prepare_reference, vision::Vision},
};

/// References read or prepared at a time.
const AT_ONCE: usize = 8;
/// References whose records are read at a time.
const PORTION: usize = 500;

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
        self.catch_up(change, &mut |_| {}).await
    }

    /// The same for a check; what was lost of the claimed product is looked for once more, since an
    /// operator may have restored it.
    pub(super) async fn refresh_for(
        &self,
        claim: Option<&Claim>,
        change: i64,
    ) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let snapshot = self.refresh_to(change).await?;
        let mut delta = Delta::up_to(snapshot.change);
        for id in snapshot.lost_of(claim) {
            let record = self.records.references.reference(&id).await?;
            if let Ok(back) = self.read_reference(record).await? {
                delta.came(back);
            }
        }
        if delta.arrivals() == 0 {
            return Ok(snapshot);
        }
        Ok(self.replace(&snapshot, delta))
    }

    /// Reads the whole gallery; `progress` hears now and then how many references are read.
    pub(super) async fn load(
        &self,
        progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<(), ServiceError> {
        let last = self.records.references.last_change().await?;
        self.catch_up(last, progress).await?;
        Ok(())
    }

    /// Reads what changed since, and no more.
    async fn catch_up(
        &self,
        change: i64,
        progress: &mut (dyn FnMut(usize) + Send),
    ) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let old = self.snapshot();
        // A change may have no reference of its own, as when an empty product is retired.
        let mut delta = Delta::up_to(change.max(old.change));
        // The first time also what a program from before these numbers has left without one.
        let since = if old.change == 0 { -1 } else { old.change };
        // No id comes after this: all that changed later.
        let mut last = (since, "\u{10ffff}".to_owned());
        loop {
            let changed = self
                .records
                .references
                .changed_references((last.0, &last.1), PORTION)
                .await?;
            let is_last = changed.len() < PORTION;
            if let Some(end) = changed.last() {
                last = (end.change, end.reference.id.clone());
                // More may have come since `change` was read.
                delta.change = delta.change.max(end.change);
            }
            self.read_changed(changed, &old, &mut delta).await?;
            if is_last {
                break;
            }
            progress(delta.arrivals());
        }
        Ok(self.replace(&old, delta))
    }

    /// Reads the references of some changes, unless they are known.
    async fn read_changed(
        &self,
        changed: Vec<ChangedReference>,
        old: &GallerySnapshot,
        delta: &mut Delta,
    ) -> Result<(), ServiceError> {
        let mut missing = Vec::new();
        for changed in changed {
            match changed.in_use {
                // References never change once enrolled: what is in memory stays right.
                true if old.get(&changed.reference.id).is_some() => {
                    delta.stays(&changed.reference.id);
                }
                true => missing.push(changed.reference),
                false => delta.gone(changed.reference.id),
            }
        }
        let mut read = stream::iter(missing.into_iter().map(|r| self.read_reference(r)))
            .buffer_unordered(AT_ONCE);
        while let Some(reference) = read.try_next().await? {
            match reference {
                Ok(reference) => delta.came(reference),
                Err(gone) => delta.lost(gone),
            }
        }
        Ok(())
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
