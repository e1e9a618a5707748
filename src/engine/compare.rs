//! The claimed product and its rivals against one photo: who fits, how well, and a close look at
//! the claimed one.

use std::{collections::HashMap, sync::Arc};

use super::{
    Claim, Clock, Engine, EngineError,
    analysis::{Analysis, FeaturePass},
    inspect::{Aligned, Inspection, Purpose, align, inspect},
    locate::{Location, locate_rectified},
    prepared::TurnedFeatures,
};
use crate::domain::{
    fusion::{Evidence, FusedScore},
    gallery::{Gallery, ProductKey, Reference},
    geometry::Homography,
    tuning::{
        compare::{
            CONTENDER_SHARE, CONTENDERS, INSPECT_INLIERS, PRODUCT_EMBEDDING, REFERENCE_EMBEDDING,
            REFINED_RIVALS,
        },
        locate::SOLID_INLIERS,
    },
    variation::Observation,
};
use crate::engine::vision::Vision;

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

    /// How well it fits: logarithm of inliers plus the weighted cosine.
    fn rank(&self, embedding_weight: f64) -> f64 {
        (self.inliers() as f64).ln_1p() + embedding_weight * self.embedding
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

/// A reference looked for in the photo.
struct Hypothesis {
    reference: Arc<Reference>,
    location: Option<Location>,
    features: Arc<TurnedFeatures>,
}

/// A photo compared.
pub struct Comparison {
    /// The best reference of each product, best first.
    pub candidates: Vec<Candidate>,
    /// The claimed product, or without a claim the best; `None` when it has no reference.
    pub subject: Option<Subject>,
}

/// A candidate and its rivals on the photo rectified for it.
struct AlignedPair {
    aligned: Aligned,
    /// The most inliers that a rival reaches there.
    rival_refined: Option<usize>,
}

impl Comparison {
    /// Products by falling rank.
    pub fn ranking(&self) -> impl Iterator<Item = &ProductKey> {
        self.candidates.iter().map(|c| &c.reference.product)
    }

    /// What the photo showed of the subject's reference.
    pub fn observation(&self) -> Option<Observation> {
        let subject = self.subject.as_ref()?;
        let marks = subject
            .inspection
            .iter()
            .flat_map(|i| i.marks.iter().map(|m| m.observation.clone()))
            .collect();
        let reference = self.candidates[subject.candidate].reference.id.clone();
        let overview = subject.inspection.as_ref().and_then(|i| i.overview.clone());
        Some(Observation {
            reference,
            identity: subject.score.identity,
            marks,
            overview,
        })
    }

    /// What is known of candidate `index` before its marks are looked at.
    fn evidence(&self, index: usize, meeting: Option<&AlignedPair>) -> Evidence {
        Evidence {
            refined: meeting.map(|m| m.aligned.refined.as_ref().map_or(0, |l| l.inliers)),
            rival_refined: meeting.and_then(|m| m.rival_refined),
            ..self.rough_evidence(&self.candidates[index])
        }
    }

    /// What is known of a candidate without a close look.
    pub fn rough_evidence(&self, own: &Candidate) -> Evidence {
        let rivals = || {
            self.candidates
                .iter()
                .filter(|c| c.reference.product != own.reference.product)
        };
        Evidence {
            inliers: own.inliers(),
            inlier_ratio: own
                .location
                .as_ref()
                .map_or(0.0, |l| l.inliers as f64 / l.correspondences.max(1) as f64),
            spread: own.location.as_ref().map_or(0.0, |l| l.spread),
            embedding: Some(own.embedding),
            rival_inliers: rivals().map(Candidate::inliers).max().unwrap_or(0),
            rival_embedding: rivals().map(|c| c.embedding).max_by(f64::total_cmp),
            ..Evidence::default()
        }
    }
}

impl Engine {
    /// Compares an analysed photo with the gallery under a claim (or none: identification) for a
    /// purpose.
    pub fn compare(
        &self,
        vision: &mut Vision,
        analysis: &mut Analysis,
        gallery: &Gallery,
        claim: Option<&Claim>,
        purpose: Purpose,
        clock: &mut Clock,
    ) -> Result<Comparison, EngineError> {
        analysis.look(vision, FeaturePass::Coarse)?;
        let mut sought = self.seek(vision, analysis, gallery, claim, clock)?;
        let is_wanted = |s: &Hypothesis| claim.is_none_or(|c| c.covers(&s.reference.product));
        let is_found = sought
            .iter()
            .any(|s| is_wanted(s) && s.location.as_ref().is_some_and(Location::is_sure));
        if !is_found && analysis.look(vision, FeaturePass::Full)? {
            clock.lap("features");
            sought = self.seek(vision, analysis, gallery, claim, clock)?;
        }
        let sizes = sought
            .iter()
            .map(|s| (s.reference.id.clone(), s.features.frame_size()))
            .collect();
        let embedding = analysis.embedding(vision, &sizes)?;
        let candidates = best_per_product(sought.into_iter().map(
            |Hypothesis {
                 reference,
                 location,
                 features,
             }| {
                let embedding = f64::from(embedding.cosine(&reference.embedding));
                Candidate {
                    reference,
                    location,
                    embedding,
                    frame: features.frame_size(),
                    from_unit: features.from_unit,
                }
            },
        ));
        let subject = match claim {
            Some(claim) => candidates
                .iter()
                .position(|c| claim.covers(&c.reference.product)),
            None => (!candidates.is_empty()).then_some(0),
        };
        let mut comparison = Comparison {
            candidates,
            subject: None,
        };
        if let Some(index) = subject {
            let (index, aligned) = match claim {
                Some(_) => (index, self.align(vision, analysis, &comparison, index)?),
                None => (0, self.settle(vision, analysis, &mut comparison)?),
            };
            comparison.subject =
                Some(self.look_closely(vision, analysis, &comparison, index, aligned, purpose)?);
        }
        clock.lap("compare");
        Ok(comparison)
    }

    /// The references worth comparing, and where the photo shows them.
    fn seek(
        &self,
        vision: &mut Vision,
        analysis: &mut Analysis,
        gallery: &Gallery,
        claim: Option<&Claim>,
        clock: &mut Clock,
    ) -> Result<Vec<Hypothesis>, EngineError> {
        let covers = |product: &ProductKey| claim.is_some_and(|c| c.covers(product));
        let chosen = analysis.shortlist(vision, gallery, covers)?;
        clock.lap("search");
        let mut sought = Vec::with_capacity(chosen.len());
        for reference in chosen {
            let location =
                analysis.location(self, vision, &reference, covers(&reference.product))?;
            let features = self.features(vision, &reference)?;
            sought.push(Hypothesis {
                reference,
                location,
                features,
            });
        }
        Ok(sought)
    }

    /// Without a claim: the likeliest products are each looked at as if they were claimed, without
    /// perspective, and ordered by what comes out, since siblings share the layout and differ in
    /// few points. The best comes first.
    fn settle(
        &self,
        vision: &mut Vision,
        analysis: &Analysis,
        comparison: &mut Comparison,
    ) -> Result<Option<AlignedPair>, EngineError> {
        let most = comparison.candidates[0].inliers();
        let near = |c: &Candidate| {
            c.inliers() >= INSPECT_INLIERS && c.inliers() as f64 >= CONTENDER_SHARE * most as f64
        };
        let contenders = comparison
            .candidates
            .iter()
            .take(CONTENDERS)
            .take_while(|c| near(c))
            .count();
        let mut met = Vec::with_capacity(contenders);
        for index in 0..contenders {
            let meeting = self.align(vision, analysis, comparison, index)?;
            let score = self
                .defaults
                .fusion
                .score(&comparison.evidence(index, meeting.as_ref()))
                .identity;
            met.push((score, meeting));
        }
        let mut order: Vec<usize> = (0..contenders).collect();
        order.sort_by(|&a, &b| met[b].0.cmp(&met[a].0));
        let mut rest: Vec<Option<Candidate>> = comparison.candidates.drain(..).map(Some).collect();
        let leading: Vec<Candidate> = order.iter().filter_map(|&i| rest[i].take()).collect();
        comparison.candidates = leading
            .into_iter()
            .chain(rest.into_iter().flatten())
            .collect();
        match order.first() {
            Some(&best) => Ok(met.swap_remove(best).1),
            None => self.align(vision, analysis, comparison, 0),
        }
    }

    /// Candidate `index` and its rivals on the photo rectified for it: siblings share the layout,
    /// so they are met on equal terms, without perspective. `None` when the candidate was not
    /// located.
    fn align(
        &self,
        vision: &mut Vision,
        analysis: &Analysis,
        comparison: &Comparison,
        index: usize,
    ) -> Result<Option<AlignedPair>, EngineError> {
        let candidates = &comparison.candidates;
        let own = &candidates[index];
        let Some(location) = own
            .location
            .as_ref()
            .filter(|l| l.inliers >= INSPECT_INLIERS)
        else {
            return Ok(None);
        };
        let features = self.features(vision, &own.reference)?;
        let aligned = align(vision, analysis, location, &features)?;
        let mut rivals: Vec<&Candidate> = candidates
            .iter()
            .filter(|c| c.reference.product != own.reference.product && c.inliers() > 0)
            .collect();
        rivals.sort_by_key(|c| std::cmp::Reverse(c.inliers()));
        let mut rival_refined = None;
        for rival in rivals.into_iter().take(REFINED_RIVALS) {
            let features = self.features(vision, &rival.reference)?;
            let found = locate_rectified(&aligned.features, &features).map_or(0, |l| l.inliers);
            rival_refined = rival_refined.max(Some(found));
        }
        Ok(Some(AlignedPair {
            aligned,
            rival_refined,
        }))
    }

    /// Compares the marks and the appearance of candidate `index`.
    fn look_closely(
        &self,
        vision: &mut Vision,
        analysis: &Analysis,
        comparison: &Comparison,
        index: usize,
        meeting: Option<AlignedPair>,
        purpose: Purpose,
    ) -> Result<Subject, EngineError> {
        let own = &comparison.candidates[index];
        let inspection = match &meeting {
            Some(meeting) => {
                let pixels = self.pixels(vision, &own.reference)?;
                Some(inspect(
                    vision,
                    &self.cache,
                    analysis,
                    &meeting.aligned,
                    (&own.reference, &pixels),
                    purpose,
                )?)
            }
            None => None,
        };
        let evidence = Evidence {
            blocks: inspection.as_ref().and_then(|i| i.blocks.mean()),
            marks: inspection
                .iter()
                .flat_map(|i| i.marks.iter().filter_map(|m| m.evidence))
                .collect(),
            ..comparison.evidence(index, meeting.as_ref())
        };
        let score = self.defaults.fusion.score(&evidence);
        Ok(Subject {
            candidate: index,
            evidence,
            score,
            inspection,
        })
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
                if candidate.rank(REFERENCE_EMBEDDING) > slot.get().rank(REFERENCE_EMBEDDING) {
                    slot.insert(candidate);
                }
            }
        }
    }
    let mut best: Vec<Candidate> = best.into_values().collect();
    let rank = |c: &Candidate| c.rank(PRODUCT_EMBEDDING);
    best.sort_by(|a, b| {
        rank(b)
            .total_cmp(&rank(a))
            .then_with(|| a.reference.product.cmp(&b.reference.product))
    });
    best
}
