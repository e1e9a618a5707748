//! Which path leads to which handler, through which layers.

use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::DefaultBodyLimit,
    middleware::{from_fn, from_fn_with_state},
};
use tower_http::{catch_panic::CatchPanicLayer, csrf::CsrfLayer};
use utoipa::{
    OpenApi,
    openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
};
use utoipa_axum::{router::OpenApiRouter, routes};
use utoipa_swagger_ui::SwaggerUi;

use super::{
    access::{
        ADMIN, Access, DISPUTERS, LOOKERS, OPERATORS, OWNERS, QUEUE_READERS, READERS, REVIEWERS,
        Routes, SCHEME, SUBMITTERS, Who, authenticate,
    },
    api::{
        audit, authorised_photos, brands, calibrations, checks, edition, genuine_photos, openapi,
        pictures, products, references, reviews, self_test, statements, statistics, system,
    },
    guard, observe, pages,
    problem::ProblemBody,
    state::HttpState,
};
use crate::contract::QueueOrder;

/// Most bytes of a JSON body: a reason is the longest text in one, of up to 4 bytes a character, or 12
/// where each is escaped.
const MOST_JSON_BYTES: usize = 64 << 10;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Assay",
        description = "Checks product photos against reference images of genuine goods. It says what a photo shows, with \
                       scores, reasons and places; it never says \"counterfeit\" and never blocks anything.\n\n\
                       Coordinates are 0..1 of the upright photo. Errors are `application/problem+json` (RFC 9457) with a \
                       stable `type`. Fields may be added to answers, never renamed."
    ),
    components(schemas(ProblemBody, references::NewMarkBody, QueueOrder)),
    tags(
        (name = "checks", description = "Submit photos and see what they show"),
        (name = "reviews", description = "What people do about checks that were flagged or disputed"),
        (name = "gallery", description = "Brands, products, references and genuine photos"),
        (name = "system", description = "For operators and tools"),
    ),
)]
struct Contract;

/// The contract, made from the handlers.
pub fn open_api() -> utoipa::openapi::OpenApi {
    let mut contract = OpenApiRouter::with_openapi(Contract::openapi())
        .merge(plain().router)
        .merge(uploads().router)
        .merge(trials().router)
        .into_openapi();
    let components = contract.components.get_or_insert_default();
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A key that `assay key create` made"));
    components.add_security_scheme(SCHEME, SecurityScheme::Http(bearer.build()));
    components.examples.extend(openapi::problem_examples());
    openapi::show_verdicts(&mut contract.paths, components);
    openapi::relate_fields(components);
    openapi::allow_no_body(&mut contract.paths);
    contract
}

/// The whole server as a service, ready to be served or called in a test.
pub fn router(state: HttpState) -> Router {
    // Limits on bodies sit on each group: only uploads may bring pictures. Their place is taken by
    // the outer layer, before a byte is read.
    let (plain, trials, pages) = (plain(), trials(), pages::routes());
    let uploads = uploads().and(pages::uploads());
    let access = [uploads.access, trials.access, pages.access];
    let access = access.into_iter().fold(plain.access, Access::and);
    let uploads = uploads
        .router
        .layer(DefaultBodyLimit::max(state.config().max_body_bytes))
        .layer(from_fn_with_state(state.clone(), guard::admit));
    let trials = trials
        .router
        .layer(DefaultBodyLimit::max(MOST_JSON_BYTES))
        .layer(from_fn_with_state(state.clone(), guard::admit));
    let plain = plain.router.merge(pages.router);
    let plain = plain.layer(DefaultBodyLimit::max(MOST_JSON_BYTES));
    let (api, _) = plain.merge(uploads).merge(trials).split_for_parts();
    let authenticate = from_fn_with_state((state.clone(), Arc::new(access)), authenticate);
    let api = api.layer(authenticate);
    // Its page would otherwise send this document to a public validator.
    let docs = utoipa_swagger_ui::Config::from("/v1/openapi.json")
        .validator_url("none")
        .try_it_out_enabled(true);
    let app = api
        .merge(SwaggerUi::new("/docs").config(docs))
        // Made once: the document does not change while the program runs.
        .layer(Extension(Arc::new(open_api())))
        // The layer added last sees a request first.
        .layer(CsrfLayer::new().with_rejection_response(guard::on_cross_site));
    // The check for foreign sites compares with the host's name: that must be true before. Beyond
    // loopback a server has names that it does not know.
    let app = if state.config().listen.ip().is_loopback() {
        app.layer(from_fn(guard::only_own_host))
    } else {
        app
    };
    app.layer(from_fn_with_state(state.clone(), guard::limit_time))
        // Around the layers above, so that a panic in one of them is answered as well.
        .layer(CatchPanicLayer::custom(guard::on_panic))
        .layer(from_fn(observe::observe))
        .with_state(state)
}

/// Everything with a small body or none.
fn plain() -> Routes {
    Routes::default()
        .add(ADMIN, routes!(brands::create_brand))
        .add(READERS, routes!(brands::list_brands))
        .add(OWNERS, routes!(brands::change_brand))
        .add(LOOKERS, routes!(statistics::get_statistics))
        .add(OWNERS, routes!(products::create_product))
        .add(READERS, routes!(products::list_products))
        .add(READERS, routes!(products::get_product))
        .add(OWNERS, routes!(products::change_product))
        .add(LOOKERS, routes!(genuine_photos::list_genuine_photos))
        .add(OWNERS, routes!(genuine_photos::delete_genuine_photo))
        .add(LOOKERS, routes!(authorised_photos::list_authorised_photos))
        .add(OWNERS, routes!(authorised_photos::delete_authorised_photo))
        .add(LOOKERS, routes!(references::list_references))
        .add(LOOKERS, routes!(references::get_reference))
        .add(OWNERS, routes!(edition::change_reference))
        .add(OWNERS, routes!(references::delete_reference))
        .add(READERS, routes!(calibrations::get_calibration))
        .add(READERS, routes!(checks::list_checks))
        .add(READERS, routes!(checks::get_check))
        .add(READERS, routes!(checks::draw_evidence))
        .add(READERS, routes!(pictures::get_photo))
        .add(READERS, routes!(pictures::get_aligned))
        .add(READERS, routes!(pictures::get_deviations))
        .add(READERS, routes!(pictures::get_reference_picture))
        .add(QUEUE_READERS, routes!(reviews::list_reviews))
        .add(QUEUE_READERS, routes!(reviews::get_review))
        .add(
            REVIEWERS,
            routes!(reviews::claim_review, reviews::release_review),
        )
        .add(REVIEWERS, routes!(reviews::decide))
        .add(READERS, routes!(statements::get_statement))
        .add(OPERATORS, routes!(audit::list_audit))
        .add(Who::Anyone, routes!(system::livez))
        .add(Who::Anyone, routes!(system::readyz))
        .add(OPERATORS, routes!(system::read_metrics))
        .add(Who::Anyone, routes!(system::openapi))
        .add(Who::Anyone, routes!(system::problem_kind))
}

/// Work without an upload that takes as long as a check of many photos, and a place among the
/// checks.
fn trials() -> Routes {
    Routes::default().add(OWNERS, routes!(self_test::self_test))
}

/// Uploads, which are refused before their body is read when all places are taken.
fn uploads() -> Routes {
    Routes::default()
        .add(OWNERS, routes!(references::enroll_reference))
        .add(OWNERS, routes!(genuine_photos::add_genuine_photo))
        .add(OWNERS, routes!(authorised_photos::add_authorised_photo))
        .add(SUBMITTERS, routes!(checks::create_check))
        .add(DISPUTERS, routes!(reviews::dispute))
}
