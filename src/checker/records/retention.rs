//! What is removed after a while or on request, and what is kept in spite of it.

use async_trait::async_trait;

use crate::checker::{
    actor::Actor,
    ports::{Images, StoreError},
};

/// A check whose photos and ids are kept, whatever would remove them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The check.
    pub check: String,
    /// Why, in the words of whoever asked for it.
    pub why: String,
    /// Who asked for it.
    pub actor: String,
    /// Milliseconds since 1970, UTC, by the database's clock.
    pub created_ms: i64,
}

/// Why a photo's bytes are gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemovedBy {
    /// Its check was cleared, and old enough.
    Retention,
    /// Somebody's data were erased.
    Erasure,
}

impl RemovedBy {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::Erasure => "erasure",
        }
    }
}

/// A photo of a check whose bytes were removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovedPhoto {
    /// Its number in the check, from 0.
    pub n: usize,
    /// Why, by the name of a [`RemovedBy`].
    pub by: String,
    /// Milliseconds since 1970, UTC, by the database's clock.
    pub at_ms: i64,
}

/// Whose data are to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The seller of this id.
    Seller(String),
    /// The listing of this id.
    Listing(String),
}

impl Subject {
    /// The id.
    pub fn id(&self) -> &str {
        match self {
            Self::Seller(id) | Self::Listing(id) => id,
        }
    }
}

/// A check of somebody whose data are to be erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concerned {
    /// The check.
    pub check: String,
    /// Its photos whose bytes are kept.
    pub photos: usize,
    /// Whether a hold stands against it.
    pub held: bool,
}

/// Removes what need not be kept, and keeps what must be.
#[async_trait]
pub trait Retention: Send + Sync {
    /// Keeps a check, whatever would remove its photos or ids.
    ///
    /// # Errors
    /// There is no such check, or it is held already.
    async fn hold(&self, actor: &Actor, check: &str, why: &str) -> Result<(), StoreError>;
    /// Ends a hold.
    ///
    /// # Errors
    /// The check is not held.
    async fn release(&self, actor: &Actor, check: &str, why: &str) -> Result<(), StoreError>;
    /// All holds, oldest first.
    async fn holds(&self) -> Result<Vec<Hold>, StoreError>;
    /// Checks that were cleared and are under no hold, with ids before this one, whose photos are
    /// kept: at most `most`, oldest first. Cleared is what is consistent or not comparable.
    async fn cleared(&self, before: &str, most: usize) -> Result<Vec<String>, StoreError>;
    /// Removes the bytes of a check's photos, but for those that anything else needs; how many photos
    /// are without them now. None where the check is held.
    ///
    /// # Errors
    /// There is no such check, or the images cannot be reached: then nothing is noted, and it can be
    /// done again.
    async fn remove_photos(
        &self,
        actor: &Actor,
        check: &str,
        images: &dyn Images,
    ) -> Result<usize, StoreError>;
    /// Checks that were decided before this moment (milliseconds since 1970) and are under no hold,
    /// whose photos are kept or what their seller said: at most `most`, oldest decision first.
    async fn settled(&self, before_ms: i64, most: usize) -> Result<Vec<String>, StoreError>;
    /// Removes the bytes of a check's photos, as above, and what its seller said in disputes; how
    /// many photos and statements. None where the check is held.
    ///
    /// # Errors
    /// As above.
    async fn remove_dispute(
        &self,
        actor: &Actor,
        check: &str,
        images: &dyn Images,
    ) -> Result<usize, StoreError>;
    /// All checks of somebody, oldest first.
    async fn concerned(&self, subject: &Subject) -> Result<Vec<Concerned>, StoreError>;
    /// Removes the bytes of a check's photos, as above, and the ids of its seller and listing; how
    /// many photos are without bytes now.
    ///
    /// # Errors
    /// As above, and [`StoreError::Conflict`] when the check is held.
    async fn erase(
        &self,
        actor: &Actor,
        check: &str,
        why: &str,
        images: &dyn Images,
    ) -> Result<usize, StoreError>;
    /// Makes sure that what was erased is in no file of the database any more, as far as it can.
    async fn forget(&self) -> Result<(), StoreError>;
    /// Photos of a check whose bytes were removed.
    async fn removed(&self, check: &str) -> Result<Vec<RemovedPhoto>, StoreError>;
    /// How often images were removed. Who keeps an image, then a record that names it, and reads
    /// another number afterwards, has to keep the image again: it may have been removed in between.
    async fn removals(&self) -> Result<i64, StoreError>;
}
