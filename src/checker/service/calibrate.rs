//! Scoring genuine photos, and choosing the calibration that a check is judged by.

use std::{collections::HashSet, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, ServiceError};
use crate::{
    checker::{
        answer::CalibrationAnswer,
        calibrating,
        digest::sha256_hex,
        pipeline::{Claim, PipelineError},
        records::{GenuinePhotoRecord, GenuineScore},
        shelf::{Shelf, reference_set},
    },
    domain::{
        calibration::{Calibration, CalibrationSource},
        gallery::ProductKey,
    },
};

/// Genuine photos scored at a time: checks come first.
const AT_ONCE: usize = 2;

impl Assay {
    /// What the product's p-values rest on, after scoring the genuine photos that have no score yet (about as long as
    /// a check for each). Nothing is scored while there are too few items for the budget anyway.
    pub async fn calibration(&self, product: &ProductKey) -> Result<CalibrationAnswer, ServiceError> {
        let shelf = self.refresh().await?;
        let together = self.store.genuine_photos_of_brand(&product.brand).await?;
        self.score_genuine_photos(product, self.enough(&together), &shelf).await?;
        let (calibration, advice) = self.calibration_for(Some(&Claim::Product(product.clone())), &shelf).await?;
        Ok(calibrating::describe(&calibration, advice))
    }

    /// Brings the scores of all products' genuine photos up to date; to be called in the background after changes.
    /// Returns how many photos were scored.
    pub async fn calibrate_all(&self) -> Result<usize, ServiceError> {
        let shelf = self.refresh().await?;
        let mut scored = 0;
        for brand in self.store.brands().await? {
            let together = self.store.genuine_photos_of_brand(&brand.id).await?;
            for product in self.store.products(&brand.id).await? {
                scored += self.score_genuine_photos(&product.key, self.enough(&together), &shelf).await?;
            }
        }
        Ok(scored)
    }

    /// The calibration for a claim, with advice for its owner. Only what is scored already counts: a check never waits
    /// for a calibration.
    pub(super) async fn calibration_for(
        &self,
        claim: Option<&Claim>,
        shelf: &Shelf,
    ) -> Result<(Calibration, Option<String>), ServiceError> {
        let shipped = self.pipeline.defaults().calibration(self.budget);
        let (brand, product) = match claim {
            Some(Claim::Product(product)) => (&product.brand, Some(product)),
            Some(Claim::Brand(brand)) => (brand, None),
            None => return Ok((shipped, None)),
        };
        let version = self.score_version(brand, shelf);
        let (mut photos, mut scores) = (Vec::new(), Vec::new());
        if let Some(product) = product {
            photos = calibrating_only(self.store.genuine_photos(product).await?, shelf);
            scores = self.scores_of(&photos, Some(&product.product), &version).await?;
            if let Some(own) = calibrating::own(&scores, self.budget, &version, CalibrationSource::Product) {
                return Ok((own, None));
            }
        }
        let together = calibrating_only(self.store.genuine_photos_of_brand(brand).await?, shelf);
        let together = self.scores_of(&together, None, &version).await?;
        let family = calibrating::own(&together, self.budget, &version, CalibrationSource::Brand);
        let used = family.unwrap_or(shipped);
        let advice = product.map(|_| calibrating::advice(&photos, &scores, self.budget, used.source));
        Ok((used, advice))
    }

    /// The scores of some genuine photos of one brand, of one product or of all, that are there already.
    pub(super) async fn scores_of(
        &self,
        photos: &[GenuinePhotoRecord],
        product: Option<&str>,
        version: &str,
    ) -> Result<Vec<GenuineScore>, ServiceError> {
        let Some(first) = photos.first() else { return Ok(Vec::new()) };
        let counted: HashSet<_> = photos.iter().map(|p| p.id.as_str()).collect();
        let mut scores = self.store.genuine_scores(&first.product.brand, product, version).await?;
        scores.retain(|s| counted.contains(s.photo.as_str()));
        Ok(scores)
    }

    /// Whether photos show enough items to support the budget.
    fn enough(&self, photos: &[GenuinePhotoRecord]) -> bool {
        calibrating::items_of(photos) >= calibrating::items_for(self.budget)
    }

    /// What a score depends on: models, rule, and the references of the brand. Other brands' references are rivals too,
    /// but far ones, and scoring anew whenever any brand anywhere enrolls would never end.
    pub(super) fn score_version(&self, brand: &str, shelf: &Shelf) -> String {
        let references = reference_set(&shelf.gallery, Some(brand));
        let rule = &self.pipeline.defaults().id;
        sha256_hex(format!("{:?} {rule:?} {references}", self.models).as_bytes())[..16].to_owned()
    }

    /// Scores a product's photos once they are enough, on their own or (`together`) with those of the brand's others.
    async fn score_genuine_photos(
        &self,
        product: &ProductKey,
        together: bool,
        shelf: &Arc<Shelf>,
    ) -> Result<usize, ServiceError> {
        let photos = calibrating_only(self.store.genuine_photos(product).await?, shelf);
        if !together && !self.enough(&photos) {
            return Ok(0);
        }
        let version = self.score_version(&product.brand, shelf);
        let scored = self.store.genuine_scores(&product.brand, Some(&product.product), &version).await?;
        let scored: HashSet<_> = scored.iter().map(|s| s.photo.as_str()).collect();
        let unscored = photos.into_iter().filter(|p| !scored.contains(p.id.as_str()));
        let work = unscored.map(|photo| async {
            let score = self.genuine_score(photo, shelf).await?;
            self.store.put_genuine_score(&score, &version).await?;
            Ok::<_, ServiceError>(())
        });
        let done: Vec<()> = stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await?;
        Ok(done.len())
    }

    pub(super) async fn genuine_score(
        &self,
        photo: GenuinePhotoRecord,
        shelf: &Arc<Shelf>,
    ) -> Result<GenuineScore, ServiceError> {
        let (pipeline, files, shelf) = (self.pipeline.clone(), Arc::clone(&self.files), Arc::clone(shelf));
        self.see("genuine photo", move |vision| {
            let GenuinePhotoRecord { id, product, item, sha256, .. } = photo;
            let score = match files.image(&sha256) {
                Ok(bytes) => pipeline.genuine_score(vision, &shelf.gallery, &product, &bytes),
                Err(error) => Err(PipelineError::Store(error)),
            };
            // A photo that cannot be read any more counts as not comparable: it must not stop the others.
            let score = match score {
                Err(PipelineError::Inference(error)) => return Err(error.into()),
                Err(error) => {
                    tracing::error!("genuine photo `{id}` of {product} is left out: {error}");
                    None
                }
                Ok(score) => score,
            };
            Ok(GenuineScore { photo: id, product: product.product, item, score })
        })
        .await
    }
}

/// Genuine photos but those that are references too: a photo agrees with itself whatever it shows.
pub(super) fn calibrating_only(mut photos: Vec<GenuinePhotoRecord>, shelf: &Shelf) -> Vec<GenuinePhotoRecord> {
    let enrolled: HashSet<_> = shelf.gallery.references.iter().map(|r| (&r.product, r.sha256.as_str())).collect();
    photos.retain(|p| !enrolled.contains(&(&p.product, p.sha256.as_str())));
    photos
}
