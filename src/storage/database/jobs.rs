//! Rows of work to be done.

use async_trait::async_trait;
use sqlx::AnyConnection;
use uuid::Uuid;

use super::{Database, refusal, rows::failed};
use crate::checker::{
    ports::StoreError,
    records::{Job, JobKind, JobState, Jobs, Leased, NewJob},
};

/// Who asks for what follows from a change by itself.
pub(super) const PROGRAM: &str = "assay";

/// How long jobs that ended can be looked up: 30 days.
const KEPT_MS: i64 = 30 * 24 * 60 * 60 * 1000;

const ENQUEUE: &str =
    "INSERT INTO jobs (id, kind, key, actor, state, attempt, most_attempts, due_ms, created_ms)
     VALUES ($1, $2, $3, $4, 'queued', 0, $5, {now}, {now})
     ON CONFLICT (kind, key) WHERE state = 'queued' DO NOTHING";

impl Database {
    /// Adds a job that scores a brand's genuine photos, within the transaction that makes it
    /// necessary; nothing where there are none. Last in it, since others may wait for its row. One
    /// that waits already is locked until the end of the transaction: a worker that took it before
    /// would not see what the transaction changes.
    pub(super) async fn enqueue_scores(
        &self,
        transaction: &mut AnyConnection,
        brand: &str,
        actor: &str,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO jobs
             (id, kind, key, actor, state, attempt, most_attempts, due_ms, created_ms)
             SELECT $1, $2, $3, $4, 'queued', 0, $5, {now}, {now}
             WHERE EXISTS (SELECT 1 FROM genuine_photos WHERE brand = $3)
             ON CONFLICT (kind, key) WHERE state = 'queued' DO UPDATE SET due_ms = jobs.due_ms";
        sqlx::query(self.spelled(sql))
            .bind(Uuid::now_v7().to_string())
            .bind(JobKind::Score.name())
            .bind(brand)
            .bind(actor)
            .bind(JobKind::Score.most_attempts())
            .execute(transaction)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Gives up jobs of a kind whose last worker let its lease run out.
    async fn give_up(&self, kind: JobKind) -> Result<(), StoreError> {
        let sql = "UPDATE jobs SET state = 'failed', ended_ms = {now},
             error = 'its worker stopped, and it was begun as often as it may be'
             WHERE kind = $1 AND state = 'running' AND due_ms <= {now} AND attempt >= most_attempts";
        sqlx::query(self.spelled(sql))
            .bind(kind.name())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Whether any job of a kind is due: asked before anything is written, since workers ask often.
    async fn is_due(&self, kind: JobKind) -> Result<bool, StoreError> {
        let sql = "SELECT 1 FROM jobs
             WHERE kind = $1 AND state IN ('queued', 'running') AND due_ms <= {now} LIMIT 1";
        let due = sqlx::query(self.spelled(sql))
            .bind(kind.name())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        Ok(due.is_some())
    }
}

#[async_trait]
impl Jobs for Database {
    async fn enqueue(&self, job: &NewJob) -> Result<(), StoreError> {
        sqlx::query(self.spelled(ENQUEUE))
            .bind(&job.id)
            .bind(job.kind.name())
            .bind(&job.key)
            .bind(&job.actor)
            .bind(job.kind.most_attempts())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn enqueue_all_scores(&self, actor: &str) -> Result<(), StoreError> {
        let brands: Vec<String> =
            sqlx::query_scalar("SELECT DISTINCT brand FROM genuine_photos ORDER BY brand")
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        for key in brands {
            self.enqueue(&NewJob {
                id: Uuid::now_v7().to_string(),
                kind: JobKind::Score,
                key,
                actor: actor.to_owned(),
            })
            .await?;
        }
        Ok(())
    }

    async fn begin(
        &self,
        job: &NewJob,
        worker: &str,
        lease_ms: i64,
    ) -> Result<Option<Leased>, StoreError> {
        self.give_up(job.kind).await?;
        let sql = "INSERT INTO jobs
             (id, kind, key, actor, state, attempt, most_attempts, worker, due_ms, created_ms)
             SELECT $1, $2, $3, $4, 'running', 1, $5, $6, {now} + $7, {now}
             WHERE NOT EXISTS (SELECT 1 FROM jobs WHERE kind = $2 AND key = $3 AND state = 'queued')
             ON CONFLICT DO NOTHING";
        let done = sqlx::query(self.spelled(sql))
            .bind(&job.id)
            .bind(job.kind.name())
            .bind(&job.key)
            .bind(&job.actor)
            .bind(job.kind.most_attempts())
            .bind(worker)
            .bind(lease_ms)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok((done.rows_affected() == 1).then(|| Leased {
            id: job.id.clone(),
            kind: job.kind,
            key: job.key.clone(),
            attempt: 1,
        }))
    }

    async fn claim_job(
        &self,
        kind: JobKind,
        worker: &str,
        lease_ms: i64,
    ) -> Result<Option<Leased>, StoreError> {
        if !self.is_due(kind).await? {
            return Ok(None);
        }
        self.give_up(kind).await?;
        let sql = "UPDATE jobs SET state = 'running', attempt = attempt + 1, worker = $2, due_ms = {now} + $3, ended_ms = NULL
             WHERE id = (SELECT j.id FROM jobs j WHERE j.kind = $1 AND j.due_ms <= {now}
                 AND (j.state = 'running' OR j.state = 'queued' AND NOT EXISTS
                     (SELECT 1 FROM jobs r WHERE r.kind = j.kind AND r.key = j.key AND r.state = 'running'))
                 ORDER BY j.created_ms, j.id LIMIT 1 {skip_locked})
             RETURNING id, key, attempt";
        let row: Option<(String, String, i64)> = sqlx::query_as(self.spelled(sql))
            .bind(kind.name())
            .bind(worker)
            .bind(lease_ms)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        Ok(row.map(|(id, key, attempt)| Leased {
            id,
            kind,
            key,
            attempt,
        }))
    }

    async fn renew(&self, lease: &Leased, lease_ms: i64) -> Result<bool, StoreError> {
        let sql = "UPDATE jobs SET due_ms = {now} + $3
             WHERE id = $1 AND attempt = $2 AND state = 'running'";
        let done = sqlx::query(self.spelled(sql))
            .bind(&lease.id)
            .bind(lease.attempt)
            .bind(lease_ms)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn finish(&self, lease: &Leased) -> Result<bool, StoreError> {
        let sql = "UPDATE jobs SET state = 'done', error = NULL, ended_ms = {now}
             WHERE id = $1 AND attempt = $2 AND state = 'running'";
        let done = sqlx::query(self.spelled(sql))
            .bind(&lease.id)
            .bind(lease.attempt)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        // Here, and not by a timer of its own: where no job ends, none becomes too many.
        let sql = "DELETE FROM jobs WHERE state IN ('done', 'failed') AND ended_ms < {now} - $1";
        sqlx::query(self.spelled(sql))
            .bind(KEPT_MS)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn fail(&self, lease: &Leased, why: &str, again_ms: i64) -> Result<bool, StoreError> {
        // Where another of its kind waits already, that one does the work.
        let sql = "UPDATE jobs SET error = $4, due_ms = {now} + $3, ended_ms = {now},
             state = CASE WHEN attempt >= most_attempts OR EXISTS (SELECT 1 FROM jobs w
                 WHERE w.kind = jobs.kind AND w.key = jobs.key AND w.state = 'queued')
                 THEN 'failed' ELSE 'queued' END
             WHERE id = $1 AND attempt = $2 AND state = 'running'";
        let done = sqlx::query(self.spelled(sql))
            .bind(&lease.id)
            .bind(lease.attempt)
            .bind(again_ms)
            .bind(why)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(done.rows_affected() == 1)
    }

    async fn job(&self, id: &str) -> Result<Job, StoreError> {
        type Row = (String, String, String, String, String, i64, Option<String>);
        let row: Option<Row> = sqlx::query_as(
            "SELECT id, kind, key, actor, state, attempt, error FROM jobs WHERE id = $1",
        )
        .bind(id)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        let (id, kind, key, actor, state, attempt, error) =
            row.ok_or_else(|| refusal::not_found("job", id))?;
        let unknown = |what: &str| StoreError::Failed(format!("job `{id}`: {what}").into());
        Ok(Job {
            kind: JobKind::from_name(&kind).ok_or_else(|| unknown("its kind is unknown"))?,
            state: JobState::from_name(&state).ok_or_else(|| unknown("its state is unknown"))?,
            id,
            key,
            actor,
            attempt,
            error,
        })
    }
}
