//! Checking photos, and giving back what it takes to show why.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, CheckRequest, EvidenceInputs, ServiceError, new_id};
use crate::{
    checker::{
        assemble::{self, Frame},
        calibrating,
        ports::StoreError,
        snapshot::GallerySnapshot,
        validate,
    },
    contract::answer::CheckAnswer,
    domain::{
        fingerprint::{Fingerprint, fingerprint},
        gallery::ProductKey,
    },
    engine::{CheckedPhoto, Claim, OperatingPoint},
};

/// Photos of one check worked on at a time: one request must not take all workers.
const PHOTOS_AT_ONCE: usize = 2;

impl Assay {
    /// Checks photos against a claim, or identifies them when there is none, and keeps the answer
    /// with the photos.
    pub async fn check(&self, request: CheckRequest) -> Result<CheckAnswer, ServiceError> {
        validate::check(&request)?;
        let claim = self.claim(&request).await?;
        let snapshot = self.refresh().await?;
        let (operating_point, advice) = self.operating_point_for(claim.as_ref(), &snapshot).await?;
        let operating_point = Arc::new(operating_point);
        let work = request.photos.into_iter().enumerate();
        let work =
            work.map(|(n, bytes)| self.check_photo(n, bytes, &snapshot, &operating_point, &claim));
        let photos: Vec<_> = stream::iter(work)
            .buffered(PHOTOS_AT_ONCE)
            .try_collect()
            .await?;
        let (photos, fingerprints): (Vec<CheckedPhoto>, Vec<_>) = photos.into_iter().unzip();
        let hashes: Vec<_> = photos.iter().map(|p| p.sha256.clone()).collect();
        let seen = self
            .store
            .seen_elsewhere(&hashes, request.seller_id.as_deref())
            .await?;
        let frame = Frame {
            id: new_id(),
            created_at: jiff::Timestamp::now().to_string(),
            claim: claim.as_ref(),
            listing_id: request.listing_id,
            seller_id: request.seller_id,
            calibration: calibrating::describe(&operating_point, advice),
            reference_set: snapshot.reference_set.clone(),
            models: self.models.clone(),
        };
        let answer = assemble::answer(frame, photos, &seen);
        self.store.add_check(&answer, &fingerprints).await?;
        Ok(answer)
    }

    /// The claim, whose brand and product must exist.
    async fn claim(&self, request: &CheckRequest) -> Result<Option<Claim>, ServiceError> {
        match (&request.brand, &request.product) {
            (Some(brand), Some(product)) => {
                let key = ProductKey {
                    brand: brand.clone(),
                    product: product.clone(),
                };
                self.store.product(&key).await?;
                Ok(Some(Claim::Product(key)))
            }
            (Some(brand), None) => {
                self.store.products(brand).await?;
                Ok(Some(Claim::Brand(brand.clone())))
            }
            (None, _) => Ok(None),
        }
    }

    async fn check_photo(
        &self,
        n: usize,
        bytes: Bytes,
        snapshot: &Arc<GallerySnapshot>,
        operating_point: &Arc<OperatingPoint>,
        claim: &Option<Claim>,
    ) -> Result<(CheckedPhoto, Option<u128>), ServiceError> {
        let (engine, files) = (self.engine.clone(), Arc::clone(&self.files));
        let (snapshot, operating_point, claim) = (
            Arc::clone(snapshot),
            Arc::clone(operating_point),
            claim.clone(),
        );
        self.see("photo", move |vision| {
            let checked = engine.check_photo(
                vision,
                &snapshot.gallery,
                &operating_point,
                claim.as_ref(),
                n,
                &bytes,
            )?;
            let Ok((photo, _)) = &checked.photo else {
                return Ok((checked, None));
            };
            // Kept for the evidence; bytes that are no picture have nothing to show.
            files.put_image(&bytes)?;
            let Fingerprint {
                horizontal,
                vertical,
            } = fingerprint(&photo.raster);
            Ok((
                checked,
                Some(u128::from(horizontal) << 64 | u128::from(vertical)),
            ))
        })
        .await
    }

    /// What it takes to draw the evidence of photo `n` (from 0) of a check. A photo whose bytes
    /// were not accepted was not kept and is not found.
    pub async fn evidence(&self, check: &str, n: usize) -> Result<EvidenceInputs, ServiceError> {
        let mut answer = self.store.check(check).await?;
        if answer
            .photos
            .get(n)
            .is_none_or(|photo| photo.error.is_some())
        {
            return Err(StoreError::NotFound {
                what: "photo",
                id: format!("{check}/{n}"),
            }
            .into());
        }
        let photo = answer.photos.swap_remove(n);
        let mut records = Vec::new();
        for found in &photo.matches {
            records.push(self.store.reference(&found.reference).await?);
        }
        let files = Arc::clone(&self.files);
        let hash = photo.sha256.clone();
        let (bytes, references) = self
            .see("photo", move |_| {
                let image = |sha256: &str| files.image(sha256).map(Bytes::from);
                let references = records
                    .into_iter()
                    .map(|r| Ok((image(&r.sha256)?, r)))
                    .map(|r| r.map(|(b, r)| (r, b)));
                Ok((
                    image(&hash)?,
                    references.collect::<Result<Vec<_>, StoreError>>()?,
                ))
            })
            .await?;
        let reasons = answer
            .reasons
            .into_iter()
            .filter(|r| r.photo == n)
            .collect();
        Ok(EvidenceInputs {
            photo: bytes,
            claim: answer.claim,
            answer: photo,
            reasons,
            references,
        })
    }
}
