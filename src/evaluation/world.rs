//! One photo held against all that is claimed of it, each claim by the comparison that a check makes.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    data::{ClaimRow, PhotoRow},
    facts::Facts,
    judged::Judged,
    measured::{Identified, Measured, Row, inputs},
    pictures::Pictures,
    plan::Plan,
};
use crate::{
    checker::clock::Clock,
    domain::{
        calibration::Calibration,
        gallery::{Gallery, ProductKey, Reference},
        geometry::{Rect, intersection_over_union, quad_area},
        variation::{ReferenceVariation, Variation},
        verdict::PhotoReport,
    },
    engine::{
        Claim, Comparison, Decoded, Engine, Examination, Interrupt, OperatingPoint, Prepared,
        Purpose, Question, Sight, Stage, Stages, vision::Vision,
    },
};

/// What every photo is measured in.
pub(crate) struct World<'a> {
    pub plan: &'a Plan<'a>,
    pub engine: &'a Engine,
    pub pictures: &'a Pictures,
    pub references: &'a [Arc<Reference>],
    pub base: &'a Gallery,
    pub facts: &'a HashMap<ProductKey, Facts>,
    /// What is known of products' genuine photos: nothing while the calibration photos are
    /// measured.
    pub variations: HashMap<ProductKey, Variation>,
    /// What claims are judged by, one per budget: nothing while the calibration photos are
    /// measured.
    pub calibrations: Vec<Calibration>,
    /// The shipped calibration, once per budget. A check without a claim knows no other.
    pub shipped: Vec<Calibration>,
}

/// A claim to make on a photo.
struct Made<'a> {
    photo: &'a PhotoRow,
    photo_facts: Facts,
    claim: ClaimRow,
}

/// What a photo is held against.
struct Asked<'a> {
    gallery: &'a Gallery,
    claim: Option<&'a Claim>,
    /// What is known of genuine photos; `None` where this photo is one to learn from.
    variation: Option<&'a Variation>,
    /// What it is judged by, one per budget.
    calibrations: &'a [Calibration],
}

/// A photo compared, and the answer at each budget.
struct Seen {
    comparison: Comparison,
    /// Whether the photo shows the claimed product.
    sight: Option<Sight>,
    /// Whether the photo is too poor to be judged.
    poor: bool,
    reports: Vec<PhotoReport>,
}

impl Seen {
    fn judged(&self) -> Vec<Judged> {
        self.reports.iter().map(Judged::from).collect()
    }

    /// The best overlap of an outline of the product with one of the boxes; `None` without an
    /// outline.
    fn overlap(&self, product: &ProductKey, boxes: &[Rect<f64>]) -> Option<f64> {
        let matches = self.reports.first().map_or(&[][..], |r| &r.matches);
        let outlines = matches
            .iter()
            .filter(|m| m.product == *product)
            .filter_map(|m| m.region);
        let overlaps = outlines.flat_map(|mut outline| {
            // A mirrored article is outlined the other way round.
            if quad_area(&outline) < 0.0 {
                outline.reverse();
            }
            let overlap = move |b: &Rect<f64>| intersection_over_union(&outline, &b.corners());
            boxes.iter().map(overlap)
        });
        overlaps.max_by(f64::total_cmp)
    }
}

impl World<'_> {
    /// Measures all claims on a photo.
    pub(crate) fn measure(
        &self,
        vision: &mut Vision,
        photo: &PhotoRow,
    ) -> anyhow::Result<Measured> {
        let bytes = std::fs::read(self.plan.data.dir.join(&photo.path))?;
        let mut clock = Clock::start();
        let decoded = Arc::new(Decoded::from_bytes(vision.imaging.as_mut(), &bytes)?);
        clock.ended(Stage::Decode);
        let mut out = Measured::default();
        if !photo.is_calibration() {
            out.identified.push(self.identify(vision, photo, &decoded)?);
        }
        let pixels = decoded.raster.pixels().len() / 3;
        let photo_facts = Facts::of(&bytes, pixels, &decoded.facts.quality);
        for claim in self.claims(photo) {
            clock.resume();
            let made = Made {
                photo,
                photo_facts,
                claim,
            };
            self.measure_claim(vision, &decoded, made, &mut clock, &mut out)?;
        }
        // More is read of calibration photos than a check reads.
        for (stage, ms) in clock.laps().into_iter().filter(|_| !photo.is_calibration()) {
            out.stages.insert(stage.name(), (ms, 1));
        }
        Ok(out)
    }

    /// What the photo shows, as a check says that has no claim.
    fn identify(
        &self,
        vision: &mut Vision,
        photo: &PhotoRow,
        decoded: &Arc<Decoded>,
    ) -> anyhow::Result<Identified> {
        // No product is given whose variation could be taken off.
        let nothing = Variation::default();
        let asked = Asked {
            gallery: self.base,
            claim: None,
            variation: Some(&nothing),
            calibrations: &self.shipped,
        };
        let seen = self.compare(vision, decoded, &asked, &mut ())?;
        let own = photo.key();
        let answer = seen.reports.first();
        Ok(Identified {
            shows_nothing: photo.shows_nothing(),
            rank: seen.comparison.ranking().position(|p| *p == own),
            outlined: answer.is_some_and(|r| r.matches.iter().any(|m| m.region.is_some())),
            judged: seen.judged(),
        })
    }

    fn measure_claim(
        &self,
        vision: &mut Vision,
        decoded: &Arc<Decoded>,
        made: Made,
        clock: &mut Clock,
        out: &mut Measured,
    ) -> anyhow::Result<()> {
        let (photo, claimed) = (made.photo, made.claim.key());
        let gallery = self.gallery_for(photo, &claimed);
        let claim = Claim::Product(claimed.clone());
        let variation = self.variation_for(photo, &claimed);
        let is_genuine = made.claim.is_genuine();
        // These are what checks learn from, so nothing learnt is applied to them.
        let learns = photo.is_calibration() && is_genuine;
        let asked = Asked {
            gallery: &gallery,
            claim: Some(&claim),
            variation: (!learns).then_some(&variation),
            calibrations: match photo.is_calibration() {
                true => &[],
                false => &self.calibrations,
            },
        };
        // What a check of an honest listing takes is told by its stages.
        let stages: &mut dyn Stages = if is_genuine { clock } else { &mut () };
        let seen = self.compare(vision, decoded, &asked, stages)?;
        let is_seen = seen.sight == Some(Sight::Seen) && !seen.poor;
        if let (true, true, Some(observed)) = (learns, is_seen, seen.comparison.observation()) {
            out.observations.push((photo.clone(), observed));
        }
        let row = self.row(made, &seen);
        match (photo.is_calibration(), is_genuine) {
            (false, _) => out.test.push(row),
            (true, true) => out.calibration.push(row),
            (true, false) => out.fitting.push(row),
        }
        Ok(())
    }

    fn row(&self, made: Made, seen: &Seen) -> Row {
        let claimed = made.claim.key();
        let subject = seen.comparison.subject.as_ref();
        let own = subject.map(|s| &seen.comparison.candidates[s.candidate]);
        let compared = seen.sight == Some(Sight::Seen);
        let logo = seen.comparison.logo.as_ref();
        let located = compared || logo.is_some_and(|logo| logo.reference.product == claimed);
        // A box is drawn around what its photo is of, and not around the others in the scene.
        let boxes = self.plan.data.boxes.get(&made.photo.path);
        let boxes = boxes.filter(|_| made.claim.is_genuine() && claimed == made.photo.key());
        Row {
            boxed: boxes.is_some(),
            overlap: boxes.and_then(|boxes| seen.overlap(&claimed, boxes)),
            photo: made.photo.clone(),
            photo_facts: made.photo_facts,
            reference_facts: self.facts.get(&claimed).copied().unwrap_or_default(),
            group: made.claim.group(),
            claim: made.claim,
            // A check would refuse such a photo, so it has no score here either.
            score: seen
                .comparison
                .claim_score(seen.sight)
                .filter(|_| !seen.poor),
            inliers: own.map_or(0, |c| c.inliers()),
            located,
            covered: compared && !seen.poor,
            inputs: subject.map(inputs).unwrap_or_default(),
            judged: seen.judged(),
        }
    }

    /// Compares a photo as a check does: from its pixels, knowing nothing of other claims on it.
    fn compare(
        &self,
        vision: &mut Vision,
        decoded: &Arc<Decoded>,
        asked: &Asked,
        stages: &mut dyn Stages,
    ) -> anyhow::Result<Seen> {
        // Anew for every claim: what an earlier claim found would help this one, and a served check
        // has no earlier one.
        let mut examination = Examination::new(vision, Arc::clone(decoded))?;
        stages.ended(Stage::Features);
        let mut prepared = Prepared::default();
        loop {
            let question = Question {
                gallery: asked.gallery,
                claim: asked.claim,
                prepared: &prepared,
            };
            let purpose = asked.variation.map_or(Purpose::Learn, Purpose::Judge);
            match self
                .engine
                .compare(vision, &mut examination, question, purpose, stages)
            {
                Ok(comparison) => {
                    let judge = |calibration: &Calibration| {
                        let point = OperatingPoint {
                            calibration: calibration.clone(),
                            variation: asked.variation.cloned().unwrap_or_default(),
                        };
                        self.engine
                            .judge(&examination, question, &comparison, &point, 0)
                    };
                    let reports = asked.calibrations.iter().map(judge).collect();
                    return Ok(Seen {
                        sight: self.engine.sight(&examination, &comparison),
                        // Photos that set thresholds are judged by none.
                        poor: self.engine.is_too_poor(
                            &examination,
                            &comparison,
                            asked.calibrations.is_empty(),
                        ),
                        comparison,
                        reports,
                    });
                }
                Err(Interrupt::Need(need)) => {
                    self.pictures
                        .bring(vision, self.engine, &need, &mut prepared)?;
                }
                Err(Interrupt::Model(error)) => return Err(error.into()),
            }
        }
    }

    /// The claims to make on a photo: the table's for a test photo; its own product for a
    /// calibration photo, and for fitting also up to three siblings, one other product and the
    /// edited references of its title.
    fn claims(&self, photo: &PhotoRow) -> Vec<ClaimRow> {
        let data = self.plan.data;
        if !photo.is_calibration() {
            return data.claims.get(&photo.path).cloned().unwrap_or_default();
        }
        let own = photo.key();
        let claim =
            |p: &ProductKey, truth: &str, edit: &str| ClaimRow::new(&photo.path, p, truth, edit);
        let mut claims = vec![claim(&own, "genuine", "")];
        if self.plan.fitting {
            let mut products: Vec<&ProductKey> = self
                .base
                .references()
                .iter()
                .map(|r| &r.product)
                .filter(|p| **p != own)
                .collect();
            products.dedup();
            // A few of each kind: fitting wants all kinds, and every claim costs as much as a
            // check.
            let siblings = products.iter().filter(|p| p.brand == own.brand).take(3);
            claims.extend(siblings.map(|p| claim(p, "sibling", "")));
            let others: Vec<_> = products.iter().filter(|p| p.brand != own.brand).collect();
            // Any fixed choice will do; the path's length and bytes spread it over the products.
            let pick = photo.path.bytes().map(usize::from).sum::<usize>();
            if let Some(other) = others.get(pick % others.len().max(1)) {
                claims.push(claim(other, "other", ""));
            }
            claims.extend(
                data.edits_of(&own)
                    .map(|p| claim(p, "edited", edit_kind(p, &own))),
            );
        }
        claims
    }

    /// The world in which a claim is made: an edited reference stands in place of its title's
    /// genuine one.
    fn gallery_for(&self, photo: &PhotoRow, claimed: &ProductKey) -> Gallery {
        if !self.plan.data.is_edited(claimed) {
            return self.base.clone();
        }
        let own = photo.key();
        // Beside its edit the genuine product would always be the rival that fits better.
        let kept = self.base.references().iter().filter(|r| r.product != own);
        let edited = self.references.iter().filter(|r| r.product == *claimed);
        Gallery::new(kept.chain(edited).cloned().collect())
    }

    /// What is known of genuine photos of the claimed product. An edited reference stands for the
    /// genuine one, so what photos of its title share is known of it: else only genuine claims were
    /// forgiven. Its marks are not the genuine one's, and so what those are misread as is not lent.
    fn variation_for(&self, photo: &PhotoRow, claimed: &ProductKey) -> Variation {
        if !self.plan.data.is_edited(claimed) {
            return self.variations.get(claimed).cloned().unwrap_or_default();
        }
        let Some(known) = self.variations.get(&photo.key()) else {
            return Variation::default();
        };
        let genuine = self
            .base
            .references()
            .iter()
            .filter(|r| r.product == photo.key());
        let edited = self.references.iter().filter(|r| r.product == *claimed);
        // A title's references and their edits are enrolled in the same order, so they pair by
        // place.
        let lent = genuine.zip(edited).filter_map(|(genuine, edited)| {
            let ReferenceVariation { items, shared, .. } =
                known.references.get(&genuine.id)?.clone();
            Some((
                edited.id.clone(),
                ReferenceVariation {
                    items,
                    shared,
                    misread: BTreeSet::new(),
                },
            ))
        });
        Variation {
            references: lent.collect(),
        }
    }
}

fn edit_kind<'a>(edited: &'a ProductKey, of: &ProductKey) -> &'a str {
    edited
        .product
        .strip_prefix(&format!("{}-", of.product))
        .unwrap_or(&edited.product)
}
