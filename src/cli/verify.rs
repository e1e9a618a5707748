//! `assay verify`: whether the evidence of a check is what was signed.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde::Serialize;

use super::{
    exit::NOT_CONSISTENT,
    failure::Failure,
    output::{self, BAD, GOOD, HEADING, WARN, count},
    public_key::published_key,
};
use crate::app::evidence_bundle::{BundleError, Verified, verify};

const VERIFY: &str = "\
Neither data folder nor models nor network are used. Each file of the bundle is compared with the signed manifest, the photos and \
references with the answer, and the archive with the one that holds these files and nothing else. Everything that was changed, \
removed or added is named.

Without --public-key the signature proves only that nothing was changed since the key in the bundle signed it: anybody can make a \
key. Whose key it is, only a comparison with the one that the operator publishes tells.

Examples:
  assay verify bundle.zip --public-key operator.pub
  assay verify bundle.zip --public-key 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29
  assay verify bundle.zip --json

Exit codes: 0 the bundle holds, 1 it does not, 2 it is no bundle, or another error.";

/// Arguments of `assay verify`.
#[derive(Debug, Args)]
#[command(after_help = VERIFY)]
pub struct VerifyArgs {
    /// Bundle to verify
    #[arg(value_name = "BUNDLE.zip")]
    pub file: PathBuf,
    /// The key that the operator publishes: 64 hex digits, or a file that holds them
    #[arg(long, value_name = "HEX|FILE")]
    pub public_key: Option<String>,
}

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
