//! What a photo is judged by, and whether its scores are within the budget.

use super::{claim::Claim, compare::Comparison, defaults::Defaults};
use crate::domain::{
    calibration::{Calibration, CalibrationSource, Class},
    gallery::ReferenceKind,
    geometry::Point,
    score::LogOdds,
    tuning::presence::COVERED_KEYPOINTS,
    verdict::{Reason, ReasonCode},
};

/// What a photo is judged by.
pub(crate) struct Context<'a> {
    /// Fusion and thresholds.
    pub defaults: &'a Defaults,
    /// Genuine scores and budget.
    pub calibration: &'a Calibration,
    /// The claim, if any.
    pub claim: Option<&'a Claim>,
    /// Number of the photo in its check, from 0.
    pub index: usize,
}

impl Context<'_> {
    pub(crate) fn reason(&self, code: ReasonCode, detail: String, region: Vec<Point>) -> Reason {
        Reason {
            code,
            detail,
            photo: self.index,
            region,
        }
    }
}

/// Whether the calibration has seen photos and references of this kind. An owner's own photos are of
/// its own goods; the shipped ones are of packs and covers with print to go by.
pub(crate) fn covered(context: &Context, comparison: &Comparison) -> bool {
    let Some(subject) = &comparison.subject else {
        return true;
    };
    let own = &comparison.candidates[subject.candidate];
    let is_pack = matches!(
        own.reference.kind,
        ReferenceKind::Pack | ReferenceKind::CataloguePhoto
    );
    context.calibration.source != CalibrationSource::Default
        || is_pack && own.features.turns[0].len() >= COVERED_KEYPOINTS
}

/// What a claim's score consists of: that of a photo of another product answers one question alone.
pub(crate) fn worse(comparison: &Comparison, score: LogOdds) -> Vec<(Class, LogOdds)> {
    let seen = comparison.subject.as_ref().map(|s| s.score);
    match seen.filter(|s| s.value() == score) {
        Some(seen) => [
            Some((Class::Identity, seen.identity)),
            seen.marks.map(|m| (marks_class(comparison), m)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        None => vec![(Class::Identity, score)],
    }
}

/// Which marks were judged, and how they were seen: an owner who names some has no others.
pub(crate) fn marks_class(comparison: &Comparison) -> Class {
    let subject = comparison.subject.as_ref();
    let reference = subject.map(|s| &comparison.candidates[s.candidate].reference);
    let inspection = subject.and_then(|s| s.inspection.as_ref());
    Class::of_marks(
        reference.is_some_and(|r| r.has_named_marks()),
        inspection.is_some_and(|i| i.obscured),
    )
}

/// Whether any of the questions is answered more strangely than the budget allows.
pub(crate) fn flags(context: &Context, comparison: &Comparison, score: LogOdds) -> bool {
    let asked = worse(comparison, score);
    asked
        .into_iter()
        .any(|(class, s)| context.calibration.flags(class, s))
}
