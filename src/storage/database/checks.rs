//! Rows of checks and of the photos they were about.

use async_trait::async_trait;
use serde_json::json;
use sqlx::{Row, any::AnyRow};

use super::{Database, audit::Deed, refusal, rows::failed};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{CheckFilter, Checks, SeenElsewhere},
    },
    contract::{Action, Verdict, answer::CheckAnswer},
    domain::digest::Sha256,
};

#[async_trait]
impl Checks for Database {
    async fn add_check(
        &self,
        actor: &Actor,
        answer: &CheckAnswer,
        fingerprints: &[Option<u128>],
    ) -> Result<(), StoreError> {
        let stored = serde_json::to_string(answer).map_err(failed)?;
        // A check without its photos would be blind to their use by others.
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO checks (id, verdict, brand, seller, listing, answer, actor)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&answer.id)
        .bind(answer.verdict.name())
        .bind(answer.claim.as_ref().map(|c| &c.brand))
        .bind(&answer.seller_id)
        .bind(&answer.listing_id)
        .bind(&stored)
        .bind(actor.name())
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        for (n, photo) in answer.photos.iter().enumerate() {
            let fingerprint = fingerprints.get(n).copied().flatten();
            sqlx::query(
                "INSERT INTO check_photos (check_id, n, sha256, fingerprint) VALUES ($1, $2, $3, $4)",
            )
            .bind(&answer.id)
            .bind(i64::try_from(n).unwrap_or(i64::MAX))
            .bind(&photo.sha256)
            .bind(fingerprint.map(|f| f.to_be_bytes().to_vec()))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        if answer.action == Action::Review {
            self.enqueue_review(&mut transaction, answer, false).await?;
        }
        // Neither seller nor listing: the log is not erased from.
        let after = json!({
            "verdict": answer.verdict.name(),
            "answer": Sha256::of(stored.as_bytes()).to_string(),
        });
        let deed = Deed {
            action: "check.added",
            about: format!("check/{}", answer.id),
            before: None,
            after: Some(after),
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn check(&self, id: &str) -> Result<CheckAnswer, StoreError> {
        let row = sqlx::query("SELECT answer FROM checks WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        answer(&row.ok_or_else(|| refusal::not_found("check", id))?)
    }

    async fn checks(
        &self,
        filter: &CheckFilter,
        brands: Option<&[String]>,
    ) -> Result<Vec<CheckAnswer>, StoreError> {
        // As many places as brands, of which the number is the program's own.
        let among = brands.map_or_else(String::new, |brands| {
            let places: Vec<_> = (0..brands.len()).map(|n| format!("${}", n + 5)).collect();
            format!("AND brand IN ({})", places.join(", "))
        });
        // Ids sort by time: a page goes on below the last id of the one before, whatever came since.
        let sql = format!(
            "SELECT answer FROM checks
             WHERE ($1 IS NULL OR verdict = $1) AND ($2 IS NULL OR brand = $2)
             AND ($3 IS NULL OR id < $3) {among} ORDER BY id DESC LIMIT $4"
        );
        let mut query = sqlx::query(self.spelled(&sql))
            .bind(filter.verdict.map(Verdict::name))
            .bind(&filter.brand)
            .bind(&filter.before)
            .bind(i64::try_from(filter.limit).unwrap_or(i64::MAX));
        for brand in brands.into_iter().flatten() {
            query = query.bind(brand);
        }
        let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
        rows.iter().map(answer).collect()
    }

    async fn seen_elsewhere(
        &self,
        sha256: &[Sha256],
        seller: Option<&str>,
    ) -> Result<Vec<SeenElsewhere>, StoreError> {
        let Some(seller) = seller else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        for hash in sha256 {
            // The oldest is named, so that the answer does not change as more listings reuse the
            // photo.
            let row: Option<(String, String)> = sqlx::query_as(
                "SELECT c.id, c.seller FROM check_photos p JOIN checks c ON c.id = p.check_id
                 WHERE p.sha256 = $1 AND c.seller <> $2 ORDER BY c.id LIMIT 1",
            )
            .bind(hash.to_string())
            .bind(seller)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
            found.extend(row.map(|(check, seller)| SeenElsewhere {
                sha256: *hash,
                check,
                seller,
            }));
        }
        Ok(found)
    }
}

pub(super) fn answer(row: &AnyRow) -> Result<CheckAnswer, StoreError> {
    let json: String = row.try_get("answer").map_err(failed)?;
    serde_json::from_str(&json).map_err(failed)
}
