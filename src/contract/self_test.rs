//! What a self-test found: shares per kind of simulated edit, and genuine photos that would be
//! flagged.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EditKind, Id, PlainText, RecordId, Verdict, answer::CalibrationAnswer};
use crate::domain::{rates::Rate, verdict};

/// What a self-test can say and what not.
// A constant, so that JSON and the command line say the same.
pub const NOTE: &str = "simulated edits of your own references, photographed by a simulator: shares on real photos will \
                        differ";

/// The report on one product.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SelfTestAnswer {
    /// Brand id.
    #[schema(value_type = Id)]
    pub brand: String,
    /// Product id.
    #[schema(value_type = Id)]
    pub product: String,
    /// What these figures can say and what not.
    pub note: String,
    /// References photographed.
    pub references: Vec<String>,
    /// Photos made of each kind.
    pub photos_per_kind: usize,
    /// Seed of edits and photos: the same seed, references, models and calibration give the same
    /// report.
    pub seed: u64,
    /// Unedited prints, photographed the same way: what is flagged here would be a false flag.
    pub unedited: KindAnswer,
    /// Per kind of edit, in a fixed order.
    pub edits: Vec<KindAnswer>,
    /// The product's own genuine photos.
    pub genuine_photos: GenuineAnswer,
    /// Photos that must never be flagged.
    pub authorised_photos: AuthorisedAnswer,
    /// What the photos were judged by.
    pub calibration: CalibrationAnswer,
    /// Version of the references compared with.
    pub reference_set: String,
    /// Models used: role to `name@version`.
    pub models: BTreeMap<String, String>,
}

/// One kind of simulated photo.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KindAnswer {
    /// What was changed.
    pub kind: EditKind,
    /// Whether the references can carry such an edit; when not, nothing was made and the share says
    /// nothing.
    pub applicable: bool,
    /// Photos made.
    pub made: usize,
    /// Of these, flagged: `deviates` or `no_brand_seen`.
    pub flagged: usize,
    /// Share flagged, 0 to 1; `null` when nothing was made.
    pub share: Option<f64>,
    /// Wilson's 95 % interval of the share; `null` when nothing was made.
    pub wilson_95: Option<[f64; 2]>,
    /// How many photos came back with which verdict.
    pub verdicts: BTreeMap<Verdict, usize>,
}

impl KindAnswer {
    /// The counts of one kind from its verdicts.
    pub fn of(kind: EditKind, verdicts: impl IntoIterator<Item = verdict::Verdict>) -> Self {
        let mut counts = BTreeMap::new();
        let (mut made, mut flagged) = (0, 0);
        for verdict in verdicts {
            *counts.entry(verdict.into()).or_insert(0) += 1;
            made += 1;
            // Both verdicts count: an edit that hides the product altogether was noticed as well.
            flagged += usize::from(verdict.flags_the_claim());
        }
        let rate = Rate {
            hits: flagged,
            total: made,
        };
        let (low, high) = rate.wilson_95();
        Self {
            kind,
            applicable: made > 0,
            made,
            flagged,
            // None and not zero: a kind that does not apply was not missed.
            share: (made > 0).then(|| rate.share()),
            wilson_95: (made > 0).then_some([low, high]),
            verdicts: counts,
        }
    }
}

/// The product's genuine photos under its calibration; one made of the product's or the brand's
/// photos is used without the item that is judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct GenuineAnswer {
    /// Photos stored, but those that are references too.
    pub stored: usize,
    /// Of these, judged: comparable and scored.
    pub judged: usize,
    /// Of these, flagged, strangest first.
    pub flagged: Vec<FlaggedPhoto>,
}

/// The product's photos that must never be flagged, judged as a check with a claim on the product would.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AuthorisedAnswer {
    /// Photos stored, all of which were judged.
    pub stored: usize,
    /// Of these, flagged, oldest first.
    pub flagged: Vec<FlaggedAuthorised>,
}

/// A photo that must never be flagged, and would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlaggedAuthorised {
    /// Id.
    #[schema(value_type = RecordId)]
    pub id: String,
    /// What it is, as its owner said.
    #[schema(value_type = PlainText)]
    pub note: String,
    /// What a check would say.
    pub verdict: Verdict,
}

/// A genuine photo that would be flagged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FlaggedPhoto {
    /// Id of the genuine photo.
    pub id: String,
    /// The physical item that it shows.
    #[schema(value_type = PlainText)]
    pub item: String,
    /// Its p-value, 0 to 1.
    pub p_value: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use verdict::Verdict::{Consistent, Deviates, NoBrandSeen, NotComparable};

    #[test]
    fn what_was_not_made_is_no_zero() {
        let none = KindAnswer::of(EditKind::Word, []);
        assert_eq!(
            (none.applicable, none.made, none.share, none.wilson_95),
            (false, 0, None, None)
        );
        let some = KindAnswer::of(
            EditKind::Word,
            [Deviates, Consistent, NoBrandSeen, NotComparable],
        );
        assert_eq!(
            (some.applicable, some.made, some.flagged, some.share),
            (true, 4, 2, Some(0.5))
        );
        assert_eq!(some.verdicts[&Verdict::NotComparable], 1);
        assert!(
            some.wilson_95
                .is_some_and(|[low, high]| low < 0.2 && high > 0.8)
        );
    }
}
