//! Records to rows and back: the JSON forms kept in columns, and the decoding of rows with every
//! value checked.

use serde::{
    Deserialize, Serialize,
    de::{DeserializeOwned, IntoDeserializer, value},
};
use sqlx::{Row, any::AnyRow};

use crate::{
    checker::{
        ports::StoreError,
        records::{Edition, GenuinePhotoRecord, ReferenceRecord},
    },
    domain::{
        digest::Sha256,
        gallery::{Health, Mark, MarkKind, ProductKey, ReferenceKind},
        geometry::{Point, Rect},
    },
};

/// A value in the database is not one that this program writes.
#[derive(Debug, thiserror::Error)]
#[error("column `{column}` of `{id}` holds `{value}`, which is not a {expected}")]
struct ForeignValue {
    column: &'static str,
    id: String,
    value: String,
    expected: &'static str,
}

/// Any failure of the database or its contents as the port's error.
pub(super) fn failed(cause: impl std::error::Error + Send + Sync + 'static) -> StoreError {
    let error: &(dyn std::error::Error + 'static) = &cause;
    let database = error.downcast_ref::<sqlx::Error>();
    let code = database
        .and_then(|e| e.as_database_error())
        .and_then(|e| e.code());
    // Told apart because it heals: once there is room again, the same request succeeds.
    if code.is_some_and(|code| FULL.contains(&&*code)) {
        StoreError::Full(Box::new(cause))
    } else {
        StoreError::Failed(Box::new(cause))
    }
}

/// What a name in the database stands for.
pub(super) fn named<T: DeserializeOwned>(name: &str) -> Result<T, StoreError> {
    let name: value::StrDeserializer<'_, value::Error> = name.into_deserializer();
    T::deserialize(name).map_err(failed)
}

/// A moment in milliseconds since 1970, UTC, as RFC 3339 writes it.
pub(super) fn time(ms: i64) -> Result<String, StoreError> {
    let time = jiff::Timestamp::from_millisecond(ms).map_err(failed)?;
    Ok(time.to_string())
}

/// What databases say when a disk has no room left: `SQLITE_FULL` for the database and its log,
/// `SQLITE_IOERR_SHMSIZE` for the index of the log, which a first connection sets up, and
/// `disk_full` of Postgres.
const FULL: [&str; 3] = ["13", "4874", "53100"];

// Shapes of their own, apart from the domain's: a field that is renamed there must not make stored
// rows unreadable.
#[derive(Serialize, Deserialize)]
struct MarkRow {
    name: String,
    kind: String,
    region: Vec<[f64; 2]>,
    text: Option<String>,
    proposed: bool,
}

#[derive(Serialize, Deserialize)]
struct HealthRow {
    usable: bool,
    keypoints: usize,
    sharpness: f64,
    problems: Vec<String>,
}

/// The article's place as the JSON of column `article`: x, y, width, height.
pub(super) fn article_to_json(article: Option<Rect>) -> Result<Option<String>, StoreError> {
    article
        .map(|place| serde_json::to_string(&place.to_xywh()).map_err(failed))
        .transpose()
}

fn article_from_json(json: &str) -> Result<Rect, StoreError> {
    let [x, y, width, height] = serde_json::from_str(json).map_err(failed)?;
    Ok(Rect::from_size(x, y, width, height))
}

/// Marks as the JSON of column `marks`.
pub(super) fn marks_to_json(marks: &[Mark]) -> Result<String, StoreError> {
    let rows: Vec<MarkRow> = marks
        .iter()
        .map(|m| MarkRow {
            name: m.name.clone(),
            kind: m.kind.name().to_owned(),
            region: m.region.iter().map(|p| [p.x, p.y]).collect(),
            text: m.text.clone(),
            proposed: m.proposed,
        })
        .collect();
    serde_json::to_string(&rows).map_err(failed)
}

/// Health as the JSON of column `health`.
pub(super) fn health_to_json(health: &Health) -> Result<String, StoreError> {
    let row = HealthRow {
        usable: health.usable,
        keypoints: health.keypoints,
        sharpness: health.sharpness,
        problems: health.problems.clone(),
    };
    serde_json::to_string(&row).map_err(failed)
}

/// Markets as the JSON of column `markets`; none for all of them.
pub(super) fn markets_to_json(markets: &[String]) -> Result<Option<String>, StoreError> {
    let some = Some(markets).filter(|markets| !markets.is_empty());
    some.map(|markets| serde_json::to_string(markets).map_err(failed))
        .transpose()
}

fn edition(row: &AnyRow) -> Result<Edition, StoreError> {
    let text = |column| row.try_get::<Option<String>, _>(column).map_err(failed);
    let markets = text("markets")?.map(|json| serde_json::from_str(&json).map_err(failed));
    Ok(Edition {
        valid_from: text("valid_from")?,
        valid_to: text("valid_to")?,
        markets: markets.transpose()?.unwrap_or_default(),
        variant_of: text("variant_of")?,
    })
}

fn marks_from_json(json: &str, id: &str) -> Result<Vec<Mark>, StoreError> {
    let rows: Vec<MarkRow> = serde_json::from_str(json).map_err(failed)?;
    rows.into_iter()
        .map(|row| {
            // A newer program may have written it: refused by name rather than taken for another.
            let kind = MarkKind::from_name(&row.kind).ok_or_else(|| {
                failed(ForeignValue {
                    column: "marks",
                    id: id.to_owned(),
                    value: row.kind,
                    expected: "mark kind",
                })
            })?;
            let region = row
                .region
                .into_iter()
                .map(|[x, y]| Point::new(x, y))
                .collect();
            Ok(Mark {
                name: row.name,
                kind,
                region,
                text: row.text,
                proposed: row.proposed,
            })
        })
        .collect()
}

/// A row of `enrolled_references`.
pub(super) fn reference(row: &AnyRow) -> Result<ReferenceRecord, StoreError> {
    // First, so that what is wrong in another column is told with its row.
    let id: String = row.try_get("id").map_err(failed)?;
    let kind: String = row.try_get("kind").map_err(failed)?;
    let kind = ReferenceKind::from_name(&kind).ok_or_else(|| {
        failed(ForeignValue {
            column: "kind",
            id: id.clone(),
            value: kind,
            expected: "reference kind",
        })
    })?;
    let article: Option<String> = row.try_get("article").map_err(failed)?;
    let marks: String = row.try_get("marks").map_err(failed)?;
    let health: String = row.try_get("health").map_err(failed)?;
    let health: HealthRow = serde_json::from_str(&health).map_err(failed)?;
    Ok(ReferenceRecord {
        product: product_key(row)?,
        kind,
        view: row.try_get("view").map_err(failed)?,
        sha256: sha256(row, &id)?,
        width: pixels(row, "width", &id)?,
        height: pixels(row, "height", &id)?,
        article: article.as_deref().map(article_from_json).transpose()?,
        marks: marks_from_json(&marks, &id)?,
        health: Health {
            usable: health.usable,
            keypoints: health.keypoints,
            sharpness: health.sharpness,
            problems: health.problems,
        },
        edition: edition(row)?,
        actor: row.try_get("actor").map_err(failed)?,
        created_ms: row.try_get("created_ms").map_err(failed)?,
        id,
    })
}

/// A row of `genuine_photos`.
pub(super) fn genuine_photo(row: &AnyRow) -> Result<GenuinePhotoRecord, StoreError> {
    let id: String = row.try_get("id").map_err(failed)?;
    Ok(GenuinePhotoRecord {
        product: product_key(row)?,
        item: row.try_get("item").map_err(failed)?,
        sha256: sha256(row, &id)?,
        actor: row.try_get("actor").map_err(failed)?,
        created_ms: row.try_get("created_ms").map_err(failed)?,
        id,
    })
}

fn pixels(row: &AnyRow, column: &'static str, id: &str) -> Result<u32, StoreError> {
    let value: i64 = row.try_get(column).map_err(failed)?;
    u32::try_from(value).map_err(|_| {
        failed(ForeignValue {
            column,
            id: id.to_owned(),
            value: value.to_string(),
            expected: "number of pixels",
        })
    })
}

pub(super) fn sha256(row: &AnyRow, id: &str) -> Result<Sha256, StoreError> {
    let hex: String = row.try_get("sha256").map_err(failed)?;
    // The parser alone cannot say whose row it is.
    hex.parse().map_err(|_| {
        failed(ForeignValue {
            column: "sha256",
            id: id.to_owned(),
            value: hex,
            expected: "SHA-256 in lower-case hex",
        })
    })
}

pub(super) fn product_key(row: &AnyRow) -> Result<ProductKey, StoreError> {
    Ok(ProductKey {
        brand: row.try_get("brand").map_err(failed)?,
        product: row.try_get("product").map_err(failed)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_database_is_told_from_other_failures() {
        let options = sqlx::sqlite::SqlitePoolOptions::new().max_connections(1);
        let pool = options.connect("sqlite::memory:").await.unwrap();
        let run = async |sql: &'static str| sqlx::query(sql).execute(&pool).await.map_err(failed);
        run("CREATE TABLE t (b BLOB)").await.unwrap();
        run("PRAGMA max_page_count = 4").await.unwrap();
        let full = run("INSERT INTO t VALUES (zeroblob(1000000))").await;
        assert!(matches!(full, Err(StoreError::Full(_))), "{full:?}");
        let wrong = run("INSERT INTO nothing VALUES (1)").await;
        assert!(matches!(wrong, Err(StoreError::Failed(_))), "{wrong:?}");
    }
}
