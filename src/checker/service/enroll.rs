//! References in: preparing them, keeping them, and bringing the gallery in memory up to date.

use std::sync::Arc;

use bytes::Bytes;

use super::{Assay, NewReference, ServiceError, new_id, now_ms};
use crate::{
    checker::{
        actor::Actor,
        codec::{
            entry::{entry_model, entry_name, entry_to_bytes},
            features::features_to_bytes,
        },
        ports::{Permit, StoreError},
        records::{GenuinePhotoRecord, ReferenceRecord},
        validate,
    },
    domain::gallery::{Mark, ProductKey, Reference},
    engine::{
        self, Claim, Decoded, Engine, Enrolled, Interrupt, Others, Prepared, article_guides,
        find_article, prepare_reference, survey,
        vision::{IntakeError, Vision},
    },
};

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
        actor: &Actor,
        new: NewReference,
    ) -> Result<ReferenceRecord, ServiceError> {
        validate::reference(&new)?;
        actor.must_see(&new.product.brand)?;
        let claim = Claim::Product(new.product.clone());
        let standing = self.standing_in_use(&claim).await?;
        let snapshot = self.refresh_to(standing.references).await?;
        let NewReference {
            product,
            kind,
            view,
            marks,
            edition,
            image,
        } = new;
        let id = new_id();
        let edition = self.checked_edition(&product, &id, edition).await?;
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
                id,
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
        let removals = self.removals().await?;
        // The file before its record: a record alone would be a lost reference, a file alone only
        // takes space.
        self.images.put_image(sha256, image.clone()).await?;
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
            edition,
            actor: actor.name().to_owned(),
            created_ms: now_ms(),
        };
        self.records
            .references
            .add_reference(actor, &record)
            .await?;
        self.keep_again(removals, [(sha256, image)]).await?;
        Ok(record)
    }

    /// Adds a genuine photo of the physical item `item` to a product's calibration data.
    pub async fn add_genuine_photo(
        &self,
        actor: &Actor,
        product: &ProductKey,
        item: &str,
        image: Bytes,
    ) -> Result<GenuinePhotoRecord, ServiceError> {
        validate::key(product)?;
        validate::item(item)?;
        actor.must_see(&product.brand)?;
        let claim = Claim::Product(product.clone());
        self.standing_in_use(&claim).await?;
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
        let removals = self.removals().await?;
        self.images.put_image(sha256, image.clone()).await?;
        let (product, item) = (product.clone(), item.to_owned());
        let record = GenuinePhotoRecord {
            id: new_id(),
            product,
            item,
            sha256,
            actor: actor.name().to_owned(),
            created_ms: now_ms(),
        };
        self.records
            .genuine
            .add_genuine_photo(actor, &record)
            .await?;
        self.keep_again(removals, [(sha256, image)]).await?;
        Ok(record)
    }

    /// Decodes an uploaded picture; the room for its pixels is to be kept as long as they are.
    pub(super) async fn decode(
        &self,
        image: Bytes,
    ) -> Result<(Arc<Decoded>, Permit), ServiceError> {
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

    /// Keeps what was made of a reference's picture, so that it need not be made again.
    pub(super) async fn keep(&self, enrolled: &Enrolled) -> Result<(), ServiceError> {
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
