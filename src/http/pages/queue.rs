//! The queue.

use askama::Template;
use axum::{Extension, extract::State, http::StatusCode, response::Response};

use super::{
    frame::{Frame, page},
    view,
};
use crate::{
    contract::{QueueOrder, ReviewState, Verdict, review::QueueEntry},
    http::{
        api::reviews::{self, QueueQuery},
        extract::{Caller, Query},
        problem::Problem,
        session::Session,
        state::HttpState,
    },
};

#[derive(Template)]
#[template(path = "queue.html")]
struct QueuePage {
    frame: Frame,
    rows: Vec<Row>,
    query: QueueQuery,
    brands: Vec<String>,
    next: Option<String>,
    filtered: bool,
}

/// One check.
struct Row {
    id: String,
    verdict: Verdict,
    disputed: bool,
    claim: String,
    listing: String,
    seller: String,
    since: String,
    p_value: String,
    why: String,
    holder: Option<String>,
}

impl Row {
    fn of(entry: QueueEntry) -> Self {
        let check = entry.check;
        Self {
            claim: view::claim(check.claim.as_ref()),
            listing: check.listing_id.unwrap_or_default(),
            seller: check.seller_id.unwrap_or_default(),
            since: view::time(&entry.since),
            p_value: view::p_value(check.p_value),
            why: check
                .reasons
                .first()
                .map(|r| r.detail.clone())
                .unwrap_or_default(),
            holder: entry.holder.map(|holder| holder.name),
            id: check.id,
            verdict: check.verdict,
            disputed: entry.disputed,
        }
    }
}

impl QueuePage {
    fn states(&self) -> &'static [ReviewState] {
        ReviewState::ALL
    }

    fn verdicts(&self) -> &'static [Verdict] {
        Verdict::ALL
    }

    fn orders(&self) -> &'static [QueueOrder] {
        QueueOrder::ALL
    }

    fn is_state(&self, state: &ReviewState) -> bool {
        self.query.state.unwrap_or(ReviewState::Open) == *state
    }

    fn is_verdict(&self, verdict: &Verdict) -> bool {
        self.query.verdict == Some(*verdict)
    }

    fn is_order(&self, order: &QueueOrder) -> bool {
        self.query.order.unwrap_or(QueueOrder::Oldest) == *order
    }

    fn is_brand(&self, brand: &str) -> bool {
        self.query.brand.as_deref() == Some(brand)
    }

    fn search(&self) -> &str {
        self.query.search.as_deref().unwrap_or_default()
    }

    /// Path of the page after this one.
    fn further(&self, cursor: &str) -> String {
        let mut path = format!("/queue?cursor={cursor}");
        let mut also = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                // Written to memory, which does not fail.
                let value = askama::filters::urlencode_strict(value).map(|v| v.to_string());
                path += &format!("&{name}={}", value.unwrap_or_default());
            }
        };
        also("state", self.query.state.map(ReviewState::name));
        also("verdict", self.query.verdict.map(Verdict::name));
        also("order", self.query.order.map(QueueOrder::name));
        also("brand", self.query.brand.as_deref());
        also("search", self.query.search.as_deref());
        also("disputed", self.disputed().then_some("yes"));
        path
    }

    fn disputed(&self) -> bool {
        self.query.disputed == Some(true)
    }
}

pub(super) async fn show(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    Query(fields): Query<Vec<(String, String)>>,
) -> Result<Response, Problem> {
    let query = asked(fields)?;
    let filter = reviews::filter(query.clone())?;
    let found = state.assay().queue(&actor, &filter).await?;
    let reviews::Queue {
        reviews,
        next_cursor,
    } = reviews::page(found, filter.limit);
    let brands = state.assay().brands(&actor).await?;
    let filtered = query.verdict.is_some()
        || query.brand.is_some()
        || query.search.is_some()
        || query.disputed == Some(true)
        || query.cursor.is_some();
    let queue = QueuePage {
        frame: Frame::of(&actor, session.as_deref()),
        rows: reviews.into_iter().map(Row::of).collect(),
        query,
        brands: brands.into_iter().map(|brand| brand.id).collect(),
        next: next_cursor,
        filtered,
    };
    Ok(page(StatusCode::OK, &queue))
}

/// What a form asks for: a browser sends every field, also those that were left empty.
fn asked(fields: Vec<(String, String)>) -> Result<QueueQuery, Problem> {
    let mut query = QueueQuery::default();
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        match &*name {
            "state" => query.state = Some(view::named("state", &value)?),
            "verdict" => query.verdict = Some(view::named("verdict", &value)?),
            "order" => query.order = Some(view::named("order", &value)?),
            "brand" => query.brand = Some(value),
            "search" => query.search = Some(value),
            "disputed" => query.disputed = Some(true),
            "cursor" => query.cursor = Some(value),
            _ => {}
        }
    }
    Ok(query)
}
