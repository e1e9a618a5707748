//! Which calibration a product is judged by: its own when enough genuine items are scored, else
//! that of all its brand's products when they have enough together, else the shipped one, with
//! advice on what is missing; and what a product's genuine photos show together.
//!
//! A check takes off what genuine photos of the claimed product show too. So do the scores of a
//! product's own calibration, each without its own item. The others' scores do not: their products
//! may have no such photos. Against them a photo looks no stranger than it is.

use std::collections::{BTreeSet, HashMap};

use super::{
    codec::observations,
    records::{GenuinePhotoRecord, GenuineScore, KeptObservation},
};
use crate::domain::digest::Sha256;
use crate::domain::{
    calibration::{Calibration, CalibrationSource},
    fusion::Fusion,
    geometry::number::index,
    score::LogOdds,
    variation::{GenuineObservations, Observation, ReferenceVariation, Variation},
};

/// Observations of a product's genuine photos, read in portions: first all to [`VariationFit::add`], then
/// all to [`VariationFit::score`].
#[derive(Default)]
pub(crate) struct VariationFit {
    genuine: GenuineObservations,
    /// Photos that were added.
    pub photos: usize,
    /// What the other items tell, by reference and item; nothing of items that tell nothing
    /// themselves.
    others: HashMap<(String, String), Option<ReferenceVariation>>,
}

impl VariationFit {
    /// Adds photos, the oldest first.
    pub(crate) fn add(&mut self, kept: &[KeptObservation]) {
        for (photo, observation) in readable(kept) {
            self.genuine.add(&photo.item, &observation);
            self.photos += 1;
        }
    }

    /// What all added photos show together.
    pub(crate) fn variation(&self) -> Variation {
        self.genuine.variation()
    }

    /// The score of each of these photos, by its id, less what the other items show.
    pub(crate) fn score(
        &mut self,
        kept: &[KeptObservation],
        all: &Variation,
        fusion: &Fusion,
    ) -> Vec<(String, LogOdds)> {
        let Self {
            genuine, others, ..
        } = self;
        let score = |(photo, observation): (&KeptObservation, Observation)| {
            let (reference, item) = (observation.reference.clone(), photo.item.clone());
            let key = (reference.clone(), item.clone());
            // Kept by item: its photos share the answer, and each costs a walk over all
            // observations.
            let others = others
                .entry(key)
                .or_insert_with(|| genuine.without(&item, &reference));
            // An item that tells nothing took no part in the whole, so the whole is free of it as
            // it is.
            let known = others.as_ref().or(all.references.get(&reference));
            (
                photo.photo.clone(),
                observation.score(fusion, known).value(),
            )
        };
        readable(kept).map(score).collect()
    }
}

/// Observations that can be read; another one must not stop the others.
fn readable(kept: &[KeptObservation]) -> impl Iterator<Item = (&KeptObservation, Observation)> {
    kept.iter().filter_map(
        |photo| match observations::observation_from_json(&photo.observation) {
            Ok(observation) => Some((photo, observation)),
            Err(error) => {
                tracing::error!(
                    "what genuine photo `{}` showed is left out: {error}",
                    photo.photo
                );
                None
            }
        },
    )
}

/// Items needed so that, when none of them is flagged, the false-flag rate is below `budget` (0 to
/// 1, exclusive) with 95 % confidence: 59 for 5 %, 299 for 1 %.
pub(crate) fn items_for(budget: f64) -> usize {
    // With a true rate of `budget`, n items all pass with a chance of (1 - budget)^n. From here on
    // that is below 5 %.
    index((0.05_f64.ln() / (1.0 - budget).ln()).ceil())
}

/// Distinct physical items among photos.
pub(crate) fn items_of(photos: &[GenuinePhotoRecord]) -> usize {
    photos
        .iter()
        .map(|p| (p.product.product.as_str(), p.item.as_str()))
        .collect::<BTreeSet<_>>()
        .len()
}

/// A calibration by a product's or a brand's own photos, or `None` while too few items are scored
/// and comparable.
///
/// Of each item the oldest comparable photo counts: photos of one item are not independent, and a
/// photo chosen without looking at its score ranks among a seller's photos as any of them does.
/// `version` names the models, the references and the rule behind the scores.
pub(crate) fn own(
    scores: &[GenuineScore],
    budget: f64,
    version: &str,
    source: CalibrationSource,
) -> Option<Calibration> {
    let first = first_of_each(scores, source);
    (first.len() >= items_for(budget)).then(|| calibration_of(&first, budget, version, source))
}

/// The same calibration without the item of `judged`: what that item's own photos are judged by,
/// since a photo agrees with itself.
pub(crate) fn own_without(
    scores: &[GenuineScore],
    judged: &GenuineScore,
    budget: f64,
    version: &str,
    source: CalibrationSource,
) -> Calibration {
    let others = scores
        .iter()
        .filter(|s| (&s.product, &s.item) != (&judged.product, &judged.item));
    calibration_of(&first_of_each(others, source), budget, version, source)
}

/// The oldest comparable score of each item.
fn first_of_each<'a>(
    scores: impl IntoIterator<Item = &'a GenuineScore>,
    source: CalibrationSource,
) -> Vec<(String, LogOdds)> {
    // Scores come oldest first, so the first of an item is the one that counts.
    let mut taken = BTreeSet::new();
    // A brand's calibration also judges products without genuine photos, where nothing is taken
    // off: its scores must be of that kind.
    let value = |s: &GenuineScore| {
        if source == CalibrationSource::Product {
            s.adjusted
        } else {
            s.score
        }
    };
    let comparable = scores.into_iter().filter_map(|s| Some((s, value(s)?)));
    let first = comparable.filter(|(s, _)| taken.insert((s.product.as_str(), s.item.as_str())));
    // Neither part of the name can hold a slash: items of two products stay apart.
    first
        .map(|(s, value)| (format!("{}/{}", s.product, s.item), value))
        .collect()
}

fn calibration_of(
    first: &[(String, LogOdds)],
    budget: f64,
    version: &str,
    source: CalibrationSource,
) -> Calibration {
    // Plain pairs: the id must not change with how a type is printed.
    let told: Vec<(&str, f64)> = first
        .iter()
        .map(|(item, s)| (item.as_str(), s.get()))
        .collect();
    let id = format!(
        "own-{}",
        Sha256::of(format!("{version} {told:?}").as_bytes()).prefix(16)
    );
    Calibration::new(id, budget, source, first)
}

/// What the owner of a product without a calibration of its own should do; `meanwhile` is what it
/// is judged by.
pub(crate) fn advice(
    photos: &[GenuinePhotoRecord],
    scores: &[GenuineScore],
    budget: f64,
    meanwhile: CalibrationSource,
) -> String {
    let needed = items_for(budget);
    let there = items_of(photos);
    let percent = budget * 100.0;
    let meanwhile = match meanwhile {
        CalibrationSource::Default => "until then the calibration shipped with the program is used",
        _ => "until then the genuine photos of all the brand's products are used together",
    };
    // In the order in which an owner can act: first more items, then time for scoring, then better
    // photos.
    if there < needed {
        let more = needed - there;
        return format!(
            "add genuine photos of {more} more items ({there} of {needed} are there) to support a budget of {percent} % by this product's own photos; {meanwhile}"
        );
    }
    // Not comparable is done as well: waiting would change nothing.
    let is_done = |s: &&GenuineScore| s.score.is_none() || s.adjusted.is_some();
    let scored: BTreeSet<_> = scores
        .iter()
        .filter(is_done)
        .map(|s| s.photo.as_str())
        .collect();
    let waiting = photos
        .iter()
        .filter(|p| !scored.contains(p.id.as_str()))
        .count();
    if waiting > 0 {
        return format!(
            "{waiting} of {} genuine photos wait to be scored after a change of references or models; {meanwhile}",
            photos.len()
        );
    }
    let comparable = scores
        .iter()
        .filter(|s| s.score.is_some())
        .map(|s| &s.item)
        .collect::<BTreeSet<_>>()
        .len();
    format!(
        "of {there} items only {comparable} have a comparable photo, {needed} are needed: add sharper photos or references of the sides they show; {meanwhile}"
    )
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::float_cmp,
        reason = "scores that are handed on unchanged are equal to the bit"
    )]

    use super::*;
    use crate::{
        domain::{
            calibration::Class,
            gallery::ProductKey,
            geometry::Rect,
            variation::{CellGrid, MarkObservation},
        },
        engine::Defaults,
    };

    fn score(n: usize, item: usize, score: Option<f64>) -> GenuineScore {
        let score = score.map(LogOdds::saturating);
        GenuineScore {
            photo: format!("p{n}"),
            product: "oat".into(),
            item: format!("i{item}"),
            score,
            adjusted: score,
        }
    }

    fn photo(n: usize, item: usize) -> GenuinePhotoRecord {
        let product = ProductKey {
            brand: "acme".into(),
            product: "oat".into(),
        };
        GenuinePhotoRecord {
            id: format!("p{n}"),
            product,
            item: format!("i{item}"),
            sha256: Sha256::of(b""),
            actor: "local".into(),
            created_ms: 0,
        }
    }

    #[test]
    fn a_photo_is_scored_by_what_the_other_items_show() {
        let place = Rect::new(0, 0, 32, 16);
        let first = CellGrid::new(place, 4, &[0.9; 8]);
        let marks = vec![Some(MarkObservation {
            place,
            first,
            second: None,
            reading: None,
            turn: None,
            unseen: 0.0,
        })];
        let seen = |marks| Observation {
            reference: "r".into(),
            identity: LogOdds::saturating(9.0),
            marks,
            overview: None,
        };
        let observation = observations::observation_to_json(&seen(marks)).unwrap();
        let kept = |n: usize, item: usize| {
            let (photo, item) = (format!("p{n}"), format!("i{item}"));
            KeptObservation {
                photo,
                item,
                observation: observation.clone(),
            }
        };
        let fusion = Defaults::shipped().fusion;
        let adjusted = |kept: &[KeptObservation]| -> Vec<f64> {
            let mut fit = VariationFit::default();
            kept.chunks(7).for_each(|some| fit.add(some));
            let all = fit.variation();
            let scores = kept
                .chunks(7)
                .flat_map(|some| fit.score(some, &all, &fusion));
            scores.map(|(_, score)| score.get()).collect()
        };
        let alone = adjusted(&[kept(0, 0)])[0];
        let nine: Vec<_> = (0..10).map(|n| kept(n, n.min(8))).collect();
        assert_eq!(
            adjusted(&nine),
            [alone; 10],
            "of nine items not one may lack what the others share, and it has to"
        );
        let ten: Vec<_> = (0..11).map(|n| kept(n, n.min(9))).collect();
        assert!(
            adjusted(&ten).iter().all(|score| *score > alone + 1.0),
            "{alone}"
        );
        let many: Vec<_> = (0..120).map(|n| kept(n, n)).collect();
        assert_eq!(
            adjusted(&many)[119],
            adjusted(&ten)[0],
            "an item beyond those that tell is judged by all of them"
        );
        let broken = [
            kept(0, 0),
            KeptObservation {
                observation: "{}".into(),
                ..kept(1, 1)
            },
        ];
        assert_eq!(
            adjusted(&broken),
            [alone],
            "one that cannot be read is left out"
        );
    }

    #[test]
    fn the_items_needed_are_those_of_the_design() {
        assert_eq!([0.05, 0.01, 0.001].map(items_for), [59, 299, 2_995]);
    }

    #[test]
    fn an_own_calibration_takes_one_comparable_photo_of_each_item() {
        let mut scores: Vec<_> = (0..59).map(|n| score(n, n, Some(n as f64))).collect();
        let own = |scores: &[GenuineScore], version| {
            own(scores, 0.05, version, CalibrationSource::Product)
        };
        assert_eq!(own(&scores[..58], "v").map(|c| c.items), None);
        scores.push(score(90, 3, Some(-100.0)));
        let calibration = own(&scores, "v").unwrap();
        assert_eq!(
            (calibration.items, calibration.source),
            (59, CalibrationSource::Product)
        );
        // Had the second photo of item 3 counted, a score of -50 would not be the strangest of all.
        assert_eq!(
            calibration
                .p_value(Class::Marks, LogOdds::saturating(-50.0))
                .get(),
            1.0 / 60.0
        );
        scores[3].adjusted = None;
        let other = own(&scores, "v").unwrap();
        assert_eq!(
            (
                other.items,
                other
                    .p_value(Class::Marks, LogOdds::saturating(-50.0))
                    .get()
            ),
            (59, 2.0 / 60.0)
        );
        assert_ne!(other.id, calibration.id);
        assert_ne!(own(&scores, "w").unwrap().id, other.id);
    }

    #[test]
    fn items_of_two_products_are_two_items() {
        let mut scores: Vec<_> = (0..40).map(|n| score(n, n, Some(n as f64))).collect();
        scores.extend((0..40).map(|n| GenuineScore {
            product: "soy".into(),
            ..score(100 + n, n, Some(-1.0))
        }));
        let calibration = own(&scores, 0.05, "v", CalibrationSource::Brand).unwrap();
        assert_eq!(
            (
                calibration.items,
                calibration
                    .p_value(Class::Marks, LogOdds::saturating(-0.5))
                    .get()
            ),
            (80, 41.0 / 81.0)
        );
    }

    #[test]
    fn an_item_does_not_vouch_for_itself() {
        let scores: Vec<_> = (0..59).map(|n| score(n, n, Some(n as f64))).collect();
        let source = CalibrationSource::Brand;
        let without = own_without(&scores, &scores[0], 0.05, "v", source);
        assert_eq!(
            (
                without.items,
                without.source,
                without
                    .p_value(Class::Marks, LogOdds::saturating(0.0))
                    .get()
            ),
            (58, source, 1.0 / 59.0)
        );
        assert_eq!(
            own(&scores, 0.05, "v", source)
                .unwrap()
                .p_value(Class::Marks, LogOdds::saturating(0.0))
                .get(),
            2.0 / 60.0
        );
        let sibling = GenuineScore {
            product: "soy".into(),
            ..scores[0].clone()
        };
        assert_eq!(
            own_without(&scores, &sibling, 0.05, "v", source).items,
            59,
            "another product's item of that name"
        );
    }

    #[test]
    fn the_advice_says_what_is_missing() {
        let photos: Vec<_> = (0..59).map(|n| photo(n, n)).collect();
        let scores: Vec<_> = (0..59)
            .map(|n| score(n, n, (n > 0).then_some(1.0)))
            .collect();
        let advice =
            |photos: &[_], scores: &[_]| advice(photos, scores, 0.05, CalibrationSource::Default);
        assert!(advice(&photos[..9], &[]).contains("50 more items (9 of 59 are there)"));
        assert!(advice(&photos, &scores[..57]).contains("2 of 59 genuine photos wait"));
        assert!(advice(&photos, &scores).contains("of 59 items only 58 have a comparable photo"));
    }
}
