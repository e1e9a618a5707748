//! `assay backup` and `assay restore`: everything in one file, and a data folder made of one.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use indicatif::ProgressBar;
use serde::Serialize;

use super::{
    exit::NOT_CONSISTENT,
    output::{self, WARN, count},
    progress,
};
use crate::{
    app::{
        backup::{Found, LostImage, Manifest, NamedBy, Step},
        carry,
    },
    config::AppConfig,
};

const BACKUP: &str = "\
FILE becomes one tar archive: every record as JSON lines, every original image that a record names, and a manifest of what \
was counted. It may be written while `assay serve` works on the same data folder; what is enrolled or checked meanwhile may or \
may not be in it. What models made of images (the folder features) is left out, since it can be made again.

Each image is compared with its hash. One that is missing or damaged is told by name and in the manifest, and the backup goes on.

Examples:
  assay backup assay-2026-11-28.tar
  assay backup /mnt/backups/assay.tar --data /srv/assay --json

FILE must not exist yet, and must not lie in the data folder. It has its name only once it is whole.
Exit codes: 0 everything is in it, 1 images are missing or damaged, 2 error.";

/// Arguments of `assay backup`.
#[derive(Debug, Args)]
#[command(after_help = BACKUP)]
pub struct BackupArgs {
    /// File to write
    pub file: PathBuf,
}

const RESTORE: &str = "\
FILE is what `assay backup` wrote, by this version of assay or an older one. Every record is counted and every image compared \
with its hash before DIR has its name; nothing is ever overwritten. What models make of images is made again by the first start.

With a build for clusters, DIR may be the address of an empty Postgres database; the images go to where --images says then, \
and nothing is seen before all of it is there.

Examples:
  assay restore assay-2026-11-28.tar --into restored
  assay serve --data restored
  assay restore assay-2026-11-28.tar --into postgres://assay@db/assay --images s3://pictures/assay

Exit codes: 0 everything is back, 1 images were lost before the backup was made, 2 error.";

/// Arguments of `assay restore`.
#[derive(Debug, Args)]
#[command(after_help = RESTORE)]
pub struct RestoreArgs {
    /// Backup to read
    pub file: PathBuf,
    /// Data folder to make: a new folder, or an empty one
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,
}

/// What was written or restored, for scripts.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<&'a Path>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    into: Option<String>,
    records: u64,
    #[serde(flatten)]
    manifest: &'a Manifest,
}

/// Writes a backup. Neither models nor gallery are opened: it needs none.
pub(crate) async fn back_up(
    args: &BackupArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let bar = progress::bar("backup");
    let written = carry::back_up(config, &args.file, &|step| show(&bar, step)).await;
    bar.finish_and_clear();
    let written = written?;
    let manifest = &written.manifest;
    if json {
        let report = Report {
            file: Some(&args.file),
            bytes: Some(written.bytes),
            into: None,
            records: manifest.records(),
            manifest,
        };
        output::json(&report, out)?;
    } else {
        let (file, held) = (args.file.display(), held(manifest));
        writeln!(out, "{file}: {held}, {}", mebibytes(written.bytes))?;
    }
    Ok(told(&manifest.lost, "not in the backup")?)
}

/// Restores a backup.
pub(crate) async fn restore(
    args: &RestoreArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let bar = progress::bar("restore");
    let restored = carry::restore(config, &args.file, &args.into, &|step| show(&bar, step)).await;
    bar.finish_and_clear();
    let (into, manifest) = restored?;
    if json {
        let report = Report {
            file: None,
            bytes: None,
            into: Some(into),
            records: manifest.records(),
            manifest: &manifest,
        };
        output::json(&report, out)?;
    } else {
        let held = held(&manifest);
        let made = manifest.created_at.replace(char::is_control, " ");
        writeln!(out, "{into}: {held}, as of {made}")?;
    }
    Ok(told(&manifest.lost, "was not in the backup")?)
}

fn show(bar: &ProgressBar, step: Step<'_>) {
    match step {
        Step::Records { table, done } => bar.set_message(format!("{table}: {done} records")),
        Step::Images { done, all } => {
            bar.set_message("images");
            bar.set_length(all);
            bar.set_position(done);
        }
    }
}

fn held(manifest: &Manifest) -> String {
    let size = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
    let tables = count(manifest.tables.len(), "table");
    format!(
        "{} of {tables}, {} of {}",
        count(size(manifest.records()), "record"),
        count(size(manifest.images), "image"),
        mebibytes(manifest.image_bytes)
    )
}

fn mebibytes(bytes: u64) -> String {
    // Rounded for a person; the JSON has the number.
    let tenths = bytes.saturating_mul(10) / (1 << 20);
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

/// Tells what is lost on stderr, where nothing that reads the answer is disturbed.
fn told(lost: &[LostImage], where_: &str) -> io::Result<ExitCode> {
    let mut err = anstream::stderr().lock();
    for image in lost {
        let found = match image.found {
            Found::Missing => "missing",
            Found::Damaged => "damaged",
            Found::Unreadable => "unreadable",
        };
        let named_by: Vec<_> = image.named_by.iter().map(named).collect();
        let named_by = match &named_by[..] {
            [] => "no record any more".to_owned(),
            names => names.join(", "),
        };
        let sha256 = &image.sha256;
        let text = format!("image `{sha256}` is {found} and {where_}; it belongs to {named_by}");
        // A backup comes from anywhere: what it says must not reach the terminal as a command.
        let text = text.replace(char::is_control, " ");
        writeln!(err, "{WARN}warning{WARN:#}: {text}")?;
    }
    Ok(if lost.is_empty() {
        ExitCode::SUCCESS
    } else {
        NOT_CONSISTENT
    })
}

/// A record in the words of the rest of the program.
fn named(NamedBy { table, key }: &NamedBy) -> String {
    match (table.as_str(), &key[..]) {
        ("enrolled_references", [id]) => format!("reference `{id}`"),
        ("genuine_photos", [id]) => format!("genuine photo `{id}`"),
        ("authorised_photos", [id]) => format!("authorised photo `{id}`"),
        ("check_photos", [check, n]) => format!("photo {n} of check `{check}`"),
        _ => format!("`{}` of table `{table}`", key.join("` `")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_named_in_words() {
        let named_by = |table: &str, key: &[&str]| {
            named(&NamedBy {
                table: table.into(),
                key: key.iter().map(|k| (*k).to_owned()).collect(),
            })
        };
        assert_eq!(named_by("enrolled_references", &["r1"]), "reference `r1`");
        assert_eq!(
            named_by("check_photos", &["c1", "0"]),
            "photo 0 of check `c1`"
        );
        assert_eq!(named_by("later", &["a", "b"]), "`a` `b` of table `later`");
        assert_eq!(mebibytes((3 << 20) + (1 << 19)), "3.5 MiB");
    }
}
