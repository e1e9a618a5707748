//! A cluster's records and images in one file, and a cluster filled from such a file.
//!
//! Both go by way of a data folder that lives as long as the command: a backup is written of it and
//! restored into it by the same steps as on one machine, with everything that they compare. Between
//! it and the database, rows are carried table by table and read back.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{AnyConnection, AssertSqlSafe, Connection, SqliteConnection};
use tempfile::TempDir;

use super::{
    format::{BackupError, Found, Manifest, ROWS_PER_STEP, Step, cannot},
    read::restore,
    table::{self, Table},
    value::Value,
    write::{self, BackedUp, Originals},
};
use crate::{
    checker::ports::{Images, StoreError},
    domain::digest::{Hashing, Sha256},
    storage::{files::ContentFiles, postgres, sqlite},
};

/// Writes the records of the Postgres database at `url`, and the images that they name, into a new
/// file, while the cluster works. `data` is this machine's data folder; room for the records is
/// needed beside it meanwhile.
///
/// # Errors
/// As [`back_up`](super::back_up); and the server does not answer.
pub async fn back_up_cluster(
    (url, images): (&str, &dyn Images),
    data: &Path,
    file: &Path,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Result<BackedUp, BackupError> {
    let folder = write::folder_of(file, data)?;
    let place = place(data)?;
    // Rows of another schema are of other columns.
    let not_ours = |why: String| BackupError::NotOurs {
        path: postgres::told(url),
        why,
    };
    match postgres::schema(url).await? {
        Some(schema) if schema == postgres::NEWEST => {}
        Some(schema) => {
            let newest = postgres::NEWEST;
            return Err(not_ours(format!(
                "is of schema {schema}, and this program's is {newest}"
            )));
        }
        None => return Err(not_ours("has no tables of assay".to_owned())),
    }
    sqlx::any::install_default_drivers();
    sqlite::open(place.path()).await?.close().await;
    let (mut here, tables) = opened(place.path()).await?;
    let mut there = AnyConnection::connect(url).await?;
    let mut rows = there
        // One state of all tables, however long it takes.
        .begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    carry(&tables, &mut rows, &mut here, progress).await?;
    rows.rollback().await?;
    here.close().await?;
    let originals = Port(images);
    write::write(place.path(), &originals, (file, &folder), progress).await
}

/// Writes the records of a data folder, and the images that they name wherever they are kept, into a
/// new file.
///
/// # Errors
/// As [`back_up`](super::back_up).
pub async fn back_up_with(
    images: &dyn Images,
    data: &Path,
    file: &Path,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Result<BackedUp, BackupError> {
    let folder = write::folder_of(file, data)?;
    write::write(data, &Port(images), (file, &folder), progress).await
}

/// Fills the empty Postgres database at `url`, and the images' place, from a backup. Nothing of it
/// is seen before all of it is there. `data` is this machine's data folder; room for all records and
/// images is needed beside it meanwhile.
///
/// # Errors
/// As [`restore`](super::restore); and the database has records, or the server does not answer.
pub async fn restore_into_cluster(
    file: &Path,
    (url, images): (&str, &dyn Images),
    data: &Path,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Result<Manifest, BackupError> {
    // Before the file is read, which may take long.
    postgres::open(url, data).await?.close().await;
    let mut there = AnyConnection::connect(url).await?;
    refuse_records(&mut there, url).await?;
    let place = place(data)?;
    let restored = place.path().join("restored");
    let manifest = restore(file, &restored, progress).await?;
    // Brings older rows to the schema of the database at the other end.
    sqlite::open(&restored).await?.close().await;
    let (mut here, tables) = opened(&restored).await?;
    carry_images(&restored, &tables, images, progress).await?;
    let mut rows = there.begin().await?;
    // Once more, and nobody adds any from here on: what is written without a brand comes to one of
    // the others first.
    sqlx::query("LOCK TABLE brands, operating_points, checks, audit_head IN EXCLUSIVE MODE")
        .execute(&mut *rows)
        .await?;
    refuse_records(&mut rows, url).await?;
    carry(&tables, &mut here, &mut rows, progress).await?;
    rows.commit().await?;
    Ok(manifest)
}

/// A folder beside the data folder's content that is gone when the command ends.
fn place(data: &Path) -> Result<TempDir, BackupError> {
    tempfile::Builder::new()
        .prefix(".assay-carried-")
        .tempdir_in(data)
        .map_err(cannot("create a folder in", data))
}

/// A data folder's database, and its tables.
async fn opened(data: &Path) -> Result<(AnyConnection, Vec<Table>), BackupError> {
    let file: PathBuf = data.join(sqlite::FILE);
    let mut described = SqliteConnection::connect_with(&sqlite::options(&file)).await?;
    let tables = table::tables(&mut described).await?;
    described.close().await?;
    let file = file.canonicalize().map_err(cannot("use", &file))?;
    Ok((
        AnyConnection::connect(&sqlite::address(&file)?).await?,
        tables,
    ))
}

async fn refuse_records(there: &mut AnyConnection, url: &str) -> Result<(), BackupError> {
    let taken: Option<i64> = sqlx::query_scalar(
        "SELECT CAST(1 AS BIGINT) WHERE EXISTS (SELECT 1 FROM brands)
         OR EXISTS (SELECT 1 FROM checks) OR EXISTS (SELECT 1 FROM operating_points)
         OR EXISTS (SELECT 1 FROM audit)",
    )
    .fetch_optional(there)
    .await?;
    match taken {
        Some(_) => Err(BackupError::Taken(postgres::told(url))),
        None => Ok(()),
    }
}

/// Carries all rows from one database to another of the same tables, and reads them back.
async fn carry(
    tables: &[Table],
    from: &mut AnyConnection,
    to: &mut AnyConnection,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Result<(), BackupError> {
    // Migrations put first rows into some; what refers to others goes first.
    for table in tables.iter().rev() {
        sqlx::query(table.clear()).execute(&mut *to).await?;
    }
    for table in tables {
        let (insert, mut sent, mut hashing) = (table.insert(), 0, Hashing::default());
        let mut rows = sqlx::query(table.select()).fetch(&mut *from);
        while let Some(row) = rows.try_next().await? {
            let values = (0..table.types.len()).map(|n| Value::of_any(&row, n));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            hashing.update(&table.line_of(&values)?);
            let mut query = sqlx::query(AssertSqlSafe(std::sync::Arc::clone(&insert)));
            for (value, kind) in values.into_iter().zip(&table.types) {
                query = value.bind_any(query, kind);
            }
            query.execute(&mut *to).await?;
            sent += 1;
            if sent % ROWS_PER_STEP == 0 {
                let table = &table.name;
                progress(Step::Records { table, done: sent });
            }
        }
        drop(rows);
        let (arrived, hash) = read_back(table, to).await?;
        if (arrived, hash) != (sent, hashing.finish()) {
            let table = table.name.clone();
            return Err(BackupError::Changed {
                table,
                sent,
                arrived,
            });
        }
    }
    Ok(())
}

async fn read_back(table: &Table, to: &mut AnyConnection) -> Result<(u64, Sha256), BackupError> {
    let (mut arrived, mut hashing) = (0, Hashing::default());
    let mut rows = sqlx::query(table.select()).fetch(to);
    while let Some(row) = rows.try_next().await? {
        let values = (0..table.types.len()).map(|n| Value::of_any(&row, n));
        hashing.update(&table.line_of(&values.collect::<Result<Vec<_>, _>>()?)?);
        arrived += 1;
    }
    Ok((arrived, hashing.finish()))
}

/// Carries the images of a restored folder to where the cluster keeps them.
async fn carry_images(
    restored: &Path,
    tables: &[Table],
    images: &dyn Images,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Result<(), BackupError> {
    let file = restored.join(sqlite::FILE);
    let mut described = SqliteConnection::connect_with(&sqlite::options(&file)).await?;
    let named = table::named_images(&mut described, tables).await?;
    described.close().await?;
    let files = ContentFiles::of(restored);
    for (done, sha256) in (0..).zip(named.keys()) {
        let all = named.len() as u64;
        progress(Step::Images { done, all });
        match files.image(*sha256) {
            Ok(bytes) => images.put_image(*sha256, bytes.into()).await?,
            // Of those that were lost before the backup was made, its manifest tells.
            Err(StoreError::Lost { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Images read through the port.
struct Port<'a>(&'a dyn Images);

#[async_trait]
impl Originals for Port<'_> {
    async fn original(&self, sha256: Sha256) -> Result<Result<Vec<u8>, Found>, StoreError> {
        match self.0.image(sha256).await {
            Ok(bytes) => Ok(Ok(bytes.into())),
            // The port does not tell a damaged one from one that is not there.
            Err(StoreError::Lost { .. }) => Ok(Err(Found::Missing)),
            // A store that is down would make a backup without pictures of all that follow.
            Err(error) => Err(error),
        }
    }
}
