//! Writing a backup, also while a server works on the same data folder.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use sqlx::{Connection, SqliteConnection};

use super::{
    format::{
        BackupError, Content, Counted, FORMAT, Found, LostImage, MOST_LINE_BYTES,
        MOST_MANIFEST_BYTES, Manifest, ROWS_PER_STEP, Step, cannot,
    },
    table::{self, Table},
};
use crate::{
    checker::ports::StoreError,
    domain::digest::{Hashing, Sha256},
    storage::{
        files::{ContentFiles, MOST_IMAGE_BYTES, sync_folder},
        sqlite,
    },
};

/// A backup that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BackedUp {
    /// What it holds.
    pub manifest: Manifest,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Writes the records of a data folder, and the images that they name, into a new file. It has its
/// name only once it is whole and on the disk; dropped before, this leaves nothing behind.
///
/// # Errors
/// The file exists, there is no database, or the database or the disk failed. A lost image is no
/// error: the manifest names it.
pub async fn back_up(
    data: &Path,
    file: &Path,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Result<BackedUp, BackupError> {
    let folder = folder_of(file, data)?;
    write(data, &ContentFiles::of(data), (file, &folder), progress).await
}

/// Where original images are read from.
#[async_trait]
pub(super) trait Originals: Sync {
    /// An image's bytes, if they are what its name promises.
    async fn original(&self, sha256: Sha256) -> Result<Result<Vec<u8>, Found>, StoreError>;
}

#[async_trait]
impl Originals for ContentFiles {
    async fn original(&self, sha256: Sha256) -> Result<Result<Vec<u8>, Found>, StoreError> {
        Ok(read(&self.image_path(sha256), sha256))
    }
}

/// Writes a backup of the database in `data` and of the images that it names into `file`, which is
/// to lie in `folder`.
pub(super) async fn write(
    data: &Path,
    originals: &dyn Originals,
    (file, folder): (&Path, &Path),
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Result<BackedUp, BackupError> {
    let (mut database, path) = open(data).await?;
    let part = tempfile::Builder::new()
        .prefix(".assay-backup-")
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(cannot("create a file in", folder))?;
    let mut archive = Archive {
        tar: tar::Builder::new(BufWriter::new(part.as_file())),
        file,
        now_s: u64::try_from(jiff::Timestamp::now().as_second()).unwrap_or(0),
        progress,
    };
    // One state of all tables; under a write-ahead log nobody waits for its readers.
    let mut snapshot = database.begin().await?;
    let mut manifest = Manifest {
        format: FORMAT,
        program: concat!("assay ", env!("CARGO_PKG_VERSION")).to_owned(),
        created_at: jiff::Timestamp::now().to_string(),
        schema: schema(&mut snapshot, &path).await?,
        tables: BTreeMap::new(),
        images: 0,
        image_bytes: 0,
        lost: Vec::new(),
    };
    let tables = table::tables(&mut snapshot).await?;
    for table in &tables {
        let counted = archive.records(&mut snapshot, table).await?;
        manifest.tables.insert(table.name.clone(), counted);
    }
    let named = table::named_images(&mut snapshot, &tables).await?;
    // Before the images, which may take long: while a snapshot is read, the database's log grows.
    snapshot.rollback().await?;
    let lost = archive.images(originals, &named, &mut manifest).await?;
    manifest.lost = with_namers(&mut database, &tables, lost).await?;
    database.close().await?;
    archive.finish(&manifest)?;
    let bytes = part
        .as_file()
        .sync_all()
        .and_then(|()| part.as_file().metadata())
        .map_err(cannot("write", file))?
        .len();
    // Nobody's file is overwritten, not even one that came into being meanwhile.
    part.persist_noclobber(file)
        .map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => BackupError::Exists(file.to_owned()),
            _ => cannot("write", file)(e.error),
        })?;
    sync_folder(folder).map_err(cannot("write", file))?;
    Ok(BackedUp { manifest, bytes })
}

/// The folder that the file is to lie in; whatever can be refused at once is.
pub(super) fn folder_of(file: &Path, data: &Path) -> Result<PathBuf, BackupError> {
    if file.symlink_metadata().is_ok() {
        return Err(BackupError::Exists(file.to_owned()));
    }
    let folder = file.parent().filter(|above| *above != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    // Without links and `..`: otherwise a folder could be inside without looking so.
    let folder = folder
        .canonicalize()
        .map_err(cannot("use the folder of", file))?;
    if data
        .canonicalize()
        .is_ok_and(|data| folder.starts_with(data))
    {
        return Err(BackupError::InsideData {
            file: file.to_owned(),
            data: data.to_owned(),
        });
    }
    Ok(folder)
}

/// The database as it is: it is neither made nor brought to a newer schema, since a backup is what
/// one makes before that.
async fn open(data: &Path) -> Result<(SqliteConnection, PathBuf), BackupError> {
    let file = data.join(sqlite::FILE);
    if !file.is_file() {
        return Err(BackupError::NoDatabase(file));
    }
    let database = SqliteConnection::connect_with(&sqlite::options(&file)).await?;
    Ok((database, file))
}

async fn schema(snapshot: &mut SqliteConnection, path: &Path) -> Result<i64, BackupError> {
    let schema = sqlx::query_scalar("SELECT COALESCE(MAX(version), 0) FROM _sqlx_migrations")
        .fetch_one(snapshot)
        .await?;
    // Which columns of a newer schema name images, only a newer program knows.
    if schema > sqlite::NEWEST {
        let path = path.to_owned();
        return Err(BackupError::Newer { path, schema });
    }
    Ok(schema)
}

/// The archive while it is written.
struct Archive<'a> {
    tar: tar::Builder<BufWriter<&'a File>>,
    file: &'a Path,
    now_s: u64,
    progress: &'a (dyn Fn(Step<'_>) + Sync),
}

impl Archive<'_> {
    fn header(&self) -> tar::Header {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o600);
        header.set_mtime(self.now_s);
        header
    }

    fn add(&mut self, content: &Content, bytes: &[u8]) -> Result<(), BackupError> {
        let mut header = self.header();
        header.set_size(bytes.len() as u64);
        self.tar
            .append_data(&mut header, content.name(), bytes)
            .map_err(cannot("write", self.file))
    }

    async fn records(
        &mut self,
        snapshot: &mut SqliteConnection,
        table: &Table,
    ) -> Result<Counted, BackupError> {
        let mut header = self.header();
        let content = Content::Records(table.name.clone());
        // Its size is known when it is written, and is then filled in.
        let mut entry = self
            .tar
            .append_writer(&mut header, content.name())
            .map_err(cannot("write", self.file))?;
        let (mut records, mut hashing) = (0, Hashing::default());
        let mut rows = sqlx::query(table.select()).fetch(snapshot);
        (self.progress)(Step::Records {
            table: &table.name,
            done: 0,
        });
        while let Some(row) = rows.try_next().await? {
            let line = table.line(&row)?;
            if line.len() as u64 > MOST_LINE_BYTES {
                let why = format!("row {records} takes more than {MOST_LINE_BYTES} bytes");
                let table = table.name.clone();
                return Err(BackupError::Table { table, why });
            }
            entry.write_all(&line).map_err(cannot("write", self.file))?;
            hashing.update(&line);
            records += 1;
            if records % ROWS_PER_STEP == 0 {
                (self.progress)(Step::Records {
                    table: &table.name,
                    done: records,
                });
            }
        }
        entry.finish().map_err(cannot("write", self.file))?;
        Ok(Counted {
            records,
            sha256: hashing.finish().to_string(),
        })
    }

    /// Adds the images that are whole, and tells which are not.
    async fn images(
        &mut self,
        originals: &dyn Originals,
        named: &BTreeMap<Sha256, bool>,
        manifest: &mut Manifest,
    ) -> Result<BTreeMap<Sha256, Found>, BackupError> {
        let mut lost = BTreeMap::new();
        for (done, (sha256, needed)) in (0..).zip(named) {
            let all = named.len() as u64;
            (self.progress)(Step::Images { done, all });
            match originals.original(*sha256).await? {
                Ok(bytes) => {
                    self.add(&Content::Image(*sha256), &bytes)?;
                    manifest.images += 1;
                    manifest.image_bytes += bytes.len() as u64;
                }
                // Of a photo that could not be decoded nothing was ever kept.
                Err(Found::Missing) if !needed => {}
                Err(found) => _ = lost.insert(*sha256, found),
            }
            // Reading waits for the disk without giving way: a signal to stop is heard here.
            tokio::task::yield_now().await;
        }
        Ok(lost)
    }

    fn finish(mut self, manifest: &Manifest) -> Result<(), BackupError> {
        let bytes = serde_json::to_vec_pretty(manifest)
            .map_err(|e| cannot("write", self.file)(e.into()))?;
        if bytes.len() as u64 > MOST_MANIFEST_BYTES {
            // Whoever restored it would have to be told the same.
            let why = format!(
                "{} images are lost: look after them first",
                manifest.lost.len()
            );
            return Err(cannot("write", self.file)(io::Error::other(why)));
        }
        self.add(&Content::Manifest, &bytes)?;
        self.tar
            .into_inner()
            .and_then(|mut buffer| buffer.flush())
            .map_err(cannot("write", self.file))
    }
}

/// An image's bytes, if the file holds what its name promises.
fn read(path: &Path, sha256: Sha256) -> Result<Vec<u8>, Found> {
    let failed = |e: io::Error| {
        if e.kind() == io::ErrorKind::NotFound {
            return Found::Missing;
        }
        tracing::warn!("`{}` cannot be read: {e}", path.display());
        Found::Unreadable
    };
    // Before it is read: nothing of that size was ever kept.
    if fs::metadata(path).map_err(failed)?.len() > MOST_IMAGE_BYTES {
        return Err(Found::Damaged);
    }
    let bytes = fs::read(path).map_err(failed)?;
    let whole = Sha256::of(&bytes) == sha256;
    whole.then_some(bytes).ok_or(Found::Damaged)
}

async fn with_namers(
    database: &mut SqliteConnection,
    tables: &[Table],
    lost: BTreeMap<Sha256, Found>,
) -> Result<Vec<LostImage>, BackupError> {
    if lost.is_empty() {
        return Ok(Vec::new());
    }
    let hashes: BTreeSet<_> = lost.keys().copied().collect();
    let mut namers = table::namers(database, tables, &hashes).await?;
    let told = lost.into_iter().map(|(sha256, found)| LostImage {
        sha256: sha256.to_string(),
        found,
        named_by: namers.remove(&sha256).unwrap_or_default(),
    });
    Ok(told.collect())
}
