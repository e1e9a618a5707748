//! What forms of pages send.

use axum::extract::{FromRequest, Request};

use crate::http::{
    problem::{Problem, kind},
    session::Session,
};

/// The fields of a form that comes from a page of the sender's own session.
pub(crate) struct PageForm(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for PageForm {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        let session = request.extensions().get::<Session>().cloned();
        let fields = Fields::from_request(request, state).await?;
        // Who sends a key instead of a cookie is not led here by another site.
        if let Some(session) = session {
            let token = fields.0.text("token");
            if !session.is_token(token) {
                let detail =
                    "the form does not come from a page of this session; open the page again";
                return Err(Problem::new(&kind::CROSS_SITE, detail));
            }
        }
        Ok(fields.0)
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
