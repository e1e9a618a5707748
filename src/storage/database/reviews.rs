//! Rows of what people do about checks: disputes, decisions, and who looks at which.

use async_trait::async_trait;
use serde_json::json;
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    Database,
    audit::Deed,
    checks,
    queue::{self, words},
    refusal,
    rows::{failed, named},
};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{
            DecisionRecord, DisputeRecord, Holder, Lease, QueueFilter, ReviewRecord, Reviews,
        },
    },
    contract::{ReviewOutcome, ReviewState, answer::CheckAnswer},
    domain::digest::Sha256,
};

/// Whoever decided before what is disputed now, `$1` about check `$2`.
const DECIDED_BEFORE: &str = "(disputed = 1 AND EXISTS
     (SELECT 1 FROM decisions d WHERE d.check_id = $2 AND d.actor = $1))";

impl Database {
    /// Puts a check into the queue, within the transaction that makes it necessary. One that is there
    /// already comes back into it, and whoever holds it does so no longer.
    pub(super) async fn enqueue_review(
        &self,
        transaction: &mut AnyConnection,
        answer: &CheckAnswer,
        disputed: bool,
    ) -> Result<(), StoreError> {
        let sql = "INSERT INTO reviews (check_id, state, disputed, since_ms, verdict, brand, rank)
             VALUES ($1, 'open', $2, {now}, $3, $4, $5)
             ON CONFLICT (check_id) DO UPDATE SET state = 'open', disputed = excluded.disputed,
             since_ms = excluded.since_ms, holder = NULL, holder_label = NULL, held_until_ms = NULL";
        sqlx::query(self.spelled(sql))
            .bind(&answer.id)
            .bind(i64::from(disputed))
            .bind(answer.verdict.name())
            .bind(answer.claim.as_ref().map(|c| &c.brand))
            .bind(answer.p_value.unwrap_or(queue::NO_RANK))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let ids = [&answer.listing_id, &answer.seller_id].map(|id| id.as_deref());
        for word in words(ids.into_iter().flatten()) {
            sqlx::query(
                "INSERT INTO review_words (word, check_id) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            )
            .bind(word)
            .bind(&answer.id)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        Ok(())
    }

    /// Why somebody does not hold a check.
    async fn refused_hold(&self, actor: &Actor, check: &str) -> Result<Lease, StoreError> {
        let review = self.review(check).await?;
        let review = review.ok_or_else(|| refusal::not_found("review", check))?;
        if let Some(holder) = review.holder.filter(|holder| holder.actor != actor.name()) {
            return Ok(Lease::Taken(holder));
        }
        let decisions = self.decisions(check).await?;
        let before = decisions.iter().any(|d| d.actor == actor.name());
        Ok(if review.disputed && before {
            Lease::DecidedBefore
        } else {
            Lease::Lost
        })
    }
}

#[async_trait]
impl Reviews for Database {
    async fn queue(&self, filter: &QueueFilter) -> Result<Vec<ReviewRecord>, StoreError> {
        self.queue_page(filter).await
    }

    async fn review(&self, check: &str) -> Result<Option<ReviewRecord>, StoreError> {
        let sql = format!("{} WHERE r.check_id = $1", queue::SELECT);
        let row = sqlx::query(self.spelled(&sql))
            .bind(check)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        row.as_ref().map(queue::review).transpose()
    }

    async fn disputes(&self, check: &str) -> Result<Vec<DisputeRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM disputes WHERE check_id = $1 ORDER BY id")
            .bind(check)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(dispute).collect()
    }

    async fn decisions(&self, check: &str) -> Result<Vec<DecisionRecord>, StoreError> {
        let rows = sqlx::query("SELECT * FROM decisions WHERE check_id = $1 ORDER BY id")
            .bind(check)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(decision).collect()
    }

    async fn dispute(&self, actor: &Actor, dispute: &DisputeRecord) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let row = sqlx::query("SELECT answer FROM checks WHERE id = $1")
            .bind(&dispute.check)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let row = row.ok_or_else(|| refusal::not_found("check", &dispute.check))?;
        let answer = checks::answer(&row)?;
        self.enqueue_review(&mut transaction, &answer, true).await?;
        sqlx::query(
            "INSERT INTO disputes (id, check_id, statement, photos_check, actor, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(&dispute.id)
        .bind(&dispute.check)
        .bind(&dispute.statement)
        .bind(&dispute.photos_check)
        .bind(&dispute.actor)
        .bind(dispute.created_ms)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let deed = Deed {
            action: "dispute.added",
            about: format!("check/{}", dispute.check),
            before: None,
            after: Some(json!({
                "dispute": dispute.id,
                "photos_check": dispute.photos_check,
            })),
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn lease(&self, actor: &Actor, check: &str, lease_ms: i64) -> Result<Lease, StoreError> {
        let sql = format!(
            "UPDATE reviews SET holder = $1, holder_label = $3, held_until_ms = {{now}} + $4
             WHERE check_id = $2 AND (holder IS NULL OR holder = $1 OR held_until_ms <= {{now}})
             AND NOT {DECIDED_BEFORE} RETURNING held_until_ms"
        );
        let until_ms: Option<i64> = sqlx::query_scalar(self.spelled(&sql))
            .bind(actor.name())
            .bind(check)
            .bind(actor.label())
            .bind(lease_ms)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        match until_ms {
            Some(until_ms) => Ok(Lease::Theirs(Holder {
                actor: actor.name().to_owned(),
                label: actor.label().to_owned(),
                until_ms,
            })),
            None => self.refused_hold(actor, check).await,
        }
    }

    async fn give_back(&self, actor: &Actor, check: &str) -> Result<(), StoreError> {
        sqlx::query(
            "UPDATE reviews SET holder = NULL, holder_label = NULL, held_until_ms = NULL
             WHERE check_id = $1 AND holder = $2",
        )
        .bind(check)
        .bind(actor.name())
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn decide(&self, actor: &Actor, decision: &DecisionRecord) -> Result<Lease, StoreError> {
        let mut transaction = self.begin().await?;
        let state = match decision.outcome {
            ReviewOutcome::Uphold | ReviewOutcome::Overturn => ReviewState::Decided,
            ReviewOutcome::NeedPhoto => ReviewState::Waiting,
        };
        // Holding it and deciding it in one statement: a lease that ran out in between would let two
        // people decide.
        let sql = format!(
            "UPDATE reviews SET state = $3, disputed = 0, since_ms = {{now}}, holder = NULL,
             holder_label = NULL, held_until_ms = NULL
             WHERE check_id = $2 AND holder = $1 AND held_until_ms > {{now}}
             AND NOT {DECIDED_BEFORE}"
        );
        let done = sqlx::query(self.spelled(&sql))
            .bind(actor.name())
            .bind(&decision.check)
            .bind(state.name())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if done.rows_affected() == 0 {
            drop(transaction);
            return self.refused_hold(actor, &decision.check).await;
        }
        let before: Option<String> = sqlx::query_scalar(
            "SELECT outcome FROM decisions WHERE check_id = $1 ORDER BY id DESC LIMIT 1",
        )
        .bind(&decision.check)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        sqlx::query(
            "INSERT INTO decisions
             (id, check_id, outcome, reason, dispute, actor, label, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&decision.id)
        .bind(&decision.check)
        .bind(decision.outcome.name())
        .bind(&decision.reason)
        .bind(&decision.dispute)
        .bind(&decision.actor)
        .bind(&decision.label)
        .bind(decision.created_ms)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        // Of the reason the hash alone: it may name a seller, and the log is not erased from.
        let deed = Deed {
            action: "decision.added",
            about: format!("check/{}", decision.check),
            before: before.map(|outcome| json!({ "outcome": outcome })),
            after: Some(json!({
                "decision": decision.id,
                "outcome": decision.outcome.name(),
                "dispute": decision.dispute,
                "reason": Sha256::of(decision.reason.as_bytes()).to_string(),
            })),
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(Lease::Theirs(Holder {
            actor: decision.actor.clone(),
            label: decision.label.clone(),
            until_ms: decision.created_ms,
        }))
    }

    async fn history(
        &self,
        listing: Option<&str>,
        seller: Option<&str>,
        most: usize,
    ) -> Result<Vec<CheckAnswer>, StoreError> {
        let mut found = Vec::new();
        for (sql, id) in [
            (
                "SELECT answer FROM checks WHERE listing = $1 ORDER BY id DESC LIMIT $2",
                listing,
            ),
            (
                "SELECT answer FROM checks WHERE seller = $1 ORDER BY id DESC LIMIT $2",
                seller,
            ),
        ] {
            let Some(id) = id else { continue };
            let rows = sqlx::query(sql)
                .bind(id)
                .bind(i64::try_from(most).unwrap_or(i64::MAX))
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
            for row in &rows {
                found.push(checks::answer(row)?);
            }
        }
        found.sort_by(|a: &CheckAnswer, b| b.id.cmp(&a.id));
        found.dedup_by(|a, b| a.id == b.id);
        found.truncate(most);
        Ok(found)
    }
}

fn dispute(row: &AnyRow) -> Result<DisputeRecord, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(failed);
    Ok(DisputeRecord {
        id: text("id")?,
        check: text("check_id")?,
        statement: text("statement")?,
        photos_check: row.try_get("photos_check").map_err(failed)?,
        actor: text("actor")?,
        created_ms: row.try_get("created_ms").map_err(failed)?,
    })
}

fn decision(row: &AnyRow) -> Result<DecisionRecord, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(failed);
    Ok(DecisionRecord {
        id: text("id")?,
        check: text("check_id")?,
        outcome: named(&text("outcome")?)?,
        reason: text("reason")?,
        dispute: row.try_get("dispute").map_err(failed)?,
        actor: text("actor")?,
        label: text("label")?,
        created_ms: row.try_get("created_ms").map_err(failed)?,
    })
}
