//! Opens the records in a Postgres database, which many machines share.

use std::{path::Path, time::Duration};

use sqlx::{
    Connection, Executor, PgConnection,
    any::AnyPoolOptions,
    migrate::{MigrateError, Migrator},
    postgres::PgPoolOptions,
};

use super::{
    database::{Database, Kind, OpenError},
    schema::{self, Step},
};

/// The schema's versions. The first has the number of SQLite's last one when this came: the tables
/// are the same, and so are the numbers.
const MIGRATIONS: [Step; 7] = [
    (
        5,
        "first",
        include_str!("migrations/postgres/0005_first.sql"),
    ),
    (6, "keys", include_str!("migrations/postgres/0006_keys.sql")),
    (
        7,
        "audit",
        include_str!("migrations/postgres/0007_audit.sql"),
    ),
    (
        8,
        "reviews",
        include_str!("migrations/postgres/0008_reviews.sql"),
    ),
    (
        9,
        "sessions",
        include_str!("migrations/postgres/0009_sessions.sql"),
    ),
    (
        10,
        "references",
        include_str!("migrations/postgres/0010_references.sql"),
    ),
    (
        11,
        "authorised_photos",
        include_str!("migrations/postgres/0011_authorised_photos.sql"),
    ),
];

/// The schema that this program brings a database to.
pub(super) const NEWEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Connections of one process: a check holds one for moments only.
const CONNECTIONS: u32 = 16;
/// How long a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Opens the database at `url` (`postgres://user:password@host/name`), making or migrating its
/// tables as needed; files go on lying in `data`.
///
/// # Errors
/// The server does not answer, refuses, or holds the tables of a newer program. No error names the
/// password.
pub async fn open(url: &str, data: &Path) -> Result<Database, OpenError> {
    let path = told(url);
    std::fs::create_dir_all(data).map_err(|source| OpenError::Folder {
        path: data.display().to_string(),
        source,
    })?;
    let database = |source: Box<dyn std::error::Error + Send + Sync>| OpenError::Database {
        path: path.clone(),
        source,
    };
    let first = PgPoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .connect(url)
        .await
        .map_err(|e| database(e.into()))?;
    // Holds a lock of the server meanwhile: two that start at once do not both migrate.
    migrator().run(&first).await.map_err(|e| match e {
        MigrateError::VersionMissing(schema) => OpenError::Newer {
            path: path.clone(),
            schema,
        },
        other => database(other.into()),
    })?;
    first.close().await;
    sqlx::any::install_default_drivers();
    let pool = AnyPoolOptions::new()
        .max_connections(CONNECTIONS)
        .acquire_timeout(PATIENCE)
        // A host that vanished in the middle of a transaction must not hold up the others for hours.
        .after_connect(|connection, _| {
            Box::pin(async move {
                connection
                    .execute(
                        "SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '30s'",
                    )
                    .await?;
                Ok(())
            })
        })
        .connect(url)
        .await
        .map_err(|e| database(e.into()))?;
    Ok(Database::over(pool, Kind::Postgres, data.to_owned()))
}

fn migrator() -> Migrator {
    schema::migrator(&MIGRATIONS)
}

/// The schema of the database at `url`, which is neither made nor changed; `None` where there are no
/// tables of this program.
pub(super) async fn schema(url: &str) -> Result<Option<i64>, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    let there: bool = sqlx::query_scalar("SELECT to_regclass('_sqlx_migrations') IS NOT NULL")
        .fetch_one(&mut connection)
        .await?;
    let schema = match there {
        true => {
            sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations")
                .fetch_one(&mut connection)
                .await?
        }
        false => None,
    };
    connection.close().await?;
    Ok(schema)
}

/// The address without what lies between `//` and `@`, which may hold a password.
pub(crate) fn told(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("postgres", ""));
    // What follows `?` may hold a password too, and either may hold the other's sign: where it is not
    // sure which is which, nothing is told.
    let place = match rest.split_once('?') {
        Some((_, settings)) if settings.contains('@') => "",
        Some((place, _)) => place,
        None => rest,
    };
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    format!("{scheme}://{place}")
}

#[cfg(test)]
mod tests {
    use super::{MIGRATIONS, told};

    #[test]
    fn every_file_of_statements_is_listed() {
        crate::storage::schema::lists_all_files(&MIGRATIONS, "postgres");
    }

    #[test]
    fn no_password_is_told() {
        for (url, wanted) in [
            (
                "postgres://ann:p@ss@db:5432/assay",
                "postgres://db:5432/assay",
            ),
            ("postgres://db/assay?password=secret", "postgres://db/assay"),
            ("postgresql://db/assay", "postgresql://db/assay"),
            ("postgres://db/assay?password=p@ss", "postgres://"),
            ("postgres://ann:p?w@db/assay", "postgres://"),
            ("nonsense", "postgres://"),
        ] {
            assert_eq!(told(url), wanted);
        }
    }
}
