//! `/v1/brands/{brand}/products`

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::openapi::{Changing, Creating, Reading, location};
use crate::{
    checker::records::{Change, Product, Settings},
    contract::{Id, PlainText},
    domain::gallery::ProductKey,
    http::{
        extract::{self, Caller, Path},
        problem::Problem,
        state::HttpState,
    },
};

/// A product to create.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "oat-drink-1l", "name": "Oat drink, 1 litre"}))]
pub(crate) struct NewProductBody {
    /// Unique within the brand.
    #[schema(value_type = Id)]
    id: String,
    /// Name for people.
    #[schema(value_type = PlainText)]
    name: String,
}

/// A product.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = json!({"brand": "acme", "id": "oat-drink-1l", "name": "Oat drink, 1 litre", "budget": null, "retired": false}))]
pub(crate) struct ProductBody {
    /// Id of the brand.
    #[schema(value_type = Id)]
    brand: String,
    /// Id, unique within the brand.
    #[schema(value_type = Id)]
    id: String,
    /// Name for people.
    #[schema(value_type = PlainText)]
    name: String,
    /// Share of genuine checks that may be flagged; `null` for the brand's.
    budget: Option<f64>,
    /// Whether it is retired: no longer searched nor claimed.
    retired: bool,
}

impl From<Product> for ProductBody {
    fn from(product: Product) -> Self {
        Self {
            brand: product.key.brand,
            id: product.key.product,
            name: product.name,
            budget: product.settings.budget,
            retired: product.settings.retired,
        }
    }
}

/// What to change; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"budget": 0.05}))]
pub(crate) struct ChangeBody {
    /// Name for people.
    #[schema(value_type = Option<PlainText>)]
    name: Option<String>,
    /// Share of genuine checks that may be flagged; `null` for none of its own.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>, minimum = 0.0001, maximum = 0.5)]
    budget: Option<Option<f64>>,
    /// Whether it is retired: no longer searched nor claimed, and kept for earlier checks.
    retired: Option<bool>,
}

/// A value that was given, `null` too.
pub(super) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    value: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(value).map(Some)
}

impl From<ChangeBody> for Change {
    fn from(body: ChangeBody) -> Self {
        Self {
            name: body.name,
            budget: body.budget,
            retired: body.retired,
        }
    }
}

/// The products of a brand.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProductList {
    /// By id.
    products: Vec<ProductBody>,
}

/// A brand in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct BrandPath {
    /// Id of the brand.
    #[param(value_type = Id, example = "acme")]
    pub brand: String,
}

/// A product in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct ProductPath {
    /// Id of the brand.
    #[param(value_type = Id, example = "acme")]
    brand: String,
    /// Id of the product.
    #[param(value_type = Id, example = "oat-drink-1l")]
    product: String,
}

// Taken as they are: the use case checks ids, for the command line as well.
impl From<ProductPath> for ProductKey {
    fn from(path: ProductPath) -> Self {
        Self {
            brand: path.brand,
            product: path.product,
        }
    }
}

/// Create a product
///
/// The same id and name again is answered the same way, so that the request can be repeated safely;
/// the same id with another name is a conflict.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/products", tag = "gallery", params(BrandPath),
    request_body(content = NewProductBody, description = "The product"),
    responses(
        (status = 201, description = "The product exists now", body = ProductBody,
         headers(("location" = String, description = "Path of the new resource"))),
        Creating,
    ),
)]
pub(crate) async fn create_product(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<BrandPath>,
    extract::Json(body): extract::Json<NewProductBody>,
) -> Result<impl IntoResponse, Problem> {
    // The brand comes from the path alone: another one in the body could contradict it.
    let key = ProductKey {
        brand: path.brand,
        product: body.id,
    };
    let product = state
        .assay()
        .create_product(
            &actor,
            Product {
                key,
                name: body.name,
                settings: Settings::default(),
            },
        )
        .await?;
    let path = location(&[
        "v1",
        "brands",
        &product.key.brand,
        "products",
        &product.key.product,
    ]);
    Ok((
        // Also for a repetition: whoever lost the first answer may ask again.
        StatusCode::CREATED,
        [(header::LOCATION, path)],
        Json(ProductBody::from(product)),
    ))
}

/// List a brand's products
///
/// By id.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/products", tag = "gallery", params(BrandPath),
    responses((status = 200, description = "The brand's products by id", body = ProductList), Reading),
)]
pub(crate) async fn list_products(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<BrandPath>,
) -> Result<Json<ProductList>, Problem> {
    // Without pages: a brand has few products next to its checks.
    let products = state.assay().products(&actor, &path.brand).await?;
    Ok(Json(ProductList {
        products: products.into_iter().map(Into::into).collect(),
    }))
}

/// Change a product
///
/// Its name, its budget, or whether it is retired. Its id stays: answers and references name it.
#[utoipa::path(
    patch, path = "/v1/brands/{brand}/products/{product}", tag = "gallery", params(ProductPath),
    request_body(content = ChangeBody, description = "What to change"),
    responses((status = 200, description = "The product as it is now", body = ProductBody), Changing),
)]
pub(crate) async fn change_product(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ProductPath>,
    extract::Json(body): extract::Json<ChangeBody>,
) -> Result<Json<ProductBody>, Problem> {
    let (key, change) = (path.into(), body.into());
    Ok(Json(
        state
            .assay()
            .change_product(&actor, &key, &change)
            .await?
            .into(),
    ))
}

/// Get a product
///
/// Its names, without its references.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/products/{product}", tag = "gallery", params(ProductPath),
    responses((status = 200, description = "The product", body = ProductBody), Reading),
)]
pub(crate) async fn get_product(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ProductPath>,
) -> Result<Json<ProductBody>, Problem> {
    Ok(Json(
        state.assay().product(&actor, &path.into()).await?.into(),
    ))
}
