//! Rows of brands and products.

use sqlx::SqlitePool;

use super::refusal::product_not_found;
use crate::{
    checker::{
        ports::StoreError,
        records::{Brand, Product},
    },
    domain::gallery::ProductKey,
    storage::rows::failed,
};

/// Adds a brand; the same id and name is accepted again.
pub(super) async fn add_brand(pool: &SqlitePool, brand: &Brand) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO brands (id, name) VALUES (?, ?) ON CONFLICT DO NOTHING")
        .bind(&brand.id)
        .bind(&brand.name)
        .execute(pool)
        .await
        .map_err(failed)?;
    // Asked afterwards: before, another process might add the brand in between.
    let name: String = sqlx::query_scalar("SELECT name FROM brands WHERE id = ?")
        .bind(&brand.id)
        .fetch_one(pool)
        .await
        .map_err(failed)?;
    if name == brand.name {
        Ok(())
    } else {
        Err(StoreError::Conflict {
            what: "brand",
            id: brand.id.clone(),
        })
    }
}

/// Gives a brand another name.
pub(super) async fn rename_brand(pool: &SqlitePool, brand: &Brand) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE brands SET name = ? WHERE id = ?")
        .bind(&brand.name)
        .bind(&brand.id)
        .execute(pool)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        0 => Err(brand_not_found(&brand.id)),
        _ => Ok(()),
    }
}

/// All brands by id.
pub(super) async fn brands(pool: &SqlitePool) -> Result<Vec<Brand>, StoreError> {
    let rows: Vec<(String, String)> = sqlx::query_as("SELECT id, name FROM brands ORDER BY id")
        .fetch_all(pool)
        .await
        .map_err(failed)?;
    let brand = |(id, name)| Brand { id, name };
    Ok(rows.into_iter().map(brand).collect())
}

/// Adds a product; the same id and name is accepted again.
pub(super) async fn add_product(pool: &SqlitePool, product: &Product) -> Result<(), StoreError> {
    brand_must_exist(pool, &product.key.brand).await?;
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

/// Gives a product another name.
pub(super) async fn rename_product(pool: &SqlitePool, product: &Product) -> Result<(), StoreError> {
    let done = sqlx::query("UPDATE products SET name = ? WHERE brand = ? AND id = ?")
        .bind(&product.name)
        .bind(&product.key.brand)
        .bind(&product.key.product)
        .execute(pool)
        .await
        .map_err(failed)?;
    match done.rows_affected() {
        0 => Err(product_not_found(&product.key)),
        _ => Ok(()),
    }
}

/// All products of a brand by id.
pub(super) async fn products(pool: &SqlitePool, brand: &str) -> Result<Vec<Product>, StoreError> {
    brand_must_exist(pool, brand).await?;
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT id, name FROM products WHERE brand = ? ORDER BY id")
            .bind(brand)
            .fetch_all(pool)
            .await
            .map_err(failed)?;
    let key = |product| ProductKey {
        brand: brand.to_owned(),
        product,
    };
    let product = |(id, name)| Product { key: key(id), name };
    Ok(rows.into_iter().map(product).collect())
}

/// One product.
pub(super) async fn product(pool: &SqlitePool, key: &ProductKey) -> Result<Product, StoreError> {
    let name: Option<String> =
        sqlx::query_scalar("SELECT name FROM products WHERE brand = ? AND id = ?")
            .bind(&key.brand)
            .bind(&key.product)
            .fetch_optional(pool)
            .await
            .map_err(failed)?;
    name.map(|name| Product {
        key: key.clone(),
        name,
    })
    .ok_or_else(|| product_not_found(key))
}

/// Whether a brand exists; an error when it does not.
pub(super) async fn brand_must_exist(pool: &SqlitePool, id: &str) -> Result<(), StoreError> {
    let found = sqlx::query("SELECT 1 FROM brands WHERE id = ?")
        .bind(id)
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    found.map(|_| ()).ok_or_else(|| brand_not_found(id))
}

fn brand_not_found(id: &str) -> StoreError {
    StoreError::NotFound {
        what: "brand",
        id: id.to_owned(),
    }
}
