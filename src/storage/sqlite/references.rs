//! Rows of references.

use sqlx::SqlitePool;

use super::refusal::refused;
use crate::{
    checker::{ports::StoreError, records::ReferenceRecord},
    domain::gallery::ProductKey,
    storage::rows::{self, failed},
};

/// Adds a reference.
pub(super) async fn add(pool: &SqlitePool, reference: &ReferenceRecord) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO enrolled_references
         (id, brand, product, kind, view, sha256, width, height, article, marks, health, created_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(&reference.id)
    .bind(&reference.product.brand)
    .bind(&reference.product.product)
    .bind(reference.kind.name())
    .bind(&reference.view)
    // As text, by which a person who looks into the database finds the file.
    .bind(reference.sha256.to_string())
    .bind(reference.width)
    .bind(reference.height)
    .bind(rows::article_to_json(reference.article)?)
    .bind(rows::marks_to_json(&reference.marks)?)
    .bind(rows::health_to_json(&reference.health)?)
    .bind(reference.created_ms)
    .execute(pool)
    .await
    .map_err(|e| refused(e, "reference", reference.sha256, &reference.product))?;
    Ok(())
}

/// References that were not removed, of one product or of all that are not retired, oldest first.
pub(super) async fn list(
    pool: &SqlitePool,
    product: Option<&ProductKey>,
) -> Result<Vec<ReferenceRecord>, StoreError> {
    let rows = sqlx::query(
        "SELECT * FROM enrolled_references
         WHERE removed_ms IS NULL AND CASE WHEN ?1 IS NULL
             THEN NOT EXISTS (
                 SELECT 1 FROM products p JOIN brands b ON b.id = p.brand
                 WHERE p.brand = enrolled_references.brand AND p.id = enrolled_references.product
                 AND (p.retired OR b.retired))
             ELSE brand = ?1 AND product = ?2 END
         ORDER BY created_ms, id",
    )
    .bind(product.map(|k| &k.brand))
    .bind(product.map(|k| &k.product))
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    rows.iter().map(rows::reference).collect()
}

/// A reference, also a removed one: answers that name it must still lead somewhere.
pub(super) async fn get(pool: &SqlitePool, id: &str) -> Result<ReferenceRecord, StoreError> {
    let row = sqlx::query("SELECT * FROM enrolled_references WHERE id = ?")
        .bind(id)
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    rows::reference(&row.ok_or_else(|| StoreError::NotFound {
        what: "reference",
        id: id.to_owned(),
    })?)
}

/// Marks a reference as removed.
pub(super) async fn remove(
    pool: &SqlitePool,
    product: &ProductKey,
    id: &str,
    now_ms: i64,
) -> Result<(), StoreError> {
    // Marked, not deleted: earlier checks name it, and their evidence must still open.
    let done = sqlx::query(
        "UPDATE enrolled_references SET removed_ms = ?
         WHERE brand = ? AND product = ? AND id = ? AND removed_ms IS NULL",
    )
    .bind(now_ms)
    .bind(&product.brand)
    .bind(&product.product)
    .bind(id)
    .execute(pool)
    .await
    .map_err(failed)?;
    let not_found = || StoreError::NotFound {
        what: "reference",
        id: id.to_owned(),
    };
    // A second removal finds nothing: whoever asks for it has an outdated list.
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(not_found())
    }
}
