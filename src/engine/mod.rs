//! Says what a photo shows of prepared references: pure work of a worker thread, without files,
//! stored forms or a clock.
//!
//! A photo goes one way, and a caller can stop after any step:
//!
//! 1. [`Decoded`]: bytes to upright pixels, with hash, fingerprint and quality;
//! 2. [`Examination`]: its local features;
//! 3. [`Engine::locate`]: which references are worth comparing, and where the photo shows them;
//! 4. [`Engine::compare`]: the product in question aligned, block by block and mark by mark (or
//!    [`Engine::compare_mark`], one alone);
//! 5. [`Engine::check`]: score, verdict, reasons.
//!
//! The engine reads nothing. What it lacks of a reference it asks for ([`Interrupt::Need`]); the
//! caller brings it ([`Prepared`]) and calls again, and what was found so far is kept.

mod align;
mod at_hand;
mod cache;
mod candidate;
mod claim;
mod closer;
mod compare;
mod context;
mod copy;
mod decoded;
mod defaults;
mod enroll;
mod examination;
mod frames;
mod hypotheses;
mod inspect;
mod instances;
mod judge;
mod line;
mod locate;
mod logos;
mod need;
mod part;
mod poor;
pub(crate) mod prepare;
mod propose;
mod reasons;
mod report;
mod search;
mod sight;
mod simulate;
mod stage;
mod survey;
pub mod vision;

use std::sync::Arc;

pub use at_hand::{Lacking, take};
pub(crate) use at_hand::{keep_features, recall};
pub use claim::{Claim, OperatingPoint};
pub use compare::Comparison;
pub(crate) use compare::{Located, Subject};
pub use copy::Copied;
pub use decoded::Decoded;
pub(crate) use decoded::Facts;
pub use defaults::Defaults;
pub(crate) use enroll::{Enrolled, article_guides, find_article};
pub use enroll::{NewReference, prepare as prepare_reference};
pub use examination::{Examination, Question};
pub use inspect::{Cell, Purpose, deviation_map};
pub(crate) use judge::unreadable;
pub use need::{Interrupt, Need, Prepared};
pub use sight::Sight;
pub(crate) use simulate::{Seeds, Simulated, simulate};
pub(crate) use stage::{Stage, Stages};
pub(crate) use survey::{Others, survey};

use cache::Cache;
use closer::{look_closer, look_elsewhere, turn_over};
use compare::{Doubt, inspect_subject, locate_all};
use hypotheses::Among;
use logos::seen_logo;
use search::Closer;
use vision::Vision;

use crate::domain::{
    gallery::{Gallery, Mark, ReferenceKind},
    tuning::{
        presence::{CONTESTED, STRANGE},
        search::FULL_SEARCH,
    },
    variation::{MarkObservation, Observation},
    verdict::PhotoReport,
};

/// What it takes to compare and judge besides a [`Vision`]; cheap to clone and shared by all
/// workers.
#[derive(Clone)]
pub struct Engine {
    cache: Arc<Cache>,
    /// Which references show the same picture.
    // Apart: what takes a few bytes must not go because of what takes megabytes.
    pairs: Arc<Cache>,
    defaults: Arc<Defaults>,
}

/// Bytes of prepared references kept between checks: the features of about 48, or 4 with their
/// pixels, marks and overview.
const CACHE_BYTES: usize = 32 << 20;

/// Bytes of what is known of pairs of references: some hundreds of pairs.
const PAIR_BYTES: usize = 256 << 10;

impl Default for Engine {
    fn default() -> Self {
        Self::with(Arc::new(Defaults::shipped()), CACHE_BYTES)
    }
}

impl Engine {
    /// An engine with other defaults and room for `cache_bytes` of prepared references.
    pub fn with(defaults: Arc<Defaults>, cache_bytes: usize) -> Self {
        Self {
            cache: Arc::new(Cache::new(cache_bytes)),
            pairs: Arc::new(Cache::new(PAIR_BYTES)),
            defaults,
        }
    }

    /// The fusion, thresholds and calibration in use.
    pub fn defaults(&self) -> &Defaults {
        &self.defaults
    }

    /// Where prepared references are kept between checks.
    pub fn cache(&self) -> &Cache {
        &self.cache
    }

    /// What a question will need of its references before anything is seen of the photo: the
    /// features of all of a small gallery, of a large one those of the claimed products.
    pub(crate) fn foreseen(&self, gallery: &Gallery, claim: Option<&Claim>) -> Need {
        // All at once, since each round of asking costs a way through the queue. Of a large gallery
        // only the claimed are foreseen: the others depend on what the photo shows.
        let all = gallery.references();
        let wanted = match claim {
            _ if all.len() <= FULL_SEARCH => 0..all.len(),
            Some(claim) => claim.places(gallery),
            None => 0..0,
        };
        // Logos are looked for in another way too, which starts from their pixels.
        let claimed = claim.map_or(0..0, |claim| claim.places(gallery));
        let logos = all[claimed]
            .iter()
            .filter(|r| r.kind == ReferenceKind::Logo);
        Need {
            features: all[wanted].iter().map(|r| r.id.clone()).collect(),
            pixels: logos.map(|r| r.id.clone()).collect(),
        }
    }

    /// Where the photo shows which references. What comes of it is what [`Engine::compare`] goes on
    /// from.
    ///
    /// # Errors
    /// [`Interrupt::Need`] when features are lacking; a model that could not be run.
    pub fn locate<'a>(
        &self,
        vision: &mut Vision,
        photo: &'a mut Examination,
        question: Question,
        stages: &mut dyn Stages,
    ) -> Result<&'a Located, Interrupt> {
        let located = self.located(vision, photo, question, stages)?;
        Ok(photo.located.insert(located))
    }

    fn located(
        &self,
        vision: &mut Vision,
        photo: &mut Examination,
        question: Question,
        stages: &mut dyn Stages,
    ) -> Result<Located, Interrupt> {
        // Taken out, since a comparison uses it up; one that is interrupted puts it back.
        if let Some(located) = photo.located.take() {
            return Ok(located);
        }
        let among = (question.gallery, question.claim);
        let looked_for = (question.prepared, photo.doubted);
        let among = Among {
            gallery: question.gallery,
            claim: question.claim,
            without: copy::twins(vision, &self.pairs, among, question.prepared)?,
        };
        let (query, fusion) = (&mut photo.query, &self.defaults.fusion);
        let located = locate_all(vision, query, &among, looked_for, fusion, stages)?;
        stages.ended(Stage::Compare);
        Ok(located)
    }

    /// Compares the photo with the claimed product and its rivals, or identifies it.
    ///
    /// # Errors
    /// [`Interrupt::Need`] when features or pixels are lacking; a model that could not be run.
    pub fn compare(
        &self,
        vision: &mut Vision,
        photo: &mut Examination,
        question: Question,
        purpose: Purpose,
        stages: &mut dyn Stages,
    ) -> Result<Comparison, Interrupt> {
        let comparison = self.compare_once(vision, photo, question, purpose, stages)?;
        let mut comparison = self.reconsider(vision, photo, question, purpose, comparison)?;
        if let Some(claim) = question.claim
            && self.sight(photo, &comparison) == Some(Sight::Unseen)
        {
            let picture = &photo.query.photo.raster;
            let claim = (question.gallery, claim);
            comparison.logo = seen_logo(vision, &self.cache, picture, claim, question.prepared)?;
        }
        stages.ended(Stage::Compare);
        Ok(comparison)
    }

    /// Looks once more where something speaks against the photo: what points alone placed may be a
    /// mirror image, or lie elsewhere.
    fn reconsider(
        &self,
        vision: &mut Vision,
        photo: &mut Examination,
        question: Question,
        purpose: Purpose,
        first: Comparison,
    ) -> Result<Comparison, Interrupt> {
        // The enrolled picture lies where it lies, changed or not.
        let doubt = self.doubt(photo, &first);
        let Some(doubt) = doubt.filter(|_| first.copied.is_none()) else {
            return Ok(first);
        };
        let wanted = first.wanted(question.claim);
        let views = match doubt {
            Doubt::Unseen => vec![look_closer(vision, &mut photo.query, wanted, true)?],
            Doubt::Strange { place } => vec![turn_over(vision, &photo.query, wanted, &place)?],
            Doubt::Contested { place, strange } => {
                let whole = &photo.query;
                let elsewhere = look_elsewhere(vision, whole, wanted.clone(), &place)?;
                let mirrored = match strange {
                    true => turn_over(vision, whole, wanted, &place)?,
                    false => None,
                };
                vec![elsewhere, mirrored]
            }
        };
        for view in views.into_iter().flatten() {
            photo.doubted = true;
            photo.query.closer = Closer::Found(Box::new(view));
            let second = self.compare_once(vision, photo, question, purpose, &mut ());
            (photo.doubted, photo.query.closer) = (false, Closer::Nothing);
            let second = second.inspect_err(|_| {
                // What is lacking comes, and all starts again from the whole photo.
                photo.located = None;
                photo.query.closer = Closer::NotTried;
            })?;
            if self.sight(photo, &second) == Some(Sight::Seen)
                && second.agrees_better(&first, doubt)
            {
                return Ok(second);
            }
        }
        Ok(first)
    }

    /// Why a comparison is looked at once more, if it is.
    fn doubt(&self, photo: &Examination, comparison: &Comparison) -> Option<Doubt> {
        let subject = comparison.subject.as_ref()?;
        if self.sight(photo, comparison)? != Sight::Seen {
            let untried = matches!(photo.query.closer, Closer::NotTried);
            return (untried && comparison.view.is_none()).then_some(Doubt::Unseen);
        }
        let query = comparison.view.as_deref().unwrap_or(&photo.query);
        let outline = comparison.candidates[subject.candidate].outline?;
        let place = outline.map(|p| query.frame_to_unit().apply(p));
        let (score, seen) = (subject.score.value().get(), &subject.evidence);
        let strange = score < STRANGE;
        // Cheaper, and asked sooner: of goods side by side the wrong one was looked at.
        let contested = seen.rival_inliers > seen.inliers || seen.rival_refined > seen.refined;
        match (contested, strange) {
            _ if query.is_mirrored() => None,
            (true, _) if score < CONTESTED => Some(Doubt::Contested { place, strange }),
            (false, true) => Some(Doubt::Strange { place }),
            _ => None,
        }
    }

    fn compare_once(
        &self,
        vision: &mut Vision,
        photo: &mut Examination,
        question: Question,
        purpose: Purpose,
        stages: &mut dyn Stages,
    ) -> Result<Comparison, Interrupt> {
        let located = self.located(vision, photo, question, stages)?;
        let judged_by = (&self.defaults.fusion, purpose);
        let query = located.view.as_deref().unwrap_or(&photo.query);
        let found = (query, &located);
        // Asked once, of the whole photo: a second look is at a part of one that is no copy.
        let nominees = match purpose {
            Purpose::Judge(_) if !photo.doubted => {
                // What was placed in a part of the photo is no picture of all of it.
                let whole = located.view.is_none();
                let found = located.candidates.iter().filter(|_| whole);
                copy::nominees(&photo.query, question.gallery, found)
            }
            _ => Vec::new(),
        };
        let inspected = question
            .prepared
            .require_all_pixels(nominees.iter().map(|n| n.reference.as_ref()))
            .and_then(|()| {
                inspect_subject(vision, &self.cache, found, question.prepared, judged_by)
            });
        let (subject, lost) = match inspected {
            Ok(inspected) => inspected,
            Err(interrupt) => {
                // Locating is most of the work: it must not be done again when pixels have come.
                photo.located = Some(located);
                return Err(interrupt);
            }
        };
        let copied = copy::copied(
            vision,
            &photo.query,
            &nominees,
            question.claim,
            question.prepared,
        );
        Ok(Comparison {
            candidates: located.candidates,
            subject,
            lost,
            view: located.view,
            elsewhere: located.elsewhere,
            copied,
            logo: None,
        })
    }

    /// Compares one mark of the product in question alone; `None` when its reference was not
    /// located or the mark cannot be seen.
    ///
    /// # Errors
    /// As [`Engine::compare`].
    pub fn compare_mark(
        &self,
        vision: &mut Vision,
        photo: &mut Examination,
        question: Question,
        mark: &Mark,
    ) -> Result<Option<MarkObservation>, Interrupt> {
        self.locate(vision, photo, question, &mut ())?;
        let Some(located) = &photo.located else {
            return Ok(None);
        };
        // A mark has a place only in a reference that was located.
        let Some((index, Some(pair))) = &located.subject else {
            return Ok(None);
        };
        let reference = &located.candidates[*index].reference;
        let Some(pixels) = question.prepared.require_pixels(reference)? else {
            return Ok(None);
        };
        let query = located.view.as_deref().unwrap_or(&photo.query);
        let seen = (query, &pair.aligned);
        Ok(inspect::inspect_mark(
            vision,
            &self.cache,
            seen,
            &pixels,
            mark,
        )?)
    }

    /// Checks a photo, number `index` of its listing from 0.
    ///
    /// # Errors
    /// As [`Engine::compare`].
    pub fn check(
        &self,
        vision: &mut Vision,
        photo: &mut Examination,
        question: Question,
        point: &OperatingPoint,
        index: usize,
        stages: &mut dyn Stages,
    ) -> Result<PhotoReport, Interrupt> {
        let purpose = Purpose::Judge(&point.variation);
        let comparison = self.compare(vision, photo, question, purpose, stages)?;
        let report = self.judge(photo, question, &comparison, point, index);
        stages.ended(Stage::Judge);
        Ok(report)
    }

    /// Whether a photo that was compared shows the product in question; `None` when that has no
    /// reference.
    pub(crate) fn sight(&self, photo: &Examination, comparison: &Comparison) -> Option<Sight> {
        let query = comparison.view.as_deref().unwrap_or(&photo.query);
        comparison.sight(&self.defaults.fusion, &query.frame_to_unit())
    }

    /// Whether a photo that was compared is too poor to be judged; `doubted` when it would be
    /// flagged, since then the article by itself has to be good enough too.
    pub(crate) fn is_too_poor(
        &self,
        photo: &Examination,
        comparison: &Comparison,
        doubted: bool,
    ) -> bool {
        let query = comparison.view.as_deref().unwrap_or(&photo.query);
        let seen = (comparison, self.sight(photo, comparison));
        poor::too_poor_for(&self.defaults, query, seen, doubted).is_some()
    }

    /// Judges a comparison that was made.
    pub(crate) fn judge(
        &self,
        photo: &Examination,
        question: Question,
        comparison: &Comparison,
        point: &OperatingPoint,
        index: usize,
    ) -> PhotoReport {
        // The calibration comes with the question: the same comparison may be judged by others.
        let context = context::Context {
            defaults: &self.defaults,
            calibration: &point.calibration,
            claim: question.claim,
            index,
        };
        let query = comparison.view.as_deref().unwrap_or(&photo.query);
        let sight = self.sight(photo, comparison);
        let report = judge::judge(&context, query, question.gallery, (comparison, sight));
        PhotoReport {
            mirrored: query.is_mirrored(),
            instances: instances::instances(&photo.query, query, comparison, sight),
            ..report
        }
    }

    /// What a genuine photo shows under the claim on its own product; `None` when it is not
    /// comparable.
    ///
    /// # Errors
    /// As [`Engine::compare`].
    pub(crate) fn observe(
        &self,
        vision: &mut Vision,
        photo: &mut Examination,
        question: Question,
    ) -> Result<Option<Observation>, Interrupt> {
        let comparison = self.compare(vision, photo, question, Purpose::Learn, &mut ())?;
        // What a check would never flag must not set the thresholds it judges by.
        if self.is_too_poor(photo, &comparison, true) {
            return Ok(None);
        }
        // Where the product was not seen there is nothing to learn of it.
        let is_seen = self.sight(photo, &comparison) == Some(Sight::Seen);
        Ok(comparison.observation().filter(|_| is_seen))
    }

    /// Models in use: role to `name@version`.
    pub fn models(vision: &Vision) -> Vec<(&'static str, String)> {
        vec![
            ("local_features", vision.local.model().to_string()),
            ("embedder", vision.embedder.model().to_string()),
            ("text", vision.text.model().to_string()),
            ("comparator", vision.comparator.model().to_string()),
            ("logos", vision.logos.model().to_string()),
        ]
    }
}
