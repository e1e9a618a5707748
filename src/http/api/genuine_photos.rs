//! `/v1/brands/{brand}/products/{product}/genuine-photos`

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    openapi::{Uploading, rfc3339},
    products::ProductPath,
};
use crate::{
    checker::records::GenuinePhotoRecord,
    contract::{Id, PlainText, RecordId, Sha256Hex},
    http::{
        extract::{Form, Path},
        parts::{Parts, Wanted},
        problem::Problem,
        state::HttpState,
    },
};

/// The parts of the form that adds a genuine photo.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "describes the form; its parts are read as they arrive"
)]
pub(crate) struct GenuinePhotoForm {
    /// The photo, taken as sellers take theirs: JPEG, PNG or WebP, recognised by content.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    image: Vec<u8>,
    /// The physical item that the photo shows; photos of one item are not independent of each
    /// other.
    #[schema(value_type = PlainText)]
    item: String,
}

/// A genuine photo.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GenuinePhotoBody {
    /// Id.
    #[schema(value_type = RecordId)]
    id: String,
    /// Id of the brand.
    #[schema(value_type = Id)]
    brand: String,
    /// Id of the product.
    #[schema(value_type = Id)]
    product: String,
    /// The physical item.
    #[schema(value_type = PlainText)]
    item: String,
    /// SHA-256 of the file, lower-case hex.
    #[schema(value_type = Sha256Hex)]
    sha256: String,
    /// When it was added, RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<GenuinePhotoRecord> for GenuinePhotoBody {
    fn from(record: GenuinePhotoRecord) -> Self {
        Self {
            id: record.id,
            brand: record.product.brand,
            product: record.product.product,
            item: record.item,
            // Tells a caller which of its files this is; the file itself is never given back.
            sha256: record.sha256.to_string(),
            created_at: rfc3339(record.created_ms),
        }
    }
}

/// Add a genuine photo
///
/// Calibration data: a listing-like photo of an item known to be genuine. It is never searched.
/// With enough items the product's p-values come from them instead of the shipped calibration; a
/// check's `calibration` says how many are missing. From three items on, what nearly all of them
/// show at a place of the reference is taken off a photo's evidence there; a word surely read as on
/// one of them accuses no photo.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/products/{product}/genuine-photos", tag = "gallery", params(ProductPath),
    request_body(content = GenuinePhotoForm, content_type = "multipart/form-data", description = "The photo and its item",
                 encoding(("image" = (content_type = "image/jpeg, image/png, image/webp")))),
    responses((status = 201, description = "The photo counts from the next check on", body = GenuinePhotoBody), Uploading),
)]
pub(crate) async fn add_genuine_photo(
    State(state): State<HttpState>,
    Path(path): Path<ProductPath>,
    Form(form): Form,
) -> Result<(StatusCode, Json<GenuinePhotoBody>), Problem> {
    let config = state.config();
    let parts = Parts::read(
        form,
        // One photo a request, so that an error belongs to one photo.
        &[Wanted::pictures("image", 1, config), Wanted::text("item")],
        config,
    )
    .await?;
    let (item, image) = (parts.required_text("item")?, parts.picture("image")?);
    let record = state
        .assay()
        .add_genuine_photo(&path.into(), &item, image)
        .await?;
    // Without `location`: genuine photos cannot be read one by one.
    Ok((StatusCode::CREATED, Json(record.into())))
}
