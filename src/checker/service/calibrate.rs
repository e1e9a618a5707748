//! Scoring genuine photos, and choosing what a check is judged by.

use std::{collections::HashSet, sync::Arc};

use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, ServiceError};
use crate::{
    checker::{
        answer::CalibrationAnswer,
        calibrating,
        digest::sha256_hex,
        pipeline::{Basis, Claim, PipelineError},
        ports::StoreError,
        records::{GenuinePhotoRecord, GenuineScore},
        shelf::{Shelf, reference_set},
        sightings::{self, FORM},
    },
    domain::{
        calibration::CalibrationSource,
        gallery::ProductKey,
        variation::{Sighting, Variation},
    },
};

/// Genuine photos scored at a time: checks come first.
const AT_ONCE: usize = 2;

impl Assay {
    /// What the product's p-values rest on, after scoring the genuine photos that have no score yet (about as long as
    /// a check for each).
    pub async fn calibration(&self, product: &ProductKey) -> Result<CalibrationAnswer, ServiceError> {
        let shelf = self.refresh().await?;
        self.score_genuine_photos(product, &shelf).await?;
        let (basis, advice) = self.basis_for(Some(&Claim::Product(product.clone())), &shelf).await?;
        Ok(calibrating::describe(&basis, advice))
    }

    /// Brings the scores of all products' genuine photos up to date; to be called in the background after changes.
    /// Returns how many photos were scored.
    pub async fn calibrate_all(&self) -> Result<usize, ServiceError> {
        let shelf = self.refresh().await?;
        let mut scored = 0;
        for brand in self.store.brands().await? {
            for product in self.store.products(&brand.id).await? {
                scored += self.score_genuine_photos(&product.key, &shelf).await?;
            }
        }
        Ok(scored)
    }

    /// What a claim is judged by, with advice for its owner. Only what is scored already counts: a check never waits
    /// for a calibration.
    pub(super) async fn basis_for(
        &self,
        claim: Option<&Claim>,
        shelf: &Shelf,
    ) -> Result<(Basis, Option<String>), ServiceError> {
        let shipped = self.pipeline.defaults().calibration(self.budget);
        let (brand, product) = match claim {
            Some(Claim::Product(product)) => (&product.brand, Some(product)),
            Some(Claim::Brand(brand)) => (brand, None),
            None => return Ok((Basis { calibration: shipped, variation: Variation::default() }, None)),
        };
        let version = self.score_version(brand, shelf);
        let known = self.store.variations(brand, product.map(|p| p.product.as_str()), &version).await?;
        let variation = sightings::variation_from_json(known.iter().map(String::as_str)).map_err(unreadable)?;
        let (mut photos, mut scores) = (Vec::new(), Vec::new());
        if let Some(product) = product {
            photos = calibrating_only(self.store.genuine_photos(product).await?, shelf);
            scores = self.scores_of(&photos, Some(&product.product), &version).await?;
            let own = calibrating::own(&scores, self.budget, &version, CalibrationSource::Product);
            if let Some(calibration) = own {
                return Ok((Basis { calibration, variation }, None));
            }
        }
        let together = calibrating_only(self.store.genuine_photos_of_brand(brand).await?, shelf);
        let together = self.scores_of(&together, None, &version).await?;
        let family = calibrating::own(&together, self.budget, &version, CalibrationSource::Brand);
        let calibration = family.unwrap_or(shipped);
        let advice = product.map(|_| calibrating::advice(&photos, &scores, self.budget, calibration.source));
        Ok((Basis { calibration, variation }, advice))
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

    /// What a score depends on: models, rule, and the references of the brand. Other brands' references are rivals too,
    /// but far ones, and scoring anew whenever any brand anywhere enrolls would never end.
    pub(super) fn score_version(&self, brand: &str, shelf: &Shelf) -> String {
        let references = reference_set(&shelf.gallery, Some(brand));
        let rule = &self.pipeline.defaults().id;
        sha256_hex(format!("{:?} {rule:?} {references} {FORM}", self.models).as_bytes())[..16].to_owned()
    }

    /// Scores a product's genuine photos that have no score yet, then puts together what all of them show.
    async fn score_genuine_photos(&self, product: &ProductKey, shelf: &Arc<Shelf>) -> Result<usize, ServiceError> {
        let photos = calibrating_only(self.store.genuine_photos(product).await?, shelf);
        let version = self.score_version(&product.brand, shelf);
        let scored = self.scores_of(&photos, Some(&product.product), &version).await?;
        let known: HashSet<_> = scored.iter().map(|s| s.photo.as_str()).collect();
        let unscored = photos.into_iter().filter(|p| !known.contains(p.id.as_str()));
        let work = unscored.map(|photo| async {
            let (score, sighting) = self.genuine_score(photo, shelf).await?;
            let sighting = sighting.as_ref().map(sightings::sighting_to_json).transpose().map_err(unreadable)?;
            self.store.put_genuine_score(&score, sighting.as_deref(), &version).await?;
            Ok::<_, ServiceError>(())
        });
        let done: Vec<()> = stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await?;
        if !done.is_empty() || scored.iter().any(|s| s.score.is_some() && s.informed.is_none()) {
            self.put_together(product, &version).await?;
        }
        Ok(done.len())
    }

    /// Keeps what a product's genuine photos show together, and the score of each under what the other items show.
    async fn put_together(&self, product: &ProductKey, version: &str) -> Result<(), ServiceError> {
        let kept = self.store.kept_sightings(product, version).await?;
        let fusion = self.pipeline.defaults().fusion.clone();
        let learnt = self.on_worker(move |_| calibrating::learn(&kept, &fusion)).await?;
        let (variation, informed) = learnt.map_err(unreadable)?;
        let variation = sightings::variation_to_json(&variation).map_err(unreadable)?;
        Ok(self.store.put_variation(product, &variation, &informed, version).await?)
    }

    /// A genuine photo's score, and what it showed.
    pub(super) async fn genuine_score(
        &self,
        photo: GenuinePhotoRecord,
        shelf: &Arc<Shelf>,
    ) -> Result<(GenuineScore, Option<Sighting>), ServiceError> {
        let (pipeline, files, shelf) = (self.pipeline.clone(), Arc::clone(&self.files), Arc::clone(shelf));
        self.see("genuine photo", move |vision| {
            let GenuinePhotoRecord { id, product, item, sha256, .. } = photo;
            let seen = match files.image(&sha256) {
                Ok(bytes) => pipeline.genuine_sighting(vision, &shelf.gallery, &product, &bytes),
                Err(error) => Err(PipelineError::Store(error)),
            };
            // A photo that cannot be read any more counts as not comparable: it must not stop the others.
            let sighting = match seen {
                Err(PipelineError::Inference(error)) => return Err(error.into()),
                Err(error) => {
                    tracing::error!("genuine photo `{id}` of {product} is left out: {error}");
                    None
                }
                Ok(sighting) => sighting,
            };
            let alone = Variation::default();
            let score = sighting.as_ref().map(|s| s.score(&pipeline.defaults().fusion, &alone).value());
            let score = GenuineScore { photo: id, product: product.product, item, score, informed: None };
            Ok((score, sighting))
        })
        .await
    }
}

/// What the store keeps of sightings is not what this program writes.
fn unreadable(error: serde_json::Error) -> ServiceError {
    StoreError::Failed(Box::new(error)).into()
}

/// Genuine photos but those that are references too: a photo agrees with itself whatever it shows.
pub(super) fn calibrating_only(mut photos: Vec<GenuinePhotoRecord>, shelf: &Shelf) -> Vec<GenuinePhotoRecord> {
    let enrolled: HashSet<_> = shelf.gallery.references.iter().map(|r| (&r.product, r.sha256.as_str())).collect();
    photos.retain(|p| !enrolled.contains(&(&p.product, p.sha256.as_str())));
    photos
}
