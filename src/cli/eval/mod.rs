//! `assay eval`: measures this build on a labelled folder, or lets a brand try itself on edits of its
//! own references.

pub mod self_test;

use std::sync::atomic::AtomicBool;

use anyhow::Context;
use indicatif::ProgressBar;

use crate::{
    cli::args::{CalibrationChoice, EvalArgs},
    evaluation::{self, Labelled, MakeVision, Plan, Progress, Thresholds},
};

/// A progress bar that hears of each part.
struct Bar(ProgressBar);

impl Progress for Bar {
    fn begin(&self, what: &'static str, total: usize) {
        // One bar serves all parts: without this the time left would be guessed from the last one.
        self.0.reset();
        self.0.set_prefix(what);
        self.0.set_length(total as u64);
    }

    fn step(&self) {
        self.0.inc(1);
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}

/// Measures and returns the report's text, or its JSON.
pub fn run(
    args: &EvalArgs,
    make: &MakeVision,
    json: bool,
    stop: &AtomicBool,
    bar: ProgressBar,
) -> anyhow::Result<String> {
    let dir = args.dir.as_ref().context("a labelled folder is needed")?;
    let data = Labelled::read(dir)?;
    // A single thread where the system does not tell.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let plan = Plan {
        data: &data,
        references: args.references,
        thresholds: match args.calibration {
            CalibrationChoice::Own => Thresholds::Own,
            CalibrationChoice::Shipped => Thresholds::Shipped,
        },
        fitting: args.fitting,
        listings: &args.listings,
        seed: args.seed,
        without_variation: args.without_variation,
        stop,
        threads: args.threads.unwrap_or(cores).max(1),
    };
    let measured = evaluation::measure(&plan, make, &Bar(bar))?;
    // Before the report is made: the rows are worth keeping even if that fails.
    if let Some(path) = &args.rows {
        measured.write_rows(path)?;
    }
    let report = evaluation::report(dir, &plan, &measured, &make()?);
    Ok(if json {
        serde_json::to_string_pretty(&report)?
    } else {
        report.text()
    })
}
