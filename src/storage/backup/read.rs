//! Restoring a backup into a data folder of its own. The file is trusted in nothing: what it holds
//! is bounded before memory is spent, and compared with what its manifest and the hashes say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::Deserialize;
use sqlx::{
    AssertSqlSafe, Connection, Sqlite, SqliteConnection, Transaction, sqlite::SqliteJournalMode,
};

use super::{
    format::{
        BackupError, Content, FORMAT, MANIFEST, MOST_LINE_BYTES, Manifest, ROWS_PER_STEP, Step,
        cannot,
    },
    table::{self, Table},
};
use crate::{
    domain::digest::{Hashing, Sha256},
    storage::shown::shown,
    storage::{
        files::{ContentFiles, sync_folder},
        sqlite,
    },
};

/// Makes a data folder of a backup. `into` has its name only once it is whole and on the disk;
/// dropped before, this leaves nothing behind. Returns the backup's manifest, which also names the
/// images that were lost when it was made.
///
/// # Errors
/// `into` is not an empty folder, or the file is not a whole backup that this program can read.
pub async fn restore(
    file: &Path,
    into: &Path,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> Result<Manifest, BackupError> {
    let (target, folder) = target(into)?;
    let archive = Archive::open(file)?;
    let manifest = archive.manifest()?;
    let part = tempfile::Builder::new()
        .prefix(".assay-restore-")
        .suffix(".part")
        .tempdir_in(&folder)
        .map_err(cannot("create a folder in", &folder))?;
    let mut database = make_database(part.path(), &manifest).await?;
    let restoring = Restoring {
        archive: &archive,
        manifest: &manifest,
        tables: table::tables(&mut database).await?,
        rows: database.begin().await?,
        read: BTreeSet::new(),
        named: None,
        images: 0,
        image_bytes: 0,
        files: ContentFiles::open(part.path())?,
        progress,
    };
    restoring.run().await?;
    database.close().await?;
    sync_folder(part.path()).map_err(cannot("write", &target))?;
    // Elsewhere than on Unix, a folder is not renamed over an empty one.
    if cfg!(not(unix)) && target.is_dir() {
        fs::remove_dir(&target).map_err(cannot("replace", &target))?;
    }
    // Fails where something came into the folder meanwhile.
    fs::rename(part.path(), &target)
        .map_err(cannot("put the restored folder in place as", &target))?;
    // What was renamed is not to be looked for and removed.
    let _ = part.keep();
    sync_folder(&folder).map_err(cannot("write", &target))?;
    Ok(manifest)
}

/// Where the data folder is to lie, and the folder that it lies in.
fn target(into: &Path) -> Result<(PathBuf, PathBuf), BackupError> {
    let taken = || BackupError::NotEmpty(into.to_owned());
    if into.symlink_metadata().is_ok() {
        let mut inside = fs::read_dir(into).map_err(|_| taken())?;
        if inside.next().is_some() {
            return Err(taken());
        }
        // Without links: the folder itself is to be replaced, not what points to it.
        let target = into.canonicalize().map_err(cannot("use", into))?;
        let folder = target.parent().ok_or_else(taken)?.to_owned();
        return Ok((target, folder));
    }
    let folder = into.parent().filter(|above| *above != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let folder = folder
        .canonicalize()
        .map_err(cannot("use the folder of", into))?;
    let name = into.file_name().ok_or_else(taken)?;
    Ok((folder.join(name), folder))
}

/// A database of the backup's schema, without rows and without what acts on rows by itself.
async fn make_database(data: &Path, manifest: &Manifest) -> Result<SqliteConnection, BackupError> {
    let options = sqlite::options(&data.join(sqlite::FILE))
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // All are looked at together at the end.
        .foreign_keys(false);
    let mut database = SqliteConnection::connect_with(&options).await?;
    sqlite::migrator()
        .run_to(manifest.schema, &mut database)
        .await?;
    Ok(database)
}

/// A backup file.
struct Archive<'a> {
    path: &'a Path,
    file: File,
}

/// What is understood of every manifest, of whichever format.
#[derive(Deserialize)]
struct Version {
    format: u64,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path) -> Result<Self, BackupError> {
        let file = File::open(path).map_err(cannot("read", path))?;
        let archive = Self { path, file };
        // It is read twice.
        let kind = archive.file.metadata().map_err(cannot("read", path))?;
        if !kind.is_file() {
            return Err(archive.refused("it is not a plain file"));
        }
        Ok(archive)
    }

    fn refused(&self, why: impl Into<String>) -> BackupError {
        let (path, why) = (self.path.to_owned(), why.into());
        BackupError::Refused { path, why }
    }

    /// What is wrong with the archive's own frame.
    fn torn(&self, error: &std::io::Error) -> BackupError {
        self.refused(format!("it is no backup, or damaged: {error}"))
    }

    fn reader(&self) -> Result<tar::Archive<BufReader<&File>>, BackupError> {
        let mut file = &self.file;
        file.seek(SeekFrom::Start(0))
            .map_err(cannot("read", self.path))?;
        Ok(tar::Archive::new(BufReader::new(file)))
    }

    /// Looks at every entry's header, and reads the manifest at the end.
    fn manifest(&self) -> Result<Manifest, BackupError> {
        let mut reader = self.reader()?;
        let entries = reader.entries_with_seek().map_err(|e| self.torn(&e))?;
        let mut manifest = None;
        // Raw, because otherwise long names and extended headers of any size are read into memory.
        for entry in entries.raw(true) {
            let mut entry = entry.map_err(|e| self.torn(&e))?;
            let (content, size) = Content::of(&entry)?;
            if manifest.is_some() {
                return Err(self.refused(format!("`{}` comes after the manifest", content.name())));
            }
            if content == Content::Manifest {
                manifest = Some(self.understood(&whole(&mut entry, &content, size)?)?);
            }
        }
        manifest
            .ok_or_else(|| self.refused("it ends before its manifest: it is cut off, or no backup"))
    }

    fn understood(&self, json: &[u8]) -> Result<Manifest, BackupError> {
        let damaged =
            |e: serde_json::Error| self.refused(format!("`{MANIFEST}` is damaged: {}", shown(&e)));
        let Version { format } = serde_json::from_slice(json).map_err(damaged)?;
        if format != FORMAT {
            return Err(self.refused(format!(
                "it is of format {format}, and this program reads format {FORMAT}; use the version of assay that wrote it or a newer one"
            )));
        }
        let manifest: Manifest = serde_json::from_slice(json).map_err(damaged)?;
        if manifest.schema > sqlite::NEWEST {
            let (path, schema) = (self.path.to_owned(), manifest.schema);
            return Err(BackupError::Newer { path, schema });
        }
        Ok(manifest)
    }
}

/// An entry's bytes, which its size was bounded for.
fn whole(entry: &mut impl Read, content: &Content, size: u64) -> Result<Vec<u8>, BackupError> {
    let mut bytes = Vec::new();
    let read = entry.read_to_end(&mut bytes);
    read.map_err(|e| wrong(content, format!("it cannot be read: {e}")))?;
    if bytes.len() as u64 != size {
        return Err(wrong(content, "it is cut off"));
    }
    Ok(bytes)
}

fn wrong(content: &Content, why: impl Into<String>) -> BackupError {
    BackupError::Entry {
        entry: content.name(),
        why: why.into(),
    }
}

/// A restore underway.
struct Restoring<'a> {
    archive: &'a Archive<'a>,
    manifest: &'a Manifest,
    tables: Vec<Table>,
    rows: Transaction<'a, Sqlite>,
    /// Tables whose rows were read.
    read: BTreeSet<String>,
    /// Images that rows name and that were not read yet, and whether each must be there; known once
    /// all rows are read.
    named: Option<BTreeMap<Sha256, bool>>,
    images: u64,
    image_bytes: u64,
    files: ContentFiles,
    progress: &'a (dyn Fn(Step<'_>) + Sync),
}

impl Restoring<'_> {
    async fn run(mut self) -> Result<(), BackupError> {
        // Rows come back as they were: nothing is to count or change them on the way.
        let triggers: Vec<(String, String)> =
            sqlx::query_as("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'")
                .fetch_all(&mut *self.rows)
                .await?;
        for (name, _) in &triggers {
            let drop = AssertSqlSafe(format!("DROP TRIGGER \"{name}\""));
            sqlx::query(drop).execute(&mut *self.rows).await?;
        }
        // Migrations put first rows into some.
        for table in &self.tables {
            sqlx::query(table.clear()).execute(&mut *self.rows).await?;
        }
        self.entries().await?;
        self.compare().await?;
        for (_, sql) in triggers {
            let make = sqlx::query(AssertSqlSafe(sql));
            make.execute(&mut *self.rows).await?;
        }
        Ok(self.rows.commit().await?)
    }

    async fn entries(&mut self) -> Result<(), BackupError> {
        let archive = self.archive;
        let mut reader = archive.reader()?;
        let entries = reader.entries_with_seek().map_err(|e| archive.torn(&e))?;
        for entry in entries.raw(true) {
            let mut entry = entry.map_err(|e| archive.torn(&e))?;
            let (content, size) = Content::of(&entry)?;
            match &content {
                Content::Manifest => break,
                Content::Records(table) => self.records(&mut entry, &content, table).await?,
                Content::Image(sha256) => {
                    let bytes = whole(&mut entry, &content, size)?;
                    self.image(&bytes, &content, *sha256).await?;
                }
            }
        }
        Ok(())
    }

    async fn records(
        &mut self,
        entry: &mut impl Read,
        content: &Content,
        name: &str,
    ) -> Result<(), BackupError> {
        let known = self.tables.iter().find(|table| table.name == name);
        let (Some(table), Some(counted)) = (known, self.manifest.tables.get(name)) else {
            return Err(wrong(
                content,
                "the schema or the manifest has no such table",
            ));
        };
        if !self.read.insert(name.to_owned()) {
            return Err(wrong(content, "it is there twice"));
        }
        // Which images must be there was asked already: those of these rows would not be missed.
        if self.named.is_some() {
            return Err(wrong(content, "it comes after the images"));
        }
        let insert = table.insert();
        let (mut lines, mut line) = (BufReader::new(entry), Vec::new());
        let (mut done, mut hashing) = (0, Hashing::default());
        (self.progress)(Step::Records { table: name, done });
        while next_line(&mut lines, &mut line)
            .map_err(|why| wrong(content, format!("line {}: {why}", done + 1)))?
        {
            done += 1;
            let wrong = |why: String| wrong(content, format!("line {done}: {why}"));
            hashing.update(&line);
            let mut query = sqlx::query(AssertSqlSafe(Arc::clone(&insert)));
            for value in table.values(&line).map_err(wrong)? {
                query = value.bind(query);
            }
            let inserted = query.execute(&mut *self.rows).await;
            inserted.map_err(|e| wrong(shown(&e)))?;
            if done % ROWS_PER_STEP == 0 {
                (self.progress)(Step::Records { table: name, done });
            }
        }
        if done != counted.records {
            let promised = counted.records;
            return Err(wrong(
                content,
                format!("it has {done} records, and the manifest counts {promised}"),
            ));
        }
        if hashing.finish().to_string() != counted.sha256 {
            return Err(wrong(
                content,
                "its bytes are not those that the manifest names",
            ));
        }
        Ok(())
    }

    async fn image(
        &mut self,
        bytes: &[u8],
        content: &Content,
        sha256: Sha256,
    ) -> Result<(), BackupError> {
        if Sha256::of(bytes) != sha256 {
            return Err(wrong(
                content,
                "it does not hold the bytes its name promises",
            ));
        }
        // The rows that name it come before it: what nobody names would only fill the disk.
        if self.named_images().await?.remove(&sha256).is_none() {
            return Err(wrong(
                content,
                "no record before it names it, or it is there twice",
            ));
        }
        self.files.put_image(sha256, bytes)?;
        self.images += 1;
        self.image_bytes += bytes.len() as u64;
        (self.progress)(Step::Images {
            done: self.images,
            all: self.manifest.images,
        });
        // Writing waits for the disk without giving way: a signal to stop is heard here.
        tokio::task::yield_now().await;
        Ok(())
    }

    async fn named_images(&mut self) -> Result<&mut BTreeMap<Sha256, bool>, BackupError> {
        let named = match self.named.take() {
            Some(named) => named,
            None => table::named_images(&mut self.rows, &self.tables).await?,
        };
        Ok(self.named.insert(named))
    }

    /// Whether all is there that the schema, the manifest and the rows themselves name.
    async fn compare(&mut self) -> Result<(), BackupError> {
        let archive = self.archive;
        let names = self.tables.iter().map(|table| &table.name);
        let missing = names.chain(self.manifest.tables.keys());
        if let Some(table) = missing
            .into_iter()
            .find(|table| !self.read.contains(*table))
        {
            return Err(archive.refused(format!("the records of table `{table}` are missing")));
        }
        let counted = (self.manifest.images, self.manifest.image_bytes);
        if (self.images, self.image_bytes) != counted {
            return Err(archive.refused(format!(
                "it has {} images of {} bytes together, and the manifest counts {} of {}",
                self.images, self.image_bytes, counted.0, counted.1
            )));
        }
        let lost: BTreeSet<_> = self
            .manifest
            .lost
            .iter()
            .map(|lost| lost.sha256.clone())
            .collect();
        let missed = |(sha256, needed): (&Sha256, &bool)| {
            (*needed && !lost.contains(&sha256.to_string())).then_some(*sha256)
        };
        if let Some(sha256) = self.named_images().await?.iter().find_map(missed) {
            return Err(
                archive.refused(format!("image `{sha256}` is missing, which a record names"))
            );
        }
        let dangling: Option<(String, Option<i64>, String, i64)> =
            sqlx::query_as("PRAGMA foreign_key_check")
                .fetch_optional(&mut *self.rows)
                .await?;
        if let Some((table, _, parent, _)) = dangling {
            return Err(archive.refused(format!(
                "a record of table `{table}` names one of `{parent}` that is missing"
            )));
        }
        Ok(())
    }
}

/// Reads one line with its end into `line`; `false` where there is none.
fn next_line(lines: &mut impl BufRead, line: &mut Vec<u8>) -> Result<bool, String> {
    line.clear();
    let read = lines.take(MOST_LINE_BYTES + 1).read_until(b'\n', line);
    if read.map_err(|e| format!("it cannot be read: {e}"))? == 0 {
        return Ok(false);
    }
    if line.len() as u64 > MOST_LINE_BYTES {
        return Err(format!("it has more than {MOST_LINE_BYTES} bytes"));
    }
    if line.ends_with(b"\n") {
        Ok(true)
    } else {
        Err("it is cut off".to_owned())
    }
}
