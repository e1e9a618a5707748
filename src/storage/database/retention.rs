//! Rows of what is held, and removing what is not.
//!
//! An image is removed within the transaction that says so, while the row of the audit log's end is
//! held. Whoever adds a record that names the image comes before, and it stays, or after, and the
//! count of removals tells them to keep it again.

use std::collections::BTreeSet;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use serde_json::json;
use sqlx::{AnyConnection, Row};

use super::{
    Database, Kind,
    audit::Deed,
    refusal::{conflict, not_found},
    rows::failed,
};
use crate::{
    checker::{
        actor::Actor,
        ports::{Images, StoreError},
        records::{Concerned, Hold, RemovedBy, RemovedPhoto, Retention, Subject},
    },
    contract::answer::CheckAnswer,
    domain::digest::Sha256,
};

#[async_trait]
impl Retention for Database {
    async fn hold(&self, actor: &Actor, check: &str, why: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        locked(&mut transaction, check).await?;
        let sql = "INSERT INTO holds (check_id, why, actor, created_ms)
                   VALUES ($1, $2, $3, {now}) ON CONFLICT DO NOTHING";
        let added = sqlx::query(self.spelled(sql))
            .bind(check)
            .bind(why)
            .bind(actor.name())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if added.rows_affected() == 0 {
            return Err(conflict("hold", check));
        }
        let deed = held(check, ("check.held", false, true), why);
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn release(&self, actor: &Actor, check: &str, why: &str) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        locked(&mut transaction, check).await?;
        let released = sqlx::query("DELETE FROM holds WHERE check_id = $1")
            .bind(check)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if released.rows_affected() == 0 {
            return Err(not_found("hold", check));
        }
        let deed = held(check, ("check.released", true, false), why);
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "SELECT check_id, why, actor, created_ms FROM holds ORDER BY created_ms, check_id",
        )
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let hold = |(check, why, actor, created_ms)| Hold {
            check,
            why,
            actor,
            created_ms,
        };
        Ok(rows.into_iter().map(hold).collect())
    }

    async fn cleared(&self, before: &str, most: usize) -> Result<Vec<String>, StoreError> {
        // From the photos whose bytes are kept: where most were removed before, they are few.
        sqlx::query_scalar(
            "SELECT DISTINCT p.check_id FROM check_photos p JOIN checks c ON c.id = p.check_id
             WHERE p.fingerprint IS NOT NULL AND p.check_id < $1
             AND c.verdict IN ('consistent', 'not_comparable')
             AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.check_id = p.check_id)
             AND NOT EXISTS (SELECT 1 FROM reviews r WHERE r.check_id = p.check_id
                 AND r.state <> 'decided')
             AND NOT EXISTS (SELECT 1 FROM disputes d JOIN reviews r ON r.check_id = d.check_id
                 WHERE d.photos_check = p.check_id AND r.state <> 'decided')
             ORDER BY p.check_id LIMIT $2",
        )
        .bind(before)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    async fn remove_photos(
        &self,
        actor: &Actor,
        check: &str,
        images: &dyn Images,
    ) -> Result<usize, StoreError> {
        self.removed_by_time(actor, check, false, images).await
    }

    async fn settled(&self, before_ms: i64, most: usize) -> Result<Vec<String>, StoreError> {
        sqlx::query_scalar(
            "SELECT r.check_id FROM reviews r WHERE r.state = 'decided' AND r.since_ms < $1
             AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.check_id = r.check_id)
             AND (EXISTS (SELECT 1 FROM check_photos p
                     WHERE p.check_id = r.check_id AND p.fingerprint IS NOT NULL)
                 OR EXISTS (SELECT 1 FROM disputes d WHERE d.check_id = r.check_id
                     AND d.statement NOT IN ('(removed)', '(erased)')))
             ORDER BY r.since_ms, r.check_id LIMIT $2",
        )
        .bind(before_ms)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)
    }

    async fn remove_dispute(
        &self,
        actor: &Actor,
        check: &str,
        images: &dyn Images,
    ) -> Result<usize, StoreError> {
        self.removed_by_time(actor, check, true, images).await
    }

    async fn concerned(&self, subject: &Subject) -> Result<Vec<Concerned>, StoreError> {
        let (column, id) = match subject {
            Subject::Seller(id) => ("seller", id),
            Subject::Listing(id) => ("listing", id),
        };
        let sql = format!(
            "SELECT c.id, CASE WHEN h.check_id IS NULL THEN 0 ELSE 1 END AS held,
                 (SELECT COUNT(*) FROM check_photos p
                  WHERE p.check_id = c.id AND p.fingerprint IS NOT NULL) AS photos
             FROM checks c LEFT JOIN holds h ON h.check_id = c.id
             WHERE c.{column} = $1 ORDER BY c.id"
        );
        let mut rows = sqlx::query(self.spelled(&sql)).bind(id).fetch(&self.pool);
        let mut concerned = Vec::new();
        while let Some(row) = rows.try_next().await.map_err(failed)? {
            let photos: i64 = row.try_get("photos").map_err(failed)?;
            let held: i64 = row.try_get("held").map_err(failed)?;
            concerned.push(Concerned {
                check: row.try_get("id").map_err(failed)?,
                photos: usize::try_from(photos).map_err(failed)?,
                held: held != 0,
            });
        }
        Ok(concerned)
    }

    async fn erase(
        &self,
        actor: &Actor,
        check: &str,
        why: &str,
        images: &dyn Images,
    ) -> Result<usize, StoreError> {
        let mut transaction = self.begin().await?;
        locked(&mut transaction, check).await?;
        if is_held(&mut transaction, check).await? {
            return Err(conflict("hold", check));
        }
        let names = self
            .without_bytes(&mut transaction, check, RemovedBy::Erasure)
            .await?;
        let (before, after) = nameless(&mut transaction, check).await?;
        wordless(&mut transaction, check).await?;
        if names.is_empty() && before == after {
            return Ok(0);
        }
        let deed = Deed {
            action: "check.erased",
            about: format!("check/{check}"),
            before: Some(json!({"answer": before, "photos": names.len()})),
            after: Some(json!({"answer": after, "photos": 0})),
            why: Some(why),
        };
        self.note(&mut transaction, actor, deed).await?;
        removed(&mut transaction, &names, images).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(names.len())
    }

    async fn forget(&self) -> Result<(), StoreError> {
        match self.kind {
            // The log of writes still holds pages as they were before.
            Kind::Sqlite => {
                let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
                let done = sqlx::query(sql).fetch_one(&self.pool).await;
                let busy: i64 = done.and_then(|row| row.try_get(0)).map_err(failed)?;
                if busy != 0 {
                    tracing::warn!(
                        "`assay.sqlite-wal` still holds what was erased, until it is written over or all processes have closed the database"
                    );
                }
            }
            #[cfg(feature = "cluster")]
            Kind::Postgres => {}
        }
        Ok(())
    }

    async fn removed(&self, check: &str) -> Result<Vec<RemovedPhoto>, StoreError> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT n, removed_by, removed_ms FROM check_photos
             WHERE check_id = $1 AND removed_ms IS NOT NULL ORDER BY n",
        )
        .bind(check)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let photo = |(n, by, at_ms)| {
            let n = usize::try_from(n).map_err(failed)?;
            Ok(RemovedPhoto { n, by, at_ms })
        };
        rows.into_iter().map(photo).collect()
    }

    async fn removals(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT count FROM changes WHERE what = 'removals'")
            .fetch_one(&self.pool)
            .await
            .map_err(failed)
    }
}

impl Database {
    /// Removes the bytes of a check's photos, and with `statements` what its seller said; how many of
    /// both.
    async fn removed_by_time(
        &self,
        actor: &Actor,
        check: &str,
        statements: bool,
        images: &dyn Images,
    ) -> Result<usize, StoreError> {
        let mut transaction = self.begin().await?;
        locked(&mut transaction, check).await?;
        if is_held(&mut transaction, check).await? {
            return Ok(0);
        }
        let names = self
            .without_bytes(&mut transaction, check, RemovedBy::Retention)
            .await?;
        let mut said = 0;
        if statements {
            let sql = "UPDATE disputes SET statement = '(removed)' WHERE check_id = $1
                       AND statement NOT IN ('(removed)', '(erased)')";
            let done = sqlx::query(sql)
                .bind(check)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            said = usize::try_from(done.rows_affected()).map_err(failed)?;
        }
        if names.is_empty() && said == 0 {
            return Ok(0);
        }
        let told = |photos: usize, said: usize| match statements {
            true => json!({"photos": photos, "statements": said}),
            false => json!({"photos": photos}),
        };
        let deed = Deed {
            action: "check.photos_removed",
            about: format!("check/{check}"),
            before: Some(told(names.len(), said)),
            after: Some(told(0, 0)),
            why: Some("retention"),
        };
        self.note(&mut transaction, actor, deed).await?;
        removed(&mut transaction, &names, images).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(names.len() + said)
    }

    /// Says of all photos of a check that their bytes are gone; the names of their images.
    async fn without_bytes(
        &self,
        transaction: &mut AnyConnection,
        check: &str,
        by: RemovedBy,
    ) -> Result<Vec<String>, StoreError> {
        // Without a fingerprint no backup misses them.
        let sql = "UPDATE check_photos SET fingerprint = NULL, removed_by = $1, removed_ms = {now}
                   WHERE check_id = $2 AND fingerprint IS NOT NULL RETURNING sha256";
        let names = sqlx::query_scalar(self.spelled(sql))
            .bind(by.name())
            .bind(check)
            .fetch_all(&mut *transaction)
            .await
            .map_err(failed)?;
        if !names.is_empty() {
            sqlx::query("UPDATE changes SET count = count + 1 WHERE what = 'removals'")
                .execute(transaction)
                .await
                .map_err(failed)?;
        }
        Ok(names)
    }
}

/// Locks a check's row until the end of the transaction: a hold comes before a removal or after it.
async fn locked(transaction: &mut AnyConnection, check: &str) -> Result<(), StoreError> {
    let locked = sqlx::query("UPDATE checks SET verdict = verdict WHERE id = $1")
        .bind(check)
        .execute(transaction)
        .await
        .map_err(failed)?;
    match locked.rows_affected() {
        0 => Err(not_found("check", check)),
        _ => Ok(()),
    }
}

async fn is_held(transaction: &mut AnyConnection, check: &str) -> Result<bool, StoreError> {
    let held = sqlx::query("SELECT 1 FROM holds WHERE check_id = $1")
        .bind(check)
        .fetch_optional(transaction)
        .await
        .map_err(failed)?;
    Ok(held.is_some())
}

/// Takes seller and listing out of a check; the hash of its answer before and after.
async fn nameless(
    transaction: &mut AnyConnection,
    check: &str,
) -> Result<(String, String), StoreError> {
    let before: String = sqlx::query_scalar("SELECT answer FROM checks WHERE id = $1")
        .bind(check)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
    let mut answer: CheckAnswer = serde_json::from_str(&before).map_err(failed)?;
    let hash = |text: &str| Sha256::of(text.as_bytes()).to_string();
    if answer.seller_id.is_none() && answer.listing_id.is_none() {
        return Ok((hash(&before), hash(&before)));
    }
    (answer.seller_id, answer.listing_id) = (None, None);
    let after = serde_json::to_string(&answer).map_err(failed)?;
    sqlx::query("UPDATE checks SET seller = NULL, listing = NULL, answer = $1 WHERE id = $2")
        .bind(&after)
        .bind(check)
        .execute(transaction)
        .await
        .map_err(failed)?;
    Ok((hash(&before), hash(&after)))
}

/// Takes out of a check what its seller said, and the words that it was found by.
async fn wordless(transaction: &mut AnyConnection, check: &str) -> Result<(), StoreError> {
    for sql in [
        "DELETE FROM review_words WHERE check_id = $1",
        "UPDATE disputes SET statement = '(erased)' WHERE check_id = $1",
    ] {
        sqlx::query(sql)
            .bind(check)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    Ok(())
}

/// Removes images that no record needs any more.
async fn removed(
    transaction: &mut AnyConnection,
    names: &[String],
    images: &dyn Images,
) -> Result<(), StoreError> {
    // A check may hold the same photo twice.
    for name in names.iter().collect::<BTreeSet<_>>() {
        // References that were removed stay: evidence of earlier checks shows them.
        let needed = sqlx::query(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM enrolled_references WHERE sha256 = $1)
             OR EXISTS (SELECT 1 FROM genuine_photos WHERE sha256 = $1)
             OR EXISTS (SELECT 1 FROM authorised_photos WHERE sha256 = $1)
             OR EXISTS (SELECT 1 FROM check_photos WHERE sha256 = $1 AND fingerprint IS NOT NULL)",
        )
        .bind(name)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        if needed.is_none() {
            images.remove_image(name.parse().map_err(failed)?).await?;
        }
    }
    Ok(())
}

fn held<'a>(
    check: &str,
    (action, before, after): (&'static str, bool, bool),
    why: &'a str,
) -> Deed<'a> {
    Deed {
        action,
        about: format!("check/{check}"),
        before: Some(json!({"held": before})),
        after: Some(json!({"held": after})),
        why: Some(why),
    }
}
