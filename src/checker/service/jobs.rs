//! Work in the background: taking it, doing it, and saying how it ended.

use super::{Assay, ServiceError, new_id};
use crate::checker::{
    actor::Actor,
    records::{JobKind, JobState, Leased, NewJob},
};

/// How long a job is taken to be underway after its worker last said so.
const LEASE_MS: i64 = 60_000;
/// What an attempt that failed waits before the next, times the number of the attempt.
const AGAIN_MS: i64 = 5_000;

impl Assay {
    /// Asks for the scores of all genuine photos; those that have one already cost nothing.
    pub async fn score_everything(&self, actor: &Actor) -> Result<(), ServiceError> {
        Ok(self.records.jobs.enqueue_all_scores(actor.name()).await?)
    }

    /// Asks for what need not be kept any longer to be removed, unless somebody did and it waits.
    pub async fn ask_for_retention(&self, actor: &Actor) -> Result<(), ServiceError> {
        let job = NewJob {
            id: new_id(),
            kind: JobKind::Retention,
            key: "all".to_owned(),
            actor: actor.name().to_owned(),
        };
        Ok(self.records.jobs.enqueue(&job).await?)
    }

    /// Takes the next job of a kind that waits, or whose worker stopped.
    pub async fn take_job(&self, kind: JobKind) -> Result<Option<Leased>, ServiceError> {
        let jobs = &self.records.jobs;
        Ok(jobs.claim_job(kind, &self.worker, LEASE_MS).await?)
    }

    /// Does a job; returns how many genuine photos were scored. Doing it again, or
    /// twice at a time, costs time and nothing else.
    pub async fn do_job(&self, job: &Leased) -> Result<usize, ServiceError> {
        match job.kind {
            JobKind::Score => self.score_brand(&job.key).await,
            // Whoever asked for it does it, and gets the answer.
            JobKind::SelfTest => Ok(0),
            // Done by a keeper, who knows what is to be removed.
            JobKind::Retention => Ok(0),
        }
    }

    /// Says that a job is underway; `false` when another process has it meanwhile.
    pub async fn renew_job(&self, job: &Leased) -> Result<bool, ServiceError> {
        Ok(self.records.jobs.renew(job, LEASE_MS).await?)
    }

    /// Says that a job ended well.
    pub async fn finish_job(&self, job: &Leased) -> Result<(), ServiceError> {
        self.records.jobs.finish(job).await?;
        Ok(())
    }

    /// Says that an attempt failed; the job is done again later, or given up.
    pub async fn fail_job(&self, job: &Leased, why: &ServiceError) -> Result<(), ServiceError> {
        let (jobs, again_ms) = (&self.records.jobs, AGAIN_MS * job.attempt);
        jobs.fail(job, &why.to_string(), again_ms).await?;
        let kept = jobs.job(&job.id).await?;
        if kept.state == JobState::Failed {
            tracing::error!(
                "job `{}` ({} {}) is given up after {} attempts, until something asks for it again: {why}",
                kept.id,
                kept.kind.name(),
                kept.key,
                kept.attempt
            );
        }
        Ok(())
    }
}
