//! Serves connections until told to stop, then lets requests in flight end within a bounded time.

use std::{io, pin::pin, sync::Arc, time::Duration};

use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use super::{router, state::HttpState};

/// How often samples of histograms are folded into buckets when nobody reads `/metrics`.
const METRICS_UPKEEP: Duration = Duration::from_secs(10);

/// Serves `state` on `listener` until `stop` is done. Then no connection is accepted any more, idle
/// ones are closed and requests in flight are answered, for at most the configured time.
pub async fn serve(mut listener: TcpListener, state: HttpState, stop: impl Future<Output = ()>) {
    let config = state.config().clone();
    let app = router::router(state.clone());
    let room = Arc::new(Semaphore::new(config.max_connections));
    let connections = GracefulShutdown::new();
    let mut protocol = http1::Builder::new();
    protocol
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout);
    let mut upkeep = tokio::time::interval(METRICS_UPKEEP);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = upkeep.tick() => state.metrics().run_upkeep(),
            (place, stream) = accept(&mut listener, &room) => {
                let service = TowerToHyperService::new(app.clone());
                let connection = protocol.serve_connection(TokioIo::new(stream), service);
                tokio::spawn(converse(connection, connections.watcher(), place));
            }
        }
    }
    drop(listener);
    tracing::info!(
        connections = connections.count(),
        "stopping: no new requests are accepted"
    );
    if tokio::time::timeout(config.drain_timeout, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!(
            "stopping with requests unanswered after {} s",
            config.drain_timeout.as_secs()
        );
    }
}

/// Waits for room, then for a connection: with no room, further ones wait in the kernel.
async fn accept(
    listener: &mut TcpListener,
    room: &Arc<Semaphore>,
) -> (Option<OwnedSemaphorePermit>, TcpStream) {
    // The semaphore is never closed, so there always is a place in the end.
    let place = Arc::clone(room).acquire_owned().await.ok();
    let (stream, _) = Listener::accept(listener).await;
    // Answers are small and complete: waiting to fill packets would only add delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection kept its delay");
    }
    (place, stream)
}

async fn converse(
    connection: http1::Connection<TokioIo<TcpStream>, TowerToHyperService<axum::Router>>,
    watcher: Watcher,
    place: Option<OwnedSemaphorePermit>,
) {
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(%error, "a connection ended early");
    }
    drop(place);
}

/// Done when the process is told to stop by SIGINT (Ctrl-C) or SIGTERM; from this call on those no
/// longer end it.
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (
        signal(SignalKind::interrupt())?,
        signal(SignalKind::terminate())?,
    );
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

/// Done when the process is told to stop by Ctrl-C.
#[cfg(not(unix))]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        if let Err(error) = tokio::signal::ctrl_c().await {
            tracing::warn!(%error, "Ctrl-C cannot be waited for");
            std::future::pending::<()>().await;
        }
    })
}
