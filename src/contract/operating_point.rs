//! What answers were judged by.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::CalibrationSource;

/// Everything that a p-value follows from, as it was when it was first used. It never changes and is
/// never removed: an answer names it by `calibration.operating_point`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct OperatingPointAnswer {
    /// Id: a hash over all that follows but the time.
    pub id: String,
    /// When it was first used, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The calibration's id, as answers name it.
    pub calibration: String,
    /// Whose genuine photos it is made of.
    pub source: CalibrationSource,
    /// The share of genuine photos that may be flagged, 0 to 1.
    pub budget: f64,
    /// Upper 95 % bound of the false-flag rate that the number of items supports, 0 to 1.
    pub bound_95: f64,
    /// Number of genuine items behind it.
    pub items: usize,
    /// Number of genuine photos behind it.
    pub photos: usize,
    /// Questions that share the budget: a p-value is so many times the share of scores.
    pub questions: f64,
    /// Genuine scores (log odds) by question, ascending, each with its weight; the weights of a
    /// question sum to the number of its scores. `all` where one list answers every question.
    pub scores: BTreeMap<String, Vec<[f64; 2]>>,
    /// Models: role to `name@version`.
    pub models: BTreeMap<String, String>,
    /// The program: its version and the hash of the numbers that decide an answer besides models
    /// and calibration.
    pub program: String,
    /// How `similarity` is fused, in words.
    pub similarity_rule: String,
}
