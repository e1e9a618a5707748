//! Image files and stored features, named by the SHA-256 of the image.
//!
//! `images/ab/<sha256>` holds the bytes as they were sent; `features/<model>/ab/<sha256>` what a
//! model made of them. A file appears whole or not at all (temporary file, sync, rename), and
//! nothing read back is trusted unhashed. When a write returns, the file and its name are on the
//! disk: the database's row that names it is written after that, so that no row survives a power
//! failure whose image did not.

use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use crate::{
    checker::ports::StoreError,
    domain::{digest::Sha256, embedding::ModelId},
};

const HASH_BYTES: usize = 32;
/// Most bytes of an image that is read: three times what intake takes, so that one kept when it
/// takes more is still read.
pub(super) const MOST_IMAGE_BYTES: u64 = 64 << 20;

/// The files of one data directory.
#[derive(Debug)]
pub struct ContentFiles {
    images: PathBuf,
    features: PathBuf,
}

/// A file could not be read or written, or is not what its name says.
#[derive(Debug, thiserror::Error)]
enum FilesError {
    #[error("cannot {doing} `{path}`: {source}")]
    Io {
        doing: &'static str,
        path: PathBuf,
        source: io::Error,
    },
}

impl From<FilesError> for StoreError {
    fn from(cause: FilesError) -> Self {
        match &cause {
            FilesError::Io { source, .. } if is_full(source) => Self::Full(Box::new(cause)),
            _ => Self::Failed(Box::new(cause)),
        }
    }
}

/// Whether the system had no room left.
pub(super) fn is_full(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}

impl ContentFiles {
    /// Uses (and creates) the folders `images` and `features` below `data`.
    pub fn open(data: &Path) -> Result<Self, StoreError> {
        let files = Self::of(data);
        for folder in [&files.images, &files.features] {
            create_folder(folder).map_err(io_error("create", folder))?;
        }
        Ok(files)
    }

    /// The same folders, whether they are there or not.
    pub(super) fn of(data: &Path) -> Self {
        Self {
            images: data.join("images"),
            features: data.join("features"),
        }
    }

    /// Where an image lies.
    pub(super) fn image_path(&self, sha256: Sha256) -> PathBuf {
        below(&self.images, sha256)
    }

    fn features_path(&self, sha256: Sha256, model: &ModelId) -> PathBuf {
        below(&self.features.join(folder_name(model)), sha256)
    }
}

impl ContentFiles {
    /// Keeps an image under its hash.
    pub fn put_image(&self, sha256: Sha256, bytes: &[u8]) -> Result<(), StoreError> {
        let path = self.image_path(sha256);
        // A file of that name that is damaged or cut off is replaced: its true content is at hand.
        if holds(&path, bytes) {
            // Whoever wrote it may not have got to this yet, or never.
            sync(&path).map_err(io_error("sync", &path))?;
        } else {
            write_whole(&path, &[bytes])?;
        }
        Ok(())
    }

    /// An image, verified by its hash.
    pub fn image(&self, sha256: Sha256) -> Result<Vec<u8>, StoreError> {
        let path = self.image_path(sha256);
        let bytes = match read_bounded(&path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                let why = format!("`{}` has more bytes than any image", path.display());
                return Err(StoreError::Lost { sha256, why });
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let why = format!("there is no file `{}`", path.display());
                return Err(StoreError::Lost { sha256, why });
            }
            Err(source) => return Err(io_error("read", &path)(source).into()),
        };
        if Sha256::of(&bytes) != sha256 {
            let why = format!(
                "`{}` does not hold the bytes its name promises",
                path.display()
            );
            return Err(StoreError::Lost { sha256, why });
        }
        Ok(bytes)
    }

    /// Removes an image; nothing where there is none.
    pub fn remove_image(&self, sha256: Sha256) -> Result<(), StoreError> {
        let path = self.image_path(sha256);
        match fs::remove_file(&path) {
            // Or a power failure would bring it back.
            Ok(()) => path.parent().map_or(Ok(()), sync_folder),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(e),
        }
        .map_err(io_error("remove", &path))?;
        Ok(())
    }

    /// What a model made of an image, if it is there and whole.
    pub fn features(&self, sha256: Sha256, model: &ModelId) -> Result<Option<Vec<u8>>, StoreError> {
        let path = self.features_path(sha256, model);
        let mut bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error("read", &path)(source).into()),
        };
        let whole = bytes
            .split_first_chunk::<HASH_BYTES>()
            .is_some_and(|(hash, kept)| Sha256::of(kept).as_bytes() == hash);
        if !whole {
            // Features can be made again from the image, so damage here costs time, not data.
            tracing::warn!(path = %path.display(), "stored features are damaged and will be made again");
            return Ok(None);
        }
        bytes.drain(..HASH_BYTES);
        Ok(Some(bytes))
    }

    /// Keeps what a model made of an image.
    pub fn put_features(
        &self,
        sha256: Sha256,
        model: &ModelId,
        bytes: &[u8],
    ) -> Result<(), StoreError> {
        let path = self.features_path(sha256, model);
        Ok(write_whole(&path, &[Sha256::of(bytes).as_bytes(), bytes])?)
    }
}

fn io_error(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FilesError + use<> {
    let path = path.to_owned();
    move |source| FilesError::Io {
        doing,
        path,
        source,
    }
}

/// `folder/ab/ab…`; only a hash is ever joined to a path, never a caller's text.
fn below(folder: &Path, sha256: Sha256) -> PathBuf {
    folder.join(sha256.prefix(2)).join(sha256.to_string())
}

/// A model id as a folder's name on every system.
fn folder_name(model: &ModelId) -> String {
    let keep = |c: char| {
        if c.is_ascii_alphanumeric() || "@._+-".contains(c) {
            c
        } else {
            '_'
        }
    };
    model.0.chars().map(keep).collect()
}

/// Writes beside the target, syncs, and renames, so that a crash leaves the old file or the new
/// one.
fn write_whole(path: &Path, parts: &[&[u8]]) -> Result<(), FilesError> {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    let folder = path.parent().unwrap_or(Path::new("."));
    create_folder(folder).map_err(io_error("create", folder))?;
    let n = WRITES.fetch_add(1, Ordering::Relaxed);
    // In the same folder, since a rename works within one file system alone; by process and number,
    // since two may write one image at once.
    let part = path.with_extension(format!("{}-{n}.part", std::process::id()));
    let written = (|| {
        let mut file = File::create(&part)?;
        parts.iter().try_for_each(|bytes| file.write_all(bytes))?;
        // Content before name: after a power failure, a name without it would look whole.
        file.sync_all()?;
        fs::rename(&part, path)?;
        sync_folder(folder)
    })();
    written.map_err(|source| {
        let _ = fs::remove_file(&part);
        io_error("write", path)(source)
    })
}

/// Whether the file is there and holds just these bytes.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    // The length first: what is read takes memory, and a file of another length is another one.
    let length = fs::metadata(path).map(|meta| meta.len());
    length.is_ok_and(|length| length == bytes.len() as u64)
        && fs::read(path).is_ok_and(|there| there == bytes)
}

/// A file's bytes, or nothing when they are more than an image's can be.
fn read_bounded(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    if length > MOST_IMAGE_BYTES {
        return Ok(None);
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    // One more than there were is enough to see that the file is another one now.
    file.take(length + 1).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Puts a file that is there already on the disk, and its name too.
fn sync(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()?;
    path.parent().map_or(Ok(()), sync_folder)
}

/// Puts the names in a folder on the disk: a new name is durable only once its folder is. Windows
/// cannot sync a folder and needs not.
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        File::open(folder)?.sync_all()
    } else {
        Ok(())
    }
}

/// Creates a folder and those above it, each durable by name like the files in it.
fn create_folder(folder: &Path) -> io::Result<()> {
    let here = Path::new(".");
    if folder == here || folder.is_dir() {
        return Ok(());
    }
    let above = folder.parent().filter(|above| *above != Path::new(""));
    let above = above.unwrap_or(here);
    create_folder(above)?;
    match fs::create_dir(folder) {
        // Another thread or process was faster, and may not have got to the sync yet.
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
        created => created?,
    }
    sync_folder(above)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_that_was_removed_is_gone_and_others_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let files = ContentFiles::open(folder.path()).unwrap();
        let (one, two) = (Sha256::of(b"one"), Sha256::of(b"two"));
        files.put_image(one, b"one").unwrap();
        files.put_image(two, b"two").unwrap();
        for _ in 0..2 {
            files.remove_image(one).unwrap();
            assert!(matches!(files.image(one), Err(StoreError::Lost { .. })));
        }
        assert_eq!(files.image(two).unwrap(), b"two");
        files.put_image(one, b"one").unwrap();
        assert_eq!(files.image(one).unwrap(), b"one");
    }

    fn put(files: &ContentFiles) -> Sha256 {
        let sha256 = Sha256::of(b"abc");
        files.put_image(sha256, b"abc").unwrap();
        sha256
    }

    fn model() -> ModelId {
        ModelId("points/small@1".into())
    }

    #[test]
    fn an_image_comes_back_under_its_hash() {
        let dir = tempfile::tempdir().unwrap();
        let files = ContentFiles::open(dir.path()).unwrap();
        let sha256 = put(&files);
        assert_eq!(
            sha256.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(put(&files), sha256);
        assert_eq!(files.image(sha256).unwrap(), b"abc");
        let names: Vec<_> = fs::read_dir(dir.path().join("images/ba"))
            .unwrap()
            .collect();
        assert_eq!(names.len(), 1, "no temporary file stays");
    }

    #[test]
    fn a_damaged_image_is_an_error_until_it_is_put_again() {
        let dir = tempfile::tempdir().unwrap();
        let files = ContentFiles::open(dir.path()).unwrap();
        let sha256 = put(&files);
        fs::write(files.image_path(sha256), b"abX").unwrap();
        let message = files.image(sha256).unwrap_err().to_string();
        assert!(
            message.contains("does not hold the bytes its name promises"),
            "{message}"
        );
        put(&files);
        assert_eq!(files.image(sha256).unwrap(), b"abc");
    }

    #[test]
    fn features_belong_to_one_model_and_damage_reads_as_absence() {
        let dir = tempfile::tempdir().unwrap();
        let files = ContentFiles::open(dir.path()).unwrap();
        let sha256 = put(&files);
        files.put_features(sha256, &model(), &[1, 2, 3]).unwrap();
        assert_eq!(
            files.features(sha256, &model()).unwrap().as_deref(),
            Some(&[1, 2, 3][..])
        );
        assert_eq!(
            files
                .features(sha256, &ModelId("points/small@2".into()))
                .unwrap(),
            None
        );
        fs::write(files.features_path(sha256, &model()), [9; 40]).unwrap();
        assert_eq!(files.features(sha256, &model()).unwrap(), None);
    }

    #[test]
    fn an_image_that_is_not_there_is_lost() {
        let dir = tempfile::tempdir().unwrap();
        let files = ContentFiles::open(dir.path()).unwrap();
        assert!(matches!(
            files.image(Sha256::of(b"never put")),
            Err(StoreError::Lost { .. })
        ));
    }
}
