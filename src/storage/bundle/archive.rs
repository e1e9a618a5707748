//! The zip archive around a bundle: entries stored as they are, sorted by name, with nothing in
//! their headers that could differ.
//!
//! Written and read here instead of by a library: whether a bundle was changed is told by writing
//! it anew, so the bytes must be the same for as long as bundles are kept.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use crate::storage::shown::shown;

/// Most entries of an archive.
pub(super) const MOST_ENTRIES: usize = 200;
/// Most bytes of an entry.
pub(super) const MOST_ENTRY_BYTES: u64 = 64 << 20;
/// Most bytes of all entries together.
pub(super) const MOST_BYTES: u64 = 512 << 20;
/// Most bytes of the file: those of the entries, and twice a header and a name for each of them.
pub(super) const MOST_FILE_BYTES: u64 = MOST_BYTES + (MOST_ENTRIES as u64) * 512;

const LOCAL: u32 = 0x0403_4b50;
const DIRECTORY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
/// Bytes of a local header before the name.
const LOCAL_BYTES: usize = 30;
/// Bytes of a directory's header before the name.
const DIRECTORY_BYTES: usize = 46;
/// Bytes of the end of the directory.
const END_BYTES: usize = 22;
/// The version that knows no more than stored entries.
const VERSION: u16 = 10;
/// 1980-01-01, the first day that the format knows.
const DAY: u16 = 1 << 5 | 1;

/// What is written of an entry.
#[derive(Clone, Debug)]
pub(super) struct Part<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
    /// CRC-32 that its headers tell.
    pub crc: u32,
}

/// An entry as an archive has it.
#[derive(Clone, Debug)]
pub(super) struct Entry<'a> {
    /// Its name; what is no UTF-8 in it is replaced.
    pub name: Cow<'a, str>,
    /// Its bytes as they lie in the file.
    pub bytes: &'a [u8],
    /// CRC-32 that its header tells.
    pub crc: u32,
    /// Whether its bytes are the content itself, not compressed.
    pub stored: bool,
}

/// Writes an archive. The parts must be sorted and within the limits above.
///
/// # Errors
/// `out` fails, or a part is beyond what the format can tell.
pub(super) fn write(parts: &[Part<'_>], out: &mut impl Write) -> io::Result<()> {
    let mut directory = Vec::new();
    let mut offset = 0;
    for part in parts {
        let mut same = Vec::with_capacity(26);
        for half in [VERSION, 0, 0, 0, DAY] {
            same.extend(half.to_le_bytes());
        }
        let length = narrow::<u32>(part.bytes.len())?;
        for word in [part.crc, length, length] {
            same.extend(word.to_le_bytes());
        }
        same.extend(narrow::<u16>(part.name.len())?.to_le_bytes());
        // No extra field.
        same.extend([0; 2]);
        out.write_all(&LOCAL.to_le_bytes())?;
        out.write_all(&same)?;
        out.write_all(part.name.as_bytes())?;
        out.write_all(part.bytes)?;
        directory.extend(DIRECTORY.to_le_bytes());
        directory.extend(VERSION.to_le_bytes());
        directory.extend(same);
        // No comment, the first disk, no attributes.
        directory.extend([0; 10]);
        directory.extend(narrow::<u32>(offset)?.to_le_bytes());
        directory.extend(part.name.as_bytes());
        offset += LOCAL_BYTES + part.name.len() + part.bytes.len();
    }
    out.write_all(&directory)?;
    let count = narrow::<u16>(parts.len())?.to_le_bytes();
    out.write_all(&END.to_le_bytes())?;
    out.write_all(&[0; 4])?;
    out.write_all(&count)?;
    out.write_all(&count)?;
    out.write_all(&narrow::<u32>(directory.len())?.to_le_bytes())?;
    out.write_all(&narrow::<u32>(offset)?.to_le_bytes())?;
    out.write_all(&[0; 2])
}

fn narrow<T: TryFrom<usize>>(n: usize) -> io::Result<T> {
    T::try_from(n).map_err(|_| io::Error::other("too large for a zip archive"))
}

/// Where an archive of these parts first differs from `file`, in bytes from its start; `None` when
/// it is that archive.
///
/// # Errors
/// A part is beyond what the format can tell.
pub(super) fn first_difference(parts: &[Part<'_>], file: &[u8]) -> io::Result<Option<usize>> {
    let mut compared = Compared {
        file,
        at: 0,
        differs: None,
    };
    write(parts, &mut compared)?;
    let Compared { at, differs, .. } = compared;
    Ok(differs.or((at != file.len()).then_some(at)))
}

/// Compares what is written with a file, so that no second copy of it is made.
struct Compared<'a> {
    file: &'a [u8],
    at: usize,
    differs: Option<usize>,
}

impl Write for Compared<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.differs.is_none() {
            let there = self.file.get(self.at..).unwrap_or_default();
            let same = bytes.iter().zip(there).take_while(|(a, b)| a == b).count();
            if same < bytes.len() {
                self.differs = Some(self.at + same);
            }
            self.at += bytes.len();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The entries by the headers in front of them, one behind the other. Nothing is copied, whatever
/// they claim.
///
/// # Errors
/// In words: it does not begin as an archive does, an entry goes beyond the file, or the limits are
/// passed.
pub(super) fn by_headers(file: &[u8]) -> Result<Vec<Entry<'_>>, String> {
    let mut entries = Vec::new();
    let mut at = 0;
    while u32_at(file, at) == Some(LOCAL) {
        let head = file
            .get(at..at + LOCAL_BYTES)
            .ok_or("it ends in a header")?;
        let half = |at| usize::from(u16_at(head, at).unwrap_or_default());
        let (name, extra) = (half(26), half(28));
        at += LOCAL_BYTES;
        let name = file.get(at..at + name).ok_or("it ends in a name")?;
        at += name.len() + extra;
        add(&mut entries, file, (head, 0), name, &mut at)?;
    }
    if entries.is_empty() {
        return Err("it does not begin as a zip archive does".to_owned());
    }
    Ok(entries)
}

/// The entries by the directory at the end of the file, one behind the other. Nothing is copied,
/// whatever they claim.
///
/// # Errors
/// In words: there is no such directory, what it tells does not fit the file, or the limits are
/// passed.
pub(super) fn by_directory(file: &[u8]) -> Result<Vec<Entry<'_>>, String> {
    let unlike = || "it does not end as a zip archive of a bundle does".to_owned();
    let end = file.len().checked_sub(END_BYTES).ok_or_else(unlike)?;
    let (start, count) = (u32_at(file, end + 16), u16_at(file, end + 10));
    let (Some(END), Some(start), Some(count)) = (u32_at(file, end), start, count) else {
        return Err(unlike());
    };
    let start = usize::try_from(start).map_err(|_| unlike())?;
    let mut directory = start;
    let mut at = 0;
    let mut entries = Vec::new();
    for _ in 0..count {
        let head = file.get(directory..directory + DIRECTORY_BYTES);
        let head = head.ok_or_else(unlike)?;
        if u32_at(head, 0) != Some(DIRECTORY) {
            return Err(unlike());
        }
        let name = directory + DIRECTORY_BYTES;
        let length = usize::from(u16_at(head, 28).unwrap_or_default());
        let name = file.get(name..name + length).ok_or_else(unlike)?;
        directory += DIRECTORY_BYTES + length;
        at += LOCAL_BYTES + length;
        // The same fields stand two bytes further on than in the other header.
        add(&mut entries, file, (head, 2), name, &mut at)?;
    }
    // Otherwise something lies between that belongs to no entry.
    if at != start || directory != end {
        return Err(unlike());
    }
    Ok(entries)
}

/// Adds the entry whose bytes begin at `at`, and moves behind it.
fn add<'a>(
    entries: &mut Vec<Entry<'a>>,
    file: &'a [u8],
    (head, shift): (&[u8], usize),
    name: &'a [u8],
    at: &mut usize,
) -> Result<(), String> {
    let word = |at| u32_at(head, at + shift).unwrap_or_default();
    let name = String::from_utf8_lossy(name);
    let size = u64::from(word(18));
    if size > MOST_ENTRY_BYTES {
        let (name, most) = (shown(&name), MOST_ENTRY_BYTES >> 20);
        return Err(format!(
            "`{name}` claims {size} bytes, and a file of a bundle has {most} MiB at most"
        ));
    }
    if entries.len() == MOST_ENTRIES {
        return Err(format!("it holds more than {MOST_ENTRIES} files"));
    }
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let bytes = at
        .checked_add(size)
        .and_then(|end| file.get(*at..end))
        .ok_or_else(|| {
            let name = shown(&name);
            format!("it ends before the {size} bytes that `{name}` claims")
        })?;
    *at += size;
    entries.push(Entry {
        name,
        bytes,
        crc: word(14),
        stored: u16_at(head, 8 + shift) == Some(0),
    });
    Ok(())
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let two = bytes.get(at..)?.first_chunk()?;
    Some(u16::from_le_bytes(*two))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*four))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_readings_give_what_was_written() {
        let part = |name, bytes| Part {
            name,
            bytes,
            crc: crc32fast::hash(bytes),
        };
        let parts = [part("a", b"one".as_slice()), part("b/c", b"")];
        let mut file = Vec::new();
        write(&parts, &mut file).unwrap();
        for entries in [by_headers(&file).unwrap(), by_directory(&file).unwrap()] {
            let read: Vec<_> = entries
                .iter()
                .map(|e| (&*e.name, e.bytes, e.crc, e.stored))
                .collect();
            let wanted: Vec<_> = parts
                .iter()
                .map(|p| (p.name, p.bytes, p.crc, true))
                .collect();
            assert_eq!(read, wanted);
        }
        assert_eq!(first_difference(&parts, &file).unwrap(), None);
        for n in 0..file.len() {
            let mut other = file.clone();
            other[n] ^= 1;
            assert_eq!(first_difference(&parts, &other).unwrap(), Some(n));
        }
        file.push(0);
        assert_eq!(
            first_difference(&parts, &file).unwrap(),
            Some(file.len() - 1)
        );
        file.truncate(9);
        assert_eq!(first_difference(&parts, &file).unwrap(), Some(9));
    }

    #[test]
    fn what_claims_too_much_is_refused() {
        let mut file = Vec::new();
        let part = Part {
            name: "a",
            bytes: b"one",
            crc: 0,
        };
        write(&[part], &mut file).unwrap();
        for size in [4_u32, 1 << 20, u32::MAX] {
            let mut other = file.clone();
            other[18..22].copy_from_slice(&size.to_le_bytes());
            if size > 1 << 20 {
                let why = by_headers(&other).unwrap_err();
                assert!(why.contains("64 MiB at most"), "{why}");
            }
            let directory = 34 + 20;
            other[directory..directory + 4].copy_from_slice(&size.to_le_bytes());
            by_directory(&other).unwrap_err();
        }
        by_headers(b"").unwrap_err();
        by_directory(b"PK").unwrap_err();
    }
}
