//! `/v1/brands/{brand}/products/{product}/genuine-photos`

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    openapi::{Reading, Removing, Uploading},
    products::ProductPath,
};
use crate::{
    checker::{clock::rfc3339, records::GenuinePhotoRecord},
    contract::{Id, PlainText, RecordId, Sha256Hex},
    domain::gallery::ProductKey,
    http::{
        extract::{Caller, Form, Path},
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

/// The genuine photos of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct GenuinePhotoList {
    /// Oldest first.
    genuine_photos: Vec<GenuinePhotoBody>,
}

/// A genuine photo in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct GenuinePhotoPath {
    /// Id of the brand.
    #[param(value_type = Id, example = "acme")]
    brand: String,
    /// Id of the product.
    #[param(value_type = Id, example = "oat-drink-1l")]
    product: String,
    /// Id of the genuine photo.
    #[param(value_type = RecordId, example = "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10")]
    id: String,
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
    Caller(actor): Caller,
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
        .add_genuine_photo(&actor, &path.into(), &item, image)
        .await?;
    // Without `location`: genuine photos cannot be read one by one.
    Ok((StatusCode::CREATED, Json(record.into())))
}

/// List a product's genuine photos
///
/// Oldest first.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/products/{product}/genuine-photos", tag = "gallery", params(ProductPath),
    responses((status = 200, description = "The product's genuine photos, oldest first", body = GenuinePhotoList), Reading),
)]
pub(crate) async fn list_genuine_photos(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ProductPath>,
) -> Result<Json<GenuinePhotoList>, Problem> {
    let photos = state.assay().genuine_photos(&actor, &path.into()).await?;
    Ok(Json(GenuinePhotoList {
        genuine_photos: photos.into_iter().map(Into::into).collect(),
    }))
}

/// Remove a genuine photo
///
/// What was calibrated with it is worked out anew from the others; until then the product is judged
/// as one without a calibration of its own. Earlier checks keep their answers.
#[utoipa::path(
    delete, path = "/v1/brands/{brand}/products/{product}/genuine-photos/{id}", tag = "gallery", params(GenuinePhotoPath),
    responses((status = 204, description = "The photo counts no longer"), Removing),
)]
pub(crate) async fn delete_genuine_photo(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(GenuinePhotoPath { brand, product, id }): Path<GenuinePhotoPath>,
) -> Result<StatusCode, Problem> {
    let product = ProductKey { brand, product };
    state
        .assay()
        .delete_genuine_photo(&actor, &product, &id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
