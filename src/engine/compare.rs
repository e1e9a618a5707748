//! The claimed product and its rivals against one photo: who fits, where, and how well.

use std::{
    cmp::Reverse,
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use super::{
    align::{Aligned, align},
    cache::Cache,
    claim::Claim,
    inspect::{Inspection, Purpose, inspect},
    locate::{Location, locate_rectified},
    need::{Interrupt, Prepared},
    prepare::TurnedFeatures,
    search::{FeaturePass, Query},
    stage::{Stage, Stages},
    vision::{InferenceError, Vision},
};
use crate::domain::tuning::{
    compare::{
        CONTENDER_SHARE, CONTENDERS, INSPECT_INLIERS, PRODUCT_EMBEDDING, REFERENCE_EMBEDDING,
        REFINED_RIVALS,
    },
    locate::SOLID_INLIERS,
};
use crate::domain::{
    fusion::{Evidence, FusedScore, Fusion},
    gallery::{Gallery, ProductKey, Reference},
    variation::Observation,
};

/// One reference against the photo.
pub struct Candidate {
    /// The reference.
    pub reference: Arc<Reference>,
    /// Where it lies, if anywhere.
    pub location: Option<Location>,
    /// Cosine of embeddings, -1 to 1.
    pub embedding: f64,
    /// The reference's features, which know its frame.
    pub features: Arc<TurnedFeatures>,
}

impl Candidate {
    /// Inliers, 0 when not located.
    pub fn inliers(&self) -> usize {
        self.location.as_ref().map_or(0, |l| l.inliers)
    }

    /// Inliers over correspondences, 0 to 1.
    pub(crate) fn inlier_ratio(&self) -> f64 {
        let location = self.location.as_ref();
        location.map_or(0.0, |l| l.inliers as f64 / l.correspondences.max(1) as f64)
    }

    /// Whether it was located beyond chance.
    pub fn is_located(&self) -> bool {
        self.inliers() >= SOLID_INLIERS
    }

    /// How well it fits: logarithm of inliers plus the weighted cosine.
    fn rank(&self, embedding_weight: f64) -> f64 {
        // A logarithm, since ten points more mean much beside five and little beside three hundred.
        (self.inliers() as f64).ln_1p() + embedding_weight * self.embedding
    }
}

/// A reference looked for in the photo.
struct Hypothesis {
    reference: Arc<Reference>,
    location: Option<Location>,
    features: Arc<TurnedFeatures>,
}

/// A candidate and its rivals on the photo rectified for it: perspective is gone, and they meet on
/// equal terms.
pub(crate) struct AlignedPair {
    /// The photo in the candidate's frame.
    pub aligned: Aligned,
    /// The most inliers that a rival reaches there.
    rival_refined: Option<usize>,
}

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
    /// The reference whose very picture the photo is, when that is one of the claim.
    pub copied: Option<Arc<Reference>>,
}

impl Comparison {
    /// Products by falling rank.
    pub(crate) fn ranking(&self) -> impl Iterator<Item = &ProductKey> {
        self.candidates.iter().map(|c| &c.reference.product)
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

/// What is known of candidate `index` before its marks are looked at.
fn evidence(candidates: &[Candidate], index: usize, pair: Option<&AlignedPair>) -> Evidence {
    let own = &candidates[index];
    // Other references of the same product are no rivals: an item may fit any of its sides.
    let is_rival = |c: &&Candidate| c.reference.product != own.reference.product;
    let rivals = || candidates.iter().filter(is_rival);
    Evidence {
        inliers: own.inliers(),
        inlier_ratio: own.inlier_ratio(),
        spread: own.location.as_ref().map_or(0.0, |l| l.spread),
        refined: pair.map(|p| p.aligned.refined.as_ref().map_or(0, |l| l.inliers)),
        embedding: Some(own.embedding),
        // The best of all rivals in each respect, not one rival's figures: whoever fits better
        // anywhere speaks against the claim.
        rival_inliers: rivals().map(Candidate::inliers).max().unwrap_or(0),
        rival_refined: pair.and_then(|p| p.rival_refined),
        rival_embedding: rivals().map(|c| c.embedding).max_by(f64::total_cmp),
        ..Evidence::default()
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
    let weighed = inspection
        .iter()
        .flat_map(|i| i.marks.iter().filter_map(|m| m.weighed.as_ref()));
    let evidence = Evidence {
        blocks: inspection.as_ref().and_then(|i| i.blocks.mean()),
        marks: weighed.map(|w| w.evidence).collect(),
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

/// Locates the references of `gallery` that are worth comparing, and aligns the product in
/// question.
///
/// # Errors
/// [`Interrupt::Need`] when features of some reference are not in `prepared`.
pub(crate) fn locate_all(
    vision: &mut Vision,
    query: &mut Query,
    (gallery, claim): (&Gallery, Option<&Claim>),
    prepared: &Prepared,
    fusion: &Fusion,
    stages: &mut dyn Stages,
) -> Result<Located, Interrupt> {
    // A call that goes on after a fetch may have stopped in the full pass. Starting from the coarse
    // one again gives the answer that it would have given with everything at hand.
    query.switch_to(vision, FeaturePass::Coarse)?;
    let mut found = hypotheses(vision, query, (gallery, claim), prepared, stages)?;
    let is_wanted = |h: &Hypothesis| claim.is_none_or(|c| c.covers(&h.reference.product));
    let is_sure = |h: &Hypothesis| h.location.as_ref().is_some_and(Location::is_sure);
    // A large article is found at the smaller size, at half the cost. A rival found surely does not
    // count: the claimed product may still be there, too small for the coarse pass.
    if !found.iter().any(|h| is_wanted(h) && is_sure(h))
        && query.switch_to(vision, FeaturePass::Full)?
    {
        stages.ended(Stage::Features);
        found = hypotheses(vision, query, (gallery, claim), prepared, stages)?;
    }
    let sizes = found
        .iter()
        .map(|h| (h.reference.id.clone(), h.features.frame_size()))
        .collect();
    // Only after locating: the embedding is to see the article, and now it is known where it lies.
    let embedding = query.embedding(vision, &sizes)?;
    let candidates = best_per_product(found.into_iter().map(|h| Candidate {
        embedding: f64::from(embedding.cosine(&h.reference.embedding)),
        reference: h.reference,
        location: h.location,
        features: h.features,
    }));
    // Without a rival the comparison is a little kinder. Without a claimed reference it lacks what
    // the owner judges by, so these are told.
    let claimed = |r: &&Arc<Reference>| claim.is_some_and(|c| c.covers(&r.product));
    let lost = gallery
        .references
        .iter()
        .filter(claimed)
        .filter(|r| prepared.is_lost(r));
    let left_out = prepared.left_out().iter().cloned();
    let mut located = Located {
        lost: lost.map(|r| r.id.clone()).chain(left_out).collect(),
        candidates,
        subject: None,
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
    Ok(located)
}

/// The references worth comparing, and where the photo shows them.
fn hypotheses(
    vision: &mut Vision,
    query: &mut Query,
    (gallery, claim): (&Gallery, Option<&Claim>),
    prepared: &Prepared,
    stages: &mut dyn Stages,
) -> Result<Vec<Hypothesis>, Interrupt> {
    let covers = |product: &ProductKey| claim.is_some_and(|c| c.covers(product));
    let chosen = query.shortlist(vision, gallery, covers)?;
    stages.ended(Stage::Search);
    prepared.require_features(&chosen)?;
    let mut found = Vec::with_capacity(chosen.len());
    for reference in chosen {
        // A reference whose file is lost cannot be compared; what that means for a claim on it is
        // said in the verdict.
        let Some(features) = prepared.features(&reference).cloned() else {
            continue;
        };
        let location = query.location(&reference, &features, covers(&reference.product));
        found.push(Hypothesis {
            reference,
            location,
            features,
        });
    }
    Ok(found)
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
    let is_rival = |c: &&Candidate| c.reference.product != own.reference.product && c.inliers() > 0;
    let mut rivals: Vec<&Candidate> = located.candidates.iter().filter(is_rival).collect();
    // Each rival costs a match; those with most points are the likeliest to fit better.
    rivals.sort_by_key(|c| Reverse(c.inliers()));
    let refined = rivals
        .into_iter()
        .take(REFINED_RIVALS)
        .map(|rival| locate_rectified(&aligned.features, &rival.features).map_or(0, |l| l.inliers));
    let rival_refined = refined.max();
    Ok(Some(AlignedPair {
        aligned,
        rival_refined,
    }))
}

/// The best reference of each product, best product first.
fn best_per_product(all: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
    let mut best: HashMap<ProductKey, Candidate> = HashMap::new();
    for candidate in all {
        match best.entry(candidate.reference.product.clone()) {
            Entry::Vacant(slot) => {
                slot.insert(candidate);
            }
            Entry::Occupied(mut slot) => {
                // Strictly better: of equals the first in the gallery stays.
                if candidate.rank(REFERENCE_EMBEDDING) > slot.get().rank(REFERENCE_EMBEDDING) {
                    slot.insert(candidate);
                }
            }
        }
    }
    let mut best: Vec<Candidate> = best.into_values().collect();
    // A map has no order of its own, so equal ranks go by name: a replay must give the same answer.
    let rank = |c: &Candidate| c.rank(PRODUCT_EMBEDDING);
    best.sort_by(|a, b| {
        rank(b)
            .total_cmp(&rank(a))
            .then_with(|| a.reference.product.cmp(&b.reference.product))
    });
    best
}
