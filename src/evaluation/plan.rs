//! What an evaluation is to do, and who hears how far it has come.

use std::sync::atomic::AtomicBool;

use serde::Serialize;

use super::data::Labelled;
use crate::engine::vision::Vision;

/// Makes one worker's models.
pub(crate) type MakeVision<'a> = dyn Fn() -> anyhow::Result<Vision> + Sync + 'a;

/// Hears how far a long run has come.
// Shared by all threads, so a step is told through `&self`.
pub(crate) trait Progress: Sync {
    /// A part of `total` steps begins.
    fn begin(&self, what: &'static str, total: usize);
    /// A step is done.
    fn step(&self);
    /// The part is over.
    fn end(&self);
}

/// Whose genuine photos set the thresholds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Thresholds {
    /// The folder's calibration photos.
    Own,
    /// Those behind the calibration inside the program: every product is judged as that of a new
    /// brand, of which no genuine photo is known.
    Shipped,
}

impl Thresholds {
    /// For people.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Own => "the folder's own",
            Self::Shipped => "the shipped one, as for a new brand",
        }
    }
}

/// What to do.
pub(crate) struct Plan<'a> {
    /// The labelled folder.
    pub data: &'a Labelled,
    /// Calibration photos per product that also become references.
    pub references: usize,
    /// Whose genuine photos set the thresholds.
    pub thresholds: Thresholds,
    /// Whether to make non-genuine claims on calibration photos too.
    pub fitting: bool,
    /// Whether to judge test photos as if their products had no genuine photos enrolled.
    pub without_variation: bool,
    /// Numbers of photos of the listings to report.
    pub listings: &'a [usize],
    /// Seed of the listings' draw.
    pub seed: u64,
    /// Set when the person wants to stop.
    pub stop: &'a AtomicBool,
    /// Worker threads.
    pub threads: usize,
}

#[cfg(test)]
impl<'a> Plan<'a> {
    /// Judges by the folder's own photos, with nothing added.
    pub(crate) fn plain(data: &'a Labelled, stop: &'a AtomicBool) -> Self {
        Self {
            data,
            references: 0,
            thresholds: Thresholds::Own,
            fitting: false,
            without_variation: false,
            listings: &[],
            seed: 1,
            stop,
            threads: 1,
        }
    }
}
