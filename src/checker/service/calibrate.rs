//! Scoring genuine photos, and choosing what a check is judged by.

use std::{collections::HashSet, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, ServiceError};
use crate::{
    checker::{
        actor::Actor,
        calibrating::VariationFit,
        codec::observations::{self, FORM},
        ports::StoreError,
        records::{GenuinePhotoRecord, GenuineScore, KeptObservation, KeptVariation},
        snapshot::GallerySnapshot,
    },
    contract::answer::CalibrationAnswer,
    domain::{digest::Sha256, gallery::ProductKey, tuning, variation::Observation},
    engine::{
        Claim, Decoded, Engine, Examination, Interrupt, Prepared, Question,
        vision::{IntakeError, Vision},
    },
};

/// Genuine photos scored at a time: checks come first.
const AT_ONCE: usize = 2;
/// Observations in memory at a time while they are put together: about 5 MB.
const PORTION: usize = 256;

impl Assay {
    /// What the product's p-values rest on, after scoring the genuine photos that have no score yet
    /// (about as long as a check for each).
    pub async fn calibration(
        &self,
        actor: &Actor,
        product: &ProductKey,
    ) -> Result<CalibrationAnswer, ServiceError> {
        actor.must_see(&product.brand)?;
        let snapshot = self.refresh().await?;
        self.score_genuine_photos(product, &snapshot).await?;
        let claim = Claim::Product(product.clone());
        // After the scoring, which moves it.
        let standing = self.standing(&claim).await?;
        let judged_by = self
            .judged_by(Some(&claim), Some(&standing), &snapshot)
            .await?;
        Ok(judged_by.told.clone())
    }

    /// Brings the scores of a brand's genuine photos up to date, as a job in the background does.
    /// Returns how many photos were scored.
    pub async fn score_brand(&self, brand: &str) -> Result<usize, ServiceError> {
        // One product after the other: scoring runs beside checks and must not fill their queue.
        let snapshot = self.refresh().await?;
        let mut scored = 0;
        let genuine = &self.records.genuine;
        for product in genuine.products_with_genuine_photos(brand).await? {
            scored += self.score_genuine_photos(&product, &snapshot).await?;
        }
        Ok(scored)
    }

    /// The scores of some genuine photos of one brand, of one product or of all, that are there
    /// already.
    pub(super) async fn scores_of(
        &self,
        photos: &[GenuinePhotoRecord],
        product: Option<&str>,
        version: &str,
    ) -> Result<Vec<GenuineScore>, ServiceError> {
        let Some(first) = photos.first() else {
            return Ok(Vec::new());
        };
        let counted: HashSet<_> = photos.iter().map(|p| p.id.as_str()).collect();
        let mut scores = self
            .records
            .scores
            .genuine_scores(&first.product.brand, product, version)
            .await?;
        // Photos that became references have scores still.
        scores.retain(|s| counted.contains(s.photo.as_str()));
        Ok(scores)
    }

    /// What a score depends on: models, rule, tuning, and the references of the brand. Other brands'
    /// references are rivals too, but far ones, and scoring anew whenever any brand anywhere
    /// enrolls would never end.
    pub(super) fn score_version(&self, brand: &str, snapshot: &GallerySnapshot) -> String {
        let references = snapshot.version_of(brand);
        let (rule, tuning, models) = (&self.engine.defaults().id, tuning::digest(), &self.models);
        let told = format!("{models:?} {rule:?} {tuning} {references} {FORM}");
        Sha256::of(told.as_bytes()).prefix(16)
    }

    /// Scores a product's genuine photos that have no score yet, then puts together what all of
    /// them show.
    async fn score_genuine_photos(
        &self,
        product: &ProductKey,
        snapshot: &Arc<GallerySnapshot>,
    ) -> Result<usize, ServiceError> {
        let photos = calibrating_only(
            self.records.genuine.genuine_photos(product).await?,
            snapshot,
        );
        if photos.is_empty() {
            return Ok(0);
        }
        let version = self.score_version(&product.brand, snapshot);
        let scored = self
            .scores_of(&photos, Some(&product.product), &version)
            .await?;
        let known: HashSet<_> = scored.iter().map(|s| s.photo.as_str()).collect();
        let unscored = photos
            .into_iter()
            .filter(|p| !known.contains(p.id.as_str()));
        let work = unscored.map(|photo| async {
            let (score, observation) = self.genuine_score(photo, snapshot).await?;
            let observation = observation
                .as_ref()
                .map(observations::observation_to_json)
                .transpose()
                .map_err(unwritable)?;
            // One by one, so that a stop loses only what is underway.
            self.records
                .scores
                .put_genuine_score(&score, observation.as_deref(), &version)
                .await?;
            Ok::<_, ServiceError>(())
        });
        let done: Vec<()> = stream::iter(work)
            .buffer_unordered(AT_ONCE)
            .try_collect()
            .await?;
        // Read again: another process may have scored some of them meanwhile.
        let scored = self
            .records
            .scores
            .genuine_scores(&product.brand, Some(&product.product), &version)
            .await?;
        let comparable = scored.iter().filter(|s| s.score.is_some());
        let kept = self
            .records
            .scores
            .variations(&product.brand, Some(&product.product), &version)
            .await?;
        let put_together = kept.iter().map(|k| k.photos).sum::<usize>();
        // More photos than were put together, or scores replaced since: either way it is stale.
        if comparable.clone().count() != put_together
            || comparable.clone().any(|s| s.adjusted.is_none())
        {
            self.put_together(product, &version).await?;
        }
        Ok(done.len())
    }

    /// Keeps what a product's genuine photos show together, and the score of each under what the
    /// other items show.
    async fn put_together(&self, product: &ProductKey, version: &str) -> Result<(), ServiceError> {
        // Twice through all photos: what the other items show is known only at the end of the first
        // time, and all of them at once would take too much memory.
        let mut fit = VariationFit::default();
        let mut last = None;
        while let Some(kept) = self.portion(product, version, &mut last).await? {
            let add = move |_: &mut Vision| {
                fit.add(&kept);
                fit
            };
            // On a worker: plain computing that would hold up everything async.
            fit = self.on_worker(add).await?;
        }
        let variation = fit.variation();
        let json = observations::variation_to_json(&variation).map_err(unwritable)?;
        let together = KeptVariation {
            photos: fit.photos,
            variation: json,
        };
        let (all, mut adjusted) = (Arc::new(variation), Vec::with_capacity(together.photos));
        last = None;
        while let Some(kept) = self.portion(product, version, &mut last).await? {
            let (fusion, all) = (self.engine.defaults().fusion.clone(), Arc::clone(&all));
            let score = move |_: &mut Vision| {
                let scores = fit.score(&kept, &all, &fusion);
                (fit, scores)
            };
            let scores;
            (fit, scores) = self.on_worker(score).await?;
            adjusted.extend(scores);
        }
        Ok(self
            .records
            .scores
            .put_variation(product, &together, &adjusted, version)
            .await?)
    }

    /// The next observations after photo `last`, which moves on; `None` at the end.
    async fn portion(
        &self,
        product: &ProductKey,
        version: &str,
        last: &mut Option<String>,
    ) -> Result<Option<Vec<KeptObservation>>, ServiceError> {
        let kept = self
            .records
            .scores
            // After a photo and not from a number on: a photo added meanwhile would shift the
            // numbers.
            .observations(product, version, last.as_deref(), PORTION)
            .await?;
        *last = kept.last().map(|end| end.photo.clone());
        Ok(last.is_some().then_some(kept))
    }

    /// A genuine photo's score, and what it showed.
    pub(super) async fn genuine_score(
        &self,
        photo: GenuinePhotoRecord,
        snapshot: &Arc<GallerySnapshot>,
    ) -> Result<(GenuineScore, Option<Observation>), ServiceError> {
        let GenuinePhotoRecord {
            id,
            product,
            item,
            sha256,
            ..
        } = photo;
        // A photo that cannot be read any more counts as not comparable: it must not stop the
        // others.
        let observation = match self.images.image(sha256).await {
            Ok(bytes) => self.observe(&id, bytes, &product, snapshot).await?,
            Err(error @ StoreError::Lost { .. }) => {
                tracing::error!("genuine photo `{id}` of {product} is left out: {error}");
                None
            }
            Err(error) => return Err(error.into()),
        };
        let fusion = &self.engine.defaults().fusion;
        let score = observation
            .as_ref()
            .map(|seen| seen.score(fusion, None).value());
        let score = GenuineScore {
            photo: id,
            product: product.product,
            item,
            score,
            adjusted: None,
        };
        Ok((score, observation))
    }

    /// What the bytes of genuine photo `id` show of their product; `None` when they cannot be
    /// compared.
    async fn observe(
        &self,
        id: &str,
        bytes: Bytes,
        product: &ProductKey,
        snapshot: &Arc<GallerySnapshot>,
    ) -> Result<Option<Observation>, ServiceError> {
        let claim = Claim::Product(product.clone());
        let foreseen = self.engine.foreseen(&snapshot.gallery, Some(&claim));
        let decoding = (self.decoding_bytes)(&bytes);
        let watched = Watched {
            bytes,
            examination: None,
            snapshot: Arc::clone(snapshot),
            claim,
        };
        let prepared = (foreseen, Prepared::default());
        let room = self.compute.room_for(decoding).await?;
        match self
            .examine(snapshot, prepared, (watched, room), watch)
            .await?
        {
            Ok(observation) => Ok(observation),
            Err(error) => {
                tracing::error!("genuine photo `{id}` of {product} is left out: {error}");
                Ok(None)
            }
        }
    }
}

/// A genuine photo on its way to what it shows.
struct Watched {
    bytes: Bytes,
    /// The photo, once it was decoded.
    examination: Option<Examination>,
    snapshot: Arc<GallerySnapshot>,
    claim: Claim,
}

/// Brings a genuine photo as far as it goes with the references at hand.
fn watch(
    engine: &Engine,
    vision: &mut Vision,
    watched: &mut Watched,
    prepared: &Prepared,
) -> Result<Result<Option<Observation>, IntakeError>, Interrupt> {
    let examination = match &mut watched.examination {
        Some(examination) => examination,
        none => match Decoded::from_bytes(vision.imaging.as_mut(), &watched.bytes) {
            Ok(decoded) => none.insert(Examination::new(vision, Arc::new(decoded))?),
            Err(error) => return Ok(Err(error)),
        },
    };
    let question = Question {
        gallery: &watched.snapshot.gallery,
        claim: Some(&watched.claim),
        prepared,
    };
    Ok(Ok(engine.observe(vision, examination, question)?))
}

/// What was seen cannot be written as JSON.
fn unwritable(error: serde_json::Error) -> ServiceError {
    StoreError::Failed(Box::new(error)).into()
}

/// Genuine photos but those that are references too: a photo agrees with itself whatever it shows.
pub(super) fn calibrating_only(
    mut photos: Vec<GenuinePhotoRecord>,
    snapshot: &GallerySnapshot,
) -> Vec<GenuinePhotoRecord> {
    let enrolled = |p: &GenuinePhotoRecord| {
        let references = snapshot.gallery.of(&p.product);
        references.iter().any(|r| r.sha256 == p.sha256)
    };
    photos.retain(|p| !enrolled(p));
    photos
}
