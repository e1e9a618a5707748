//! Tables as the database itself describes them, and the images that their rows name.
//!
//! No list of columns stands here: a column that is added later is backed up without a word about
//! it. What a new table has to keep to is the name of the column that names an image.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Row, SqliteConnection, sqlite::SqliteRow};

use super::{
    format::{BackupError, NamedBy, is_table},
    value::{self, Value},
};
use crate::domain::digest::Sha256;

/// A column of this name holds the content hash of an image.
const IMAGE: &str = "sha256";
/// Where a table has this column too, a row without it names a photo that could not be decoded: its
/// bytes were not kept, so they are not missed.
const KEPT: &str = "fingerprint";

/// One table.
#[derive(Clone, Debug)]
pub(super) struct Table {
    pub(super) name: String,
    columns: Vec<String>,
    /// What each column was declared as.
    #[cfg(feature = "cluster")]
    pub(super) types: Vec<String>,
    /// The columns of the primary key.
    key: Vec<String>,
}

/// All tables, in the order in which they were made: each comes after those that it refers to.
pub(super) async fn tables(connection: &mut SqliteConnection) -> Result<Vec<Table>, BackupError> {
    // SQLite's own tables come from the others, and the log of migrations from the schema's number.
    let names: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite@_%' ESCAPE '@'
         AND name <> '_sqlx_migrations' ORDER BY rowid",
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut tables = Vec::new();
    for name in names {
        if !is_table(&name) {
            let why = "its name is too long or has other characters than a-z, 0-9 and _".to_owned();
            return Err(BackupError::Table { table: name, why });
        }
        let columns: Vec<(String, i64, String)> =
            sqlx::query_as("SELECT name, pk, type FROM pragma_table_info(?) ORDER BY cid")
                .bind(&name)
                .fetch_all(&mut *connection)
                .await?;
        let mut key: Vec<_> = columns.iter().filter(|(_, n, _)| *n > 0).collect();
        key.sort_by_key(|(_, n, _)| *n);
        tables.push(Table {
            key: key.into_iter().map(|(column, ..)| column.clone()).collect(),
            #[cfg(feature = "cluster")]
            types: columns.iter().map(|(.., kind)| kind.clone()).collect(),
            columns: columns.into_iter().map(|(column, ..)| column).collect(),
            name,
        });
    }
    Ok(tables)
}

impl Table {
    /// Reads all rows, in the order of their keys.
    pub(super) fn select(&self) -> AssertSqlSafe<String> {
        let order = match &self.key[..] {
            [] => "rowid".to_owned(),
            key => list(key),
        };
        let (columns, table) = (list(&self.columns), quoted(&self.name));
        AssertSqlSafe(format!("SELECT {columns} FROM {table} ORDER BY {order}"))
    }

    /// Adds a row; shared, since every row is added by it.
    pub(super) fn insert(&self) -> Arc<str> {
        let (columns, table) = (list(&self.columns), quoted(&self.name));
        // Numbered, as other databases know them too.
        let values = (1..=self.columns.len()).map(|n| format!("${n}"));
        let values = values.collect::<Vec<_>>().join(", ");
        format!("INSERT INTO {table} ({columns}) VALUES ({values})").into()
    }

    /// Removes all rows.
    pub(super) fn clear(&self) -> AssertSqlSafe<String> {
        AssertSqlSafe(format!("DELETE FROM {}", quoted(&self.name)))
    }

    /// A row as a line of JSON, its end included.
    pub(super) fn line(&self, row: &SqliteRow) -> Result<Vec<u8>, BackupError> {
        let values = (0..self.columns.len()).map(|n| Value::of(row, n));
        self.line_of(&values.collect::<Result<Vec<_>, _>>()?)
    }

    /// Values as a line of JSON, its end included.
    pub(super) fn line_of(&self, values: &[Value]) -> Result<Vec<u8>, BackupError> {
        value::write(&self.columns, values).map_err(|e| BackupError::Table {
            table: self.name.clone(),
            why: e.to_string(),
        })
    }

    /// The values of a line, in the order that they are added in.
    pub(super) fn values(&self, line: &[u8]) -> Result<Vec<Value>, String> {
        value::parse(&self.columns, line)
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|c| c == column)
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn list(columns: &[String]) -> String {
    let quoted: Vec<_> = columns.iter().map(|c| quoted(c)).collect();
    quoted.join(", ")
}

/// The images that rows name, and whether each must be there.
pub(super) async fn named_images(
    connection: &mut SqliteConnection,
    tables: &[Table],
) -> Result<BTreeMap<Sha256, bool>, BackupError> {
    let mut named = BTreeMap::new();
    for table in tables.iter().filter(|table| table.has(IMAGE)) {
        let kept = if table.has(KEPT) {
            format!("MAX({KEPT} IS NOT NULL)")
        } else {
            "1".to_owned()
        };
        let name = quoted(&table.name);
        let sql = format!("SELECT {IMAGE}, {kept} FROM {name} GROUP BY {IMAGE}");
        let mut rows =
            sqlx::query_as::<_, (String, bool)>(AssertSqlSafe(sql)).fetch(&mut *connection);
        while let Some((hash, needed)) = rows.try_next().await? {
            let sha256: Sha256 = hash.parse().map_err(|e| foreign_hash(table, &e))?;
            *named.entry(sha256).or_insert(false) |= needed;
        }
    }
    Ok(named)
}

/// The rows that name these images.
pub(super) async fn namers(
    connection: &mut SqliteConnection,
    tables: &[Table],
    images: &BTreeSet<Sha256>,
) -> Result<BTreeMap<Sha256, Vec<NamedBy>>, BackupError> {
    let mut namers: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for table in tables.iter().filter(|table| table.has(IMAGE)) {
        let key: Vec<_> = table
            .key
            .iter()
            .map(|c| format!(", CAST({} AS TEXT)", quoted(c)))
            .collect();
        let (key, name) = (key.concat(), quoted(&table.name));
        // One pass over the table, since not every table is indexed by its images.
        let sql = format!(
            "SELECT {IMAGE}{key} FROM {name} ORDER BY {}",
            list(&table.key)
        );
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut *connection);
        while let Some(row) = rows.try_next().await? {
            let hash: String = row.try_get(0)?;
            let sha256: Sha256 = hash.parse().map_err(|e| foreign_hash(table, &e))?;
            if images.contains(&sha256) {
                let key = (1..=table.key.len()).map(|n| row.try_get(n));
                namers.entry(sha256).or_default().push(NamedBy {
                    table: table.name.clone(),
                    key: key.collect::<Result<_, _>>()?,
                });
            }
        }
    }
    Ok(namers)
}

fn foreign_hash(table: &Table, error: &dyn std::error::Error) -> BackupError {
    BackupError::Table {
        table: table.name.clone(),
        why: format!("column `{IMAGE}`: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use sqlx::Connection;

    use super::*;

    /// Every kind of value in every kind of column, through a line and back.
    #[tokio::test]
    async fn every_value_comes_back_to_the_last_bit() {
        let mut db = SqliteConnection::connect("sqlite::memory:").await.unwrap();
        let make =
            "CREATE TABLE t (a INTEGER PRIMARY KEY, r REAL, x TEXT, b BLOB, \"odd \"\"name\") ";
        sqlx::query(make).execute(&mut db).await.unwrap();
        sqlx::query(
            "INSERT INTO t VALUES
             (9223372036854775807, 0.1, 'ö \"\n\u{1F600}', x'00ff10', 5),
             (-9223372036854775808, 1.7976931348623157e308, '', x'', 5.0),
             (0, 5e-324, NULL, NULL, 'five'),
             (1, 9e999, 'null', x'7b7d', x'35'),
             (2, -9e999, '{\"blob\":\"00\"}', zeroblob(3), 9007199254740993),
             (3, 3.0, '3', x'33', NULL)",
        )
        .execute(&mut db)
        .await
        .unwrap();
        let all = async |db: &mut SqliteConnection| -> Vec<String> {
            // With its type, as text that differs whenever a bit of a value does.
            let sql =
                "SELECT typeof(a) || quote(a) || typeof(r) || printf('%!.17g', r) || typeof(x)
                       || quote(x) || typeof(b) || quote(b) || typeof(\"odd \"\"name\")
                       || quote(\"odd \"\"name\") FROM t ORDER BY a";
            sqlx::query_scalar(sql).fetch_all(db).await.unwrap()
        };
        let before = all(&mut db).await;
        let tables = tables(&mut db).await.unwrap();
        let [table] = &tables[..] else {
            panic!("{tables:?}")
        };
        let rows = sqlx::query(table.select())
            .fetch_all(&mut db)
            .await
            .unwrap();
        let lines: Vec<_> = rows.iter().map(|row| table.line(row).unwrap()).collect();
        sqlx::query(table.clear()).execute(&mut db).await.unwrap();
        for line in &lines {
            let mut query = sqlx::query(AssertSqlSafe(table.insert()));
            for value in table.values(line).unwrap() {
                query = value.bind(query);
            }
            query.execute(&mut db).await.unwrap();
        }
        assert_eq!((before.len(), all(&mut db).await), (6, before));
    }
}
