//! `/v1/checks`

use axum::{
    Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::openapi::{Checking, Drawing, Listing, Reading};
use crate::{
    checker::{records::CheckFilter, service::CheckRequest},
    contract::{
        Id, PlainText, RecordId, Verdict,
        answer::CheckAnswer,
        limits::{LONGEST_PAGE, MOST_PHOTOS, PAGE},
    },
    http::{
        extract::{Caller, Form, Path, Query},
        metrics,
        parts::{Parts, Wanted},
        problem::Problem,
        state::HttpState,
    },
};

/// The parts of the form that asks for a check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "describes the form; its parts are read as they arrive"
)]
pub(crate) struct CheckForm {
    /// The listing's photos, 1 to 12 parts of this name: JPEG, PNG or WebP, recognised by content.
    /// One bad photo does not spoil the others.
    #[schema(value_type = Vec<String>, format = Binary, min_items = 1, max_items = 12)]
    photo: Vec<Vec<u8>>,
    /// Brand that the listing claims. Without a claim the photos are identified against all
    /// references.
    #[schema(value_type = Id, required = false)]
    brand: Option<String>,
    /// Product that the listing claims; needs `brand`.
    #[schema(value_type = Id, required = false)]
    product: Option<String>,
    /// The listing's id, returned as sent.
    #[schema(value_type = PlainText, required = false)]
    listing_id: Option<String>,
    /// The seller's id. With it, photos already seen on another seller's listing are recognised.
    #[schema(value_type = PlainText, required = false)]
    seller_id: Option<String>,
}

/// A page of checks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CheckList {
    /// Newest first.
    checks: Vec<CheckAnswer>,
    /// Give it as `cursor` to get the next page; `null` on the last.
    #[schema(value_type = Option<RecordId>)]
    next_cursor: Option<String>,
}

/// Which checks to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct CheckQuery {
    /// Only checks of this verdict.
    #[param(value_type = Verdict, required = false, example = "deviates")]
    verdict: Option<Verdict>,
    /// Only checks that claim this brand.
    #[param(value_type = Id, required = false, example = "acme")]
    brand: Option<String>,
    /// `next_cursor` of the page before; the other parameters must stay the same.
    #[param(value_type = RecordId, required = false)]
    cursor: Option<String>,
    /// Checks on a page, 1 to 100.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
}

/// A check in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct CheckPath {
    /// Id of the check.
    #[param(value_type = RecordId, example = "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10")]
    pub id: String,
}

/// A photo of a check in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct PhotoPath {
    /// Id of the check.
    #[param(value_type = RecordId, example = "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10")]
    pub id: String,
    /// Number of the photo in the check, from 0.
    #[param(maximum = 11, example = 0)]
    pub n: usize,
}

/// Check photos
///
/// Against the claim, or, without one, against all references. Answers with a verdict, an action,
/// scores, reasons and places. A photo that cannot be used is part of the answer, not an error.
/// When all places are taken the answer is 429 with `retry-after`, before the photos are read.
#[utoipa::path(
    post, path = "/v1/checks", tag = "checks",
    request_body(content = CheckForm, content_type = "multipart/form-data", description = "Photos and what the listing claims",
                 encoding(("photo" = (content_type = "image/jpeg, image/png, image/webp")))),
    responses(
        (status = 200, description = "What the photos show", body = CheckAnswer),
        Checking,
    ),
)]
pub(crate) async fn create_check(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Form(form): Form,
) -> Result<Json<CheckAnswer>, Problem> {
    let config = state.config();
    // Parts come in any order, so all are read before the first is understood.
    let texts = ["brand", "product", "listing_id", "seller_id"].map(Wanted::text);
    let wanted: Vec<_> = texts
        .into_iter()
        .chain([Wanted::pictures("photo", MOST_PHOTOS, config)])
        .collect();
    let parts = Parts::read(form, &wanted, config).await?;
    let request = CheckRequest {
        // How many make a check is the use case's rule, the same as on the command line.
        photos: parts.pictures("photo"),
        brand: parts.text("brand")?,
        product: parts.text("product")?,
        listing_id: parts.text("listing_id")?,
        seller_id: parts.text("seller_id")?,
    };
    let answer = state.assay().check(&actor, request).await?;
    // Counted here: the use case knows nothing of metrics.
    metrics::checked(&answer);
    Ok(Json(answer))
}

/// List checks
///
/// Newest first, page by page.
#[utoipa::path(
    get, path = "/v1/checks", tag = "checks", params(CheckQuery),
    responses((status = 200, description = "A page of checks, newest first", body = CheckList), Listing),
)]
pub(crate) async fn list_checks(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Query(query): Query<CheckQuery>,
) -> Result<Json<CheckList>, Problem> {
    let limit = query.limit.unwrap_or(PAGE);
    // Refused and not cut: a page shorter than asked for would look like the last one.
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(Problem::field(
            "limit",
            format!("is {limit}; it is 1 to {LONGEST_PAGE}"),
        ));
    }
    // One more than asked for tells whether there is a next page.
    let filter = CheckFilter {
        verdict: query.verdict,
        brand: query.brand,
        // A cursor and no page number: checks that arrive meanwhile shift no page.
        before: query.cursor,
        limit: limit + 1,
    };
    let mut checks = state.assay().checks(&actor, &filter).await?;
    let more = checks.len() > limit;
    checks.truncate(limit);
    // The last one shown and not the one too many: the next page begins after it.
    let next_cursor = checks.last().filter(|_| more).map(|c| c.id.clone());
    Ok(Json(CheckList {
        checks,
        next_cursor,
    }))
}

/// Get a check
///
/// The answer as it was given.
#[utoipa::path(
    get, path = "/v1/checks/{id}", tag = "checks", params(CheckPath),
    responses(
        (status = 200, description = "The check", body = CheckAnswer),
        Reading,
    ),
)]
pub(crate) async fn get_check(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<CheckPath>,
) -> Result<Json<CheckAnswer>, Problem> {
    Ok(Json(state.assay().get_check(&actor, &path.id).await?))
}

/// Draw the evidence of a photo
///
/// A picture for a person: the photo with the located reference, its protected marks and the places
/// that differ.
#[utoipa::path(
    get, path = "/v1/checks/{id}/photos/{n}/evidence.png", tag = "checks", params(PhotoPath),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/png"), Drawing),
)]
pub(crate) async fn draw_evidence(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(PhotoPath { id, n }): Path<PhotoPath>,
) -> Result<Response, Problem> {
    let inputs = state.assay().evidence(&actor, &id, n).await?;
    let png = state.assay().paint(state.painter(), inputs).await?;
    Ok(([(header::CONTENT_TYPE, "image/png")], png).into_response())
}
