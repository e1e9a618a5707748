//! Comparing the photos of an answered check once more, to see that the same models come to the same
//! scores.
//!
//! What is compared is what was measured, before anything that was learnt of genuine photos: that
//! and the thresholds belong to the day of the check.

use std::sync::Arc;

use anyhow::Context;
use bytes::Bytes;
use serde::Serialize;

use super::pictures::Pictures;
use crate::{
    contract::answer::{ClaimAnswer, MatchAnswer, PhotoAnswer},
    domain::{
        gallery::{Gallery, Mark, ProductKey, Reference, ReferenceKind},
        geometry::{Point, Rect},
        variation::Variation,
        verdict::{MatchReport, PhotoReport},
    },
    engine::{
        Claim, Decoded, Engine, Examination, Interrupt, NewReference, OperatingPoint, Prepared,
        Question, prepare_reference, vision::Vision,
    },
};

/// Scores of 0 to 1, and places in shares of the photo, may differ by this much: other processors round
/// otherwise.
pub(crate) const TOLERANCE: f64 = 0.02;
/// Counts of points may differ by this share, or by [`FEW`].
pub(crate) const COUNT_TOLERANCE: f64 = 0.05;
/// Counts may differ by this much in any case.
const FEW: f64 = 3.0;

/// A photo and what was answered of it.
pub(crate) struct Answered<'a> {
    /// Its number in the check, from 0.
    pub n: usize,
    /// Its file.
    pub file: &'a [u8],
    /// The answer.
    pub answer: &'a PhotoAnswer,
}

/// A reference that it was matched with.
pub(crate) struct Matched {
    /// Its id.
    pub id: String,
    /// Product it belongs to.
    pub product: ProductKey,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view.
    pub view: Option<String>,
    /// The part of its picture that shows the article, in pixels.
    pub article: Option<Rect>,
    /// Its marks, and the regions that are ignored.
    pub marks: Vec<Mark>,
    /// Its picture's file.
    pub picture: Bytes,
}

/// What came of comparing once more.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Rerun {
    /// Photos that were compared.
    pub photos: usize,
    /// Scores that were compared.
    pub scores: usize,
    /// The largest difference of those that are in tolerance, as a share of it, 0 to 1.
    pub largest: f64,
    /// Those that came out otherwise.
    pub otherwise: Vec<Otherwise>,
}

/// A score that came out otherwise.
#[derive(Debug, Serialize)]
pub(crate) struct Otherwise {
    /// Number of the photo, from 0.
    pub photo: usize,
    /// The reference.
    pub reference: String,
    /// What was measured.
    pub what: String,
    /// The answer's; `null` for none.
    pub answered: Option<f64>,
    /// What comes out now; `null` for none.
    pub now: Option<f64>,
}

impl Rerun {
    /// Compares a photo with the references of its answer.
    ///
    /// # Errors
    /// The photo or a picture cannot be decoded, a reference is missing, or a model cannot be run.
    pub(crate) fn photo(
        &mut self,
        (engine, vision): (&Engine, &mut Vision),
        photo: &Answered<'_>,
        claim: Option<&ClaimAnswer>,
        references: &[Matched],
    ) -> anyhow::Result<()> {
        // Those of this photo alone: what else the check met would be found in it too.
        let matches = &photo.answer.matches;
        let own = references
            .iter()
            .filter(|r| matches.iter().any(|m| m.reference == r.id));
        let report = compare((engine, vision), photo.file, claim, own)?;
        self.photos += 1;
        let wanted = f64::from(u8::from(photo.answer.mirrored));
        let found = f64::from(u8::from(report.mirrored));
        self.hold((photo.n, ""), "mirrored", Some(wanted), Some(found), 0.0);
        for answered in matches {
            let found = report
                .matches
                .iter()
                .find(|m| m.reference == answered.reference);
            match found {
                Some(found) => self.matched(photo.n, answered, found),
                None => self.otherwise.push(Otherwise {
                    photo: photo.n,
                    reference: answered.reference.clone(),
                    what: "match".to_owned(),
                    answered: Some(answered.similarity),
                    now: None,
                }),
            }
        }
        Ok(())
    }

    fn matched(&mut self, n: usize, then: &MatchAnswer, now: &MatchReport) {
        let at = (n, &*then.reference);
        let (old, new) = (&then.channels, &now.channels);
        self.hold(at, "embedding", old.embedding, new.embedding, TOLERANCE);
        let inliers = old.geometry.inliers as f64;
        let few = (inliers * COUNT_TOLERANCE).max(FEW);
        self.hold(at, "inliers", Some(inliers), Some(new.inliers as f64), few);
        self.hold(at, "appearance", old.appearance, new.appearance, TOLERANCE);
        self.hold(at, "text", old.text, new.text, TOLERANCE);
        self.hold(at, "colour", old.colour, new.colour, TOLERANCE);
        let corners = (then.region.as_deref(), now.region.as_ref());
        match corners {
            (Some(old), Some(new)) => {
                let apart = old
                    .iter()
                    .zip(new)
                    .map(|([x, y], p)| p.distance(Point::new(*x, *y)));
                let most = apart.fold(0.0, f64::max);
                self.hold(at, "outline", Some(0.0), Some(most), TOLERANCE);
            }
            (old, new) => {
                let told = |seen: bool| Some(f64::from(u8::from(seen)));
                self.hold(at, "located", told(old.is_some()), told(new.is_some()), 0.0);
            }
        }
        for mark in &then.marks {
            let found = now.marks.iter().find(|m| m.mark.name == mark.name);
            let raw = |score: f64, genuine: f64| score + genuine;
            let found = found.map(|m| raw(m.score.get(), m.genuine_variation));
            let what = format!("mark {}", mark.name);
            let answered = raw(mark.score, mark.genuine_variation);
            self.hold(at, &what, Some(answered), found, TOLERANCE);
        }
    }

    fn hold(
        &mut self,
        (photo, reference): (usize, &str),
        what: &str,
        answered: Option<f64>,
        now: Option<f64>,
        tolerance: f64,
    ) {
        let agrees = match (answered, now) {
            (None, None) => return,
            (Some(a), Some(b)) if (a - b).abs() <= tolerance => {
                if tolerance > 0.0 {
                    self.largest = self.largest.max((a - b).abs() / tolerance);
                }
                true
            }
            _ => false,
        };
        self.scores += 1;
        if !agrees {
            self.otherwise.push(Otherwise {
                photo,
                reference: reference.to_owned(),
                what: what.to_owned(),
                answered,
                now,
            });
        }
    }
}

fn compare<'a>(
    (engine, vision): (&Engine, &mut Vision),
    file: &[u8],
    claim: Option<&ClaimAnswer>,
    references: impl Iterator<Item = &'a Matched>,
) -> anyhow::Result<PhotoReport> {
    let pictures = Pictures::default();
    let mut gallery: Vec<Arc<Reference>> = Vec::new();
    for matched in references {
        let picture = Decoded::from_bytes(vision.imaging.as_mut(), &matched.picture)
            .with_context(|| format!("the picture of the reference `{}`", matched.id))?;
        let new = NewReference {
            id: matched.id.clone(),
            product: matched.product.clone(),
            kind: matched.kind,
            view: matched.view.clone(),
            marks: matched.marks.clone(),
        };
        let enrolled = prepare_reference(vision, new, matched.article, &picture)?;
        let reference = Arc::new(enrolled.reference);
        pictures.add(Arc::clone(&reference), matched.picture.clone());
        gallery.push(reference);
    }
    let gallery = Gallery::new(gallery);
    let claim = claim.map(|claim| match &claim.product {
        None => Claim::Brand(claim.brand.clone()),
        Some(product) => Claim::Product(ProductKey {
            brand: claim.brand.clone(),
            product: product.clone(),
        }),
    });
    // Thresholds change no score.
    let point = OperatingPoint {
        calibration: engine.defaults().calibration(0.01),
        variation: Variation::default(),
    };
    let photo = Arc::new(Decoded::from_bytes(vision.imaging.as_mut(), file)?);
    let mut photo = Examination::new(vision, photo)?;
    let mut prepared = Prepared::default();
    loop {
        let question = Question {
            gallery: &gallery,
            claim: claim.as_ref(),
            prepared: &prepared,
        };
        match engine.check(vision, &mut photo, question, &point, 0, &mut ()) {
            Ok(report) => return Ok(report),
            Err(Interrupt::Need(need)) => {
                pictures.bring(vision, engine, &need, &mut prepared)?;
            }
            Err(Interrupt::Model(error)) => return Err(error.into()),
        }
    }
}
