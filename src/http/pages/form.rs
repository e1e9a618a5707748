//! What forms of pages send.

use axum::extract::{FromRequest, Request};

use crate::http::{
    extract::Form,
    parts::{Parts, Wanted},
    problem::{Problem, kind},
    session::Session,
    state::HttpState,
};

/// Name of the field that holds a form's token.
const TOKEN: &str = "token";

/// The fields of a form that comes from a page of the sender's own session.
pub(crate) struct PageForm(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for PageForm {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let session = request.extensions().get::<Session>().cloned();
        let fields = Fields::from_request(request, state).await?;
        // Who sends a key instead of a cookie is not led here by another site.
        if let Some(session) = session {
            let token = fields.0.text(TOKEN);
            if !session.is_token(token) {
                return Err(foreign());
            }
        }
        Ok(fields.0)
    }
}

fn foreign() -> Problem {
    let detail = "the form does not come from a page of this session; open the page again";
    Problem::new(&kind::CROSS_SITE, detail)
}

/// The parts of a form with files that comes from a page of the sender's own session.
///
/// # Errors
/// It comes from elsewhere, or its parts are not those that are wanted.
pub(super) async fn upload(
    request: Request,
    state: &HttpState,
    mut wanted: Vec<Wanted>,
) -> Result<Parts, Problem> {
    let session = request.extensions().get::<Session>().cloned();
    let form = match (Form::from_request(request, state).await, &session) {
        (Ok(Form(form)), _) => form,
        // A page always sends parts.
        (Err(_), Some(_)) => return Err(foreign()),
        (Err(problem), None) => return Err(problem),
    };
    wanted.push(Wanted::text(TOKEN));
    let parts = Parts::read(form, &wanted, state.config()).await?;
    let sent = parts.texts(TOKEN).into_iter().next().unwrap_or_default();
    match session {
        Some(session) if !session.is_token(&sent) => Err(foreign()),
        _ => Ok(parts),
    }
}

/// The same from anybody: only signing in takes it.
pub(super) struct Fields(pub PageForm);

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let axum::Form(fields) = axum::Form::from_request(request, state)
            .await
            .map_err(|e| {
                Problem::new(&kind::MALFORMED, format!("the form could not be read: {e}"))
            })?;
        Ok(Self(PageForm(fields)))
    }
}

impl PageForm {
    /// A field; empty when it is not there, as a browser sends one that was not filled.
    pub(super) fn text(&self, name: &str) -> &str {
        let mut found = self.0.iter().filter(|(field, _)| field == name);
        found.next().map_or("", |(_, value)| value.as_str())
    }
}
