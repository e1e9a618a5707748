//! The outermost layer: a request id, one log line, metrics, security headers, and the bodies of
//! errors.

use std::{borrow::Cow, time::Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, Method, header},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use super::{channel::Channel, metrics, problem};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const LONGEST_REQUEST_ID: usize = 64;

/// Nothing on an API's answer may be run, framed or loaded by a browser.
const API_POLICY: HeaderValue =
    HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");
/// The documentation's page runs its own scripts, draws with inline styles and `data:` pictures,
/// and calls this server.
const DOCS_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
     font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
);

/// For a year a browser that was here over TLS comes by nothing else: whoever sits between could
/// otherwise answer its first request, which is plain.
const ONLY_TLS: HeaderValue = HeaderValue::from_static("max-age=31536000");

/// Id of a request.
#[derive(Clone, Debug)]
pub(crate) struct RequestId(pub String);

/// Wraps every request.
pub(crate) async fn observe(mut request: Request, next: Next) -> Response {
    let id = request_id(request.headers());
    request.extensions_mut().insert(RequestId(id.clone()));
    let method = request.method().clone();
    // Copied first: the handler consumes the request.
    let path = request.uri().path().to_owned();
    // Metrics are labelled by the pattern: paths hold ids, and each would become a series.
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map(|m| m.as_str().to_owned());
    let channel = request.extensions().get::<Channel>();
    let secure = channel.is_some_and(|channel| channel.secure);
    let span = tracing::info_span!("request", id = %id);
    let exchange = Exchange::begin(&method, route.as_deref());

    let mut response = async {
        let response = problem::render(next.run(request).await, &id);
        // Inside the span, so that the log line carries the request's id.
        exchange.end(&path, response.status().as_u16());
        response
    }
    .instrument(span)
    .await;

    let docs = path == "/docs" || path.starts_with("/docs/");
    let headers = response.headers_mut();
    // An id was either accepted for its plain characters or made here.
    if let Ok(value) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, value);
    }
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(
        header::REFERRER_POLICY,
        HeaderValue::from_static("no-referrer"),
    );
    // A page, also one of the API's, names a policy of its own.
    headers
        .entry(header::CONTENT_SECURITY_POLICY)
        .or_insert(if docs { DOCS_POLICY } else { API_POLICY });
    // By plain HTTP it would mean nothing: anybody could have written it.
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, ONLY_TLS);
    }
    // Answers tell of listings and sellers: no cache should keep them.
    if !docs {
        headers
            .entry(header::CACHE_CONTROL)
            .or_insert(HeaderValue::from_static("no-store"));
    }
    response
}

/// The caller's id when it is short and plain enough for logs, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers
        .get(REQUEST_ID)
        .and_then(|v| v.to_str().ok())
        .filter(|id| is_plain(id));
    given.map_or_else(|| uuid::Uuid::now_v7().to_string(), ToOwned::to_owned)
}

fn is_plain(id: &str) -> bool {
    // It goes into log lines and a header: no line breaks, quotes or escapes.
    (1..=LONGEST_REQUEST_ID).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
}

/// One request and its answer, told to the log and the metrics even when the caller leaves before
/// the answer.
struct Exchange {
    method: Cow<'static, str>,
    route: String,
    started: Instant,
    ended: bool,
    _in_flight: metrics::InFlight,
}

impl Exchange {
    fn begin(method: &Method, route: Option<&str>) -> Self {
        // Labels come from small sets, whatever callers invent.
        let known = [
            Method::GET,
            Method::POST,
            Method::DELETE,
            Method::HEAD,
            Method::OPTIONS,
        ]
        .contains(method);
        Self {
            method: if known {
                method.to_string().into()
            } else {
                "other".into()
            },
            route: route.unwrap_or("none").to_owned(),
            started: Instant::now(),
            ended: false,
            _in_flight: metrics::InFlight::enter(),
        }
    }

    fn end(mut self, path: &str, status: u16) {
        // From here on, dropping no longer means that the caller left.
        self.ended = true;
        let took = self.started.elapsed();
        metrics::answered(&self.route, &self.method, status, took);
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::info!(method = %self.method, path, route = %self.route, status, ms, "answered");
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.ended {
            tracing::info!(method = %self.method, route = %self.route, "the caller left before the answer");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_kept_when_plain_and_replaced_when_not() {
        let id_for = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_bytes(value).unwrap());
            request_id(&headers)
        };
        assert_eq!(id_for(b"order-17:a_b.c"), "order-17:a_b.c");
        for bad in [&b""[..], b"two words", b"\xff\xfe", b"a\tb", &[b'a'; 65]] {
            assert_eq!(id_for(bad).len(), 36, "{bad:?}");
        }
    }
}
