//! What a backup file holds, under which names, within which bounds; and why one is refused.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{checker::ports::StoreError, domain::digest::Sha256, storage::files::MOST_IMAGE_BYTES};

/// The format that this program writes, and the only one it reads.
pub(super) const FORMAT: u64 = 1;
/// Rows between two words about them.
pub(super) const ROWS_PER_STEP: u64 = 1000;
/// Name of the entry that says what the others hold.
pub(super) const MANIFEST: &str = "manifest.json";
/// Most bytes of a row's line: the longest, what a genuine photo shows, take a few hundred KiB.
pub(super) const MOST_LINE_BYTES: u64 = 64 << 20;
/// Most bytes of the manifest: it grows with the images that were lost alone, and holds those of a
/// hundred thousand.
pub(super) const MOST_MANIFEST_BYTES: u64 = 32 << 20;
/// Longest name of a table, so that every entry's name fits into its header.
const LONGEST_TABLE: usize = 64;

/// What a backup holds: counted while it was written, and compared when it is restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this form.
    pub format: u64,
    /// The program that wrote it.
    pub program: String,
    /// When it was written, RFC 3339.
    pub created_at: String,
    /// Schema of the database that the rows were taken from.
    pub schema: i64,
    /// Rows, by table.
    pub tables: BTreeMap<String, Counted>,
    /// Images in the file.
    pub images: u64,
    /// Bytes of these images together.
    pub image_bytes: u64,
    /// Images that rows name and that the data folder did not hold whole.
    pub lost: Vec<LostImage>,
}

impl Manifest {
    /// Rows of all tables together.
    pub fn records(&self) -> u64 {
        self.tables.values().map(|table| table.records).sum()
    }
}

/// The rows of one table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    /// How many there are.
    pub records: u64,
    /// SHA-256 of the entry that holds them.
    pub sha256: String,
}

/// An image that is not in the backup although a row names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostImage {
    /// Its content hash.
    pub sha256: String,
    /// What was found instead.
    pub found: Found,
    /// The rows that name it; none when they were deleted during the backup.
    pub named_by: Vec<NamedBy>,
}

/// What was found in an image's place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// No file.
    Missing,
    /// A file of other bytes.
    Damaged,
    /// A file that the system did not let us read.
    Unreadable,
}

/// A row that names an image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedBy {
    /// Its table.
    pub table: String,
    /// The columns of its primary key, in their order.
    pub key: Vec<String>,
}

/// How far a backup or a restore got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Rows of a table.
    Records {
        /// The table.
        table: &'a str,
        /// Rows done.
        done: u64,
    },
    /// Images.
    Images {
        /// Images done.
        done: u64,
        /// All there are.
        all: u64,
    },
}

/// Why nothing was backed up or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Something has the name that the backup should have.
    #[error("`{0}` exists already; name a file that is not there yet")]
    Exists(PathBuf),
    /// The backup would lie in what it saves.
    #[error(
        "`{file}` lies in the data folder `{data}` and would be lost with it; name a file elsewhere"
    )]
    InsideData {
        /// The file to write.
        file: PathBuf,
        /// The data folder.
        data: PathBuf,
    },
    /// There is nothing to back up.
    #[error("there is no database `{0}`; --data names the folder to back up")]
    NoDatabase(PathBuf),
    /// Restoring would mix with what is there.
    #[error("`{0}` is not an empty folder; a backup is restored into a new or an empty one")]
    NotEmpty(PathBuf),
    /// Restoring would mix with what is there.
    #[cfg(feature = "cluster")]
    #[error("the database `{0}` has records already; a backup is restored into an empty one")]
    Taken(String),
    /// The database is not one to be saved.
    #[cfg(feature = "cluster")]
    #[error("the database `{path}` {why}; a backup neither makes tables nor changes them")]
    NotOurs {
        /// Where it is.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The database at the other end could not be opened.
    #[cfg(feature = "cluster")]
    #[error(transparent)]
    Open(#[from] crate::storage::database::OpenError),
    /// Rows did not arrive as they were sent.
    #[cfg(feature = "cluster")]
    #[error(
        "table `{table}` did not arrive as it was: {sent} rows were sent, and {arrived} came back"
    )]
    Changed {
        /// The table.
        table: String,
        /// Rows sent.
        sent: u64,
        /// Rows read back, equal or not.
        arrived: u64,
    },
    /// The rows are of a schema that this program does not know.
    #[error("`{path}` was written by a newer assay (schema {schema}); update assay")]
    Newer {
        /// The database or the backup.
        path: PathBuf,
        /// Its schema.
        schema: i64,
    },
    /// The backup as a whole is not one that can be restored.
    #[error("`{path}` cannot be restored: {why}")]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// One entry of the backup is not as it should be.
    #[error("entry `{entry}` of the backup is refused: {why}")]
    Entry {
        /// The entry's name, with control characters escaped.
        entry: String,
        /// What is wrong with it.
        why: String,
    },
    /// A table holds something that a backup cannot hold.
    #[error("table `{table}` cannot be backed up: {why}")]
    Table {
        /// The table.
        table: String,
        /// What is wrong.
        why: String,
    },
    /// The system did not do it.
    #[error("cannot {doing} `{path}`: {source}")]
    Io {
        /// What was tried.
        doing: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database did not do it.
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    /// The database did not come to its schema.
    #[error("the database cannot be made: {0}")]
    Schema(#[from] sqlx::migrate::MigrateError),
    /// An image could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// An error of the system over a path.
pub(super) fn cannot(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> BackupError + use<> {
    let path = path.to_owned();
    move |source| BackupError::Io {
        doing,
        path,
        source,
    }
}

/// What an entry holds, as its name says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// What the others hold.
    Manifest,
    /// The rows of a table.
    Records(String),
    /// An image.
    Image(Sha256),
}

impl Content {
    /// The entry's name.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Manifest => MANIFEST.to_owned(),
            Self::Records(table) => format!("records/{table}.jsonl"),
            Self::Image(sha256) => format!("images/{}/{sha256}", sha256.prefix(2)),
        }
    }

    /// What an entry of this name holds. Names are compared and never used as paths, so that what
    /// is refused here is refused with a reason rather than out of need.
    fn named(name: &[u8]) -> Result<Self, &'static str> {
        let name = std::str::from_utf8(name).map_err(|_| "its name is no text")?;
        if name.starts_with('/') || name.contains(':') || name.contains('\\') {
            return Err("its name is an absolute path or one of another system");
        }
        if name.split('/').any(|part| part == "..") {
            return Err("its name leads out of the folder by `..`");
        }
        let records = || name.strip_prefix("records/")?.strip_suffix(".jsonl");
        let content = if name == MANIFEST {
            Some(Self::Manifest)
        } else if let Some(table) = records() {
            is_table(table).then(|| Self::Records(table.to_owned()))
        } else {
            let hash = name.rsplit('/').next().unwrap_or_default();
            hash.parse().ok().map(Self::Image)
        };
        // One spelling for each: `images/cd/ab…` would be the same image twice.
        content
            .filter(|content| content.name() == name)
            .ok_or("a backup holds no entry of this name")
    }

    /// What an entry holds, and how many bytes; anything but a plain file of a known name and a
    /// size within its bound is refused.
    pub(super) fn of<R: Read>(entry: &tar::Entry<'_, R>) -> Result<(Self, u64), BackupError> {
        let header = entry.header();
        let name = header.path_bytes();
        let refused = |why: String| BackupError::Entry {
            entry: String::from_utf8_lossy(&name).escape_debug().to_string(),
            why,
        };
        let kind = header.entry_type();
        if kind.is_symlink() || kind.is_hard_link() {
            return Err(refused("it is a link".to_owned()));
        }
        // Long names and extended headers among them: none of our names needs one, and they are
        // read into memory whole.
        if !kind.is_file() {
            return Err(refused("it is not a plain file".to_owned()));
        }
        let content = Self::named(&name).map_err(|why| refused(why.to_owned()))?;
        let size = header.entry_size().map_err(|e| refused(e.to_string()))?;
        let most = match content {
            Self::Manifest => MOST_MANIFEST_BYTES,
            // Read line by line, each within its own bound.
            Self::Records(_) => u64::MAX,
            Self::Image(_) => MOST_IMAGE_BYTES,
        };
        if size > most {
            return Err(refused(format!("it has {size} bytes, more than {most}")));
        }
        Ok((content, size))
    }
}

/// Whether a table of this name can have an entry.
pub(super) fn is_table(name: &str) -> bool {
    let fits = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'_';
    (1..=LONGEST_TABLE).contains(&name.len()) && name.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_content_is_found_by_its_own_name_alone() {
        let image = Sha256::of(b"abc");
        for content in [
            Content::Manifest,
            Content::Records("check_photos".into()),
            Content::Image(image),
        ] {
            let name = content.name();
            assert_eq!(Content::named(name.as_bytes()), Ok(content));
            for other in [
                format!("/{name}"),
                format!("./{name}"),
                format!("../{name}"),
                format!("{name}/"),
                format!("images/../{name}"),
                name.to_uppercase(),
            ] {
                assert!(Content::named(other.as_bytes()).is_err(), "{other}");
            }
        }
        for name in [
            "",
            "records/.jsonl",
            "records/a/b.jsonl",
            "records/a b.jsonl",
            "C:\\windows",
            "assay.sqlite",
            &format!("images/00/{image}"),
            &format!("images/{image}"),
        ] {
            assert!(Content::named(name.as_bytes()).is_err(), "{name}");
        }
        assert!(Content::named(b"images/\xff").is_err());
    }
}
