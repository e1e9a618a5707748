//! Rows of what genuine photos scored, what they showed, and what they show together.

use async_trait::async_trait;
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{Database, rows::failed};
use crate::{
    checker::{
        ports::StoreError,
        records::{GenuineScore, KeptObservation, KeptVariation, MOST_GENUINE_PHOTOS, Scores},
    },
    domain::{gallery::ProductKey, score::LogOdds},
};

#[async_trait]
impl Scores for Database {
    async fn genuine_scores(
        &self,
        brand: &str,
        product: Option<&str>,
        version: &str,
    ) -> Result<Vec<GenuineScore>, StoreError> {
        let rows = sqlx::query(
            "SELECT p.id, p.product, p.item, s.score, s.informed
             FROM genuine_scores s JOIN genuine_photos p ON p.id = s.photo
             WHERE p.brand = $1 AND ($2 IS NULL OR p.product = $2) AND s.version = $3
             ORDER BY p.created_ms, p.id LIMIT $4",
        )
        .bind(brand)
        .bind(product)
        .bind(version)
        .bind(i64::from(MOST_GENUINE_PHOTOS))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.iter().map(score).collect()
    }

    async fn put_genuine_score(
        &self,
        score: &GenuineScore,
        observation: Option<&str>,
        version: &str,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        touched_by(&mut transaction, &score.photo).await?;
        sqlx::query(
            // The adjusted score was that of the old one, and goes with it.
            "INSERT INTO genuine_scores (photo, version, score) VALUES ($1, $2, $3)
             ON CONFLICT (photo) DO UPDATE
             SET version = excluded.version, score = excluded.score, informed = NULL",
        )
        .bind(&score.photo)
        .bind(version)
        .bind(score.score.map(LogOdds::get))
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        // None removes the older one, which would belong to another score. The table keeps its first
        // name: renaming it would cost a migration and help nobody.
        let query = match observation {
            Some(observation) => sqlx::query(
                "INSERT INTO genuine_sightings (photo, version, sighting) VALUES ($1, $2, $3)
                 ON CONFLICT (photo) DO UPDATE
                 SET version = excluded.version, sighting = excluded.sighting",
            )
            .bind(&score.photo)
            .bind(version)
            .bind(observation),
            None => {
                sqlx::query("DELETE FROM genuine_sightings WHERE photo = $1").bind(&score.photo)
            }
        };
        query.execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn observations(
        &self,
        product: &ProductKey,
        version: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<KeptObservation>, StoreError> {
        // Pages go by both columns, since two photos may come in the same millisecond.
        let rows: Vec<(String, String, String)> = sqlx::query_as(
            "SELECT p.id, p.item, s.sighting
             FROM genuine_sightings s JOIN genuine_photos p ON p.id = s.photo
             WHERE p.brand = $1 AND p.product = $2 AND s.version = $3
             AND ($4 IS NULL OR (p.created_ms, p.id) > (SELECT created_ms, id FROM genuine_photos WHERE id = $4))
             ORDER BY p.created_ms, p.id LIMIT $5",
        )
        .bind(&product.brand)
        .bind(&product.product)
        .bind(version)
        .bind(after)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let kept = rows
            .into_iter()
            .map(|(photo, item, observation)| KeptObservation {
                photo,
                item,
                observation,
            });
        Ok(kept.collect())
    }

    async fn put_variation(
        &self,
        product: &ProductKey,
        kept: &KeptVariation,
        adjusted: &[(String, LogOdds)],
        version: &str,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        super::touched(&mut transaction, &product.brand).await?;
        // What is of more photos than there are is of one that was removed meanwhile.
        let done = sqlx::query(
            "INSERT INTO variations (brand, product, version, photos, variation) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (brand, product, version) DO UPDATE
             SET photos = excluded.photos, variation = excluded.variation
             WHERE excluded.photos >= variations.photos OR variations.photos >
             (SELECT count(*) FROM genuine_sightings s JOIN genuine_photos p ON p.id = s.photo
              WHERE p.brand = excluded.brand AND p.product = excluded.product AND s.version = excluded.version)",
        )
        .bind(&product.brand)
        .bind(&product.product)
        .bind(version)
        .bind(i64::try_from(kept.photos).unwrap_or(i64::MAX))
        .bind(&kept.variation)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        // Another process knew more photos, so its scores stay too: the dropped transaction keeps
        // nothing of this one.
        if done.rows_affected() == 0 {
            return Ok(());
        }
        for (photo, score) in adjusted {
            sqlx::query(
                "UPDATE genuine_scores SET informed = $1 WHERE photo = $2 AND version = $3",
            )
            .bind(score.get())
            .bind(photo)
            .bind(version)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        // Versions that no score is of any more.
        sqlx::query(
            "DELETE FROM variations WHERE brand = $1 AND product = $2 AND version <> $3 AND version NOT IN
             (SELECT s.version FROM genuine_scores s JOIN genuine_photos p ON p.id = s.photo
              WHERE p.brand = $1 AND p.product = $2)",
        )
        .bind(&product.brand)
        .bind(&product.product)
        .bind(version)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        transaction.commit().await.map_err(failed)
    }

    async fn variations(
        &self,
        brand: &str,
        product: Option<&str>,
        version: &str,
    ) -> Result<Vec<KeptVariation>, StoreError> {
        let rows: Vec<(i64, String)> = sqlx::query_as(
            "SELECT photos, variation FROM variations
             WHERE brand = $1 AND ($2 IS NULL OR product = $2) AND version = $3 ORDER BY product",
        )
        .bind(brand)
        .bind(product)
        .bind(version)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let kept = |(photos, variation)| KeptVariation {
            // A count below zero is none of ours: no photo speaks for it.
            photos: usize::try_from(photos).unwrap_or(0),
            variation,
        };
        Ok(rows.into_iter().map(kept).collect())
    }
}

/// As [`super::touched`], for the brand of a genuine photo.
async fn touched_by(transaction: &mut AnyConnection, photo: &str) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE brands SET changes = changes + 1
         WHERE id = (SELECT brand FROM genuine_photos WHERE id = $1)",
    )
    .bind(photo)
    .execute(transaction)
    .await
    .map_err(failed)?;
    Ok(())
}

fn score(row: &AnyRow) -> Result<GenuineScore, StoreError> {
    let log_odds = |column| {
        let value: Option<f64> = row.try_get(column).map_err(failed)?;
        value.map(LogOdds::new).transpose().map_err(failed)
    };
    Ok(GenuineScore {
        photo: row.try_get("id").map_err(failed)?,
        product: row.try_get("product").map_err(failed)?,
        item: row.try_get("item").map_err(failed)?,
        score: log_odds("score")?,
        adjusted: log_odds("informed")?,
    })
}
