//! One check: what the photos show beside the references, what people said, and the decision.

use std::collections::BTreeMap;

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{Redirect, Response},
};
use serde::Deserialize;

use super::{
    form::PageForm,
    frame::{Frame, page},
    plot::Plot,
    shapes::Shape,
    view,
};
use crate::{
    checker::{
        actor::{Actor, Role},
        ports::StoreError,
        records::ReferenceRecord,
        service::{NewDecision, ServiceError},
    },
    contract::{
        MarkAnswer, ReviewOutcome, Verdict,
        answer::{CheckAnswer, MatchAnswer, PhotoAnswer, ReasonAnswer},
        review::ReviewAnswer,
    },
    http::{
        api::checks::CheckPath,
        extract::{Caller, Path, Query},
        problem::Problem,
        session::Session,
        state::HttpState,
    },
};

/// Which photo of the check, and which of its matches; both from 0.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Shown {
    #[serde(default)]
    photo: usize,
    #[serde(default)]
    m: usize,
}

#[derive(Template)]
#[template(path = "review.html")]
struct ReviewPage {
    frame: Frame,
    check: CheckAnswer,
    review: Option<ReviewAnswer>,
    /// Number of the photo that is shown.
    n: usize,
    /// Number of the match that is shown.
    m: usize,
    /// What it is compared with, where that is anything.
    compared: Option<Compared>,
    /// Places in the photo as it was sent.
    sent: Vec<Shape>,
    plot: Option<Plot>,
    written: Vec<(&'static str, String)>,
    /// Photos whose files were removed, each with by what and when.
    removed: BTreeMap<usize, String>,
    history: Vec<CheckAnswer>,
    decides: bool,
}

/// The reference that a photo is compared with.
struct Compared {
    reference: ReferenceRecord,
    /// Whether the photo can be laid over it.
    located: bool,
    /// Places in the reference's frame.
    shapes: Vec<Shape>,
}

impl ReviewPage {
    fn photo(&self) -> Option<&PhotoAnswer> {
        self.check.photos.get(self.n)
    }

    fn found(&self) -> Option<&MatchAnswer> {
        self.photo()?.matches.get(self.m)
    }

    /// Reasons of the photo that is shown.
    fn reasons(&self) -> impl Iterator<Item = &ReasonAnswer> {
        self.check.reasons.iter().filter(|r| r.photo == self.n)
    }

    /// Whether a mark is shown in red under a green verdict, which wants a word.
    fn mark_under_green(&self) -> bool {
        let marks = self.found().map_or(&[][..], |found| &found.marks);
        self.check.verdict == Verdict::Consistent
            && marks
                .iter()
                .any(|mark| mark.answer == MarkAnswer::Different)
    }

    fn claim(&self) -> String {
        view::claim(self.check.claim.as_ref())
    }

    fn outcomes(&self) -> [(ReviewOutcome, &'static str, &'static str); 3] {
        [
            (ReviewOutcome::Uphold, "u", "Uphold: the answer stands"),
            (
                ReviewOutcome::Overturn,
                "o",
                "Overturn: the answer was wrong",
            ),
            (ReviewOutcome::NeedPhoto, "p", "Another photo is needed"),
        ]
    }

    fn names_product(&self) -> bool {
        let claim = self.check.claim.as_ref();
        claim.is_some_and(|claim| claim.product.is_some())
    }

    fn yours(&self) -> bool {
        let holder = self.review.as_ref().and_then(|r| r.holder.as_ref());
        holder.is_some_and(|holder| holder.yours)
    }

    /// The separate channels of the match: name, value, and what the value says.
    fn channels(&self) -> Vec<(&'static str, String, &'static str)> {
        let Some(found) = self.found() else {
            return Vec::new();
        };
        let channels = &found.channels;
        vec![
            (
                "similarity",
                format!("{:.3}", found.similarity),
                "all of it in one number, 0 to 1",
            ),
            (
                "whole picture",
                view::share(channels.embedding),
                "how alike both look as a whole, -1 to 1",
            ),
            (
                "places that agree",
                channels.geometry.inliers.to_string(),
                "points of print found where the reference has them",
            ),
            (
                "spread",
                format!("{:.2}", channels.geometry.spread),
                "share of the reference's area that they cover",
            ),
            (
                "appearance",
                view::share(channels.appearance),
                "correlation of aligned blocks, -1 to 1",
            ),
            (
                "text",
                view::share(channels.text),
                "agreement of expected and read letters, 0 to 1",
            ),
            (
                "colour",
                view::share(channels.colour),
                "agreement of the marks' hues, 0 to 1",
            ),
        ]
    }
}

pub(super) async fn show(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    Path(CheckPath { id }): Path<CheckPath>,
    Query(Shown { photo: n, m }): Query<Shown>,
) -> Result<Response, Problem> {
    let assay = state.assay();
    let check = assay.get_check(&actor, &id).await?;
    let photo = check.photos.get(n).ok_or_else(|| {
        Problem::from(StoreError::NotFound {
            what: "photo",
            id: format!("{id}/{n}"),
        })
    })?;
    let found = photo.matches.get(m);
    let compared = match found {
        Some(found) => compared(&state, &actor, found).await?,
        None => None,
    };
    let sent = found.map(|found| Shape::in_photo(photo, found));
    let plot = match &*check.calibration.operating_point {
        "" => None,
        point => {
            let point = assay.kept_operating_point(&actor, point).await?;
            found.and_then(|found| Plot::of(&point, found.similarity))
        }
    };
    // What a file says besides its picture is worth no failure of the page.
    let written = assay.photo(&actor, &id, n).await;
    let written = written.map_or_else(|_| Vec::new(), |original| original.written);
    let removed = assay.removed_photos(&id).await?;
    let sees_queue = matches!(actor.role(), Role::Reviewer | Role::Auditor | Role::Admin);
    let review = if sees_queue {
        match assay.review(&actor, &id).await {
            Ok(review) => Some(review),
            Err(ServiceError::Store(StoreError::NotFound { .. })) => None,
            Err(error) => return Err(error.into()),
        }
    } else {
        None
    };
    let history = if sees_queue {
        assay.history(&actor, &check).await?
    } else {
        Vec::new()
    };
    let shown = ReviewPage {
        frame: Frame::of(&actor, session.as_deref()),
        n,
        m,
        compared,
        sent: sent.unwrap_or_default(),
        plot,
        written,
        removed,
        history,
        decides: review.is_some() && matches!(actor.role(), Role::Reviewer | Role::Admin),
        review,
        check,
    };
    Ok(page(StatusCode::OK, &shown))
}

/// The reference of a match, unless it is another brand's.
async fn compared(
    state: &HttpState,
    actor: &Actor,
    found: &MatchAnswer,
) -> Result<Option<Compared>, Problem> {
    let reference = match state.assay().seen_reference(actor, &found.reference).await {
        Ok(reference) => reference,
        Err(ServiceError::Store(StoreError::NotFound { .. })) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let shapes = Shape::in_reference(found);
    Ok(Some(Compared {
        located: shapes.is_some(),
        shapes: shapes.unwrap_or_default(),
        reference,
    }))
}

pub(super) async fn claim(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(CheckPath { id }): Path<CheckPath>,
    _: PageForm,
) -> Result<Redirect, Problem> {
    state.assay().hold(&actor, &id).await?;
    Ok(back(&id))
}

pub(super) async fn release(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(CheckPath { id }): Path<CheckPath>,
    _: PageForm,
) -> Result<Redirect, Problem> {
    state.assay().release(&actor, &id).await?;
    Ok(back(&id))
}

pub(super) async fn decide(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(CheckPath { id }): Path<CheckPath>,
    form: PageForm,
) -> Result<Redirect, Problem> {
    let new = NewDecision {
        outcome: view::named("outcome", form.text("outcome"))?,
        // Browsers end lines of a form with both characters.
        reason: form.text("reason").replace("\r\n", "\n"),
        genuine: form.text("genuine") == "yes",
    };
    state.assay().decide(&actor, &id, new).await?;
    Ok(back(&id))
}

/// To the check's page: a form that was sent is not sent again by loading the page anew.
fn back(id: &str) -> Redirect {
    Redirect::to(&format!("/reviews/{id}"))
}
