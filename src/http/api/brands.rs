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
    products::{BrandPath, ChangeBody},
};
use crate::{
    checker::records::{Brand, Settings},
    contract::{Id, PlainText},
    http::{
        extract::{self, Caller},
        problem::Problem,
        state::HttpState,
    },
};

/// A brand to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "acme", "name": "Acme Foods"}))]
pub(crate) struct NewBrandBody {
    /// Unique among brands.
    #[schema(value_type = Id)]
    id: String,
    /// Name for people.
    #[schema(value_type = PlainText)]
    name: String,
}

/// A brand.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"id": "acme", "name": "Acme Foods", "budget": null, "retired": false}))]
pub(crate) struct BrandBody {
    /// Unique among brands.
    #[schema(value_type = Id)]
    id: String,
    /// Name for people.
    #[schema(value_type = PlainText)]
    name: String,
    /// Share of genuine checks that may be flagged; `null` for the operator's.
    budget: Option<f64>,
    /// Whether it is retired: none of its products is searched or claimed.
    retired: bool,
}

impl From<Brand> for BrandBody {
    // A record and its JSON are two types: what is stored may change, what callers see may not.
    fn from(brand: Brand) -> Self {
        Self {
            id: brand.id,
            name: brand.name,
            budget: brand.settings.budget,
            retired: brand.settings.retired,
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
    request_body(content = NewBrandBody, description = "The brand"),
    responses(
        (status = 201, description = "The brand exists now", body = BrandBody,
         headers(("location" = String, description = "Path of the new resource"))),
        Creating,
    ),
)]
pub(crate) async fn create_brand(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    extract::Json(body): extract::Json<NewBrandBody>,
) -> Result<impl IntoResponse, Problem> {
    let brand = state
        .assay()
        .create_brand(
            &actor,
            Brand {
                id: body.id,
                name: body.name,
                settings: Settings::default(),
            },
        )
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

/// Change a brand
///
/// Its name, its budget, or whether it is retired with all its products. Its id stays: answers and
/// references name it.
#[utoipa::path(
    patch, path = "/v1/brands/{brand}", tag = "gallery", params(BrandPath),
    request_body(content = ChangeBody, description = "What to change"),
    responses((status = 200, description = "The brand as it is now", body = BrandBody), Changing),
)]
pub(crate) async fn change_brand(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    extract::Path(path): extract::Path<BrandPath>,
    extract::Json(body): extract::Json<ChangeBody>,
) -> Result<Json<BrandBody>, Problem> {
    let changed = state
        .assay()
        .change_brand(&actor, &path.brand, &body.into())
        .await?;
    Ok(Json(changed.into()))
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
    Caller(actor): Caller,
) -> Result<Json<BrandList>, Problem> {
    let brands = state.assay().brands(&actor).await?;
    Ok(Json(BrandList {
        brands: brands.into_iter().map(Into::into).collect(),
    }))
}
