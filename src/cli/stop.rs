//! Ctrl-C, told to what is underway.

use std::process::ExitCode;

use super::failure::Failure;

/// Ctrl-C, or never where signals cannot be listened to.
pub(super) async fn stop_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Work that is dropped as a whole when Ctrl-C comes.
pub(super) async fn or_stopped(
    work: impl Future<Output = anyhow::Result<ExitCode>>,
) -> anyhow::Result<ExitCode> {
    tokio::select! {
        finished = work => finished,
        () = stop_signal() => Err(Failure::new("stopped").into()),
    }
}
