//! Rows of genuine photos.

use async_trait::async_trait;
use serde_json::{Value, json};

use super::{
    Database,
    audit::{Deed, path},
    jobs,
    refusal::{self, refused},
    rows::{self, failed},
    touched,
};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{Catalogue, GenuinePhotoRecord, GenuinePhotos, MOST_GENUINE_PHOTOS},
    },
    domain::gallery::ProductKey,
};

#[async_trait]
impl GenuinePhotos for Database {
    async fn add_genuine_photo(
        &self,
        actor: &Actor,
        photo: &GenuinePhotoRecord,
    ) -> Result<(), StoreError> {
        let brand = &photo.product.brand;
        let mut transaction = self.begin().await?;
        touched(&mut transaction, brand).await?;
        sqlx::query(
            "INSERT INTO genuine_photos (id, brand, product, item, sha256, actor, created_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(&photo.id)
        .bind(brand)
        .bind(&photo.product.product)
        .bind(&photo.item)
        .bind(photo.sha256.to_string())
        .bind(&photo.actor)
        .bind(photo.created_ms)
        .execute(&mut *transaction)
        .await
        .map_err(|e| refused(e, "genuine photo", photo.sha256, &photo.product))?;
        self.enqueue_scores(&mut transaction, brand, &photo.actor)
            .await?;
        let deed = Deed {
            action: "genuine_photo.added",
            about: about(&photo.id),
            before: None,
            after: Some(told(&photo.product, &photo.sha256.to_string())),
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn delete_genuine_photo(
        &self,
        actor: &Actor,
        product: &ProductKey,
        id: &str,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        touched(&mut transaction, &product.brand).await?;
        let sql = "DELETE FROM genuine_photos WHERE brand = $1 AND product = $2 AND id = $3
                   RETURNING sha256";
        let removed: Option<String> = sqlx::query_scalar(sql)
            .bind(&product.brand)
            .bind(&product.product)
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let sha256 = removed.ok_or_else(|| refusal::not_found("genuine photo", id))?;
        // All of it is put together anew from the photos that are left. Until then none of the
        // product's scores counts as its own.
        for sql in [
            "DELETE FROM variations WHERE brand = $1 AND product = $2",
            "UPDATE genuine_scores SET informed = NULL WHERE photo IN
             (SELECT id FROM genuine_photos WHERE brand = $1 AND product = $2)",
        ] {
            sqlx::query(sql)
                .bind(&product.brand)
                .bind(&product.product)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        }
        self.enqueue_scores(&mut transaction, &product.brand, jobs::PROGRAM)
            .await?;
        let deed = Deed {
            action: "genuine_photo.removed",
            about: about(id),
            before: Some(told(product, &sha256)),
            after: None,
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn genuine_photos(
        &self,
        product: &ProductKey,
    ) -> Result<Vec<GenuinePhotoRecord>, StoreError> {
        self.product(product).await?;
        let sql = "SELECT * FROM genuine_photos WHERE brand = $1 AND product = $2
                   ORDER BY created_ms, id LIMIT $3";
        let query = sqlx::query(sql)
            .bind(&product.brand)
            .bind(&product.product)
            // Oldest first and bounded: what calibrates does not shift as more come in.
            .bind(i64::from(MOST_GENUINE_PHOTOS));
        let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
        rows.iter().map(rows::genuine_photo).collect()
    }

    async fn products_with_genuine_photos(
        &self,
        brand: &str,
    ) -> Result<Vec<ProductKey>, StoreError> {
        let sql = "SELECT DISTINCT product FROM genuine_photos WHERE brand = $1 ORDER BY product";
        let products: Vec<String> = sqlx::query_scalar(sql)
            .bind(brand)
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let key = |product| ProductKey {
            brand: brand.to_owned(),
            product,
        };
        Ok(products.into_iter().map(key).collect())
    }

    async fn genuine_photos_of_brand(
        &self,
        brand: &str,
    ) -> Result<Vec<GenuinePhotoRecord>, StoreError> {
        self.brand(brand).await?;
        let sql = "SELECT * FROM genuine_photos WHERE brand = $1 ORDER BY created_ms, id LIMIT $2";
        let query = sqlx::query(sql)
            .bind(brand)
            .bind(i64::from(MOST_GENUINE_PHOTOS));
        let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
        rows.iter().map(rows::genuine_photo).collect()
    }
}

fn about(id: &str) -> String {
    format!("genuine_photo/{id}")
}

/// A genuine photo as the log tells it. Not its item, in which people write what they like.
fn told(product: &ProductKey, sha256: &str) -> Value {
    json!({"product": path(product), "image": sha256})
}
