//! References in: preparing them, keeping them, and bringing the gallery in memory up to date.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, NewReference, ServiceError, new_id, now_ms};
use crate::{
    checker::{
        ports::{ReferenceFiles, StoreError},
        records::{GenuinePhotoRecord, ReferenceRecord},
        snapshot::{GallerySnapshot, entry_from_bytes, entry_model, entry_name, entry_to_bytes},
        validate,
    },
    domain::{
        digest::sha256_hex,
        gallery::{ProductKey, Reference},
    },
    engine::{self, EngineError, vision::Vision},
};

/// References read or prepared at a time.
const AT_ONCE: usize = 8;

impl Assay {
    /// Enrolls a reference; it takes part in the next check. The answer says at once how usable it
    /// is.
    pub async fn enroll_reference(
        &self,
        new: NewReference,
    ) -> Result<ReferenceRecord, ServiceError> {
        validate::reference(&new)?;
        self.store.product(&new.product).await?;
        let sha256 = sha256_hex(&new.image);
        let snapshot = self.refresh().await?;
        if snapshot
            .gallery
            .of(&new.product)
            .any(|r| r.sha256 == sha256)
        {
            return Err(StoreError::Conflict {
                what: "reference",
                id: sha256,
            }
            .into());
        }
        let (engine, files) = (self.engine.clone(), Arc::clone(&self.files));
        let enrolled = self
            .see("image", move |vision| {
                let NewReference {
                    product,
                    kind,
                    view,
                    marks,
                    image,
                } = new;
                // Bytes that are no picture are refused before they reach the disk.
                vision.imaging.decode(&image)?;
                files.put_image(&image)?;
                let new = engine::NewReference {
                    id: new_id(),
                    product,
                    kind,
                    view,
                    marks,
                };
                let enrolled = engine.enroll(vision, new, &snapshot.gallery, &image)?;
                keep_entry(files.as_ref(), vision, &enrolled.reference)?;
                Ok(enrolled)
            })
            .await?;
        let reference = enrolled.reference;
        let record = ReferenceRecord {
            id: reference.id,
            product: reference.product,
            kind: reference.kind,
            view: reference.view,
            sha256: reference.sha256,
            width: enrolled.width,
            height: enrolled.height,
            article: reference.article,
            marks: reference.marks,
            health: enrolled.health,
            created_ms: now_ms(),
        };
        self.store.add_reference(&record).await?;
        Ok(record)
    }

    /// Adds a genuine photo of the physical item `item` to a product's calibration data.
    pub async fn add_genuine_photo(
        &self,
        product: &ProductKey,
        item: &str,
        image: Bytes,
    ) -> Result<GenuinePhotoRecord, ServiceError> {
        validate::key(product)?;
        validate::item(item)?;
        self.store.product(product).await?;
        let sha256 = sha256_hex(&image);
        if self
            .refresh()
            .await?
            .gallery
            .of(product)
            .any(|r| r.sha256 == sha256)
        {
            let problem = "is enrolled as a reference; a calibration says nothing unless it is made of other photos";
            return Err(ServiceError::Conflict {
                field: "image".to_owned(),
                problem: problem.to_owned(),
            });
        }
        let files = Arc::clone(&self.files);
        self.see("image", move |vision| {
            vision.imaging.decode(&image)?;
            Ok(files.put_image(&image)?)
        })
        .await?;
        let (product, item) = (product.clone(), item.to_owned());
        let record = GenuinePhotoRecord {
            id: new_id(),
            product,
            item,
            sha256,
            created_ms: now_ms(),
        };
        self.store.add_genuine_photo(&record).await?;
        Ok(record)
    }

    /// The gallery, read anew when this or another process changed the references since.
    pub(super) async fn refresh(&self) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let snapshot = self.snapshot();
        if snapshot.changes == self.store.changes().await?.references {
            return Ok(snapshot);
        }
        self.reload(&mut |_, _| {}).await
    }

    pub(super) async fn reload(
        &self,
        progress: &mut (dyn FnMut(usize, usize) + Send),
    ) -> Result<Arc<GallerySnapshot>, ServiceError> {
        // Asked first: a change while the records are read makes the next check read again.
        let changes = self.store.changes().await?.references;
        let records = self.store.references(None).await?;
        let old = self.snapshot();
        let known = old.by_id();
        let total = records.len();
        let mut references = Vec::with_capacity(total);
        let mut missing = Vec::new();
        for record in records {
            match known.get(record.id.as_str()) {
                Some(reference) => references.push(Arc::clone(reference)),
                None => missing.push(record),
            }
        }
        let mut read = stream::iter(missing.into_iter().map(|r| self.read_reference(r)))
            .buffer_unordered(AT_ONCE);
        while let Some(reference) = read.try_next().await? {
            references.extend(reference);
            progress(references.len(), total);
        }
        drop(read);
        let fresh = Arc::new(GallerySnapshot::new(references, changes));
        let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        // Two checks may read at the same time; the older reading must not replace the newer.
        if snapshot.changes <= fresh.changes {
            *snapshot = Arc::clone(&fresh);
        }
        Ok(fresh)
    }

    /// A reference from its stored entry or, when the models have changed since, from its image.
    /// One whose image is lost or damaged is left out with a log line: it must not keep the others
    /// from being searched.
    async fn read_reference(
        &self,
        record: ReferenceRecord,
    ) -> Result<Option<Arc<Reference>>, ServiceError> {
        let (engine, files) = (self.engine.clone(), Arc::clone(&self.files));
        let (id, product) = (record.id.clone(), record.product.clone());
        let read = self
            .see("image", move |vision| {
                let model = entry_model(vision.embedder.model(), vision.local.model());
                let stored = files.features(&entry_name(&record.sha256, record.article), &model)?;
                let embedding_model = vision.embedder.model().clone();
                if let Some(entry) =
                    stored.and_then(|bytes| entry_from_bytes(&record, embedding_model, &bytes))
                {
                    return Ok(entry);
                }
                let image = files.image(&record.sha256)?;
                let ReferenceRecord {
                    id,
                    product,
                    kind,
                    view,
                    marks,
                    article,
                    ..
                } = record;
                let new = engine::NewReference {
                    id,
                    product,
                    kind,
                    view,
                    marks,
                };
                let reference = engine.prepare(vision, new, article, &image)?.reference;
                keep_entry(files.as_ref(), vision, &reference)?;
                Ok(reference)
            })
            .await;
        match read {
            Ok(reference) => Ok(Some(Arc::new(reference))),
            Err(error @ (ServiceError::Store(_) | ServiceError::Intake { .. })) => {
                tracing::error!(
                    "reference `{id}` of {product} is left out: {error}; enroll its image again"
                );
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn keep_entry(
    files: &dyn ReferenceFiles,
    vision: &Vision,
    reference: &Reference,
) -> Result<(), EngineError> {
    let model = entry_model(vision.embedder.model(), vision.local.model());
    let name = entry_name(&reference.sha256, reference.article);
    Ok(files.put_features(&name, &model, &entry_to_bytes(reference))?)
}
