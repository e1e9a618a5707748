//! `/v1/brands/{brand}/products/{product}/references`

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::{IntoParams, ToSchema};

use super::{
    openapi::{Reading, Removing, Uploading, location},
    products::ProductPath,
};
use crate::{
    checker::{
        clock::rfc3339,
        records::{Edition, ReferenceRecord},
        service::NewReference,
    },
    contract::{
        Corners, Id, MarkKind, Market, OptionalText, PlainText, RecordId, ReferenceKind, Sha256Hex,
        limits::{MOST_MARKETS, MOST_MARKS},
    },
    domain::{
        gallery::{Health, Mark, ProductKey},
        geometry::Point,
    },
    http::{
        extract::{Caller, Form, Path},
        parts::{Parts, Wanted},
        problem::{Problem, kind},
        state::HttpState,
    },
};

/// The parts of the form that enrolls a reference.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(
    dead_code,
    reason = "describes the form; its parts are read as they arrive"
)]
pub(crate) struct ReferenceForm {
    /// The picture: JPEG, PNG or WebP, recognised by content.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    image: Vec<u8>,
    /// What the picture shows: `pack`, `logo`, `label`, or `catalogue_photo`, the brand's own
    /// published picture, which on a listing shows no item at all.
    kind: ReferenceKind,
    /// Side or view, such as `front`.
    #[schema(value_type = PlainText, required = false)]
    view: Option<String>,
    /// Protected marks, the places that a forger must get right, and regions to ignore since their
    /// print varies by design, as JSON: one part with an array of all, or one part for each. Assay
    /// proposes marks when there are none but ignored regions.
    #[schema(max_items = 24, required = false)]
    marks: Vec<NewMarkBody>,
    /// The first day that an article of this look is sold. Like the three that follow it is told with
    /// the reference and accuses nothing: an old pack, and one of another country, is genuine too.
    #[schema(format = Date, required = false)]
    valid_from: Option<String>,
    /// The last day that it is sold.
    #[schema(format = Date, required = false)]
    valid_to: Option<String>,
    /// Countries that it is sold in (ISO 3166-1 alpha-2, such as `DE`), one part for each; none for all.
    #[schema(value_type = Vec<Market>, max_items = 249, required = false)]
    markets: Vec<String>,
    /// Id of another reference of this product that this one is a variant of.
    #[schema(value_type = RecordId, required = false)]
    variant_of: Option<String>,
}

/// A protected mark, as its owner gives it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "brand name", "kind": "text", "text": "ACME",
    "region": [[0.2, 0.1], [0.8, 0.1], [0.8, 0.25], [0.2, 0.25]]}))]
pub struct NewMarkBody {
    /// Name shown to people, unique within the reference; a region that is ignored needs none.
    #[schema(value_type = PlainText, required = false)]
    #[serde(default)]
    name: String,
    /// What it holds.
    kind: MarkKind,
    /// Corners in order around the mark, as [x, y] in 0..1 of the upright picture. They enclose
    /// some area.
    #[schema(value_type = Corners)]
    region: Vec<[f64; 2]>,
    /// What a text mark should read; the others have none.
    #[schema(value_type = OptionalText, required = false)]
    text: Option<String>,
}

/// A protected mark of an enrolled reference.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MarkBody {
    /// Name shown to people.
    name: String,
    /// What it holds.
    kind: MarkKind,
    /// Corners in order around the mark, as [x, y] in 0..1 of the upright picture.
    region: Vec<[f64; 2]>,
    /// What a text mark should read.
    text: Option<String>,
    /// Whether Assay proposed it because none was given.
    proposed: bool,
}

/// How usable a reference is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HealthBody {
    /// Whether photos can be compared with it at all.
    usable: bool,
    /// Local features found.
    keypoints: usize,
    /// Sharpness, 0 to 1; low is blurred.
    sharpness: f64,
    /// What is wrong or weak and what to do about it.
    problems: Vec<String>,
}

/// An enrolled reference.
#[derive(Debug, Serialize, ToSchema)]
#[schema(example = super::openapi::reference_example)]
pub(crate) struct ReferenceBody {
    /// Id.
    #[schema(value_type = RecordId)]
    id: String,
    /// Id of the brand.
    #[schema(value_type = Id)]
    brand: String,
    /// Id of the product.
    #[schema(value_type = Id)]
    product: String,
    /// What it shows.
    kind: ReferenceKind,
    /// Side or view named by the owner.
    view: Option<String>,
    /// SHA-256 of the file, lower-case hex.
    #[schema(value_type = Sha256Hex)]
    sha256: String,
    /// Width in pixels, upright.
    width: u32,
    /// Height in pixels, upright.
    height: u32,
    /// How usable it is.
    health: HealthBody,
    /// Protected marks, given or proposed, and regions that are ignored.
    marks: Vec<MarkBody>,
    /// The first day that an article of this look is sold; `null` where its owner does not say.
    #[schema(format = Date)]
    valid_from: Option<String>,
    /// The last day that it is sold; `null` where its owner does not say.
    #[schema(format = Date)]
    valid_to: Option<String>,
    /// Countries that it is sold in, ISO 3166-1 alpha-2; none for all.
    #[schema(value_type = Vec<Market>)]
    markets: Vec<String>,
    /// The reference of the same product that it is a variant of; it may be removed by now.
    #[schema(value_type = Option<RecordId>)]
    variant_of: Option<String>,
    /// When it was enrolled, RFC 3339, UTC.
    #[schema(format = DateTime)]
    created_at: String,
}

impl From<ReferenceRecord> for ReferenceBody {
    fn from(record: ReferenceRecord) -> Self {
        // Taken apart field by field: a new one does not compile until somebody decides who sees
        // it.
        let Health {
            usable,
            keypoints,
            sharpness,
            problems,
        } = record.health;
        let Edition {
            valid_from,
            valid_to,
            markets,
            variant_of,
        } = record.edition;
        Self {
            id: record.id,
            brand: record.product.brand,
            product: record.product.product,
            kind: record.kind.into(),
            view: record.view,
            sha256: record.sha256.to_string(),
            width: record.width,
            height: record.height,
            health: HealthBody {
                usable,
                keypoints,
                sharpness,
                problems,
            },
            marks: record.marks.into_iter().map(Into::into).collect(),
            valid_from,
            valid_to,
            markets,
            variant_of,
            created_at: rfc3339(record.created_ms),
        }
    }
}

impl From<Mark> for MarkBody {
    fn from(mark: Mark) -> Self {
        let region = mark.region.iter().map(|p| [p.x, p.y]).collect();
        Self {
            name: mark.name,
            kind: mark.kind.into(),
            region,
            text: mark.text,
            proposed: mark.proposed,
        }
    }
}

/// The references of a product.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ReferenceList {
    /// Oldest first.
    references: Vec<ReferenceBody>,
}

/// A reference in the path.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct ReferencePath {
    /// Id of the brand.
    #[param(value_type = Id, example = "acme")]
    pub brand: String,
    /// Id of the product.
    #[param(value_type = Id, example = "oat-drink-1l")]
    pub product: String,
    /// Id of the reference.
    #[param(value_type = RecordId, example = "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10")]
    pub id: String,
}

/// Enroll a reference
///
/// A picture of a genuine item, or of its logo or label. It takes part in the next check. The
/// answer says at once how usable it is; a picture in which nothing can be located is refused. The
/// same picture for the same product again is a conflict.
#[utoipa::path(
    post, path = "/v1/brands/{brand}/products/{product}/references", tag = "gallery", params(ProductPath),
    request_body(content = ReferenceForm, content_type = "multipart/form-data", description = "The picture and what it shows",
                 encoding(("image" = (content_type = "image/jpeg, image/png, image/webp")),
                          ("marks" = (content_type = "application/json")))),
    responses(
        (status = 201, description = "The reference takes part in the next check", body = ReferenceBody,
         headers(("location" = String, description = "Path of the new resource"))),
        Uploading,
    ),
)]
pub(crate) async fn enroll_reference(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ProductPath>,
    Form(form): Form,
) -> Result<impl IntoResponse, Problem> {
    let config = state.config();
    let wanted = [
        Wanted::pictures("image", 1, config),
        Wanted::text("kind"),
        Wanted::text("view"),
        // No more parts than marks: the rest could only be refused later.
        Wanted::json("marks", MOST_MARKS),
        Wanted::text("valid_from"),
        Wanted::text("valid_to"),
        Wanted::texts("markets", MOST_MARKETS),
        Wanted::text("variant_of"),
    ];
    let parts = Parts::read(form, &wanted, config).await?;
    let new = NewReference {
        product: path.into(),
        // A part of a form is only text: nothing before this could refuse an unknown name.
        kind: reference_kind(&parts.required_text("kind")?)?.into(),
        view: parts.text("view")?,
        marks: marks(&parts.texts("marks"))?,
        edition: Edition {
            valid_from: parts.text("valid_from")?,
            valid_to: parts.text("valid_to")?,
            markets: parts.texts("markets"),
            variant_of: parts.text("variant_of")?,
        },
        image: parts.picture("image")?,
    };
    let record = state.assay().enroll_reference(&actor, new).await?;
    // From the record: the path's ids went into the request.
    let ProductKey { brand, product } = &record.product;
    let path = location(&[
        "v1",
        "brands",
        brand,
        "products",
        product,
        "references",
        &record.id,
    ]);
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, path)],
        Json(ReferenceBody::from(record)),
    ))
}

/// List a product's references
///
/// Oldest first, each with its health and protected marks.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/products/{product}/references", tag = "gallery", params(ProductPath),
    responses((status = 200, description = "The product's references, oldest first", body = ReferenceList), Reading),
)]
pub(crate) async fn list_references(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(path): Path<ProductPath>,
) -> Result<Json<ReferenceList>, Problem> {
    let references = state.assay().references(&actor, &path.into()).await?;
    Ok(Json(ReferenceList {
        references: references.into_iter().map(Into::into).collect(),
    }))
}

/// Get a reference
///
/// One reference with its health and protected marks.
#[utoipa::path(
    get, path = "/v1/brands/{brand}/products/{product}/references/{id}", tag = "gallery", params(ReferencePath),
    responses((status = 200, description = "The reference", body = ReferenceBody), Reading),
)]
pub(crate) async fn get_reference(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
) -> Result<Json<ReferenceBody>, Problem> {
    let references = state
        .assay()
        .references(&actor, &ProductKey { brand, product })
        .await?;
    // A product has few references: reading all spares the store a question of its own.
    let found = references.into_iter().find(|r| r.id == id);
    // A reference of another product is as unknown here: the path names its product.
    let missing = || Problem::new(&kind::NOT_FOUND, format!("reference `{id}` does not exist"));
    Ok(Json(found.ok_or_else(missing)?.into()))
}

/// Remove a reference
///
/// The next check no longer sees it; earlier checks keep their answers.
#[utoipa::path(
    delete, path = "/v1/brands/{brand}/products/{product}/references/{id}", tag = "gallery", params(ReferencePath),
    responses((status = 204, description = "The reference is gone"), Removing),
)]
pub(crate) async fn delete_reference(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
) -> Result<StatusCode, Problem> {
    state
        .assay()
        .delete_reference(&actor, &ProductKey { brand, product }, &id)
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

fn reference_kind(name: &str) -> Result<ReferenceKind, Problem> {
    let found = ReferenceKind::ALL.iter().find(|k| k.name() == name);
    found.copied().ok_or_else(|| {
        // From the list itself, so that the message also names a kind that is added later.
        let known: Vec<_> = ReferenceKind::ALL
            .iter()
            .map(|k| format!("`{k}`"))
            .collect();
        Problem::field(
            "kind",
            format!("is `{name}`; it is one of {}", known.join(", ")),
        )
    })
}

/// The marks of the parts `marks`: clients made from the contract send each in a part of its own,
/// people an array. Only their form is looked at here: their values are the use case's to judge.
fn marks(parts: &[String]) -> Result<Vec<Mark>, Problem> {
    let mut marks = Vec::new();
    for json in parts {
        // Single marks and arrays may be mixed: a part's number is that of its first mark.
        let at = marks.len();
        // By the first character: trying both ways could report the error of the wrong one.
        if json.trim_start().starts_with('[') {
            let given: Vec<NewMarkBody> = read(json, |path| format!("marks{path}"))?;
            marks.extend(given.into_iter().map(Mark::from));
        } else {
            let given: NewMarkBody = read(json, |path| match path {
                "." => format!("marks[{at}]"),
                field => format!("marks[{at}].{field}"),
            })?;
            marks.push(given.into());
        }
    }
    Ok(marks)
}

/// `field` names the place of an error from the path to it, which is `.` at the root.
fn read<T: DeserializeOwned>(json: &str, field: impl Fn(&str) -> String) -> Result<T, Problem> {
    let refused = |path: &str, why: &serde_json::Error| {
        Problem::field(
            // The path of the whole is a lone dot, which is no field's name.
            field(path).trim_end_matches('.'),
            format!("is not as this request's documentation says: {why}"),
        )
    };
    let mut deserializer = serde_json::Deserializer::from_str(json);
    let value = serde_path_to_error::deserialize(&mut deserializer)
        .map_err(|error| refused(&error.path().to_string(), error.inner()))?;
    deserializer.end().map_err(|error| refused(".", &error))?;
    Ok(value)
}

impl From<NewMarkBody> for Mark {
    fn from(given: NewMarkBody) -> Self {
        let region = given
            .region
            .iter()
            .map(|[x, y]| Point::new(*x, *y))
            .collect();
        Self {
            name: given.name,
            kind: given.kind.into(),
            region,
            text: given.text,
            // What a caller gives is its owner's word and never a proposal.
            proposed: false,
        }
    }
}
