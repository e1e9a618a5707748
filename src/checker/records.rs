//! What is stored: brands, products, references, genuine photos and checks, and the port that keeps
//! them.

use async_trait::async_trait;

use super::ports::StoreError;
use crate::contract::{Verdict, answer::CheckAnswer, operating_point::OperatingPointAnswer};
use crate::domain::{
    digest::Sha256,
    gallery::{Health, Mark, ProductKey, ReferenceKind},
    geometry::Rect,
    score::LogOdds,
};

/// What an owner sets of a brand or a product.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// Share of genuine checks that may be flagged, 0 to 1, both exclusive; `None` for the brand's,
    /// and where that has none for the operator's.
    pub budget: Option<f64>,
    /// Whether it is retired: no longer searched nor claimed, and kept for earlier checks.
    pub retired: bool,
}

/// What is changed of a brand or a product; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Change {
    /// Another name for people.
    pub name: Option<String>,
    /// Another budget, or none of its own.
    pub budget: Option<Option<f64>>,
    /// Whether it is retired from now on.
    pub retired: Option<bool>,
}

/// A brand.
#[derive(Clone, Debug, PartialEq)]
pub struct Brand {
    /// Id: 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`, starting with a letter or digit.
    pub id: String,
    /// Name for people, 1 to 200 characters.
    pub name: String,
    /// What its owner sets.
    pub settings: Settings,
}

/// A product of a brand.
#[derive(Clone, Debug, PartialEq)]
pub struct Product {
    /// Brand and product id; the product's id has the form of a brand's.
    pub key: ProductKey,
    /// Name for people, 1 to 200 characters.
    pub name: String,
    /// What its owner sets.
    pub settings: Settings,
}

/// An enrolled reference as the store knows it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceRecord {
    /// Id.
    pub id: String,
    /// Product it belongs to.
    pub product: ProductKey,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view named by the owner.
    pub view: Option<String>,
    /// Content hash of the image file.
    pub sha256: Sha256,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// The part of the upright image that shows the article, in pixels, as the engine found it.
    pub article: Option<Rect>,
    /// Protected marks, given or proposed.
    pub marks: Vec<Mark>,
    /// How usable it is.
    pub health: Health,
    /// Milliseconds since 1970, UTC.
    // Signed, as the database keeps it.
    pub created_ms: i64,
}

/// A genuine photo: calibration data, never searched.
#[derive(Clone, Debug, PartialEq)]
pub struct GenuinePhotoRecord {
    /// Id.
    pub id: String,
    /// Product it shows.
    pub product: ProductKey,
    /// The physical item it shows: photos of one item are not independent.
    pub item: String,
    /// Content hash of the image file.
    pub sha256: Sha256,
    /// Milliseconds since 1970, UTC.
    pub created_ms: i64,
}

/// Score of one genuine photo under one version of models and references.
#[derive(Clone, Debug, PartialEq)]
pub struct GenuineScore {
    /// The genuine photo.
    pub photo: String,
    /// Product it shows.
    pub product: String,
    /// Its item.
    pub item: String,
    /// The score; `None` when the photo is not comparable.
    pub score: Option<LogOdds>,
    /// The score less what the product's other items show too; `None` when the photo is not
    /// comparable or was scored since these were last put together.
    pub adjusted: Option<LogOdds>,
}

/// What one genuine photo showed under one version of models and references.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptObservation {
    /// The genuine photo.
    pub photo: String,
    /// Its item.
    pub item: String,
    /// What it showed, in the checker's own form.
    // Text that no store looks into: its form may change without any table.
    pub observation: String,
}

/// What a product's genuine photos show together under one version of models and references.
#[derive(Clone, Debug, PartialEq)]
pub struct KeptVariation {
    /// Photos that it was put together from.
    pub photos: usize,
    /// What they show, in the checker's own form.
    pub variation: String,
}

/// Which checks to list, newest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CheckFilter {
    /// Only this verdict.
    pub verdict: Option<Verdict>,
    /// Only claims on this brand.
    pub brand: Option<String>,
    /// Only checks older than this check id.
    // An id and no page number: new checks would shift the pages under whoever reads them.
    pub before: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// A photo of a check that was seen on another seller's listing before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenElsewhere {
    /// Content hash of the photo.
    pub sha256: Sha256,
    /// The oldest check of another seller that had it.
    pub check: String,
    /// That seller's id.
    pub seller: String,
}

/// Counters that move whenever anybody, in this process or another, changes what they count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// References added or removed.
    // Counts instead of times: clocks of two processes differ, one database counts for both.
    pub references: i64,
    /// Genuine photos added or removed.
    pub genuine_photos: i64,
}

/// Genuine photos that calibrate: more of them change no threshold and cost every check time.
pub(crate) const MOST_GENUINE_PHOTOS: u32 = 10_000;

/// Keeps everything but image bytes.
#[async_trait]
pub trait Store: Send + Sync {
    /// Adds a brand; a brand of the same id and name is accepted again, another name is a conflict.
    async fn add_brand(&self, brand: &Brand) -> Result<(), StoreError>;
    /// Changes a brand; it must exist.
    async fn change_brand(&self, id: &str, change: &Change) -> Result<Brand, StoreError>;
    /// One brand.
    async fn brand(&self, id: &str) -> Result<Brand, StoreError>;
    /// All brands by id.
    async fn brands(&self) -> Result<Vec<Brand>, StoreError>;
    /// Adds a product; its brand must exist; the same id and name is accepted again.
    async fn add_product(&self, product: &Product) -> Result<(), StoreError>;
    /// Changes a product; it must exist.
    async fn change_product(
        &self,
        key: &ProductKey,
        change: &Change,
    ) -> Result<Product, StoreError>;
    /// All products of a brand by id; the brand must exist.
    async fn products(&self, brand: &str) -> Result<Vec<Product>, StoreError>;
    /// One product.
    async fn product(&self, key: &ProductKey) -> Result<Product, StoreError>;
    /// Adds a reference; its product must exist; the same image of the same product is a conflict.
    async fn add_reference(&self, reference: &ReferenceRecord) -> Result<(), StoreError>;
    /// All references of one product, or of all that are not retired, oldest first.
    async fn references(
        &self,
        product: Option<&ProductKey>,
    ) -> Result<Vec<ReferenceRecord>, StoreError>;
    /// One reference by id, also when it was removed since: the evidence of earlier checks needs
    /// it.
    async fn reference(&self, id: &str) -> Result<ReferenceRecord, StoreError>;
    /// Removes a reference of a product at `now_ms` (milliseconds since 1970, UTC).
    // Marked and not erased: the evidence of earlier checks shows it.
    async fn delete_reference(
        &self,
        product: &ProductKey,
        id: &str,
        now_ms: i64,
    ) -> Result<(), StoreError>;
    /// Adds a genuine photo; its product must exist; the same image of the same product is a
    /// conflict.
    async fn add_genuine_photo(&self, photo: &GenuinePhotoRecord) -> Result<(), StoreError>;
    /// Removes a genuine photo of a product, with all that follows from it.
    async fn delete_genuine_photo(&self, product: &ProductKey, id: &str) -> Result<(), StoreError>;
    /// Genuine photos of a product, oldest first, [`MOST_GENUINE_PHOTOS`] at most.
    async fn genuine_photos(
        &self,
        product: &ProductKey,
    ) -> Result<Vec<GenuinePhotoRecord>, StoreError>;
    /// Genuine photos of all of a brand's products, oldest first, [`MOST_GENUINE_PHOTOS`] at most.
    async fn genuine_photos_of_brand(
        &self,
        brand: &str,
    ) -> Result<Vec<GenuinePhotoRecord>, StoreError>;
    /// Scores of a brand's genuine photos, of one product or of all, under a version (hash of
    /// models, references and rule), oldest photo first, [`MOST_GENUINE_PHOTOS`] at most.
    async fn genuine_scores(
        &self,
        brand: &str,
        product: Option<&str>,
        version: &str,
    ) -> Result<Vec<GenuineScore>, StoreError>;
    /// Stores a photo's score under a version, without what other items show, and what it showed,
    /// replacing older ones.
    async fn put_genuine_score(
        &self,
        score: &GenuineScore,
        observation: Option<&str>,
        version: &str,
    ) -> Result<(), StoreError>;
    /// What a product's comparable genuine photos showed under a version, oldest photo first:
    /// `most` of them `after` a photo (by id), or from the first on.
    // In portions: all of ten thousand photos would take some 200 MB at once.
    async fn observations(
        &self,
        product: &ProductKey,
        version: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<KeptObservation>, StoreError>;
    /// Stores what a product's genuine photos show together under a version, and the adjusted
    /// scores (by photo) of photos scored under it; nothing when what is there was put together
    /// from more photos.
    // Two processes may put the same photos together; whoever saw fewer of them must not win.
    async fn put_variation(
        &self,
        product: &ProductKey,
        kept: &KeptVariation,
        adjusted: &[(String, LogOdds)],
        version: &str,
    ) -> Result<(), StoreError>;
    /// What genuine photos of a brand's products, of one or of all, show under a version.
    async fn variations(
        &self,
        brand: &str,
        product: Option<&str>,
        version: &str,
    ) -> Result<Vec<KeptVariation>, StoreError>;
    /// Keeps what answers are judged by; one that is kept already stays as it is.
    async fn add_operating_point(&self, point: &OperatingPointAnswer) -> Result<(), StoreError>;
    /// What answers were judged by.
    async fn operating_point(&self, id: &str) -> Result<OperatingPointAnswer, StoreError>;
    /// Stores a check's answer with the hashes and fingerprints of its photos.
    async fn add_check(
        &self,
        answer: &CheckAnswer,
        fingerprints: &[Option<u128>],
    ) -> Result<(), StoreError>;
    /// One check.
    async fn check(&self, id: &str) -> Result<CheckAnswer, StoreError>;
    /// Checks, newest first.
    async fn checks(&self, filter: &CheckFilter) -> Result<Vec<CheckAnswer>, StoreError>;
    /// Which of these photos were on listings of *other* sellers; nothing without a seller id.
    // Sellers relist their own photos all the time, which says nothing: hence other sellers only.
    async fn seen_elsewhere(
        &self,
        sha256: &[Sha256],
        seller: Option<&str>,
    ) -> Result<Vec<SeenElsewhere>, StoreError>;
    /// The counters of changes; cheap, asked before every check.
    async fn changes(&self) -> Result<Changes, StoreError>;
    /// Whether the database answers.
    async fn ping(&self) -> Result<(), StoreError>;
    /// Whether there is room for new data: tried by writing, and then removing, as much as a photo.
    async fn room(&self) -> Result<(), StoreError>;
}
