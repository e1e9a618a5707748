//! Folders laid out as BRAND/PRODUCT/: what lies in them, and what is left out with a word.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    found::{Found, Refused, Skipped},
    ids,
    table::unreadable,
};
use crate::{app::picture_format, cli::failure::Failure, domain::gallery::ProductKey};

/// Endings of files that are always sent, so that a damaged picture is refused and not left out.
const PICTURES: [&str; 8] = ["jpg", "jpeg", "jpe", "jfif", "pjpeg", "pjp", "png", "webp"];
/// Bytes that a file is told by.
const HEAD_BYTES: u64 = 4096;

/// The products of a folder BRAND/PRODUCT/. What lies above or cannot name a product goes to
/// `found`.
pub(super) fn products<T>(
    root: &Path,
    found: &mut Found<T>,
) -> Result<Vec<(ProductKey, PathBuf)>, Failure> {
    let mut products = Vec::new();
    for (brand, folder) in subfolders(root, &mut found.skipped)? {
        for (product, folder) in subfolders(&folder, &mut found.skipped)? {
            let key = ProductKey {
                brand: brand.clone(),
                product,
            };
            match ids::check(&key) {
                Ok(()) => products.push((key, folder)),
                Err(error) => found.refused.push(Refused {
                    place: folder.display().to_string(),
                    error: format!("{error}; rename the folder"),
                }),
            }
        }
    }
    Ok(products)
}

/// The folders in a folder by name, hidden ones left out. Pictures beside them go to `skipped`:
/// they lie at a level where nothing says what they show.
pub(super) fn subfolders(
    folder: &Path,
    skipped: &mut Vec<Skipped>,
) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut found = BTreeMap::new();
    for path in entries(folder)? {
        match path.file_name().and_then(OsStr::to_str) {
            Some(name) if path.is_dir() => _ = found.insert(name.to_owned(), path),
            _ if path.is_file() && is_sent(&path).is_ok() => skipped.push(Skipped {
                place: path.display().to_string(),
                reason: "a picture must lie in the folder of what it shows, one level deeper"
                    .to_owned(),
            }),
            _ => {}
        }
    }
    Ok(found)
}

/// The pictures in a folder; everything else in it goes to `skipped`.
pub(super) fn pictures(folder: &Path, skipped: &mut Vec<Skipped>) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for path in entries(folder)? {
        let sent = match path.is_dir() {
            true => Err("a folder in this place is not looked into".to_owned()),
            false => is_sent(&path),
        };
        match sent {
            Ok(()) => found.push(path),
            Err(reason) => skipped.push(Skipped {
                place: path.display().to_string(),
                reason,
            }),
        }
    }
    Ok(found)
}

/// Whether a file is a picture that is read, by its content; else why it is left out.
fn is_sent(path: &Path) -> Result<(), String> {
    if has_ending(path, &PICTURES) || format_of(path).is_ok() {
        return Ok(());
    }
    let what = format_of(path).err().unwrap_or("nothing that can be read");
    Err(format!("it is {what}; only JPEG, PNG and WebP are read"))
}

/// Whether a file is a picture, by its ending or its content.
pub(super) fn is_picture(path: &Path) -> bool {
    is_sent(path).is_ok()
}

fn has_ending(path: &Path, endings: &[&str]) -> bool {
    let ending = path.extension().and_then(OsStr::to_str);
    ending.is_some_and(|own| endings.iter().any(|e| e.eq_ignore_ascii_case(own)))
}

fn format_of(path: &Path) -> Result<&'static str, &'static str> {
    let mut head = Vec::new();
    let read = File::open(path).and_then(|file| file.take(HEAD_BYTES).read_to_end(&mut head));
    match read {
        Ok(0) => Err("empty"),
        Ok(_) => picture_format(&head),
        Err(_) => Err("a file that cannot be read"),
    }
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // Hidden entries belong to other programs.
            if !entry.file_name().to_string_lossy().starts_with('.') {
                paths.push(entry.path());
            }
        }
        paths.sort();
        Ok(paths)
    };
    read().map_err(|e| unreadable(folder, &e))
}
