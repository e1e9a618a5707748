//! Rows of references.

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::Row;

use super::{
    Database,
    audit::{Deed, path},
    moved,
    refusal::{self, refused},
    rows::{self, failed},
};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{Catalogue, ChangedReference, Edition, ReferenceRecord, References},
    },
    domain::gallery::ProductKey,
};

#[async_trait]
impl References for Database {
    async fn add_reference(
        &self,
        actor: &Actor,
        reference: &ReferenceRecord,
    ) -> Result<(), StoreError> {
        let brand = &reference.product.brand;
        let mut transaction = self.begin().await?;
        let number = moved(&mut transaction).await?;
        sqlx::query(
            "INSERT INTO enrolled_references (id, brand, product, kind, view, sha256, width, height,
             article, marks, health, actor, created_ms, change, valid_from, valid_to, markets, variant_of)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
        )
        .bind(&reference.id)
        .bind(brand)
        .bind(&reference.product.product)
        .bind(reference.kind.name())
        .bind(&reference.view)
        // As text, by which a person who looks into the database finds the file.
        .bind(reference.sha256.to_string())
        .bind(i64::from(reference.width))
        .bind(i64::from(reference.height))
        .bind(rows::article_to_json(reference.article)?)
        .bind(rows::marks_to_json(&reference.marks)?)
        .bind(rows::health_to_json(&reference.health)?)
        .bind(&reference.actor)
        .bind(reference.created_ms)
        .bind(number)
        .bind(&reference.edition.valid_from)
        .bind(&reference.edition.valid_to)
        .bind(rows::markets_to_json(&reference.edition.markets)?)
        .bind(&reference.edition.variant_of)
        .execute(&mut *transaction)
        .await
        .map_err(|e| refused(e, "reference", reference.sha256, &reference.product))?;
        self.enqueue_scores(&mut transaction, brand, &reference.actor)
            .await?;
        let deed = Deed {
            action: "reference.added",
            about: about(&reference.id),
            before: None,
            after: Some(told(reference)),
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn references(&self, product: &ProductKey) -> Result<Vec<ReferenceRecord>, StoreError> {
        // A product that is not there is an error, not an empty list.
        self.product(product).await?;
        let rows = sqlx::query(
            "SELECT * FROM enrolled_references
             WHERE removed_ms IS NULL AND brand = $1 AND product = $2 ORDER BY created_ms, id",
        )
        .bind(&product.brand)
        .bind(&product.product)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        rows.iter().map(rows::reference).collect()
    }

    async fn reference(&self, id: &str) -> Result<ReferenceRecord, StoreError> {
        // Also a removed one: answers that name it must still lead somewhere.
        let row = sqlx::query("SELECT * FROM enrolled_references WHERE id = $1")
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        rows::reference(&row.ok_or_else(|| refusal::not_found("reference", id))?)
    }

    async fn set_edition(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
        edition: &Edition,
    ) -> Result<ReferenceRecord, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        // Changed to what it is: from here on nobody else changes the row, and what is read is what
        // the log tells of before.
        let sql = "UPDATE enrolled_references SET markets = markets
             WHERE brand = $1 AND product = $2 AND id = $3 AND removed_ms IS NULL RETURNING *";
        let before = sqlx::query(sql)
            .bind(&product.brand)
            .bind(&product.product)
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let before = rows::reference(&before.ok_or_else(|| refusal::not_found("reference", id))?)?;
        if before.edition == *edition {
            return Ok(before);
        }
        sqlx::query(
            "UPDATE enrolled_references
             SET valid_from = $1, valid_to = $2, markets = $3, variant_of = $4 WHERE id = $5",
        )
        .bind(&edition.valid_from)
        .bind(&edition.valid_to)
        .bind(rows::markets_to_json(&edition.markets)?)
        .bind(&edition.variant_of)
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let after = ReferenceRecord {
            edition: edition.clone(),
            ..before.clone()
        };
        let deed = Deed {
            action: "reference.changed",
            about: about(id),
            before: Some(told(&before)),
            after: Some(told(&after)),
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(after)
    }

    async fn delete_reference(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let number = moved(&mut transaction).await?;
        // Marked, not deleted: earlier checks name it, and their evidence must still open.
        let removed = sqlx::query(
            "UPDATE enrolled_references SET removed_ms = $1, change = $2
             WHERE brand = $3 AND product = $4 AND id = $5 AND removed_ms IS NULL
             RETURNING *",
        )
        .bind(now_ms)
        .bind(number)
        .bind(&product.brand)
        .bind(&product.product)
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        // A second removal finds nothing: whoever asks for it has an outdated list.
        let removed = removed.ok_or_else(|| refusal::not_found("reference", id))?;
        self.enqueue_scores(&mut transaction, &product.brand, super::jobs::PROGRAM)
            .await?;
        let deed = Deed {
            action: "reference.removed",
            about: about(id),
            before: Some(told(&rows::reference(&removed)?)),
            after: None,
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn changed_references(
        &self,
        (change, id): (i64, &str),
        most: usize,
    ) -> Result<Vec<ChangedReference>, StoreError> {
        let rows = sqlx::query(
            "SELECT r.*, CASE WHEN r.removed_ms IS NULL AND p.retired = 0 AND b.retired = 0
                 THEN 1 ELSE 0 END AS in_use
             FROM enrolled_references r
             JOIN products p ON p.brand = r.brand AND p.id = r.product
             JOIN brands b ON b.id = r.brand
             WHERE (r.change, r.id) > ($1, $2) ORDER BY r.change, r.id LIMIT $3",
        )
        .bind(change)
        .bind(id)
        .bind(i64::try_from(most).unwrap_or(i64::MAX))
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        let changed = rows.iter().map(|row| {
            let in_use: i64 = row.try_get("in_use").map_err(failed)?;
            Ok(ChangedReference {
                reference: rows::reference(row)?,
                in_use: in_use != 0,
                change: row.try_get("change").map_err(failed)?,
            })
        });
        changed.collect()
    }

    async fn last_change(&self) -> Result<i64, StoreError> {
        sqlx::query_scalar("SELECT count FROM changes WHERE what = 'references'")
            .fetch_one(&self.pool)
            .await
            .map_err(failed)
    }
}

fn about(id: &str) -> String {
    format!("reference/{id}")
}

/// A reference as the log tells it.
fn told(reference: &ReferenceRecord) -> Value {
    json!({
        "product": path(&reference.product),
        "kind": reference.kind.name(),
        "view": reference.view,
        "image": reference.sha256.to_string(),
        "marks": reference.marks.len(),
        "valid_from": reference.edition.valid_from,
        "valid_to": reference.edition.valid_to,
        "markets": reference.edition.markets,
        "variant_of": reference.edition.variant_of,
    })
}
