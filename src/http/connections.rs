//! Which connections are idle, so that the one idle longest can make room for a new one.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use tokio::sync::Notify;

/// The idle ones among a server's connections. A connection is idle while no request is underway on
/// it: before its first, between two, and while only part of a request's head has arrived.
#[derive(Default)]
pub(crate) struct Connections {
    idle: Mutex<Idle>,
    /// Told whenever a connection becomes idle.
    rested: Notify,
}

#[derive(Default)]
struct Idle {
    /// Number of the next connection to become idle.
    // A count and no time: two that become idle in one tick of the clock still have an order.
    next: u64,
    /// How to ask each to close, in the order in which they became idle.
    waiting: BTreeMap<u64, Arc<Notify>>,
}

impl Connections {
    /// Asks the connection that has been idle longest to close; whether there was one.
    pub(crate) fn dismiss_longest_idle(&self) -> bool {
        let longest = self.lock().waiting.pop_first();
        longest.is_some_and(|(_, close)| {
            // Kept for the connection in case it is not listening at this moment.
            close.notify_one();
            true
        })
    }

    /// Done when a connection has become idle since this was last asked.
    pub(crate) async fn rested(&self) {
        self.rested.notified().await;
    }

    fn lock(&self) -> MutexGuard<'_, Idle> {
        // Each change leaves the map whole, so a panic elsewhere spoils nothing.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One connection, which counts as idle from now on.
pub(crate) struct Connection {
    all: Arc<Connections>,
    close: Arc<Notify>,
    /// Its number among the idle ones, unless a request is underway.
    idle: Mutex<Option<u64>>,
}

impl Connection {
    /// A new connection among all.
    pub(crate) fn new(all: Arc<Connections>) -> Arc<Self> {
        let connection = Self {
            all,
            close: Arc::default(),
            idle: Mutex::default(),
        };
        // One that never sends anything counts as idle from the start: it should give way first.
        connection.rest();
        Arc::new(connection)
    }

    /// Done when this connection is asked to close.
    pub(crate) async fn dismissed(&self) {
        self.close.notified().await;
    }

    /// Whether no request is underway.
    pub(crate) fn is_idle(&self) -> bool {
        self.number().is_some()
    }

    /// Marks a request as underway until what is returned is dropped.
    pub(crate) fn begin(self: &Arc<Self>) -> Underway {
        // Off the list before the handler runs: a connection with a request is never asked to go.
        if let Some(number) = self.number().take() {
            self.all.lock().waiting.remove(&number);
        }
        Underway(Arc::clone(self))
    }

    fn rest(&self) {
        let mut all = self.all.lock();
        let number = all.next;
        all.next += 1;
        all.waiting.insert(number, Arc::clone(&self.close));
        // `begin` holds the number's lock while it takes the list's. Here the list's goes first, or
        // two threads could wait for each other for ever.
        drop(all);
        *self.number() = Some(number);
        // A newcomer may be waiting because every connection was busy; this one can give way now.
        self.all.rested.notify_one();
    }

    fn number(&self) -> MutexGuard<'_, Option<u64>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if let Some(number) = self.number().take() {
            self.all.lock().waiting.remove(&number);
        }
    }
}

/// A request underway on a connection; the connection is idle again when this is dropped.
pub(crate) struct Underway(Arc<Connection>);

impl Drop for Underway {
    fn drop(&mut self) {
        self.0.rest();
    }
}

/// The body of an answer, which keeps its request underway until it is sent or given up.
pub(crate) struct Answering {
    body: Body,
    // Never read: that it is dropped with the body is what ends the request.
    _underway: Underway,
}

impl Answering {
    /// Sends `body` as it is.
    pub(crate) fn new(body: Body, underway: Underway) -> Self {
        Self {
            body,
            _underway: underway,
        }
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        // Handed on, as is the length: by default an answer would look endless and go out in
        // chunks.
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn is_dismissed(connection: &Connection) -> bool {
        connection.dismissed().now_or_never().is_some()
    }

    #[test]
    fn the_connection_that_was_idle_longest_is_dismissed_first() {
        let all = Arc::new(Connections::default());
        let (first, second) = (Connection::new(all.clone()), Connection::new(all.clone()));
        // The first has had a request since, so the second is idle longer.
        drop(first.begin());
        assert!(all.dismiss_longest_idle());
        assert!(is_dismissed(&second) && !is_dismissed(&first));
        assert!(all.dismiss_longest_idle());
        assert!(is_dismissed(&first));
        assert!(!all.dismiss_longest_idle());
    }

    #[test]
    fn a_connection_with_a_request_underway_is_not_dismissed() {
        let all = Arc::new(Connections::default());
        let connection = Connection::new(all.clone());
        let underway = connection.begin();
        assert!(!all.dismiss_longest_idle() && !connection.is_idle());
        let body = Answering::new(Body::from("answer"), underway);
        assert!(!all.dismiss_longest_idle());
        drop(body);
        assert!(connection.is_idle() && all.dismiss_longest_idle());
    }

    #[test]
    fn a_connection_that_ended_is_forgotten() {
        let all = Arc::new(Connections::default());
        drop(Connection::new(all.clone()));
        assert!(!all.dismiss_longest_idle());
    }
}
