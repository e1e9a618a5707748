//! Pages for people: signing in, the queue, one check to decide about, and what a brand has.
//!
//! They are made on the server, of what the use cases answer, and work without scripts but for moving,
//! laying over and blinking of pictures, sending many files at once, drawing marks, and self-tests. Every text is escaped by its template, and the policy sent
//! with each page lets a browser run nothing but the files of [`assets`].

mod assets;
mod brands;
mod chart;
mod form;
pub(super) mod frame;
mod photos;
mod plot;
mod product;
mod queue;
mod review;
mod settings;
mod shapes;
mod sign_in;
mod view;

use axum::{
    http::Method,
    routing::{get, post},
};

use super::access::{LOOKERS, OWNERS, QUEUE_READERS, READERS, REVIEWERS, Routes, Who};

/// All pages, each with who may open it.
pub(crate) fn routes() -> Routes {
    Routes::default()
        .page(Who::Anyone, Method::GET, "/", get(sign_in::home))
        .page(Who::Anyone, Method::GET, "/assets/{name}", get(assets::get))
        .page(Who::Anyone, Method::GET, "/sign-in", get(sign_in::show))
        .page(Who::Anyone, Method::POST, "/sign-in", post(sign_in::submit))
        .page(READERS, Method::POST, "/sign-out", post(sign_in::leave))
        .page(QUEUE_READERS, Method::GET, "/queue", get(queue::show))
        .page(READERS, Method::GET, "/reviews/{id}", get(review::show))
        .page(
            REVIEWERS,
            Method::POST,
            "/reviews/{id}/claim",
            post(review::claim),
        )
        .page(
            REVIEWERS,
            Method::POST,
            "/reviews/{id}/release",
            post(review::release),
        )
        .page(
            REVIEWERS,
            Method::POST,
            "/reviews/{id}/decide",
            post(review::decide),
        )
        .page(LOOKERS, Method::GET, "/brands", get(brands::list))
        .page(LOOKERS, Method::GET, "/brands/{brand}", get(brands::show))
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}",
            post(brands::change),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products",
            post(brands::create_product),
        )
        .page(
            LOOKERS,
            Method::GET,
            "/brands/{brand}/products/{product}",
            get(product::show),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}",
            post(product::change),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/references/{id}",
            post(product::change_edition),
        )
        .page(
            OWNERS,
            Method::GET,
            "/brands/{brand}/products/{product}/references/{id}/remove",
            get(product::ask_reference),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/references/{id}/remove",
            post(product::remove_reference),
        )
        .page(
            OWNERS,
            Method::GET,
            "/brands/{brand}/products/{product}/genuine-photos/{id}/remove",
            get(photos::ask_photo),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/genuine-photos/{id}/remove",
            post(photos::remove_photo),
        )
        .page(
            OWNERS,
            Method::GET,
            "/brands/{brand}/products/{product}/authorised-photos/{id}/remove",
            get(photos::ask_authorised),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/authorised-photos/{id}/remove",
            post(photos::remove_authorised),
        )
}

/// Pages that are sent pictures, which need a place as other uploads do.
pub(crate) fn uploads() -> Routes {
    Routes::default()
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/references",
            post(product::enroll),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/genuine-photos",
            post(photos::add_photo),
        )
        .page(
            OWNERS,
            Method::POST,
            "/brands/{brand}/products/{product}/authorised-photos",
            post(photos::add_authorised),
        )
}

/// The pages: for each its method, the pattern of its path, and the names of the roles that may open it,
/// none for everybody.
pub fn table() -> Vec<(Method, String, Vec<&'static str>)> {
    let access = routes().access.and(uploads().access);
    let pages = access.pages();
    let owned = pages.map(|(method, path, roles)| (method, path.to_owned(), roles));
    owned.collect()
}
