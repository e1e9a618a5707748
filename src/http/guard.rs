//! What a request must pass before its handler: panics, time, foreign web pages, and a place among
//! those being served.

use std::{any::Any, time::Duration};

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Uri, header, uri::Authority},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures_util::StreamExt;
use tower_http::csrf::ProtectionError;

use super::{
    problem::{Problem, kind},
    state::HttpState,
};

/// Turns a panic of a handler into a problem; the panic's words go to the log.
pub(crate) fn on_panic(panic: Box<dyn Any + Send>) -> Response {
    // `panic!` throws a `String` when it formats something, else a `&str`.
    let words = panic.downcast_ref::<String>().map(String::as_str);
    let words = words
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    Problem::internal(format!("panicked: {words}")).into_response()
}

/// Ends a request that takes longer than the configured time.
pub(crate) async fn limit_time(
    State(state): State<HttpState>,
    request: Request,
    next: Next,
) -> Response {
    let limit = state.config().request_timeout;
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let detail = format!(
                "no answer within {} s; send fewer photos or try again later",
                limit.as_secs()
            );
            Problem::new(&kind::TIMED_OUT, detail)
                .retry_after(limit.as_secs())
                .into_response()
        }
    }
}

/// Refuses a browser that was sent here under a name that is not this machine's own: a foreign page
/// whose name resolves to the loopback address (DNS rebinding) would otherwise count as the
/// server's own.
pub(crate) async fn only_own_host(request: Request, next: Next) -> Response {
    let headers = request.headers();
    // Programs send neither header and may call the server what they like; only a browser can be
    // lured here by a page.
    let browser = headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site");
    if browser && !host(request.uri(), headers).is_some_and(|h| is_loopback(&h)) {
        let detail = "a browser may use this server only as `localhost`, `127.0.0.1` or `[::1]`";
        return Problem::new(&kind::CROSS_SITE, detail).into_response();
    }
    next.run(request).await
}

fn host(uri: &Uri, headers: &HeaderMap) -> Option<Authority> {
    // HTTP wants an address in the request line to win over the header.
    uri.authority()
        .cloned()
        .or_else(|| headers.get(header::HOST)?.to_str().ok()?.parse().ok())
}

fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    // IPv6 stands in brackets in an authority, and the parser of addresses takes none.
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || address
            .parse::<std::net::IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// The answer to a web page of another site that sends here.
pub(crate) fn on_cross_site(_: ProtectionError) -> Response {
    let detail =
        "the request comes from a web page of another site (header `origin` or `sec-fetch-site`)";
    Problem::new(&kind::CROSS_SITE, detail).into_response()
}

/// Takes a place for an upload before its body is read, and holds it until the answer is made.
pub(crate) async fn admit(
    State(state): State<HttpState>,
    request: Request,
    next: Next,
) -> Response {
    let limit = state.config().max_body_bytes as u64;
    // A body of declared length is refused by its head alone; one without is stopped on its way by
    // the limit on bodies.
    let declared = request.headers().get(header::CONTENT_LENGTH);
    let declared = declared
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<u64>().ok());
    if let Some(bytes) = declared.filter(|bytes| *bytes > limit) {
        let detail = format!(
            "the body has {bytes} bytes, the limit is {limit}; send fewer or smaller pictures"
        );
        return refuse(&state, request, Problem::new(&kind::TOO_LARGE, detail));
    }
    // Without a declared length it has to find as much room as the largest body allowed.
    match state.assay().try_admit(declared.unwrap_or(limit)) {
        Ok(permit) => {
            let response = next.run(request).await;
            // Dropped here and not earlier: the place covers the work too, not the upload alone.
            drop(permit);
            response
        }
        Err(busy) => refuse(&state, request, busy.into()),
    }
}

/// Answers without having read the body. What the caller is still sending is read and thrown away
/// for a while: closing at once would reset the connection and many clients would never see the
/// answer.
fn refuse(state: &HttpState, request: Request, problem: Problem) -> Response {
    // Reading would invite a caller that waits for `100 Continue` to send what nobody wants.
    if !request.headers().contains_key(header::EXPECT) {
        let (bytes, time) = (state.config().max_body_bytes, state.config().body_timeout);
        tokio::spawn(discard(request.into_body(), bytes, time));
    }
    problem.into_response()
}

async fn discard(body: Body, most_bytes: usize, longest: Duration) {
    let mut chunks = body.into_data_stream();
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            bytes += chunk.len();
            // A caller that goes on and on would hold a task and a socket for nothing.
            if bytes > most_bytes {
                break;
            }
        }
    };
    // Past the limits the connection closes under the caller's hands, as it would have done without
    // this.
    let _ = tokio::time::timeout(longest, read).await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, body::to_bytes, http::StatusCode, middleware::from_fn, routing::get};
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    #[tokio::test]
    async fn a_panic_is_a_problem_that_keeps_its_words_inside() {
        async fn handler() -> &'static str {
            panic!("secret words")
        }
        let app = Router::new()
            .route("/", get(handler))
            .layer(CatchPanicLayer::custom(on_panic));
        let app = app.layer(from_fn(crate::http::observe::observe));
        let response = app.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = String::from_utf8(
            to_bytes(response.into_body(), 1 << 16)
                .await
                .unwrap()
                .to_vec(),
        )
        .unwrap();
        assert!(
            body.contains("/problems/internal-error") && !body.contains("secret"),
            "{body}"
        );
    }

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for own in [
            "localhost",
            "LOCALHOST:80",
            "127.0.0.1:8080",
            "127.1.2.3",
            "[::1]:8080",
        ] {
            assert!(is_loopback(&own.parse().unwrap()), "{own}");
        }
        for foreign in [
            "example.org",
            "localhost.example.org:8080",
            "10.0.0.1",
            "[2001:db8::1]:8080",
        ] {
            assert!(!is_loopback(&foreign.parse().unwrap()), "{foreign}");
        }
    }
}
