//! The command line: parse, run, exit code. Everything a person reads here comes through the same
//! façade as HTTP.

mod args;
mod audit;
mod backup;
mod check;
mod demo;
mod enroll;
pub mod eval;
mod evidence;
mod exit;
mod failure;
mod keeping;
mod key;
mod logging;
mod open;
mod output;
mod progress;
mod public_key;
mod serve;
mod sources;
mod statement;
mod stop;
mod verify;

use std::{
    io::{self, Write},
    process::ExitCode,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

pub use args::Cli;
use args::{Command, EvalArgs, GlobalArgs, LogFormat};
use exit::error_code;
use failure::Failure;
use open::open;
use output::{BAD, HEADING};
use stop::{or_stopped, stop_signal};

use crate::{app, checker::ports::StoreError, config::AppConfig};

/// Runs a command to its exit code: 0 as it should be, 1 something is not consistent, 2 error.
pub fn run(cli: Cli) -> ExitCode {
    if let Err(error) = app::turn_telemetry_off() {
        complain(
            &Failure::new(format!("the program could not start itself: {error}"))
                .hint("set ORT_DISABLE_TELEMETRY=1 in the environment, then it need not")
                .into(),
        );
        return error_code();
    }
    let (format, level) = match &cli.command {
        // A server without a word in its log cannot be watched.
        Command::Serve(args) => (args.log_format, cli.global.verbose + 1),
        _ => (LogFormat::Text, cli.global.verbose),
    };
    logging::start(level, format);
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(dispatch(&cli)));
    match outcome {
        Ok(code) => code,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            error_code()
        }
    }
}

async fn dispatch(cli: &Cli) -> anyhow::Result<ExitCode> {
    let GlobalArgs {
        app: config, json, ..
    } = &cli.global;
    // This writer leaves colours out where the output is no terminal.
    let out = &mut anstream::stdout().lock();
    let finished = match &cli.command {
        Command::Demo(args) if args.serve => demo::serve(args, config, out).await,
        Command::Demo(args) => or_stopped(demo::run(args, config, *json, out)).await,
        // Hears of Ctrl-C itself, so that files underway are finished.
        Command::Enroll(args) => enroll::run(args, config, *json, stop_signal(), out).await,
        Command::Check(args) => or_stopped(check::run(args, config, *json, out)).await,
        Command::Evidence(args) => or_stopped(evidence::run(args, config, *json, out)).await,
        Command::Statement(args) => or_stopped(statement::run(args, config, *json, out)).await,
        Command::Verify(args) => verify::run(args, config, *json, out),
        Command::Backup(args) => or_stopped(backup::back_up(args, config, *json, out)).await,
        Command::Restore(args) => or_stopped(backup::restore(args, config, *json, out)).await,
        Command::Audit(args) => or_stopped(audit::run(args, config, *json, out)).await,
        Command::Hold(args) => or_stopped(keeping::hold(args, config, *json, out)).await,
        Command::Erase(args) => or_stopped(keeping::erase(args, config, *json, out)).await,
        Command::Key(args) => or_stopped(key::run(args, config, *json, out)).await,
        Command::Eval(args) => match &args.self_test {
            Some(brand) => or_stopped(self_test(args, brand, config, *json, out)).await,
            None => evaluate(args, config, *json, out),
        },
        Command::Serve(args) => serve::run(args, config, out).await,
    };
    // Before the outcome is looked at: what was written should be seen after a failure, too.
    out.flush()?;
    finished
}

/// Runs on this thread and those it starts: an evaluation keeps every core busy and awaits nothing.
fn evaluate(
    args: &EvalArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    // A flag, because threads cannot be cancelled: they have to look.
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    tokio::spawn(async move {
        stop_signal().await;
        told.store(true, Ordering::Relaxed);
    });
    let bar = progress::bar("references");
    let report = eval::run(args, &|| app::vision(config), json, &stop, bar)?;
    writeln!(out, "{report}")?;
    Ok(ExitCode::SUCCESS)
}

async fn self_test(
    args: &EvalArgs,
    brand: &str,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let app = open(config).await?;
    let bar = progress::bar("self-test");
    let finished = eval::self_test::run(args, brand, &app, json, &bar, out).await;
    // Before the outcome is returned: the store is closed in order after a failure as well.
    app.close().await;
    finished.map(|()| ExitCode::SUCCESS)
}

/// The reader of our output went away, as `head` does: nothing is wrong.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<io::Error>().map(io::Error::kind)
    };
    error
        .chain()
        .any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}

fn complain(error: &anyhow::Error) {
    let mut text = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Many errors tell their cause already.
        if !text.ends_with(&cause) {
            text += if text.is_empty() { "" } else { ": " };
            text += &cause;
        }
    }
    // The models' own messages bring their remedy along.
    let (text, remedy) = text
        .split_once("\nremedy: ")
        .map_or((text.as_str(), None), |(t, r)| (t, Some(r)));
    let mut err = anstream::stderr().lock();
    // Nothing is left to tell the user where stderr itself is gone.
    let _ = writeln!(err, "{BAD}error{BAD:#}: {text}");
    if let Some(hint) = remedy.or_else(|| error.chain().find_map(hint)) {
        let _ = writeln!(err, "{HEADING}hint{HEADING:#}: {hint}");
    }
}

fn hint<'a>(cause: &'a (dyn std::error::Error + 'static)) -> Option<&'a str> {
    if let Some(failure) = cause.downcast_ref::<Failure>() {
        return failure.hint.as_deref();
    }
    let failed = matches!(
        cause.downcast_ref::<StoreError>(),
        Some(StoreError::Failed(_) | StoreError::Full(_))
    );
    failed.then_some(failure::DATA_HINT)
}
