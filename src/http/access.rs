//! Who may use which route, and who is asking.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, header},
    middleware::Next,
    response::{IntoResponse, Response},
    routing::MethodRouter,
};
use utoipa::openapi::{
    Paths, SecurityRequirement,
    path::{Operation, PathItem},
};
use utoipa_axum::router::{OpenApiRouter, UtoipaMethodRouter};

use super::{
    api::openapi,
    channel::Channel,
    observe::RequestId,
    pages::frame,
    problem::{Problem, kind},
    session::{Session, TOKEN_HEADER},
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

impl Who {
    /// Names of the roles; none for everybody.
    fn names(self) -> Vec<&'static str> {
        match self {
            Self::Anyone => Vec::new(),
            Self::Roles(roles) => roles.iter().map(|role| role.name()).collect(),
        }
    }
}

/// Who reads checks: pipelines and brands those that concern them.
pub(super) const READERS: Who = Who::Roles(&Role::ALL);
/// Who looks after a brand.
pub(super) const OWNERS: Who = Who::Roles(&[Role::Brand, Role::Admin]);
/// Who looks at what a brand enrolled.
pub(super) const LOOKERS: Who =
    Who::Roles(&[Role::Brand, Role::Reviewer, Role::Auditor, Role::Admin]);
/// Who submits photos.
pub(super) const SUBMITTERS: Who = Who::Roles(&[Role::Pipeline, Role::Brand, Role::Admin]);
/// Who disputes an answer for a seller.
pub(super) const DISPUTERS: Who = Who::Roles(&[Role::Pipeline, Role::Admin]);
/// Who decides about checks.
pub(super) const REVIEWERS: Who = Who::Roles(&[Role::Reviewer, Role::Admin]);
/// Who sees what people decided.
pub(super) const QUEUE_READERS: Who = Who::Roles(&[Role::Reviewer, Role::Auditor, Role::Admin]);
/// Who runs the server.
pub(super) const OPERATORS: Who = Who::Roles(&[Role::Auditor, Role::Admin]);
pub(super) const ADMIN: Who = Who::Roles(&[Role::Admin]);

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

    /// All of these and all of the others.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            router: self.router.merge(other.router),
            access: self.access.and(other.access),
        }
    }

    /// Adds a page, which is no part of the contract, for those who may open it; `method` is what its
    /// handler answers to.
    pub(crate) fn page(
        mut self,
        who: Who,
        method: Method,
        path: &str,
        handler: MethodRouter<HttpState>,
    ) -> Self {
        let rule = Rule {
            method,
            who,
            page: true,
        };
        self.access.0.entry(path.to_owned()).or_default().push(rule);
        self.router = self.router.route(path, handler);
        self
    }
}

/// Who may send what to one path.
#[derive(Clone, Debug)]
struct Rule {
    method: Method,
    who: Who,
    /// Whether people meet it in a browser.
    page: bool,
}

/// Who may use what, by the pattern of the path.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access(BTreeMap<String, Vec<Rule>>);

impl Access {
    fn learn(&mut self, who: Who, paths: &mut Paths) {
        for (path, item) in &mut paths.paths {
            for (method, operation) in operations(item) {
                tell(who, operation);
                let rule = Rule {
                    method,
                    who,
                    page: false,
                };
                self.0.entry(path.clone()).or_default().push(rule);
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

    /// The pages, each with a method and the names of the roles that may open it; none for everybody.
    pub(crate) fn pages(&self) -> impl Iterator<Item = (Method, &str, Vec<&'static str>)> {
        let rules = self
            .0
            .iter()
            .flat_map(|(path, rules)| rules.iter().map(move |r| (path, r)));
        let pages = rules.filter(|(_, rule)| rule.page);
        pages.map(|(path, rule)| (rule.method.clone(), path.as_str(), rule.who.names()))
    }

    /// What holds for this; `None` where nothing is known of it.
    fn of(&self, method: &Method, path: &str) -> Option<&Rule> {
        // The framework answers HEAD as it would GET.
        let method = if method == Method::HEAD {
            &Method::GET
        } else {
            method
        };
        self.0.get(path)?.iter().find(|rule| rule.method == *method)
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
    let roles = who.names();
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
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let rule = path.and_then(|path| access.of(request.method(), path.as_str()));
    let Some(rule) = rule else {
        // An unknown method of a known path is answered by the framework, and by no handler.
        return next.run(request).await;
    };
    let id = request.extensions().get::<RequestId>().cloned();
    let asked = rule.page.then(|| frame::Asked::of(&request));
    let response = match (admitted(&state, rule, request).await, &asked) {
        (Ok(request), _) => next.run(request).await,
        (Err(problem), Some(asked)) if problem.is(&kind::NO_KEY) => frame::to_sign_in(asked),
        (Err(problem), _) => problem.into_response(),
    };
    if rule.page {
        frame::readable(response, id.as_ref())
    } else {
        response
    }
}

/// The request with who sent it, or why they may not.
async fn admitted(
    state: &HttpState,
    rule: &Rule,
    mut request: Request,
) -> Result<Request, Problem> {
    // What came in the clear may be in other hands by now.
    let channel = request.extensions().get::<Channel>();
    let private = channel.is_none_or(Channel::may_hold_session);
    let (actor, session) = match known(state, request.headers(), private).await {
        Ok(known) => known,
        // Readiness is asked for most where the database fails.
        Err(_) if rule.who == Who::Anyone => (None, None),
        Err(problem) => return Err(problem),
    };
    if let Who::Roles(roles) = rule.who {
        let actor = actor.as_ref().ok_or_else(stranger)?;
        if let Some(problem) = refusal(state, roles, actor) {
            return Err(problem);
        }
    }
    if let Some(session) = session {
        // A browser sends its cookie with what another site made it send. Forms of pages bring their
        // token in the body, which their handler reads.
        if !request.method().is_safe() && !rule.page {
            forged(&session, request.headers())?;
        }
        request.extensions_mut().insert(session);
    }
    if let Some(actor) = actor {
        let id = request.extensions().get::<RequestId>().cloned();
        request.extensions_mut().insert(match id {
            Some(RequestId(id)) => actor.within(id),
            None => actor,
        });
    }
    Ok(request)
}

/// Who asks, by a key, or by a session where nobody else can read what is sent.
async fn known(
    state: &HttpState,
    headers: &HeaderMap,
    private: bool,
) -> Result<(Option<Actor>, Option<Session>), Problem> {
    if let Some(secret) = bearer(headers) {
        return Ok((state.keys().actor(secret).await?, None));
    }
    let Some(session) = Session::named(headers).filter(|_| private) else {
        return Ok((None, None));
    };
    let actor = state.keys().signed_in(session.secret()).await?;
    // Of a session that is over nothing is told.
    let session = actor.is_some().then_some(session);
    Ok((actor, session))
}

/// Refuses what comes with a session's cookie and without its token.
fn forged(session: &Session, headers: &HeaderMap) -> Result<(), Problem> {
    let token = headers.get(TOKEN_HEADER).and_then(|v| v.to_str().ok());
    if token.is_some_and(|token| session.is_token(token)) {
        return Ok(());
    }
    let detail = format!("send the token of the session's pages in the header `{TOKEN_HEADER}`");
    Err(Problem::new(&kind::CROSS_SITE, detail))
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
fn stranger() -> Problem {
    let detail =
        "send a key that is in use as `Authorization: Bearer KEY`; `assay key create` makes one";
    Problem::new(&kind::NO_KEY, detail)
}
