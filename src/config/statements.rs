//! In which words sellers are told why a check came out as it did.

use std::path::PathBuf;

/// Settings of the statements of reasons.
#[derive(Clone, Debug, Default, PartialEq, clap::Args)]
pub struct StatementsConfig {
    /// Folder with your own templates of statements to sellers, and with translations in folders
    /// such as de. The program's own are English; `assay statement --templates` writes them.
    #[arg(
        long,
        env = "ASSAY_STATEMENTS",
        value_name = "DIR",
        hide_env_values = true
    )]
    pub statements: Option<PathBuf>,
}
