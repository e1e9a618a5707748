//! Measures this build on a labelled folder: the engine's own check, held against what is known of
//! each photo.

mod audit;
mod data;
mod facts;
#[cfg(test)]
mod fixture;
mod judged;
mod listings;
mod measured;
mod parallel;
mod pictures;
mod plan;
mod report;
mod rerun;
mod rows;
mod run;
mod world;

use std::{path::Path, sync::Arc};

use crate::engine::{Defaults, Engine, vision::Vision};

pub(crate) use data::Labelled;
pub(crate) use measured::Measured;
pub(crate) use plan::{MakeVision, Plan, Progress, Thresholds};
pub(crate) use report::Report;
pub(crate) use rerun::{Answered, COUNT_TOLERANCE, Matched, Rerun, TOLERANCE};

/// Bytes of prepared references kept: an evaluation meets all of them again with every photo.
const CACHE_BYTES: usize = 2 << 30;

/// Measures what `plan` says.
///
/// # Errors
/// A file of the folder cannot be read, a model cannot be run, or the person wants to stop.
pub(crate) fn measure(
    plan: &Plan,
    make: &MakeVision,
    progress: &dyn Progress,
) -> anyhow::Result<Measured> {
    let engine = Engine::with(Arc::new(Defaults::shipped()), CACHE_BYTES);
    run::run(plan, &engine, plan.threads, make, progress)
}

/// The report on what was measured in `dir`.
pub(crate) fn report(dir: &Path, plan: &Plan, measured: &Measured, vision: &Vision) -> Report {
    let models = Engine::models(vision).into_iter();
    let models = models.map(|(role, id)| (role.to_owned(), id)).collect();
    Report::new(dir.display().to_string(), plan, measured, models)
}
