//! Rows of brands and products.

use sqlx::SqlitePool;

use super::refusal::product_not_found;
use crate::{
    checker::{
        ports::StoreError,
        records::{Brand, Change, Product, Settings},
    },
    domain::gallery::ProductKey,
    storage::rows::failed,
};

/// What both tables say: id, name, budget, whether it is retired.
type Named = (String, String, Option<f64>, bool);

fn to_brand((id, name, budget, retired): Named) -> Brand {
    let settings = Settings { budget, retired };
    Brand { id, name, settings }
}

fn to_product(brand: &str, (product, name, budget, retired): Named) -> Product {
    let brand = brand.to_owned();
    Product {
        key: ProductKey { brand, product },
        name,
        settings: Settings { budget, retired },
    }
}

/// Adds a brand; the same id and name is accepted again.
pub(super) async fn add_brand(pool: &SqlitePool, brand: &Brand) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO brands (id, name) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(&brand.id)
        .bind(&brand.name)
        .execute(pool)
        .await
        .map_err(failed)?;
    // Asked afterwards: before, another process might add the brand in between.
    let there = self::brand(pool, &brand.id).await?;
    if there.name == brand.name {
        Ok(())
    } else {
        Err(StoreError::Conflict {
            what: "brand",
            id: brand.id.clone(),
        })
    }
}

/// Changes a brand.
pub(super) async fn change_brand(
    pool: &SqlitePool,
    id: &str,
    change: &Change,
) -> Result<Brand, StoreError> {
    let row: Option<Named> = sqlx::query_as(
        "UPDATE brands SET name = coalesce(?1, name), budget = iif(?2, ?3, budget),
         retired = coalesce(?4, retired) WHERE id = ?5 RETURNING id, name, budget, retired",
    )
    .bind(&change.name)
    .bind(change.budget.is_some())
    .bind(change.budget.flatten())
    .bind(change.retired)
    .bind(id)
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    row.map(to_brand).ok_or_else(|| brand_not_found(id))
}

/// One brand.
pub(super) async fn brand(pool: &SqlitePool, id: &str) -> Result<Brand, StoreError> {
    let row: Option<Named> =
        sqlx::query_as("SELECT id, name, budget, retired FROM brands WHERE id = ?")
            .bind(id)
            .fetch_optional(pool)
            .await
            .map_err(failed)?;
    row.map(to_brand).ok_or_else(|| brand_not_found(id))
}

/// All brands by id.
pub(super) async fn brands(pool: &SqlitePool) -> Result<Vec<Brand>, StoreError> {
    let rows: Vec<Named> =
        sqlx::query_as("SELECT id, name, budget, retired FROM brands ORDER BY id")
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    Ok(rows.into_iter().map(to_brand).collect())
}

/// Adds a product; the same id and name is accepted again.
pub(super) async fn add_product(pool: &SqlitePool, product: &Product) -> Result<(), StoreError> {
    brand(pool, &product.key.brand).await?;
    sqlx::query("INSERT INTO products (brand, id, name) VALUES (?, ?, ?) ON CONFLICT DO NOTHING")
        .bind(&product.key.brand)
        .bind(&product.key.product)
        .bind(&product.name)
        .execute(pool)
        .await
        .map_err(failed)?;
    // As with brands: whoever came first, the name that is there decides.
    let there = self::product(pool, &product.key).await?;
    if there.name == product.name {
        Ok(())
    } else {
        Err(StoreError::Conflict {
            what: "product",
            id: product.key.to_string(),
        })
    }
}

/// Changes a product.
pub(super) async fn change_product(
    pool: &SqlitePool,
    key: &ProductKey,
    change: &Change,
) -> Result<Product, StoreError> {
    let row: Option<Named> = sqlx::query_as(
        "UPDATE products SET name = coalesce(?1, name), budget = iif(?2, ?3, budget),
         retired = coalesce(?4, retired) WHERE brand = ?5 AND id = ?6
         RETURNING id, name, budget, retired",
    )
    .bind(&change.name)
    .bind(change.budget.is_some())
    .bind(change.budget.flatten())
    .bind(change.retired)
    .bind(&key.brand)
    .bind(&key.product)
    .fetch_optional(pool)
    .await
    .map_err(failed)?;
    row.map(|row| to_product(&key.brand, row))
        .ok_or_else(|| product_not_found(key))
}

/// All products of a brand by id.
pub(super) async fn products(pool: &SqlitePool, brand: &str) -> Result<Vec<Product>, StoreError> {
    self::brand(pool, brand).await?;
    let rows: Vec<Named> = sqlx::query_as(
        "SELECT id, name, budget, retired FROM products WHERE brand = ? ORDER BY id",
    )
    .bind(brand)
    .fetch_all(pool)
    .await
    .map_err(failed)?;
    Ok(rows.into_iter().map(|row| to_product(brand, row)).collect())
}

/// One product.
pub(super) async fn product(pool: &SqlitePool, key: &ProductKey) -> Result<Product, StoreError> {
    let row: Option<Named> =
        sqlx::query_as("SELECT id, name, budget, retired FROM products WHERE brand = ? AND id = ?")
            .bind(&key.brand)
            .bind(&key.product)
            .fetch_optional(pool)
            .await
            .map_err(failed)?;
    row.map(|row| to_product(&key.brand, row))
        .ok_or_else(|| product_not_found(key))
}

fn brand_not_found(id: &str) -> StoreError {
    StoreError::NotFound {
        what: "brand",
        id: id.to_owned(),
    }
}
