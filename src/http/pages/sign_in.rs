//! Signing in with a key, and out.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    form::{Fields, PageForm},
    frame::{Frame, page},
};
use crate::{
    checker::actor::Role,
    http::{
        channel::Channel,
        extract::{Caller, Query, Visitor},
        observe::RequestId,
        problem::Problem,
        session::{self, Session},
        state::HttpState,
    },
};

#[derive(Template)]
#[template(path = "sign_in.html")]
struct SignIn<'a> {
    frame: Frame,
    next: &'a str,
    refused: bool,
    /// Whether others could read what is sent from here.
    exposed: bool,
}

/// Where to go then.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

/// The first page: for people the one that they work on, for others the interface.
pub(super) async fn home(Visitor(visitor): Visitor) -> Redirect {
    // Temporary: browsers remember a permanent redirect, whatever may stand here one day.
    Redirect::temporary(match visitor.map(|actor| actor.role()) {
        Some(Role::Reviewer | Role::Auditor | Role::Admin) => "/queue",
        Some(Role::Brand) => "/brands",
        Some(Role::Pipeline) => "/docs/",
        None => "/sign-in",
    })
}

pub(super) async fn show(
    channel: Option<Extension<Channel>>,
    Query(Next { next }): Query<Next>,
) -> Response {
    let form = SignIn {
        frame: Frame::of_stranger(),
        next: inside(&next),
        refused: false,
        exposed: exposed(channel.as_deref()),
    };
    page(StatusCode::OK, &form)
}

/// Whether others could read what comes by this channel.
fn exposed(channel: Option<&Channel>) -> bool {
    channel.is_some_and(|channel| !channel.may_hold_session())
}

pub(super) async fn submit(
    State(state): State<HttpState>,
    channel: Option<Extension<Channel>>,
    Extension(RequestId(request)): Extension<RequestId>,
    Fields(form): Fields,
) -> Result<Response, Problem> {
    let next = inside(form.text("next"));
    let exposed = exposed(channel.as_deref());
    let refused = |status| {
        let form = SignIn {
            frame: Frame::of_stranger(),
            next,
            refused: !exposed,
            exposed,
        };
        Ok(page(status, &form))
    };
    if exposed {
        return refused(StatusCode::FORBIDDEN);
    }
    let Some(secret) = state
        .keys()
        .sign_in(form.text("key").trim(), &request)
        .await?
    else {
        return refused(StatusCode::UNAUTHORIZED);
    };
    let cookie = [(header::SET_COOKIE, session::begin(&secret))];
    Ok((cookie, Redirect::to(next)).into_response())
}

pub(super) async fn leave(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    _: PageForm,
) -> Result<Response, Problem> {
    if let Some(Extension(session)) = session {
        state.keys().sign_out(&actor, session.secret()).await?;
    }
    let cookie = [(header::SET_COOKIE, session::end())];
    Ok((cookie, Redirect::to("/sign-in")).into_response())
}

/// A path of this server; for anything else its first page.
// A link to the sign-in page must not lead on to another site.
fn inside(next: &str) -> &str {
    let own = next.starts_with('/')
        && !next.starts_with("//")
        && next.bytes().all(|b| b.is_ascii_graphic() && b != b'\\');
    if own { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_nowhere_else() {
        assert_eq!(inside("/queue?state=open"), "/queue?state=open");
        for bad in [
            "",
            "queue",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nb",
            "/\t/evil",
        ] {
            assert_eq!(inside(bad), "/", "{bad:?}");
        }
    }
}
