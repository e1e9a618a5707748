//! A self-test: what would be flagged of simulated edits of a product's own references. Nothing of
//! it is kept but that it ran, and what it was judged by.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    Assay, SelfTestRequest, ServiceError, authorised, calibrate::calibrating_only, check::Against,
    new_id,
};
use crate::{
    checker::{
        actor::Actor,
        calibrating,
        records::{GenuineScore, JobKind, Leased, NewJob},
        snapshot::GallerySnapshot,
        validate,
    },
    contract::{
        EditKind as Kind,
        self_test::{
            AuthorisedAnswer, FlaggedPhoto, GenuineAnswer, KindAnswer, NOTE, SelfTestAnswer,
        },
    },
    domain::{
        calibration::{CalibrationSource, Class},
        digest::Sha256,
        edits::EditKind,
        gallery::{ProductKey, Reference, ReferenceKind},
        verdict::Verdict,
    },
    engine::{
        Claim, Decoded, Seeds, Simulated, simulate,
        vision::{IntakeError, Vision},
    },
};

/// Most references photographed; the oldest serve.
const MOST_REFERENCES: usize = 8;
/// Photos worked on at a time: checks come first.
const AT_ONCE: usize = 2;
/// Genuine photos without a score that one self-test scores.
const MOST_UNSCORED: usize = 32;
/// What a second self-test is told to wait, in seconds.
const RETRY_AFTER_S: u64 = 10;
/// How long a self-test is taken to be underway after its last photo: the slowest photo takes a fifth
/// of it.
const LEASE_MS: i64 = 30_000;

/// One simulated photo, as it was tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// What was changed.
    pub kind: Kind,
    /// Name of the edited mark.
    pub mark: Option<String>,
    /// What it came back as.
    pub verdict: Verdict,
    /// The JPEG file.
    pub jpeg: Bytes,
}

/// What all photos of one self-test share.
struct Plan {
    request: SelfTestRequest,
    references: Vec<Arc<Reference>>,
    against: Arc<Against>,
}

/// The one self-test that is underway, in whatever process.
struct Underway<'a> {
    lease: Option<Leased>,
    abandoned: &'a Mutex<Vec<Leased>>,
}

impl Drop for Underway<'_> {
    fn drop(&mut self) {
        // The caller left. Nothing can wait for the database here: the next one ends it.
        let mut abandoned = self
            .abandoned
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        abandoned.extend(self.lease.take());
    }
}

impl Assay {
    /// Edits the product's references by kind, photographs them by the simulator and judges the
    /// photos as a check with a claim on the product would, beside unedited ones and the product's
    /// genuine photos. No photo is stored. `progress` hears each photo (`None` where a reference
    /// could not carry the edit), how many are done and how many there are.
    ///
    /// Fails when the product does not exist or has no reference, when a field is out of range, and
    /// as busy while another self-test is underway.
    pub async fn self_test(
        &self,
        actor: &Actor,
        request: SelfTestRequest,
        mut progress: impl FnMut(Option<Trial>, usize, usize) + Send,
    ) -> Result<SelfTestAnswer, ServiceError> {
        validate::self_test(&request)?;
        actor.must_see(&request.product.brand)?;
        let product = request.product.clone();
        let claim = Claim::Product(product.clone());
        let standing = self.standing(&claim).await?;
        let snapshot = self.refresh_to(standing.references).await?;
        let references = references(&snapshot, &product);
        if references.is_empty() {
            return Err(ServiceError::Conflict {
                field: "product".to_owned(),
                problem: "has no reference to edit; enroll one first".to_owned(),
            });
        }
        let mut underway = self.begin_self_test(actor).await?;
        let judged_by = self
            .judged_by(Some(&claim), Some(&standing), &snapshot)
            .await?;
        let against = Arc::new(Against {
            snapshot,
            judged_by,
            claim: Some(claim),
        });
        let plan = Plan {
            request,
            references,
            against,
        };
        let kinds: Vec<_> = std::iter::once(None)
            .chain(EditKind::ALL.map(Some))
            .collect();
        let work: Vec<_> = kinds
            .iter()
            .flat_map(|kind| (0..plan.request.photos_per_kind).map(move |n| (*kind, n)))
            .collect();
        let total = work.len();
        let mut verdicts: Vec<(Kind, Verdict)> = Vec::new();
        let mut trials = stream::iter(work.into_iter().map(|(kind, n)| self.trial(&plan, kind, n)))
            .buffered(AT_ONCE);
        let mut done = 0;
        while let Some(trial) = trials.try_next().await? {
            done += 1;
            verdicts.extend(trial.as_ref().map(|t| (t.kind, t.verdict)));
            progress(trial, done, total);
            self.renew_self_test(&underway).await?;
        }
        drop(trials);
        let counted = |wanted: Kind| {
            let of_kind = verdicts.iter().filter(|(kind, _)| *kind == wanted);
            KindAnswer::of(wanted, of_kind.map(|(_, verdict)| *verdict))
        };
        let answer = SelfTestAnswer {
            brand: product.brand.clone(),
            product: product.product.clone(),
            note: NOTE.to_owned(),
            references: plan.references.iter().map(|r| r.id.clone()).collect(),
            photos_per_kind: plan.request.photos_per_kind,
            seed: plan.request.seed,
            unedited: counted(Kind::Unedited),
            edits: EditKind::ALL.map(|kind| counted(kind.into())).into(),
            genuine_photos: self.judge_genuine(&product, &plan, &underway).await?,
            authorised_photos: self.judge_authorised(&product, &plan, &underway).await?,
            calibration: plan.against.judged_by.told.clone(),
            reference_set: plan.against.snapshot.reference_set.clone(),
            models: self.models.clone(),
        };
        if let Some(lease) = underway.lease.take() {
            self.records.jobs.finish(&lease).await?;
        }
        Ok(answer)
    }

    /// Says that it is still underway; an error when another has begun meanwhile.
    async fn renew_self_test(&self, underway: &Underway<'_>) -> Result<(), ServiceError> {
        let Some(lease) = &underway.lease else {
            return Ok(());
        };
        match self.records.jobs.renew(lease, LEASE_MS).await? {
            true => Ok(()),
            false => Err(ServiceError::Underway {
                retry_after_s: RETRY_AFTER_S,
            }),
        }
    }

    /// Holds the place of the one self-test, as long as it is renewed.
    async fn begin_self_test(&self, actor: &Actor) -> Result<Underway<'_>, ServiceError> {
        let jobs = &self.records.jobs;
        let left = std::mem::take(
            &mut *self
                .abandoned
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        );
        for lease in left {
            let ended = jobs.fail(&lease, "whoever asked for it left before its end", 0);
            if let Err(error) = ended.await {
                tracing::warn!("a self-test that was left cannot be ended yet: {error}");
            }
        }
        let job = NewJob {
            id: new_id(),
            kind: JobKind::SelfTest,
            // One for all products: it takes the workers that checks need.
            key: String::new(),
            actor: actor.name().to_owned(),
        };
        let lease = jobs.begin(&job, &self.worker, LEASE_MS).await?;
        let abandoned = &self.abandoned;
        match lease {
            Some(lease) => Ok(Underway {
                lease: Some(lease),
                abandoned,
            }),
            None => Err(ServiceError::Underway {
                retry_after_s: RETRY_AFTER_S,
            }),
        }
    }

    /// Makes one photo of the first reference that can carry the edit, and checks it.
    async fn trial(
        &self,
        plan: &Plan,
        kind: Option<EditKind>,
        n: usize,
    ) -> Result<Option<Trial>, ServiceError> {
        let product = &plan.request.product;
        let name = kind.map_or(Kind::Unedited, Kind::from);
        let seed = plan.request.seed;
        // Every kind meets the same scenes and cameras: what differs between kinds is the edit.
        let seeds = Seeds {
            edit: seed_of(seed, product, name.name(), n),
            camera: seed_of(seed, product, "camera", n),
        };
        for i in 0..plan.references.len() {
            let reference = &plan.references[(n + i) % plan.references.len()];
            let Some(made) = self.simulate(reference, kind, seeds).await? else {
                continue;
            };
            let jpeg = Bytes::from(made.jpeg);
            let photo = (jpeg.clone(), (self.decoding_bytes)(&jpeg));
            let checked = self.check_photo(0, photo, &plan.against).await?;
            return Ok(Some(Trial {
                kind: name,
                mark: made.mark,
                verdict: checked.report.verdict,
                jpeg,
            }));
        }
        Ok(None)
    }

    async fn simulate(
        &self,
        reference: &Arc<Reference>,
        kind: Option<EditKind>,
        seeds: Seeds,
    ) -> Result<Option<Simulated>, ServiceError> {
        let bytes = self.images.image(reference.sha256).await?;
        let room = self.compute.room_for((self.decoding_bytes)(&bytes)).await?;
        let reference = Arc::clone(reference);
        let made = move |vision: &mut Vision| {
            let imaging = vision.imaging.as_mut();
            let picture = Decoded::from_bytes(imaging, &bytes)?.raster;
            let made = simulate(imaging, &reference, &picture, kind, seeds);
            drop((picture, room));
            Ok(made)
        };
        let made: Result<_, IntakeError> = self.on_worker(made).await?;
        made.map_err(|source| ServiceError::Intake {
            field: "reference".to_owned(),
            source,
        })
    }

    /// Which photos would be flagged that must never be.
    async fn judge_authorised(
        &self,
        product: &ProductKey,
        plan: &Plan,
        underway: &Underway<'_>,
    ) -> Result<AuthorisedAnswer, ServiceError> {
        let photos = self.records.authorised.authorised_photos(product).await?;
        let judging = photos
            .into_iter()
            .map(|photo| self.flagged_authorised(photo, &plan.against));
        let mut judging = stream::iter(judging.collect::<Vec<_>>()).buffered(AT_ONCE);
        let mut judged = Vec::new();
        while let Some(one) = judging.try_next().await? {
            judged.push(one);
            self.renew_self_test(underway).await?;
        }
        Ok(authorised::answer(judged))
    }

    /// Which genuine photos of the product would be flagged.
    async fn judge_genuine(
        &self,
        product: &ProductKey,
        plan: &Plan,
        underway: &Underway<'_>,
    ) -> Result<GenuineAnswer, ServiceError> {
        let photos = calibrating_only(
            self.records.genuine.genuine_photos(product).await?,
            &plan.against.snapshot,
        );
        let version = self.score_version(&product.brand, &plan.against.snapshot);
        let mut scores = self
            .scores_of(&photos, Some(&product.product), &version)
            .await?;
        let source = plan.against.judged_by.point.calibration.source;
        // What the calibration rests on: an item must not vouch for itself.
        let counted = match source {
            CalibrationSource::Default => Vec::new(),
            CalibrationSource::Product => scores.clone(),
            CalibrationSource::Brand => {
                let all = self
                    .records
                    .genuine
                    .genuine_photos_of_brand(&product.brand)
                    .await?;
                self.scores_of(
                    &calibrating_only(all, &plan.against.snapshot),
                    None,
                    &version,
                )
                .await?
            }
        };
        let mut answer = GenuineAnswer {
            stored: photos.len(),
            ..GenuineAnswer::default()
        };
        let scored: HashSet<_> = scores.iter().map(|s| s.photo.clone()).collect();
        let unscored = photos
            .into_iter()
            .filter(|p| !scored.contains(&p.id))
            .take(MOST_UNSCORED);
        let fresh = stream::iter(
            unscored
                .map(|photo| self.genuine_score(photo, &plan.against.snapshot))
                .collect::<Vec<_>>(),
        );
        let (mut scoring, mut fresh) = (fresh.buffered(AT_ONCE), Vec::new());
        while let Some(scored) = scoring.try_next().await? {
            fresh.push(scored);
            self.renew_self_test(underway).await?;
        }
        drop(scoring);
        let (fusion, variation) = (
            &self.engine.defaults().fusion,
            &plan.against.judged_by.point.variation,
        );
        let telling: HashSet<_> = scores.iter().map(|s| s.item.clone()).collect();
        for (score, observation) in fresh {
            // As a check would see it, unless other photos of the item tell what genuine photos
            // show.
            let seen = observation.filter(|_| !telling.contains(&score.item));
            let adjusted = seen.map(|s| {
                s.score(fusion, variation.references.get(&s.reference))
                    .value()
            });
            scores.push(GenuineScore { adjusted, ..score });
        }
        // Only the shipped calibration tells the questions apart, and a self-test is of marks.
        let references = plan.against.snapshot.gallery.of(product);
        let budget = plan.against.judged_by.point.calibration.budget;
        let class = Class::of_marks(references.iter().any(|r| r.has_named_marks()), false);
        for judged in &scores {
            let alone = judged
                .score
                .filter(|_| source != CalibrationSource::Product);
            let Some(score) = judged.adjusted.or(alone) else {
                continue;
            };
            answer.judged += 1;
            let without = (source != CalibrationSource::Default)
                .then(|| calibrating::own_without(&counted, judged, budget, &version, source));
            let calibration = without
                .as_ref()
                .unwrap_or(&plan.against.judged_by.point.calibration);
            if calibration.flags(class, score) {
                let p_value = calibration.p_value(class, score).get();
                let (id, item) = (judged.photo.clone(), judged.item.clone());
                answer.flagged.push(FlaggedPhoto { id, item, p_value });
            }
        }
        answer.flagged.sort_by(|a, b| {
            a.p_value
                .total_cmp(&b.p_value)
                .then_with(|| a.id.cmp(&b.id))
        });
        Ok(answer)
    }
}

/// The references to photograph: catalogue pictures only where there is nothing else.
fn references(snapshot: &GallerySnapshot, product: &ProductKey) -> Vec<Arc<Reference>> {
    let all = || snapshot.gallery.of(product).iter().cloned();
    let own: Vec<_> = all()
        .filter(|r| r.kind != ReferenceKind::CataloguePhoto)
        .take(MOST_REFERENCES)
        .collect();
    if own.is_empty() {
        all().take(MOST_REFERENCES).collect()
    } else {
        own
    }
}

/// A seed of its own for each purpose and photo.
fn seed_of(seed: u64, product: &ProductKey, purpose: &str, n: usize) -> u64 {
    let digest = Sha256::of(format!("{seed} {product} {purpose} {n}").as_bytes());
    let first = &digest.as_bytes()[..8];
    first
        .iter()
        .fold(0, |seed, byte| seed << 8 | u64::from(*byte))
}
