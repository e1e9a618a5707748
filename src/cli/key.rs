//! `assay key`: the keys by which callers of the server are known.

use std::{io::Write, process::ExitCode};

use clap::{Args, Subcommand};
use jiff::{SignedDuration, Span, Timestamp};
use serde::Serialize;

use super::{
    failure::Failure,
    output::{self, Cell, DIM, Table},
};
use crate::{
    app,
    checker::{
        actor::{Actor, Role},
        key_ring::{KeyRing, MadeKey, NewKey},
        records::KeyRecord,
    },
    config::AppConfig,
};

const KEY: &str = "\
A role says what the key's owner may do over HTTP:
  pipeline     submit photos and read the answers; limited to some brands by --brand
  brand:NAME   look after the references of one brand, and see nothing of others
  reviewer     read checks and references
  auditor      read everything, change nothing
  admin        everything

The key itself is printed once, alone on stdout; only its hash is kept. Callers send it as
  Authorization: Bearer KEY

Examples:
  assay key create --role pipeline --name shop --expires 90d
  assay key create --role brand:acme
  assay key list
  assay key rotate 01a20ab5-ecbf-7443-9eb0-45b593e2dd97 --overlap 24h
  assay key revoke 01a20ab5-ecbf-7443-9eb0-45b593e2dd97";

/// Arguments of `assay key`.
#[derive(Debug, Args)]
#[command(after_help = KEY)]
pub struct KeyArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it once
    Create(CreateArgs),
    /// List keys: what they are for, until when, and when they were last used
    List,
    /// Refuse a key from now on
    Revoke {
        /// Id of the key, as `assay key list` shows it
        id: String,
    },
    /// Make another key of the same kind, and refuse the old one after a while
    Rotate {
        /// Id of the old key
        id: String,
        /// How long the old key still works, as `24h` or `7d`
        #[arg(long, value_name = "TIME", default_value = "24h", value_parser = span)]
        overlap: SignedDuration,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// pipeline, brand:NAME, reviewer, auditor or admin
    #[arg(long, value_parser = role)]
    role: (Role, Option<String>),
    /// What it is for [default: the role]
    #[arg(long)]
    name: Option<String>,
    /// With --role pipeline: only this brand; may be given several times
    #[arg(long, value_name = "BRAND")]
    brand: Vec<String>,
    /// Refuse it after this time, as `12h` or `90d`
    #[arg(long, value_name = "TIME", value_parser = span)]
    expires: Option<SignedDuration>,
}

fn role(text: &str) -> Result<(Role, Option<String>), String> {
    let (name, brand) = match text.split_once(':') {
        Some((name, brand)) => (name, Some(brand.to_owned())),
        None => (text, None),
    };
    match Role::from_name(name) {
        Some(Role::Brand) if brand.is_none() => {
            Err("name the brand, as in `brand:acme`".to_owned())
        }
        Some(role) if brand.is_none() || role == Role::Brand => Ok((role, brand)),
        _ => Err(format!(
            "`{text}` is no role; give pipeline, brand:NAME, reviewer, auditor or admin"
        )),
    }
}

/// A time such as `24h` or `90d`; a day has 24 hours.
fn span(text: &str) -> Result<SignedDuration, String> {
    let given = text.parse::<Span>().ok();
    let duration = given.and_then(|span| {
        let marked = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours());
        marked.ok()
    });
    // Ten years: beyond that it is a slip of the pen, or means never.
    match duration {
        Some(d) if d.is_positive() && d.as_hours() <= 10 * 366 * 24 => Ok(d),
        _ => Err(format!(
            "`{text}` is no time up to ten years, such as `24h` or `90d`"
        )),
    }
}

/// Runs the command.
pub(crate) async fn run(
    args: &KeyArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    // Only where there are data: a typing error should not leave a new folder behind.
    if !is_there(config) && !matches!(args.action, Action::Create(_)) {
        let why = format!("there are no data in `{}`", config.data.display());
        return Err(Failure::new(why).hint("--data names the folder").into());
    }
    let (keys, database) = app::keys(config).await?;
    let done = act(&args.action, &keys, json, out).await;
    // In order, after a failure as well.
    database.close().await;
    done.map(|()| ExitCode::SUCCESS)
}

/// Whether there are any data where the settings say.
#[cfg(not(feature = "cluster"))]
pub(super) fn is_there(config: &AppConfig) -> bool {
    config.data.is_dir()
}

/// Whether there are any data where the settings say.
#[cfg(feature = "cluster")]
pub(super) fn is_there(config: &AppConfig) -> bool {
    config.database.is_some() || config.data.is_dir()
}

async fn act(
    action: &Action,
    keys: &KeyRing,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    // Whoever can read the data folder may do everything with it anyway.
    let actor = Actor::local();
    let now = Timestamp::now();
    match action {
        Action::Create(args) => {
            let (role, brand) = &args.role;
            let made = keys.create(&actor, new_key(args, *role, brand.as_ref(), now));
            show(&made.await.map_err(Failure::from)?, json, out)
        }
        Action::Rotate { id, overlap } => {
            let overlap = i64::try_from(overlap.as_millis()).unwrap_or(i64::MAX);
            let made = keys.rotate(&actor, id, overlap).await;
            show(&made.map_err(Failure::from)?, json, out)
        }
        Action::Revoke { id } => {
            let revoked = keys.revoke(&actor, id).await.map_err(Failure::from)?;
            if json {
                return Ok(output::json(&Listed::of(&revoked), out)?);
            }
            Ok(writeln!(out, "the key `{id}` is refused from now on")?)
        }
        Action::List => {
            let all = keys.keys(&actor).await.map_err(Failure::from)?;
            let all: Vec<_> = all.iter().map(Listed::of).collect();
            if json {
                return Ok(output::json(&all, out)?);
            }
            Ok(table(&all).write(out, 0)?)
        }
    }
}

fn new_key(args: &CreateArgs, role: Role, brand: Option<&String>, now: Timestamp) -> NewKey {
    let named = || brand.map_or(role.name().to_owned(), |b| format!("{}:{b}", role.name()));
    let limits = args.brand.iter().chain(brand).cloned();
    let brands: Vec<_> = limits.collect();
    NewKey {
        name: args.name.clone().unwrap_or_else(named),
        role,
        brands: (!brands.is_empty()).then_some(brands),
        expires_ms: args
            .expires
            .map(|after| now.as_millisecond().saturating_add(after.as_secs() * 1000)),
    }
}

/// A key as `--json` tells it.
#[derive(Serialize)]
struct Listed {
    id: String,
    name: String,
    role: &'static str,
    brands: Option<Vec<String>>,
    created_by: String,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
}

impl Listed {
    fn of(key: &KeyRecord) -> Self {
        Self {
            id: key.id.clone(),
            name: key.name.clone(),
            role: key.role.name(),
            brands: key.brands.clone(),
            created_by: key.actor.clone(),
            created_at: time(key.created_ms),
            expires_at: key.expires_ms.map(time),
            revoked_at: key.revoked_ms.map(time),
            last_used_at: key.used_ms.map(time),
        }
    }
}

/// A key that was just made, as `--json` tells it.
#[derive(Serialize)]
struct Shown {
    key: String,
    #[serde(flatten)]
    listed: Listed,
}

/// The secret alone on stdout, so that a script can take it; the rest is for people.
fn show(made: &MadeKey, json: bool, out: &mut impl Write) -> anyhow::Result<()> {
    let listed = Listed::of(&made.record);
    if json {
        let key = made.secret.clone();
        return Ok(output::json(&Shown { key, listed }, out)?);
    }
    writeln!(out, "{}", made.secret)?;
    out.flush()?;
    let mut err = anstream::stderr().lock();
    let until = listed
        .expires_at
        .map_or_else(String::new, |at| format!(", until {at}"));
    let (id, name) = (listed.id, listed.name);
    // Nothing is lost where nobody listens.
    let _ = writeln!(
        err,
        "{DIM}key `{id}` ({name}{until}); it is not shown again{DIM:#}"
    );
    Ok(())
}

fn table(keys: &[Listed]) -> Table {
    let mut table = Table::new(&["id", "name", "role", "brands", "state", "last used"]);
    let now = Timestamp::now().to_string();
    for key in keys {
        let state = match (&key.revoked_at, &key.expires_at) {
            (Some(at), _) => format!("revoked {at}"),
            (None, Some(at)) if *at <= now => format!("ran out {at}"),
            (None, Some(at)) => format!("until {at}"),
            (None, None) => "in use".to_owned(),
        };
        table.row([
            Cell::from(key.id.as_str()),
            key.name.as_str().into(),
            key.role.into(),
            key.brands
                .as_ref()
                .map_or("all".to_owned(), |b| b.join(", "))
                .into(),
            state.into(),
            key.last_used_at.as_deref().unwrap_or("never").into(),
        ]);
    }
    table
}

/// Milliseconds since 1970 as RFC 3339, UTC, to the second.
pub(super) fn time(ms: i64) -> String {
    Timestamp::from_second(ms.div_euclid(1000))
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_of_a_brand_names_it_and_no_other_does() {
        assert_eq!(role("admin"), Ok((Role::Admin, None)));
        assert_eq!(
            role("brand:acme"),
            Ok((Role::Brand, Some("acme".to_owned())))
        );
        assert!(role("brand").unwrap_err().contains("brand:acme"));
        for bad in ["", "owner", "admin:acme", "Pipeline"] {
            assert!(role(bad).unwrap_err().contains("is no role"), "{bad}");
        }
    }

    #[test]
    fn times_have_units_and_an_end() {
        assert_eq!(span("90d").unwrap().as_hours(), 90 * 24);
        assert_eq!(span("12h").unwrap().as_hours(), 12);
        for bad in ["", "90", "-1d", "0s", "99999d", "soon"] {
            assert!(span(bad).is_err(), "{bad}");
        }
    }
}
