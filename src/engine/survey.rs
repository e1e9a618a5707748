//! What a new reference shows besides its product, told to the owner at once: a picture that holds
//! several articles, or that stands for two products, cannot tell them apart in a check. One that is
//! there already under another file adds nothing.

use std::sync::Arc;

use super::{
    copy::same_picture,
    decoded::{Decoded, Facts},
    enroll::Enrolled,
    frames::reference_frame,
    need::{Need, Prepared},
    search::{Effort, FeaturePass, Query},
    vision::{InferenceError, Vision},
};
use crate::domain::{
    descriptors::{located, mutual_nearest},
    features::FeatureSet,
    gallery::{Gallery, ProductKey, Reference, ReferenceKind},
    geometry::{MagsacOptions, check_quad, fit_homography, quad_area},
    tuning::{
        copy::TWIN_BITS,
        enrolment::{ARTICLES_COMPARED, PART_OF_PICTURE},
        locate::{MIN_COSINE, REFINED_ERROR_PX, SOLID_INLIERS},
    },
};

/// References of the brand that a new picture may show too: of its other products, and of the same one.
pub(crate) struct Others {
    /// Packs, to be looked for in the picture.
    packs: Vec<Arc<Reference>>,
    /// Pictures of other products that may be the very same.
    alike: Vec<Arc<Reference>>,
    /// The same of this product.
    again: Vec<Arc<Reference>>,
}

impl Others {
    /// Those of a gallery. Of the same brand alone: what others enroll is none of the owner's
    /// business.
    pub(crate) fn of(
        gallery: &Gallery,
        product: &ProductKey,
        kind: ReferenceKind,
        facts: &Facts,
    ) -> Self {
        let of_brand = gallery.places(|p| p.brand.cmp(&product.brand));
        let of_brand = gallery.references()[of_brand].iter();
        let others: Vec<&Arc<Reference>> = of_brand.filter(|r| r.product != *product).collect();
        let near = |r: &Reference| facts.fingerprint.distance(&r.fingerprint) <= TWIN_BITS;
        let mut alike: Vec<Arc<Reference>> = others.iter().copied().cloned().collect();
        alike.retain(|r| near(r));
        alike.truncate(ARTICLES_COMPARED);
        // A logo lies on every pack of its brand.
        let is_pack = |r: &&&Arc<Reference>| {
            kind == ReferenceKind::Pack && r.kind == ReferenceKind::Pack && !near(r)
        };
        let packs = others.iter().filter(is_pack).take(ARTICLES_COMPARED);
        let again = gallery.of(product).iter().filter(|r| near(r));
        Self {
            again: again.take(ARTICLES_COMPARED).cloned().collect(),
            packs: packs.copied().cloned().collect(),
            alike,
        }
    }

    /// What it takes to compare with them.
    pub(crate) fn need(&self) -> Need {
        let ids =
            |of: &mut dyn Iterator<Item = &Arc<Reference>>| of.map(|r| r.id.clone()).collect();
        Need {
            features: ids(&mut self.packs.iter()),
            pixels: ids(&mut self.alike.iter().chain(&self.again)),
        }
    }
}

/// What the owner should know of what a new reference shows besides its product.
///
/// # Errors
/// A model could not be run.
pub(crate) fn survey(
    vision: &mut Vision,
    picture: &Arc<Decoded>,
    enrolled: &Enrolled,
    others: &Others,
    prepared: &Prepared,
) -> Result<Vec<String>, InferenceError> {
    let mut problems = Vec::new();
    if twin(vision, picture, enrolled, &others.again, prepared).is_some() {
        problems.push(
            "the same picture is enrolled for this product already, in another file: another copy adds nothing, so send another side or view"
                .to_owned(),
        );
    }
    if let Some(twin) = twin(vision, picture, enrolled, &others.alike, prepared) {
        problems.push(format!(
            "the same picture is enrolled for `{}` of your brand, and the two cannot be told apart by it: send a picture that shows this product alone",
            twin.product.product
        ));
    }
    let mut shown = shown_beside(vision, picture, others, prepared)?;
    shown.sort_unstable();
    shown.dedup();
    if !shown.is_empty() {
        problems.push(format!(
            "a part of the picture shows {} too: send a picture that shows this product alone, cut to it",
            shown.join(", ")
        ));
    } else if enrolled.reference.kind == ReferenceKind::Pack && repeats(&enrolled.features.turns[0])
    {
        problems.push(
            "the picture repeats itself, as one of several articles does: if it shows more than one, send a picture of one alone"
                .to_owned(),
        );
    }
    Ok(problems)
}

/// The first of these references that shows the very picture.
fn twin<'a>(
    vision: &mut Vision,
    picture: &Decoded,
    enrolled: &Enrolled,
    alike: &'a [Arc<Reference>],
    prepared: &Prepared,
) -> Option<&'a Arc<Reference>> {
    if alike.is_empty() {
        return None;
    }
    let own = &enrolled.reference;
    let imaging = vision.imaging.as_mut();
    let frame = reference_frame(imaging, &picture.raster, own.article);
    alike.iter().find(|other| {
        other.sha256 == own.sha256
            || prepared
                .pixels(other)
                .is_some_and(|pixels| same_picture(imaging, &frame, &pixels.frame))
    })
}

/// The other products located in a part of the picture.
fn shown_beside(
    vision: &mut Vision,
    picture: &Arc<Decoded>,
    others: &Others,
    prepared: &Prepared,
) -> Result<Vec<String>, InferenceError> {
    if others.packs.is_empty() {
        return Ok(Vec::new());
    }
    let mut query = Query::new(vision, Arc::clone(picture), FeaturePass::Full)?;
    let (width, height) = query.frame.size();
    let mut shown = Vec::new();
    for other in &others.packs {
        let Some(features) = prepared.features(other) else {
            continue;
        };
        let Some(location) = query.location(other, features, Effort::Claimed) else {
            continue;
        };
        let map = &location.reference_to_photo;
        // On all of the picture lies a sibling of the same layout, which is no second article.
        if location.inliers >= SOLID_INLIERS
            && let Ok(quad) = check_quad(map, features.frame_size(), (width, height))
            && quad_area(&quad).abs() < PART_OF_PICTURE * width * height
        {
            shown.push(format!("`{}`", other.product.product));
        }
    }
    Ok(shown)
}

/// Whether one half of a frame shows what the other does.
pub(crate) fn repeats(features: &FeatureSet) -> bool {
    let (w, h) = (features.width as f32, features.height as f32);
    let across = (w >= h).then(|| halves(features, |x, _| x < w / 2.0));
    let down = (h > w).then(|| halves(features, |_, y| y < h / 2.0));
    // Along the longer side, where articles stand next to each other.
    across.or(down).is_some_and(|[first, second]| {
        let pairs = mutual_nearest(&first, &second, MIN_COSINE);
        let points = located(&first, &second, &pairs);
        let size = (f64::from(features.width), f64::from(features.height));
        let options = MagsacOptions {
            max_error_px: REFINED_ERROR_PX,
            ..MagsacOptions::default()
        };
        fit_homography(&points, size, size, &options)
            .is_some_and(|fit| fit.inliers.len() >= SOLID_INLIERS)
    })
}

/// The features in one half of a frame and in the other.
fn halves(features: &FeatureSet, is_first: impl Fn(f32, f32) -> bool) -> [FeatureSet; 2] {
    [true, false].map(|wanted| {
        let chosen = (0..features.len()).filter(|&i| {
            let at = &features.keypoints[i];
            is_first(at.x, at.y) == wanted
        });
        let chosen: Vec<usize> = chosen.collect();
        FeatureSet {
            model: features.model.clone(),
            keypoints: chosen.iter().map(|&i| features.keypoints[i]).collect(),
            descriptors: chosen
                .iter()
                .flat_map(|&i| features.descriptor(i).iter().copied())
                .collect(),
            ..*features
        }
    })
}
