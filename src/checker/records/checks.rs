//! Checks, and the photos they were about.

use std::{collections::BTreeMap, ops::Range};

use async_trait::async_trait;

use crate::{
    checker::{actor::Actor, ports::StoreError},
    contract::{Verdict, answer::CheckAnswer},
    domain::digest::Sha256,
};

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

/// Checks that claim a brand, counted.
// Without listings and sellers: whoever may see how many there are may not see whose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// By day (whole days since 1970, UTC) and verdict; what did not occur is absent.
    pub days: BTreeMap<(i64, Verdict), usize>,
    /// By the product that they claim; claims on the brand alone are absent.
    pub products: BTreeMap<String, usize>,
    /// Flagged checks whose last decision upholds the answer.
    pub upheld: usize,
    /// Flagged checks whose last decision overturns it.
    pub overturned: usize,
}

/// Keeps checks.
#[async_trait]
pub trait Checks: Send + Sync {
    /// Stores a check's answer with the hashes and fingerprints of its photos, and who asked.
    async fn add_check(
        &self,
        actor: &Actor,
        answer: &CheckAnswer,
        fingerprints: &[Option<u128>],
    ) -> Result<(), StoreError>;
    /// One check.
    async fn check(&self, id: &str) -> Result<CheckAnswer, StoreError>;
    /// Checks, newest first; where `brands` are named, only claims on these.
    async fn checks(
        &self,
        filter: &CheckFilter,
        brands: Option<&[String]>,
    ) -> Result<Vec<CheckAnswer>, StoreError>;
    /// Which of these photos were on listings of *other* sellers; nothing without a seller id.
    // Sellers relist their own photos all the time, which says nothing: hence other sellers only.
    async fn seen_elsewhere(
        &self,
        sha256: &[Sha256],
        seller: Option<&str>,
    ) -> Result<Vec<SeenElsewhere>, StoreError>;
    /// Checks that claim a brand and were made on these days (whole days since 1970, UTC), counted.
    async fn tally(&self, brand: &str, days: Range<i64>) -> Result<Tally, StoreError>;
}
