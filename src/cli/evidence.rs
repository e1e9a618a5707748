//! `assay evidence`: the evidence of a check in one signed file.

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::Args;
use serde::Serialize;

use super::{
    failure::Failure,
    open::open,
    output::{self, HEADING, count},
    progress,
};
use crate::{
    app::{
        App, bundle,
        evidence_bundle::{self, BundleError, Written},
    },
    checker::actor::Actor,
    config::AppConfig,
};

const EVIDENCE: &str = "\
FILE becomes a zip archive: the answer, what it was judged by, the photos as sent, every reference that they were compared with, \
drawn evidence, a page for people (report.html), and a manifest of all files that is signed with the key in the data folder \
(signing.key, made by the first start). The same check gives the same bytes.

Whoever gets the file verifies it with `assay verify`, without this data folder. Publish the public key where they find it.

Examples:
  assay evidence 01a20ab5-ecbf-7443-9eb0-45b593e2dd97 --out bundle.zip
  assay evidence 01a20ab5-ecbf-7443-9eb0-45b593e2dd97 --out bundle.zip --data /srv/assay --json

FILE must not exist yet. It has its name only once it is whole.
Exit codes: 0 the file is written, 2 error.";

/// Arguments of `assay evidence`.
#[derive(Debug, Args)]
#[command(after_help = EVIDENCE)]
pub struct EvidenceArgs {
    /// The check, by the id in its answer
    #[arg(value_name = "CHECK_ID")]
    pub check: String,
    /// File to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// What was written, for scripts.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    #[serde(flatten)]
    written: &'a Written,
}

/// Writes a bundle. Models are opened, since the evidence is drawn by their workers.
pub(crate) async fn run(
    args: &EvidenceArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    // Before the models are loaded: they need not be for that.
    if args.out.symlink_metadata().is_ok() {
        return Err(failed(BundleError::Exists(args.out.clone())).into());
    }
    let app = open(config).await?;
    let spinner = progress::spinner("collecting evidence");
    let written = make(&app, args).await;
    spinner.finish_and_clear();
    // Before the outcome is looked at: the store is closed in order after a failure as well.
    app.close().await;
    let written = written?;
    if json {
        let report = Report {
            file: &args.out,
            written: &written,
        };
        output::json(&report, out)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Written {
        check,
        files,
        bytes,
        key_id,
        public_key,
    } = &written;
    let file = args.out.display();
    let files = count(*files, "file");
    writeln!(out, "{file}: check {check}, {files}, {bytes} bytes")?;
    writeln!(
        out,
        "{HEADING}signed by{HEADING:#} the key {key_id}: {public_key}"
    )?;
    writeln!(
        out,
        "Publish this key where those who get the file find it. They verify with:"
    )?;
    writeln!(out, "  assay verify {file} --public-key {public_key}")?;
    Ok(ExitCode::SUCCESS)
}

async fn make(app: &App, args: &EvidenceArgs) -> anyhow::Result<Written> {
    let contents = bundle::contents(&app.assay, &app.painter, &Actor::local(), &args.check)
        .await
        .map_err(Failure::from)?;
    let written = evidence_bundle::write(&contents, app.signer.as_ref(), &args.out);
    Ok(written.map_err(failed)?)
}

fn failed(error: BundleError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        BundleError::Exists(_) => {
            failure.hint("give another name with --out, or move that file away")
        }
        BundleError::Io { .. } => {
            failure.hint("the folder of --out must exist, be writable and have room")
        }
        _ => failure,
    }
}
