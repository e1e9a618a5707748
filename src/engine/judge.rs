//! From evidence to a verdict with reasons.

use super::{
    Claim, Defaults,
    analysis::Analysis,
    compare::{Candidate, Comparison, Subject},
    frames::pixels_to_unit,
    inspect::{InspectedMark, Inspection},
};
use crate::domain::{
    calibration::Calibration,
    fingerprint::fingerprint,
    fusion::{Logistic, sigmoid},
    gallery::{Gallery, Mark, Reference},
    geometry::{Homography, Point, check_quad},
    quality::Quality,
    raster::Raster,
    score::{Difference, Similarity},
    text::explain,
    verdict::{
        Channels, MarkAnswer, MarkComparison, MatchReport, PhotoReport, Reason, ReasonCode, Verdict,
    },
};
use crate::engine::vision::IntakeError;

/// Matches returned for one photo.
const MATCHES: usize = 5;
/// Deviations outside the marks returned for one match.
const DEVIATIONS: usize = 3;
/// Readings less sure than this (0 to 1) neither enter the text channel nor are told.
const CONFIDENT: f64 = 0.5;
/// A block this much below the pack's mean correlation is shown as a deviation.
const DEVIATION_DROP: f64 = 0.4;

/// A turn of hues of this strength is told where a mark differs: 6 of 80 genuine calibration photos
/// have a mark turned as far.
const NOTABLE_TURN: f64 = 1.0;
/// A turn of hues of this strength is another colour to anyone.
const OTHER_COLOUR: f64 = 3.0;

/// What a photo is judged by.
pub struct Context<'a> {
    /// Fusion and thresholds.
    pub defaults: &'a Defaults,
    /// Genuine scores and budget.
    pub calibration: &'a Calibration,
    /// The claim, if any.
    pub claim: Option<&'a Claim>,
    /// Number of the photo in its check, from 0.
    pub index: usize,
    /// The photo's quality.
    pub quality: &'a Quality,
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
pub fn unreadable(index: usize, error: &IntakeError) -> PhotoReport {
    PhotoReport {
        verdict: Verdict::NotComparable,
        similarity: Similarity::saturating(0.0),
        p_value: None,
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
pub fn too_poor(defaults: &Defaults, quality: &Quality) -> Option<(ReasonCode, String)> {
    let t = &defaults.thresholds;
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
pub fn judge(
    context: &Context,
    analysis: &Analysis,
    gallery: &Gallery,
    photo: &Raster,
    comparison: &Comparison,
) -> PhotoReport {
    let matches = matches(context, analysis, comparison);
    let similarity = matches
        .first()
        .map_or(Similarity::saturating(0.0), |m| m.similarity);
    let mut report = PhotoReport {
        verdict: Verdict::NotComparable,
        similarity,
        p_value: None,
        matches,
        reasons: Vec::new(),
    };
    if let Some((reference, bits)) = reused(context, gallery, photo) {
        report.verdict = Verdict::ReusedPhoto;
        let detail = format!(
            "the photo is the enrolled picture `{}` of {} itself ({bits} of 128 fingerprint bits differ): it says nothing about the item",
            reference.id, reference.product
        );
        report
            .reasons
            .push(context.reason(ReasonCode::CataloguePicture, detail, Vec::new()));
    } else if let Some((code, detail)) = too_poor(context.defaults, context.quality) {
        report
            .reasons
            .push(context.reason(code, detail, Vec::new()));
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

fn reused<'a>(
    context: &Context,
    gallery: &'a Gallery,
    photo: &Raster,
) -> Option<(&'a Reference, u32)> {
    let own = fingerprint(photo);
    gallery
        .references
        .iter()
        .filter(|r| context.claim.is_none_or(|c| c.covers(&r.product)))
        .map(|r| (r.as_ref(), own.distance(&r.fingerprint)))
        .filter(|(_, bits)| *bits <= context.defaults.thresholds.reused_bits)
        .min_by_key(|(_, bits)| *bits)
}

/// Sets verdict, p-value and reasons from the fused score.
fn weigh(context: &Context, comparison: &Comparison, subject: &Subject, report: &mut PhotoReport) {
    let own = &comparison.candidates[subject.candidate];
    let score = subject.score;
    let p_value = context.calibration.p_value(score.value());
    let flagged = context.calibration.flags(score.value());
    if context.claim.is_some() {
        report.p_value = Some(p_value);
    }
    let located = own.is_located();
    let product = &own.reference.product;
    if !flagged {
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
    if first
        .marks
        .iter()
        .all(|m| m.answer != MarkAnswer::Different)
        && let Some(worst) = first
            .marks
            .iter_mut()
            .filter(|m| m.answer == MarkAnswer::Same)
            .max_by(|a, b| a.score.cmp(&b.score))
    {
        worst.answer = MarkAnswer::Different;
    }
    let differing = first
        .marks
        .iter()
        .filter(|m| m.answer == MarkAnswer::Different);
    differing
        .map(|mark| {
            let reading = match (&mark.expected, &mark.read) {
                (Some(expected), Some((read, sure))) if mark.misreads && *sure >= CONFIDENT => {
                    explain(expected, read)
                }
                _ => None,
            };
            let hue = mark.hue_turn.map(|degrees| {
                format!(
                    "its hues are turned by about {:.0}\u{b0} against the rest of the pack",
                    degrees.abs()
                )
            });
            let what: Vec<String> = reading.into_iter().chain(hue).collect();
            let colon = if what.is_empty() { "" } else { ": " };
            let detail = format!(
                "the mark `{}` differs from the reference{colon}{}",
                mark.name,
                what.join("; ")
            );
            let region = mark
                .differing
                .first()
                .cloned()
                .unwrap_or_else(|| mark.region.clone());
            context.reason(ReasonCode::MarkDiffers, detail, region)
        })
        .collect()
}

/// The subject's match first, then the others by rank.
fn matches(context: &Context, analysis: &Analysis, comparison: &Comparison) -> Vec<MatchReport> {
    let subject = comparison.subject.as_ref();
    let mut order: Vec<usize> = subject.iter().map(|s| s.candidate).collect();
    order.extend(
        (0..comparison.candidates.len()).filter(|i| subject.is_none_or(|s| s.candidate != *i)),
    );
    order
        .into_iter()
        .take(MATCHES)
        .map(|i| {
            let candidate = &comparison.candidates[i];
            let close = subject.filter(|s| s.candidate == i);
            match_report(context, analysis, comparison, candidate, close)
        })
        .collect()
}

fn match_report(
    context: &Context,
    analysis: &Analysis,
    comparison: &Comparison,
    candidate: &Candidate,
    close: Option<&Subject>,
) -> MatchReport {
    let inspection = close.and_then(|s| s.inspection.as_ref());
    let score = match close {
        Some(subject) => subject.score.value(),
        None => context
            .defaults
            .fusion
            .score(&comparison.rough_evidence(candidate))
            .value(),
    };
    let outline = Outline::new(analysis, candidate, inspection);
    let location = candidate.location.as_ref();
    let marks = match (inspection, &outline) {
        (Some(inspection), Some(outline)) => {
            let fusion = &context.defaults.fusion;
            let marks = candidate
                .reference
                .marks
                .iter()
                .chain(&inspection.places)
                .zip(&inspection.marks);
            marks
                .map(|(mark, seen)| mark_report(context, &fusion.mark, mark, seen, outline))
                .collect()
        }
        _ => Vec::new(),
    };
    let read = |m: &InspectedMark| {
        m.evidence
            .filter(|e| e.text_confidence >= CONFIDENT)
            .and_then(|e| e.text)
    };
    let texts: Vec<f64> = inspection
        .iter()
        .flat_map(|i| i.marks.iter().filter_map(read))
        .collect();
    let turn = close.and_then(|s| {
        let strengths = s
            .evidence
            .marks
            .iter()
            .filter_map(|m| Some(m.turn?.strength));
        strengths.max_by(f64::total_cmp)
    });
    MatchReport {
        product: candidate.reference.product.clone(),
        reference: candidate.reference.id.clone(),
        similarity: Similarity::saturating(sigmoid(score)),
        channels: Channels {
            embedding: Some(candidate.embedding),
            inliers: candidate.inliers(),
            inlier_ratio: location
                .map_or(0.0, |l| l.inliers as f64 / l.correspondences.max(1) as f64),
            spread: location.map_or(0.0, |l| l.spread),
            appearance: inspection.and_then(|i| i.blocks.mean()),
            text: (!texts.is_empty()).then(|| texts.iter().sum::<f64>() / texts.len() as f64),
            colour: turn.map(|strength| 1.0 - (strength / OTHER_COLOUR).min(1.0)),
        },
        marks,
        region: outline.as_ref().map(|o| o.quad),
        reference_to_photo: outline.as_ref().map(|o| o.unit_to_unit),
        deviations: match (inspection, &outline) {
            (Some(i), Some(o)) => deviations(i, o),
            _ => Vec::new(),
        },
    }
}

/// How places of a reference are told in 0..1 of the photo.
struct Outline {
    quad: [Point; 4],
    frame_to_unit: Homography,
    unit_to_unit: Homography,
}

impl Outline {
    fn new(
        analysis: &Analysis,
        candidate: &Candidate,
        inspection: Option<&Inspection>,
    ) -> Option<Self> {
        let location = candidate
            .location
            .as_ref()
            .filter(|_| candidate.is_located())?;
        let map = inspection.map_or(location.reference_to_photo, |i| i.reference_to_photo);
        let (fw, fh) = analysis.frame.size();
        let to_unit = pixels_to_unit(fw, fh);
        let frame_to_unit = to_unit.after(&map);
        let size = candidate.frame;
        let corners = check_quad(&map, size, (fw, fh)).ok()?;
        let quad = corners.map(|p| to_unit.apply(p));
        let unit_to_unit = frame_to_unit.after(&candidate.from_unit);
        Some(Self {
            quad,
            frame_to_unit,
            unit_to_unit,
        })
    }

    fn place(&self, points: &[Point]) -> Vec<Point> {
        points
            .iter()
            .map(|p| self.frame_to_unit.apply(*p))
            .collect()
    }
}

fn mark_report(
    context: &Context,
    model: &Logistic<3>,
    mark: &Mark,
    seen: &InspectedMark,
    outline: &Outline,
) -> MarkComparison {
    let thresholds = &context.defaults.thresholds;
    let odds = seen.evidence.as_ref().map(|e| model.log_odds(&e.inputs()));
    let score = odds.map_or(0.0, |o| sigmoid(-o));
    let alone = seen.observation.as_ref().map_or(score, |s| {
        sigmoid(-model.log_odds(&s.weighed(0, None).0.inputs()))
    });
    let hue_turn = seen
        .evidence
        .and_then(|e| e.turn)
        .filter(|turn| turn.strength >= NOTABLE_TURN);
    let answer = match odds {
        None => MarkAnswer::CannotSee,
        Some(odds) if odds < thresholds.mark_different_below => MarkAnswer::Different,
        Some(_) if seen.unseen > thresholds.mark_unseen_above => MarkAnswer::CannotSee,
        Some(_) => MarkAnswer::Same,
    };
    MarkComparison {
        name: mark.name.clone(),
        kind: mark.kind,
        answer,
        score: Difference::saturating(score),
        genuine_variation: (alone - score).max(0.0),
        unseen: seen.unseen,
        expected: mark.text.clone(),
        read: seen.read(),
        misreads: seen
            .evidence
            .is_some_and(|e| e.text.is_some_and(|agreement| agreement < 1.0)),
        region: mark
            .region
            .iter()
            .map(|p| outline.unit_to_unit.apply(*p))
            .collect(),
        differing: seen
            .differing
            .iter()
            .map(|corners| outline.place(corners))
            .collect(),
        hue_turn: hue_turn.map(|turn| turn.degrees),
    }
}

/// Blocks far below the mean correlation whose middle no mark or place holds, worst first.
fn deviations(
    Inspection { blocks, boxes, .. }: &Inspection,
    outline: &Outline,
) -> Vec<(Vec<Point>, Difference)> {
    let Some(mean) = blocks.mean() else {
        return Vec::new();
    };
    let mut low: Vec<(f64, usize)> = blocks
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(i, b)| Some((mean - f64::from(b.as_ref()?.correlation), i)))
        .filter(|(drop, i)| *drop > DEVIATION_DROP && !blocks.lies_in(*i, boxes))
        .collect();
    low.sort_by(|a, b| b.0.total_cmp(&a.0));
    let corners = |i: usize| {
        let (x, y, side) = blocks.place(i);
        let (x, y, s) = (x as f64, y as f64, side as f64);
        Point::corners([x, y, x + s, y + s])
    };
    low.into_iter()
        .take(DEVIATIONS)
        .map(|(d, i)| (outline.place(&corners(i)), Difference::saturating(d)))
        .collect()
}
