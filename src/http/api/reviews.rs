//! `/v1/reviews` and what people do about one check.

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    checks::CheckPath,
    openapi::{Checking, Listing, Reading, Reviewing, location},
};
use crate::{
    checker::{records::QueueFilter, service::NewDecision},
    contract::{
        Id, LongText, PlainText, QueueOrder, RecordId, ReviewOutcome, ReviewState, Verdict,
        limits::{LONGEST_PAGE, MOST_PHOTOS, PAGE},
        review::{DecisionAnswer, DisputeAnswer, HolderAnswer, QueueEntry, ReviewAnswer},
    },
    http::{
        extract::{self, Caller, Form, Path, Query},
        parts::{Parts, Wanted},
        problem::Problem,
        state::HttpState,
    },
};

/// A page of the queue.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Queue {
    /// Disputed checks first, in the order asked for.
    pub reviews: Vec<QueueEntry>,
    /// Give it as `cursor` to get the next page; `null` on the last.
    #[schema(value_type = Option<RecordId>)]
    pub next_cursor: Option<String>,
}

/// Which checks to list.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct QueueQuery {
    /// Only checks in this state.
    #[param(value_type = ReviewState, required = false, example = "open")]
    pub state: Option<ReviewState>,
    /// Only checks whose dispute waits for an answer.
    #[param(value_type = bool, required = false, default = false)]
    pub disputed: Option<bool>,
    /// Only checks of this verdict.
    #[param(value_type = Verdict, required = false, example = "deviates")]
    pub verdict: Option<Verdict>,
    /// Only checks that claim this brand.
    #[param(value_type = Id, required = false, example = "acme")]
    pub brand: Option<String>,
    /// Words, each of which the listing's or the seller's id has at the beginning of one of its own.
    #[param(value_type = PlainText, required = false, example = "shop-17")]
    pub search: Option<String>,
    /// In which order.
    #[param(value_type = QueueOrder, required = false, example = "oldest")]
    pub order: Option<QueueOrder>,
    /// `next_cursor` of the page before; the other parameters must stay the same.
    #[param(value_type = RecordId, required = false)]
    pub cursor: Option<String>,
    /// Checks on a page, 1 to 100.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 100, default = 20)]
    pub limit: Option<usize>,
}

/// The parts of the form that disputes a check.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "describes the form; its parts are read as they arrive"
)]
pub(crate) struct DisputeForm {
    /// What the seller says.
    #[schema(value_type = LongText)]
    statement: String,
    /// More photos of the article, up to 12 parts of this name; they are checked against the same
    /// claim.
    #[schema(value_type = Vec<String>, format = Binary, max_items = 12, required = false)]
    photo: Vec<Vec<u8>>,
}

/// A decision about a check.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDecisionBody {
    /// What is decided.
    outcome: ReviewOutcome,
    /// Why.
    #[schema(value_type = LongText)]
    reason: String,
    /// Whether the photos show a genuine article and become calibration data; only for a check that
    /// is overturned and claims a product.
    #[serde(default)]
    genuine: bool,
}

/// The service's filter of a query, asking for one check more than a page holds.
pub(crate) fn filter(query: QueueQuery) -> Result<QueueFilter, Problem> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        return Err(Problem::field(
            "limit",
            format!("is {limit}; it is 1 to {LONGEST_PAGE}"),
        ));
    }
    let search = query.search.unwrap_or_default().to_lowercase();
    Ok(QueueFilter {
        state: query.state.unwrap_or(ReviewState::Open),
        disputed: query.disputed.unwrap_or(false),
        verdict: query.verdict,
        brand: query.brand,
        words: search.split_whitespace().map(ToOwned::to_owned).collect(),
        order: query.order.unwrap_or(QueueOrder::Oldest),
        after: query.cursor,
        limit: limit + 1,
    })
}

/// A page of what was asked for with one too many.
pub(crate) fn page(mut reviews: Vec<QueueEntry>, asked: usize) -> Queue {
    let more = reviews.len() == asked;
    reviews.truncate(asked - 1);
    let last = reviews.last().filter(|_| more);
    let next_cursor = last.map(|entry| entry.check.id.clone());
    Queue {
        reviews,
        next_cursor,
    }
}

/// List checks that need a person
///
/// Those that were flagged or disputed, disputed ones first, page by page.
#[utoipa::path(
    get, path = "/v1/reviews", tag = "reviews", params(QueueQuery),
    responses((status = 200, description = "A page of the queue", body = Queue), Listing),
)]
pub(crate) async fn list_reviews(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Query(query): Query<QueueQuery>,
) -> Result<Json<Queue>, Problem> {
    let filter = filter(query)?;
    let found = state.assay().queue(&actor, &filter).await?;
    Ok(Json(page(found, filter.limit)))
}

/// See what people did about a check
///
/// Where it stands, who looks at it, disputes and decisions.
#[utoipa::path(
    get, path = "/v1/checks/{id}/review", tag = "reviews", params(CheckPath),
    responses((status = 200, description = "The review", body = ReviewAnswer), Reading),
)]
pub(crate) async fn get_review(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<CheckPath>,
) -> Result<Json<ReviewAnswer>, Problem> {
    Ok(Json(state.assay().review(&actor, &path.id).await?))
}

/// Dispute a check
///
/// For a seller: the check comes on top of the queue, and photos that come with it are checked against
/// the same claim.
#[utoipa::path(
    post, path = "/v1/checks/{id}/dispute", tag = "reviews", params(CheckPath),
    request_body(content = DisputeForm, content_type = "multipart/form-data", description = "What the seller says",
                 encoding(("photo" = (content_type = "image/jpeg, image/png, image/webp")))),
    responses(
        (status = 201, description = "The dispute", body = DisputeAnswer,
         headers(("location" = String, description = "Path of the review"))),
        Checking,
    ),
)]
pub(crate) async fn dispute(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<CheckPath>,
    Form(form): Form,
) -> Result<impl IntoResponse, Problem> {
    let config = state.config();
    let wanted = [
        Wanted::json("statement", 1),
        Wanted::pictures("photo", MOST_PHOTOS, config),
    ];
    let parts = Parts::read(form, &wanted, config).await?;
    let (statement, photos) = (parts.required_text("statement")?, parts.pictures("photo"));
    let answer = state
        .assay()
        .dispute(&actor, &path.id, statement, photos)
        .await?;
    let location = location(&["v1", "checks", &path.id, "review"]);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, location)],
        Json(answer),
    ))
}

/// Claim a check
///
/// So that nobody else decides about it meanwhile: for 15 minutes, or as long again when it is yours
/// already.
#[utoipa::path(
    post, path = "/v1/checks/{id}/review/claim", tag = "reviews", params(CheckPath),
    responses((status = 200, description = "It is yours until then", body = HolderAnswer), Reviewing),
)]
pub(crate) async fn claim_review(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<CheckPath>,
) -> Result<Json<HolderAnswer>, Problem> {
    Ok(Json(state.assay().hold(&actor, &path.id).await?))
}

/// Give a check back
///
/// Nothing happens when it is not yours.
#[utoipa::path(
    delete, path = "/v1/checks/{id}/review/claim", tag = "reviews", params(CheckPath),
    responses((status = 204, description = "It is not yours"), Reading),
)]
pub(crate) async fn release_review(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<CheckPath>,
) -> Result<StatusCode, Problem> {
    state.assay().release(&actor, &path.id).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Decide about a check
///
/// You must hold it. A decision is never changed: another one after it undoes it. Whoever decided
/// before a dispute may not decide about the dispute.
#[utoipa::path(
    post, path = "/v1/checks/{id}/review/decisions", tag = "reviews", params(CheckPath),
    request_body(content = NewDecisionBody, description = "What is decided, and why"),
    responses((status = 201, description = "The decision", body = DecisionAnswer), Reviewing),
)]
pub(crate) async fn decide(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<CheckPath>,
    extract::Json(body): extract::Json<NewDecisionBody>,
) -> Result<impl IntoResponse, Problem> {
    let new = NewDecision {
        outcome: body.outcome,
        reason: body.reason,
        genuine: body.genuine,
    };
    let answer = state.assay().decide(&actor, &path.id, new).await?;
    Ok((StatusCode::CREATED, Json(answer)))
}
