//! Work that is done in the background by whichever process takes it.
//!
//! A worker holds a job by a lease with a number. Whoever takes it over after the lease ran out raises
//! the number, and what the first worker still wants to say of the job is refused by the number it
//! has: it may be slow, but it cannot undo what the second one did.

use async_trait::async_trait;

use crate::checker::ports::StoreError;

/// What kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum JobKind {
    /// Scoring the genuine photos of a brand that have no score yet; the key is the brand.
    Score,
    /// Trying what would be flagged of a product. One runs at a time, so its key is always the same.
    SelfTest,
    /// Removing what need not be kept any longer; its key is always the same.
    Retention,
}

impl JobKind {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Score, Self::SelfTest, Self::Retention];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Score => "score",
            Self::SelfTest => "self_test",
            Self::Retention => "retention",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }

    /// How often it is begun at most, before it is given up.
    pub fn most_attempts(self) -> i64 {
        match self {
            // They are kept one by one, as removals are: each attempt goes on where the last one ended.
            Self::Score | Self::Retention => 8,
            // Whoever asked for it has gone with its worker.
            Self::SelfTest => 1,
        }
    }
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// Waits for a worker.
    Queued,
    /// A worker holds it.
    Running,
    /// Ended well.
    Done,
    /// Given up.
    Failed,
}

impl JobState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Queued, Self::Running, Self::Done, Self::Failed];

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// Work to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewJob {
    /// Id.
    pub id: String,
    /// What kind.
    pub kind: JobKind,
    /// What it is about: of one kind and key one runs at a time, and one more may wait.
    pub key: String,
    /// Who asked for it.
    pub actor: String,
}

/// A job that a worker holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leased {
    /// Its id.
    pub id: String,
    /// What kind.
    pub kind: JobKind,
    /// What it is about.
    pub key: String,
    /// Which attempt this is, from 1: the number of the lease.
    pub attempt: i64,
}

/// A job as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What kind.
    pub kind: JobKind,
    /// What it is about.
    pub key: String,
    /// Who asked for it.
    pub actor: String,
    /// How far it is.
    pub state: JobState,
    /// How often it was begun.
    pub attempt: i64,
    /// Why the last attempt failed.
    pub error: Option<String>,
}

/// Keeps work to be done. All times are the database's: clocks of two workers differ.
#[async_trait]
pub trait Jobs: Send + Sync {
    /// Adds a job, unless one of its kind and key waits already: that one will do.
    async fn enqueue(&self, job: &NewJob) -> Result<(), StoreError>;

    /// Adds jobs that score all brands with genuine photos; `actor` asked for them.
    async fn enqueue_all_scores(&self, actor: &str) -> Result<(), StoreError>;

    /// Adds a job and takes it at once for `lease_ms`; `None` while another of its kind and key is
    /// underway or waits.
    async fn begin(
        &self,
        job: &NewJob,
        worker: &str,
        lease_ms: i64,
    ) -> Result<Option<Leased>, StoreError>;

    /// Takes the oldest job of a kind that may be begun, for `lease_ms`: one that waits, or one whose
    /// worker let its lease run out. Those that were begun too often are given up on the way.
    async fn claim_job(
        &self,
        kind: JobKind,
        worker: &str,
        lease_ms: i64,
    ) -> Result<Option<Leased>, StoreError>;

    /// Prolongs a lease to `lease_ms` from now; `false` when somebody else holds the job meanwhile or
    /// it ended.
    async fn renew(&self, lease: &Leased, lease_ms: i64) -> Result<bool, StoreError>;

    /// Ends a job well; `false` when somebody else holds it meanwhile.
    async fn finish(&self, lease: &Leased) -> Result<bool, StoreError>;

    /// Ends an attempt that failed: the job is begun again after `again_ms`, or given up when it was
    /// begun too often; `false` when somebody else holds it meanwhile.
    async fn fail(&self, lease: &Leased, why: &str, again_ms: i64) -> Result<bool, StoreError>;

    /// One job.
    async fn job(&self, id: &str) -> Result<Job, StoreError>;
}
