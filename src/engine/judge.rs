//! From evidence to a verdict with reasons.

use std::sync::Arc;

use super::{
    claim::Claim,
    compare::{Comparison, Subject},
    context::{Context, covered, flags, worse},
    part::Look,
    poor::too_poor_for,
    reasons::{deviation_reasons, identity_reason, mark_reasons, reservations},
    report::matches,
    search::Query,
    sight::Sight,
    survey::repeats,
    vision::IntakeError,
};
use crate::domain::{
    calibration::Class,
    gallery::{Gallery, ProductKey, Reference, ReferenceKind},
    score::{LogOdds, PValue, Similarity},
    tuning::enrolment::FEWEST_KEYPOINTS,
    verdict::{MarkAnswer, MatchReport, PhotoReport, Reason, ReasonCode, Verdict},
};

/// The report on bytes that are no photo.
pub(crate) fn unreadable(index: usize, error: &IntakeError) -> PhotoReport {
    PhotoReport {
        verdict: Verdict::NotComparable,
        // A full report and no error: the listing's other photos are judged all the same.
        similarity: Similarity::saturating(0.0),
        p_value: None,
        strangeness: None,
        matches: Vec::new(),
        notes: Vec::new(),
        reasons: vec![Reason {
            code: ReasonCode::PhotoUnreadable,
            detail: error.to_string(),
            photo: index,
            region: Vec::new(),
        }],
        instances: Vec::new(),
        compared: Vec::new(),
        mirrored: false,
        covered: true,
    }
}

/// Judges a compared photo.
pub(crate) fn judge(
    context: &Context,
    query: &Query,
    gallery: &Gallery,
    (comparison, sight): (&Comparison, Option<Sight>),
) -> PhotoReport {
    let matches = matches(context.defaults, query, comparison);
    let none = Similarity::saturating(0.0);
    let mut report = PhotoReport {
        verdict: Verdict::NotComparable,
        similarity: matches.first().map_or(none, |m| m.similarity),
        p_value: None,
        strangeness: None,
        compared: compared(comparison, sight, &matches),
        matches,
        notes: notes(comparison),
        reasons: Vec::new(),
        instances: Vec::new(),
        mirrored: false,
        covered: covered(context, comparison),
    };
    // By what makes the rest pointless: a copy of an enrolled picture says nothing of the item
    // however sharp it is, a poor photo nothing however well it seems to fit.
    if let Some(copied) = comparison.copied.as_ref().filter(|c| !c.altered) {
        let reference = &copied.reference;
        report.verdict = Verdict::ReusedPhoto;
        let (id, product) = (&reference.id, &reference.product);
        let detail = format!(
            "the photo is the enrolled picture `{id}` of {product} itself, down to the noise of \
             compression: it says nothing about the item"
        );
        report
            .reasons
            .push(context.reason(ReasonCode::CataloguePicture, detail, Vec::new()));
    } else if let Some((code, detail)) = too_poor_for(
        context.defaults,
        query,
        (comparison, sight),
        comparison
            .claim_score(sight)
            .is_some_and(|s| flags(context, comparison, s)),
    ) {
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
        let seen = (comparison, subject, sight);
        weigh(context, gallery, seen, &mut report);
    } else {
        let detail = "no reference of the claimed product is enrolled".to_owned();
        report
            .reasons
            .push(context.reason(ReasonCode::NoReference, detail, Vec::new()));
    }
    report
}

/// What a person should know of how the photo was compared.
fn notes(comparison: &Comparison) -> Vec<String> {
    let inspection = comparison
        .subject
        .as_ref()
        .and_then(|s| s.inspection.as_ref());
    let colourless = inspection.is_some_and(|seen| !seen.has_colour);
    let negative = comparison.view.as_ref().map(|view| view.look()) == Some(Look::Negative);
    let all = [
        (
            colourless,
            "the photo has no colour: what differs in colour alone was not seen",
        ),
        (
            negative,
            "the photo shows it in negative, and it was compared so: what differs in colour alone was \
             not seen",
        ),
    ];
    let told = all.iter().filter(|(is_so, _)| *is_so);
    told.map(|(_, note)| (*note).to_owned()).collect()
}

/// The product in question when none of its references can be located in any photo.
fn without_use<'a>(comparison: &'a Comparison, gallery: &Gallery) -> Option<&'a ProductKey> {
    let subject = comparison.subject.as_ref()?;
    let product = &comparison.candidates[subject.candidate].reference.product;
    let is_useless = |r: &Arc<Reference>| r.keypoints < FEWEST_KEYPOINTS;
    gallery
        .of(product)
        .iter()
        .all(is_useless)
        .then_some(product)
}

/// Sets verdict, p-value and reasons from what was seen and the fused score.
fn weigh(
    context: &Context,
    gallery: &Gallery,
    (comparison, subject, sight): (&Comparison, &Subject, Option<Sight>),
    report: &mut PhotoReport,
) {
    let own = &comparison.candidates[subject.candidate];
    let product = &own.reference.product;
    let score = comparison.claim_score(sight);
    let (judged, calibration) = (score.map(|s| worse(comparison, s)), context.calibration);
    let least = |of: &dyn Fn(Class, LogOdds) -> PValue| {
        let all = judged.iter().flatten();
        all.map(|(class, s)| of(*class, *s)).min()
    };
    report.strangeness = least(&|class, s| calibration.strangeness(class, s));
    // Without a claim the subject was picked for its score: a p-value would flatter it.
    if context.claim.is_some() {
        report.p_value = least(&|class, s| calibration.p_value(class, s));
    }
    let flagged = score.is_some_and(|s| flags(context, comparison, s));
    match sight {
        // Which of its articles a photo should look like, nobody can say.
        Some(Sight::Seen) if flagged && repeats(&own.features.turns[0]) => {
            report.verdict = Verdict::NotComparable;
            let detail = format!(
                "no usable reference of {product} is enrolled: the picture shows several articles \
                 side by side; its owner should send a picture of one alone"
            );
            report
                .reasons
                .push(context.reason(ReasonCode::NoReference, detail, Vec::new()));
        }
        Some(Sight::Seen) if flagged && !report.covered => {
            report.verdict = Verdict::NotComparable;
            let detail = format!(
                "{product} looks different, but the shipped calibration has seen no goods like it: \
                 enroll genuine photos of it, or photograph the pack's front"
            );
            report
                .reasons
                .push(context.reason(ReasonCode::OutsideCalibration, detail, Vec::new()));
        }
        Some(Sight::Seen) if !flagged && is_forged_copy(comparison, report) => {
            report.verdict = Verdict::Deviates;
            // Photos set the rates of photos. This is none: that it differs is certain.
            report.strangeness = Some(calibration.least_p_value());
            report.p_value = report.strangeness.filter(|_| context.claim.is_some());
            let reasons = mark_reasons(context, report);
            report.reasons.extend(reasons);
        }
        Some(Sight::Seen) if flagged => {
            report.verdict = Verdict::Deviates;
            let reasons = deviation_reasons(context, comparison, subject, report);
            report.reasons.extend(reasons);
        }
        // Whoever puts a genuine logo on other goods must not be told that they agree.
        Some(Sight::Seen) if is_logo_alone(context.claim, gallery, &own.reference) => {
            report.verdict = Verdict::NotComparable;
            let detail = format!(
                "the logo of {product} agrees, and nothing else of it was seen: photograph the side \
                 that another of its references shows"
            );
            report
                .reasons
                .push(context.reason(ReasonCode::LogoAgrees, detail, Vec::new()));
        }
        // Agreement is said only of what was compared.
        Some(Sight::Seen) if !report.compared.is_empty() => {
            report.verdict = Verdict::Consistent;
            let detail = format!(
                "agrees with {product} within genuine variation{}",
                reservations(report, own.reference.kind)
            );
            report
                .reasons
                .push(context.reason(ReasonCode::Agrees, detail, Vec::new()));
        }
        Some(Sight::Other(index)) if flagged => {
            report.verdict = Verdict::NoBrandSeen;
            let rival = Some(&comparison.candidates[index]);
            report
                .reasons
                .push(identity_reason(context, own, rival, false));
        }
        _ if comparison.logo.is_some() => {
            report.verdict = Verdict::NotComparable;
            let region = comparison.logo.as_ref().map(|logo| logo.place.corners());
            let detail = format!(
                "a logo of {product} is there, too small or too plain to be compared: photograph it \
                 closer, from straight ahead"
            );
            let region = region.map(Vec::from).unwrap_or_default();
            report
                .reasons
                .push(context.reason(ReasonCode::LogoSeen, detail, region));
        }
        _ => {
            // Nothing speaks against the claim; but where it was not found, nothing speaks for it
            // either.
            report.verdict = Verdict::NotComparable;
            let detail = format!(
                "{product} could not be located: another side, covered, or too far away; photograph \
                 the side that the reference shows, and let it fill the picture"
            );
            report
                .reasons
                .push(context.reason(ReasonCode::NotLocated, detail, Vec::new()));
        }
    }
}

/// Whether a claim on a product was met by a logo, and more of the product is enrolled: a logo tells the
/// brand, and which article it is on only where nothing else was enrolled to tell it by.
fn is_logo_alone(claim: Option<&Claim>, gallery: &Gallery, seen: &Reference) -> bool {
    let shows_it = |kind| matches!(kind, ReferenceKind::Pack | ReferenceKind::Label);
    let Some(Claim::Product(product)) = claim.filter(|_| seen.kind == ReferenceKind::Logo) else {
        return false;
    };
    gallery.of(product).iter().any(|r| shows_it(r.kind))
}

/// Whether the photo is the enrolled picture itself with a mark of it changed: what a camera does to
/// print cannot be the cause then.
fn is_forged_copy(comparison: &Comparison, report: &PhotoReport) -> bool {
    let mut marks = report.matches.first().into_iter().flat_map(|m| &m.marks);
    let differs = marks.any(|m| m.answer == MarkAnswer::Different);
    differs && comparison.copied.as_ref().is_some_and(|c| c.altered)
}

/// What of the product in question was compared.
fn compared(comparison: &Comparison, sight: Option<Sight>, matches: &[MatchReport]) -> Vec<String> {
    let (Some(Sight::Seen), Some(subject)) = (sight, &comparison.subject) else {
        return Vec::new();
    };
    let kind = comparison.candidates[subject.candidate].reference.kind;
    let blocks = subject.evidence.blocks.map(|_| kind.name().to_owned());
    let marks = matches.first().into_iter().flat_map(|m| &m.marks);
    let seen = marks.filter(|m| m.answer != MarkAnswer::CannotSee);
    blocks
        .into_iter()
        .chain(seen.map(|m| format!("mark {}", m.mark.name)))
        .collect()
}
