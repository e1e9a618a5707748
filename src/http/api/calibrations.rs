//! `/v1/calibrations`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::openapi::Reading;
use crate::{
    contract::operating_point::OperatingPointAnswer,
    http::{
        extract::{Caller, Path},
        problem::Problem,
        state::HttpState,
    },
};

/// An operating point in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct OperatingPointPath {
    /// Id that an answer names as `calibration.operating_point`.
    #[param(
        example = "op-5f0c1d2e3a4b5c6d7e8f9a0b",
        min_length = 1,
        max_length = 64,
        pattern = "^[ -~]*$"
    )]
    id: String,
}

/// Get what an answer was judged by
///
/// The genuine scores, the budget, the models and the program, as they were: kept for ever, so that
/// every p-value can be worked out again.
#[utoipa::path(
    get, path = "/v1/calibrations/{id}", tag = "checks", params(OperatingPointPath),
    responses((status = 200, description = "The operating point", body = OperatingPointAnswer), Reading),
)]
pub(crate) async fn get_calibration(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<OperatingPointPath>,
) -> Result<Json<OperatingPointAnswer>, Problem> {
    Ok(Json(
        state.assay().kept_operating_point(&actor, &path.id).await?,
    ))
}
