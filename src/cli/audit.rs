//! `assay audit`: what was done, whether the log of it is whole, and checkpoints of it.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    exit::NOT_CONSISTENT,
    failure::Failure,
    key::is_there,
    output::{self, BAD, DIM, GOOD, HEADING, WARN, count},
    public_key::published_key,
};
use crate::{
    app::{self, checkpoint_file, checkpoints::Checkpoints},
    checker::{
        audit::{Verified, verify},
        records::{Audit, Entry, Head, Logged},
    },
    config::AppConfig,
    domain::digest::hex,
};

const AUDIT: &str = "\
Every change of brands, products, references, genuine photos, checks and keys is noted with it: by whom, within which request, \
with before and after. Each entry is hashed with the hash before it, so that none can be changed or taken out unnoticed.

That the end was cut off, or all of it made anew, shows by checkpoints alone: how far the log was at some moment, signed. A \
server writes them to audit.checkpoints in the data folder and to its log. Copy them to where nobody can change them who can \
change the database, and give the copies to `assay audit verify`.

Examples:
  assay audit log --about brand/acme
  assay audit log --after 5000 --limit 100 --json
  assay audit verify
  assay audit verify --checkpoints /mnt/elsewhere/audit.checkpoints --public-key operator.pub
  assay audit checkpoint

All of it works beside a running server.
Exit codes: 0 success and the log holds, 1 it does not, 2 error.";

/// Arguments of `assay audit`.
#[derive(Debug, Args)]
#[command(after_help = AUDIT)]
pub struct AuditArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what was done, oldest first
    Log(LogArgs),
    /// Tell whether the log is whole, and agrees with its checkpoints
    Verify(VerifyArgs),
    /// Write a checkpoint now
    Checkpoint,
}

#[derive(Debug, Args)]
struct LogArgs {
    /// Only what was done to this, as brand/acme, product/acme/oat, check/ID or key/ID
    #[arg(long, value_name = "THING")]
    about: Option<String>,
    /// Only entries after this number
    #[arg(long, value_name = "SEQ", default_value_t = 0)]
    after: i64,
    /// At most so many entries
    #[arg(long, value_name = "N", default_value_t = 1000)]
    limit: usize,
}

#[derive(Debug, Args)]
struct VerifyArgs {
    /// Checkpoints that were copied elsewhere, besides those in the data folder
    #[arg(long, value_name = "FILE", num_args = 1..)]
    checkpoints: Vec<PathBuf>,
    /// The key that must have signed them: 64 hex digits, or a file that holds them
    #[arg(long, value_name = "HEX|FILE")]
    public_key: Option<String>,
}

/// Runs the command.
pub(crate) async fn run(
    args: &AuditArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    // An empty log in a new folder would hold.
    if !is_there(config) {
        let why = format!("there are no data in `{}`", config.data.display());
        return Err(Failure::new(why).hint("--data names the folder").into());
    }
    let (checkpoints, database) = app::audit(config).await?;
    let audit = database.as_ref();
    let done = match &args.action {
        Action::Log(args) => log(args, audit, json, out).await,
        Action::Verify(args) => check(args, audit, &config.data, json, out).await,
        Action::Checkpoint => checkpoint(&checkpoints, json, out).await,
    };
    // In order, after a failure as well.
    database.close().await;
    done
}

async fn checkpoint(
    checkpoints: &Checkpoints,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let line = checkpoints.write().await?;
    match line {
        Some(line) => writeln!(out, "{line}")?,
        None if json => writeln!(out, "null")?,
        None => writeln!(out, "nothing was noted since the last checkpoint")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// An entry, for scripts.
#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    entry: &'a Entry,
    hash: &'a str,
}

async fn log(
    args: &LogArgs,
    audit: &dyn Audit,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let (mut after, mut left) = (args.after, args.limit);
    while left > 0 {
        // In portions: the whole may be longer than memory.
        let most = left.min(500);
        let portion = audit.entries(args.about.as_deref(), after, most).await?;
        for logged in &portion.entries {
            show(logged, json, out)?;
            after = logged.seq;
        }
        left -= portion.entries.len();
        if portion.entries.len() < most {
            break;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn show(logged: &Logged, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let Ok(entry) = serde_json::from_str::<Entry>(&logged.entry) else {
        let why = format!("entry {} of the audit log is no entry", logged.seq);
        return Err(Failure::new(why)
            .hint("`assay audit verify` tells more")
            .into());
    };
    if json {
        let hash = &logged.hash;
        // One a line: a log is long, and read by programs that go line by line.
        let line = serde_json::to_string(&Shown {
            entry: &entry,
            hash,
        })?;
        return Ok(writeln!(out, "{line}")?);
    }
    let who = format!("{} ({})", entry.actor, entry.role);
    writeln!(
        out,
        "{DIM}{:>6}{DIM:#} {} {HEADING}{}{HEADING:#} {} by {who}",
        entry.seq, entry.at, entry.action, entry.about
    )?;
    for (name, value) in [("before", &entry.before), ("after", &entry.after)] {
        if let Some(value) = value {
            writeln!(out, "       {DIM}{name}{DIM:#} {value}")?;
        }
    }
    if let Some(why) = &entry.why {
        // As JSON: an escape in it must not reach the terminal as a command.
        writeln!(
            out,
            "       {DIM}why{DIM:#} {}",
            serde_json::to_string(why)?
        )?;
    }
    Ok(())
}

/// What was found, for scripts.
#[derive(Serialize)]
struct Report {
    holds: bool,
    entries: i64,
    hash: String,
    checkpoints: usize,
    origins: Vec<String>,
    faults: Vec<String>,
}

async fn check(
    args: &VerifyArgs,
    audit: &dyn Audit,
    data: &Path,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let published = args.public_key.as_deref().map(published_key).transpose()?;
    // Before the log, which may grow meanwhile.
    let mut signed = Signed::default();
    signed.read(&checkpoint_file::file_in(data), published.as_ref())?;
    for file in &args.checkpoints {
        if !file.exists() {
            let why = format!("there is no file `{}`", file.display());
            return Err(Failure::new(why).into());
        }
        signed.read(file, published.as_ref())?;
    }
    let Signed {
        heads,
        origins,
        mut faults,
    } = signed;
    let Verified {
        head,
        checkpoints,
        fault,
    } = verify(audit, heads).await?;
    faults.extend(fault.map(|fault| fault.to_string()));
    let report = Report {
        holds: faults.is_empty(),
        entries: head.seq,
        hash: head.hash.to_string(),
        checkpoints,
        origins,
        faults,
    };
    if json {
        output::json(&report, out)?;
    } else {
        print(&report, published.is_some(), out)?;
    }
    Ok(match report.holds {
        true => ExitCode::SUCCESS,
        false => NOT_CONSISTENT,
    })
}

/// What was read of checkpoints.
#[derive(Default)]
struct Signed {
    heads: Vec<Head>,
    origins: Vec<String>,
    faults: Vec<String>,
}

impl Signed {
    fn read(&mut self, file: &Path, published: Option<&[u8; 32]>) -> anyhow::Result<()> {
        let wanted = published.map(|key| hex(key));
        let read = checkpoint_file::read(file, |n, line| {
            let at = format!("`{}`, line {n}", file.display());
            let head = line.and_then(|checkpoint| {
                let origin = checkpoint.statement.origin.clone();
                if wanted.as_ref().is_some_and(|wanted| *wanted != origin) {
                    return Err(format!("it is signed by another key: {origin}"));
                }
                let head = checkpoint.head().ok_or("its signature does not hold")?;
                if !self.origins.contains(&origin) {
                    self.origins.push(origin);
                }
                Ok(head)
            });
            match head {
                Ok(head) => self.heads.push(head),
                Err(why) => self.faults.push(format!("{at}: {why}")),
            }
        });
        let cannot = |e| Failure::new(format!("cannot read `{}`: {e}", file.display()));
        Ok(read.map_err(cannot)?)
    }
}

fn print(report: &Report, published: bool, out: &mut impl Write) -> io::Result<()> {
    let (entries, checkpoints) = (report.entries, count(report.checkpoints, "checkpoint"));
    writeln!(
        out,
        "audit log: entries 1 to {entries} and {checkpoints} agree"
    )?;
    writeln!(out, "{HEADING}last hash{HEADING:#} {}", report.hash)?;
    for origin in &report.origins {
        writeln!(out, "{HEADING}signed by{HEADING:#} the key {origin}")?;
    }
    for fault in &report.faults {
        writeln!(out, "{BAD}fault{BAD:#}: {fault}")?;
    }
    if !report.holds {
        return writeln!(out, "{BAD}does not hold{BAD:#}");
    }
    writeln!(
        out,
        "{GOOD}holds{GOOD:#}: no entry was changed, is missing or out of order"
    )?;
    if report.checkpoints == 0 {
        writeln!(
            out,
            "{WARN}no checkpoint{WARN:#}: that the end was cut off, or all of it made anew, would not show"
        )?;
    } else if !published {
        writeln!(
            out,
            "{WARN}whose key it is, this does not prove{WARN:#}: compare it with the one that the operator publishes, or give that with --public-key"
        )?;
    }
    Ok(())
}
