//! References against one photo: which of them are rivals, and who fits best.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::Arc,
};

use super::{align::AlignedPair, locate::Location, prepare::TurnedFeatures};
use crate::domain::{
    fusion::Evidence,
    gallery::{ProductKey, Reference, ReferenceKind},
    geometry::{Point, intersection_over_union},
    tuning::{
        compare::{PRODUCT_EMBEDDING, REFERENCE_EMBEDDING},
        presence::SAME_PLACE,
    },
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
    /// Its outline in pixels of the photo's frame.
    pub outline: Option<[Point; 4]>,
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
        self.location.as_ref().is_some_and(Location::is_placed)
    }

    /// Whether this is what the photo shows in place of `own`.
    pub(crate) fn may_replace(&self, own: &Self) -> bool {
        is_rival(&self.reference, &own.reference)
            && self.is_located()
            && self.inliers() > own.inliers()
    }

    /// Whether this can speak against `own`: another product, on the same place.
    pub(crate) fn rivals(&self, own: &Self) -> bool {
        is_rival(&self.reference, &own.reference)
            && match (&self.outline, &own.outline) {
                (Some(a), Some(b)) => intersection_over_union(a, b) >= SAME_PLACE,
                _ => false,
            }
    }

    /// How well it fits: logarithm of inliers plus the weighted cosine.
    fn rank(&self, embedding_weight: f64) -> f64 {
        // A logarithm, since ten points more mean much beside five and little beside three hundred.
        (self.inliers() as f64).ln_1p() + embedding_weight * self.embedding
    }
}

/// Whether one reference can fit better than another at all. Marks of one brand stand side by side
/// on one pack, and a pack holds its brand's marks: neither speaks against the other.
pub(crate) fn is_rival(reference: &Reference, own: &Reference) -> bool {
    let is_pack =
        |r: &Reference| matches!(r.kind, ReferenceKind::Pack | ReferenceKind::CataloguePhoto);
    reference.product != own.product
        && (reference.product.brand != own.product.brand || is_pack(reference) && is_pack(own))
}

/// What is known of candidate `index` before its marks are looked at.
pub(crate) fn evidence(
    candidates: &[Candidate],
    index: usize,
    pair: Option<&AlignedPair>,
) -> Evidence {
    let own = &candidates[index];
    // Who fits better elsewhere in the photo is a neighbour.
    let rivals = || candidates.iter().filter(|c| c.rivals(own));
    // The embedding is of the place of the article in question, whoever it is compared with.
    let alike = candidates
        .iter()
        .filter(|c| is_rival(&c.reference, &own.reference) && (!c.is_located() || c.rivals(own)));
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
        rival_embedding: alike.map(|c| c.embedding).max_by(f64::total_cmp),
        ..Evidence::default()
    }
}

/// The best reference of each product, best product first.
pub(crate) fn best_per_product(all: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
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
