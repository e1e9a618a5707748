//! Opens the records in one SQLite file, shared safely by several processes (write-ahead log, short
//! transactions).

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use sqlx::{
    AnyPool, Executor,
    any::AnyPoolOptions,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use super::{
    database::{Database, Kind, OpenError},
    schema::{self, Step},
};

/// The schema's versions.
const MIGRATIONS: [Step; 11] = [
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
    (
        5,
        "actors_and_jobs",
        include_str!("migrations/sqlite/0005_actors_and_jobs.sql"),
    ),
    (6, "keys", include_str!("migrations/sqlite/0006_keys.sql")),
    (7, "audit", include_str!("migrations/sqlite/0007_audit.sql")),
    (
        8,
        "reviews",
        include_str!("migrations/sqlite/0008_reviews.sql"),
    ),
    (
        9,
        "sessions",
        include_str!("migrations/sqlite/0009_sessions.sql"),
    ),
    (
        10,
        "references",
        include_str!("migrations/sqlite/0010_references.sql"),
    ),
    (
        11,
        "authorised_photos",
        include_str!("migrations/sqlite/0011_authorised_photos.sql"),
    ),
];

/// Name of the database in its data directory.
pub(super) const FILE: &str = "assay.sqlite";
/// The schema that this program brings a database to.
pub(super) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// How long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(10);

/// Opens `data/assay.sqlite`, creating or migrating it as needed.
///
/// # Errors
/// The folder cannot be used, or the file is no database, or one of a newer program.
pub async fn open(data: &Path) -> Result<Database, OpenError> {
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
    let first = SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(|e| database(e.into()))?;
    migrator().run(&first).await.map_err(|e| match e {
        // A step that this program does not know was taken by a newer one.
        MigrateError::VersionMissing(schema) => OpenError::Newer {
            path: file.display().to_string(),
            schema,
        },
        other => database(other.into()),
    })?;
    // Without links and `..`, which an address would read otherwise than the system does.
    let plain = file.canonicalize().map_err(|e| database(e.into()))?;
    let pool = pool(&plain).await.map_err(|e| database(e.into()))?;
    // Only now: without any connection, the write-ahead log would be merged and made again.
    first.close().await;
    Ok(Database::over(pool, Kind::Sqlite, data.to_owned()))
}

async fn pool(file: &Path) -> Result<AnyPool, sqlx::Error> {
    sqlx::any::install_default_drivers();
    let options = AnyPoolOptions::new()
        // Under a write-ahead log writers take turns whatever their number, and keep no reader waiting
        // while a connection is free.
        .max_connections(4)
        // An address cannot carry these, other than `options` below. What is deleted is overwritten:
        // erased data must not go on lying in free pages.
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute(
                        "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000; PRAGMA secure_delete = ON",
                    )
                    .await?;
                Ok(())
            })
        });
    options.connect(&address(file)?).await
}

/// A file, by its canonical path, as an address: whatever an address would read as something else is
/// escaped.
pub(super) fn address(file: &Path) -> Result<String, sqlx::Error> {
    let Some(path) = file.to_str() else {
        let why = format!("the path `{}` is not valid Unicode", file.display());
        return Err(sqlx::Error::Configuration(why.into()));
    };
    let mut address = "sqlite:".to_owned();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            address.push(char::from(byte));
        } else {
            address.push_str(&format!("%{byte:02X}"));
        }
    }
    Ok(address)
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
    schema::migrator(&MIGRATIONS)
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{MIGRATIONS, address};

    #[test]
    fn every_file_of_statements_is_listed() {
        crate::storage::schema::lists_all_files(&MIGRATIONS, "sqlite");
    }

    #[test]
    fn nothing_in_a_path_is_read_as_part_of_an_address() {
        assert_eq!(
            address(Path::new("/a b/50%?x#y:é/assay.sqlite")).unwrap(),
            "sqlite:/a%20b/50%25%3Fx%23y%3A%C3%A9/assay.sqlite"
        );
    }
}
