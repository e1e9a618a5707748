//! What surrounds every page, and pages that stand for what could not be done.

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};

use super::assets;
use crate::{
    checker::actor::{Actor, Role},
    http::{
        observe::RequestId,
        problem::{Problem, Shown},
        session::Session,
    },
};

/// Pages run their own scripts and styles, show pictures of this server, and send forms to it.
const POLICY: (HeaderName, HeaderValue) = (
    header::CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
);

/// What every page shows around its own content.
pub(crate) struct Frame {
    /// Name of who signed in; empty for a stranger.
    pub user: String,
    /// Their role; empty for a stranger.
    pub role: &'static str,
    /// What their forms carry.
    pub token: String,
    /// Whether they see the queue.
    pub queue: bool,
    /// Whether they see what brands have.
    pub brands: bool,
    /// Changes with the scripts and styles, so that a browser takes new ones.
    pub version: &'static str,
}

impl Frame {
    /// Around a page of somebody.
    pub(in crate::http) fn of(actor: &Actor, session: Option<&Session>) -> Self {
        Self {
            user: actor.label().to_owned(),
            role: actor.role().name(),
            token: session.map(Session::token).unwrap_or_default(),
            queue: matches!(actor.role(), Role::Reviewer | Role::Auditor | Role::Admin),
            brands: actor.role() != Role::Pipeline,
            version: assets::version(),
        }
    }

    /// Around a page of nobody.
    pub(in crate::http) fn of_stranger() -> Self {
        Self {
            user: String::new(),
            role: "",
            token: String::new(),
            queue: false,
            brands: false,
            version: assets::version(),
        }
    }
}

/// A page as an answer.
pub(in crate::http) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            let html_type = HeaderValue::from_static("text/html; charset=utf-8");
            let headers = [(header::CONTENT_TYPE, html_type), POLICY];
            let mut response = (status, headers, html).into_response();
            // The outermost layer gives every other error a body of its own.
            response.extensions_mut().insert(Shown);
            response
        }
        // Writing to memory does not fail.
        Err(error) => Problem::internal(error.to_string()).into_response(),
    }
}

/// What was asked for, to come back to after signing in.
pub(in crate::http) struct Asked {
    path: String,
    read: bool,
}

impl Asked {
    pub(in crate::http) fn of(request: &Request) -> Self {
        let path = request.uri().path_and_query();
        Self {
            path: path.map_or_else(|| "/".to_owned(), |p| p.as_str().to_owned()),
            read: request.method().is_safe(),
        }
    }
}

/// Where a stranger is sent who asks for a page.
pub(in crate::http) fn to_sign_in(asked: &Asked) -> Response {
    if !asked.read {
        return Redirect::to("/sign-in").into_response();
    }
    let next = askama::filters::urlencode_strict(&asked.path).map(|next| next.to_string());
    Redirect::to(&format!("/sign-in?next={}", next.unwrap_or_default())).into_response()
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage<'a> {
    frame: Frame,
    title: &'a str,
    detail: &'a str,
    request: &'a str,
}

/// A page's response for people: what is a problem becomes a page too.
pub(in crate::http) fn readable(response: Response, id: Option<&RequestId>) -> Response {
    let status = response.status();
    let Some(problem) = response.extensions().get::<Problem>().cloned() else {
        return response;
    };
    let (title, detail) = problem.words();
    let page = ProblemPage {
        frame: Frame::of_stranger(),
        title,
        detail,
        request: id.map_or("", |RequestId(id)| id),
    };
    let mut shown = self::page(status, &page);
    // The outermost layer writes its cause to the log.
    shown.extensions_mut().insert(problem);
    shown
}
