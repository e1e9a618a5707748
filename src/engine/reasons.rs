//! Why a photo deviates, and what its agreement leaves open, in codes and in words.

use super::{
    candidate::Candidate,
    compare::{Comparison, Subject},
    context::{Context, marks_class},
};
use crate::domain::{
    calibration::Class,
    gallery::ReferenceKind,
    text::explain,
    tuning::text::CONFIDENT,
    verdict::{MarkAnswer, MarkComparison, PhotoReport, Reason, ReasonCode},
};

/// What agreement leaves open: marks in red that accuse nobody, marks that were not seen, and
/// references that show a part of the product only.
pub(crate) fn reservations(report: &PhotoReport, kind: ReferenceKind) -> String {
    let marks = report.matches.first().map_or(&[][..], |m| &m.marks);
    let different = marks.iter().filter(|m| m.answer == MarkAnswer::Different);
    let names: Vec<String> = different.map(|m| format!("`{}`", m.mark.name)).collect();
    let mut open = Vec::new();
    if matches!(kind, ReferenceKind::Logo | ReferenceKind::Label) {
        open.push(format!("only its {} was compared", kind.name()));
    }
    if !marks.is_empty() && marks.iter().all(|m| m.answer == MarkAnswer::CannotSee) {
        open.push("none of its marks could be seen".to_owned());
    }
    if !names.is_empty() {
        let names = names.join(", ");
        open.push(format!(
            "{names} looks different, though not more than marks of genuine photos do"
        ));
    }
    open.iter().map(|what| format!("; {what}")).collect()
}

/// Why a photo that shows the product deviates.
pub(crate) fn deviation_reasons(
    context: &Context,
    comparison: &Comparison,
    subject: &Subject,
    report: &mut PhotoReport,
) -> Vec<Reason> {
    let own = &comparison.candidates[subject.candidate];
    let score = subject.score;
    // Every question that was lost gives its reasons, the worst first.
    let marks = score
        .marks
        .filter(|m| context.calibration.flags(marks_class(comparison), *m));
    let mut reasons = if marks.is_some() {
        mark_reasons(context, report)
    } else {
        Vec::new()
    };
    if context.calibration.flags(Class::Identity, score.identity) {
        let rival = comparison
            .candidates
            .iter()
            .filter(|c| c.is_located() && c.rivals(own))
            .max_by_key(|c| c.inliers());
        let at = if marks.is_some_and(|m| m <= score.identity) {
            reasons.len()
        } else {
            0
        };
        reasons.insert(at, identity_reason(context, own, rival, true));
    }
    reasons
}

pub(crate) fn identity_reason(
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
        _ => context.reason(
            ReasonCode::WeakAgreement,
            format!("{product} was located, but agrees less than genuine photos do"),
            Vec::new(),
        ),
    }
}

/// One reason for each mark that differs; the worst mark alone when the thresholds of none were
/// passed.
pub(crate) fn mark_reasons(context: &Context, report: &mut PhotoReport) -> Vec<Reason> {
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
