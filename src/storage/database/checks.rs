//! Rows of checks and of the photos they were about.

use std::ops::Range;

use async_trait::async_trait;
use serde_json::json;
use sqlx::{Row, any::AnyRow};

use super::{
    Database,
    audit::Deed,
    refusal,
    rows::{failed, named},
};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{CheckFilter, Checks, SeenElsewhere, Tally},
    },
    contract::{Action, ReviewOutcome, Verdict, answer::CheckAnswer},
    domain::digest::Sha256,
};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

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
            "INSERT INTO checks (id, verdict, brand, product, seller, listing, answer, actor)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(&answer.id)
        .bind(answer.verdict.name())
        .bind(answer.claim.as_ref().map(|c| &c.brand))
        .bind(answer.claim.as_ref().and_then(|c| c.product.as_ref()))
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

    async fn tally(&self, brand: &str, days: Range<i64>) -> Result<Tally, StoreError> {
        let mut tally = Tally::default();
        if days.is_empty() {
            return Ok(tally);
        }
        // One statement for all days, each a range of the index of brands. There is no spelling of a
        // day that both databases know, and an id's first digits are its time.
        let counted = days.clone().enumerate().map(|(n, day)| {
            format!(
                "SELECT CAST({day} AS BIGINT) AS day, verdict, COUNT(*) AS checks FROM checks
                 WHERE brand = $1 AND id >= ${} AND id < ${} GROUP BY verdict",
                n + 2,
                n + 3
            )
        });
        let sql = counted.collect::<Vec<_>>().join(" UNION ALL ");
        let mut query = sqlx::query_as(self.spelled(&sql)).bind(brand);
        for day in days.start..=days.end {
            query = query.bind(first_id(day));
        }
        let rows: Vec<(i64, String, i64)> = query.fetch_all(&self.pool).await.map_err(failed)?;
        for (day, verdict, checks) in rows {
            let key = (day, named(&verdict)?);
            tally.days.insert(key, number(checks));
        }
        let (from, until) = (first_id(days.start), first_id(days.end));
        let products: Vec<(String, i64)> = sqlx::query_as(
            "SELECT product, COUNT(*) FROM checks
             WHERE brand = $1 AND id >= $2 AND id < $3 AND product IS NOT NULL GROUP BY product",
        )
        .bind(brand)
        .bind(&from)
        .bind(&until)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let products = products.into_iter().map(|(id, n)| (id, number(n)));
        tally.products = products.collect();
        // The last decision counts: one after another undoes it. A dispute of what was not flagged
        // says nothing of flags.
        let decided: Vec<(String, i64)> = sqlx::query_as(
            "SELECT d.outcome, COUNT(*) FROM checks c JOIN decisions d ON d.check_id = c.id
             WHERE c.brand = $1 AND c.id >= $2 AND c.id < $3
             AND c.verdict IN ('deviates', 'no_brand_seen')
             AND NOT EXISTS (SELECT 1 FROM decisions l WHERE l.check_id = c.id AND l.id > d.id)
             GROUP BY d.outcome",
        )
        .bind(brand)
        .bind(&from)
        .bind(&until)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        for (outcome, checks) in decided {
            match named(&outcome)? {
                ReviewOutcome::Uphold => tally.upheld = number(checks),
                ReviewOutcome::Overturn => tally.overturned = number(checks),
                ReviewOutcome::NeedPhoto => {}
            }
        }
        Ok(tally)
    }
}

/// What sorts before every id that was made on a day (since 1970, UTC) or later.
fn first_id(day: i64) -> String {
    // The first 48 bits of a UUID of version 7 are its milliseconds since 1970.
    let ms = day.saturating_mul(DAY_MS).clamp(0, (1 << 48) - 1);
    format!("{:08x}-{:04x}", ms >> 16, ms & 0xffff)
}

/// A count as the database gives it.
fn number(count: i64) -> usize {
    usize::try_from(count).unwrap_or(0)
}

pub(super) fn answer(row: &AnyRow) -> Result<CheckAnswer, StoreError> {
    let json: String = row.try_get("answer").map_err(failed)?;
    serde_json::from_str(&json).map_err(failed)
}
