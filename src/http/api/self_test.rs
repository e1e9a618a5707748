//! `/v1/brands/{brand}/products/{product}/self-test`

use axum::{Json, extract::State};
use serde::{Deserialize, Deserializer, de::Error};
use utoipa::ToSchema;

use super::{openapi::SelfTesting, products::ProductPath};
use crate::{
    checker::service::SelfTestRequest,
    contract::{Seed, limits::PHOTOS_PER_KIND, self_test::SelfTestAnswer},
    http::{
        extract::{Caller, OptionalJson, Path},
        problem::Problem,
        state::HttpState,
    },
};

/// How much to try.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(example = json!({"photos_per_kind": 4, "seed": 1}))]
pub(crate) struct SelfTestBody {
    /// Photos of each kind of edit, and as many unedited ones.
    #[schema(minimum = 1, maximum = 12, default = 4)]
    #[serde(deserialize_with = "whole")]
    photos_per_kind: usize,
    /// Seed of edits and photos: the same seed gives the same report while references, models and
    /// calibration stay.
    #[schema(value_type = Seed, default = 1)]
    #[serde(deserialize_with = "whole")]
    seed: u64,
}

impl Default for SelfTestBody {
    fn default() -> Self {
        Self {
            photos_per_kind: PHOTOS_PER_KIND,
            seed: 1,
        }
    }
}

/// Try what would be flagged
///
/// Edits the product's own references by kind, photographs them by a simulator, and says per kind
/// what share would be flagged at the budget in use, and which of the product's genuine photos
/// would be. Shares on real photos will differ. Nothing of it is kept. It takes about as long as a
/// check of as many photos; one runs at a time.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/products/{product}/self-test", tag = "gallery", params(ProductPath),
    request_body(content = SelfTestBody, description = "How much to try; without a body, four photos of each kind"),
    responses((status = 200, description = "What would be flagged", body = SelfTestAnswer), SelfTesting),
)]
pub(crate) async fn self_test(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ProductPath>,
    OptionalJson(body): OptionalJson<SelfTestBody>,
) -> Result<Json<SelfTestAnswer>, Problem> {
    let SelfTestBody {
        photos_per_kind,
        seed,
    } = body;
    let request = SelfTestRequest {
        product: path.into(),
        photos_per_kind,
        seed,
    };
    // Nobody hears of progress here: there is one answer, at the end.
    Ok(Json(
        state
            .assay()
            .self_test(&actor, request, |_, _, _| {})
            .await?,
    ))
}

/// A whole number: in JSON `4.0` is the same number as `4`, and some clients know no other kind.
fn whole<'de, D: Deserializer<'de>, T: TryFrom<u64>>(deserializer: D) -> Result<T, D::Error> {
    // Read as any number: a type for whole ones would refuse `4.0`.
    let number = serde_json::Number::deserialize(deserializer)?;
    // Compared as floats: 2^64 is one, and the largest whole number below it is not.
    let below_2_64 = |x: &f64| x.fract() == 0.0 && (0.0..18_446_744_073_709_551_616.0).contains(x);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the filter lets only whole numbers pass that a u64 holds"
    )]
    let whole = number
        .as_u64()
        .or_else(|| number.as_f64().filter(below_2_64).map(|x| x as u64));
    whole.and_then(|n| T::try_from(n).ok()).ok_or_else(|| {
        D::Error::custom(format!("`{number}` is no whole number from 0 to 2^64 - 1"))
    })
}
