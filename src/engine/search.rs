//! The photo under examination: its features, and which references are worth comparing with it.

use std::{
    cmp::Reverse,
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    claim::Claim,
    decoded::Decoded,
    frames::{Frame, frame_size, photo_frame, pixels_to_unit, unit_to_pixels},
    locate::{Location, by_votes, locate},
    need::Prepared,
    part::{Look, Part},
    prepare::{Scale, TurnedFeatures},
    vision::{InferenceError, Vision},
};
use crate::domain::tuning::{
    locate::SOLID_INLIERS,
    search::{
        CENTRE, COARSE_FROM_PX, COARSE_PX, FULL_SEARCH, LOCATED, LOCATED_RIVALS, NEAREST,
        NEAREST_RIVALS, NEAREST_TO_CLAIM, PHOTO_KEYPOINTS, RIVAL_TURNS, THOROUGH_TURNS,
        VOTES_PHOTO, VOTES_REFERENCE,
    },
};
use crate::domain::{
    descriptors::votes,
    embedding::QuantisedEmbedding,
    features::FeatureSet,
    gallery::{Gallery, Reference},
    geometry::{Homography, Rect, check_quad, number::whole},
    raster::Raster,
    rectify::rectify,
};

/// How closely a photo is looked at for its features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FeaturePass {
    /// At a smaller size.
    Coarse,
    /// At the size of the photo's frame.
    Full,
}

impl FeaturePass {
    /// The pass that a frame gets: a small one is looked at in full right away.
    fn of(self, frame: &Raster) -> Self {
        if frame.long_side() < COARSE_FROM_PX {
            Self::Full
        } else {
            self
        }
    }
}

/// The photo under examination. What was found in it stays until it is dropped, so that a search
/// that had to wait for a reference goes on where it stopped.
pub(crate) struct Query {
    /// The photo as it was decoded.
    pub photo: Arc<Decoded>,
    /// The part of it that is looked at, when it is not the whole.
    part: Option<Part>,
    /// What is looked at, at the size of its frame.
    pub frame: Frame,
    /// What a search closer by came to.
    pub closer: Closer,
    pass: FeaturePass,
    found: Found,
    /// What the pass that is not asked now found.
    other: Option<Found>,
    /// The embedding of the photo's middle, once it was asked for.
    middle: Option<QuantisedEmbedding>,
}

impl Effort {
    /// Whether what this found is all that `other` could find.
    fn covers(self, other: Self) -> bool {
        match self {
            Self::Rival | Self::Like(..) => false,
            Self::Claimed => other == Self::Rival,
            Self::Thorough => matches!(other, Self::Rival | Self::Claimed),
        }
    }
}

/// What a search closer by came to.
pub(crate) enum Closer {
    /// There was none yet.
    NotTried,
    /// Nothing.
    Nothing,
    /// The part that shows what was searched for.
    Found(Box<Query>),
}

/// How much is tried to locate a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effort {
    /// The likeliest two rotations: a rival that is missed only makes the answer kinder.
    Rival,
    /// All four, since a claim must not fail for a rotation that was not tried.
    Claimed,
    /// At half of the reference's size too, each in the likeliest rotations.
    Thorough,
    /// Only as another reference was found, which lies on the same place.
    Like(usize, Scale),
}

/// What one pass over a photo found, in pixels of the photo's frame.
struct Found {
    features: FeatureSet,
    votes: HashMap<(String, Scale), [usize; 4]>,
    /// By reference: what was tried, and where it lies.
    locations: HashMap<String, (Effort, Option<Location>)>,
    embedding: Option<QuantisedEmbedding>,
}

impl Found {
    fn take(
        vision: &mut Vision,
        frame: &Raster,
        pass: FeaturePass,
    ) -> Result<Self, InferenceError> {
        let features = match pass {
            FeaturePass::Full => vision.local.extract(frame, PHOTO_KEYPOINTS)?,
            FeaturePass::Coarse => {
                let (width, height) = frame_size(frame.width(), frame.height(), COARSE_PX);
                let small = vision.imaging.resize(frame, width, height);
                let features = vision.local.extract(&small, PHOTO_KEYPOINTS)?;
                // Back in pixels of the frame, so that nobody after this need know which pass it
                // was.
                features.scaled_to(frame.width(), frame.height())
            }
        };
        Ok(Self {
            features,
            votes: HashMap::new(),
            locations: HashMap::new(),
            embedding: None,
        })
    }
}

impl Query {
    /// Takes the photo's features in a first pass.
    pub(crate) fn new(
        vision: &mut Vision,
        photo: Arc<Decoded>,
        pass: FeaturePass,
    ) -> Result<Self, InferenceError> {
        let frame = photo_frame(vision.imaging.as_mut(), &photo.raster);
        Self::take(vision, (photo, None), frame, pass)
    }

    /// The same of a part of the photo.
    pub(crate) fn of_part(
        vision: &mut Vision,
        photo: Arc<Decoded>,
        part: Part,
        pass: FeaturePass,
    ) -> Result<Self, InferenceError> {
        let frame = photo_frame(vision.imaging.as_mut(), &part.raster);
        Self::take(vision, (photo, Some(part)), frame, pass)
    }

    fn take(
        vision: &mut Vision,
        (photo, part): (Arc<Decoded>, Option<Part>),
        frame: Frame,
        pass: FeaturePass,
    ) -> Result<Self, InferenceError> {
        let pass = pass.of(&frame.raster);
        let found = Found::take(vision, &frame.raster, pass)?;
        Ok(Self {
            photo,
            part,
            frame,
            closer: Closer::NotTried,
            pass,
            found,
            other: None,
            middle: None,
        })
    }

    /// The pixels that are looked at, as they came.
    pub(crate) fn raster(&self) -> &Raster {
        self.part
            .as_ref()
            .map_or(&self.photo.raster, |part| &part.raster)
    }

    /// Maps pixels of the frame to 0..1 of the upright photo.
    pub(crate) fn frame_to_unit(&self) -> Homography {
        let (width, height) = self.frame.size();
        let to_part = pixels_to_unit(width, height);
        match &self.part {
            Some(part) => part.to_photo.after(&to_part),
            None => to_part,
        }
    }

    /// How the photo is looked at.
    pub(crate) fn look(&self) -> Look {
        self.part.as_ref().map_or(Look::AsItIs, |part| part.look)
    }

    /// Whether the mirror image of the photo is looked at.
    pub(crate) fn is_mirrored(&self) -> bool {
        self.look() == Look::Mirrored
    }

    /// The features of the pass that is asked now.
    pub(crate) fn features(&self) -> &FeatureSet {
        &self.found.features
    }

    /// What is asked from now on comes from this pass; whether that is another than before. Each is
    /// taken once and knows nothing of the other, so that no answer depends on what was asked
    /// before.
    pub(crate) fn switch_to(
        &mut self,
        vision: &mut Vision,
        pass: FeaturePass,
    ) -> Result<bool, InferenceError> {
        let pass = pass.of(&self.frame.raster);
        if pass == self.pass {
            return Ok(false);
        }
        let found = match self.other.take() {
            Some(found) => found,
            None => Found::take(vision, &self.frame.raster, pass)?,
        };
        // Kept: a comparison that starts over after a fetch asks both passes once more.
        self.other = Some(std::mem::replace(&mut self.found, found));
        self.pass = pass;
        Ok(true)
    }

    /// The larger of photo and frame, and the map from pixels of the frame to its pixels: close
    /// looks resample this.
    pub(crate) fn source(&self) -> (&Raster, Homography) {
        let frame = &self.frame.raster;
        // A small photo was enlarged to its frame already, and better than a resampling on the way
        // would.
        let raster = self.raster();
        if raster.long_side() < frame.long_side() {
            return (frame, Homography::IDENTITY);
        }
        let (fw, fh) = self.frame.size();
        let (pw, ph) = (f64::from(raster.width()), f64::from(raster.height()));
        (
            raster,
            unit_to_pixels(pw, ph).after(&pixels_to_unit(fw, fh)),
        )
    }

    fn votes(
        &mut self,
        reference: &Reference,
        features: &TurnedFeatures,
        scale: Scale,
    ) -> [usize; 4] {
        let seen = &self.found.features;
        let counts = [VOTES_PHOTO, VOTES_REFERENCE];
        let known = self.found.votes.entry((reference.id.clone(), scale));
        *known.or_insert_with(|| votes(seen, features.at(scale), counts))
    }

    /// Where the reference with these features lies.
    pub(crate) fn location(
        &mut self,
        reference: &Reference,
        features: &TurnedFeatures,
        effort: Effort,
    ) -> Option<Location> {
        let known = self.found.locations.get(&reference.id).cloned();
        if let Some((tried, location)) = &known {
            // Tried as a rival it may have had two rotations only; as the claimed one it gets the
            // rest.
            let is_solid = location
                .as_ref()
                .is_some_and(|l| l.inliers >= SOLID_INLIERS);
            if *tried == effort || is_solid || tried.covers(effort) {
                return location.clone();
            }
        }
        let order = by_votes(self.votes(reference, features, Scale::Whole));
        let seen = &self.found.features;
        let location = match effort {
            Effort::Rival => locate(seen, features, Scale::Whole, &order[..RIVAL_TURNS]),
            Effort::Claimed => locate(seen, features, Scale::Whole, &order),
            Effort::Like(turn, scale) => locate(seen, features, scale, &[turn]),
            Effort::Thorough => {
                let whole = match known {
                    Some((Effort::Claimed, location)) => location,
                    _ => locate(seen, features, Scale::Whole, &order[..THOROUGH_TURNS]),
                };
                match whole {
                    Some(found) if found.inliers >= SOLID_INLIERS => Some(found),
                    whole => {
                        let order = by_votes(self.votes(reference, features, Scale::Half));
                        let seen = &self.found.features;
                        let half = locate(seen, features, Scale::Half, &order[..THOROUGH_TURNS]);
                        let points = |l: &Option<Location>| l.as_ref().map_or(0, |l| l.inliers);
                        if points(&half) > points(&whole) {
                            half
                        } else {
                            whole
                        }
                    }
                }
            }
        };
        let tried = (effort, location.clone());
        self.found.locations.insert(reference.id.clone(), tried);
        location
    }

    /// The references worth asking: all of a small gallery; of a large one those most alike to the
    /// photo, and always those claimed and what is most alike to these. References in `without` are
    /// left out. What this costs does not grow with the gallery, but for one pass over its
    /// embeddings.
    pub(crate) fn near(
        &mut self,
        vision: &mut Vision,
        (gallery, claim): (&Gallery, Option<&Claim>),
        without: &HashSet<String>,
    ) -> Result<Vec<Arc<Reference>>, InferenceError> {
        let all = gallery.references();
        // Asked of the few that were found alone: of a large gallery, looking at each reference takes
        // longer than comparing its embedding.
        let is_in = |n: &usize| !without.contains(&all[*n].id);
        let chosen = if all.len() <= FULL_SEARCH {
            (0..all.len()).collect()
        } else {
            let own = claim.map_or(0..0, |claim| claim.places(gallery));
            let photo = self.middle(vision)?;
            let [likeliest] = gallery.nearest([(&photo, 1)], [own.clone()]);
            // What shares the claim's layout is its likeliest rival, however little the photo shows.
            let (alike, of_alike) = match likeliest.first() {
                Some(&likeliest) => (&all[likeliest].embedding, NEAREST_TO_CLAIM),
                None => (&photo, 0),
            };
            let of_photo = claim.map_or(NEAREST, |_| NEAREST_RIVALS);
            // As many more as may be left out again.
            let more = |count: usize| if count == 0 { 0 } else { count + without.len() };
            let asked = [(&photo, more(of_photo)), (alike, more(of_alike))];
            let found = gallery.nearest(asked, gallery.all_but(&own));
            let of_each = found.into_iter().zip([of_photo, of_alike]);
            let kept =
                of_each.flat_map(|(found, count)| found.into_iter().filter(is_in).take(count));
            let mut chosen: Vec<usize> = kept.collect();
            // A claim is compared with its own product however unlikely it looks: that is the
            // question.
            chosen.extend(own);
            // In the gallery's order, whichever list brought them: nothing later may depend on that.
            chosen.sort_unstable();
            chosen.dedup();
            chosen
        };
        let chosen = chosen.into_iter().filter(is_in);
        Ok(chosen.map(|n| Arc::clone(&all[n])).collect())
    }

    /// Of these references those worth locating: all that are claimed, and of the others those with
    /// most votes. What is not at hand is left out.
    pub(crate) fn likeliest(
        &mut self,
        near: Vec<Arc<Reference>>,
        claim: Option<&Claim>,
        prepared: &Prepared,
    ) -> Vec<(Arc<Reference>, Arc<TurnedFeatures>)> {
        let at_hand = near.into_iter().filter_map(|reference| {
            let features = Arc::clone(prepared.features(&reference)?);
            Some((reference, features))
        });
        let is_own = |r: &Reference| claim.is_some_and(|claim| claim.covers(&r.product));
        let (mut own, mut others): (Vec<_>, Vec<_>) = at_hand.partition(|(r, _)| is_own(r));
        let count = claim.map_or(LOCATED, |_| LOCATED_RIVALS);
        if others.len() > count {
            // A stable sort: of equal votes the first in the gallery's order stays in front.
            others.sort_by_cached_key(|(r, f)| {
                Reverse(self.votes(r, f, Scale::Whole).into_iter().max())
            });
            others.truncate(count);
            others.sort_by(|(a, _), (b, _)| (&a.product, &a.id).cmp(&(&b.product, &b.id)));
        }
        own.append(&mut others);
        own
    }

    /// The embedding of the photo's middle, for as long as nothing says where the article lies.
    fn middle(&mut self, vision: &mut Vision) -> Result<QuantisedEmbedding, InferenceError> {
        if let Some(middle) = &self.middle {
            return Ok(middle.clone());
        }
        let raster = self.raster();
        let (w, h) = (f64::from(raster.width()), f64::from(raster.height()));
        // Sellers put the article in the middle; the rim shows tables and hands.
        let margin = (1.0 - CENTRE) / 2.0;
        let (left, top) = (w * margin, h * margin);
        let (right, bottom) = (w * (1.0 - margin), h * (1.0 - margin));
        let middle = embed_box(vision, raster, Rect::new(left, top, right, bottom))?;
        self.middle = Some(middle.clone());
        Ok(middle)
    }

    /// The embedding of the article: seen from straight ahead as the best located reference so far
    /// places it, else of the photo's middle. Siblings share a layout, so that any of them may
    /// place it.
    pub(crate) fn embedding(
        &mut self,
        vision: &mut Vision,
        sizes: &HashMap<String, (f64, f64)>,
        own: Option<&str>,
    ) -> Result<QuantisedEmbedding, InferenceError> {
        if let Some(embedding) = &self.found.embedding {
            return Ok(embedding.clone());
        }
        // The product in question if it lies anywhere: a neighbour may have more points.
        let own = own.and_then(|id| {
            let location = self.found.locations.get(id)?.1.as_ref()?;
            Some((usize::MAX, id, location))
        });
        let all = self.found.locations.iter();
        let located = all.filter_map(|(id, (_, location))| {
            location.as_ref().map(|l| (l.inliers, id.as_str(), l))
        });
        // Ties go by id, since the order of a map changes from run to run.
        let best = own
            .into_iter()
            .chain(located)
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
            None => self.middle(vision)?,
        };
        self.found.embedding = Some(embedding.clone());
        Ok(embedding)
    }
}

/// The embedding of a part of a picture, in pixels, squashed to the model's square.
pub(crate) fn embed_box(
    vision: &mut Vision,
    raster: &Raster,
    part: Rect<f64>,
) -> Result<QuantisedEmbedding, InferenceError> {
    let (x, y) = (whole(part.left.max(0.0)), whole(part.top.max(0.0)));
    let crop = raster.crop(Rect::from_size(
        x,
        y,
        whole((part.right - f64::from(x)).max(1.0)),
        whole((part.bottom - f64::from(y)).max(1.0)),
    ));
    let side = vision.embedder.side();
    let square = vision.imaging.resize(&crop, side, side);
    Ok(vision.embedder.embed(&square)?.quantised())
}
