//! `PATCH /v1/brands/{brand}/products/{product}/references/{id}`

use axum::{Json, extract::State};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    openapi::Changing,
    products::given,
    references::{ReferenceBody, ReferencePath},
};
use crate::{
    checker::service::EditionChange,
    contract::{Market, RecordId},
    domain::gallery::ProductKey,
    http::{
        extract::{self, Caller, Path},
        problem::Problem,
        state::HttpState,
    },
};

/// Which edition of its article a reference shows; what is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"valid_from": "2024-03-01", "valid_to": null, "markets": ["DE", "AT"]}))]
pub(crate) struct EditionBody {
    /// The first day that an article of this look is sold; `null` for always.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_from: Option<Option<String>>,
    /// The last day that it is sold; `null` for no end.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = Date)]
    valid_to: Option<Option<String>>,
    /// Countries that it is sold in, ISO 3166-1 alpha-2; none for all.
    #[schema(value_type = Option<Vec<Market>>, max_items = 249)]
    markets: Option<Vec<String>>,
    /// Id of another reference of this product that this one is a variant of; `null` for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<RecordId>)]
    variant_of: Option<Option<String>>,
}

impl From<EditionBody> for EditionChange {
    fn from(body: EditionBody) -> Self {
        Self {
            valid_from: body.valid_from,
            valid_to: body.valid_to,
            markets: body.markets,
            variant_of: body.variant_of,
        }
    }
}

/// Say which edition a reference shows
///
/// Since when and until when an article of this look is sold, where, and which reference it is a variant
/// of. It is told with the reference and accuses nothing; what photos are compared with stays the same.
#[utoipa::path(
    patch, path = "/v1/brands/{brand}/products/{product}/references/{id}", tag = "gallery", params(ReferencePath),
    request_body(content = EditionBody, description = "What to change"),
    responses((status = 200, description = "The reference as it is now", body = ReferenceBody), Changing),
)]
pub(crate) async fn change_reference(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
    extract::Json(body): extract::Json<EditionBody>,
) -> Result<Json<ReferenceBody>, Problem> {
    let key = ProductKey { brand, product };
    let assay = state.assay();
    let changed = assay.change_edition(&actor, &key, &id, body.into()).await?;
    Ok(Json(changed.into()))
}
