//! Rows of brands and products.

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::AnyConnection;

use super::{
    Database,
    audit::{Deed, path},
    jobs, moved,
    refusal::{self, product_not_found},
    rows::failed,
    touched,
};
use crate::{
    checker::{
        actor::Actor,
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
    async fn add_brand(&self, actor: &Actor, brand: &Brand) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let sql = "INSERT INTO brands (id, name) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        let added = sqlx::query(sql)
            .bind(&brand.id)
            .bind(&brand.name)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if added.rows_affected() == 0 {
            transaction.rollback().await.map_err(failed)?;
            // Asked afterwards: before, another process might add the brand in between.
            let there = self.brand(&brand.id).await?;
            return match there.name == brand.name {
                true => Ok(()),
                false => Err(refusal::conflict("brand", &brand.id)),
            };
        }
        let about = format!("brand/{}", brand.id);
        let after = told(&brand.name, Settings::default());
        let deed = added_or_changed("brand.added", about, None, after);
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn change_brand(
        &self,
        actor: &Actor,
        id: &str,
        change: &Change,
    ) -> Result<Brand, StoreError> {
        let mut transaction = self.begin().await?;
        let number = retiring(&mut transaction, change).await?;
        touched(&mut transaction, id).await?;
        let sql = "SELECT id, name, budget, retired FROM brands WHERE id = $1";
        let old: Option<Named> = sqlx::query_as(sql)
            .bind(id)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let old = to_brand(old.ok_or_else(|| refusal::not_found("brand", id))?);
        let row: Named = sqlx::query_as(
            "UPDATE brands SET name = coalesce($1, name),
             budget = CASE WHEN $2 = 1 THEN $3 ELSE budget END,
             retired = coalesce($4, retired)
             WHERE id = $5 RETURNING id, name, budget, retired",
        )
        .bind(&change.name)
        .bind(i64::from(change.budget.is_some()))
        .bind(change.budget.flatten())
        .bind(change.retired.map(i64::from))
        .bind(id)
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        let new = to_brand(row);
        if let Some(number) = number.filter(|_| new.settings.retired != old.settings.retired) {
            renumber(&mut transaction, (id, None), number).await?;
            self.enqueue_scores(&mut transaction, id, jobs::PROGRAM)
                .await?;
        }
        if new != old {
            let about = format!("brand/{id}");
            let before = Some(told(&old.name, old.settings));
            let after = told(&new.name, new.settings);
            let deed = added_or_changed("brand.changed", about, before, after);
            self.note(&mut transaction, actor, deed).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(new)
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

    async fn add_product(&self, actor: &Actor, product: &Product) -> Result<(), StoreError> {
        self.brand(&product.key.brand).await?;
        let mut transaction = self.begin().await?;
        let added = sqlx::query(
            "INSERT INTO products (brand, id, name) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        )
        .bind(&product.key.brand)
        .bind(&product.key.product)
        .bind(&product.name)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        if added.rows_affected() == 0 {
            transaction.rollback().await.map_err(failed)?;
            // As with brands: whoever came first, the name that is there decides.
            let there = self.product(&product.key).await?;
            return match there.name == product.name {
                true => Ok(()),
                false => Err(refusal::conflict("product", &product.key.to_string())),
            };
        }
        let about = format!("product/{}", path(&product.key));
        let after = told(&product.name, Settings::default());
        let deed = added_or_changed("product.added", about, None, after);
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn change_product(
        &self,
        actor: &Actor,
        key: &ProductKey,
        change: &Change,
    ) -> Result<Product, StoreError> {
        let mut transaction = self.begin().await?;
        let number = retiring(&mut transaction, change).await?;
        // The brand before the product, as everywhere: two that lock them the other way round wait
        // for each other.
        touched(&mut transaction, &key.brand).await?;
        let sql = "SELECT id, name, budget, retired FROM products WHERE brand = $1 AND id = $2";
        let old: Option<Named> = sqlx::query_as(sql)
            .bind(&key.brand)
            .bind(&key.product)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let old = to_product(&key.brand, old.ok_or_else(|| product_not_found(key))?);
        let row: Named = sqlx::query_as(
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
        .fetch_one(&mut *transaction)
        .await
        .map_err(failed)?;
        let new = to_product(&key.brand, row);
        if let Some(number) = number.filter(|_| new.settings.retired != old.settings.retired) {
            let of = (key.brand.as_str(), Some(key.product.as_str()));
            renumber(&mut transaction, of, number).await?;
            self.enqueue_scores(&mut transaction, &key.brand, jobs::PROGRAM)
                .await?;
        }
        if new != old {
            let about = format!("product/{}", path(key));
            let before = Some(told(&old.name, old.settings));
            let after = told(&new.name, new.settings);
            let deed = added_or_changed("product.changed", about, before, after);
            self.note(&mut transaction, actor, deed).await?;
        }
        transaction.commit().await.map_err(failed)?;
        Ok(new)
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

/// The number of a change that may take references in or out of use.
async fn retiring(
    transaction: &mut AnyConnection,
    change: &Change,
) -> Result<Option<i64>, StoreError> {
    Ok(match change.retired {
        // Before anything is read: whoever retires anything waits for the others here.
        Some(_) => Some(moved(transaction).await?),
        None => None,
    })
}

/// A brand or a product as the log tells it.
fn told(name: &str, settings: Settings) -> Value {
    let Settings { budget, retired } = settings;
    json!({"name": name, "budget": budget, "retired": retired})
}

fn added_or_changed(
    action: &'static str,
    about: String,
    before: Option<Value>,
    after: Value,
) -> Deed<'static> {
    Deed {
        action,
        about,
        before,
        after: Some(after),
        why: None,
    }
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
