//! `/v1/brands/{brand}/products/{product}/authorised-photos`

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    openapi::{Reading, Removing, Uploading},
    products::ProductPath,
};
use crate::{
    checker::{clock::rfc3339, records::AuthorisedPhotoRecord},
    contract::{Id, PlainText, RecordId, Sha256Hex},
    domain::gallery::ProductKey,
    http::{
        extract::{Caller, Form, Path},
        parts::{Parts, Wanted},
        problem::Problem,
        state::HttpState,
    },
};

/// The parts of the form that adds an authorised photo.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "describes the form; its parts are read as they arrive"
)]
pub(crate) struct AuthorisedPhotoForm {
    /// The photo as a listing may show it: JPEG, PNG or WebP, recognised by content.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    image: Vec<u8>,
    /// What it is, such as `press picture of 2025`.
    #[schema(value_type = PlainText)]
    note: String,
}

/// An authorised photo.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuthorisedPhotoBody {
    /// Id.
    #[schema(value_type = RecordId)]
    id: String,
    /// Id of the brand.
    #[schema(value_type = Id)]
    brand: String,
    /// Id of the product.
    #[schema(value_type = Id)]
    product: String,
    /// What it is.
    #[schema(value_type = PlainText)]
    note: String,
    /// SHA-256 of the file, lower-case hex.
    #[schema(value_type = Sha256Hex)]
    sha256: String,
    /// When it was added, RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<AuthorisedPhotoRecord> for AuthorisedPhotoBody {
    fn from(record: AuthorisedPhotoRecord) -> Self {
        Self {
            id: record.id,
            brand: record.product.brand,
            product: record.product.product,
            note: record.note,
            // Tells a caller which of its files this is; the file itself is never given back.
            sha256: record.sha256.to_string(),
            created_at: rfc3339(record.created_ms),
        }
    }
}

/// The authorised photos of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuthorisedPhotoList {
    /// Oldest first.
    authorised_photos: Vec<AuthorisedPhotoBody>,
}

/// An authorised photo in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct AuthorisedPhotoPath {
    /// Id of the brand.
    #[param(value_type = Id, example = "acme")]
    brand: String,
    /// Id of the product.
    #[param(value_type = Id, example = "oat-drink-1l")]
    product: String,
    /// Id of the authorised photo.
    #[param(value_type = RecordId, example = "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10")]
    id: String,
}

/// Add an authorised photo
///
/// A photo that must never be flagged under a claim on the product: a picture that the brand gave out, or
/// a harmless look-alike. It is neither searched nor learnt from; each self-test judges it as a check
/// would, and names it when it would be flagged. At most 100 per product.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/products/{product}/authorised-photos", tag = "gallery", params(ProductPath),
    request_body(content = AuthorisedPhotoForm, content_type = "multipart/form-data", description = "The photo and what it is",
                 encoding(("image" = (content_type = "image/jpeg, image/png, image/webp")))),
    responses((status = 201, description = "The photo takes part in the next self-test", body = AuthorisedPhotoBody), Uploading),
)]
pub(crate) async fn add_authorised_photo(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ProductPath>,
    Form(form): Form,
) -> Result<(StatusCode, Json<AuthorisedPhotoBody>), Problem> {
    let config = state.config();
    let parts = Parts::read(
        form,
        // One photo a request, so that an error belongs to one photo.
        &[Wanted::pictures("image", 1, config), Wanted::text("note")],
        config,
    )
    .await?;
    let (note, image) = (parts.required_text("note")?, parts.picture("image")?);
    let record = state
        .assay()
        .add_authorised_photo(&actor, &path.into(), &note, image)
        .await?;
    // Without `location`: they cannot be read one by one.
    Ok((StatusCode::CREATED, Json(record.into())))
}

/// List a product's authorised photos
///
/// Oldest first.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/products/{product}/authorised-photos", tag = "gallery", params(ProductPath),
    responses((status = 200, description = "The product's authorised photos, oldest first", body = AuthorisedPhotoList), Reading),
)]
pub(crate) async fn list_authorised_photos(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ProductPath>,
) -> Result<Json<AuthorisedPhotoList>, Problem> {
    let photos = state
        .assay()
        .authorised_photos(&actor, &path.into())
        .await?;
    Ok(Json(AuthorisedPhotoList {
        authorised_photos: photos.into_iter().map(Into::into).collect(),
    }))
}

/// Remove an authorised photo
///
/// Its file stays, since other records may need it.
#[utoipa::path(
    delete, path = "/v1/brands/{brand}/products/{product}/authorised-photos/{id}", tag = "gallery", params(AuthorisedPhotoPath),
    responses((status = 204, description = "The photo is judged by no self-test any more"), Removing),
)]
pub(crate) async fn delete_authorised_photo(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(AuthorisedPhotoPath { brand, product, id }): Path<AuthorisedPhotoPath>,
) -> Result<StatusCode, Problem> {
    let product = ProductKey { brand, product };
    state
        .assay()
        .delete_authorised_photo(&actor, &product, &id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}
