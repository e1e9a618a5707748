//! `/v1/checks/{id}/statement`

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{checks::CheckPath, openapi::Stating};
use crate::{
    checker::statement::TemplateError,
    contract::statement::{StatementAnswer, is_language_tag},
    http::{
        extract::{Caller, Path, Query},
        problem::Problem,
        state::HttpState,
    },
};

/// The page brings its own style and its pictures as `data:` addresses. Nothing else is loaded, and
/// nothing is run.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; base-uri 'none'; \
     form-action 'none'",
);

/// Most languages of a request's header that are looked at.
const MOST_LANGUAGES: usize = 20;

/// How a statement is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    /// For programs.
    Json,
    /// Plain text, for a letter or mail.
    Text,
    /// A page that needs no other file.
    Html,
}

/// How a statement is written, and in which language.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatementQuery {
    /// Wins over the header `accept`, which `application/json`, `text/plain` and `text/html` may
    /// stand in.
    #[param(value_type = Format, required = false, inline, example = "html")]
    format: Option<Format>,
    /// A language tag; wins over the header `accept-language`. English where there are no templates
    /// in that language.
    #[param(
        required = false,
        min_length = 2,
        max_length = 35,
        pattern = "^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$",
        example = "de"
    )]
    language: Option<String>,
}

/// Get the statement of reasons
///
/// What the seller of the listing is told of a check: what was compared, what differs and where,
/// which photo would clear it, and how to dispute. It names no other seller and no other brand's
/// product.
#[utoipa::path(
    get, path = "/v1/checks/{id}/statement", tag = "checks", params(CheckPath, StatementQuery),
    responses(
        (status = 200, description = "The statement", content(
            (StatementAnswer = "application/json"),
            (String = "text/plain"),
            (String = "text/html"),
        )),
        Stating,
    ),
)]
pub(crate) async fn get_statement(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<CheckPath>,
    Query(query): Query<StatementQuery>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let wanted = match query.language {
        Some(tag) if is_language_tag(&tag) => vec![tag],
        Some(tag) => {
            let problem = format!("`{tag}` is no language tag, such as `de` or `pt-BR`");
            return Err(Problem::field("language", problem));
        }
        None => languages(&headers),
    };
    let (assay, writer) = (state.assay(), state.writer());
    let statement = assay.statement(&actor, &path.id).await?;
    let language = writer.language(&wanted);
    let answer = writer.answer(&statement, &language)?;
    let told = |kind: &'static str, body: String| {
        let language = HeaderValue::from_str(&language).unwrap_or(HeaderValue::from_static("en"));
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
            (header::CONTENT_LANGUAGE, language),
        ];
        (headers, body)
    };
    Ok(match query.format.unwrap_or_else(|| format(&headers)) {
        Format::Json => Json(answer).into_response(),
        Format::Text => told("text/plain; charset=utf-8", writer.text(&answer)?).into_response(),
        Format::Html => {
            let pictures = assay
                .statement_pictures(&actor, &path.id, &state.painter())
                .await?;
            let page = told("text/html; charset=utf-8", writer.html(&answer, &pictures)?);
            ([(header::CONTENT_SECURITY_POLICY, PAGE_POLICY)], page).into_response()
        }
    })
}

impl From<TemplateError> for Problem {
    fn from(error: TemplateError) -> Self {
        // The caller can do nothing about it, and it names a file.
        Self::internal(error.to_string())
    }
}

/// The form that a caller's header likes best; JSON where it names none of the three.
fn format(headers: &HeaderMap) -> Format {
    let known = |range: &str| match range {
        "application/json" | "application/*" | "*/*" => Some(Format::Json),
        "text/plain" | "text/*" => Some(Format::Text),
        "text/html" => Some(Format::Html),
        _ => None,
    };
    let ranges = by_weight(headers, &header::ACCEPT);
    ranges
        .iter()
        .find_map(|range| known(range))
        .unwrap_or(Format::Json)
}

/// The languages of a caller's header, the best liked first.
fn languages(headers: &HeaderMap) -> Vec<String> {
    let mut tags = by_weight(headers, &header::ACCEPT_LANGUAGE);
    tags.retain(|tag| is_language_tag(tag));
    tags.truncate(MOST_LANGUAGES);
    tags
}

/// The members of a header in small letters, those of most weight first, in their own order where
/// they weigh the same (RFC 9110, 12.4.2); without those that are refused.
fn by_weight(headers: &HeaderMap, name: &HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter();
    let members = values
        .filter_map(|v| v.to_str().ok())
        .flat_map(|v| v.split(','));
    let mut weighed: Vec<(f32, String)> = members
        .filter_map(|member| {
            let (what, rest) = member.split_once(';').unwrap_or((member, ""));
            let weight = rest.split(';').find_map(|p| p.trim().strip_prefix("q="));
            let weight = weight.map_or(Some(1.0), |q| q.trim().parse().ok())?;
            (weight > 0.0).then(|| (weight, what.trim().to_ascii_lowercase()))
        })
        .collect();
    weighed.sort_by(|a, b| b.0.total_cmp(&a.0));
    weighed.into_iter().map(|(_, what)| what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_form_is_the_one_that_is_liked_best() {
        for (accept, wanted) in [
            (
                "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
                Format::Html,
            ),
            ("*/*", Format::Json),
            ("text/plain", Format::Text),
            ("text/html;q=0.5, text/plain", Format::Text),
            ("text/html;q=0, application/json", Format::Json),
            ("image/png", Format::Json),
            ("text/html;q=much", Format::Json),
        ] {
            assert_eq!(format(&with(header::ACCEPT, accept)), wanted, "{accept}");
        }
        assert_eq!(format(&HeaderMap::new()), Format::Json);
    }

    #[test]
    fn languages_are_tried_by_weight() {
        let header = "en;q=0.5, de-AT, de;q=0.9, *;q=0.1, ../etc";
        let tags = languages(&with(header::ACCEPT_LANGUAGE, header));
        assert_eq!(tags, ["de-at", "de", "en"]);
    }
}
