//! What of a bundle's files is compared with its other files.

use serde::{Deserialize, de::IgnoredAny};

/// The part of the answer that is compared with the other files. Whatever else a newer program may
/// tell is left alone.
#[derive(Deserialize)]
pub(super) struct Checked {
    pub id: String,
    pub photos: Vec<CheckedPhoto>,
    pub calibration: CheckedCalibration,
}

#[derive(Deserialize)]
pub(super) struct CheckedPhoto {
    pub sha256: String,
    pub error: Option<IgnoredAny>,
    pub matches: Vec<CheckedMatch>,
}

#[derive(Deserialize)]
pub(super) struct CheckedMatch {
    pub reference: String,
}

#[derive(Deserialize)]
pub(super) struct CheckedCalibration {
    #[serde(default)]
    pub operating_point: String,
}

#[derive(Deserialize)]
pub(super) struct CheckedReference {
    pub id: String,
    pub sha256: String,
}

#[derive(Deserialize)]
pub(super) struct CheckedPoint {
    pub id: String,
}
