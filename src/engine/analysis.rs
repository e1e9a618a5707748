//! One photo's features and where references lie in it; computed once, shared by every claim on the
//! photo.

use std::{collections::HashMap, sync::Arc};

use ndarray::Array2;

use super::{
    Engine, EngineError,
    frames::{Frame, frame_size, photo_frame, pixels_to_unit, unit_to_pixels},
    locate::{Location, by_votes, locate},
};
use crate::domain::{
    descriptors::{coarse_matrix, coarse_votes, quantise_strongest},
    embedding::QuantisedEmbedding,
    features::FeatureSet,
    gallery::{Gallery, ProductKey, Reference},
    geometry::{Homography, Rect, check_quad},
    raster::Raster,
    rectify::rectify,
    tuning::{
        locate::SOLID_INLIERS,
        search::{
            CENTRE, COARSE_PHOTO, EMBEDDING_SHORTLIST, FULL_SEARCH, PHOTO_KEYPOINTS, QUICK_FROM_PX,
            QUICK_PX, RIVAL_TURNS, SHORTLIST,
        },
    },
};
use crate::engine::vision::{InferenceError, Vision};

/// How closely a photo is looked at for its features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeaturePass {
    /// At a smaller size.
    Coarse,
    /// At the size of the photo's frame.
    Full,
}

impl FeaturePass {
    /// The sight that a frame gets: a small one is looked at in full right away.
    fn of(self, frame: &Raster) -> Self {
        if frame.long_side() < QUICK_FROM_PX {
            Self::Full
        } else {
            self
        }
    }
}

/// A photo under examination.
pub struct Analysis {
    /// Upright pixels at full size.
    pub photo: Raster,
    /// The photo at the size of its frame.
    pub frame: Frame,
    sight: FeaturePass,
    look: Look,
    /// The look that is not asked now.
    other: Option<Look>,
}

/// What one look at a photo found, in pixels of the photo's frame.
struct Look {
    features: FeatureSet,
    coarse: Array2<f32>,
    votes: HashMap<String, [usize; 4]>,
    locations: HashMap<String, (usize, Option<Location>)>,
    embedding: Option<QuantisedEmbedding>,
}

impl Look {
    fn take(
        vision: &mut Vision,
        frame: &Raster,
        sight: FeaturePass,
    ) -> Result<Self, InferenceError> {
        let features = match sight {
            FeaturePass::Full => vision.local.extract(frame, PHOTO_KEYPOINTS)?,
            FeaturePass::Coarse => {
                let (width, height) = frame_size(frame.width(), frame.height(), QUICK_PX);
                let small = vision.imaging.resize(frame, width, height);
                vision
                    .local
                    .extract(&small, PHOTO_KEYPOINTS)?
                    .scaled_to(frame.width(), frame.height())
            }
        };
        let coarse = coarse_matrix(
            &quantise_strongest(&features, COARSE_PHOTO),
            features.dimensions,
        );
        Ok(Self {
            features,
            coarse,
            votes: HashMap::new(),
            locations: HashMap::new(),
            embedding: None,
        })
    }
}

impl Analysis {
    /// Takes the photo's features.
    pub fn new(
        vision: &mut Vision,
        photo: Raster,
        sight: FeaturePass,
    ) -> Result<Self, InferenceError> {
        let frame = photo_frame(vision.imaging.as_mut(), &photo);
        let sight = sight.of(&frame.raster);
        let look = Look::take(vision, &frame.raster, sight)?;
        Ok(Self {
            photo,
            frame,
            sight,
            look,
            other: None,
        })
    }

    /// What is asked from now on comes from a look at this sight; whether that is another than
    /// before. Each is taken once and knows nothing of the other, so that no answer depends on what
    /// was asked before.
    pub fn look(
        &mut self,
        vision: &mut Vision,
        sight: FeaturePass,
    ) -> Result<bool, InferenceError> {
        let sight = sight.of(&self.frame.raster);
        if sight == self.sight {
            return Ok(false);
        }
        let look = match self.other.take() {
            Some(look) => look,
            None => Look::take(vision, &self.frame.raster, sight)?,
        };
        self.other = Some(std::mem::replace(&mut self.look, look));
        self.sight = sight;
        Ok(true)
    }

    /// The larger of photo and frame, and the map from pixels of the frame to its pixels: close
    /// looks resample this.
    pub fn source(&self) -> (&Raster, Homography) {
        let frame = &self.frame.raster;
        if self.photo.long_side() < frame.long_side() {
            return (frame, Homography::IDENTITY);
        }
        let (fw, fh) = self.frame.size();
        let (pw, ph) = (
            f64::from(self.photo.width()),
            f64::from(self.photo.height()),
        );
        (
            &self.photo,
            unit_to_pixels(pw, ph).after(&pixels_to_unit(fw, fh)),
        )
    }

    /// Number of the photo's local features.
    pub fn keypoints(&self) -> usize {
        self.look.features.len()
    }

    fn votes(&mut self, reference: &Reference) -> [usize; 4] {
        let coarse = &self.look.coarse;
        *self
            .look
            .votes
            .entry(reference.id.clone())
            .or_insert_with(|| coarse_votes(coarse, &reference.coarse))
    }

    /// Where the reference lies; a claimed one is looked for in all four rotations, another in the
    /// likeliest two.
    pub fn location(
        &mut self,
        engine: &Engine,
        vision: &mut Vision,
        reference: &Reference,
        claimed: bool,
    ) -> Result<Option<Location>, EngineError> {
        let turns = if claimed { 4 } else { RIVAL_TURNS };
        if let Some((tried, location)) = self.look.locations.get(&reference.id)
            && (*tried >= turns
                || location
                    .as_ref()
                    .is_some_and(|l| l.inliers >= SOLID_INLIERS))
        {
            return Ok(location.clone());
        }
        let order = by_votes(self.votes(reference));
        let features = engine.features(vision, reference)?;
        let location = locate(&self.look.features, &features, &order[..turns]);
        self.look
            .locations
            .insert(reference.id.clone(), (turns, location.clone()));
        Ok(location)
    }

    /// The references worth comparing: all of a small gallery; of a large one the best by vote and
    /// by embedding, and always those of the `claimed` products.
    pub fn shortlist(
        &mut self,
        vision: &mut Vision,
        gallery: &Gallery,
        claimed: impl Fn(&ProductKey) -> bool,
    ) -> Result<Vec<Arc<Reference>>, InferenceError> {
        if gallery.references.len() <= FULL_SEARCH {
            return Ok(gallery.references.clone());
        }
        let mut by_vote: Vec<(usize, usize)> = gallery
            .references
            .iter()
            .enumerate()
            .map(|(i, r)| (self.votes(r).into_iter().max().unwrap_or(0), i))
            .collect();
        by_vote.sort_by_key(|&(votes, i)| (std::cmp::Reverse(votes), i));
        let whole = self.embed_whole(vision)?;
        let mut by_embedding: Vec<(f32, usize)> = gallery
            .references
            .iter()
            .enumerate()
            .map(|(i, r)| (whole.cosine(&r.embedding), i))
            .collect();
        by_embedding.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let mut chosen: Vec<usize> = by_vote.iter().take(SHORTLIST).map(|v| v.1).collect();
        chosen.extend(by_embedding.iter().take(EMBEDDING_SHORTLIST).map(|v| v.1));
        chosen.extend(
            (0..gallery.references.len()).filter(|&i| claimed(&gallery.references[i].product)),
        );
        chosen.sort_unstable();
        chosen.dedup();
        Ok(chosen
            .into_iter()
            .map(|i| gallery.references[i].clone())
            .collect())
    }

    fn embed_whole(&self, vision: &mut Vision) -> Result<QuantisedEmbedding, InferenceError> {
        let (w, h) = (
            f64::from(self.photo.width()),
            f64::from(self.photo.height()),
        );
        let margin = (1.0 - CENTRE) / 2.0;
        embed_box(
            vision,
            &self.photo,
            Rect::new(
                w * margin,
                h * margin,
                w * (1.0 - margin),
                h * (1.0 - margin),
            ),
        )
    }

    /// The embedding of the article: seen from straight ahead as the best located reference so far
    /// places it, else of the photo's middle. Siblings share a layout, so that any of them may
    /// place it.
    pub fn embedding(
        &mut self,
        vision: &mut Vision,
        sizes: &HashMap<String, (f64, f64)>,
    ) -> Result<QuantisedEmbedding, InferenceError> {
        if let Some(embedding) = &self.look.embedding {
            return Ok(embedding.clone());
        }
        let best = self
            .look
            .locations
            .iter()
            .filter_map(|(id, (_, location))| location.as_ref().map(|l| (l.inliers, id, l)))
            .max_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(a.1)));
        let placed = best
            .filter(|b| b.0 >= SOLID_INLIERS)
            .and_then(|(_, id, location)| {
                let size = *sizes.get(id)?;
                check_quad(&location.reference_to_photo, size, self.frame.size()).ok()?;
                Some((size, &location.reference_to_photo))
            });
        let embedding = match placed {
            Some(((width, height), reference_to_photo)) => {
                let side = vision.embedder.side();
                let square = f64::from(side);
                let square_to_reference =
                    unit_to_pixels(width, height).after(&pixels_to_unit(square, square));
                let map = reference_to_photo.after(&square_to_reference);
                // From the frame, not the whole photo: `rectify` averages three samples a side at
                // most, and a large photo has far more pixels to one of the square.
                vision
                    .embedder
                    .embed(&rectify(&self.frame.raster, &map, side, side).raster)?
                    .quantised()
            }
            None => self.embed_whole(vision)?,
        };
        self.look.embedding = Some(embedding.clone());
        Ok(embedding)
    }
}

/// The embedding of a part of a picture, in pixels, squashed to the model's square.
pub fn embed_box(
    vision: &mut Vision,
    raster: &Raster,
    part: Rect<f64>,
) -> Result<QuantisedEmbedding, InferenceError> {
    let (x, y) = (part.left.max(0.0) as u32, part.top.max(0.0) as u32);
    let crop = raster.crop(Rect::from_size(
        x,
        y,
        (part.right - f64::from(x)).max(1.0) as u32,
        (part.bottom - f64::from(y)).max(1.0) as u32,
    ));
    let side = vision.embedder.side();
    let square = vision.imaging.resize(&crop, side, side);
    Ok(vision.embedder.embed(&square)?.quantised())
}
