//! Reports of the core into the answer that callers see; the only place where one becomes the
//! other.

use std::collections::BTreeMap;

use super::records::SeenElsewhere;
use crate::{
    contract::{
        PhotoErrorKind,
        answer::{
            CalibrationAnswer, ChannelsAnswer, CheckAnswer, ClaimAnswer, DeviationAnswer,
            GeometryAnswer, InstanceAnswer, MarkAnswerBody, MatchAnswer, PhotoAnswer, PhotoError,
            QualityAnswer, ReasonAnswer,
        },
    },
    domain::{
        calibration::Calibration,
        digest::Sha256,
        fusion::RULE,
        geometry::Point,
        listing::{ListedPhoto, ListingReport, listing},
        quality::Quality,
        tuning,
        verdict::{
            Instance, MarkAnswer, MarkComparison, MatchReport, PhotoReport, ReasonCode, Verdict,
            action_for,
        },
    },
    engine::{Claim, Facts, Stage, vision::IntakeError},
};
/// One photo checked: decoded or not, and judged.
pub(crate) struct CheckedPhoto {
    /// Hash of the bytes.
    pub sha256: Sha256,
    /// What is known of the photo, or why its bytes were not accepted (then the verdict is
    /// `not_comparable`).
    // An unreadable photo is a result like others, so that the rest is still judged.
    pub photo: Result<Facts, IntakeError>,
    /// The judgement.
    pub report: PhotoReport,
    /// Milliseconds per stage.
    pub timings_ms: Vec<(Stage, f64)>,
}

/// What an answer holds besides its photos.
pub(crate) struct Frame<'a> {
    /// Id of the check.
    pub id: String,
    /// When it was made, RFC 3339, UTC.
    pub created_at: String,
    /// The claim, if any.
    pub claim: Option<&'a Claim>,
    /// The listing's id, as sent.
    pub listing_id: Option<String>,
    /// The seller's id, as sent.
    pub seller_id: Option<String>,
    /// The calibration behind the p-values, as callers see it.
    pub calibration: CalibrationAnswer,
    /// The same, with its scores.
    pub judged_by: &'a Calibration,
    /// Version of the references compared with.
    pub reference_set: String,
    /// Role to `name@version`.
    pub models: BTreeMap<String, String>,
}

/// The answer to a check.
pub(crate) fn answer(
    frame: Frame,
    photos: Vec<CheckedPhoto>,
    seen: &[SeenElsewhere],
) -> CheckAnswer {
    let mut timings_ms = BTreeMap::new();
    let mut reasons = Vec::new();
    let mut listed = Vec::new();
    let mut answers = Vec::new();
    let covers = photos.iter().all(|p| p.report.covered);
    for (n, photo) in photos.into_iter().enumerate() {
        for (stage, ms) in &photo.timings_ms {
            // Summed over the photos: it tells how much work a stage is.
            *timings_ms.entry(stage.name().to_owned()).or_insert(0.0) += ms;
        }
        reasons.extend(photo.report.reasons.iter().map(|reason| ReasonAnswer {
            code: reason.code.into(),
            detail: reason.detail.clone(),
            photo: reason.photo,
            region: outline(&reason.region),
        }));
        // A file that cannot be decoded shows nothing that could be used again.
        let elsewhere = seen
            .iter()
            .find(|s| s.sha256 == photo.sha256 && photo.photo.is_ok());
        let counted = ListedPhoto::new(
            &photo.report,
            shows_product(&photo.report, frame.claim),
            elsewhere.is_some(),
        );
        if let Some(elsewhere) = elsewhere {
            let detail = format!(
                "the same file was on a listing of another seller before (check `{}`): it says nothing about this item",
                elsewhere.check
            );
            reasons.push(reason(ReasonCode::SeenElsewhere, detail, n));
        }
        answers.push(photo_answer(photo, counted.own_verdict()));
        listed.push(counted);
    }
    let together = listing(&listed, frame.judged_by);
    reasons.extend(outweighed(&listed, &together));
    let mut compared: Vec<String> = Vec::new();
    for what in answers.iter().flat_map(|p| &p.compared) {
        // In the order first met, each once.
        if !compared.contains(what) {
            compared.push(what.clone());
        }
    }
    CheckAnswer {
        id: frame.id,
        created_at: frame.created_at,
        verdict: together.verdict.into(),
        action: action_for(together.verdict).into(),
        claim: frame.claim.map(claim_answer),
        // Without a claim each photo's product was picked for its score: a p-value would flatter.
        p_value: frame.claim.and(together.p_value).map(|p| p.get()),
        listing_id: frame.listing_id,
        seller_id: frame.seller_id,
        reasons,
        compared,
        photos: answers,
        calibration: CalibrationAnswer {
            covers,
            ..frame.calibration
        },
        reference_set: frame.reference_set,
        models: frame.models,
        program: program(),
        similarity_rule: RULE.to_owned(),
        timings_ms,
    }
}

/// Whether something of the claim was located in a photo, or without a claim of any product.
fn shows_product(report: &PhotoReport, claim: Option<&Claim>) -> bool {
    report.matches.iter().any(|found| {
        found.region.is_some() && claim.is_none_or(|claim| claim.covers(&found.product))
    })
}

/// Why a photo that deviates did not make its listing deviate: nobody should have to wonder.
fn outweighed(listed: &[ListedPhoto], together: &ListingReport) -> Vec<ReasonAnswer> {
    if together.verdict == Verdict::Deviates {
        return Vec::new();
    }
    let deviating = listed
        .iter()
        .enumerate()
        .filter(|(_, photo)| photo.verdict == Verdict::Deviates);
    deviating
        .map(|(n, _)| {
            let detail = "this photo deviates alone; among so many photos of one listing, genuine \
                          goods show one like it too";
            reason(ReasonCode::ListingAgrees, detail.to_owned(), n)
        })
        .collect()
}

fn reason(code: ReasonCode, detail: String, photo: usize) -> ReasonAnswer {
    ReasonAnswer {
        code: code.into(),
        detail,
        photo,
        region: vec![],
    }
}

/// What answered, for whoever replays a check.
pub(crate) fn program() -> String {
    format!(
        "assay {}+tuning.{}",
        env!("CARGO_PKG_VERSION"),
        tuning::digest()
    )
}

fn claim_answer(claim: &Claim) -> ClaimAnswer {
    match claim {
        Claim::Brand(brand) => ClaimAnswer {
            brand: brand.clone(),
            product: None,
        },
        Claim::Product(key) => ClaimAnswer {
            brand: key.brand.clone(),
            product: Some(key.product.clone()),
        },
    }
}

fn photo_answer(photo: CheckedPhoto, verdict: Verdict) -> PhotoAnswer {
    let (width, height, error, notes, quality) = match photo.photo {
        Ok(facts) => (
            facts.width,
            facts.height,
            None,
            notes(
                [facts.notes, photo.report.notes].concat(),
                photo.report.mirrored,
            ),
            Some(quality_answer(&facts.quality)),
        ),
        Err(error) => {
            let error = PhotoError {
                kind: error_kind(&error),
                detail: error.to_string(),
            };
            (0, 0, Some(error), vec![], None)
        }
    };
    PhotoAnswer {
        sha256: photo.sha256.to_string(),
        width,
        height,
        verdict: verdict.into(),
        similarity: photo.report.similarity.get(),
        p_value: photo.report.p_value.map(|p| p.get()),
        error,
        notes,
        quality,
        matches: photo.report.matches.into_iter().map(match_answer).collect(),
        instances: photo
            .report
            .instances
            .into_iter()
            .map(instance_answer)
            .collect(),
        compared: photo.report.compared,
        mirrored: photo.report.mirrored,
    }
}

/// What a person should know of the photo.
fn notes(mut notes: Vec<String>, mirrored: bool) -> Vec<String> {
    if mirrored {
        notes.push("the photo is a mirror image; it was judged turned over".to_owned());
    }
    notes
}

fn instance_answer(instance: Instance) -> InstanceAnswer {
    InstanceAnswer {
        brand: instance.product.brand,
        product: instance.product.product,
        reference: instance.reference,
        kind: Some(instance.kind.into()),
        region: outline(&instance.region),
        inliers: instance.inliers,
        mirrored: instance.mirrored,
    }
}

fn error_kind(error: &IntakeError) -> PhotoErrorKind {
    match error {
        IntakeError::Empty => PhotoErrorKind::Empty,
        IntakeError::TooManyBytes { .. } => PhotoErrorKind::TooManyBytes,
        IntakeError::UnsupportedFormat { .. } => PhotoErrorKind::UnsupportedFormat,
        IntakeError::TooLarge { .. } => PhotoErrorKind::TooLarge,
        IntakeError::TooMuchMemory { .. } => PhotoErrorKind::TooMuchMemory,
        IntakeError::TooSmall { .. } => PhotoErrorKind::TooSmall,
        IntakeError::Animated => PhotoErrorKind::Animated,
        IntakeError::TooSlow { .. } => PhotoErrorKind::TooSlow,
        IntakeError::Damaged { .. } => PhotoErrorKind::Damaged,
    }
}

fn quality_answer(quality: &Quality) -> QualityAnswer {
    QualityAnswer {
        sharpness: quality.sharpness,
        exposure: quality.exposure,
        clipped: quality.clipped,
    }
}

fn match_answer(found: MatchReport) -> MatchAnswer {
    let channels = found.channels;
    MatchAnswer {
        brand: found.product.brand,
        product: found.product.product,
        reference: found.reference,
        similarity: found.similarity.get(),
        channels: ChannelsAnswer {
            embedding: channels.embedding,
            geometry: GeometryAnswer {
                inliers: channels.inliers,
                inlier_ratio: channels.inlier_ratio,
                spread: channels.spread,
            },
            appearance: channels.appearance,
            text: channels.text,
            colour: channels.colour,
        },
        marks: found.marks.into_iter().map(mark_answer).collect(),
        region: found.region.map(|corners| outline(&corners)),
        // JSON knows no infinity: a map that cannot be written is none.
        reference_to_photo: found
            .reference_to_photo
            .filter(|h| h.is_finite())
            .map(|h| h.0.to_vec()),
        deviations: found
            .deviations
            .into_iter()
            .map(|(region, strength)| DeviationAnswer {
                region: outline(&region),
                strength: strength.get(),
            })
            .collect(),
    }
}

fn mark_answer(mark: MarkComparison) -> MarkAnswerBody {
    MarkAnswerBody {
        read: mark.read().map(|r| r.text.clone()),
        unseen: mark.observation.as_ref().map_or(1.0, |seen| seen.unseen),
        name: mark.mark.name,
        answer: mark.answer.into(),
        score: mark.score.get(),
        genuine_variation: mark.genuine_variation,
        expected: mark.mark.text,
        region: outline(&mark.region),
        differing: mark.differing.iter().map(|cells| outline(cells)).collect(),
        // Only where it explains a difference: elsewhere it is what the light did.
        hue_turn: mark
            .hue_turn
            .filter(|_| mark.answer == MarkAnswer::Different),
    }
}

/// JSON knows no infinity: a region with a corner beyond the horizon is no place that can be shown.
fn outline(points: &[Point]) -> Vec<[f64; 2]> {
    // All or none: an outline without one of its corners would mark another place.
    let shown = points.iter().all(|p| p.x.is_finite() && p.y.is_finite());
    if shown {
        points.iter().map(|p| [p.x, p.y]).collect()
    } else {
        Vec::new()
    }
}
