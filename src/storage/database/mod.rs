//! The records in a database, by statements that SQLite and Postgres both understand.
//!
//! Each file here holds one port. What the two databases do differently is said in [`Kind`]; how each
//! is opened stands in files of their own.

mod accounts;
mod audit;
mod authorised;
mod catalogue;
mod checks;
mod genuine;
mod jobs;
mod operating_points;
mod queue;
mod references;
mod refusal;
mod retention;
mod reviews;
mod rows;
mod scores;

use std::path::PathBuf;

use async_trait::async_trait;
use sqlx::{Any, AnyConnection, AnyPool, AssertSqlSafe, Transaction};

use self::rows::failed;
use super::files::is_full;
use crate::checker::{ports::StoreError, records::Upkeep};

/// Bytes that must find room for a data folder to count as having any: a photo and its rows.
const ROOM_BYTES: usize = 4 << 20;

/// Which database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One file, for the processes of one machine.
    Sqlite,
    /// A server, for many machines.
    #[cfg(feature = "cluster")]
    Postgres,
}

impl Kind {
    /// The database's own time, in milliseconds since 1970, UTC.
    fn now_ms(self) -> &'static str {
        match self {
            Self::Sqlite => "CAST(unixepoch('subsec') * 1000 AS INTEGER)",
            #[cfg(feature = "cluster")]
            Self::Postgres => "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
        }
    }

    /// What begins a transaction that is going to write. One of SQLite that read first and then wants to
    /// write does not wait for another writer: it fails at once, for what it read may be outdated.
    fn begin(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE",
            #[cfg(feature = "cluster")]
            Self::Postgres => "BEGIN",
        }
    }

    /// What a SELECT ends with whose rows are changed next, so that two workers do not wait for one
    /// row. SQLite has one writer at a time and needs nothing.
    fn skip_locked(self) -> &'static str {
        match self {
            Self::Sqlite => "",
            #[cfg(feature = "cluster")]
            Self::Postgres => "FOR UPDATE SKIP LOCKED",
        }
    }
}

/// A database that is open and of this program's schema.
pub struct Database {
    pool: AnyPool,
    kind: Kind,
    /// Where files lie beside it.
    data: PathBuf,
}

/// Why a database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or its lock file.
    #[error("cannot use the data directory `{path}`, which --data names: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// Written by a newer version of the program.
    #[error(
        "the database `{path}` was written by a newer assay (schema {schema}); update assay or use another --data"
    )]
    Newer {
        /// The file, or where the server is.
        path: String,
        /// Its schema version.
        schema: i64,
    },
    /// Anything else that the database said.
    #[error("cannot open the database `{path}`: {source}")]
    Database {
        /// The file, or where the server is.
        path: String,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Database {
    /// Over a pool of connections to a database of this program's schema.
    pub(super) fn over(pool: AnyPool, kind: Kind, data: PathBuf) -> Self {
        Self { pool, kind, data }
    }

    /// Closes all connections; SQLite merges its write-ahead log into the file then.
    pub async fn close(&self) {
        self.pool.close().await;
    }

    /// Begins a transaction that is going to write.
    async fn begin(&self) -> Result<Transaction<'static, Any>, StoreError> {
        let begun = self.pool.begin_with(self.kind.begin()).await;
        begun.map_err(failed)
    }

    /// A statement with what this database calls things put in for `{now}` and `{skip_locked}`.
    fn spelled(&self, sql: &str) -> AssertSqlSafe<String> {
        // Nothing of a caller's is ever put in: those are values, and bound.
        AssertSqlSafe(
            sql.replace("{now}", self.kind.now_ms())
                .replace("{skip_locked}", self.kind.skip_locked()),
        )
    }
}

/// Moves the counter of changed references; its new number. First in a transaction: whoever comes
/// next waits for this one to be committed, so that nobody ever sees a number without all before it.
async fn moved(transaction: &mut AnyConnection) -> Result<i64, StoreError> {
    sqlx::query_scalar(
        "UPDATE changes SET count = count + 1 WHERE what = 'references' RETURNING count",
    )
    .fetch_one(transaction)
    .await
    .map_err(failed)
}

/// Moves the counter of what a brand's checks are judged by.
async fn touched(transaction: &mut AnyConnection, brand: &str) -> Result<(), StoreError> {
    sqlx::query("UPDATE brands SET changes = changes + 1 WHERE id = $1")
        .bind(brand)
        .execute(transaction)
        .await
        .map_err(failed)?;
    Ok(())
}

#[async_trait]
impl Upkeep for Database {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1")
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn room(&self) -> Result<(), StoreError> {
        // Several processes may share the folder.
        let file = self.data.join(format!("room-{}.part", std::process::id()));
        // Written rather than asked for: quotas and reserved blocks show only that way.
        let written = tokio::fs::write(&file, vec![0; ROOM_BYTES]).await;
        // Also half of it must not stay, and when nothing was written there is nothing to remove.
        let removed = tokio::fs::remove_file(&file).await;
        written.and(removed).map_err(|e| {
            if is_full(&e) {
                StoreError::Full(Box::new(e))
            } else {
                failed(e)
            }
        })
    }
}
