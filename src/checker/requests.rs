//! What the use cases are asked, and why a request is refused before any work is done for it.

use bytes::Bytes;

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
    /// The image file's bytes.
    // Shared and not copied: hashing, decoding and keeping all want the same bytes.
    pub image: Bytes,
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
