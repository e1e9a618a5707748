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
    progress,
    public_key::published_key,
};
use crate::{
    app::{
        self,
        evidence_bundle::{BundleError, Verified, read_held, verify},
    },
    config::AppConfig,
    engine::Engine,
    evaluation::{Answered, COUNT_TOLERANCE, Matched, Rerun, TOLERANCE},
};

const VERIFY: &str = "\
Neither data folder nor network are used. Each file of the bundle is compared with the signed manifest, the photos and \
references with the answer, and the archive with the one that holds these files and nothing else. Everything that was changed, \
removed or added is named.

Then the photos are compared with the references once more, by the models that the answer names. Scores have to come out the same \
within 0.02, and counts of points within 5 % or 3: other processors round otherwise. What was learnt of genuine photos, and what \
the verdict was judged by, belong to the day of the check and are in the bundle, but are not worked out anew.

Without --public-key the signature proves only that nothing was changed since the key in the bundle signed it: anybody can make a \
key. Whose key it is, only a comparison with the one that the operator publishes tells.

Examples:
  assay verify bundle.zip --public-key operator.pub
  assay verify bundle.zip --public-key 3b6a27bcceb6a42d62a3a8d02a6f0d73653215771de243a63ac048a18b59da29
  assay verify bundle.zip --bytes-only
  assay verify bundle.zip --json

Exit codes: 0 the bundle holds, 1 it does not, or a score comes out otherwise, 2 it is no bundle, this program has other models, \
or another error.";

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
    /// Do not run the models again: verify what was signed, and nothing else
    #[arg(long)]
    pub bytes_only: bool,
}

/// What was found, for scripts.
#[derive(Serialize)]
struct Report<'a> {
    file: &'a Path,
    #[serde(flatten)]
    verified: &'a Verified,
    /// What came of comparing once more; `null` when it was not wanted or the bundle does not hold.
    rerun: Option<&'a Rerun>,
}

/// Verifies a bundle; opens nothing else but the file of a key and the models.
pub(crate) fn run(
    args: &VerifyArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let published = args.public_key.as_deref().map(published_key).transpose()?;
    let verified = verify(&args.file, published.as_ref()).map_err(failed)?;
    let rerun = match verified.holds && !args.bytes_only {
        true => Some(run_again(&args.file, config)?),
        false => None,
    };
    let reproduced = rerun.as_ref().is_none_or(|run| run.otherwise.is_empty());
    if json {
        let report = Report {
            file: &args.file,
            verified: &verified,
            rerun: rerun.as_ref(),
        };
        output::json(&report, out)?;
    } else {
        print(&args.file, &verified, out)?;
        if let Some(rerun) = &rerun {
            print_scores(rerun, out)?;
        }
    }
    Ok(if verified.holds && reproduced {
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

/// Compares the photos of a bundle with its references once more.
fn run_again(file: &Path, config: &AppConfig) -> anyhow::Result<Rerun> {
    let held = read_held(file).map_err(failed)?;
    let (engine, mut vision) = (Engine::default(), app::vision(config)?);
    let models = Engine::models(&vision);
    let other = models
        .iter()
        .find(|(role, id)| held.answer.models.get(*role) != Some(id));
    if let Some((role, id)) = other {
        let then = held.answer.models.get(*role).map_or("none", String::as_str);
        let told = format!(
            "the bundle holds, but this program cannot work out its scores: for `{role}` the check used {then}, this program has {id}"
        );
        return Err(Failure::new(told)
            .hint("verify it with the program that the bundle names, or the bytes alone by --bytes-only")
            .into());
    }
    let references = held.references.into_iter().map(|held| Matched {
        id: held.id,
        product: held.product,
        kind: held.kind,
        view: held.view,
        article: held.article,
        marks: held.marks,
        picture: held.picture,
    });
    let references: Vec<_> = references.collect();
    let bar = progress::bar("photos");
    bar.set_length(held.photos.len() as u64);
    let mut rerun = Rerun::default();
    for (n, answer) in held.answer.photos.iter().enumerate() {
        let Some(file) = held.photos.get(&n) else {
            continue;
        };
        let photo = Answered { n, file, answer };
        let claim = held.answer.claim.as_ref();
        rerun.photo((&engine, &mut vision), &photo, claim, &references)?;
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(rerun)
}

fn print_scores(rerun: &Rerun, out: &mut impl Write) -> io::Result<()> {
    let of = format!(
        "{} of {}",
        count(rerun.scores, "score"),
        count(rerun.photos, "photo")
    );
    for other in &rerun.otherwise {
        let number = |n: Option<f64>| n.map_or("nothing".to_owned(), |n| format!("{n:.3}"));
        let on = match &*other.reference {
            "" => String::new(),
            id => format!(" with the reference {id}"),
        };
        writeln!(
            out,
            "{BAD}otherwise{BAD:#}: photo {}{on}, {}: {} was answered, {} comes out now",
            other.photo,
            other.what,
            number(other.answered),
            number(other.now)
        )?;
    }
    match rerun.otherwise.len() {
        0 => writeln!(
            out,
            "{GOOD}scores{GOOD:#}: the models come to the same again, {of}, within {TOLERANCE} and counts within {} %",
            COUNT_TOLERANCE * 100.0
        ),
        n => writeln!(out, "{BAD}scores{BAD:#}: {n} of {of} come out otherwise"),
    }
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
