//! Keys, by which callers are known.

use async_trait::async_trait;

use crate::{
    checker::{
        actor::{Actor, Role},
        ports::StoreError,
    },
    domain::digest::Sha256,
};

/// A key as it is kept: what its owner holds is not among it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// Id, by which it is listed and revoked.
    pub id: String,
    /// What it is for, in its maker's words, 1 to 200 characters.
    pub name: String,
    /// What its owner may do.
    pub role: Role,
    /// The brands that its owner sees, `None` for all.
    pub brands: Option<Vec<String>>,
    /// SHA-256 of the secret.
    // Fast on purpose: a secret of 256 random bits cannot be guessed, however fast one tries.
    pub hash: Sha256,
    /// Who made it.
    pub actor: String,
    /// Milliseconds since 1970, UTC, as below.
    pub created_ms: i64,
    /// From when on it is refused, `None` for never.
    pub expires_ms: Option<i64>,
    /// When it was revoked.
    pub revoked_ms: Option<i64>,
    /// When it was last used, to the minute.
    pub used_ms: Option<i64>,
}

/// Somebody who signed in with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionRecord {
    /// SHA-256 of the secret that their browser holds.
    pub hash: Sha256,
    /// The key's id.
    pub key: String,
    /// Milliseconds since 1970, UTC, as below.
    pub created_ms: i64,
    /// When it was last used, to the minute.
    pub used_ms: i64,
    /// When they signed out.
    pub ended_ms: Option<i64>,
}

/// Keeps keys, and who signed in with them.
#[async_trait]
pub trait Accounts: Send + Sync {
    /// Adds a key.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when its id is taken.
    async fn add_key(&self, actor: &Actor, key: &KeyRecord) -> Result<(), StoreError>;
    /// All keys, oldest first, also those that were revoked or ran out.
    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError>;
    /// One key.
    async fn key(&self, id: &str) -> Result<KeyRecord, StoreError>;
    /// The key whose secret has this hash.
    async fn key_by_hash(&self, hash: Sha256) -> Result<Option<KeyRecord>, StoreError>;
    /// Refuses a key from `now_ms` on; one that was revoked before stays so.
    async fn revoke_key(
        &self,
        actor: &Actor,
        id: &str,
        now_ms: i64,
    ) -> Result<KeyRecord, StoreError>;
    /// Refuses a key from `expires_ms` on, unless it is refused earlier anyway.
    async fn expire_key(
        &self,
        actor: &Actor,
        id: &str,
        expires_ms: i64,
    ) -> Result<KeyRecord, StoreError>;
    /// Adds a key that takes the place of another one, which is refused from `expires_ms` on.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the new one's id is taken, [`StoreError::NotFound`] when there is
    /// no such old one; then neither is changed.
    async fn rotate_key(
        &self,
        actor: &Actor,
        id: &str,
        successor: &KeyRecord,
        expires_ms: i64,
    ) -> Result<KeyRecord, StoreError>;
    /// Notes that a key was used.
    async fn key_used(&self, id: &str, now_ms: i64) -> Result<(), StoreError>;
    /// Adds a session, and forgets those that were not used since `forget_ms`.
    async fn add_session(
        &self,
        actor: &Actor,
        session: &SessionRecord,
        forget_ms: i64,
    ) -> Result<(), StoreError>;
    /// The session whose secret has this hash, with its key.
    async fn session(&self, hash: Sha256)
    -> Result<Option<(SessionRecord, KeyRecord)>, StoreError>;
    /// Notes that a session was used.
    async fn session_used(&self, hash: Sha256, now_ms: i64) -> Result<(), StoreError>;
    /// Ends a session; one that ended before stays so.
    async fn end_session(&self, actor: &Actor, hash: Sha256, now_ms: i64)
    -> Result<(), StoreError>;
}
