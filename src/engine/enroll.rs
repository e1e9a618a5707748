//! A reference's bytes into what the gallery keeps, with a word on how usable it is.

use super::{
    Engine, EngineError, Enrolled, NewReference,
    analysis::{Analysis, FeaturePass, embed_box},
    frames::{Frame, content_box, reference_frame},
    prepared::TurnedFeatures,
    propose::propose,
};
use crate::domain::{
    fingerprint::fingerprint,
    gallery::{Gallery, Reference, ReferenceKind},
    geometry::{Point, Rect, check_quad},
    quality::measure,
    raster::Raster,
    tuning::{
        enrolment::{FEW_KEYPOINTS, FEWEST_KEYPOINTS},
        frames::{GREY_SIGMA, MIN_SOURCE_PIXELS},
        locate::SOLID_INLIERS,
    },
};
use crate::{
    checker::records::Health,
    engine::vision::{UprightPhoto, Vision},
};

impl Engine {
    /// Prepares a reference. Marks given are kept as they are; when there are none, marks are
    /// proposed, if the article has pixels enough for them. The image must already be in the files
    /// (its features are stored beside it). `known` holds the product's references so far: when one
    /// of them is found inside the new picture, only the part around it is taken as the article,
    /// since a shop photo enrolled whole would make the shelf match.
    pub fn enroll(
        &self,
        vision: &mut Vision,
        new: NewReference,
        known: &Gallery,
        bytes: &[u8],
    ) -> Result<Enrolled, EngineError> {
        let photo = vision.imaging.decode(bytes)?;
        let article = self.find_article(vision, &new, known, &photo.raster)?;
        self.prepare_decoded(vision, new, article, photo)
    }

    /// Prepares a reference anew whose article's place is known, as after a change of models.
    pub fn prepare(
        &self,
        vision: &mut Vision,
        new: NewReference,
        article: Option<Rect>,
        bytes: &[u8],
    ) -> Result<Enrolled, EngineError> {
        let photo = vision.imaging.decode(bytes)?;
        self.prepare_decoded(vision, new, article, photo)
    }

    fn prepare_decoded(
        &self,
        vision: &mut Vision,
        new: NewReference,
        article: Option<Rect>,
        photo: UprightPhoto,
    ) -> Result<Enrolled, EngineError> {
        let features = self
            .cache
            .features(vision, &self.files, photo.sha256, article)?;
        let frame = reference_frame(vision.imaging.as_mut(), &photo.raster, article);
        let marks = match new.marks.is_empty() && frame.is_fine() {
            true => propose(
                vision.text.as_mut(),
                &frame,
                &frame.raster.grey().smoothed(GREY_SIGMA),
            )?,
            false => new.marks,
        };
        let shown = article.unwrap_or_else(|| content_box(&photo.raster));
        let embedding = embed_box(vision, &photo.raster, shown.map(f64::from))?;
        let health = health(&features, &frame, &photo.raster);
        let reference = Reference {
            id: new.id,
            product: new.product,
            kind: new.kind,
            view: new.view,
            sha256: photo.sha256,
            article,
            marks,
            embedding_model: vision.embedder.model().clone(),
            embedding,
            fingerprint: fingerprint(&photo.raster),
            coarse: features.coarse(),
        };
        let (width, height) = (photo.raster.width(), photo.raster.height());
        Ok(Enrolled {
            reference,
            width,
            height,
            notes: photo.notes,
            health,
        })
    }

    fn find_article(
        &self,
        vision: &mut Vision,
        new: &NewReference,
        known: &Gallery,
        raster: &Raster,
    ) -> Result<Option<Rect>, EngineError> {
        let others: Vec<_> = known
            .of(&new.product)
            .filter(|r| r.article.is_none())
            .cloned()
            .collect();
        if others.is_empty() || new.kind != ReferenceKind::Pack {
            return Ok(None);
        }
        let mut analysis = Analysis::new(vision, raster.clone(), FeaturePass::Full)?;
        let mut best: Option<(usize, [Point; 4])> = None;
        for other in others {
            let Some(location) = analysis.location(self, vision, &other, true)? else {
                continue;
            };
            let frame = &self.features(vision, &other)?.turns[0];
            let size = (f64::from(frame.width), f64::from(frame.height));
            if location.inliers >= SOLID_INLIERS
                && best.as_ref().is_none_or(|b| location.inliers > b.0)
                && let Ok(quad) =
                    check_quad(&location.reference_to_photo, size, analysis.frame.size())
            {
                best = Some((location.inliers, quad));
            }
        }
        let (fw, fh) = analysis.frame.size();
        Ok(best.map(|(_, quad)| {
            let unit = quad.map(|p| Point::new(p.x / fw, p.y / fh));
            pixel_box(&unit, raster.width(), raster.height())
        }))
    }
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
    let (x0, y0) = (low(|p| p.x, w) as u32, low(|p| p.y, h) as u32);
    let (x1, y1) = (
        high(|p| p.x, w).ceil() as u32,
        high(|p| p.y, h).ceil() as u32,
    );
    Rect::from_size(
        x0.min(width - 1),
        y0.min(height - 1),
        x1.saturating_sub(x0).max(1),
        y1.saturating_sub(y0).max(1),
    )
}

fn health(features: &TurnedFeatures, frame: &Frame, raster: &Raster) -> Health {
    let keypoints = features.turns[0].len();
    let quality = measure(raster);
    let mut problems = Vec::new();
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
