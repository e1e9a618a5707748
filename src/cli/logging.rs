//! Log lines on stderr: for people, or as JSON for collectors.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt};

use super::args::LogFormat;

/// Starts logging at `level` (0 warnings, 1 information, 2 detail, 3 everything); `RUST_LOG` wins
/// over it.
pub(crate) fn start(level: u8, format: LogFormat) {
    let directives = match level {
        0 => "warn",
        1 => "warn,assay=info",
        2 => "info,assay=debug",
        _ => "debug,assay=trace",
    };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(directives));
    let builder = fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A second start in one process keeps the first: the program starts logging once, tests may not
    // care.
    let _ = match format {
        LogFormat::Text => builder
            .with_ansi(std::io::stderr().is_terminal())
            .with_target(false)
            .try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
}
