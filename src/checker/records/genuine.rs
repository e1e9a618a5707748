//! Genuine photos, what they scored, and what they show.

use async_trait::async_trait;

use crate::{
    checker::{actor::Actor, ports::StoreError},
    domain::{digest::Sha256, gallery::ProductKey, score::LogOdds},
};

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
    /// Who added it.
    pub actor: String,
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

/// Genuine photos that calibrate: more of them change no threshold and cost every check time.
pub(crate) const MOST_GENUINE_PHOTOS: u32 = 10_000;

/// Keeps genuine photos.
#[async_trait]
pub trait GenuinePhotos: Send + Sync {
    /// Adds a genuine photo; its product must exist; the same image of the same product is a
    /// conflict.
    async fn add_genuine_photo(
        &self,
        actor: &Actor,
        photo: &GenuinePhotoRecord,
    ) -> Result<(), StoreError>;
    /// Removes a genuine photo of a product, with all that follows from it.
    async fn delete_genuine_photo(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
    ) -> Result<(), StoreError>;
    /// Genuine photos of a product, oldest first, [`MOST_GENUINE_PHOTOS`] at most.
    async fn genuine_photos(
        &self,
        product: &ProductKey,
    ) -> Result<Vec<GenuinePhotoRecord>, StoreError>;
    /// The products of a brand that have genuine photos, by id.
    async fn products_with_genuine_photos(
        &self,
        brand: &str,
    ) -> Result<Vec<ProductKey>, StoreError>;
    /// Genuine photos of all of a brand's products, oldest first, [`MOST_GENUINE_PHOTOS`] at most.
    async fn genuine_photos_of_brand(
        &self,
        brand: &str,
    ) -> Result<Vec<GenuinePhotoRecord>, StoreError>;
}

/// Keeps what genuine photos scored and showed.
#[async_trait]
pub trait Scores: Send + Sync {
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
}
