//! How long what need not be kept for ever is kept.

/// Settings of what a server removes by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::Args)]
pub struct KeepConfig {
    /// Days after which the photos of checks go whose verdict is consistent or not_comparable; for
    /// ever when left out. Answers stay.
    #[arg(
        long,
        env = "ASSAY_KEEP_CLEARED_PHOTOS",
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_500)
    )]
    pub keep_cleared_photos: Option<u32>,
    /// Days after a decision after which the photos of the check that it is about go, and what its
    /// seller said in disputes; for ever when left out. Answers and decisions stay.
    #[arg(
        long,
        env = "ASSAY_KEEP_DISPUTES",
        value_name = "DAYS",
        value_parser = clap::value_parser!(u32).range(1..=36_500)
    )]
    pub keep_disputes: Option<u32>,
}
