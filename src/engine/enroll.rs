//! A decoded picture into what the gallery keeps of a reference, with a word on how usable it is.

use std::sync::Arc;

use super::{
    decoded::{Decoded, Facts},
    frames::{Frame, content_box, reference_frame},
    line::unread,
    need::Prepared,
    prepare::TurnedFeatures,
    propose::{propose, whole_figure},
    search::{Effort, FeaturePass, Query, embed_box},
    vision::{InferenceError, Vision},
};
use crate::domain::tuning::{
    enrolment::{FEW_KEYPOINTS, FEWEST_KEYPOINTS},
    frames::{GREY_SIGMA, MIN_SOURCE_PIXELS},
    locate::SOLID_INLIERS,
    silhouette::MARGIN,
};
use crate::domain::{
    gallery::{Gallery, Health, Mark, ProductKey, Reference, ReferenceKind},
    geometry::{Point, Rect, check_quad, number::whole},
    quality::Quality,
    raster::Raster,
};

/// A reference to prepare.
#[derive(Clone, Debug)]
pub struct NewReference {
    /// Its id.
    pub id: String,
    /// Product it belongs to.
    pub product: ProductKey,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view.
    pub view: Option<String>,
    /// Marks and ignored regions given by the owner; marks are proposed when there are none.
    pub marks: Vec<Mark>,
}

/// A reference ready to be stored and searched.
pub struct Enrolled {
    /// The entry for the gallery.
    pub reference: Reference,
    /// Its local features.
    pub features: TurnedFeatures,
    /// What is known of the picture.
    pub facts: Facts,
    /// How usable it is.
    pub health: Health,
}

/// References that tell where a new picture of their product shows the article: a shop photo
/// enrolled whole would make the shelf match.
pub(crate) fn article_guides(
    gallery: &Gallery,
    product: &ProductKey,
    kind: ReferenceKind,
) -> Vec<Arc<Reference>> {
    if kind != ReferenceKind::Pack {
        return Vec::new();
    }
    // A picture whose own article was cut out by a guide may be cut wrong; as a guide it would hand
    // that on.
    let is_whole = |r: &&Arc<Reference>| r.article.is_none();
    gallery
        .of(product)
        .iter()
        .filter(is_whole)
        .cloned()
        .collect()
}

/// Where a new picture shows the article: x, y, width, height in pixels around the best located of
/// the `guides` at hand, or `None` for all of the picture.
///
/// # Errors
/// A model could not be run.
pub(crate) fn find_article(
    vision: &mut Vision,
    guides: &[Arc<Reference>],
    prepared: &Prepared,
    picture: &Arc<Decoded>,
) -> Result<Option<Rect>, InferenceError> {
    if guides.is_empty() {
        return Ok(None);
    }
    // In full right away: it is done once in a reference's life, and an article missed here stays
    // missed.
    let mut query = Query::new(vision, Arc::clone(picture), FeaturePass::Full)?;
    let mut best: Option<(usize, [Point; 4])> = None;
    for guide in guides {
        let Some(features) = prepared.features(guide) else {
            continue;
        };
        // All four rotations: nothing is known yet of how the article lies.
        let Some(location) = query.location(guide, features, Effort::Claimed) else {
            continue;
        };
        let map = &location.reference_to_photo;
        if location.inliers >= SOLID_INLIERS
            && best.as_ref().is_none_or(|b| location.inliers > b.0)
            && let Ok(quad) = check_quad(map, features.frame_size(), query.frame.size())
        {
            best = Some((location.inliers, quad));
        }
    }
    // By way of 0..1: it was found in a resized frame, and the box is kept in pixels of the file.
    let (width, height) = query.frame.size();
    Ok(best.map(|(_, quad)| {
        let unit = quad.map(|p| Point::new(p.x / width, p.y / height));
        pixel_box(&unit, picture.facts.width, picture.facts.height)
    }))
}

/// The place of a logo in its picture with some margin: what is added to a figure lies beside it. `None`
/// where the picture has no more than the logo.
fn logo_place(kind: ReferenceKind, raster: &Raster) -> Option<Rect> {
    if kind != ReferenceKind::Logo {
        return None;
    }
    let figure = content_box(raster);
    let margin = f64::from(figure.width().max(figure.height())) * MARGIN;
    let margin = whole(margin.round());
    let place = Rect::new(
        figure.left.saturating_sub(margin),
        figure.top.saturating_sub(margin),
        (figure.right + margin).min(raster.width()),
        (figure.bottom + margin).min(raster.height()),
    );
    (place != figure).then_some(place)
}

/// Prepares a reference whose article's place is known. Marks given are kept as they are; when there
/// are none, marks are proposed, if the article has pixels enough for them.
///
/// # Errors
/// A model could not be run.
pub fn prepare(
    vision: &mut Vision,
    new: NewReference,
    article: Option<Rect>,
    picture: &Decoded,
) -> Result<Enrolled, InferenceError> {
    let Decoded { raster, facts } = picture;
    let article = article.or_else(|| logo_place(new.kind, raster));
    let (imaging, local) = (vision.imaging.as_mut(), vision.local.as_mut());
    let frame = reference_frame(imaging, raster, article);
    let features = TurnedFeatures::extract(imaging, local, &frame)?;
    // Letters of an article enlarged three times judged genuine packs wrongly, so that a small one
    // gets no marks.
    let (given, ignored) = Mark::parted(new.marks);
    let marks = match given.is_empty() && frame.is_fine() {
        true => {
            let grey = frame.raster.grey().smoothed(GREY_SIGMA);
            let is_logo = new.kind == ReferenceKind::Logo;
            // A figure is compared as a whole: in a part of it a photo that is laid a little wrong looks
            // like another one.
            match is_logo.then(|| whole_figure(&frame)).flatten() {
                Some(figure) => vec![figure],
                None => propose(vision.text.as_mut(), &frame, &grey, &ignored)?,
            }
        }
        false => given,
    };
    // Without its margin: white around it would make catalogue pictures of anything look alike.
    let part = article
        .unwrap_or_else(|| content_box(raster))
        .map(f64::from);
    let embedding = embed_box(vision, raster, part)?;
    let mut health = health(&features, &frame, &facts.quality);
    let reader = vision.text.as_ref();
    health
        .problems
        .extend(marks.iter().filter_map(|mark| unread(reader, mark)));
    let reference = Reference {
        id: new.id,
        product: new.product,
        kind: new.kind,
        view: new.view,
        sha256: facts.sha256,
        article,
        marks,
        ignored,
        embedding,
        fingerprint: facts.fingerprint,
        keypoints: features.turns[0].len(),
    };
    Ok(Enrolled {
        reference,
        features,
        facts: facts.clone(),
        health,
    })
}

/// The box around points in 0..1, in whole pixels inside a picture.
fn pixel_box(unit: &[Point; 4], width: u32, height: u32) -> Rect {
    let (w, h) = (f64::from(width), f64::from(height));
    let low = |pick: fn(&Point) -> f64, side: f64| {
        unit.iter().map(pick).fold(1.0, f64::min).max(0.0) * side
    };
    let high = |pick: fn(&Point) -> f64, side: f64| {
        unit.iter().map(pick).fold(0.0, f64::max).min(1.0) * side
    };
    // Outwards on all sides: a pixel of background does no harm, a cut letter does.
    let (x0, y0) = (whole(low(|p| p.x, w)), whole(low(|p| p.y, h)));
    let (x1, y1) = (
        whole(high(|p| p.x, w).ceil()),
        whole(high(|p| p.y, h).ceil()),
    );
    // At least a pixel, inside the picture, however rounding falls: an empty crop has no frame.
    Rect::from_size(
        x0.min(width - 1),
        y0.min(height - 1),
        x1.saturating_sub(x0).max(1),
        y1.saturating_sub(y0).max(1),
    )
}

fn health(features: &TurnedFeatures, frame: &Frame, quality: &Quality) -> Health {
    let keypoints = features.turns[0].len();
    let mut problems = Vec::new();
    // Said now, while the owner is there to send another picture. A check could only end as not
    // comparable, before somebody who cannot.
    if keypoints < FEWEST_KEYPOINTS {
        problems.push(format!(
            "only {keypoints} local features were found, at least {FEWEST_KEYPOINTS} are needed: send a sharper, larger or more detailed picture"
        ));
    } else if keypoints < FEW_KEYPOINTS {
        problems
            .push(format!("few local features ({keypoints}): only good photos will be comparable with this reference"));
    }
    if !frame.is_fine() {
        let article = frame.source_pixels * f64::from(frame.raster.long_side());
        let least = MIN_SOURCE_PIXELS * f64::from(frame.raster.long_side());
        problems.push(format!(
            "the article is small ({article:.0} px along its longer side): only from {least:.0} px on are its marks judged and changed letters found"
        ));
    }
    Health {
        usable: keypoints >= FEWEST_KEYPOINTS,
        keypoints,
        sharpness: quality.sharpness,
        problems,
    }
}
