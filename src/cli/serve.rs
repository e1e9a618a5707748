//! `assay serve`: the same checks over HTTP, until a signal ends it.

use std::{io::Write, process::ExitCode};

use super::{args::ServeArgs, open::open};
use crate::config::AppConfig;

/// Serves until Ctrl-C or a termination signal, then finishes the requests underway.
pub(crate) async fn run(
    args: &ServeArgs,
    config: &AppConfig,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let server = open(config).await?.bind(args.http.clone()).await?;
    let server = server.keeping(args.keep);
    let address = server.address();
    writeln!(out, "assay listens on http://{address}")?;
    writeln!(out, "the interface is documented on http://{address}/docs/")?;
    if let Some(file) = server.first_key() {
        writeln!(
            out,
            "a key for its administrator lies in {}",
            file.display()
        )?;
    }
    if !address.ip().is_loopback() {
        tracing::warn!(
            "keys and photos travel in the clear: put a proxy with TLS before {address}"
        );
    }
    // Whoever started the program waits for these lines, through a pipe as well.
    out.flush()?;
    server.run().await?;
    Ok(ExitCode::SUCCESS)
}
