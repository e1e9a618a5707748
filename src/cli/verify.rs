//! `assay verify`: whether the evidence of a check is what was signed.

use std::{
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use serde::Serialize;

use super::{
    args::VerifyArgs,
    exit::NOT_CONSISTENT,
    failure::Failure,
    output::{self, BAD, GOOD, HEADING, WARN, count},
    public_key::published_key,
};
use crate::app::evidence_bundle::{BundleError, Verified, verify};

/// What was found, for scripts.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    #[serde(flatten)]
    verified: &'a Verified,
}

/// Verifies a bundle; opens nothing else but the file of a key.
pub(crate) fn run(args: &VerifyArgs, json: bool, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let published = args.public_key.as_deref().map(published_key).transpose()?;
    let verified = verify(&args.file, published.as_ref()).map_err(failed)?;
    if json {
        let report = Report {
            file: &args.file,
            verified: &verified,
        };
        output::json(&report, out)?;
    } else {
        print(&args.file, &verified, out)?;
    }
    Ok(if verified.holds {
        ExitCode::SUCCESS
    } else {
        NOT_CONSISTENT
    })
}

fn print(file: &Path, verified: &Verified, out: &mut impl Write) -> io::Result<()> {
    let check = verified.check.as_deref().unwrap_or("unknown");
    let files = count(verified.files, "file");
    writeln!(out, "{}: check {check}, {files}", file.display())?;
    if let (Some(id), Some(key)) = (&verified.key_id, &verified.public_key) {
        writeln!(out, "{HEADING}signed by{HEADING:#} the key {id}: {key}")?;
    }
    for fault in &verified.faults {
        writeln!(out, "{BAD}fault{BAD:#}: {}", fault.told)?;
    }
    if !verified.holds {
        let faults = count(verified.faults.len(), "fault");
        return writeln!(out, "{BAD}does not hold{BAD:#}: {faults}");
    }
    if verified.known_key {
        return writeln!(
            out,
            "{GOOD}holds{GOOD:#}: nothing was changed since the key that you gave signed it"
        );
    }
    writeln!(
        out,
        "{GOOD}holds{GOOD:#}: nothing was changed since this key signed it"
    )?;
    writeln!(
        out,
        "{WARN}whose key it is, this does not prove{WARN:#}: compare it with the one that the operator publishes, or give that with --public-key"
    )
}

fn failed(error: BundleError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        BundleError::NoBundle { .. } => {
            failure.hint("give the file that `assay evidence` wrote, and get it anew if it was cut off on the way")
        }
        _ => failure,
    }
}
