//! Rows of brands and products.

use async_trait::async_trait;
use sqlx::{
    AnyConnection,
    any::{Any, AnyArguments},
    query::QueryScalar,
};

use super::{
    Database, jobs, moved,
    refusal::{self, product_not_found},
    rows::failed,
    touched,
};
use crate::{
    checker::{
        ports::StoreError,
        records::{Brand, Catalogue, Change, Product, Settings},
    },
    domain::gallery::ProductKey,
};

/// What both tables say: id, name, budget, whether it is retired.
type Named = (String, String, Option<f64>, i64);

fn settings(budget: Option<f64>, retired: i64) -> Settings {
    let retired = retired != 0;
    Settings { budget, retired }
}

fn to_brand((id, name, budget, retired): Named) -> Brand {
    let settings = settings(budget, retired);
    Brand { id, name, settings }
}

fn to_product(brand: &str, (product, name, budget, retired): Named) -> Product {
    let brand = brand.to_owned();
    Product {
        key: ProductKey { brand, product },
        name,
        settings: settings(budget, retired),
    }
}

#[async_trait]
impl Catalogue for Database {
    async fn add_brand(&self, brand: &Brand) -> Result<(), StoreError> {
        sqlx::query("INSERT INTO brands (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING")
            .bind(&brand.id)
            .bind(&brand.name)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        // Asked afterwards: before, another process might add the brand in between.
        let there = self.brand(&brand.id).await?;
        if there.name == brand.name {
            Ok(())
        } else {
            Err(refusal::conflict("brand", &brand.id))
        }
    }

    async fn change_brand(&self, id: &str, change: &Change) -> Result<Brand, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let retired = "SELECT retired FROM brands WHERE id = $1";
        let retired = sqlx::query_scalar(retired).bind(id);
        let number = retiring(&mut transaction, change, retired).await?;
        let row: Option<Named> = sqlx::query_as(
            "UPDATE brands SET name = coalesce($1, name),
             budget = CASE WHEN $2 = 1 THEN $3 ELSE budget END,
             retired = coalesce($4, retired), changes = changes + 1
             WHERE id = $5 RETURNING id, name, budget, retired",
        )
        .bind(&change.name)
        .bind(i64::from(change.budget.is_some()))
        .bind(change.budget.flatten())
        .bind(change.retired.map(i64::from))
        .bind(id)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        let row = row.ok_or_else(|| refusal::not_found("brand", id))?;
        if let Some(number) = number {
            renumber(&mut transaction, (id, None), number).await?;
            self.enqueue_scores(&mut transaction, id, jobs::PROGRAM)
                .await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(to_brand(row))
    }

    async fn brand(&self, id: &str) -> Result<Brand, StoreError> {
        let row: Option<Named> =
            sqlx::query_as("SELECT id, name, budget, retired FROM brands WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        row.map(to_brand)
            .ok_or_else(|| refusal::not_found("brand", id))
    }

    async fn brands(&self) -> Result<Vec<Brand>, StoreError> {
        let rows: Vec<Named> =
            sqlx::query_as("SELECT id, name, budget, retired FROM brands ORDER BY id")
                .fetch_all(&self.pool)
                .await
                .map_err(failed)?;
        Ok(rows.into_iter().map(to_brand).collect())
    }

    async fn add_product(&self, product: &Product) -> Result<(), StoreError> {
        self.brand(&product.key.brand).await?;
        sqlx::query(
            "INSERT INTO products (brand, id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(&product.key.brand)
        .bind(&product.key.product)
        .bind(&product.name)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        // As with brands: whoever came first, the name that is there decides.
        let there = self.product(&product.key).await?;
        if there.name == product.name {
            Ok(())
        } else {
            Err(refusal::conflict("product", &product.key.to_string()))
        }
    }

    async fn change_product(
        &self,
        key: &ProductKey,
        change: &Change,
    ) -> Result<Product, StoreError> {
        let mut transaction = self.pool.begin().await.map_err(failed)?;
        let retired = "SELECT retired FROM products WHERE brand = $1 AND id = $2";
        let retired = sqlx::query_scalar(retired)
            .bind(&key.brand)
            .bind(&key.product);
        let number = retiring(&mut transaction, change, retired).await?;
        // The brand before the product, as everywhere: two that lock them the other way round wait
        // for each other.
        touched(&mut transaction, &key.brand).await?;
        let row: Option<Named> = sqlx::query_as(
            "UPDATE products SET name = coalesce($1, name),
             budget = CASE WHEN $2 = 1 THEN $3 ELSE budget END,
             retired = coalesce($4, retired)
             WHERE brand = $5 AND id = $6 RETURNING id, name, budget, retired",
        )
        .bind(&change.name)
        .bind(i64::from(change.budget.is_some()))
        .bind(change.budget.flatten())
        .bind(change.retired.map(i64::from))
        .bind(&key.brand)
        .bind(&key.product)
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        let row = row.ok_or_else(|| product_not_found(key))?;
        if let Some(number) = number {
            let of = (key.brand.as_str(), Some(key.product.as_str()));
            renumber(&mut transaction, of, number).await?;
            self.enqueue_scores(&mut transaction, &key.brand, jobs::PROGRAM)
                .await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(to_product(&key.brand, row))
    }

    async fn products(&self, brand: &str) -> Result<Vec<Product>, StoreError> {
        self.brand(brand).await?;
        let rows: Vec<Named> = sqlx::query_as(
            "SELECT id, name, budget, retired FROM products WHERE brand = $1 ORDER BY id",
        )
        .bind(brand)
        .fetch_all(&self.pool)
        .await
        .map_err(failed)?;
        Ok(rows.into_iter().map(|row| to_product(brand, row)).collect())
    }

    async fn product(&self, key: &ProductKey) -> Result<Product, StoreError> {
        let row: Option<Named> = sqlx::query_as(
            "SELECT id, name, budget, retired FROM products WHERE brand = $1 AND id = $2",
        )
        .bind(&key.brand)
        .bind(&key.product)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        row.map(|row| to_product(&key.brand, row))
            .ok_or_else(|| product_not_found(key))
    }
}

/// The number of a change that takes references in or out of use, if it is one; `retired` reads
/// whether they are out of use now.
async fn retiring(
    transaction: &mut AnyConnection,
    change: &Change,
    retired: QueryScalar<'_, Any, i64, AnyArguments>,
) -> Result<Option<i64>, StoreError> {
    let Some(wanted) = change.retired else {
        return Ok(None);
    };
    // Before it is read: whoever retires anything waits for the others here.
    let number = moved(transaction).await?;
    let now = retired.fetch_optional(transaction).await.map_err(failed)?;
    Ok((now != Some(i64::from(wanted))).then_some(number))
}

/// Puts a change's number on the references of a brand, or of one product of it.
async fn renumber(
    transaction: &mut AnyConnection,
    (brand, product): (&str, Option<&str>),
    number: i64,
) -> Result<(), StoreError> {
    sqlx::query(
        "UPDATE enrolled_references SET change = $1
         WHERE removed_ms IS NULL AND brand = $2 AND ($3 IS NULL OR product = $3)",
    )
    .bind(number)
    .bind(brand)
    .bind(product)
    .execute(transaction)
    .await
    .map_err(failed)?;
    Ok(())
}
