//! From evidence to a verdict with reasons.

use std::sync::Arc;

use super::{
    candidate::Candidate,
    claim::Claim,
    compare::{Comparison, Subject},
    defaults::Defaults,
    report::matches,
    search::Query,
    sight::Sight,
    survey::repeats,
    vision::IntakeError,
};
use crate::domain::tuning::{
    enrolment::FEWEST_KEYPOINTS, presence::COVERED_KEYPOINTS, text::CONFIDENT,
};
use crate::domain::{
    calibration::{Calibration, CalibrationSource, Class},
    gallery::{Gallery, ProductKey, Reference, ReferenceKind},
    geometry::Point,
    quality::{Quality, measure},
    score::{LogOdds, PValue, Similarity},
    text::explain,
    verdict::{MarkAnswer, MarkComparison, MatchReport, PhotoReport, Reason, ReasonCode, Verdict},
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

/// The same of a photo that was compared. Where the article was seen, its own sharpness and exposure
/// count: a smooth wall behind it makes no blur, and a sharp one cures none.
pub(crate) fn too_poor_for(
    defaults: &Defaults,
    query: &Query,
    (comparison, sight): (&Comparison, Option<Sight>),
    doubted: bool,
) -> Option<(ReasonCode, String)> {
    let whole = too_poor(defaults, &query.photo.facts.quality);
    // The article is measured only where that can change the answer: it costs a walk over its
    // pixels.
    if sight != Some(Sight::Seen) || whole.is_none() && !doubted {
        return whole;
    }
    let article = comparison.article(query);
    article.map_or(whole, |article| {
        let seen = measure(&article);
        let short_side_px = query.photo.facts.quality.short_side_px;
        too_poor(
            defaults,
            &Quality {
                short_side_px,
                ..seen
            },
        )
    })
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
        weigh(context, comparison, subject, sight, &mut report);
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
    let colourless = inspection.filter(|seen| !seen.has_colour);
    let note = "the photo has no colour: what differs in colour alone was not seen";
    colourless.map(|_| note.to_owned()).into_iter().collect()
}

/// The product in question when none of its references can be located in any photo.
fn without_use<'a>(comparison: &'a Comparison, gallery: &Gallery) -> Option<&'a ProductKey> {
    let subject = comparison.subject.as_ref()?;
    let product = &comparison.candidates[subject.candidate].reference.product;
    let is_useless = |r: &Arc<Reference>| r.coarse.len() < FEWEST_KEYPOINTS;
    gallery.of(product).all(is_useless).then_some(product)
}

/// Sets verdict, p-value and reasons from what was seen and the fused score.
fn weigh(
    context: &Context,
    comparison: &Comparison,
    subject: &Subject,
    sight: Option<Sight>,
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
        Some(Sight::Seen) if flagged => {
            report.verdict = Verdict::Deviates;
            let reasons = deviation_reasons(context, comparison, subject, report);
            report.reasons.extend(reasons);
        }
        // Agreement is said only of what was compared.
        Some(Sight::Seen) if !report.compared.is_empty() => {
            report.verdict = Verdict::Consistent;
            let detail = format!(
                "agrees with {product} within genuine variation{}",
                doubts(report)
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

/// Whether the calibration has seen photos and references of this kind. An owner's own photos are of
/// its own goods; the shipped ones are of packs and covers with print to go by.
fn covered(context: &Context, comparison: &Comparison) -> bool {
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
fn worse(comparison: &Comparison, score: LogOdds) -> Vec<(Class, LogOdds)> {
    let seen = comparison.subject.as_ref().map(|s| s.score);
    match seen.filter(|s| s.value() == score) {
        Some(seen) => [
            Some((Class::Identity, seen.identity)),
            seen.marks.map(|m| (Class::Marks, m)),
        ]
        .into_iter()
        .flatten()
        .collect(),
        None => vec![(Class::Identity, score)],
    }
}

/// Whether any of the questions is answered more strangely than the budget allows.
fn flags(context: &Context, comparison: &Comparison, score: LogOdds) -> bool {
    let asked = worse(comparison, score);
    asked
        .into_iter()
        .any(|(class, s)| context.calibration.flags(class, s))
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

/// What a person would ask who sees a mark in red under an agreement.
fn doubts(report: &PhotoReport) -> String {
    let marks = report.matches.first().into_iter().flat_map(|m| &m.marks);
    let names: Vec<String> = marks
        .filter(|m| m.answer == MarkAnswer::Different)
        .map(|m| format!("`{}`", m.mark.name))
        .collect();
    match names.len() {
        0 => String::new(),
        _ => format!(
            "; {} looks different, though not more than marks of genuine photos do",
            names.join(", ")
        ),
    }
}

/// Why a photo that shows the product deviates.
fn deviation_reasons(
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
        .filter(|m| context.calibration.flags(Class::Marks, *m));
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
