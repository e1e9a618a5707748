//! Who may use which route, and who is asking.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use utoipa::openapi::{
    Paths, SecurityRequirement,
    path::{Operation, PathItem},
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::{
    api::openapi,
    observe::RequestId,
    problem::{Problem, kind},
    state::HttpState,
};
use crate::checker::actor::{Actor, Role};

/// Name of the scheme in the contract.
pub(crate) const SCHEME: &str = "key";
/// Name of the field in the contract that holds an operation's roles.
const ROLES: &str = "x-roles";

/// Who may use a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// Everybody, also without a key.
    Anyone,
    /// Those who hold a key of one of these roles.
    Roles(&'static [Role]),
}

/// Routes, each with who may use it.
#[derive(Default)]
pub(crate) struct Routes {
    pub router: OpenApiRouter<HttpState>,
    pub access: Access,
}

impl Routes {
    /// Adds routes of one path for those who may use them.
    // The only way to add any: a route without a word on who may use it cannot be written.
    pub(crate) fn add(mut self, who: Who, mut routes: UtoipaMethodRouter<HttpState>) -> Self {
        self.access.learn(who, &mut routes.1);
        self.router = self.router.routes(routes);
        self
    }
}

/// Who may use what, by the pattern of the path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access(BTreeMap<String, Vec<(Method, Who)>>);

impl Access {
    fn learn(&mut self, who: Who, paths: &mut Paths) {
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                tell(who, operation);
                self.0.entry(path.clone()).or_default().push((method, who));
            }
        }
    }

    /// All of this and all of the other.
    pub(crate) fn and(mut self, other: Self) -> Self {
        for (path, mut methods) in other.0 {
            self.0.entry(path).or_default().append(&mut methods);
        }
        self
    }

    /// Who may ask for this; `None` where nothing is known of it.
    fn of(&self, method: &Method, path: &str) -> Option<Who> {
        // The framework answers HEAD as it would GET.
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        let known = self.0.get(path)?.iter();
        let mut known = known.filter(|(of, _)| of == method);
        known.next().map(|(_, who)| *who)
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let PathItem {
        get,
        put,
        post,
        patch,
        delete,
        ..
    } = item;
    [
        (Method::GET, get),
        (Method::PUT, put),
        (Method::POST, post),
        (Method::PATCH, patch),
        (Method::DELETE, delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Says in the contract who may use an operation, and what others are answered.
fn tell(who: Who, operation: &mut Operation) {
    let roles: Vec<_> = match who {
        Who::Anyone => Vec::new(),
        Who::Roles(roles) => roles.iter().map(|role| role.name()).collect(),
    };
    if !roles.is_empty() {
        let requirement = SecurityRequirement::new(SCHEME, Vec::<String>::new());
        operation.security = Some(vec![requirement]);
        let refusals = [&kind::NO_KEY, &kind::NOT_ALLOWED, &kind::TOO_MANY_REQUESTS];
        openapi::also(&mut operation.responses, &refusals);
    }
    let extensions = operation.extensions.get_or_insert_default();
    extensions.insert(ROLES.to_owned(), roles.into());
}

/// Lets through who may use a route, and tells the handler who it is. Around the layer that takes
/// places for uploads: a stranger must not hold one.
pub(crate) async fn authenticate(
    State((state, access)): State<(HttpState, Arc<Access>)>,
    mut request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let who = path.and_then(|path| access.of(request.method(), path.as_str()));
    let secret = bearer(request.headers()).map(ToOwned::to_owned);
    let actor = match (who, secret) {
        // An unknown method of a known path is answered by the framework, and by no handler.
        (None, _) | (_, None) => None,
        (Some(_), Some(secret)) => match state.keys().actor(&secret).await {
            Ok(actor) => actor,
            // Readiness is asked for most where the database fails.
            Err(_) if who == Some(Who::Anyone) => None,
            Err(error) => return Problem::from(error).into_response(),
        },
    };
    let actor = match (who, actor) {
        (Some(Who::Roles(roles)), Some(actor)) => match refusal(&state, roles, &actor) {
            Some(problem) => return problem.into_response(),
            None => Some(actor),
        },
        (Some(Who::Roles(_)), None) => return stranger(),
        (Some(Who::Anyone) | None, actor) => actor,
    };
    if let Some(actor) = actor {
        let id = request.extensions().get::<RequestId>().cloned();
        request.extensions_mut().insert(match id {
            Some(RequestId(id)) => actor.within(id),
            None => actor,
        });
    }
    next.run(request).await
}

/// Why somebody who is known may not do this now.
fn refusal(state: &HttpState, roles: &[Role], actor: &Actor) -> Option<Problem> {
    if !roles.contains(&actor.role()) {
        let allowed: Vec<_> = roles.iter().map(|r| format!("`{}`", r.name())).collect();
        let detail = format!(
            "this key has the role `{}`; a key of role {} may do this",
            actor.role().name(),
            allowed.join(" or ")
        );
        return Some(Problem::new(&kind::NOT_ALLOWED, detail));
    }
    let wait = state.pace().wait(actor.name())?;
    let seconds = wait.as_secs() + 1;
    let detail = format!("this key asks too often; try again in {seconds} s");
    Some(Problem::new(&kind::TOO_MANY_REQUESTS, detail).retry_after(seconds))
}

/// The key that a request brings.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, secret) = value.split_once(' ')?;
    // The scheme's name is of any case, by HTTP's own rules.
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(secret.trim())
}

/// The same for no key, a wrong one, and one that no longer holds: nothing can be learned by trying.
fn stranger() -> Response {
    let detail =
        "send a key that is in use as `Authorization: Bearer KEY`; `assay key create` makes one";
    let mut response = Problem::new(&kind::NO_KEY, detail).into_response();
    response.headers_mut().insert(
        header::WWW_AUTHENTICATE,
        axum::http::HeaderValue::from_static("Bearer"),
    );
    response
}
