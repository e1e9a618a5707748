//! CSV files as people and their programs write them: any usual separator and encoding, and every
//! refusal with file, line and column.

use std::{fs, io, path::Path};

use csv::StringRecord;
use serde::de::DeserializeOwned;

use super::found::{Found, Refused, Skipped};
use crate::cli::failure::Failure;

/// Separators that are told apart when no line names one.
const SEPARATORS: [u8; 4] = [b',', b';', b'\t', b'|'];
/// What the bytes 0x80 to 0x9f mean in Windows-1252; elsewhere a byte is its own character. The
/// five that mean nothing stay control characters, which names may not hold.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// A line of a table; its fields are named as its columns.
pub(crate) trait Row: DeserializeOwned {
    /// Columns that must be there and filled in every line.
    const NEEDED: &'static [&'static str];
    /// Columns that may be there.
    const OPTIONAL: &'static [&'static str];
}

/// A line with its place, `FILE:LINE`.
pub(crate) type Placed<T> = (String, T);

/// The rows of a CSV file; a missing column refuses the whole file.
pub(crate) fn rows<T: Row>(path: &Path) -> Result<Found<Placed<T>>, Failure> {
    let text = text_of(path)?;
    let (text, named, above) = without_separator_line(&text);
    let separator = named.unwrap_or_else(|| likeliest_separator(text));
    let mut reader = csv::ReaderBuilder::new()
        // Tables written by hand have blanks after their commas.
        .trim(csv::Trim::All)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let place = |line: u64| format!("{}:{}", path.display(), line + above);
    let mut found = Found::default();
    let header: StringRecord = reader
        .headers()
        .map_err(|e| Failure::new(format!("`{}`: {e}", place(1))))?
        .iter()
        .map(str::to_ascii_lowercase)
        .collect();
    check_columns::<T>(&header, &place(1), separator, &mut found.skipped)?;
    let mut record = StringRecord::new();
    loop {
        let read = reader.read_record(&mut record);
        // A line that could not be read has its number in the error, others in the record.
        let at = record
            .position()
            .or(read.as_ref().err().and_then(csv::Error::position));
        let place = place(at.map_or(0, csv::Position::line));
        let row = match read {
            Ok(false) => break,
            // Spreadsheets write lines of separators below the last one that is filled.
            Ok(true) if record.iter().all(str::is_empty) => continue,
            Ok(true) => row::<T>(&header, &record),
            Err(error) => Err(unreadable_line(&error, separator)),
        };
        match row {
            Ok(row) => found.items.push((place, row)),
            Err(error) => found.refused.push(Refused { place, error }),
        }
    }
    if found.items.is_empty() && found.refused.is_empty() {
        return Err(Failure::new(format!(
            "`{}` has no line below its header",
            path.display()
        )));
    }
    Ok(found)
}

/// The text of a file; a workbook is refused by what it is.
fn text_of(path: &Path) -> Result<String, Failure> {
    let bytes = fs::read(path).map_err(|e| unreadable(path, &e))?;
    // As archives of two kinds, which a spreadsheet opens like a table.
    if bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(b"\xd0\xcf\x11\xe0") {
        let message = format!("`{}` is a workbook and no CSV file", path.display());
        return Err(Failure::new(message).hint("save it as `CSV UTF-8` and give that file"));
    }
    Ok(decoded(&bytes))
}

fn row<T: Row>(header: &StringRecord, record: &StringRecord) -> Result<T, String> {
    let cells = || header.iter().zip(record);
    if let Some((column, _)) = cells().find(|(c, v)| v.is_empty() && T::NEEDED.contains(c)) {
        return Err(format!("`{column}` is empty; fill it"));
    }
    record.deserialize(Some(header)).map_err(|error| {
        let csv::ErrorKind::Deserialize { err, .. } = error.kind() else {
            return error.to_string();
        };
        let cell = err
            .field()
            .and_then(|n| cells().nth(usize::try_from(n).ok()?));
        match cell {
            Some((column, value)) => format!("`{column}` is `{value}`: {}", err.kind()),
            None => err.kind().to_string(),
        }
    })
}

/// Refuses a table without a column that is needed, and notes those that nothing reads.
fn check_columns<T: Row>(
    header: &StringRecord,
    place: &str,
    separator: u8,
    skipped: &mut Vec<Skipped>,
) -> Result<(), Failure> {
    let known = || T::NEEDED.iter().chain(T::OPTIONAL).copied();
    if let Some(twice) = known().find(|k| header.iter().filter(|c| c == k).count() > 1) {
        let message = format!("`{place}`: the column `{twice}` is there twice");
        return Err(Failure::new(message).hint("leave one of them out"));
    }
    let has = |column: &&str| header.iter().any(|c| c == *column);
    if !T::NEEDED.iter().all(&has) {
        let missing = T::NEEDED.iter().copied().filter(|c| !has(c));
        let message = format!(
            "`{place}`: no column {}; this line names {}, separated by `{}`",
            quoted(missing),
            quoted(header.iter()),
            char::from(separator).escape_default()
        );
        return Err(Failure::new(message)
            .hint("the first line names the columns; see `assay enroll --help`"));
    }
    let mut extra = header
        .iter()
        .filter(|c| !c.is_empty() && !known().any(|k| k == *c))
        .peekable();
    if extra.peek().is_some() {
        skipped.push(Skipped {
            place: place.to_owned(),
            reason: format!("nothing reads the columns {}", quoted(extra)),
        });
    }
    Ok(())
}

fn quoted<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<_> = names.map(|n| format!("`{n}`")).collect();
    names.join(", ")
}

fn unreadable_line(error: &csv::Error, separator: u8) -> String {
    let separator = char::from(separator).escape_default();
    match error.kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => format!(
            "the line has {len} columns, the header {expected_len}; put a value that holds `{separator}` in quotes"
        ),
        _ => error.to_string(),
    }
}

/// The text of a file in UTF-8, UTF-16 with a byte order mark, or else Windows-1252: spreadsheets
/// write all three.
fn decoded(bytes: &[u8]) -> String {
    let utf16 = |rest: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, _) = rest.as_chunks::<2>();
        let units: Vec<_> = pairs.iter().map(|pair| unit(*pair)).collect();
        String::from_utf16_lossy(&units)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => utf16(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => utf16(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => decoded(rest),
        _ => std::str::from_utf8(bytes).map_or_else(
            |_| bytes.iter().map(|b| windows_1252(*b)).collect(),
            str::to_owned,
        ),
    }
}

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => byte.into(),
    }
}

/// The text below a line `sep=;`, with the separator that it names and the number of lines taken.
fn without_separator_line(text: &str) -> (&str, Option<u8>, u64) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let first = first.trim_end_matches('\r').trim_matches('"');
    let named = first
        .get(..4)
        .filter(|start| start.eq_ignore_ascii_case("sep="))
        .and(first.as_bytes().get(4));
    match (named, first.len()) {
        (Some(separator), 5) => (rest, Some(*separator), 1),
        _ => (text, None, 0),
    }
}

/// The separator that stands most often in the header, outside quotes.
fn likeliest_separator(text: &str) -> u8 {
    let mut filled = text.lines().filter(|line| !line.trim().is_empty());
    let header = filled.next().unwrap_or_default();
    let unquoted = || header.split('"').step_by(2).flat_map(str::bytes);
    let count = |separator: &u8| unquoted().filter(|b| b == separator).count();
    // The last of equals wins, and a comma is the likeliest.
    SEPARATORS
        .into_iter()
        .rev()
        .max_by_key(count)
        .unwrap_or(b',')
}

/// The error for a file or folder that cannot be read.
pub(super) fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("`{}` cannot be read: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, PartialEq)]
    struct Pair {
        brand: String,
        size: Option<u32>,
    }

    impl Row for Pair {
        const NEEDED: &'static [&'static str] = &["brand"];
        const OPTIONAL: &'static [&'static str] = &["size"];
    }

    fn read(bytes: &[u8]) -> Result<Found<Placed<Pair>>, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("t.csv");
        fs::write(&path, bytes).unwrap();
        rows(&path)
    }

    fn brands(bytes: &[u8]) -> Vec<String> {
        let found = read(bytes).unwrap();
        assert_eq!(found.refused, []);
        found.items.into_iter().map(|(_, p)| p.brand).collect()
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        let utf16 = |text: &str| {
            let units = text.encode_utf16().flat_map(u16::to_le_bytes);
            [&[0xff, 0xfe][..], &units.collect::<Vec<_>>()].concat()
        };
        for bytes in [
            "brand,size\nmüsli,1\n".as_bytes(),
            "\u{feff}Brand;SIZE\r\nmüsli;1\r\n;\r\n".as_bytes(),
            "sep=;\r\nbrand;size\r\nmüsli;1\r\n".as_bytes(),
            "\u{feff}\"SEP=|\"\nbrand|size\nmüsli|1\n".as_bytes(),
            b"brand;size\r\nm\xfcsli;1\r\n",
            &utf16("brand\tsize\r\nmüsli\t1\r\n"),
        ] {
            assert_eq!(brands(bytes), ["müsli"], "{bytes:?}");
        }
        assert_eq!(brands(b"brand\n\x80\x8a\xe9\n"), ["€Šé"]);
    }

    #[test]
    fn refusals_name_file_line_column_and_value() {
        let found = read(b"sep=;\nbrand;size\na;1\nb;x\n;2\nc;1;5\n\"a\nb\";4\nd;y\n").unwrap();
        assert_eq!(found.items.len(), 2);
        let said: Vec<_> = found
            .refused
            .iter()
            .map(|r| (r.place.rsplit('/').next().unwrap(), r.error.as_str()))
            .collect();
        assert_eq!(
            said,
            [
                ("t.csv:4", "`size` is `x`: invalid digit found in string"),
                ("t.csv:5", "`brand` is empty; fill it"),
                (
                    "t.csv:6",
                    "the line has 3 columns, the header 2; put a value that holds `;` in quotes"
                ),
                ("t.csv:9", "`size` is `y`: invalid digit found in string"),
            ]
        );
    }

    #[test]
    fn columns_that_are_missing_or_twice_refuse_the_file_and_others_are_left_out() {
        let failure = |text: &str| {
            let failure = read(text.as_bytes()).unwrap_err();
            assert!(failure.hint.is_some());
            failure.to_string()
        };
        let missing = failure("name;size\na;1\n");
        for part in ["t.csv:1`", "no column `brand`", "`name`, `size`", "`;`"] {
            assert!(missing.contains(part), "{missing}");
        }
        assert!(failure("brand,Brand\na,b\n").contains("`brand` is there twice"));
        assert!(failure("PK\u{3}\u{4}").contains("is a workbook"));
        let found = read(b"brand,price,\na,1,\n").unwrap();
        assert_eq!(found.items.len(), 1);
        assert_eq!(found.skipped[0].reason, "nothing reads the columns `price`");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let with_header = [b"brand;size\n", &bytes[..]].concat();
            for bytes in [bytes, with_header] {
                let _ = read(&bytes);
            }
        }

        #[test]
        fn values_come_back_as_they_were_written(
            values in prop::collection::vec("[a-z;,\"\n ]{0,8}[a-z]", 1..5),
            separator in prop::sample::select(&SEPARATORS[..]),
        ) {
            let mut writer = csv::WriterBuilder::new().delimiter(separator).from_writer(vec![]);
            writer.write_record(["brand", "size"]).unwrap();
            for value in &values {
                writer.write_record([value, "1"]).unwrap();
            }
            let trimmed: Vec<_> = values.iter().map(|v| v.trim().to_owned()).collect();
            prop_assert_eq!(brands(&writer.into_inner().unwrap()), trimmed);
        }
    }
}
