//! Checking photos, and giving back what it takes to show why.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{Assay, CheckRequest, Drawing, EvidenceInputs, ServiceError, new_id};
use crate::{
    checker::{
        actor::Actor,
        assemble::{self, CheckedPhoto, Frame},
        clock::Clock,
        judged_by::JudgedBy,
        ports::StoreError,
        records::ReferenceRecord,
        snapshot::GallerySnapshot,
        validate, visible,
    },
    contract::answer::{CheckAnswer, PhotoAnswer},
    domain::{digest::Sha256, fingerprint::Fingerprint, gallery::ProductKey},
    engine::{
        Claim, Decoded, Engine, Examination, Interrupt, Prepared, Question, Stage, Stages,
        unreadable, vision::Vision,
    },
};

/// Photos of one check worked on at a time: one request must not take all workers.
const PHOTOS_AT_ONCE: usize = 2;

/// What all photos of one check are held against.
pub(super) struct Against {
    pub snapshot: Arc<GallerySnapshot>,
    pub judged_by: Arc<JudgedBy>,
    pub claim: Option<Claim>,
}

/// A photo on its way through a check.
struct Underway {
    against: Arc<Against>,
    /// Number of the photo in its check, from 0.
    index: usize,
    bytes: Bytes,
    /// The photo, once it was decoded.
    examination: Option<Examination>,
    clock: Clock,
}

impl Assay {
    /// Checks photos against a claim, or identifies them when there is none, and keeps the answer
    /// with the photos.
    pub async fn check(
        &self,
        actor: &Actor,
        request: CheckRequest,
    ) -> Result<CheckAnswer, ServiceError> {
        // Before a place is taken: what is malformed must not keep others waiting.
        validate::check(&request)?;
        if let Some(brand) = &request.brand {
            actor.must_see(brand)?;
        }
        // Named, so that it is held to the end: dropped at once it would let in more than memory
        // holds.
        let (_place, decoding) = self.try_admit_photos(&request.photos)?;
        let claim = claimed(&request);
        let standing = match &claim {
            Some(claim) => Some(self.standing_in_use(claim).await?),
            None => None,
        };
        let change = match &standing {
            Some(standing) => standing.references,
            None => self.records.references.last_change().await?,
        };
        let mut snapshot = self.refresh_for(claim.as_ref(), change).await?;
        if actor.brands().is_some() {
            // Then nothing of other brands can be in the answer, nor in how long it took.
            snapshot = Arc::new(snapshot.only(|brand| actor.sees(brand)));
        }
        let judged_by = self
            .judged_by(claim.as_ref(), standing.as_ref(), &snapshot)
            .await?;
        // One gallery and one calibration for all photos: an enrolment meanwhile must not split a
        // check.
        let against = Arc::new(Against {
            snapshot,
            judged_by,
            claim,
        });
        let (removals, sent) = (self.removals().await?, request.photos.clone());
        let work = request.photos.into_iter().zip(decoding).enumerate();
        let work = work.map(|(n, photo)| self.check_and_keep(n, photo, &against));
        // In order, since an answer numbers its photos as the listing does.
        let photos: Vec<_> = stream::iter(work)
            .buffered(PHOTOS_AT_ONCE)
            .try_collect()
            .await?;
        let hashes: Vec<_> = photos.iter().map(|p| p.sha256).collect();
        let seller = request.seller_id.as_deref();
        let seen = self.records.checks.seen_elsewhere(&hashes, seller).await?;
        let fingerprints: Vec<_> = photos.iter().map(fingerprint_of).collect();
        let kept: Vec<_> = photos.iter().map(|p| p.photo.is_ok()).collect();
        let frame = Frame {
            id: new_id(),
            created_at: jiff::Timestamp::now().to_string(),
            claim: against.claim.as_ref(),
            listing_id: request.listing_id,
            seller_id: request.seller_id,
            calibration: against.judged_by.told.clone(),
            judged_by: &against.judged_by.point.calibration,
            reference_set: against.snapshot.reference_set.clone(),
            models: self.models.clone(),
        };
        let answer = assemble::answer(frame, photos, &seen);
        self.records
            .checks
            .add_check(actor, &answer, &fingerprints)
            .await?;
        let kept = hashes.into_iter().zip(sent).zip(kept);
        let kept = kept.filter(|(_, kept)| *kept).map(|(image, _)| image);
        self.keep_again(removals, kept).await?;
        Ok(visible::shown_to(actor, answer))
    }

    /// Checks a photo and keeps its bytes for the evidence; bytes that are no picture have nothing
    /// to show.
    async fn check_and_keep(
        &self,
        index: usize,
        (bytes, decoding): (Bytes, u64),
        against: &Arc<Against>,
    ) -> Result<CheckedPhoto, ServiceError> {
        let photo = (bytes.clone(), decoding);
        let checked = self.check_photo(index, photo, against).await?;
        // After the check, by which time it is known whether these bytes are a picture at all.
        if checked.photo.is_ok() {
            self.images.put_image(checked.sha256, bytes).await?;
        }
        Ok(checked)
    }

    pub(super) async fn check_photo(
        &self,
        index: usize,
        (bytes, decoding): (Bytes, u64),
        against: &Arc<Against>,
    ) -> Result<CheckedPhoto, ServiceError> {
        // Before queueing: a worker with models must not sit waiting for memory.
        let room = self.compute.room_for(decoding).await?;
        let (gallery, claim) = (&against.snapshot.gallery, against.claim.as_ref());
        let foreseen = self.engine.foreseen(gallery, claim);
        let mut prepared = Prepared::default();
        // Otherwise a verdict would rest on whichever references happen to be left.
        prepared.add_left_out(against.snapshot.lost_of(claim));
        let underway = Underway {
            against: Arc::clone(against),
            index,
            bytes,
            examination: None,
            clock: Clock::start(),
        };
        let at_hand = (foreseen, prepared);
        self.examine(&against.snapshot, at_hand, (underway, room), go_on)
            .await
    }

    /// What it takes to draw the evidence of photo `n` (from 0) of a check. A photo whose bytes
    /// were not accepted was not kept and is not found.
    pub async fn evidence(
        &self,
        actor: &Actor,
        check: &str,
        n: usize,
    ) -> Result<EvidenceInputs, ServiceError> {
        let mut answer = self.get_check(actor, check).await?;
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
        self.evidence_inputs(&answer, (n, photo)).await
    }

    /// The bytes of a photo that was kept.
    pub(super) async fn kept_bytes(&self, photo: &PhotoAnswer) -> Result<Bytes, ServiceError> {
        // This program wrote it: what does not parse was damaged in the store.
        let damaged = |e| StoreError::Failed(Box::new(e));
        let sha256 = photo.sha256.parse::<Sha256>().map_err(damaged)?;
        Ok(self.images.image(sha256).await?)
    }

    /// What it takes to draw the evidence of photo `n`, of which the answer is given beside.
    pub(super) async fn evidence_inputs(
        &self,
        answer: &CheckAnswer,
        (n, photo): (usize, PhotoAnswer),
    ) -> Result<EvidenceInputs, ServiceError> {
        let mut records = Vec::new();
        for found in &photo.matches {
            records.push(self.records.references.reference(&found.reference).await?);
        }
        let mut references = Vec::new();
        for record in records {
            let bytes = self.images.image(record.sha256).await?;
            references.push((record, bytes));
        }
        self.refuse_removed(&answer.id, |removed| removed == n)
            .await?;
        let bytes = self.kept_bytes(&photo).await?;
        Ok(evidence_of(answer, (n, photo), bytes, references))
    }
}

/// What it takes to draw the evidence of photo `n`, of which the answer is given beside.
pub(super) fn evidence_of(
    answer: &CheckAnswer,
    (n, photo): (usize, PhotoAnswer),
    bytes: Bytes,
    references: Vec<(ReferenceRecord, Bytes)>,
) -> EvidenceInputs {
    let reasons = answer.reasons.iter().filter(|r| r.photo == n);
    EvidenceInputs {
        n,
        photo: bytes,
        claim: answer.claim.clone(),
        answer: photo,
        reasons: reasons.cloned().collect(),
        references,
        drawing: Drawing::Page,
    }
}

/// What a listing claims.
fn claimed(request: &CheckRequest) -> Option<Claim> {
    let brand = request.brand.clone()?;
    Some(match request.product.clone() {
        Some(product) => Claim::Product(ProductKey { brand, product }),
        None => Claim::Brand(brand),
    })
}

/// Brings a photo as far as it goes with the references at hand.
fn go_on(
    engine: &Engine,
    vision: &mut Vision,
    underway: &mut Underway,
    prepared: &Prepared,
) -> Result<CheckedPhoto, Interrupt> {
    let Underway {
        against,
        index,
        bytes,
        examination,
        clock,
    } = underway;
    // Time in the queue and for fetching is no time of the check.
    clock.resume();
    let examination = match examination {
        // Back with a reference: the photo is not decoded again.
        Some(examination) => examination,
        None => match Decoded::from_bytes(vision.imaging.as_mut(), bytes) {
            Ok(decoded) => {
                clock.ended(Stage::Decode);
                let taken = Examination::new(vision, Arc::new(decoded))?;
                clock.ended(Stage::Features);
                examination.insert(taken)
            }
            Err(error) => {
                clock.ended(Stage::Decode);
                // The photo's own fault is its answer; the listing's others go on.
                return Ok(CheckedPhoto {
                    sha256: Sha256::of(bytes),
                    report: unreadable(*index, &error),
                    photo: Err(error),
                    timings_ms: clock.laps(),
                });
            }
        },
    };
    let question = Question {
        gallery: &against.snapshot.gallery,
        claim: against.claim.as_ref(),
        prepared,
    };
    let point = &against.judged_by.point;
    let report = engine.check(vision, examination, question, point, *index, clock)?;
    let facts = examination.facts().clone();
    Ok(CheckedPhoto {
        sha256: facts.sha256,
        photo: Ok(facts),
        report,
        timings_ms: clock.laps(),
    })
}

/// A photo's fingerprint as the store keeps it.
fn fingerprint_of(photo: &CheckedPhoto) -> Option<u128> {
    let Fingerprint {
        horizontal,
        vertical,
    } = photo.photo.as_ref().ok()?.fingerprint;
    Some(u128::from(horizontal) << 64 | u128::from(vertical))
}
