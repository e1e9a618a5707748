//! Rows of what answers were judged by.

use sqlx::SqlitePool;

use crate::{
    checker::ports::StoreError, contract::operating_point::OperatingPointAnswer,
    storage::rows::failed,
};

/// Keeps an operating point unless it is there.
pub(super) async fn add(pool: &SqlitePool, point: &OperatingPointAnswer) -> Result<(), StoreError> {
    // The first time it was used stays.
    sqlx::query(
        "INSERT INTO operating_points (id, body) VALUES (?, ?) ON CONFLICT (id) DO NOTHING",
    )
    .bind(&point.id)
    .bind(serde_json::to_string(point).map_err(failed)?)
    .execute(pool)
    .await
    .map_err(failed)?;
    Ok(())
}

/// One operating point.
pub(super) async fn get(pool: &SqlitePool, id: &str) -> Result<OperatingPointAnswer, StoreError> {
    let body: Option<(String,)> = sqlx::query_as("SELECT body FROM operating_points WHERE id = ?")
        .bind(id)
        .fetch_optional(pool)
        .await
        .map_err(failed)?;
    let (body,) = body.ok_or_else(|| StoreError::NotFound {
        what: "calibration",
        id: id.to_owned(),
    })?;
    serde_json::from_str(&body).map_err(failed)
}
