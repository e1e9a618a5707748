//! `assay verify`: whether the evidence of a check is what was signed.

use std::{
    fs::File,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
};

use serde::Serialize;

use super::{
    args::VerifyArgs,
    exit::NOT_CONSISTENT,
    failure::Failure,
    output::{self, BAD, GOOD, HEADING, WARN, count},
};
use crate::{
    app::evidence_bundle::{BundleError, Verified, verify},
    domain::digest::from_hex,
};

/// Most bytes of a file with a public key: a longer one is another file.
const MOST_KEY_BYTES: u64 = 1024;

/// What was found, for scripts.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    #[serde(flatten)]
    verified: &'a Verified,
}

/// Verifies a bundle; opens nothing else but the file of a key.
pub(crate) fn run(args: &VerifyArgs, json: bool, out: &mut impl Write) -> anyhow::Result<ExitCode> {
    let published = args.public_key.as_deref().map(key).transpose()?;
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

/// The key that a person gave: its digits, or a file that holds them.
fn key(given: &str) -> Result<[u8; 32], Failure> {
    let hint = "give the 64 hex digits that the operator publishes, or a file that holds them";
    // Capitals are no other key, where a person copies one.
    if let Some(key) = from_hex(&given.trim().to_ascii_lowercase()) {
        return Ok(key);
    }
    let cannot = |e: io::Error| {
        Failure::new(format!("the public key `{given}` cannot be read: {e}")).hint(hint)
    };
    let mut bytes = Vec::new();
    File::open(given)
        .and_then(|file| file.take(MOST_KEY_BYTES + 1).read_to_end(&mut bytes))
        .map_err(cannot)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    from_hex(&text.trim().to_ascii_lowercase())
        .ok_or_else(|| Failure::new(format!("the file `{given}` holds no public key")).hint(hint))
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
