//! References in: preparing them, keeping them, and bringing the gallery in memory up to date.

use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, NewReference, ServiceError, new_id, now_ms};
use crate::{
    checker::{
        codec::{
            entry::{entry_from_bytes, entry_model, entry_name, entry_to_bytes},
            features::features_to_bytes,
        },
        ports::{Permit, StoreError},
        records::{GenuinePhotoRecord, ReferenceRecord},
        snapshot::{GallerySnapshot, LostReference},
        validate,
    },
    domain::gallery::{Mark, ProductKey, Reference},
    engine::{
        self, Claim, Decoded, Engine, Enrolled, Interrupt, Others, Prepared, article_guides,
        find_article, prepare_reference, survey,
        vision::{IntakeError, Vision},
    },
};

/// References read or prepared at a time.
const AT_ONCE: usize = 8;

/// A reference on its way into the gallery: its picture goes from step to step, so that it is
/// decoded once.
struct Arriving {
    new: engine::NewReference,
    picture: Arc<Decoded>,
    /// References that tell where the picture shows the article.
    guides: Vec<Arc<Reference>>,
    /// References of other products that it may show too.
    others: Others,
}

impl Assay {
    /// Enrolls a reference; it takes part in the next check. The answer says at once how usable it
    /// is.
    pub async fn enroll_reference(
        &self,
        new: NewReference,
    ) -> Result<ReferenceRecord, ServiceError> {
        validate::reference(&new)?;
        self.product_in_use(&new.product).await?;
        let snapshot = self.refresh().await?;
        let NewReference {
            product,
            kind,
            view,
            marks,
            image,
        } = new;
        let (_place, _) = self.try_admit_photos(std::slice::from_ref(&image))?;
        // Bytes that are no picture are refused before they reach the disk.
        let (picture, room) = self.decode(image.clone()).await?;
        let sha256 = picture.facts.sha256;
        // Before any model runs. The store has the last word, since another process may have been
        // faster.
        if snapshot
            .gallery
            .of(&product)
            .iter()
            .any(|r| r.sha256 == sha256)
        {
            return Err(StoreError::Conflict {
                what: "reference",
                id: sha256.to_string(),
            }
            .into());
        }
        let guides = article_guides(&snapshot.gallery, &product, kind);
        let others = Others::of(&snapshot.gallery, &product, kind, &picture.facts);
        let mut need = others.need();
        need.features.extend(guides.iter().map(|r| r.id.clone()));
        let arriving = Arriving {
            new: engine::NewReference {
                id: new_id(),
                product,
                kind,
                view,
                marks: named(marks),
            },
            picture,
            guides,
            others,
        };
        let prepared = (need, Prepared::default());
        let enrolled = self
            .examine(&snapshot, prepared, (arriving, room), arrive)
            .await?;
        if !enrolled.health.usable {
            // Kept, it would only make checks end as not comparable, before somebody who cannot
            // send another.
            return Err(ServiceError::Invalid {
                field: "image".to_owned(),
                problem: format!("is of no use: {}", enrolled.health.problems.join("; ")),
            });
        }
        // The file before its record: a record alone would be a lost reference, a file alone only
        // takes space.
        self.images.put_image(sha256, image).await?;
        // Also before the record, so that the next check finds its features at hand.
        self.keep(&enrolled).await?;
        let reference = enrolled.reference;
        let record = ReferenceRecord {
            id: reference.id,
            product: reference.product,
            kind: reference.kind,
            view: reference.view,
            sha256: reference.sha256,
            width: enrolled.facts.width,
            height: enrolled.facts.height,
            article: reference.article,
            marks: [reference.marks, reference.ignored].concat(),
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
        self.product_in_use(product).await?;
        let (_place, _) = self.try_admit_photos(std::slice::from_ref(&image))?;
        let (picture, room) = self.decode(image.clone()).await?;
        let sha256 = picture.facts.sha256;
        // Only the hash was wanted; the pixels make room for others.
        drop((picture, room));
        let snapshot = self.refresh().await?;
        if snapshot
            .gallery
            .of(product)
            .iter()
            .any(|r| r.sha256 == sha256)
        {
            let problem = "is enrolled as a reference; a calibration says nothing unless it is \
                           made of other photos";
            return Err(ServiceError::Conflict {
                field: "image".to_owned(),
                problem: problem.to_owned(),
            });
        }
        self.images.put_image(sha256, image).await?;
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

    /// Decodes an uploaded picture; the room for its pixels is to be kept as long as they are.
    async fn decode(&self, image: Bytes) -> Result<(Arc<Decoded>, Permit), ServiceError> {
        let room = self.compute.room_for((self.decoding_bytes)(&image)).await?;
        // The room goes into the job and back with the pixels: it is free when they are.
        let decode = move |vision: &mut Vision| {
            let decoded = Decoded::from_bytes(vision.imaging.as_mut(), &image)?;
            Ok((Arc::new(decoded), room))
        };
        let decoded: Result<_, IntakeError> = self.on_worker(decode).await?;
        decoded.map_err(|source| ServiceError::Intake {
            field: "image".to_owned(),
            source,
        })
    }

    /// The gallery, read anew when this or another process changed the references since.
    pub(super) async fn refresh(&self) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let snapshot = self.snapshot();
        // One number tells whether anybody enrolled or removed anything, so it can be asked before
        // each check.
        if snapshot.changes == self.store.changes().await?.references {
            return Ok(snapshot);
        }
        self.reload(&mut |_, _| {}).await
    }

    /// The gallery for a check; what was lost of the claimed product is looked for once more, since
    /// an operator may have restored it.
    pub(super) async fn refresh_for(
        &self,
        claim: Option<&Claim>,
    ) -> Result<Arc<GallerySnapshot>, ServiceError> {
        let snapshot = self.refresh().await?;
        if snapshot.lost_of(claim).is_empty() {
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
        let total = records.len();
        let mut references = Vec::with_capacity(total);
        let mut missing = Vec::new();
        for record in records {
            // References never change once enrolled: what is in memory stays right.
            match old.get(&record.id) {
                Some(reference) => references.push(Arc::clone(reference)),
                None => missing.push(record),
            }
        }
        let mut lost = Vec::new();
        let mut read = stream::iter(missing.into_iter().map(|r| self.read_reference(r)))
            .buffer_unordered(AT_ONCE);
        while let Some(reference) = read.try_next().await? {
            match reference {
                Ok(reference) => references.push(reference),
                Err(gone) => lost.push(gone),
            }
            progress(references.len(), total);
        }
        drop(read);
        let fresh = Arc::new(GallerySnapshot::new(references, lost, changes));
        let mut snapshot = self.snapshot.lock().unwrap_or_else(PoisonError::into_inner);
        // Two checks may read at the same time; the older reading must not replace the newer.
        if snapshot.changes <= fresh.changes {
            *snapshot = Arc::clone(&fresh);
        }
        Ok(fresh)
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

    /// Keeps what was made of a reference's picture, so that it need not be made again.
    async fn keep(&self, enrolled: &Enrolled) -> Result<(), ServiceError> {
        let reference = &enrolled.reference;
        let (embedder, local) = self.supply.models();
        let model = entry_model(embedder, local);
        let name = entry_name(reference.sha256, reference.article);
        self.derived
            .put_derived(name, &model, entry_to_bytes(reference))
            .await?;
        let features = features_to_bytes(&enrolled.features);
        Ok(self.supply.put_features(reference, features).await?)
    }
}

/// Prepares a reference when what tells where its picture shows the article is at hand.
fn arrive(
    _: &Engine,
    vision: &mut Vision,
    arriving: &mut Arriving,
    prepared: &Prepared,
) -> Result<Enrolled, Interrupt> {
    let Arriving {
        new,
        picture,
        guides,
        others,
    } = arriving;
    prepared.require_features(guides)?;
    let article = find_article(vision, guides, prepared, picture)?;
    // Cloned, since work that stopped for a guide is called again.
    let mut enrolled = prepare_reference(vision, new.clone(), article, picture)?;
    let told = survey(vision, picture, &enrolled, others, prepared)?;
    enrolled.health.problems.extend(told);
    Ok(enrolled)
}

/// The marks with a name each: regions that are ignored may come without.
fn named(mut marks: Vec<Mark>) -> Vec<Mark> {
    for n in 0..marks.len() {
        if marks[n].name.is_empty() {
            let free = (1..).map(|k| format!("ignored {k}"));
            let mut free = free.filter(|name| marks.iter().all(|m| m.name != *name));
            marks[n].name = free.next().unwrap_or_default();
        }
    }
    marks
}
