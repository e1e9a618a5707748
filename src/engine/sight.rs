//! Seen, not there, or not to be told: whether a photo shows what it is claimed to show.
//!
//! Not found is not absent. An article may be covered, too small or turned to another side, and then
//! nothing speaks against a seller. It is absent only where the photo is of something else: another
//! product that was found in it, as large as the subject of a photo is, and fitting better than what
//! was claimed.

use super::{candidate::Candidate, compare::Comparison};
use crate::domain::{
    fusion::Fusion,
    gallery::ReferenceKind,
    geometry::{Homography, Point, common_area},
    score::LogOdds,
    tuning::presence::{AGREEING_BLOCKS, BELIEVED, LOGO_BELIEVED, SUBJECT_SHARE},
};

/// Whether a photo shows the product in question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// It was found, and what it encloses agrees beyond the points that placed it.
    Seen,
    /// The photo is of another product: its index among the candidates.
    Other(usize),
    /// Neither.
    Unseen,
}

/// The score of a photo that is of another product: below all that a comparison gives.
pub(crate) const ABSENT: f64 = -60.0;

impl Comparison {
    /// Whether the photo shows the product in question; `None` when it has no reference.
    pub fn sight(&self, fusion: &Fusion, frame_to_unit: &Homography) -> Option<Sight> {
        let subject = self.subject.as_ref()?;
        let own = &self.candidates[subject.candidate];
        let presence = fusion
            .presence
            .log_odds(&subject.evidence.presence_inputs());
        // Points alone are not believed: on a face or a pattern that is its own mirror image dozens
        // agree with what is not there. What lies between them has to agree too, where it says
        // anything at all.
        let agree = subject.evidence.blocks.is_none_or(|b| b >= AGREEING_BLOCKS);
        let is_logo = own.reference.kind == ReferenceKind::Logo;
        let encloses = agree || is_logo && subject.score.identity.get() >= LOGO_BELIEVED;
        if own.is_located() && presence.get() >= BELIEVED && encloses {
            return Some(Sight::Seen);
        }
        // What the fit itself takes for the claimed product rather than for another is no evidence
        // of its absence: of 8 genuine grocery photos that siblings fit better 7 are of this kind.
        if subject.score.identity.get() >= 0.0 {
            return Some(Sight::Unseen);
        }
        let other = self
            .candidates
            .iter()
            .enumerate()
            .filter(|(_, c)| c.may_replace(own))
            .filter(|(_, c)| share(c, frame_to_unit) >= SUBJECT_SHARE)
            .max_by_key(|(i, c)| (c.inliers(), std::cmp::Reverse(*i)));
        Some(other.map_or(Sight::Unseen, |(index, _)| Sight::Other(index)))
    }

    /// What a claim is judged by: the fused score where the product was seen, a score below all
    /// others where the photo is of another; `None` where nothing can be told.
    pub(crate) fn claim_score(&self, sight: Option<Sight>) -> Option<LogOdds> {
        match sight? {
            Sight::Seen => self.subject.as_ref().map(|s| s.score.value()),
            Sight::Other(_) => Some(LogOdds::saturating(ABSENT)),
            Sight::Unseen => None,
        }
    }
}

/// Share of the photo that a candidate's outline takes, 0 to 1.
fn share(candidate: &Candidate, frame_to_unit: &Homography) -> f64 {
    let photo = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)].map(|(x, y)| Point::new(x, y));
    let outline = candidate.outline.map(|q| q.map(|p| frame_to_unit.apply(p)));
    outline.map_or(0.0, |q| common_area(&q, &photo))
}
