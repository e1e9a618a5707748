//! From evidence to a verdict with reasons.

use std::sync::Arc;

use super::{
    claim::Claim,
    compare::{Candidate, Comparison, Subject},
    defaults::Defaults,
    report::matches,
    search::Query,
    vision::IntakeError,
};
use crate::domain::tuning::{enrolment::FEWEST_KEYPOINTS, text::CONFIDENT};
use crate::domain::{
    calibration::Calibration,
    gallery::{Gallery, ProductKey, Reference},
    geometry::Point,
    quality::Quality,
    score::Similarity,
    text::explain,
    verdict::{MarkAnswer, MarkComparison, PhotoReport, Reason, ReasonCode, Verdict},
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
    fn reason(&self, code: ReasonCode, detail: String, region: Vec<Point>) -> Reason {
        Reason {
            code,
            detail,
            photo: self.index,
            region,
        }
    }
}

/// The report on bytes that are no photo.
pub(crate) fn unreadable(index: usize, error: &IntakeError) -> PhotoReport {
    PhotoReport {
        verdict: Verdict::NotComparable,
        // A full report and no error: the listing's other photos are judged all the same.
        similarity: Similarity::saturating(0.0),
        p_value: None,
        strangeness: None,
        matches: Vec::new(),
        reasons: vec![Reason {
            code: ReasonCode::PhotoUnreadable,
            detail: error.to_string(),
            photo: index,
            region: Vec::new(),
        }],
    }
}

/// Why a photo is too poor to be judged: code and sentence.
pub(crate) fn too_poor(defaults: &Defaults, quality: &Quality) -> Option<(ReasonCode, String)> {
    let t = &defaults.thresholds;
    // Size before sharpness: a tiny photo may measure as blurred too, and its size is the cause.
    if quality.short_side_px < t.min_short_side_px {
        let detail = format!(
            "the photo's shorter side is {} px, at least {} px are needed",
            quality.short_side_px, t.min_short_side_px
        );
        return Some((ReasonCode::PhotoTooSmall, detail));
    }
    if quality.sharpness < t.min_sharpness {
        return Some((
            ReasonCode::PhotoBlurred,
            format!(
                "the photo is blurred (sharpness {:.2}, {:.2} is needed)",
                quality.sharpness, t.min_sharpness
            ),
        ));
    }
    if quality.exposure < t.exposure[0] {
        return Some((
            ReasonCode::PhotoTooDark,
            "the photo is too dark to compare; take it in more light".into(),
        ));
    }
    if quality.exposure > t.exposure[1] {
        return Some((
            ReasonCode::PhotoTooBright,
            "the photo is overexposed; take it without direct light".into(),
        ));
    }
    None
}

/// Judges a compared photo.
pub(crate) fn judge(
    context: &Context,
    query: &Query,
    gallery: &Gallery,
    comparison: &Comparison,
) -> PhotoReport {
    let facts = &query.photo.facts;
    let matches = matches(context.defaults, query, comparison);
    let none = Similarity::saturating(0.0);
    let mut report = PhotoReport {
        verdict: Verdict::NotComparable,
        similarity: matches.first().map_or(none, |m| m.similarity),
        p_value: None,
        strangeness: None,
        matches,
        reasons: Vec::new(),
    };
    // By what makes the rest pointless: a copy of an enrolled picture says nothing of the item
    // however sharp it is, a poor photo nothing however well it seems to fit.
    if let Some(reference) = &comparison.copied {
        report.verdict = Verdict::ReusedPhoto;
        let (id, product) = (&reference.id, &reference.product);
        let detail = format!(
            "the photo is the enrolled picture `{id}` of {product} itself, down to the noise of \
             compression: it says nothing about the item"
        );
        report
            .reasons
            .push(context.reason(ReasonCode::CataloguePicture, detail, Vec::new()));
    } else if let Some((code, detail)) = too_poor(context.defaults, &facts.quality) {
        report
            .reasons
            .push(context.reason(code, detail, Vec::new()));
    } else if let Some(id) = comparison.lost.first() {
        // Whatever is left of the product is not what its owner enrolled to judge it by.
        let detail = format!(
            "the picture of reference `{id}` is lost or damaged; restore it from a backup or enroll \
             it again"
        );
        report
            .reasons
            .push(context.reason(ReasonCode::ReferenceLost, detail, Vec::new()));
    } else if let Some(product) = without_use(comparison, gallery) {
        let detail = format!(
            "no usable reference of {product} is enrolled: none has detail enough to be found in a \
             photo; its owner should send a sharper, larger or more detailed picture"
        );
        report
            .reasons
            .push(context.reason(ReasonCode::NoReference, detail, Vec::new()));
    } else if let Some(subject) = &comparison.subject {
        weigh(context, comparison, subject, &mut report);
    } else {
        let detail = "no reference of the claimed product is enrolled".to_owned();
        report
            .reasons
            .push(context.reason(ReasonCode::NoReference, detail, Vec::new()));
    }
    report
}

/// The product in question when none of its references can be located in any photo.
fn without_use<'a>(comparison: &'a Comparison, gallery: &Gallery) -> Option<&'a ProductKey> {
    let subject = comparison.subject.as_ref()?;
    let product = &comparison.candidates[subject.candidate].reference.product;
    let is_useless = |r: &Arc<Reference>| r.coarse.len() < FEWEST_KEYPOINTS;
    gallery.of(product).all(is_useless).then_some(product)
}

/// Sets verdict, p-value and reasons from the fused score.
fn weigh(context: &Context, comparison: &Comparison, subject: &Subject, report: &mut PhotoReport) {
    let own = &comparison.candidates[subject.candidate];
    let score = subject.score;
    let p_value = context.calibration.p_value(score.value());
    let flagged = context.calibration.flags(score.value());
    report.strangeness = Some(context.calibration.strangeness(score.value()));
    // Without a claim the subject was picked for its score: a p-value would flatter it.
    if context.claim.is_some() {
        report.p_value = Some(p_value);
    }
    let located = own.is_located();
    let product = &own.reference.product;
    if !flagged {
        // Nothing speaks against the claim; but where it was not found, nothing speaks for it
        // either.
        report.verdict = if located {
            Verdict::Consistent
        } else {
            Verdict::NotComparable
        };
        let (code, detail) = match located {
            true => (
                ReasonCode::Agrees,
                format!("agrees with {product} within genuine variation"),
            ),
            false => (
                ReasonCode::NotLocated,
                format!(
                    "{product} could not be located: another side, covered, or too far away; photograph the side that the reference shows"
                ),
            ),
        };
        report
            .reasons
            .push(context.reason(code, detail, Vec::new()));
        return;
    }
    report.verdict = if located {
        Verdict::Deviates
    } else {
        Verdict::NoBrandSeen
    };
    // Every question that was lost gives its reasons, the worst first.
    let marks = score
        .marks
        // On another article every mark differs: they accuse only where the product was found.
        .filter(|m| located && context.calibration.flags(*m));
    let mut reasons = if marks.is_some() {
        mark_reasons(context, report)
    } else {
        Vec::new()
    };
    if !located || context.calibration.flags(score.identity) {
        let rival = comparison
            .candidates
            .iter()
            .filter(|c| c.reference.product != *product && c.is_located())
            .max_by_key(|c| c.inliers());
        let at = if marks.is_some_and(|m| m <= score.identity) {
            reasons.len()
        } else {
            0
        };
        reasons.insert(at, identity_reason(context, own, rival, located));
    }
    report.reasons.extend(reasons);
}

fn identity_reason(
    context: &Context,
    own: &Candidate,
    rival: Option<&Candidate>,
    located: bool,
) -> Reason {
    let product = &own.reference.product;
    match rival {
        // A rival that fits worse is named to nobody: it would send a person after the wrong
        // product.
        Some(rival) if !located || rival.inliers() > own.inliers() => context.reason(
            if located {
                ReasonCode::RivalFitsBetter
            } else {
                ReasonCode::OtherProductSeen
            },
            format!(
                "{} fits better than {product} ({} against {} agreeing points)",
                rival.reference.product,
                rival.inliers(),
                own.inliers()
            ),
            Vec::new(),
        ),
        _ if located => context.reason(
            ReasonCode::WeakAgreement,
            format!("{product} was located, but agrees less than genuine photos do"),
            Vec::new(),
        ),
        _ => context.reason(
            ReasonCode::NothingSeen,
            format!("nothing of {product} is in the photo"),
            Vec::new(),
        ),
    }
}

/// One reason for each mark that differs; the worst mark alone when the thresholds of none were
/// passed.
fn mark_reasons(context: &Context, report: &mut PhotoReport) -> Vec<Reason> {
    let Some(first) = report.matches.first_mut() else {
        return Vec::new();
    };
    // Marks can be flagged together while each alone passes. A verdict that points nowhere could
    // not be looked into, so the worst is named.
    if first
        .marks
        .iter()
        .all(|m| m.answer != MarkAnswer::Different)
    {
        let same = first
            .marks
            .iter_mut()
            .filter(|m| m.answer == MarkAnswer::Same);
        if let Some(worst) = same.max_by(|a, b| a.score.cmp(&b.score)) {
            worst.answer = MarkAnswer::Different;
        }
    }
    let differing = first
        .marks
        .iter()
        .filter(|m| m.answer == MarkAnswer::Different);
    differing.map(|mark| mark_reason(context, mark)).collect()
}

fn mark_reason(context: &Context, mark: &MarkComparison) -> Reason {
    // A word is quoted only when it was read surely: a wrong quote convinces nobody of a right
    // verdict.
    let reading = match (&mark.mark.text, mark.read()) {
        (Some(expected), Some(read)) if mark.misreads && read.confidence >= CONFIDENT => {
            explain(expected, &read.text)
        }
        _ => None,
    };
    let hue = mark.hue_turn.map(|degrees| {
        let degrees = degrees.abs();
        format!("its hues are turned by about {degrees:.0}\u{b0} against the rest of the pack")
    });
    let what: Vec<String> = reading.into_iter().chain(hue).collect();
    let colon = if what.is_empty() { "" } else { ": " };
    let (name, what) = (&mark.mark.name, what.join("; "));
    let detail = format!("the mark `{name}` differs from the reference{colon}{what}");
    let first = mark.differing.first();
    let region = first.cloned().unwrap_or_else(|| mark.region.clone());
    context.reason(ReasonCode::MarkDiffers, detail, region)
}
