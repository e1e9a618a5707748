//! The statement of reasons for a seller: what was compared, what differs and where, which photo would
//! clear it, and how to dispute. Coordinates are 0..1 of the upright photo.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    Action, HelpCode, Id, Place, PlainText, ReasonCode, RecordId, ReviewOutcome, Verdict,
    answer::ClaimAnswer,
};

/// Why a check came out as it did, for the seller of its listing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct StatementAnswer {
    /// Id of the check; a dispute names it.
    #[schema(value_type = RecordId)]
    pub check: String,
    /// When the check was made, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
    /// The language of the sentences, as a tag such as `en`.
    #[schema(example = "en")]
    pub language: String,
    /// What the listing claims, `null` for an identification.
    pub claim: Option<ClaimAnswer>,
    /// The seller's listing, as sent; `null` where there was none or the reader may not know it.
    #[schema(value_type = Option<PlainText>)]
    pub listing_id: Option<String>,
    /// What the photos show together.
    pub verdict: Verdict,
    /// What policy makes of it.
    pub action: Action,
    /// Whether a program compared and judged, and no person decided so far.
    pub automated: bool,
    /// What a person decided last, `null` when nobody did.
    pub decision: Option<SettledAnswer>,
    /// The verdict in words, how rare such a difference is among genuine photos, and what is done, or
    /// what a person decided.
    pub summary: String,
    /// What was compared, one entry per photo in which something was.
    pub compared: Vec<ComparedAnswer>,
    /// What was found, in the order of the check's reasons.
    pub findings: Vec<FindingAnswer>,
    /// Which photo would clear it; empty when nothing has to be cleared.
    pub what_would_help: Vec<HelpAnswer>,
    /// How to dispute it.
    pub how_to_dispute: String,
    /// The program that compared: its version and the hash of the numbers that decide an answer.
    pub program: String,
}

/// What a person decided about a check, as its seller is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SettledAnswer {
    /// The decision.
    pub outcome: ReviewOutcome,
    /// When, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub at: String,
    /// The same in words.
    pub sentence: String,
}

/// What of one photo was compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ComparedAnswer {
    /// Index of the photo, from 0.
    pub photo: usize,
    /// The claimed product whose reference it was compared with; `null` when nothing was claimed.
    pub product: Option<ProductAnswer>,
    /// The kind of the reference (`pack`, `logo`, `label`), then `mark NAME` for each mark.
    pub what: Vec<String>,
    /// The same in words.
    pub sentence: String,
}

/// The product of a reference.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ProductAnswer {
    /// Brand id.
    #[schema(value_type = Id)]
    pub brand: String,
    /// Product id.
    #[schema(value_type = Id)]
    pub product: String,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FindingAnswer {
    /// Index of the photo, from 0.
    pub photo: usize,
    /// Stable code.
    pub code: ReasonCode,
    /// A sentence for the seller.
    pub sentence: String,
    /// Outline as [x, y] pairs; empty when the finding has no place.
    pub region: Vec<[f64; 2]>,
    /// Where its centre lies, `null` when the finding has no place.
    pub place: Option<Place>,
    /// Name of the mark that differs.
    pub mark: Option<String>,
    /// What the mark should read; only where it was surely misread.
    pub expected: Option<String>,
    /// What it reads instead.
    pub read: Option<String>,
}

/// What another photo should be like.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HelpAnswer {
    /// Stable code.
    pub code: HelpCode,
    /// A sentence for the seller.
    pub sentence: String,
}

/// Whether this is a language tag such as `de` or `pt-BR` (RFC 5646), as far as its form tells.
pub fn is_language_tag(tag: &str) -> bool {
    // As the OpenAPI document states it.
    const LONGEST: usize = 35;
    let is_part = |part: &str| {
        (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let mut parts = tag.split('-');
    let is_first =
        |part: &str| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    tag.len() <= LONGEST && parts.next().is_some_and(is_first) && parts.all(is_part)
}

#[cfg(test)]
mod tests {
    use super::is_language_tag;

    #[test]
    fn language_tags_are_told_from_other_names() {
        for tag in ["de", "pt-BR", "zh-hant-tw", "gsw", "es-419"] {
            assert!(is_language_tag(tag), "{tag}");
        }
        for other in [
            "",
            "d",
            "1de",
            "de-",
            "-de",
            "de_at",
            "old words",
            "verylongname",
            "../de",
            "de-aaaaaaaa-aaaaaaaa-aaaaaaaa-aaaaaaaa",
        ] {
            assert!(!is_language_tag(other), "{other}");
        }
    }
}
