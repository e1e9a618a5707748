//! The claimed product and its rivals against one photo: who fits, where, and how well.

use std::{cmp::Reverse, sync::Arc};

use super::{
    align::{AlignedPair, align},
    cache::Cache,
    candidate::{Candidate, best_per_product, evidence, is_rival},
    claim::Claim,
    closer::{Wanted, look_closer},
    copy::Copied,
    frames::pixels_to_unit,
    hypotheses::{
        Among, Hypothesis, Placed, embed_article, hypotheses, near, placed, shows_claimed,
    },
    inspect::{Inspection, Purpose, inspect},
    locate::{Location, locate_rectified},
    logos::SeenLogo,
    need::{Interrupt, Prepared},
    search::{Closer, Effort, FeaturePass, Query},
    stage::{Stage, Stages},
    vision::{InferenceError, Vision},
};
use crate::domain::tuning::{
    compare::{CONTENDER_SHARE, CONTENDERS, INSPECT_INLIERS, REFINED_RIVALS},
    presence::{CLEARLY_BETTER, SAME_PLACE},
};
use crate::domain::{
    fusion::{Evidence, FusedScore, Fusion},
    gallery::ProductKey,
    geometry::{Point, Rect, check_quad, intersection_over_union, number::whole},
    raster::Raster,
    variation::Observation,
};

/// Where a photo shows which references.
pub struct Located {
    /// The best reference of each product, best first.
    pub candidates: Vec<Candidate>,
    /// The product in question, which is the claimed one, or without a claim the likeliest: index
    /// of its best reference among the candidates, and that one aligned with the photo when it was
    /// located beyond chance. `None` when it has no reference.
    pub(crate) subject: Option<(usize, Option<AlignedPair>)>,
    /// References of the claim whose file is lost, by id.
    pub lost: Vec<String>,
    /// The part of the photo in which they lie, when the whole showed too little.
    pub(crate) view: Option<Box<Query>>,
    /// All that was placed in the whole photo.
    pub(crate) elsewhere: Vec<Placed>,
}

/// The product in question after the close look.
pub struct Subject {
    /// Index of its best reference among the candidates.
    pub candidate: usize,
    /// What was measured.
    pub evidence: Evidence,
    /// What it amounts to.
    pub score: FusedScore,
    /// The close look; `None` when the reference was not located.
    pub inspection: Option<Inspection>,
}

/// A photo compared.
pub struct Comparison {
    /// The best reference of each product, best first.
    pub candidates: Vec<Candidate>,
    /// The claimed product, or without a claim the best; `None` when it has no reference.
    pub subject: Option<Subject>,
    /// References that were to be compared and whose file is lost, by id.
    pub lost: Vec<String>,
    /// The part of the photo in which they lie, when the whole showed too little.
    pub(crate) view: Option<Box<Query>>,
    /// All that was placed in the whole photo.
    pub(crate) elsewhere: Vec<Placed>,
    /// The enrolled picture that the photo was made from, when that is one of the claim.
    pub copied: Option<Copied>,
    /// A logo of the claim that was seen where the claimed product was not found.
    pub(crate) logo: Option<SeenLogo>,
}

/// Why a comparison is looked at once more.
#[derive(Clone, Copy)]
pub(crate) enum Doubt {
    /// What was placed is not believed.
    Unseen,
    /// Something differs at a place, in 0..1 of the photo.
    Strange { place: [Point; 4] },
    /// Another product fits better at a place; `strange` when much differs there besides.
    Contested { place: [Point; 4], strange: bool },
}

impl Comparison {
    /// What would be looked for once more: references of the claimed product that were compared, or
    /// without a claim of the likeliest.
    pub(crate) fn wanted(&self, claim: Option<&Claim>) -> Vec<Wanted> {
        let own = self.subject.as_ref().map(|s| s.candidate);
        let candidates = self.candidates.iter().enumerate();
        candidates
            .filter(|(i, c)| {
                own == Some(*i) || claim.is_some_and(|claim| claim.covers(&c.reference.product))
            })
            .map(|(_, c)| (Arc::clone(&c.reference), Arc::clone(&c.features)))
            .collect()
    }

    /// Whether what this place encloses agrees better than at the first one.
    pub(crate) fn agrees_better(&self, first: &Self, doubt: Doubt) -> bool {
        let blocks = |c: &Self| c.subject.as_ref().and_then(|s| s.evidence.blocks);
        let contested = matches!(doubt, Doubt::Contested { .. });
        let score = |c: &Self| c.subject.as_ref().map(|s| s.score.identity);
        match (blocks(self), blocks(first)) {
            // Another product has the first place: any place of its own is better.
            _ if contested && !self.is_mirrored() => score(self) > score(first),
            (Some(second), Some(first)) => second >= first + CLEARLY_BETTER,
            (second, _) => second.is_some(),
        }
    }

    fn is_mirrored(&self) -> bool {
        self.view.as_ref().is_some_and(|v| v.is_mirrored())
    }

    /// Products by falling rank.
    pub(crate) fn ranking(&self) -> impl Iterator<Item = &ProductKey> {
        self.candidates.iter().map(|c| &c.reference.product)
    }

    /// The part of the picture looked at that shows the product in question.
    pub(crate) fn article(&self, query: &Query) -> Option<Raster> {
        let outline = self.candidates[self.subject.as_ref()?.candidate].outline?;
        let to_unit = pixels_to_unit(query.frame.size().0, query.frame.size().1);
        let place = Rect::around(&outline.map(|p| to_unit.apply(p)))?;
        let raster = query.raster();
        let (w, h) = (f64::from(raster.width()), f64::from(raster.height()));
        // At least a pixel: an outline that left the photo for the most part must not end in an
        // empty crop.
        let (left, top) = (
            whole(place.left.max(0.0) * w).min(raster.width() - 1),
            whole(place.top.max(0.0) * h).min(raster.height() - 1),
        );
        let right = whole(place.right * w).clamp(left + 1, raster.width());
        let bottom = whole(place.bottom * h).clamp(top + 1, raster.height());
        Some(raster.crop(Rect::new(left, top, right, bottom)))
    }

    /// What is known of a candidate without a close look.
    pub(crate) fn rough_evidence(&self, index: usize) -> Evidence {
        evidence(&self.candidates, index, None)
    }

    /// What the photo showed of the subject's reference.
    pub fn observation(&self) -> Option<Observation> {
        let subject = self.subject.as_ref()?;
        let inspection = subject.inspection.as_ref();
        let marks = inspection
            .iter()
            .flat_map(|i| i.marks.iter().map(|m| m.observation.clone()));
        Some(Observation {
            reference: self.candidates[subject.candidate].reference.id.clone(),
            identity: subject.score.identity,
            marks: marks.collect(),
            overview: inspection.and_then(|i| i.overview.clone()),
        })
    }
}

/// Compares the marks and the appearance of the product in question.
///
/// # Errors
/// [`Interrupt::Need`] when the pixels of its reference are not in `prepared`.
pub(crate) fn inspect_subject(
    vision: &mut Vision,
    cache: &Cache,
    (query, located): (&Query, &Located),
    prepared: &Prepared,
    (fusion, purpose): (&Fusion, Purpose),
) -> Result<(Option<Subject>, Vec<String>), Interrupt> {
    let mut lost = located.lost.clone();
    let Some((index, pair)) = &located.subject else {
        return Ok((None, lost));
    };
    let own = &located.candidates[*index].reference;
    let inspection = match pair {
        Some(pair) => match prepared.require_pixels(own)? {
            Some(pixels) => {
                let reference = (own.as_ref(), pixels.as_ref());
                Some(inspect(
                    vision,
                    cache,
                    query,
                    &pair.aligned,
                    reference,
                    purpose,
                )?)
            }
            None => {
                // Told as lost, so that no photo is called consistent by its layout alone, which
                // siblings share.
                lost.push(own.id.clone());
                None
            }
        },
        None => None,
    };
    // The reference's own marks stand before the places that the photo points to.
    let told = inspection.iter().flat_map(|i| {
        let weighed = i.marks.iter().enumerate();
        weighed.filter_map(|(n, m)| Some((n, m.weighed.as_ref()?.evidence)))
    });
    let told: Vec<_> = told.filter(|(_, m)| fusion.tells(m)).collect();
    let own_marks = own.marks.len();
    let evidence = Evidence {
        blocks: inspection.as_ref().and_then(|i| i.blocks.mean()),
        pointed: told.iter().filter(|(n, _)| *n >= own_marks).count(),
        marks: told.into_iter().map(|(_, m)| m).collect(),
        ..evidence(&located.candidates, *index, pair.as_ref())
    };
    let score = fusion.score(&evidence);
    let subject = Subject {
        candidate: *index,
        evidence,
        score,
        inspection,
    };
    Ok((Some(subject), lost))
}

/// Locates the references of a gallery that are worth comparing, and aligns the product in
/// question.
///
/// # Errors
/// [`Interrupt::Need`] when features of some reference are not in `prepared`.
pub(crate) fn locate_all(
    vision: &mut Vision,
    query: &mut Query,
    among: &Among,
    (prepared, doubted): (&Prepared, bool),
    fusion: &Fusion,
    stages: &mut dyn Stages,
) -> Result<Located, Interrupt> {
    // A call that goes on after a fetch may have stopped in the full pass. Starting from the coarse
    // one again gives the answer that it would have given with everything at hand.
    query.switch_to(vision, FeaturePass::Coarse)?;
    let claim = among.claim;
    let references = near(vision, query, among, prepared, stages)?;
    // A large article is found at the smaller size, at half the cost. Nobody else is asked where the
    // claimed product is not: it may still be there, too small for the coarse pass.
    if let Some(claim) = claim {
        let is_sure = shows_claimed(query, &references, claim, prepared);
        stages.ended(Stage::Compare);
        if !is_sure && query.switch_to(vision, FeaturePass::Full)? {
            stages.ended(Stage::Features);
        }
    }
    let (once, thorough) = ((prepared, Effort::Claimed), (prepared, Effort::Thorough));
    let mut found = hypotheses(query, references.clone(), claim, once, stages);
    let is_wanted = |h: &Hypothesis| claim.is_none_or(|c| c.covers(&h.reference.product));
    let shows = |found: &[Hypothesis], test: fn(&Location) -> bool| {
        let mut wanted = found.iter().filter(|h| is_wanted(h));
        wanted.any(|h| h.location.as_ref().is_some_and(test))
    };
    if claim.is_none()
        && !shows(&found, Location::is_sure)
        && query.switch_to(vision, FeaturePass::Full)?
    {
        stages.ended(Stage::Features);
        found = hypotheses(query, references, claim, once, stages);
    }
    let elsewhere = placed(&found, query);
    let mut view = None;
    // Also where what the whole photo showed was compared and not believed.
    if doubted || !shows(&found, Location::is_placed) {
        let wanted = found.iter().filter(|h| is_wanted(h));
        let wanted = wanted.map(|h| (Arc::clone(&h.reference), Arc::clone(&h.features)));
        stages.ended(Stage::Compare);
        if let Closer::NotTried = query.closer {
            let closer = look_closer(vision, query, wanted.collect(), doubted)?;
            query.closer = closer.map_or(Closer::Nothing, |part| Closer::Found(Box::new(part)));
            stages.ended(Stage::Features);
        }
        if let Closer::Found(part) = &mut query.closer {
            let references = near(vision, part, among, prepared, stages)?;
            found = hypotheses(part, references, claim, thorough, stages);
            // Taken out only now: what the part showed is kept when features were lacking.
            let closer = std::mem::replace(&mut query.closer, Closer::NotTried);
            if let Closer::Found(part) = closer {
                view = Some(part);
            }
        }
    }
    // Only after locating: now it is known where the article lies.
    let looked = view.as_deref_mut().unwrap_or(query);
    let embedding = match embed_article(vision, looked, &mut found, among, prepared) {
        Ok(embedding) => embedding,
        Err(interrupt) => {
            // What the part showed is kept when features are lacking.
            if let Some(part) = view {
                query.closer = Closer::Found(part);
            }
            return Err(interrupt);
        }
    };
    let query = view.as_deref_mut().unwrap_or(query);
    let frame = query.frame.size();
    let candidates = best_per_product(found.into_iter().map(|h| Candidate {
        embedding: f64::from(embedding.cosine(&h.reference.embedding)),
        outline:
            h.location.as_ref().and_then(|l| {
                check_quad(&l.reference_to_photo, h.features.frame_size(), frame).ok()
            }),
        reference: h.reference,
        location: h.location,
        features: h.features,
    }));
    // Without a rival the comparison is a little kinder. Without a claimed reference it lacks what
    // the owner judges by, so these are told.
    let own = claim.map_or(0..0, |claim| claim.places(among.gallery));
    let own = among.gallery.references()[own].iter();
    let lost = own.filter(|r| prepared.is_lost(r));
    let left_out = prepared.left_out().iter().cloned();
    let mut located = Located {
        lost: lost.map(|r| r.id.clone()).chain(left_out).collect(),
        candidates,
        subject: None,
        view: None,
        elsewhere,
    };
    // A claim is judged by its own product however many others fit better: those become evidence
    // against it.
    located.subject = match claim {
        Some(claim) => {
            let covered = |c: &Candidate| claim.covers(&c.reference.product);
            match located.candidates.iter().position(covered) {
                Some(index) => Some((index, align_pair(vision, query, &located, index)?)),
                None => None,
            }
        }
        None if located.candidates.is_empty() => None,
        None => Some((0, rerank(vision, query, &mut located, fusion)?)),
    };
    located.view = view;
    Ok(located)
}

/// Without a claim: the likeliest products are each looked at as if they were claimed, without
/// perspective, and ordered by what comes out, since siblings share the layout and differ in few
/// points. The best comes first.
fn rerank(
    vision: &mut Vision,
    query: &Query,
    located: &mut Located,
    fusion: &Fusion,
) -> Result<Option<AlignedPair>, InferenceError> {
    let most = located.candidates[0].inliers() as f64;
    // Aligning is dear, so it is done only for products that a little better fit could bring to the
    // front.
    let is_near = |c: &&Candidate| {
        c.inliers() >= INSPECT_INLIERS && c.inliers() as f64 >= CONTENDER_SHARE * most
    };
    let likeliest = located.candidates.iter().take(CONTENDERS);
    let contenders = likeliest.take_while(is_near).count();
    let mut aligned = Vec::with_capacity(contenders);
    for index in 0..contenders {
        let pair = align_pair(vision, query, located, index)?;
        let score = fusion
            .score(&evidence(&located.candidates, index, pair.as_ref()))
            .identity;
        aligned.push((score, pair));
    }
    let mut order: Vec<usize> = (0..contenders).collect();
    // A stable sort: among equals the better rank stays in front.
    order.sort_by(|&a, &b| aligned[b].0.cmp(&aligned[a].0));
    // Who was not looked at keeps its rank behind those who were: its score would be of another
    // kind.
    let mut rest: Vec<Option<Candidate>> = located.candidates.drain(..).map(Some).collect();
    let leading: Vec<Candidate> = order.iter().filter_map(|&i| rest[i].take()).collect();
    located.candidates = leading
        .into_iter()
        .chain(rest.into_iter().flatten())
        .collect();
    match order.first() {
        Some(&best) => Ok(aligned.swap_remove(best).1),
        None => align_pair(vision, query, located, 0),
    }
}

/// Candidate `index` and its rivals on the photo rectified for it; `None` when the candidate was
/// not located.
fn align_pair(
    vision: &mut Vision,
    query: &Query,
    located: &Located,
    index: usize,
) -> Result<Option<AlignedPair>, InferenceError> {
    let own = &located.candidates[index];
    let location = own.location.as_ref();
    let Some(location) = location.filter(|l| l.inliers >= INSPECT_INLIERS) else {
        return Ok(None);
    };
    let aligned = align(vision, query, location, &own.features)?;
    let scale = location.scale;
    // What is placed elsewhere is a neighbour; what is placed nowhere may still fit here.
    let may_fit = |c: &&Candidate| {
        is_rival(&c.reference, &own.reference)
            && c.inliers() > 0
            && (c.rivals(own) || !c.is_located())
    };
    let mut rivals: Vec<&Candidate> = located.candidates.iter().filter(may_fit).collect();
    // Each rival costs a match; those with most points are the likeliest to fit better.
    rivals.sort_by_key(|c| Reverse(c.inliers()));
    let refined = rivals
        .into_iter()
        .take(REFINED_RIVALS)
        .map(|rival| {
            let seen = locate_rectified(&aligned.features, &rival.features, scale)?;
            // It has to lie on the article itself, not on what else the frame shows of the photo.
            let (own_size, size) = (own.features.frame_size(), rival.features.frame_size());
            let outline = check_quad(&seen.reference_to_photo, size, own_size).ok()?;
            let (w, h) = own_size;
            let article = Rect::new(0.0, 0.0, w, h).corners();
            let is_here = intersection_over_union(&outline, &article) >= SAME_PLACE;
            is_here.then_some(seen.inliers)
        })
        .map(|inliers| inliers.unwrap_or(0));
    let rival_refined = refined.max();
    Ok(Some(AlignedPair {
        aligned,
        rival_refined,
    }))
}
