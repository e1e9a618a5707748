//! What checks are judged by: kept operating points, and what a claim rests on.

use async_trait::async_trait;

use super::{Database, refusal, rows::failed};
use crate::{
    checker::{
        ports::StoreError,
        records::{OperatingPoints, Settings, Standing},
    },
    contract::operating_point::OperatingPointAnswer,
    domain::gallery::ProductKey,
};

/// Columns of [`Standing`]: of the product (missing without one), of the brand, and both counters.
type Row = (Option<f64>, Option<i64>, Option<f64>, i64, i64, i64);

#[async_trait]
impl OperatingPoints for Database {
    async fn add_operating_point(&self, point: &OperatingPointAnswer) -> Result<(), StoreError> {
        // The first time it was used stays.
        sqlx::query(
            "INSERT INTO operating_points (id, body) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&point.id)
        .bind(serde_json::to_string(point).map_err(failed)?)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
    }

    async fn operating_point(&self, id: &str) -> Result<OperatingPointAnswer, StoreError> {
        let body: Option<String> =
            sqlx::query_scalar("SELECT body FROM operating_points WHERE id = $1")
                .bind(id)
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        let body = body.ok_or_else(|| refusal::not_found("calibration", id))?;
        serde_json::from_str(&body).map_err(failed)
    }

    async fn standing(&self, brand: &str, product: Option<&str>) -> Result<Standing, StoreError> {
        let row: Option<Row> = sqlx::query_as(
            "SELECT p.budget, p.retired, b.budget, b.retired, b.changes, c.count
             FROM brands b JOIN changes c ON c.what = 'references'
             LEFT JOIN products p ON p.brand = b.id AND p.id = $2 WHERE b.id = $1",
        )
        .bind(brand)
        .bind(product)
        .fetch_optional(&self.pool)
        .await
        .map_err(failed)?;
        let settings = |budget, retired: i64| Settings {
            budget,
            retired: retired != 0,
        };
        let missing = || match product {
            Some(product) => refusal::product_not_found(&ProductKey {
                brand: brand.to_owned(),
                product: product.to_owned(),
            }),
            None => refusal::not_found("brand", brand),
        };
        let (budget, retired, brand_budget, brand_retired, changes, references) =
            row.ok_or_else(missing)?;
        let of_product = retired.map(|retired| settings(budget, retired));
        if product.is_some() && of_product.is_none() {
            return Err(missing());
        }
        Ok(Standing {
            product: of_product,
            brand: settings(brand_budget, brand_retired),
            changes,
            references,
        })
    }
}
