//! `/v1/brands`

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    openapi::{Changing, Creating, Reading, location},
    products::{BrandPath, NameBody},
};
use crate::{
    checker::records::Brand,
    contract::{Id, PlainText},
    http::{extract, problem::Problem, state::HttpState},
};

/// A brand.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "acme", "name": "Acme Foods"}))]
pub(crate) struct BrandBody {
    /// Unique among brands.
    #[schema(value_type = Id)]
    id: String,
    /// Name for people.
    #[schema(value_type = PlainText)]
    name: String,
}

impl From<Brand> for BrandBody {
    // A record and its JSON are two types: what is stored may change, what callers see may not.
    fn from(brand: Brand) -> Self {
        Self {
            id: brand.id,
            name: brand.name,
        }
    }
}

/// All brands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BrandList {
    /// By id.
    brands: Vec<BrandBody>,
}

/// Create a brand
///
/// The same id and name again is answered the same way, so that the request can be repeated safely;
/// the same id with another name is a conflict.
#[utoipa::path(
    post, path = "/v1/brands", tag = "gallery",
    request_body(content = BrandBody, description = "The brand"),
    responses(
        (status = 201, description = "The brand exists now", body = BrandBody,
         headers(("location" = String, description = "Path of the new resource"))),
        Creating,
    ),
)]
pub(crate) async fn create_brand(
    State(state): State<HttpState>,
    extract::Json(body): extract::Json<BrandBody>,
) -> Result<impl IntoResponse, Problem> {
    let brand = state
        .assay()
        .create_brand(Brand {
            id: body.id,
            name: body.name,
        })
        .await?;
    // From the stored brand and not from the request: it names what exists.
    let path = location(&["v1", "brands", &brand.id]);
    Ok((
        // Also for a repetition: a client that lost the first answer need not tell the two apart.
        StatusCode::CREATED,
        [(header::LOCATION, path)],
        Json(BrandBody::from(brand)),
    ))
}

/// Rename a brand
///
/// Its id stays: answers and references name it.
#[utoipa::path(
    patch, path = "/v1/brands/{brand}", tag = "gallery", params(BrandPath),
    request_body(content = NameBody, description = "The new name"),
    responses((status = 200, description = "The brand has this name now", body = BrandBody), Changing),
)]
pub(crate) async fn rename_brand(
    State(state): State<HttpState>,
    extract::Path(path): extract::Path<BrandPath>,
    extract::Json(body): extract::Json<NameBody>,
) -> Result<Json<BrandBody>, Problem> {
    let brand = Brand {
        id: path.brand,
        name: body.name,
    };
    Ok(Json(state.assay().rename_brand(brand).await?.into()))
}

/// List all brands
///
/// By id.
#[utoipa::path(
    get, path = "/v1/brands", tag = "gallery",
    responses((status = 200, description = "All brands by id", body = BrandList), Reading),
)]
pub(crate) async fn list_brands(
    State(state): State<HttpState>,
) -> Result<Json<BrandList>, Problem> {
    let brands = state.assay().brands().await?;
    Ok(Json(BrandList {
        brands: brands.into_iter().map(Into::into).collect(),
    }))
}
