//! Where data and models lie, how much runs at a time, and how many false flags are accepted.

use std::{
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

#[cfg(feature = "cluster")]
use super::Bucket;
use crate::contract::limits::BUDGETS;

/// Settings that every command shares.
#[derive(Clone, Debug, PartialEq, clap::Args)]
pub struct AppConfig {
    /// Folder that holds the database and the images; created when missing
    #[arg(
        long,
        global = true,
        env = "ASSAY_DATA",
        value_name = "DIR",
        default_value = "./assay-data"
    )]
    pub data: PathBuf,

    /// Postgres database that holds the records instead of the data folder, as
    /// `postgres://user:password@host/name`; several hosts may share it, with one --images
    #[cfg(feature = "cluster")]
    #[arg(
        long,
        global = true,
        env = "ASSAY_DATABASE",
        value_name = "URL",
        hide_env_values = true
    )]
    pub database: Option<String>,

    /// Folder that holds the models and their manifest [default: found beside the program]
    #[arg(
        long,
        global = true,
        env = "ASSAY_MODELS",
        value_name = "DIR",
        hide_env_values = true
    )]
    pub models: Option<PathBuf>,

    /// Worker threads, each with its own models [default: one per core, at most 8]
    #[arg(long, global = true, env = "ASSAY_WORKERS", value_name = "N")]
    pub workers: Option<NonZeroUsize>,

    /// Share of genuine photos that may be flagged, as `0.01` or `1%`
    #[arg(long, global = true, env = "ASSAY_BUDGET", value_name = "SHARE", default_value = "0.01", value_parser = share)]
    pub budget: f64,

    /// Bucket that holds the images instead of the data folder, as `s3://BUCKET/PREFIX`; who asks
    /// for them is told by `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_ACCESS_KEY_ID` and
    /// `AWS_SECRET_ACCESS_KEY`
    #[cfg(feature = "cluster")]
    #[arg(
        long,
        global = true,
        env = "ASSAY_IMAGES",
        value_name = "s3://BUCKET/PREFIX"
    )]
    pub images: Option<Bucket>,
}

impl AppConfig {
    /// The default settings over a data folder.
    pub fn over(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            #[cfg(feature = "cluster")]
            database: None,
            models: None,
            workers: None,
            budget: 0.01,
            #[cfg(feature = "cluster")]
            images: None,
        }
    }
}

/// Budgets outside 0.01 % to 50 % are slips of the pen.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.strip_suffix('%') {
        // A space before the sign is how many write it.
        Some(percent) => (percent.trim(), 0.01),
        None => (text, 1.0),
    };
    // What is no number lies in no range, so that one message serves both slips.
    let budget = number.parse::<f64>().map(|n| n * unit).unwrap_or(f64::NAN);
    if BUDGETS.contains(&budget) {
        Ok(budget)
    } else {
        Err(format!(
            "`{text}` is not a share from 0.0001 to 0.5, such as `0.01` or `1%`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        app: AppConfig,
    }

    #[test]
    fn flags_default_to_the_documented_settings() {
        assert_eq!(
            Flags::parse_from(["assay"]).app,
            AppConfig::over(Path::new("./assay-data"))
        );
    }

    #[test]
    fn a_budget_is_a_share() {
        assert_eq!(share("0.05"), Ok(0.05));
        assert_eq!(share("5 %"), Ok(0.05));
        for bad in ["", "0", "1", "5", "nan", "-0.1", "101%"] {
            assert!(share(bad).unwrap_err().contains("0.0001 to 0.5"), "{bad}");
        }
    }
}
