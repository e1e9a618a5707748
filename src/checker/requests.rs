//! What the use cases are asked, and why a request is refused before any work is done for it.

use bytes::Bytes;

use super::records::Edition;
use crate::domain::gallery::{Mark, ProductKey, ReferenceKind};

/// A field is missing or malformed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// The field, as the caller names it.
    pub field: String,
    /// What is wrong and what to do; it follows the field's name in a sentence.
    pub problem: String,
}

/// A reference to enroll.
#[derive(Clone, Debug)]
pub struct NewReference {
    /// Product it belongs to.
    pub product: ProductKey,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view.
    pub view: Option<String>,
    /// Protected marks given by the owner; Assay proposes some when empty.
    pub marks: Vec<Mark>,
    /// Which edition of the article it shows.
    pub edition: Edition,
    /// The image file's bytes.
    // Shared and not copied: hashing, decoding and keeping all want the same bytes.
    pub image: Bytes,
}

/// What is changed of a reference's edition; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EditionChange {
    /// Another first day, or none.
    pub valid_from: Option<Option<String>>,
    /// Another last day, or none.
    pub valid_to: Option<Option<String>>,
    /// Other markets.
    pub markets: Option<Vec<String>>,
    /// Another reference that it is a variant of, or none.
    pub variant_of: Option<Option<String>>,
}

impl EditionChange {
    /// What an edition is after it.
    pub(crate) fn of(self, before: Edition) -> Edition {
        Edition {
            valid_from: self.valid_from.unwrap_or(before.valid_from),
            valid_to: self.valid_to.unwrap_or(before.valid_to),
            markets: self.markets.unwrap_or(before.markets),
            variant_of: self.variant_of.unwrap_or(before.variant_of),
        }
    }
}

/// Photos to check.
#[derive(Clone, Debug, Default)]
pub struct CheckRequest {
    /// 1 to [`MOST_PHOTOS`](crate::contract::limits::MOST_PHOTOS) photos' bytes.
    pub photos: Vec<Bytes>,
    /// Claimed brand.
    pub brand: Option<String>,
    /// Claimed product; needs a brand.
    pub product: Option<String>,
    /// The listing's id.
    pub listing_id: Option<String>,
    /// The seller's id.
    pub seller_id: Option<String>,
}

/// A self-test to run.
#[derive(Clone, Debug)]
pub struct SelfTestRequest {
    /// The product.
    pub product: ProductKey,
    /// Photos of each kind, 1 to
    /// [`MOST_PHOTOS_PER_KIND`](crate::contract::limits::MOST_PHOTOS_PER_KIND).
    pub photos_per_kind: usize,
    /// Seed of edits and photos.
    pub seed: u64,
}
