//! Pictures as they came, and photos laid over the reference that they were compared with.

use std::fmt::Write;

use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    checks::PhotoPath,
    openapi::{Drawing, Reading, Working},
};
use crate::{
    checker::service::Original,
    contract::RecordId,
    engine::Cell,
    http::{
        extract::{Caller, Path, Query},
        problem::Problem,
        state::HttpState,
    },
};

/// A reference in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ReferenceIdPath {
    /// Id of the reference.
    #[param(value_type = RecordId, example = "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10")]
    id: String,
}

/// Which match of a photo.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct MatchQuery {
    /// Number of the match in the photo's answer, from 0.
    #[serde(default)]
    #[param(value_type = usize, required = false, default = 0, maximum = 99)]
    m: usize,
}

/// Get a photo
///
/// As it was sent.
#[utoipa::path(
    get, path = "/v1/checks/{id}/photos/{n}/image", tag = "checks", params(PhotoPath),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "image/jpeg"), Drawing),
)]
pub(crate) async fn get_photo(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(PhotoPath { id, n }): Path<PhotoPath>,
) -> Result<Response, Problem> {
    Ok(file(state.assay().photo(&actor, &id, n).await?))
}

/// Lay a photo over its reference
///
/// A JPEG of the reference's proportions: each place of it shows what the photo has where the reference
/// has the same place. 404 where the photo was not located.
#[utoipa::path(
    get, path = "/v1/checks/{id}/photos/{n}/aligned.jpg", tag = "checks", params(PhotoPath, MatchQuery),
    responses((status = 200, description = "The picture", body = Vec<u8>, content_type = "image/jpeg"), Drawing),
)]
pub(crate) async fn get_aligned(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(PhotoPath { id, n }): Path<PhotoPath>,
    Query(query): Query<MatchQuery>,
) -> Result<Response, Problem> {
    let jpeg = state.assay().aligned_photo(&actor, &id, n, query.m).await?;
    Ok(([(header::CONTENT_TYPE, "image/jpeg"), PRIVATE], jpeg).into_response())
}

/// Show where a photo departs from its reference
///
/// An SVG picture of the reference's proportions, to be laid over the reference or over the photo in its
/// frame. The redder a place, the less photo and reference agree there beside the rest of the photo
/// (normalised cross-correlation), or, where the reference is plain, the more print the photo has. Of
/// what lies beyond the photo it says nothing. 404 where the photo was not located.
#[utoipa::path(
    get, path = "/v1/checks/{id}/photos/{n}/deviations.svg", tag = "checks", params(PhotoPath, MatchQuery),
    responses((status = 200, description = "The picture", body = String, content_type = "image/svg+xml"), Drawing),
)]
pub(crate) async fn get_deviations(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(PhotoPath { id, n }): Path<PhotoPath>,
    Query(query): Query<MatchQuery>,
) -> Result<Response, Problem> {
    let map = state.assay().deviation_map(&actor, &id, n, query.m).await?;
    Ok((
        [(header::CONTENT_TYPE, "image/svg+xml"), PRIVATE],
        svg(&map),
    )
        .into_response())
}

/// How opaque what departs in full is: what lies under it must still be seen.
const OPAQUE: f64 = 0.8;
/// Fainter than this it is not drawn.
const FAINTEST: f64 = 0.1;

fn svg(cells: &[Cell]) -> String {
    let mut svg = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1000 1000\" preserveAspectRatio=\"none\" fill=\"#e0202a\">"
        .to_owned();
    for Cell { place, strength } in cells.iter().filter(|c| c.strength >= FAINTEST) {
        let [x, y, right, bottom] = [place.left, place.top, place.right, place.bottom];
        let [x, y, width, height] = [x, y, right - x, bottom - y].map(|v| v * 1000.0);
        // Of numbers alone: nothing that callers sent is in it.
        _ = write!(
            svg,
            "<path d=\"M{x:.1} {y:.1}h{width:.1}v{height:.1}h-{width:.1}z\" opacity=\"{:.2}\"/>",
            strength * OPAQUE
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Get a reference's picture
///
/// As it was enrolled, also when it was removed since.
#[utoipa::path(
    get, path = "/v1/references/{id}/image", tag = "gallery", params(ReferenceIdPath),
    responses((status = 200, description = "The file", body = Vec<u8>, content_type = "image/jpeg"), Reading, Working),
)]
pub(crate) async fn get_reference_picture(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ReferenceIdPath>,
) -> Result<Response, Problem> {
    Ok(file(
        state.assay().reference_picture(&actor, &path.id).await?,
    ))
}

/// A picture does not change under its id, and is nobody else's.
const PRIVATE: (header::HeaderName, &str) = (header::CACHE_CONTROL, "private, max-age=600");

fn file(original: Original) -> Response {
    let media_type = original.media_type.unwrap_or("application/octet-stream");
    (
        [(header::CONTENT_TYPE, media_type), PRIVATE],
        original.bytes,
    )
        .into_response()
}
