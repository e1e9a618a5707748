//! What answers tell of what they are judged by, and what is kept of it.

use std::collections::BTreeMap;

use super::{assemble::program, codec::observations};
use crate::{
    contract::{answer::CalibrationAnswer, operating_point::OperatingPointAnswer},
    domain::{calibration::Calibration, digest::Sha256, fusion::RULE},
    engine::OperatingPoint,
};

/// What a check is judged by, as callers see it; not kept yet, and so without the id of what is.
pub(crate) fn describe(
    OperatingPoint {
        calibration,
        variation,
    }: &OperatingPoint,
    advice: Option<String>,
) -> CalibrationAnswer {
    // Equal thresholds with other variation judge otherwise: the id has to tell them apart.
    let variation_id = observations::variation_id(variation).map(|id| format!("+{id}"));
    CalibrationAnswer {
        id: format!("{}{}", calibration.id, variation_id.unwrap_or_default()),
        operating_point: String::new(),
        budget: calibration.budget,
        bound_95: calibration.bound_95(),
        items: calibration.items,
        source: calibration.source.into(),
        covers: true,
        variation_items: variation.items(),
        advice,
    }
}

/// The same with everything that p-values follow from, to be kept at `created_at` (RFC 3339, UTC).
pub(crate) fn kept(
    calibration: &Calibration,
    told: &CalibrationAnswer,
    models: &BTreeMap<String, String>,
    created_at: String,
) -> OperatingPointAnswer {
    let scores = calibration.scores().into_iter().map(|(question, scores)| {
        let scores = scores.iter().map(|(score, weight)| [score.get(), *weight]);
        (question.to_owned(), scores.collect())
    });
    let mut point = OperatingPointAnswer {
        id: String::new(),
        created_at: String::new(),
        calibration: told.id.clone(),
        source: told.source,
        budget: told.budget,
        bound_95: told.bound_95,
        items: told.items,
        photos: calibration.photos,
        questions: calibration.questions(),
        scores: scores.collect(),
        models: models.clone(),
        program: program(),
        similarity_rule: RULE.to_owned(),
    };
    // Without the time: whoever uses the same point later means the same one.
    let written = serde_json::to_string(&point).unwrap_or_default();
    point.id = format!("op-{}", Sha256::of(written.as_bytes()).prefix(24));
    point.created_at = created_at;
    point
}
