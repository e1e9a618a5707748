//! Checks that a person has to look at: the queue, disputes and decisions.

use async_trait::async_trait;

use crate::{
    checker::{actor::Actor, ports::StoreError},
    contract::{QueueOrder, ReviewOutcome, ReviewState, Verdict, answer::CheckAnswer},
};

/// A check that a person has to look at, or has looked at.
#[derive(Clone, Debug, PartialEq)]
pub struct ReviewRecord {
    /// The check.
    pub answer: CheckAnswer,
    /// Where it stands.
    pub state: ReviewState,
    /// Whether a dispute waits for an answer.
    pub disputed: bool,
    /// Since when it stands so, milliseconds since 1970, UTC, as below.
    pub since_ms: i64,
    /// Who looks at it now.
    pub holder: Option<Holder>,
}

/// Who looks at a check, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Name that is kept with what they do.
    pub actor: String,
    /// Name for people.
    pub label: String,
    /// End of the lease.
    pub until_ms: i64,
}

/// Which checks to list; disputed ones first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueFilter {
    /// Only those in this state.
    pub state: ReviewState,
    /// Only those that are disputed.
    pub disputed: bool,
    /// Only this verdict.
    pub verdict: Option<Verdict>,
    /// Only claims on this brand.
    pub brand: Option<String>,
    /// Beginnings of words that the listing's or the seller's id has, in lower case.
    pub words: Vec<String>,
    /// In which order.
    pub order: QueueOrder,
    /// The last check of the page before.
    pub after: Option<String>,
    /// At most this many.
    pub limit: usize,
}

/// What a seller says against an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DisputeRecord {
    /// Id.
    pub id: String,
    /// The check.
    pub check: String,
    /// What the seller says.
    pub statement: String,
    /// The check of the photos that came with it.
    pub photos_check: Option<String>,
    /// Who sent it.
    pub actor: String,
    /// When.
    pub created_ms: i64,
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionRecord {
    /// Id.
    pub id: String,
    /// The check.
    pub check: String,
    /// What was decided.
    pub outcome: ReviewOutcome,
    /// Why.
    pub reason: String,
    /// The dispute that it answers.
    pub dispute: Option<String>,
    /// Who decided.
    pub actor: String,
    /// Their name for people.
    pub label: String,
    /// When.
    pub created_ms: i64,
}

/// What came of asking for a check to look at, or to decide about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lease {
    /// It is theirs until then.
    Theirs(Holder),
    /// Somebody else holds it.
    Taken(Holder),
    /// They decided before what is disputed now: somebody else has to.
    DecidedBefore,
    /// They do not hold it, or no longer.
    Lost,
}

/// Keeps the queue, disputes and decisions.
#[async_trait]
pub trait Reviews: Send + Sync {
    /// A page of checks that people look at.
    async fn queue(&self, filter: &QueueFilter) -> Result<Vec<ReviewRecord>, StoreError>;
    /// Where a check stands; `None` for one that was neither flagged nor disputed.
    async fn review(&self, check: &str) -> Result<Option<ReviewRecord>, StoreError>;
    /// Disputes of a check, oldest first.
    async fn disputes(&self, check: &str) -> Result<Vec<DisputeRecord>, StoreError>;
    /// Decisions about a check, oldest first.
    async fn decisions(&self, check: &str) -> Result<Vec<DecisionRecord>, StoreError>;
    /// Keeps a dispute and puts its check on top of the queue.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] for a check that is not there.
    async fn dispute(&self, actor: &Actor, dispute: &DisputeRecord) -> Result<(), StoreError>;
    /// Gives a check to somebody for `lease_ms`, or prolongs their lease.
    async fn lease(&self, actor: &Actor, check: &str, lease_ms: i64) -> Result<Lease, StoreError>;
    /// Gives a check back; nothing when somebody else holds it.
    async fn give_back(&self, actor: &Actor, check: &str) -> Result<(), StoreError>;
    /// Keeps a decision of who holds the check, who then holds it no longer. Only
    /// [`Lease::Theirs`] says that it was kept.
    async fn decide(&self, actor: &Actor, decision: &DecisionRecord) -> Result<Lease, StoreError>;
    /// Other checks of a listing or a seller, newest first, `most` at most.
    async fn history(
        &self,
        listing: Option<&str>,
        seller: Option<&str>,
        most: usize,
    ) -> Result<Vec<CheckAnswer>, StoreError>;
}
