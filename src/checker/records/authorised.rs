//! Photos that must never be flagged.

use async_trait::async_trait;

use crate::{
    checker::{actor::Actor, ports::StoreError},
    domain::{digest::Sha256, gallery::ProductKey},
};

/// A photo that must never be flagged under a claim on its product: a picture that the brand gave out, or
/// a harmless look-alike. It is neither searched nor learnt from.
#[derive(Clone, Debug, PartialEq)]
pub struct AuthorisedPhotoRecord {
    /// Id.
    pub id: String,
    /// The product that a listing with it would claim.
    pub product: ProductKey,
    /// What it is, for people.
    pub note: String,
    /// Content hash of the image file.
    pub sha256: Sha256,
    /// Who added it.
    pub actor: String,
    /// Milliseconds since 1970, UTC.
    pub created_ms: i64,
}

/// Keeps photos that must never be flagged.
#[async_trait]
pub trait AuthorisedPhotos: Send + Sync {
    /// Adds a photo; its product must exist; the same image of the same product is a conflict.
    async fn add_authorised_photo(
        &self,
        actor: &Actor,
        photo: &AuthorisedPhotoRecord,
    ) -> Result<(), StoreError>;
    /// Removes a photo of a product.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where the product has no such photo.
    async fn delete_authorised_photo(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
    ) -> Result<(), StoreError>;
    /// Photos of a product, oldest first.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where there is no such product.
    async fn authorised_photos(
        &self,
        product: &ProductKey,
    ) -> Result<Vec<AuthorisedPhotoRecord>, StoreError>;
}
