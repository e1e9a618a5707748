//! Genuine photos of a product, and those that must never be flagged: adding them without a script, and
//! removing them.

use axum::{
    Extension,
    extract::{Request, State},
    http::StatusCode,
    response::{Redirect, Response},
};

use super::{
    form::{self, PageForm},
    frame::{Frame, page},
    product::{RemovePage, missing, path},
    view,
};
use crate::{
    checker::clock::rfc3339,
    domain::gallery::ProductKey,
    http::{
        api::{products::ProductPath, references::ReferencePath},
        extract::{Caller, Path},
        parts::Wanted,
        problem::Problem,
        session::Session,
        state::HttpState,
    },
};

/// Adds one genuine photo without a script.
pub(super) async fn add_photo(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(at): Path<ProductPath>,
    request: Request,
) -> Result<Redirect, Problem> {
    let wanted = vec![
        Wanted::pictures("image", 1, state.config()),
        Wanted::text("item"),
    ];
    let parts = form::upload(request, &state, wanted).await?;
    let key = at.into();
    let (item, image) = (parts.required_text("item")?, parts.picture("image")?);
    let assay = state.assay();
    assay.add_genuine_photo(&actor, &key, &item, image).await?;
    Ok(Redirect::to(&format!("{}#genuine", path(&key))))
}

/// Adds one photo that must never be flagged, without a script.
pub(super) async fn add_authorised(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(at): Path<ProductPath>,
    request: Request,
) -> Result<Redirect, Problem> {
    let wanted = vec![
        Wanted::pictures("image", 1, state.config()),
        Wanted::text("note"),
    ];
    let parts = form::upload(request, &state, wanted).await?;
    let key = at.into();
    let (note, image) = (parts.required_text("note")?, parts.picture("image")?);
    let assay = state.assay();
    assay
        .add_authorised_photo(&actor, &key, &note, image)
        .await?;
    Ok(Redirect::to(&format!("{}#authorised", path(&key))))
}

/// Asks before such a photo is removed.
pub(super) async fn ask_authorised(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
) -> Result<Response, Problem> {
    let key = ProductKey { brand, product };
    let photos = state.assay().authorised_photos(&actor, &key).await?;
    let found = photos.into_iter().find(|p| p.id == id);
    let record = found.ok_or_else(|| missing("authorised photo", &id))?;
    let back = path(&key);
    let asked = RemovePage {
        frame: Frame::of(&actor, session.as_deref()),
        title: "Remove this photo?",
        about: format!("{}, of {key}; SHA-256 {}", record.note, record.sha256),
        follows: "No self-test judges it any more. Earlier checks keep their answers.",
        picture: None,
        action: format!("{back}/authorised-photos/{id}/remove"),
        back,
    };
    Ok(page(StatusCode::OK, &asked))
}

pub(super) async fn remove_authorised(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
    _: PageForm,
) -> Result<Redirect, Problem> {
    let key = ProductKey { brand, product };
    let assay = state.assay();
    assay.delete_authorised_photo(&actor, &key, &id).await?;
    Ok(Redirect::to(&format!("{}#authorised", path(&key))))
}

/// Asks before a genuine photo is removed.
pub(super) async fn ask_photo(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
) -> Result<Response, Problem> {
    let key = ProductKey { brand, product };
    let photos = state.assay().genuine_photos(&actor, &key).await?;
    let found = photos.into_iter().find(|p| p.id == id);
    let record = found.ok_or_else(|| missing("genuine photo", &id))?;
    let back = path(&key);
    let asked = RemovePage {
        frame: Frame::of(&actor, session.as_deref()),
        title: "Remove this genuine photo?",
        about: format!(
            "Photo of the item {} of {key}, added {}; SHA-256 {}",
            record.item,
            view::time(&rfc3339(record.created_ms)),
            record.sha256
        ),
        follows: "What was calibrated with it is worked out anew from the others; until then the \
                  product is judged as one without a calibration of its own. Earlier checks keep \
                  their answers.",
        picture: None,
        action: format!("{back}/genuine-photos/{id}/remove"),
        back,
    };
    Ok(page(StatusCode::OK, &asked))
}

pub(super) async fn remove_photo(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
    _: PageForm,
) -> Result<Redirect, Problem> {
    let key = ProductKey { brand, product };
    let assay = state.assay();
    assay.delete_genuine_photo(&actor, &key, &id).await?;
    Ok(Redirect::to(&format!("{}#genuine", path(&key))))
}
