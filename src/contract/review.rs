//! What people say about checks: disputes, decisions, and who is looking at which.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{RecordId, ReviewOutcome, ReviewState, answer::CheckAnswer};

/// A check that a person has to look at, or has looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReviewAnswer {
    /// The check.
    pub check: CheckAnswer,
    /// Where it stands.
    pub state: ReviewState,
    /// Whether a dispute waits for an answer.
    pub disputed: bool,
    /// Since when it stands so, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub since: String,
    /// Who looks at it now, `null` for nobody.
    pub holder: Option<HolderAnswer>,
    /// All disputes, oldest first.
    pub disputes: Vec<DisputeAnswer>,
    /// All decisions, oldest first; the last one holds.
    pub decisions: Vec<DecisionAnswer>,
}

/// Who looks at a check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HolderAnswer {
    /// Name for people.
    pub name: String,
    /// Whether it is who asks.
    pub yours: bool,
    /// Until when nobody else may decide, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub until: String,
}

/// What a seller says against an answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DisputeAnswer {
    /// Id.
    #[schema(value_type = RecordId)]
    pub id: String,
    /// The check.
    #[schema(value_type = RecordId)]
    pub check: String,
    /// What the seller says.
    pub statement: String,
    /// The check of the photos that came with it, `null` when none did.
    #[schema(value_type = Option<RecordId>)]
    pub photos_check: Option<String>,
    /// When it came, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// What a person decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DecisionAnswer {
    /// Id.
    #[schema(value_type = RecordId)]
    pub id: String,
    /// What was decided.
    pub outcome: ReviewOutcome,
    /// Why.
    pub reason: String,
    /// Name of who decided.
    pub by: String,
    /// The dispute that it answers, `null` for none.
    #[schema(value_type = Option<RecordId>)]
    pub dispute: Option<String>,
    /// When, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub created_at: String,
}

/// A check in the queue.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QueueEntry {
    /// The check.
    pub check: CheckAnswer,
    /// Where it stands.
    pub state: ReviewState,
    /// Whether a dispute waits for an answer.
    pub disputed: bool,
    /// Since when it stands so, RFC 3339, UTC.
    #[schema(format = DateTime)]
    pub since: String,
    /// Who looks at it now, `null` for nobody.
    pub holder: Option<HolderAnswer>,
}
