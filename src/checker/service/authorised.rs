//! Photos that must never be flagged: keeping them, and trying each as a check would.

use std::sync::Arc;

use bytes::Bytes;

use super::{Assay, ServiceError, check::Against, new_id, now_ms};
use crate::{
    checker::{actor::Actor, records::AuthorisedPhotoRecord, validate},
    contract::{
        limits::MOST_AUTHORISED_PHOTOS,
        self_test::{AuthorisedAnswer, FlaggedAuthorised},
    },
    domain::gallery::ProductKey,
    engine::Claim,
};

impl Assay {
    /// Adds a photo that must never be flagged under a claim on a product; `note` says what it is.
    ///
    /// # Errors
    /// There is no such product in use for this actor, the note is no text of 1 to 200 characters, the
    /// file is no picture, is there already, or there are too many.
    pub async fn add_authorised_photo(
        &self,
        actor: &Actor,
        product: &ProductKey,
        note: &str,
        image: Bytes,
    ) -> Result<AuthorisedPhotoRecord, ServiceError> {
        validate::key(product)?;
        validate::text("note", note)?;
        actor.must_see(&product.brand)?;
        let claim = Claim::Product(product.clone());
        self.standing_in_use(&claim).await?;
        let there = self.records.authorised.authorised_photos(product).await?;
        if there.len() >= MOST_AUTHORISED_PHOTOS {
            return Err(ServiceError::Conflict {
                field: "image".to_owned(),
                problem: format!(
                    "would be one too many: a product has at most {MOST_AUTHORISED_PHOTOS}, since each self-test judges all of them"
                ),
            });
        }
        let (_place, _) = self.try_admit_photos(std::slice::from_ref(&image))?;
        let (picture, room) = self.decode(image.clone()).await?;
        let sha256 = picture.facts.sha256;
        drop((picture, room));
        let removals = self.removals().await?;
        self.images.put_image(sha256, image.clone()).await?;
        let record = AuthorisedPhotoRecord {
            id: new_id(),
            product: product.clone(),
            note: note.to_owned(),
            sha256,
            actor: actor.name().to_owned(),
            created_ms: now_ms(),
        };
        let photos = &self.records.authorised;
        photos.add_authorised_photo(actor, &record).await?;
        self.keep_again(removals, [(sha256, image)]).await?;
        Ok(record)
    }

    /// A product's photos that must never be flagged, oldest first.
    pub async fn authorised_photos(
        &self,
        actor: &Actor,
        product: &ProductKey,
    ) -> Result<Vec<AuthorisedPhotoRecord>, ServiceError> {
        actor.must_see(&product.brand)?;
        Ok(self.records.authorised.authorised_photos(product).await?)
    }

    /// Removes such a photo. Its file stays.
    pub async fn delete_authorised_photo(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
    ) -> Result<(), ServiceError> {
        actor.must_see(&product.brand)?;
        let photos = &self.records.authorised;
        Ok(photos.delete_authorised_photo(actor, product, id).await?)
    }

    /// What a check would say of one of them; `None` when it would not flag it.
    pub(super) async fn flagged_authorised(
        &self,
        photo: AuthorisedPhotoRecord,
        against: &Arc<Against>,
    ) -> Result<Option<FlaggedAuthorised>, ServiceError> {
        let bytes = self.images.image(photo.sha256).await?;
        let decoding = (self.decoding_bytes)(&bytes);
        let checked = self.check_photo(0, (bytes, decoding), against).await?;
        let verdict = checked.report.verdict;
        Ok(verdict.flags_the_claim().then(|| FlaggedAuthorised {
            id: photo.id,
            note: photo.note,
            verdict: verdict.into(),
        }))
    }
}

/// How many there are, and which of them would be flagged.
pub(super) fn answer(judged: Vec<Option<FlaggedAuthorised>>) -> AuthorisedAnswer {
    AuthorisedAnswer {
        stored: judged.len(),
        flagged: judged.into_iter().flatten().collect(),
    }
}
