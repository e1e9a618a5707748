//! Which path leads to which handler, through which layers.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
    response::Redirect,
    routing::get,
};
use tower_http::{catch_panic::CatchPanicLayer, csrf::CsrfLayer};
use utoipa::OpenApi;
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use super::{
    api::{
        brands, calibrations, checks, genuine_photos, openapi, products, references, self_test,
        system,
    },
    guard, observe,
    problem::ProblemBody,
    state::HttpState,
};

/// Most bytes of a JSON body: it holds an id and a name.
const MOST_JSON_BYTES: usize = 16 << 10;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assay",
        description = "Checks product photos against reference images of genuine goods. It says what a photo shows, with \
                       scores, reasons and places; it never says \"counterfeit\" and never blocks anything.\n\n\
                       Coordinates are 0..1 of the upright photo. Errors are `application/problem+json` (RFC 9457) with a \
                       stable `type`. Fields may be added to answers, never renamed."
    ),
    components(schemas(ProblemBody, references::NewMarkBody)),
    tags(
        (name = "checks", description = "Submit photos and see what they show"),
        (name = "gallery", description = "Brands, products, references and genuine photos"),
        (name = "system", description = "For operators and tools"),
    ),
)]
struct Contract;

/// The contract, made from the handlers.
pub fn open_api() -> utoipa::openapi::OpenApi {
    let mut contract = OpenApiRouter::with_openapi(Contract::openapi())
        .merge(plain())
        .merge(uploads())
        .merge(trials())
        .into_openapi();
    let components = contract.components.get_or_insert_default();
    components.examples.extend(openapi::problem_examples());
    openapi::relate_fields(components);
    openapi::allow_no_body(&mut contract.paths);
    contract
}

/// The whole server as a service, ready to be served or called in a test.
pub fn router(state: HttpState) -> Router {
    // Limits on bodies sit on each group: only uploads may bring pictures. Their place is taken by
    // the outer layer, before a byte is read.
    let uploads = uploads()
        .layer(DefaultBodyLimit::max(state.config().max_body_bytes))
        .layer(from_fn_with_state(state.clone(), guard::admit));
    let trials = trials()
        .layer(DefaultBodyLimit::max(MOST_JSON_BYTES))
        .layer(from_fn_with_state(state.clone(), guard::admit));
    let plain = plain().layer(DefaultBodyLimit::max(MOST_JSON_BYTES));
    let (api, _) = plain.merge(uploads).merge(trials).split_for_parts();
    // Its page would otherwise send this document to a public validator.
    let docs = utoipa_swagger_ui::Config::from("/v1/openapi.json")
        .validator_url("none")
        .try_it_out_enabled(true);
    // Temporary: browsers remember a permanent redirect, whatever may stand here one day.
    api.route("/", get(|| async { Redirect::temporary("/docs/") }))
        .merge(SwaggerUi::new("/docs").config(docs))
        // Made once: the document does not change while the program runs.
        .layer(Extension(Arc::new(open_api())))
        // The layer added last sees a request first.
        .layer(CsrfLayer::new().with_rejection_response(guard::on_cross_site))
        // The check for foreign sites compares with the host's name: that must be true before.
        .layer(from_fn(guard::only_own_host))
        .layer(from_fn_with_state(state.clone(), guard::limit_time))
        // Around the layers above, so that a panic in one of them is answered as well.
        .layer(CatchPanicLayer::custom(guard::on_panic))
        .layer(from_fn(observe::observe))
        .with_state(state)
}

/// Everything with a small body or none.
fn plain() -> OpenApiRouter<HttpState> {
    OpenApiRouter::default()
        .routes(routes!(brands::create_brand, brands::list_brands))
        .routes(routes!(products::create_product, products::list_products))
        .routes(routes!(brands::change_brand))
        .routes(routes!(products::get_product, products::change_product))
        .routes(routes!(genuine_photos::list_genuine_photos))
        .routes(routes!(genuine_photos::delete_genuine_photo))
        .routes(routes!(references::list_references))
        .routes(routes!(
            references::get_reference,
            references::delete_reference
        ))
        .routes(routes!(calibrations::get_calibration))
        .routes(routes!(checks::list_checks))
        .routes(routes!(checks::get_check))
        .routes(routes!(checks::draw_evidence))
        .routes(routes!(system::livez))
        .routes(routes!(system::readyz))
        .routes(routes!(system::read_metrics))
        .routes(routes!(system::openapi))
        .routes(routes!(system::problem_kind))
}

/// Work without an upload that takes as long as a check of many photos, and a place among the
/// checks.
fn trials() -> OpenApiRouter<HttpState> {
    OpenApiRouter::default().routes(routes!(self_test::self_test))
}

/// Uploads, which are refused before their body is read when all places are taken.
fn uploads() -> OpenApiRouter<HttpState> {
    OpenApiRouter::default()
        .routes(routes!(references::enroll_reference))
        .routes(routes!(genuine_photos::add_genuine_photo))
        .routes(routes!(checks::create_check))
}
