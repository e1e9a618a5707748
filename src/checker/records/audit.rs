//! The log of what was done: by whom, to what, and why. It is only ever added to.
//!
//! Each entry is hashed together with the hash of the one before it. Whoever changes, removes or
//! moves an entry would have to make all that follow anew, and whoever holds a later hash sees that.

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    checker::ports::StoreError,
    domain::digest::{Hashing, Sha256},
};

/// One thing that was done, in the order in which its text names it.
// No personal data: ids of records, hashes and settings only. Erasing somebody's data must never
// have to touch the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its number: 1, 2, 3 and so on, without gaps.
    pub seq: i64,
    /// When, RFC 3339, by the database's clock.
    pub at: String,
    /// Who.
    pub actor: String,
    /// In which role.
    pub role: String,
    /// Within which request.
    pub request: Option<String>,
    /// What was done, as in `brand.added`.
    pub action: String,
    /// To what, as in `brand/acme`, `product/acme/oat`, `check/ID`.
    pub about: String,
    /// What it was before, `None` for what was not there.
    pub before: Option<Value>,
    /// What it is since, `None` for what is no longer there.
    pub after: Option<Value>,
    /// Why, in the words of whoever did it.
    pub why: Option<String>,
}

/// An entry as it is kept: nothing of it is believed before it was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logged {
    /// The number that it is kept under.
    pub seq: i64,
    /// Its exact text, which is hashed: JSON of an [`Entry`].
    pub entry: String,
    /// Hash of its text and of the hash before it, 64 hex digits.
    pub hash: String,
    /// What it is looked up by: the same as in its text.
    pub about: String,
}

/// How far the log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Number of the last entry, 0 before the first.
    pub seq: i64,
    /// Its hash.
    pub hash: Sha256,
}

impl Head {
    /// Before the first entry: 64 zeros stand for a hash.
    pub fn start() -> Self {
        Self {
            seq: 0,
            hash: Sha256::ZERO,
        }
    }

    /// After one more entry.
    pub fn then(&self, seq: i64, entry: &str) -> Self {
        let mut hashing = Hashing::default();
        hashing.update(self.hash.to_string().as_bytes());
        hashing.update(b"\n");
        hashing.update(entry.as_bytes());
        Self {
            seq,
            hash: hashing.finish(),
        }
    }
}

/// Some entries, and how far the log was when they were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Portion {
    /// By their numbers.
    pub entries: Vec<Logged>,
    /// `None` where the database does not say.
    pub head: Option<Head>,
}

/// Reads the log. It is written by what is done, in the same transaction.
#[async_trait]
pub trait Audit: Send + Sync {
    /// Entries after a number, at most `most`, of all or about one thing.
    async fn entries(
        &self,
        about: Option<&str>,
        after: i64,
        most: usize,
    ) -> Result<Portion, StoreError>;
    /// How far the log is.
    async fn head(&self) -> Result<Head, StoreError>;
}
