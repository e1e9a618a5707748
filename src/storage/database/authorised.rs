//! Rows of photos that must never be flagged.

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::{Row, any::AnyRow};

use super::{
    Database,
    audit::{Deed, path},
    refusal::{not_found, refused},
    rows::{failed, product_key, sha256},
};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{AuthorisedPhotoRecord, AuthorisedPhotos, Catalogue},
    },
    domain::gallery::ProductKey,
};

#[async_trait]
impl AuthorisedPhotos for Database {
    async fn add_authorised_photo(
        &self,
        actor: &Actor,
        photo: &AuthorisedPhotoRecord,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query(
            "INSERT INTO authorised_photos (id, brand, product, note, sha256, actor, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&photo.id)
        .bind(&photo.product.brand)
        .bind(&photo.product.product)
        .bind(&photo.note)
        .bind(photo.sha256.to_string())
        .bind(&photo.actor)
        .bind(photo.created_ms)
        .execute(&mut *transaction)
        .await
        .map_err(|e| refused(e, "authorised photo", photo.sha256, &photo.product))?;
        let deed = Deed {
            action: "authorised_photo.added",
            about: about(&photo.id),
            before: None,
            after: Some(told(&photo.product, &photo.sha256.to_string())),
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn delete_authorised_photo(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let sql = "DELETE FROM authorised_photos WHERE brand = $1 AND product = $2 AND id = $3
                   RETURNING sha256";
        let removed: Option<String> = sqlx::query_scalar(sql)
            .bind(&product.brand)
            .bind(&product.product)
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let sha256 = removed.ok_or_else(|| not_found("authorised photo", id))?;
        let deed = Deed {
            action: "authorised_photo.removed",
            about: about(id),
            before: Some(told(product, &sha256)),
            after: None,
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn authorised_photos(
        &self,
        product: &ProductKey,
    ) -> Result<Vec<AuthorisedPhotoRecord>, StoreError> {
        self.product(product).await?;
        let sql = "SELECT * FROM authorised_photos WHERE brand = $1 AND product = $2
                   ORDER BY created_ms, id";
        let rows = sqlx::query(sql)
            .bind(&product.brand)
            .bind(&product.product)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(record).collect()
    }
}

fn record(row: &AnyRow) -> Result<AuthorisedPhotoRecord, StoreError> {
    let id: String = row.try_get("id").map_err(failed)?;
    Ok(AuthorisedPhotoRecord {
        product: product_key(row)?,
        note: row.try_get("note").map_err(failed)?,
        sha256: sha256(row, &id)?,
        actor: row.try_get("actor").map_err(failed)?,
        created_ms: row.try_get("created_ms").map_err(failed)?,
        id,
    })
}

fn about(id: &str) -> String {
    format!("authorised_photo/{id}")
}

/// An authorised photo as the log tells it. Not its note, in which people write what they like.
fn told(product: &ProductKey, sha256: &str) -> Value {
    json!({"product": path(product), "image": sha256})
}
