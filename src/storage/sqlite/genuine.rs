//! Rows of genuine photos: the photos, their scores, what they showed, and what they show together.

use sqlx::{Row, SqlitePool, sqlite::SqliteRow};

use super::refusal::refused;
use crate::{
    checker::{
        ports::StoreError,
        records::{
            GenuinePhotoRecord, GenuineScore, KeptObservation, KeptVariation, MOST_GENUINE_PHOTOS,
        },
    },
    domain::{gallery::ProductKey, score::LogOdds},
    storage::rows::{self, failed},
};

/// Adds a genuine photo.
pub(super) async fn add_photo(
    pool: &SqlitePool,
    photo: &GenuinePhotoRecord,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO genuine_photos (id, brand, product, item, sha256, created_ms) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(&photo.id)
    .bind(&photo.product.brand)
    .bind(&photo.product.product)
    .bind(&photo.item)
    .bind(photo.sha256.to_string())
    .bind(photo.created_ms)
    .execute(pool)
    .await
    .map_err(|e| refused(e, "genuine photo", photo.sha256, &photo.product))?;
    Ok(())
}

/// Removes a genuine photo with its score and what it showed, and what it showed together with the
/// product's others.
pub(super) async fn remove_photo(
    pool: &SqlitePool,
    product: &ProductKey,
    id: &str,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await.map_err(failed)?;
    let sql = "DELETE FROM genuine_photos WHERE brand = ? AND product = ? AND id = ?";
    let done = sqlx::query(sql)
        .bind(&product.brand)
        .bind(&product.product)
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    if done.rows_affected() == 0 {
        return Err(StoreError::NotFound {
            what: "genuine photo",
            id: id.to_owned(),
        });
    }
    // All of it is put together anew from the photos that are left. Until then none of the product's
    // scores counts as its own.
    for sql in [
        "DELETE FROM variations WHERE brand = ? AND product = ?",
        "UPDATE genuine_scores SET informed = NULL WHERE photo IN
         (SELECT id FROM genuine_photos WHERE brand = ? AND product = ?)",
    ] {
        sqlx::query(sql)
            .bind(&product.brand)
            .bind(&product.product)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    transaction.commit().await.map_err(failed)
}

/// A product's genuine photos, oldest first.
pub(super) async fn photos(
    pool: &SqlitePool,
    product: &ProductKey,
) -> Result<Vec<GenuinePhotoRecord>, StoreError> {
    let sql = "SELECT * FROM genuine_photos WHERE brand = ? AND product = ? ORDER BY created_ms, id LIMIT ?";
    let query = sqlx::query(sql)
        .bind(&product.brand)
        .bind(&product.product)
        // Oldest first and bounded: what calibrates does not shift as more come in.
        .bind(MOST_GENUINE_PHOTOS);
    let rows = query.fetch_all(pool).await.map_err(failed)?;
    rows.iter().map(rows::genuine_photo).collect()
}

/// A brand's genuine photos, oldest first.
pub(super) async fn photos_of_brand(
    pool: &SqlitePool,
    brand: &str,
) -> Result<Vec<GenuinePhotoRecord>, StoreError> {
    let sql = "SELECT * FROM genuine_photos WHERE brand = ? ORDER BY created_ms, id LIMIT ?";
    let query = sqlx::query(sql).bind(brand).bind(MOST_GENUINE_PHOTOS);
    let rows = query.fetch_all(pool).await.map_err(failed)?;
    rows.iter().map(rows::genuine_photo).collect()
}

/// Scores of a brand's genuine photos under a version, oldest photo first.
pub(super) async fn scores(
    pool: &SqlitePool,
    brand: &str,
    product: Option<&str>,
    version: &str,
) -> Result<Vec<GenuineScore>, StoreError> {
    let rows = sqlx::query(
        "SELECT p.id, p.product, p.item, s.score, s.informed
         FROM genuine_scores s JOIN genuine_photos p ON p.id = s.photo
         WHERE p.brand = ?1 AND (?2 IS NULL OR p.product = ?2) AND s.version = ?3
         ORDER BY p.created_ms, p.id LIMIT ?4",
    )
    .bind(brand)
    .bind(product)
    .bind(version)
    .bind(MOST_GENUINE_PHOTOS)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.iter().map(score).collect()
}

fn score(row: &SqliteRow) -> Result<GenuineScore, StoreError> {
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

/// Stores a photo's score and what it showed, replacing older ones.
pub(super) async fn put_score(
    pool: &SqlitePool,
    score: &GenuineScore,
    observation: Option<&str>,
    version: &str,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await.map_err(failed)?;
    sqlx::query(
        // The adjusted score was that of the old one, and goes with it.
        "INSERT INTO genuine_scores (photo, version, score) VALUES (?, ?, ?)
         ON CONFLICT (photo) DO UPDATE SET version = excluded.version, score = excluded.score, informed = NULL",
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
            "REPLACE INTO genuine_sightings (photo, version, sighting) VALUES (?, ?, ?)",
        )
        .bind(&score.photo)
        .bind(version)
        .bind(observation),
        None => sqlx::query("DELETE FROM genuine_sightings WHERE photo = ?").bind(&score.photo),
    };
    query.execute(&mut *transaction).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// What a product's genuine photos showed under a version, oldest photo first.
pub(super) async fn observations(
    pool: &SqlitePool,
    product: &ProductKey,
    version: &str,
    after: Option<&str>,
    most: usize,
) -> Result<Vec<KeptObservation>, StoreError> {
    // Pages go by both columns, since two photos may come in the same millisecond.
    let rows: Vec<(String, String, String)> = sqlx::query_as(
        "SELECT p.id, p.item, s.sighting FROM genuine_sightings s JOIN genuine_photos p ON p.id = s.photo
         WHERE p.brand = ?1 AND p.product = ?2 AND s.version = ?3
         AND (?4 IS NULL OR (p.created_ms, p.id) > (SELECT created_ms, id FROM genuine_photos WHERE id = ?4))
         ORDER BY p.created_ms, p.id LIMIT ?5",
    )
    .bind(&product.brand)
    .bind(&product.product)
    .bind(version)
    .bind(after)
    .bind(i64::try_from(most).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(rows
        .into_iter()
        .map(|(photo, item, observation)| KeptObservation {
            photo,
            item,
            observation,
        })
        .collect())
}

/// Stores what a product's genuine photos show together, with their adjusted scores, unless more is
/// there already; what is of more photos than there are is of one that was removed meanwhile.
pub(super) async fn put_variation(
    pool: &SqlitePool,
    product: &ProductKey,
    kept: &KeptVariation,
    adjusted: &[(String, LogOdds)],
    version: &str,
) -> Result<(), StoreError> {
    let mut transaction = pool.begin().await.map_err(failed)?;
    let done = sqlx::query(
        "INSERT INTO variations (brand, product, version, photos, variation) VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (brand, product, version) DO UPDATE SET photos = excluded.photos, variation = excluded.variation
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
        sqlx::query("UPDATE genuine_scores SET informed = ? WHERE photo = ? AND version = ?")
            .bind(score.get())
            .bind(photo)
            .bind(version)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
    }
    // Versions that no score is of any more.
    sqlx::query(
        "DELETE FROM variations WHERE brand = ?1 AND product = ?2 AND version <> ?3 AND version NOT IN
         (SELECT s.version FROM genuine_scores s JOIN genuine_photos p ON p.id = s.photo
          WHERE p.brand = ?1 AND p.product = ?2)",
    )
    .bind(&product.brand)
    .bind(&product.product)
    .bind(version)
    .execute(&mut *transaction)
    .await
    .map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

/// What genuine photos of a brand's products show under a version.
pub(super) async fn variations(
    pool: &SqlitePool,
    brand: &str,
    product: Option<&str>,
    version: &str,
) -> Result<Vec<KeptVariation>, StoreError> {
    let rows: Vec<(i64, String)> = sqlx::query_as(
        "SELECT photos, variation FROM variations
         WHERE brand = ?1 AND (?2 IS NULL OR product = ?2) AND version = ?3 ORDER BY product",
    )
    .bind(brand)
    .bind(product)
    .bind(version)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    let kept = |(photos, variation)| KeptVariation {
        // A count below zero is none of ours: no photo speaks for it.
        photos: usize::try_from(photos).unwrap_or(0),
        variation,
    };
    Ok(rows.into_iter().map(kept).collect())
}
