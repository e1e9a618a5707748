//! Measures this build on a labelled folder: the engine's own check, held against what is known of
//! each photo.

mod audit;
mod data;
mod measured;
mod parallel;
mod pictures;
mod report;
mod run;
mod world;

use std::{path::Path, sync::Arc};

use crate::engine::{Defaults, Engine, vision::Vision};

pub use data::Labelled;
pub use measured::Measured;
pub use report::Report;

/// Makes one worker's models.
pub type MakeVision<'a> = dyn Fn() -> anyhow::Result<Vision> + Sync + 'a;

/// Hears how far a long run has come.
pub trait Progress: Sync {
    /// A part of `total` steps begins.
    fn begin(&self, what: &'static str, total: usize);
    /// A step is done.
    fn step(&self);
    /// The part is over.
    fn end(&self);
}

/// What to do.
pub struct Plan<'a> {
    /// The labelled folder.
    pub data: &'a Labelled,
    /// Calibration photos per product that also become references.
    pub references: usize,
    /// Whether to make non-genuine claims on calibration photos too.
    pub fitting: bool,
    /// Whether to judge test photos as if their products had no genuine photos enrolled.
    pub without_variation: bool,
    /// Set when the person wants to stop.
    pub stop: &'a std::sync::atomic::AtomicBool,
    /// Worker threads.
    pub threads: usize,
}

/// Bytes of prepared references kept: an evaluation meets all of them again with every photo.
const CACHE_BYTES: usize = 2 << 30;

/// Measures what `plan` says.
///
/// # Errors
/// A file of the folder cannot be read, a model cannot be run, or the person wants to stop.
pub fn measure(
    plan: &Plan,
    make: &MakeVision,
    progress: &dyn Progress,
) -> anyhow::Result<Measured> {
    let engine = Engine::with(Arc::new(Defaults::shipped()), CACHE_BYTES);
    run::run(plan, &engine, plan.threads, make, progress)
}

/// The report on what was measured in `dir`.
pub fn report(dir: &Path, plan: &Plan, measured: &Measured, vision: &Vision) -> Report {
    let models = Engine::models(vision).into_iter();
    let models = models.map(|(role, id)| (role.to_owned(), id)).collect();
    Report::new(dir.display().to_string(), plan.references, measured, models)
}
