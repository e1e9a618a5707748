//! `assay eval`: measures this build on a labelled folder, or lets a brand try itself on edits of its
//! own references.

pub mod self_test;

use std::{path::PathBuf, sync::atomic::AtomicBool};

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;

use crate::{
    contract::limits::PHOTOS_PER_KIND,
    evaluation::{self, Labelled, MakeVision, Plan, Progress},
};

/// What `assay eval` takes.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "The folder holds references.csv (brand,product,path,kind), photos.csv \
(path,brand,product,item,split) and claims.csv (path,brand,product,truth,edit). Only photos of split `calibration` set \
thresholds, only photos of split `test` are counted.\n\nExample:\n  assay eval data/grocery --references 5\n  assay eval --self-test acme --photos-per-kind 8"
)]
pub struct EvalArgs {
    /// The labelled folder.
    #[arg(required_unless_present = "self_test")]
    pub dir: Option<PathBuf>,
    /// Instead: edit this brand's own references, photograph them by a simulator, and say what
    /// would be flagged.
    #[arg(long, value_name = "BRAND", conflicts_with_all = ["dir", "references", "without_variation", "rows", "threads"])]
    pub self_test: Option<String>,
    /// With --self-test: this product only.
    #[arg(long, value_name = "ID", requires = "self_test")]
    pub product: Option<String>,
    /// With --self-test: photos of each kind of edit, 1 to 12.
    #[arg(long, value_name = "N", default_value_t = PHOTOS_PER_KIND)]
    pub photos_per_kind: usize,
    /// With --self-test: seed of edits and photos.
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// With --self-test: write the simulated photos here, each named by kind, mark and verdict.
    #[arg(long, value_name = "DIR", requires = "self_test")]
    pub pictures: Option<PathBuf>,
    /// Calibration photos per product that also become references.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub references: usize,
    /// Judge test photos as if only the thresholds knew the calibration photos. Otherwise these are
    /// also what genuine photos of their products show: what nearly all of them do too is taken off
    /// a test photo's evidence.
    #[arg(long)]
    pub without_variation: bool,
    /// Also write every claim with its score and inputs to this CSV file. Non-genuine claims on
    /// calibration photos are added, for fitting the fusion.
    #[arg(long, value_name = "FILE")]
    pub rows: Option<PathBuf>,
    /// Worker threads; as many as cores when left out.
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
}

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
        fitting: args.rows.is_some(),
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
