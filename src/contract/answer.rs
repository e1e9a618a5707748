//! A check's answer: one set of types for HTTP, the command line and the database. Coordinates are
//! 0..1 of the upright photo.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use utoipa::ToSchema;

use super::{
    Action, CalibrationSource, Id, MarkAnswer, PhotoErrorKind, PlainText, ReasonCode, RecordId,
    ReferenceKind, Sha256Hex, Verdict,
};

/// The answer to one check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CheckAnswer {
    /// Id of the check.
    #[schema(value_type = RecordId)]
    pub id: String,
    /// When it was made, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// What the photos show together.
    pub verdict: Verdict,
    /// What policy makes of it.
    pub action: Action,
    /// What the listing claims, `null` for an identification.
    pub claim: Option<ClaimAnswer>,
    /// The p-value of all photos together, 0 to 1: the budget is held against it, so that a seller
    /// with many photos is flagged no more often than one with few. `null` without a claim, when
    /// no photo was compared, and in answers of before it was told.
    #[serde(default)]
    pub p_value: Option<f64>,
    /// The listing's id, as sent.
    #[schema(value_type = Option<PlainText>)]
    pub listing_id: Option<String>,
    /// The seller's id, as sent.
    #[schema(value_type = Option<PlainText>)]
    pub seller_id: Option<String>,
    /// Why, over all photos.
    pub reasons: Vec<ReasonAnswer>,
    /// What of the claimed article was compared, over all photos; see the photos.
    #[serde(default)]
    pub compared: Vec<String>,
    /// One entry per photo, in the order sent.
    pub photos: Vec<PhotoAnswer>,
    /// The calibration behind the p-values.
    pub calibration: CalibrationAnswer,
    /// Version of the references compared with: a hash over their ids and contents.
    pub reference_set: String,
    /// Models used: role to `name@version`.
    // Scores of other models are other scores: without this none could be compared later.
    pub models: BTreeMap<String, String>,
    /// The program that answered: its version and the hash of the numbers that decide an answer
    /// besides models and calibration. Empty in answers of before it was told.
    #[serde(default)]
    pub program: String,
    /// How `similarity` is fused, in words.
    pub similarity_rule: String,
    /// Milliseconds per stage, summed over the photos.
    // Sorted by name, so that equal answers are written equally; stages may be added.
    pub timings_ms: BTreeMap<String, f64>,
}

/// What the listing claims.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ClaimAnswer {
    /// Brand id.
    #[schema(value_type = Id)]
    pub brand: String,
    /// Product id, `null` when only the brand is claimed.
    #[schema(value_type = Option<Id>)]
    pub product: Option<String>,
}

/// One reason.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReasonAnswer {
    /// Stable code.
    pub code: ReasonCode,
    /// A sentence for a person.
    // In words too: an older program may not know the code.
    pub detail: String,
    /// Index of the photo, from 0.
    // A number and no name: a file that is sent need not have one.
    pub photo: usize,
    /// Outline as [x, y] pairs; empty when the reason has no place.
    // Not in pixels: it then holds for any size at which the photo is shown.
    pub region: Vec<[f64; 2]>,
}

/// The answer for one photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PhotoAnswer {
    /// SHA-256 of the bytes, lower-case hex.
    #[schema(value_type = Sha256Hex)]
    pub sha256: String,
    /// Width in pixels, upright; 0 when the photo could not be decoded.
    pub width: u32,
    /// Height in pixels, upright; 0 when the photo could not be decoded.
    pub height: u32,
    /// What the photo shows.
    pub verdict: Verdict,
    /// Fused similarity to the claimed product (to the best match without a claim), 0 to 1.
    pub similarity: f64,
    /// Conformal p-value of the claim, 0 to 1; `null` without a claim or when not comparable.
    // No number where nothing was tested: any would be compared with the budget.
    pub p_value: Option<f64>,
    /// Why the bytes were not accepted; `null` for a photo that was.
    pub error: Option<PhotoError>,
    /// What a person should know: a colour profile was ignored, transparency laid on white, the
    /// photo has no colour.
    pub notes: Vec<String>,
    /// Measured quality; `null` when the photo could not be decoded.
    pub quality: Option<QualityAnswer>,
    /// Best matches, the claimed product's first.
    pub matches: Vec<MatchAnswer>,
    /// What is in the photo and where: the article that was judged first, then further copies of it
    /// and other products.
    #[serde(default)]
    // Here and below: answers are stored as they are, and those of before must still be read.
    pub instances: Vec<InstanceAnswer>,
    /// What of the article was compared: the kind of its reference (`pack`, `logo`, `label`), then
    /// `mark NAME` for each mark that could be seen. Empty when nothing was.
    #[serde(default)]
    pub compared: Vec<String>,
    /// Whether the photo is a mirror image and was judged turned over.
    #[serde(default)]
    pub mirrored: bool,
}

/// One article found in a photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct InstanceAnswer {
    /// Brand id.
    #[schema(value_type = Id)]
    pub brand: String,
    /// Product id.
    #[schema(value_type = Id)]
    pub product: String,
    /// Reference id.
    pub reference: String,
    /// What the reference shows; `null` in answers of before this was told.
    #[serde(default)]
    pub kind: Option<ReferenceKind>,
    /// Corners in the photo: those of the reference, from its top left on.
    pub region: Vec<[f64; 2]>,
    /// Points that agree.
    pub inliers: usize,
    /// Whether the photo shows it as a mirror image.
    pub mirrored: bool,
}

/// Why the bytes of a photo were not accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PhotoError {
    /// Stable kind.
    pub kind: PhotoErrorKind,
    /// What was wrong and what to do.
    pub detail: String,
}

/// Measured quality of a photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QualityAnswer {
    /// Sharpness, 0 to 1; low is blurred.
    pub sharpness: f64,
    /// Mean grey value, 0 to 1.
    pub exposure: f64,
    /// Share of clipped pixels, 0 to 1.
    pub clipped: f64,
}

/// One photo against one reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MatchAnswer {
    /// Brand id.
    #[schema(value_type = Id)]
    pub brand: String,
    /// Product id.
    #[schema(value_type = Id)]
    pub product: String,
    /// Reference id.
    pub reference: String,
    /// Fused similarity, 0 to 1.
    pub similarity: f64,
    /// The separate channels.
    pub channels: ChannelsAnswer,
    /// Protected marks, when compared. Where Assay proposed them, up to four places of this photo
    /// follow: `most different place`, `second most different place` and `least explained place`,
    /// outside the marks, and `most recoloured place`, wherever it is.
    pub marks: Vec<MarkAnswerBody>,
    /// Corners of the reference in the photo, or `null` when it was not located.
    pub region: Option<Vec<[f64; 2]>>,
    /// 3x3 row-major map from 0..1 of the reference to 0..1 of the photo, or `null`.
    // Flat, as most programs hand a matrix on.
    pub reference_to_photo: Option<Vec<f64>>,
    /// Places outside the marks that differ more than their surroundings, strongest first.
    pub deviations: Vec<DeviationAnswer>,
}

/// The separate channels; `null` where a channel could not be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChannelsAnswer {
    /// Cosine of whole-image embeddings, -1 to 1.
    pub embedding: Option<f64>,
    /// Local features and homography.
    pub geometry: GeometryAnswer,
    /// Mean correlation of aligned blocks, -1 to 1.
    pub appearance: Option<f64>,
    /// Agreement of expected and read text, 0 to 1.
    pub text: Option<f64>,
    /// Agreement of the marks' colours relative to the rest of the pack, 0 to 1.
    pub colour: Option<f64>,
}

/// The geometry channel.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GeometryAnswer {
    /// Correspondences that agree with the homography.
    pub inliers: usize,
    /// Inliers over tentative correspondences, 0 to 1.
    pub inlier_ratio: f64,
    /// Share of the reference's area (8x8 grid) that holds an inlier, 0 to 1.
    pub spread: f64,
}

/// One protected mark's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct MarkAnswerBody {
    /// The mark's name.
    pub name: String,
    /// How it compares with the reference.
    pub answer: MarkAnswer,
    /// How surely it differs, 0 to 1.
    pub score: f64,
    /// What genuine photos that show the same took off that score, 0 to 1.
    #[serde(default)]
    // Answers are stored as they are: those of before this field must still be read.
    pub genuine_variation: f64,
    /// What it should read.
    pub expected: Option<String>,
    /// What the recogniser read.
    pub read: Option<String>,
    /// Outline in the photo.
    pub region: Vec<[f64; 2]>,
    /// Outlines of the places inside the mark that differ.
    pub differing: Vec<Vec<[f64; 2]>>,
    /// Degrees, -180 to 180, by which its hues are turned against the rest of the pack; only when
    /// it is different and the turn is notable.
    #[serde(default)]
    pub hue_turn: Option<f64>,
    /// Share of it that could not be seen, 0 to 1: covered, in glare, too blurred, or beyond the
    /// photo.
    #[serde(default)]
    pub unseen: f64,
}

/// A place outside the marks that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DeviationAnswer {
    /// Outline in the photo.
    pub region: Vec<[f64; 2]>,
    /// Strength, 0 to 1.
    pub strength: f64,
}

/// Answers of before `covers` was told.
fn covered() -> bool {
    true
}

/// The calibration behind the p-values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CalibrationAnswer {
    /// Id: changes with the scores, the models, the rule and what is known of genuine variation.
    pub id: String,
    /// Id of all that the p-values follow from, kept for ever under `/v1/calibrations/{id}`; empty in
    /// answers of before it was kept.
    #[serde(default)]
    pub operating_point: String,
    /// The share of genuine photos that may be flagged, 0 to 1.
    pub budget: f64,
    /// Upper 95 % bound of the false-flag rate that the number of items supports, 0 to 1.
    pub bound_95: f64,
    /// Number of genuine items behind it.
    pub items: usize,
    /// Whose genuine photos it is made of.
    pub source: CalibrationSource,
    /// Whether it has seen photos and references of this kind; where it has not, nothing is accused
    /// by it.
    #[serde(default = "covered")]
    pub covers: bool,
    /// Number of genuine items whose photos tell how genuine goods differ from the references: the
    /// most that are known for one reference of the claim. With 3 or more, a difference that nearly
    /// all of them show no longer counts against a photo. For example, when all of 4 items carry a
    /// newer seal than the reference, the newer seal accuses no photo.
    #[serde(default)]
    pub variation_items: usize,
    /// What more is needed for the budget to be supported, for people; `null` when it is.
    pub advice: Option<String>,
}
