//! Errors as callers see them: `application/problem+json` (RFC 9457), every kind from one table.
//!
//! A [`Problem`] travels as an extension of its response; [`render`] writes the body once, at the
//! edge, where the request's id is known. Whatever else answers with an error status gets a body
//! there too.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    checker::{
        ports::{ComputeError, StoreError},
        service::ServiceError,
    },
    engine::vision::{InferenceError, IntakeError},
};

/// One kind of problem: its stable name and how HTTP shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// End of the problem's `type`.
    pub slug: &'static str,
    /// Status of the response.
    pub status: StatusCode,
    /// Short summary, the same for every occurrence.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($name:ident = $status:ident, $slug:literal, $title:literal;)*) => {
        $(pub(crate) const $name: Kind = Kind { slug: $slug, status: StatusCode::$status, title: $title };)*
        /// Every kind.
        pub(crate) const ALL: &[Kind] = &[$($name),*];
    };
}

/// The table: which kind has which status.
pub(crate) mod kind {
    use super::{Kind, StatusCode};

    // Several kinds share a status: programs tell them apart by name, so a name never changes.
    kinds! {
        MALFORMED = BAD_REQUEST, "malformed-request", "The request could not be read";
        NO_KEY = UNAUTHORIZED, "no-key", "A key is missing or not in use";
        NOT_ALLOWED = FORBIDDEN, "not-allowed", "The key's role may not do this";
        CROSS_SITE = FORBIDDEN, "cross-site-request", "Web pages of other sites may not use this server";
        NOT_FOUND = NOT_FOUND, "not-found", "There is no such thing";
        NO_ROUTE = NOT_FOUND, "no-such-route", "There is nothing at this path";
        METHOD_NOT_ALLOWED = METHOD_NOT_ALLOWED, "method-not-allowed", "The path does not know this method";
        BODY_TOO_SLOW = REQUEST_TIMEOUT, "body-too-slow", "The body took too long to arrive";
        REMOVED = GONE, "removed", "It was removed on purpose";
        CONFLICT = CONFLICT, "conflict", "What is there already stands against it";
        TOO_LARGE = PAYLOAD_TOO_LARGE, "body-too-large", "The body or one of its parts is too large";
        PHOTO_TOO_MANY_BYTES = PAYLOAD_TOO_LARGE, "photo-too-many-bytes", "The picture's file is too large";
        UNSUPPORTED_CONTENT_TYPE = UNSUPPORTED_MEDIA_TYPE, "unsupported-content-type", "The body has the wrong content type";
        INVALID_FIELD = UNPROCESSABLE_ENTITY, "invalid-field", "A field is missing, unknown or wrong";
        PHOTO_EMPTY = UNPROCESSABLE_ENTITY, "photo-empty", "The picture's file is empty";
        PHOTO_UNSUPPORTED_FORMAT = UNPROCESSABLE_ENTITY, "photo-unsupported-format", "The file is no JPEG, PNG or WebP picture";
        PHOTO_TOO_LARGE = UNPROCESSABLE_ENTITY, "photo-too-large", "The picture has too many pixels";
        PHOTO_TOO_SMALL = UNPROCESSABLE_ENTITY, "photo-too-small", "The picture has too few pixels";
        PHOTO_TOO_MUCH_MEMORY = UNPROCESSABLE_ENTITY, "photo-too-much-memory", "Decoding the picture takes too much memory";
        PHOTO_ANIMATED = UNPROCESSABLE_ENTITY, "photo-animated", "The picture is animated";
        PHOTO_TOO_SLOW = UNPROCESSABLE_ENTITY, "photo-too-slow", "The picture takes too long to decode";
        PHOTO_DAMAGED = UNPROCESSABLE_ENTITY, "photo-damaged", "The picture is damaged";
        TOO_MANY_REQUESTS = TOO_MANY_REQUESTS, "too-many-requests", "The key asks too often";
        BUSY = TOO_MANY_REQUESTS, "busy", "All places are taken";
        INTERNAL = INTERNAL_SERVER_ERROR, "internal-error", "The server failed";
        INTERRUPTED = SERVICE_UNAVAILABLE, "interrupted", "The work was interrupted";
        TIMED_OUT = SERVICE_UNAVAILABLE, "timed-out", "The work took too long";
        STORAGE_FULL = INSUFFICIENT_STORAGE, "storage-full", "The server has no room to keep anything new";
        NOT_READY = SERVICE_UNAVAILABLE, "not-ready", "The server is not ready";
        MODELS_UNAVAILABLE = SERVICE_UNAVAILABLE, "models-unavailable", "The models cannot be used";
    }
}

/// What was wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct FieldError {
    /// The field, part or parameter as the caller names it, such as `marks[0].region`.
    #[schema(example = "marks[0].region")]
    pub field: String,
    /// What is wrong with it and what to do.
    #[schema(example = "has 2 points; give at least 3")]
    pub problem: String,
}

/// The body of every error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ProblemBody {
    /// Stable name of the kind of problem: a path that does not change, meant for programs.
    #[schema(example = "/problems/invalid-field")]
    pub r#type: String,
    /// The kind in words.
    #[schema(example = "A field is missing, unknown or wrong")]
    pub title: String,
    /// The response's status.
    #[schema(example = 422)]
    pub status: u16,
    /// What happened this time; names the field or file and says what to do.
    #[schema(example = "`marks[0].region` has 2 points; give at least 3")]
    pub detail: String,
    /// The request's id, also in the header `x-request-id` and in the server's log.
    #[schema(example = "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10")]
    pub request_id: String,
    /// The fields at fault, when there are any.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub errors: Vec<FieldError>,
}

/// One occurrence of a problem, on its way to the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    kind: &'static Kind,
    detail: String,
    errors: Vec<FieldError>,
    retry_after_s: Option<u64>,
    cause: Option<String>,
}

impl Problem {
    /// A problem of a kind with words for this occurrence.
    pub(crate) fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            errors: Vec::new(),
            retry_after_s: None,
            cause: None,
        }
    }

    /// A field, part or parameter is missing, unknown or wrong. `problem` follows the field's name
    /// in a sentence.
    pub(crate) fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::of_field(&kind::INVALID_FIELD, field.into(), problem.into())
    }

    fn of_field(kind: &'static Kind, field: String, problem: String) -> Self {
        let error = FieldError { field, problem };
        let detail = format!("`{}` {}", error.field, error.problem);
        Self {
            errors: vec![error],
            ..Self::new(kind, detail)
        }
    }

    /// The server failed; `cause` goes to the log, never to the caller.
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        let detail = "the server could not do it; its log has the cause under this request's id";
        Self::new(&kind::INTERNAL, detail).caused_by(cause)
    }

    /// The caller may try again after so many seconds.
    pub(crate) fn retry_after(self, seconds: u64) -> Self {
        Self {
            retry_after_s: Some(seconds),
            ..self
        }
    }

    /// Whether it is of a kind.
    pub(crate) fn is(&self, kind: &'static Kind) -> bool {
        self.kind == kind
    }

    /// The kind and what happened, for a page.
    pub(crate) fn words(&self) -> (&'static str, &str) {
        (self.kind.title, &self.detail)
    }

    /// What goes to the log with it, and never to the caller.
    pub(crate) fn caused_by(self, cause: impl Into<String>) -> Self {
        Self {
            cause: Some(cause.into()),
            ..self
        }
    }

    /// The kind for a status that something other than a handler of ours answered with.
    fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::new(
                &kind::NO_ROUTE,
                "there is nothing at this path; see `/docs`",
            ),
            StatusCode::METHOD_NOT_ALLOWED => Self::new(
                &kind::METHOD_NOT_ALLOWED,
                "the path does not know this method; the header `allow` names those that it knows",
            ),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(
                &kind::TOO_LARGE,
                "the body is too large; send less at a time",
            ),
            // The framework refuses some requests itself; their callers are owed a known kind as
            // well.
            _ if status.is_client_error() => {
                Self::new(&kind::MALFORMED, "the request could not be read")
            }
            _ => Self::internal(format!("answered {status} without a reason")),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.kind.status.into_response();
        if let Some(seconds) = self.retry_after_s {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.is(&kind::NO_KEY) {
            let scheme = HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        // Without a body yet: it names the request's id, which only the outermost layer knows.
        response.extensions_mut().insert(self);
        response
    }
}

/// Marks a response whose body shows its problem to people already.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown;

/// Gives an error response its body, and the log its cause. Other responses pass unchanged.
pub(crate) fn render(response: Response, request_id: &str) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    // Whatever body a layer below gave is dropped: callers should meet one form of error only.
    let (mut head, shown) = response.into_parts();
    let problem = head
        .extensions
        .remove::<Problem>()
        .unwrap_or_else(|| Problem::of_status(status));
    // Logged here and not where it arose: around this call the log knows the request's id.
    if let Some(cause) = &problem.cause {
        tracing::error!(kind = problem.kind.slug, cause, "request failed");
    }
    // But people who look at a page.
    if head.extensions.get::<Shown>().is_some() {
        return Response::from_parts(head, shown);
    }
    let body = ProblemBody {
        r#type: format!("/problems/{}", problem.kind.slug),
        title: problem.kind.title.to_owned(),
        status: status.as_u16(),
        detail: problem.detail,
        request_id: request_id.to_owned(),
        errors: problem.errors,
    };
    // It counted the body that was dropped.
    head.headers.remove(header::CONTENT_LENGTH);
    head.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    // `Json` would set its own content type only where none is set.
    (head.status, head.headers, Json(body)).into_response()
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error {
            ServiceError::Invalid { field, problem } => Self::field(field, problem),
            ServiceError::Conflict { field, problem } => {
                Self::of_field(&kind::CONFLICT, field, problem)
            }
            ServiceError::Intake { field, source } => of_intake(field, &source),
            ServiceError::Store(error) => error.into(),
            // To the caller the same as a full server: the request is right and only came too
            // early.
            ServiceError::Underway { retry_after_s } => {
                Self::new(&kind::BUSY, error.to_string()).retry_after(retry_after_s)
            }
            ServiceError::Compute(error) => error.into(),
            ServiceError::Inference(error) => error.into(),
        }
    }
}

/// Without a catch-all arm, so that a new way to refuse a picture does not compile until it has a
/// kind of its own.
fn intake_kind(error: &IntakeError) -> &'static Kind {
    match error {
        IntakeError::Empty => &kind::PHOTO_EMPTY,
        IntakeError::TooManyBytes { .. } => &kind::PHOTO_TOO_MANY_BYTES,
        IntakeError::UnsupportedFormat { .. } => &kind::PHOTO_UNSUPPORTED_FORMAT,
        IntakeError::TooLarge { .. } => &kind::PHOTO_TOO_LARGE,
        IntakeError::TooMuchMemory { .. } => &kind::PHOTO_TOO_MUCH_MEMORY,
        IntakeError::TooSmall { .. } => &kind::PHOTO_TOO_SMALL,
        IntakeError::Animated => &kind::PHOTO_ANIMATED,
        IntakeError::TooSlow { .. } => &kind::PHOTO_TOO_SLOW,
        IntakeError::Damaged { .. } => &kind::PHOTO_DAMAGED,
    }
}

fn of_intake(field: String, error: &IntakeError) -> Problem {
    let kind = intake_kind(error);
    let mut problem = Problem::new(kind, format!("`{field}`: {error}"));
    // Apart from the sentence too, so that a form can show it beside the right picture.
    problem.errors.push(FieldError {
        field,
        problem: error.to_string(),
    });
    problem
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        match &error {
            StoreError::NotFound { .. } => Self::new(&kind::NOT_FOUND, error.to_string()),
            StoreError::Conflict { .. } => Self::new(&kind::CONFLICT, error.to_string()),
            // A kind of its own: its operator has to act, and asking again helps nobody.
            StoreError::Full(source) => {
                let detail = "the server's disk is full, so nothing new can be kept; ask its \
                              operator for room";
                Self::new(&kind::STORAGE_FULL, detail).caused_by(chain(source.as_ref()))
            }
            StoreError::Removed { .. } => Self::new(&kind::REMOVED, error.to_string()),
            // The caller named nothing wrong: something was lost here.
            StoreError::Lost { .. } => Self::internal(error.to_string()),
            StoreError::Failed(source) => Self::internal(chain(source.as_ref())),
        }
    }
}

impl From<ComputeError> for Problem {
    fn from(error: ComputeError) -> Self {
        let detail = error.to_string();
        match error {
            ComputeError::Busy { retry_after_s } => {
                Self::new(&kind::BUSY, detail).retry_after(retry_after_s)
            }
            // Nothing was wrong with the request, so it may come again almost at once.
            ComputeError::Interrupted => Self::new(&kind::INTERRUPTED, detail).retry_after(1),
        }
    }
}

impl From<InferenceError> for Problem {
    fn from(error: InferenceError) -> Self {
        match &error {
            InferenceError::Unavailable(cause) => {
                let detail =
                    "the models cannot be used; the server's log says why under this request's id";
                Self::new(&kind::MODELS_UNAVAILABLE, detail).caused_by(cause)
            }
            // One picture that could not be worked on says nothing about the models as a whole.
            InferenceError::Failed { .. } => Self::internal(error.to_string()),
        }
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    // The outermost error says what was tried; only its sources say what went wrong.
    let causes = std::iter::successors(Some(error), |e| e.source());
    causes
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_each_kind_once_with_the_status_of_an_error() {
        let mut slugs: Vec<_> = kind::ALL.iter().map(|k| k.slug).collect();
        slugs.sort_unstable();
        slugs.dedup();
        assert_eq!(slugs.len(), kind::ALL.len());
        assert!(
            kind::ALL
                .iter()
                .all(|k| k.status.is_client_error() || k.status.is_server_error())
        );
    }

    /// The error after this one in the order of their declaration. A new one does not compile until
    /// it is part of the chain, so the test below cannot forget it.
    fn next(error: &IntakeError) -> Option<IntakeError> {
        Some(match error {
            IntakeError::Empty => IntakeError::TooManyBytes { bytes: 2, limit: 1 },
            IntakeError::TooManyBytes { .. } => IntakeError::UnsupportedFormat {
                found: "text".into(),
            },
            IntakeError::UnsupportedFormat { .. } => IntakeError::TooLarge {
                width: 9,
                height: 9,
                max_side: 8,
                max_pixels: 64,
            },
            IntakeError::TooLarge { .. } => IntakeError::TooMuchMemory { bytes: 2, limit: 1 },
            IntakeError::TooMuchMemory { .. } => IntakeError::TooSmall {
                width: 1,
                height: 1,
                min_side: 8,
            },
            IntakeError::TooSmall { .. } => IntakeError::Animated,
            IntakeError::Animated => IntakeError::TooSlow { limit_ms: 1 },
            IntakeError::TooSlow { .. } => IntakeError::Damaged {
                detail: "cut off".into(),
            },
            IntakeError::Damaged { .. } => return None,
        })
    }

    #[test]
    fn every_intake_error_has_a_kind_of_its_own_that_can_be_looked_up() {
        let mut slugs = Vec::new();
        for error in std::iter::successors(Some(IntakeError::Empty), next) {
            let problem = of_intake("image".into(), &error);
            assert_eq!(problem.kind.slug, error.kind());
            assert!(kind::ALL.contains(problem.kind), "{}", problem.kind.slug);
            assert!(
                problem.detail.starts_with("`image`: "),
                "{}",
                problem.detail
            );
            slugs.push(problem.kind.slug);
        }
        let pictures = kind::ALL.iter().map(|k| k.slug);
        let pictures: Vec<_> = pictures.filter(|s| s.starts_with("photo-")).collect();
        slugs.sort_unstable();
        assert_eq!(slugs.len(), pictures.len(), "{slugs:?} {pictures:?}");
        assert!(slugs.windows(2).all(|two| two[0] != two[1]), "{slugs:?}");
    }

    #[test]
    fn a_full_disk_is_a_kind_of_its_own_and_its_cause_stays_inside() {
        let problem = Problem::from(StoreError::Full("no space for /secret".into()));
        assert_eq!(problem.kind.status.as_u16(), 507);
        assert!(!problem.detail.contains("secret"));
        assert_eq!(problem.cause.as_deref(), Some("no space for /secret"));
    }

    #[test]
    fn causes_stay_inside() {
        let error = StoreError::Failed("disk /secret is full".into());
        let problem = Problem::from(ServiceError::from(error));
        assert_eq!(problem.kind, &kind::INTERNAL);
        assert!(!problem.detail.contains("secret"));
        assert_eq!(problem.cause.as_deref(), Some("disk /secret is full"));
    }
}
