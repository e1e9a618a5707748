//! Serves connections until told to stop, then lets requests in flight end within a bounded time.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    pin::pin,
    sync::Arc,
    time::Duration,
};

use axum::{Router, extract::Request, serve::Listener};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::server::TlsStream;
use tower::ServiceExt;

use super::{
    channel::Channel,
    connections::{Answering, Connection, Connections},
    router,
    state::HttpState,
    tls::Tls,
};

/// How often samples of histograms are folded into buckets when nobody reads `/metrics`.
const METRICS_UPKEEP: Duration = Duration::from_secs(10);
/// How long a connection that is asked to close may go on with what it has begun, when no request
/// is underway: sending the end of an answer, or half a request's head.
const GRACE: Duration = Duration::from_secs(1);

/// Serves `state` on `listener` until `stop` is done, over TLS where `tls` is given. Then no
/// connection is accepted any more, idle ones are closed and requests in flight are answered, for at
/// most the configured time.
pub async fn serve(
    mut listener: TcpListener,
    state: HttpState,
    tls: Option<Tls>,
    stop: impl Future<Output = ()>,
) {
    let config = state.config().clone();
    let app = router::router(state.clone());
    // Every connection takes a file descriptor, and without any left the database stops as well.
    let room = Arc::new(Semaphore::new(config.max_connections));
    let connections = Arc::new(Connections::default());
    let (stopping, running) = watch::channel(());
    let mut protocol = http1::Builder::new();
    protocol
        // The limit on a request's head needs a timer, and the protocol brings none.
        .timer(TokioTimer::new())
        .header_read_timeout(config.header_timeout);
    let tls = tls.map(Arc::new);
    // A set, because it ends its tasks when this function ends or is given up.
    let mut renewal = JoinSet::new();
    if let Some(tls) = tls.clone() {
        renewal.spawn(async move { tls.renew().await });
    }
    let mut upkeep = tokio::time::interval(METRICS_UPKEEP);
    let mut stop = pin!(stop);
    // A connection that was accepted and has no place yet; the next ones wait in the kernel.
    let mut guest: Option<(TcpStream, SocketAddr)> = None;
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = upkeep.tick() => state.metrics().run_upkeep(),
            accepted = Listener::accept(&mut listener), if guest.is_none() => guest = Some(accepted),
            place = place(&room, &connections), if guest.is_some() => {
                if let Some((stream, peer)) = guest.take() {
                    let visit = Visit {
                        protocol: protocol.clone(),
                        app: app.clone(),
                        state: state.clone(),
                        peer: peer.ip(),
                        connection: Connection::new(Arc::clone(&connections)),
                        running: running.clone(),
                        _place: place,
                    };
                    // All that waits for the caller is in its own task.
                    tokio::spawn(welcome(stream, tls.clone(), visit));
                }
            }
        }
    }
    // Without the listener newcomers are refused at once. The receiver of our own must go too, or
    // `closed` below would never come.
    drop((listener, guest, running));
    tracing::info!(
        connections = stopping.receiver_count(),
        "stopping: no new requests are accepted"
    );
    // Nobody listens when there is no connection.
    let _ = stopping.send(());
    if tokio::time::timeout(config.drain_timeout, stopping.closed())
        .await
        .is_err()
    {
        tracing::warn!(
            "stopping with requests unanswered after {} s",
            config.drain_timeout.as_secs()
        );
    }
}

/// A place for a new connection. With none left, connections without a request give way, the one
/// that has been idle longest first: otherwise a few hundred silent ones would keep everyone out.
async fn place(room: &Arc<Semaphore>, connections: &Connections) -> Option<OwnedSemaphorePermit> {
    loop {
        if let Ok(place) = Arc::clone(room).try_acquire_owned() {
            return Some(place);
        }
        // The semaphore is never closed, so there always is a place in the end.
        let place = Arc::clone(room).acquire_owned();
        if connections.dismiss_longest_idle() {
            // It may have begun a request in this moment; then another one has to give way.
            if let Ok(place) = tokio::time::timeout(2 * GRACE, place).await {
                return place.ok();
            }
        } else {
            tokio::select! {
                place = place => return place.ok(),
                () = connections.rested() => {}
            }
        }
    }
}

/// What a connection holds while it lasts.
struct Visit {
    protocol: http1::Builder,
    app: Router,
    state: HttpState,
    /// The other end of the connection: a caller, or a proxy.
    peer: IpAddr,
    connection: Arc<Connection>,
    running: watch::Receiver<()>,
    _place: Option<OwnedSemaphorePermit>,
}

/// Speaks TLS with the caller where the server does, then answers it.
async fn welcome(stream: TcpStream, tls: Option<Arc<Tls>>, mut visit: Visit) {
    // Answers are small and complete: waiting to fill packets would only add delay.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection kept its delay");
    }
    match tls {
        None => converse(stream, false, visit).await,
        Some(tls) => {
            if let Some(stream) = handshake(stream, &tls, &mut visit).await {
                converse(stream, true, visit).await;
            }
        }
    }
}

/// The handshake of a connection, unless it takes too long, is asked to give way, or the server
/// stops.
async fn handshake(
    stream: TcpStream,
    tls: &Tls,
    visit: &mut Visit,
) -> Option<TlsStream<TcpStream>> {
    let limit = visit.state.config().header_timeout;
    let done = tokio::select! {
        done = tokio::time::timeout(limit, tls.handshake(stream)) => done,
        _ = visit.running.changed() => return None,
        () = visit.connection.dismissed() => return None,
    };
    // Whoever wants can cause these: nothing for an operator to act on.
    match done {
        Ok(Ok(stream)) => Some(stream),
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection ended in its TLS handshake");
            None
        }
        Err(_) => {
            tracing::debug!("a connection ended: its TLS handshake took too long");
            None
        }
    }
}

/// Answers the requests of one connection, which is TLS or not, until it ends, is asked to give way,
/// or the server stops.
async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, tls: bool, mut visit: Visit) {
    let connection = &visit.connection;
    let service = service_fn(|mut request: Request<Incoming>| {
        let underway = connection.begin();
        let proxies = &visit.state.config().trusted_proxies;
        let channel = Channel::of(visit.peer, tls, request.headers(), proxies);
        request.extensions_mut().insert(channel);
        let answer = visit.app.clone().oneshot(request);
        async move {
            let response = answer.await?;
            Ok::<_, Infallible>(response.map(|body| Answering::new(body, underway)))
        }
    });
    let mut conversation = pin!(
        visit
            .protocol
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = &mut conversation => ended,
        _ = visit.running.changed() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
        () = connection.dismissed() => {
            conversation.as_mut().graceful_shutdown();
            match tokio::time::timeout(GRACE, &mut conversation).await {
                Ok(ended) => ended,
                // Half a head, or an answer that nobody reads, is not worth a place.
                Err(_) if connection.is_idle() => Ok(()),
                Err(_) => conversation.await,
            }
        }
    };
    // Callers hang up at any moment: nothing for an operator to act on.
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}

/// Done when the process is told to stop by SIGINT (Ctrl-C) or SIGTERM; from this call on those no
/// longer end it.
#[cfg(unix)]
pub fn shutdown_signal() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    // Registered now and not at the first wait: a signal in between must not be lost.
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
