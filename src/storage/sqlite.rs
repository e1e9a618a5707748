//! The records in one SQLite file, shared safely by several processes (write-ahead log, short
//! transactions).

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::{
    SqlSafeStr, SqlitePool,
    migrate::{MigrateError, Migration, MigrationType, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{files::is_full, rows::failed};
use crate::{
    checker::{
        ports::StoreError,
        records::{
            Brand, Change, Changes, CheckFilter, GenuinePhotoRecord, GenuineScore, KeptObservation,
            KeptVariation, Product, ReferenceRecord, SeenElsewhere, Store,
        },
    },
    contract::{answer::CheckAnswer, operating_point::OperatingPointAnswer},
    domain::{digest::Sha256, gallery::ProductKey, score::LogOdds},
};

mod catalogue;
mod checks;
mod genuine;
mod operating_points;
mod references;
mod refusal;

/// The schema's versions: number, name, statements, each in a transaction. (`sqlx::migrate!` would
/// embed them too, but its macros build a second SQLite for the compiler.)
const MIGRATIONS: [(i64, &str, &str); 4] = [
    (1, "first", include_str!("migrations/sqlite/0001_first.sql")),
    (
        2,
        "variation",
        include_str!("migrations/sqlite/0002_variation.sql"),
    ),
    (
        3,
        "operating_points",
        include_str!("migrations/sqlite/0003_operating_points.sql"),
    ),
    (
        4,
        "settings",
        include_str!("migrations/sqlite/0004_settings.sql"),
    ),
];

/// Name of the database in its data directory.
pub(super) const FILE: &str = "assay.sqlite";
/// The schema that this program brings a database to.
pub(super) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// How long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(10);
/// Bytes that must find room for a data folder to count as having any: a photo and its rows.
const ROOM_BYTES: usize = 4 << 20;

/// The database of one data directory.
pub struct SqliteStore {
    pool: SqlitePool,
    data: PathBuf,
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder or its lock file.
    #[error("cannot use the data directory `{path}`, which --data names: {source}")]
    Folder {
        /// The folder.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// Written by a newer version of the program.
    #[error(
        "the database `{path}` was written by a newer assay (schema {schema}); update assay or use another --data"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its schema version.
        schema: i64,
    },
    /// Anything else that the database said.
    #[error("cannot open the database `{path}`: {source}")]
    Database {
        /// The file.
        path: String,
        /// What the database said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl SqliteStore {
    /// Opens `data/assay.sqlite`, creating or migrating it as needed.
    pub async fn open(data: &Path) -> Result<Self, OpenError> {
        let folder = |source| OpenError::Folder {
            path: data.display().to_string(),
            source,
        };
        std::fs::create_dir_all(data).map_err(folder)?;
        let file = data.join(FILE);
        let database = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Database {
            path: file.display().to_string(),
            source,
        };
        // Two processes that start at once must not both migrate; the lock is released when the
        // file is closed.
        let _lock = exclusive(data.join("assay.lock")).await.map_err(folder)?;
        let options = options(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        let pool = SqlitePoolOptions::new()
            // Readers wait for nobody under a write-ahead log, and writers take turns whatever
            // their number.
            .max_connections(4)
            .connect_with(options)
            .await
            .map_err(|e| database(e.into()))?;
        migrator().run(&pool).await.map_err(|e| match e {
            // A step that this program does not know was taken by a newer one.
            MigrateError::VersionMissing(schema) => OpenError::Newer {
                path: file.display().to_string(),
                schema,
            },
            other => database(other.into()),
        })?;
        Ok(Self {
            pool,
            data: data.to_owned(),
        })
    }

    /// Closes all connections, so that the write-ahead log is merged into the file.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// How a database that is there is connected to.
pub(super) fn options(file: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(file)
        // Every transaction is on the disk before it is answered: with less, power that fails takes
        // back rows whose callers were told that they are kept.
        .synchronous(SqliteSynchronous::Full)
        // SQLite itself checks them only where each connection asks for it.
        .foreign_keys(true)
        .busy_timeout(BUSY)
}

/// Brings a database to a schema, step by step.
pub(super) fn migrator() -> Migrator {
    let migrations = MIGRATIONS.map(|(version, name, statements)| {
        Migration::new(
            version,
            name.into(),
            MigrationType::Simple,
            statements.into_sql_str(),
            false,
        )
    });
    Migrator::with_migrations(Vec::from(migrations))
}

/// Waits for the lock on a file, on a thread of its own: the wait blocks, and the holder may be a
/// task of this runtime.
async fn exclusive(path: PathBuf) -> io::Result<File> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let wait = move || {
        let locked = File::create(path).and_then(|file| file.lock().map(|()| file));
        // Nobody listens when opening was given up; the lock is released with the file then.
        let _ = tell.send(locked);
    };
    std::thread::Builder::new()
        .name("lock".to_owned())
        .spawn(wait)?;
    told.await.map_err(io::Error::other)?
}

#[async_trait]
impl Store for SqliteStore {
    async fn add_brand(&self, brand: &Brand) -> Result<(), StoreError> {
        catalogue::add_brand(&self.pool, brand).await
    }

    async fn change_brand(&self, id: &str, change: &Change) -> Result<Brand, StoreError> {
        catalogue::change_brand(&self.pool, id, change).await
    }

    async fn brand(&self, id: &str) -> Result<Brand, StoreError> {
        catalogue::brand(&self.pool, id).await
    }

    async fn brands(&self) -> Result<Vec<Brand>, StoreError> {
        catalogue::brands(&self.pool).await
    }

    async fn add_product(&self, product: &Product) -> Result<(), StoreError> {
        catalogue::add_product(&self.pool, product).await
    }

    async fn change_product(
        &self,
        key: &ProductKey,
        change: &Change,
    ) -> Result<Product, StoreError> {
        catalogue::change_product(&self.pool, key, change).await
    }

    async fn products(&self, brand: &str) -> Result<Vec<Product>, StoreError> {
        catalogue::products(&self.pool, brand).await
    }

    async fn product(&self, key: &ProductKey) -> Result<Product, StoreError> {
        catalogue::product(&self.pool, key).await
    }

    async fn add_reference(&self, reference: &ReferenceRecord) -> Result<(), StoreError> {
        references::add(&self.pool, reference).await
    }

    async fn references(
        &self,
        product: Option<&ProductKey>,
    ) -> Result<Vec<ReferenceRecord>, StoreError> {
        // A product that is not there is an error, not an empty list.
        if let Some(key) = product {
            self.product(key).await?;
        }
        references::list(&self.pool, product).await
    }

    async fn reference(&self, id: &str) -> Result<ReferenceRecord, StoreError> {
        references::get(&self.pool, id).await
    }

    async fn delete_reference(
        &self,
        product: &ProductKey,
        id: &str,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        references::remove(&self.pool, product, id, now_ms).await
    }

    async fn add_genuine_photo(&self, photo: &GenuinePhotoRecord) -> Result<(), StoreError> {
        genuine::add_photo(&self.pool, photo).await
    }

    async fn delete_genuine_photo(&self, product: &ProductKey, id: &str) -> Result<(), StoreError> {
        genuine::remove_photo(&self.pool, product, id).await
    }

    async fn genuine_photos(
        &self,
        product: &ProductKey,
    ) -> Result<Vec<GenuinePhotoRecord>, StoreError> {
        self.product(product).await?;
        genuine::photos(&self.pool, product).await
    }

    async fn genuine_photos_of_brand(
        &self,
        brand: &str,
    ) -> Result<Vec<GenuinePhotoRecord>, StoreError> {
        self.brand(brand).await?;
        genuine::photos_of_brand(&self.pool, brand).await
    }

    async fn genuine_scores(
        &self,
        brand: &str,
        product: Option<&str>,
        version: &str,
    ) -> Result<Vec<GenuineScore>, StoreError> {
        genuine::scores(&self.pool, brand, product, version).await
    }

    async fn put_genuine_score(
        &self,
        score: &GenuineScore,
        observation: Option<&str>,
        version: &str,
    ) -> Result<(), StoreError> {
        genuine::put_score(&self.pool, score, observation, version).await
    }

    async fn observations(
        &self,
        product: &ProductKey,
        version: &str,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<KeptObservation>, StoreError> {
        genuine::observations(&self.pool, product, version, after, most).await
    }

    async fn put_variation(
        &self,
        product: &ProductKey,
        kept: &KeptVariation,
        adjusted: &[(String, LogOdds)],
        version: &str,
    ) -> Result<(), StoreError> {
        genuine::put_variation(&self.pool, product, kept, adjusted, version).await
    }

    async fn variations(
        &self,
        brand: &str,
        product: Option<&str>,
        version: &str,
    ) -> Result<Vec<KeptVariation>, StoreError> {
        genuine::variations(&self.pool, brand, product, version).await
    }

    async fn add_operating_point(&self, point: &OperatingPointAnswer) -> Result<(), StoreError> {
        operating_points::add(&self.pool, point).await
    }

    async fn operating_point(&self, id: &str) -> Result<OperatingPointAnswer, StoreError> {
        operating_points::get(&self.pool, id).await
    }

    async fn add_check(
        &self,
        answer: &CheckAnswer,
        fingerprints: &[Option<u128>],
    ) -> Result<(), StoreError> {
        checks::add(&self.pool, answer, fingerprints).await
    }

    async fn check(&self, id: &str) -> Result<CheckAnswer, StoreError> {
        checks::get(&self.pool, id).await
    }

    async fn checks(&self, filter: &CheckFilter) -> Result<Vec<CheckAnswer>, StoreError> {
        checks::list(&self.pool, filter).await
    }

    async fn seen_elsewhere(
        &self,
        sha256: &[Sha256],
        seller: Option<&str>,
    ) -> Result<Vec<SeenElsewhere>, StoreError> {
        checks::seen_elsewhere(&self.pool, sha256, seller).await
    }

    async fn changes(&self) -> Result<Changes, StoreError> {
        let rows: Vec<(String, i64)> = sqlx::query_as("SELECT what, count FROM changes")
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        let count = |what: &str| rows.iter().find(|row| row.0 == what).map_or(0, |row| row.1);
        Ok(Changes {
            references: count("references"),
            genuine_photos: count("genuine_photos"),
        })
    }

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

#[cfg(test)]
mod tests {
    use super::MIGRATIONS;

    #[test]
    fn every_file_of_statements_is_listed() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage/migrations/sqlite");
        let names = std::fs::read_dir(folder)
            .unwrap()
            .map(|f| f.unwrap().file_name().into_string().unwrap());
        let mut files: Vec<String> = names.collect();
        files.sort();
        assert_eq!(
            files,
            MIGRATIONS.map(|(version, name, _)| format!("{version:04}_{name}.sql"))
        );
    }
}
