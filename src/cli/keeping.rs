//! `assay hold` and `assay erase`: what is kept whatever happens, and what goes on request.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::Args;
use serde::Serialize;

use super::{
    failure::Failure,
    key::is_there,
    output::{self, Cell, GOOD, Table, WARN, count},
};
use crate::{
    app,
    checker::{
        actor::Actor,
        keeper::{Erased, Keeper},
        records::{Concerned, Hold, Subject},
    },
    config::AppConfig,
};

const HOLD: &str = "\
A held check keeps its photos and ids, whatever retention or `assay erase` would remove: for a dispute, a court, an inquiry. The \
reason is kept with the hold and in the audit log; write no personal data into it.

Examples:
  assay hold                                                            all holds
  assay hold 01a20ab5-ecbf-7443-9eb0-45b593e2dd97 --why \"case 17/2026\"
  assay hold --release 01a20ab5-ecbf-7443-9eb0-45b593e2dd97 --why \"case 17/2026 is closed\"";

/// Arguments of `assay hold`.
#[derive(Debug, Args)]
#[command(after_help = HOLD)]
pub struct HoldArgs {
    /// The check, by its id; without it all holds are listed
    #[arg(value_name = "CHECK_ID", requires = "why")]
    check: Option<String>,
    /// End the hold of this check instead
    #[arg(
        long,
        value_name = "CHECK_ID",
        conflicts_with = "check",
        requires = "why"
    )]
    release: Option<String>,
    /// Why, 1 to 200 characters
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
}

const ERASE: &str = "\
Of every check of the seller or listing, the photos' bytes go, and the ids of seller and listing in the answer and its row; the \
rest of the answer stays. Photos that a reference, a genuine photo or somebody else's check needs stay for these. Checks that are \
held stand against it and are named. The audit log notes each check and the reason, and no id of a seller or listing.

What would go is shown first, and asked for; without a terminal --yes is needed. It cannot be undone, but by a backup that was \
made before: those hold what was erased.

Examples:
  assay erase --seller shop-17 --why \"request of 2026-11-29\"
  assay erase --listing 4711 --why \"request of 2026-11-29\" --yes

Exit codes: 0 erased, or nothing is there, 2 error.";

/// Arguments of `assay erase`.
#[derive(Debug, Args)]
#[command(after_help = ERASE)]
pub struct EraseArgs {
    /// The seller, by the id that was sent with checks
    #[arg(long, value_name = "ID", required_unless_present = "listing")]
    seller: Option<String>,
    /// The listing, by the id that was sent with checks
    #[arg(long, value_name = "ID", conflicts_with = "seller")]
    listing: Option<String>,
    /// Why, 1 to 200 characters; kept in the audit log
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

/// Runs `assay hold`.
pub(crate) async fn hold(
    args: &HoldArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    must_be_there(config)?;
    let (keeper, database) = app::keeper(config).await?;
    let done = held(args, &keeper, json, out).await;
    database.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

/// Runs `assay erase`.
pub(crate) async fn erase(
    args: &EraseArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    must_be_there(config)?;
    let (keeper, database) = app::keeper(config).await?;
    let done = erased(args, &keeper, json, out).await;
    database.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

fn must_be_there(config: &AppConfig) -> Result<(), Failure> {
    if is_there(config) {
        return Ok(());
    }
    let why = format!("there are no data in `{}`", config.data.display());
    Err(Failure::new(why).hint("--data names the folder"))
}

/// A hold, for scripts.
#[derive(Serialize)]
struct Listed {
    check: String,
    why: String,
    actor: String,
    at: String,
}

async fn held(
    args: &HoldArgs,
    keeper: &Keeper,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let (actor, why) = (Actor::local(), args.why.as_deref().unwrap_or_default());
    let told = match (&args.check, &args.release) {
        (Some(check), _) => {
            let held = keeper.hold(&actor, check, why).await;
            held.map_err(Failure::from)?;
            (check, "held")
        }
        (None, Some(check)) => {
            let released = keeper.release(&actor, check, why).await;
            released.map_err(Failure::from)?;
            (check, "released")
        }
        (None, None) => return list(&keeper.holds().await.map_err(Failure::from)?, json, out),
    };
    let (check, state) = told;
    if json {
        return Ok(output::json(
            &serde_json::json!({"check": check, "state": state}),
            out,
        )?);
    }
    Ok(writeln!(out, "check `{check}` is {state}")?)
}

fn list(holds: &[Hold], json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let listed: Vec<_> = holds
        .iter()
        .map(|hold| Listed {
            check: hold.check.clone(),
            why: hold.why.clone(),
            actor: hold.actor.clone(),
            at: super::key::time(hold.created_ms),
        })
        .collect();
    if json {
        return Ok(output::json(&listed, out)?);
    }
    if listed.is_empty() {
        return Ok(writeln!(out, "no check is held")?);
    }
    let mut table = Table::new(&["check", "since", "by", "why"]);
    for hold in listed {
        table.row([hold.check, hold.at, hold.actor, hold.why].map(Cell::from));
    }
    Ok(table.write(out, 0)?)
}

/// What was erased, for scripts.
#[derive(Serialize)]
struct Report {
    checks: usize,
    photos: usize,
}

async fn erased(
    args: &EraseArgs,
    keeper: &Keeper,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let subject = match (&args.seller, &args.listing) {
        (Some(id), _) => Subject::Seller(id.clone()),
        (None, Some(id)) => Subject::Listing(id.clone()),
        (None, None) => return Err(Failure::new("give --seller or --listing").into()),
    };
    let concerned = keeper.concerned(&subject).await.map_err(Failure::from)?;
    let held = concerned.iter().any(|c| c.held);
    if !concerned.is_empty() && !held && !args.yes {
        show(&concerned, out)?;
        out.flush()?;
        confirmed()?;
    }
    // With one that is held it says which, and erases nothing.
    let erased = keeper.erase(&Actor::local(), &subject, &args.why).await;
    let Erased { checks, photos } = erased.map_err(Failure::from)?;
    if json {
        return Ok(output::json(&Report { checks, photos }, out)?);
    }
    let (checks, photos) = (count(checks, "check"), count(photos, "photo"));
    Ok(writeln!(out, "{GOOD}erased{GOOD:#}: {checks}, {photos}")?)
}

fn show(concerned: &[Concerned], out: &mut impl Write) -> io::Result<()> {
    for Concerned { check, photos, .. } in concerned {
        writeln!(out, "{check}  {}", count(*photos, "photo"))?;
    }
    let photos = concerned.iter().map(|c| c.photos).sum();
    let (checks, photos) = (count(concerned.len(), "check"), count(photos, "photo"));
    writeln!(out, "{WARN}to be erased{WARN:#}: {checks}, {photos}")
}

/// Asks, where there is somebody to ask.
fn confirmed() -> anyhow::Result<()> {
    if !io::stdin().is_terminal() {
        let failure = Failure::new("nothing was erased: there is no terminal to ask on");
        return Err(failure
            .hint("look at what is listed, and give --yes")
            .into());
    }
    write!(
        anstream::stderr(),
        "This cannot be undone. Type `erase` to go on: "
    )?;
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    match line.trim() {
        "erase" => Ok(()),
        _ => Err(Failure::new("nothing was erased").into()),
    }
}
