//! The stages of a check, told to whoever keeps the time: the engine itself has no clock.

/// A stage of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Bytes to upright pixels and their quality.
    Decode,
    /// Local features of the photo.
    Features,
    /// Which references are worth comparing.
    Search,
    /// Locating, aligning, marks.
    Compare,
    /// Score, verdict, reasons.
    Judge,
}

impl Stage {
    /// The stable name used in answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Decode => "decode",
            Self::Features => "features",
            Self::Search => "search",
            Self::Compare => "compare",
            Self::Judge => "judge",
        }
    }
}

/// Hears when a stage ends.
pub trait Stages {
    /// A stage ended here; one that ended before goes on for longer.
    fn ended(&mut self, stage: Stage);
}

/// For whoever does not care.
impl Stages for () {
    fn ended(&mut self, _: Stage) {}
}
