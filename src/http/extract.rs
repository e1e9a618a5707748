//! Extractors whose rejections are problems.

use std::{convert::Infallible, error::Error};

use axum::{
    body::HttpBody,
    extract::{
        FromRequest, FromRequestParts, Multipart, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderMap, StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use super::problem::{Problem, kind};
use crate::checker::actor::Actor;

/// Who asks.
pub(crate) struct Caller(pub Actor);

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let actor = parts.extensions.get::<Actor>().cloned();
        // A route whose callers are not known was added past the table of roles.
        let actor = actor.ok_or_else(|| Problem::internal("a route without roles"))?;
        Ok(Self(actor))
    }
}

/// Who asks where nobody has to say so; `None` for a stranger.
pub(crate) struct Visitor(pub Option<Actor>);

impl<S: Send + Sync> FromRequestParts<S> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.extensions.get::<Actor>().cloned()))
    }
}

/// A JSON body; `T` denies fields that it does not know.
pub(crate) struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_encoding(request.headers())?;
        let axum::Json(body) = axum::Json::from_request(request, state).await?;
        Ok(Self(body))
    }
}

/// A JSON body that may be left out; without one, `T` is its default.
pub(crate) struct OptionalJson<T>(pub T);

impl<T: DeserializeOwned + Default, S: Send + Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        // Asked before the content type: a request without a body has none to declare.
        if request.body().is_end_stream() {
            return Ok(Self(T::default()));
        }
        Ok(Self(Json::from_request(request, state).await?.0))
    }
}

impl From<JsonRejection> for Problem {
    fn from(rejection: JsonRejection) -> Self {
        let (field, why) = innermost(&rejection);
        match rejection {
            // Well-formed JSON that says something else is a wrong field, not a broken request.
            JsonRejection::JsonDataError(_) => unfit("body", field, &why),
            JsonRejection::JsonSyntaxError(_) => {
                Self::new(&kind::MALFORMED, format!("the body is not JSON: {why}"))
            }
            JsonRejection::MissingJsonContentType(_) => Self::new(
                &kind::UNSUPPORTED_CONTENT_TYPE,
                "send the body as JSON, with `content-type: application/json`",
            ),
            // The body limit is reported inside a rejection for unreadable bytes: its status alone
            // tells.
            other if other.status() == StatusCode::PAYLOAD_TOO_LARGE => Self::new(
                &kind::TOO_LARGE,
                "the JSON body is too large; shorten its texts",
            ),
            _ => Self::new(
                &kind::MALFORMED,
                format!("the body could not be read: {why}"),
            ),
        }
    }
}

/// Variables of the path.
pub(crate) struct Path<T>(pub T);

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let rejected = |r: PathRejection| {
            Problem::new(
                &kind::MALFORMED,
                format!("the path does not fit: {}", innermost(&r).1),
            )
        };
        let axum::extract::Path(path) = axum::extract::Path::from_request_parts(parts, state)
            .await
            .map_err(rejected)?;
        Ok(Self(path))
    }
}

/// Parameters of the query; `T` denies those that it does not know.
pub(crate) struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let rejected = |r: QueryRejection| {
            let (field, why) = innermost(&r);
            unfit("query", field, &why)
        };
        let axum::extract::Query(query) = axum::extract::Query::from_request_parts(parts, state)
            .await
            .map_err(rejected)?;
        Ok(Self(query))
    }
}

/// A `multipart/form-data` body, not yet read.
pub(crate) struct Form(pub Multipart);

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        check_encoding(request.headers())?;
        // Looked at first: the form's own rejection does not tell a wrong type from a missing
        // boundary.
        let content_type = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default();
        if !content_type
            .trim_start()
            .to_ascii_lowercase()
            .starts_with("multipart/form-data")
        {
            let detail =
                "send the body as a form with parts, with `content-type: multipart/form-data`";
            return Err(Problem::new(&kind::UNSUPPORTED_CONTENT_TYPE, detail));
        }
        match Multipart::from_request(request, state).await {
            Ok(form) => Ok(Self(form)),
            Err(_) => Err(Problem::new(
                &kind::MALFORMED,
                "the header `content-type` has no `boundary`",
            )),
        }
    }
}

/// Refuses a compressed body by that: read as it is, it would look broken.
fn check_encoding(headers: &HeaderMap) -> Result<(), Problem> {
    let encodings = headers.get_all(header::CONTENT_ENCODING).iter();
    let mut named = encodings.map(|v| String::from_utf8_lossy(v.as_bytes()));
    match named.find(|v| !v.trim().eq_ignore_ascii_case("identity")) {
        None => Ok(()),
        Some(encoding) => Err(Problem::new(
            &kind::UNSUPPORTED_CONTENT_TYPE,
            format!(
                "the header `content-encoding` says `{}`, and compressed bodies are not read; send \
                 the body as it is, without this header",
                encoding.trim()
            ),
        )),
    }
}

/// A part of the request, or the field at fault in it, is not of the type that is read.
fn unfit(part: &str, field: Option<String>, why: &str) -> Problem {
    match field {
        Some(field) => Problem::field(field, format!("does not fit: {why}")),
        None => Problem::new(
            &kind::INVALID_FIELD,
            format!("the {part} does not fit: {why}"),
        ),
    }
}

/// The field at fault, where the parser had come to one, and what was wrong in its words; the outer
/// errors only say that something was.
fn innermost(error: &(dyn Error + 'static)) -> (Option<String>, String) {
    let mut error = error;
    loop {
        // JSON and queries have parsers of their own, whose errors are of different types.
        let located = located::<serde_json::Error>(error);
        if let Some(found) = located.or_else(|| self::located::<serde::de::value::Error>(error)) {
            return found;
        }
        match error.source() {
            Some(source) => error = source,
            None => return (None, error.to_string()),
        }
    }
}

/// What a JSON body or a query got wrong and where, if this is the error that knows.
fn located<E: Error + 'static>(error: &(dyn Error + 'static)) -> Option<(Option<String>, String)> {
    let error = error.downcast_ref::<serde_path_to_error::Error<E>>()?;
    // Empty where the whole is at fault, as when a field is missing.
    let field = error.path().iter().next().map(|_| error.path().to_string());
    Some((field, error.inner().to_string()))
}
