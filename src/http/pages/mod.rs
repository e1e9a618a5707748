//! Pages for people: signing in, the queue, one check to decide about, and what a brand has.
//!
//! They are made on the server, of what the use cases answer, and work without scripts but for moving,
//! laying over and blinking of pictures, sending many files at once, drawing marks, and self-tests. Every text is escaped by its template, and the policy sent
//! with each page lets a browser run nothing but the files of [`assets`].

mod assets;
mod brands;
mod chart;
mod form;
mod plot;
mod product;
mod queue;
mod review;
mod settings;
mod shapes;
mod sign_in;
mod view;

use askama::Template;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse, Redirect, Response},
    routing::{get, post},
};

use super::{
    access::{Routes, Who},
    observe::RequestId,
    problem::{Problem, Shown},
    router::{LOOKERS, OWNERS, QUEUE_READERS, READERS, REVIEWERS},
    session::Session,
};
use crate::checker::actor::{Actor, Role};

/// Pages run their own scripts and styles, show pictures of this server, and send forms to it.
const POLICY: (HeaderName, HeaderValue) = (
    header::CONTENT_SECURITY_POLICY,
    HeaderValue::from_static(
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    ),
);

/// All pages, each with who may open it.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .page(Who::Anyone, Method::GET, "/", get(sign_in::home))
        .page(Who::Anyone, Method::GET, "/assets/{name}", get(assets::get))
        .page(Who::Anyone, Method::GET, "/sign-in", get(sign_in::show))
        .page(Who::Anyone, Method::POST, "/sign-in", post(sign_in::submit))
        .page(READERS, Method::POST, "/sign-out", post(sign_in::leave))
        .page(QUEUE_READERS, Method::GET, "/queue", get(queue::show))
        .page(READERS, Method::GET, "/reviews/{id}", get(review::show))
        .page(
            REVIEWERS,
            Method::POST,
            "/reviews/{id}/claim",
            post(review::claim),
        )
        .page(
            REVIEWERS,
            Method::POST,
            "/reviews/{id}/release",
            post(review::release),
        )
        .page(
            REVIEWERS,
            Method::POST,
            "/reviews/{id}/decide",
            post(review::decide),
        )
        .page(LOOKERS, Method::GET, "/brands", get(brands::list))
        .page(LOOKERS, Method::GET, "/brands/{brand}", get(brands::show))
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}",
            post(brands::change),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products",
            post(brands::create_product),
        )
        .page(
            LOOKERS,
            Method::GET,
            "/brands/{brand}/products/{product}",
            get(product::show),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}",
            post(product::change),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/references/{id}",
            post(product::change_edition),
        )
        .page(
            OWNERS,
            Method::GET,
            "/brands/{brand}/products/{product}/references/{id}/remove",
            get(product::ask_reference),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/references/{id}/remove",
            post(product::remove_reference),
        )
        .page(
            OWNERS,
            Method::GET,
            "/brands/{brand}/products/{product}/genuine-photos/{id}/remove",
            get(product::ask_photo),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/genuine-photos/{id}/remove",
            post(product::remove_photo),
        )
}

/// Pages that are sent pictures, which need a place as other uploads do.
pub(crate) fn uploads() -> Routes {
    Routes::default()
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/references",
            post(product::enroll),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/genuine-photos",
            post(product::add_photo),
        )
}

/// The pages: for each its method, the pattern of its path, and the names of the roles that may open it,
/// none for everybody.
pub fn table() -> Vec<(Method, String, Vec<&'static str>)> {
    let access = routes().access.and(uploads().access);
    let pages = access.pages();
    let owned = pages.map(|(method, path, roles)| (method, path.to_owned(), roles));
    owned.collect()
}

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
    pub(super) fn of(actor: &Actor, session: Option<&Session>) -> Self {
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
    pub(super) fn of_stranger() -> Self {
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
pub(super) fn page(status: StatusCode, template: &impl Template) -> Response {
    match template.render() {
        Ok(html) => {
            let html_type = HeaderValue::from_static("text/html; charset=utf-8");
            (status, [(header::CONTENT_TYPE, html_type), POLICY], html).into_response()
        }
        // Writing to memory does not fail.
        Err(error) => Problem::internal(error.to_string()).into_response(),
    }
}

/// What was asked for, to come back to after signing in.
pub(super) struct Asked {
    path: String,
    read: bool,
}

impl Asked {
    pub(super) fn of(request: &Request) -> Self {
        let path = request.uri().path_and_query();
        Self {
            path: path.map_or_else(|| "/".to_owned(), |p| p.as_str().to_owned()),
            read: request.method().is_safe(),
        }
    }
}

/// Where a stranger is sent who asks for a page.
pub(super) fn to_sign_in(asked: &Asked) -> Response {
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
pub(super) fn readable(response: Response, id: Option<&RequestId>) -> Response {
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
    let extensions = shown.extensions_mut();
    // The outermost layer writes its cause to the log.
    extensions.insert(problem);
    extensions.insert(Shown);
    shown
}
