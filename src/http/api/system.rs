//! For operators and tools: `/livez`, `/readyz`, `/metrics`, the contract itself and the kinds of
//! problems.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use axum::{
    Extension, Json,
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use utoipa::{
    IntoParams, PartialSchema, ToSchema,
    openapi::{OpenApi, RefOr, schema::Schema},
};

use super::openapi::{Always, NotReady, Reading};
use crate::{
    checker::service::LostReference,
    contract::schemas,
    http::{
        extract::{Path, Visitor},
        metrics,
        problem::{Problem, kind},
        state::HttpState,
    },
};

/// Longest wait for the parts to answer, which may have to finish other work first.
const LONGEST_PROBE: Duration = Duration::from_secs(5);
/// What a caller that finds the server not ready is told to wait, in seconds.
const RETRY_S: u64 = 5;

/// That the process runs.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "alive"}))]
pub(crate) struct Alive {
    status: &'static str,
}

/// Whether requests can be served.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"status": "ready", "models": {"embedder": "embedder@1"}, "lost_references": []}))]
pub(crate) struct Ready {
    status: &'static str,
    /// Models in use: role to `name@version`.
    models: BTreeMap<String, String>,
    /// References whose picture is lost or damaged on this server, of brands that the sender of a key
    /// sees: checks that need it are
    /// `not_comparable` until it is restored or enrolled again, others go on.
    lost_references: Vec<Lost>,
}

/// A reference whose picture is lost.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Lost {
    /// Brand id.
    brand: String,
    /// Product id.
    product: String,
    /// Reference id.
    reference: String,
}

/// One kind of problem.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"type": "/problems/busy", "title": "All places are taken", "status": 429}))]
pub(crate) struct ProblemKind {
    /// Stable name, as in a problem's `type`.
    r#type: String,
    /// What it means.
    title: &'static str,
    /// Status of the answers that carry it.
    status: u16,
}

/// The name of a kind of problem, for the contract.
// No value of it ever exists: only its schema is wanted.
enum Slug {}

impl ToSchema for Slug {}

impl PartialSchema for Slug {
    fn schema() -> RefOr<Schema> {
        schemas::names("Name of a kind.", kind::ALL.iter().map(|k| k.slug)).into()
    }
}

/// A kind of problem in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct KindPath {
    /// End of a problem's `type`.
    #[param(value_type = Slug, inline, example = "busy")]
    kind: String,
}

/// Whether the process runs
///
/// Answers as long as it can answer at all; restart the process when it does not.
#[utoipa::path(
    get, path = "/livez", tag = "system", responses((status = 200, description = "It runs", body = Alive), Always),
)]
pub(crate) async fn livez() -> Json<Alive> {
    // Asks nothing of the parts: a full disk is no reason to restart the process.
    Json(Alive { status: "alive" })
}

/// Whether requests can be served
///
/// The database answers, there is room for new data, images can be reached, and the workers reach
/// their models; send no traffic while one of these is not so.
#[utoipa::path(
    get, path = "/readyz", tag = "system",
    responses((status = 200, description = "Send traffic", body = Ready), NotReady),
)]
pub(crate) async fn readyz(
    State(state): State<HttpState>,
    Visitor(visitor): Visitor,
) -> Result<Json<Ready>, Problem> {
    // Who watches waits only so long: a bad answer in time says more than silence.
    let ready = tokio::time::timeout(LONGEST_PROBE, state.assay().ready()).await;
    let readiness = ready.map_err(|_| {
        let detail = format!(
            "not every part answered within {} s; try again later",
            LONGEST_PROBE.as_secs()
        );
        Problem::new(&kind::NOT_READY, detail).retry_after(RETRY_S)
    })?;
    let failing: Vec<_> = readiness
        .parts
        .into_iter()
        .filter_map(|(part, why)| Some((part, why?)))
        .collect();
    if failing.is_empty() {
        // Lost pictures spoil some checks and no others: traffic may come.
        // They name products, of which a stranger or another brand must not know.
        let sees = |lost: &LostReference| {
            let visitor = visitor.as_ref();
            visitor.is_some_and(|actor| actor.sees(&lost.product.brand))
        };
        let lost = readiness.lost.into_iter().filter(sees).map(|lost| Lost {
            brand: lost.product.brand,
            product: lost.product.product,
            reference: lost.id,
        });
        return Ok(Json(Ready {
            status: "ready",
            models: state.assay().models().clone(),
            lost_references: lost.collect(),
        }));
    }
    let parts: Vec<_> = failing
        .iter()
        .map(|(part, _)| format!("`{part}`"))
        .collect();
    let detail = format!(
        "not working: {}; the server's log says why under this request's id",
        parts.join(", ")
    );
    // Causes may name files of this machine: they go to the log, and names of parts to the caller.
    let causes: Vec<_> = failing
        .iter()
        .map(|(part, why)| format!("{part}: {why}"))
        .collect();
    Err(Problem::new(&kind::NOT_READY, detail)
        .caused_by(causes.join("; "))
        .retry_after(RETRY_S))
}

/// Metrics
///
/// In the text format of Prometheus: requests, latencies, checks by verdict, stages, requests
/// underway, jobs waiting, references.
#[utoipa::path(
    get, path = "/metrics", tag = "system",
    responses((status = 200, description = "All metrics", body = String, content_type = "text/plain"), Always),
)]
pub(crate) async fn read_metrics(State(state): State<HttpState>) -> Response {
    // Read off when asked: kept up to date, they would cost every request something.
    metrics::levels(
        state.assay().gallery().references().len(),
        state.assay().waiting(),
    );
    let text = state.metrics().render();
    (
        [(
            header::CONTENT_TYPE,
            // Collectors choose how to read the text by this version.
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response()
}

/// This document
///
/// OpenAPI 3.1, made from the code; `/docs` shows it as a page.
#[utoipa::path(
    get, path = "/v1/openapi.json", tag = "system",
    responses((status = 200, description = "The contract", body = serde_json::Value), Always),
)]
pub(crate) async fn openapi(Extension(document): Extension<Arc<OpenApi>>) -> Response {
    Json(&*document).into_response()
}

/// Explain a kind of problem
///
/// The `type` of a problem is a path of this server; this is what it answers.
#[utoipa::path(
    get, path = "/problems/{kind}", tag = "system", params(KindPath),
    responses((status = 200, description = "What the kind means", body = ProblemKind), Reading),
)]
pub(crate) async fn problem_kind(Path(path): Path<KindPath>) -> Result<Json<ProblemKind>, Problem> {
    let found = kind::ALL.iter().find(|k| k.slug == path.kind);
    let kind = found.ok_or_else(|| {
        Problem::new(
            &kind::NOT_FOUND,
            format!("problem `{}` does not exist", path.kind),
        )
    })?;
    Ok(Json(ProblemKind {
        r#type: format!("/problems/{}", kind.slug),
        title: kind.title,
        status: kind.status.as_u16(),
    }))
}
