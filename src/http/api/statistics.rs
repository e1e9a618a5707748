//! `/v1/brands/{brand}/statistics`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{openapi::Counting, products::BrandPath};
use crate::{
    contract::{limits::STATISTICS_DAYS, statistics::StatisticsAnswer},
    http::{
        extract::{Caller, Path, Query},
        problem::Problem,
        state::HttpState,
    },
};

/// How far to look back.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct StatisticsQuery {
    /// Days, today among them.
    #[param(minimum = 1, maximum = 92, default = 30)]
    days: Option<usize>,
}

/// Count what was checked against a brand
///
/// Checks that claim the brand by day, verdict and product, and how many of those that were flagged
/// people upheld and overturned. It names neither listings nor sellers.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/statistics", tag = "gallery", params(BrandPath, StatisticsQuery),
    responses((status = 200, description = "The counts", body = StatisticsAnswer), Counting),
)]
pub(crate) async fn get_statistics(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<BrandPath>,
    Query(query): Query<StatisticsQuery>,
) -> Result<Json<StatisticsAnswer>, Problem> {
    let days = query.days.unwrap_or(STATISTICS_DAYS);
    Ok(Json(
        state.assay().statistics(&actor, &path.brand, days).await?,
    ))
}
