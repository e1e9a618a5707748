//! The claimed product and its rivals against one photo: who fits, how well, and a close look at the claimed one.

use std::{collections::HashMap, sync::Arc};

use super::{
    Claim, Clock, Pipeline, PipelineError,
    analysis::Analysis,
    inspect::{Inspection, inspect},
    locate::{Location, SOLID_INLIERS, locate_rectified},
};
use crate::checker::ports::Vision;
use crate::domain::{
    fusion::{Evidence, FusedScore},
    gallery::{Gallery, ProductKey, Reference},
    geometry::Homography,
};

/// Fewer inliers are chance: there is nothing to rectify.
const INSPECT_INLIERS: usize = 10;
/// Rivals compared again in the rectified photo.
const REFINED_RIVALS: usize = 3;
/// Weight of the embedding's cosine beside the logarithm of inliers when candidates are ranked: it breaks ties.
const RANK_EMBEDDING: f64 = 0.1;

/// One reference against the photo.
pub struct Candidate {
    /// The reference.
    pub reference: Arc<Reference>,
    /// Where it lies, if anywhere.
    pub location: Option<Location>,
    /// Cosine of embeddings, -1 to 1.
    pub embedding: f64,
    /// Sides of the reference's frame in pixels.
    pub frame: (f64, f64),
    /// Maps 0..1 of the reference to pixels of its frame.
    pub from_unit: Homography,
}

impl Candidate {
    /// Inliers, 0 when not located.
    pub fn inliers(&self) -> usize {
        self.location.as_ref().map_or(0, |l| l.inliers)
    }

    /// Whether it was located beyond chance.
    pub fn is_located(&self) -> bool {
        self.inliers() >= SOLID_INLIERS
    }

    fn rank(&self) -> f64 {
        (self.inliers() as f64).ln_1p() + RANK_EMBEDDING * self.embedding
    }
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
}

impl Comparison {
    /// Products by falling rank.
    pub fn ranking(&self) -> impl Iterator<Item = &ProductKey> {
        self.candidates.iter().map(|c| &c.reference.product)
    }

    /// What is known of a candidate without a close look.
    pub fn rough_evidence(&self, own: &Candidate) -> Evidence {
        let rivals = || self.candidates.iter().filter(|c| c.reference.product != own.reference.product);
        Evidence {
            inliers: own.inliers(),
            inlier_ratio: own.location.as_ref().map_or(0.0, |l| l.inliers as f64 / l.correspondences.max(1) as f64),
            spread: own.location.as_ref().map_or(0.0, |l| l.spread),
            embedding: Some(own.embedding),
            rival_inliers: rivals().map(Candidate::inliers).max().unwrap_or(0),
            rival_embedding: rivals().map(|c| c.embedding).max_by(f64::total_cmp),
            ..Evidence::default()
        }
    }
}

impl Pipeline {
    /// Compares an analysed photo with the gallery under a claim (or none: identification).
    pub fn compare(
        &self,
        vision: &mut Vision,
        analysis: &mut Analysis,
        gallery: &Gallery,
        claim: Option<&Claim>,
        clock: &mut Clock,
    ) -> Result<Comparison, PipelineError> {
        let covers = |product: &ProductKey| claim.is_some_and(|c| c.covers(product));
        let chosen = analysis.shortlist(vision, gallery, covers)?;
        clock.lap("search");
        let mut located = Vec::with_capacity(chosen.len());
        let mut sizes = HashMap::new();
        for reference in chosen {
            let location = analysis.location(self, vision, &reference, covers(&reference.product))?;
            let features = self.features(vision, &reference)?;
            sizes.insert(reference.id.clone(), features.frame_size());
            located.push((reference, location, features));
        }
        let embedding = analysis.embedding(vision, &sizes)?;
        let candidates = best_per_product(located.into_iter().map(|(reference, location, features)| {
            let embedding = f64::from(embedding.cosine(&reference.embedding));
            Candidate { reference, location, embedding, frame: features.frame_size(), from_unit: features.from_unit }
        }));
        let subject = match claim {
            Some(claim) => candidates.iter().position(|c| claim.covers(&c.reference.product)),
            None => (!candidates.is_empty()).then_some(0),
        };
        let mut comparison = Comparison { candidates, subject: None };
        if let Some(index) = subject {
            let (subject, better) = self.look_closely(vision, analysis, &comparison, index)?;
            comparison.subject = Some(subject);
            if let (None, Some(better)) = (claim, better) {
                // Without perspective another product fits better than the first guess: it is the one in question.
                comparison.candidates[..=better].rotate_right(1);
                comparison.subject = Some(self.look_closely(vision, analysis, &comparison, 0)?.0);
            }
        }
        clock.lap("compare");
        Ok(comparison)
    }

    /// Looks closely at candidate `index`; the second answer is the rival that fits better once the perspective is gone,
    /// if one does.
    fn look_closely(
        &self,
        vision: &mut Vision,
        analysis: &Analysis,
        comparison: &Comparison,
        index: usize,
    ) -> Result<(Subject, Option<usize>), PipelineError> {
        let own = &comparison.candidates[index];
        let location = own.location.as_ref().filter(|l| l.inliers >= INSPECT_INLIERS);
        let inspection = match location {
            Some(location) => {
                let pixels = self.pixels(vision, &own.reference)?;
                let features = self.features(vision, &own.reference)?;
                Some(inspect(vision, analysis, location, &pixels, &features, &own.reference.marks)?)
            }
            None => None,
        };
        let rival = match &inspection {
            Some(inspection) => self.best_refined_rival(vision, inspection, comparison, index)?,
            None => None,
        };
        let refined = inspection.as_ref().map(|i| i.refined.as_ref().map_or(0, |l| l.inliers));
        let evidence = Evidence {
            refined,
            blocks: inspection.as_ref().and_then(|i| i.blocks.mean()),
            rival_refined: rival.map(|(inliers, _)| inliers),
            marks: inspection.iter().flat_map(|i| i.marks.iter().filter_map(|m| m.evidence)).collect(),
            ..comparison.rough_evidence(own)
        };
        let score = self.defaults.fusion.score(&evidence);
        let better = rival.filter(|(inliers, _)| Some(*inliers) > refined).map(|(_, rival)| rival);
        Ok((Subject { candidate: index, evidence, score, inspection }, better))
    }

    /// The most inliers that a rival reaches on the photo rectified for candidate `index`, and which rival: siblings
    /// share the layout, so they are met on equal terms, without perspective.
    fn best_refined_rival(
        &self,
        vision: &mut Vision,
        inspection: &Inspection,
        comparison: &Comparison,
        index: usize,
    ) -> Result<Option<(usize, usize)>, PipelineError> {
        let candidates = &comparison.candidates;
        let product = &candidates[index].reference.product;
        let mut rivals: Vec<usize> = (0..candidates.len())
            .filter(|&i| candidates[i].reference.product != *product && candidates[i].inliers() > 0)
            .collect();
        rivals.sort_by_key(|&i| std::cmp::Reverse(candidates[i].inliers()));
        let mut best: Option<(usize, usize)> = None;
        for rival in rivals.into_iter().take(REFINED_RIVALS) {
            let features = self.features(vision, &candidates[rival].reference)?;
            let found = locate_rectified(&inspection.features, &features).map_or(0, |l| l.inliers);
            if best.is_none_or(|(most, _)| found > most) {
                best = Some((found, rival));
            }
        }
        Ok(best)
    }
}

/// The best reference of each product, best product first.
fn best_per_product(all: impl Iterator<Item = Candidate>) -> Vec<Candidate> {
    let mut best: HashMap<ProductKey, Candidate> = HashMap::new();
    for candidate in all {
        match best.entry(candidate.reference.product.clone()) {
            std::collections::hash_map::Entry::Vacant(slot) => {
                slot.insert(candidate);
            }
            std::collections::hash_map::Entry::Occupied(mut slot) => {
                if candidate.rank() > slot.get().rank() {
                    slot.insert(candidate);
                }
            }
        }
    }
    let mut best: Vec<Candidate> = best.into_values().collect();
    best.sort_by(|a, b| b.rank().total_cmp(&a.rank()).then_with(|| a.reference.product.cmp(&b.reference.product)));
    best
}
