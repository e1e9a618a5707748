//! References, and how the set of those that are searched changes.

use async_trait::async_trait;

use crate::{
    checker::{actor::Actor, ports::StoreError},
    domain::{
        digest::Sha256,
        gallery::{Health, Mark, ProductKey, ReferenceKind},
        geometry::Rect,
    },
};

/// Which edition of an article a reference shows, as its owner says. An old pack and one of another
/// country are as genuine as any: nothing of this accuses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Edition {
    /// The first day that it is sold, `YYYY-MM-DD`.
    pub valid_from: Option<String>,
    /// The last day that it is sold.
    pub valid_to: Option<String>,
    /// Countries that it is sold in, ISO 3166-1 alpha-2; none for all.
    pub markets: Vec<String>,
    /// The reference of the same product that it is a variant of.
    pub variant_of: Option<String>,
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
    /// Which edition of the article it shows.
    pub edition: Edition,
    /// Who enrolled it.
    pub actor: String,
    /// Milliseconds since 1970, UTC.
    // Signed, as the database keeps it.
    pub created_ms: i64,
}

/// A reference that was added, removed, or taken in or out of use.
#[derive(Clone, Debug, PartialEq)]
pub struct ChangedReference {
    /// Which.
    pub reference: ReferenceRecord,
    /// Whether it is searched: neither it nor its product nor its brand was taken out of use.
    pub in_use: bool,
    /// Number of the change.
    pub change: i64,
}

/// Keeps references.
#[async_trait]
pub trait References: Send + Sync {
    /// Adds a reference; its product must exist; the same image of the same product is a conflict.
    async fn add_reference(
        &self,
        actor: &Actor,
        reference: &ReferenceRecord,
    ) -> Result<(), StoreError>;
    /// All references of one product, oldest first.
    async fn references(&self, product: &ProductKey) -> Result<Vec<ReferenceRecord>, StoreError>;
    /// One reference by id, also when it was removed since: the evidence of earlier checks needs
    /// it.
    async fn reference(&self, id: &str) -> Result<ReferenceRecord, StoreError>;
    /// Says which edition a reference of a product shows; it must be there and not removed.
    async fn set_edition(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
        edition: &Edition,
    ) -> Result<ReferenceRecord, StoreError>;
    /// Removes a reference of a product at `now_ms` (milliseconds since 1970, UTC).
    // Marked and not erased: the evidence of earlier checks shows it.
    async fn delete_reference(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
        now_ms: i64,
    ) -> Result<(), StoreError>;
    /// References that changed, by change and id; of a reference that changed several times, the last
    /// change. `most` of them after a change and an id, such as the last of those read before.
    // What was read before stays right, so that enrolling many costs each of them the same. In
    // portions, since the first time it is all of them.
    async fn changed_references(
        &self,
        after: (i64, &str),
        most: usize,
    ) -> Result<Vec<ChangedReference>, StoreError>;
    /// The number of the last change; it moves whenever anybody, in this process or another, changes
    /// which references are searched.
    // A number instead of a time: clocks of two processes differ, one database counts for both.
    async fn last_change(&self) -> Result<i64, StoreError>;
}
