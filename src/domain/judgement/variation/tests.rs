//! Tests of genuine variation.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the tests' numbers are small"
)]

use super::*;
use crate::domain::fusion::Logistic;
use proptest::prelude::*;

/// A mark over two rows of three cells of 8 pixels at (16, 8).
fn grid(evidence: [f32; 6]) -> CellGrid {
    CellGrid::new(Rect::new(16, 8, 40, 24), 3, &evidence)
}

fn mark(evidence: [f32; 6], read: Option<&str>) -> MarkObservation {
    let agreement = read.map(|text| agreement("tropicana", text));
    let reading = read.map(|text| Reading {
        text: text.to_owned(),
        confidence: 0.9,
        agreement,
    });
    MarkObservation {
        place: Rect::new(16, 8, 40, 24),
        first: grid(evidence),
        second: None,
        reading,
        turn: None,
        unseen: 0.0,
    }
}

fn observation(evidence: [f32; 6], read: Option<&str>) -> Observation {
    Observation {
        reference: "r".into(),
        identity: LogOdds::saturating(9.0),
        marks: vec![None, Some(mark(evidence, read))],
        overview: None,
    }
}

fn known(observations: &[(&str, Observation)]) -> GenuineObservations {
    let mut all = GenuineObservations::default();
    observations
        .iter()
        .for_each(|(item, observation)| all.add(item, observation));
    all
}

fn fusion() -> Fusion {
    Fusion {
        presence: Logistic {
            weights: [0.0; 3],
            intercept: 0.0,
        },
        rivalry: Logistic {
            weights: [0.0; 5],
            intercept: 0.0,
        },
        mark: Logistic {
            weights: [-1.0, -4.0, 0.0],
            intercept: 0.0,
        },
        unseen_above: 0.5,
        different_below: 0.0,
    }
}

#[test]
fn what_all_genuine_items_show_is_discounted_and_what_one_lacks_is_not() {
    let both = [0.9, 0.0, 0.0, 0.0, 0.8, 0.0];
    let all = known(&[
        ("a", observation(both, None)),
        ("b", observation([0.8, 0.0, 0.0, 0.0, 0.0, 0.0], None)),
        ("c", observation(both, None)),
    ]);
    let variation = all.variation();
    let cells = grid([0.9, 0.9, 0.0, 0.0, 0.8, 0.0]).discounted(variation.references.get("r"));
    for (cell, expected) in cells.iter().zip([0.9 * 0.2 / 0.9, 0.9, 0.0, 0.0, 0.8, 0.0]) {
        assert!((cell - expected).abs() < 1e-4, "{cells:?}");
    }
    assert!(
        known(&[
            ("a", observation(both, None)),
            ("c", observation(both, None))
        ])
        .variation()
        .references["r"]
            .shared
            .is_empty()
    );
    let faint = |item| (item, observation([0.09; 6], None));
    let all = known(&[faint("a"), faint("b"), faint("c")]);
    assert!(
        all.variation().references["r"].shared.is_empty(),
        "a little of it is everywhere"
    );
}

#[test]
fn what_no_mark_looked_at_is_known_from_the_glance() {
    // The overview sees two rows of three cells from the frame's corner on; the second and third of
    // the lower row lie in the mark.
    let overview = CellGrid::new(Rect::new(0, 0, 24, 16), 3, &[0.9, 0.0, 0.0, 0.8, 0.9, 0.9]);
    let seen = |place| {
        let marks = vec![Some(MarkObservation {
            place,
            ..mark([0.6, 0.0, 0.0, 0.0, 0.0, 0.0], None)
        })];
        Observation {
            overview: Some(overview.clone()),
            marks,
            ..observation([0.0; 6], None)
        }
    };
    let parts = |e: f32| (e * PARTS).round() as u16;
    let squares = seen(Rect::new(8, 8, 40, 24)).squares();
    assert_eq!(
        squares,
        BTreeMap::from([
            ((0, 0), parts(0.9)),
            ((1, 0), parts(0.8)),
            ((1, 2), parts(0.6))
        ])
    );
    assert_eq!(
        seen(Rect::new(0, 0, 40, 24)).squares(),
        BTreeMap::from([((1, 2), parts(0.6))]),
        "all of it was looked at"
    );
}

#[test]
fn one_item_in_ten_may_lack_what_the_others_share() {
    let print = |n: usize| {
        if n < 1 {
            [0.0; 6]
        } else {
            [0.5 + n as f32 / 100.0, 0.0, 0.0, 0.0, 0.0, 0.0]
        }
    };
    let items: Vec<String> = (0..10).map(|n| n.to_string()).collect();
    let seen: Vec<_> = items
        .iter()
        .enumerate()
        .map(|(n, item)| (item.as_str(), observation(print(n), None)))
        .collect();
    let of = |count: usize| {
        known(&seen[..count]).variation().references["r"]
            .shared
            .clone()
    };
    assert!(of(9).is_empty());
    assert_eq!(
        of(10),
        BTreeMap::from([((1, 2), (0.41 / 0.9 * PARTS).round() as u16)]),
        "the least of those that show it"
    );
}

#[test]
fn a_photo_that_was_not_looked_at_tells_nothing_and_an_unsure_reading_neither() {
    let unseen = Observation {
        marks: vec![None, None],
        ..observation([0.0; 6], None)
    };
    let print = observation([0.9; 6], None);
    let all = known(&[
        ("a", unseen),
        ("a", print.clone()),
        ("b", print.clone()),
        ("c", print.clone()),
    ]);
    assert_eq!(all.variation().references["r"].shared.len(), 6);
    let mut unsure = observation([0.9; 6], Some("TROPlCANA"));
    for reading in unsure
        .marks
        .iter_mut()
        .flatten()
        .filter_map(|m| m.reading.as_mut())
    {
        reading.confidence = 0.4;
    }
    assert!(
        known(&[("a", unsure)]).variation().references["r"]
            .misread
            .is_empty()
    );
}

#[test]
fn photos_of_one_item_count_once_but_all_their_misreadings_do() {
    let all = known(&[
        ("a", observation([0.9; 6], Some("tropicana"))),
        ("a", observation([0.0; 6], Some("TROPlCANA"))),
        ("b", observation([0.9; 6], None)),
        ("c", observation([0.9; 6], None)),
    ]);
    let told = &all.variation().references["r"];
    assert_eq!((told.items, told.shared.len()), (3, 6));
    assert_eq!(told.misread, BTreeSet::from([(1, "troplcana".to_owned())]));
    assert!(
        all.without("a", "r").unwrap().misread.is_empty(),
        "an item does not vouch for itself"
    );
}

#[test]
fn a_word_that_genuine_photos_are_misread_as_does_not_accuse() {
    let photo = observation([0.9; 6], Some("TROPICANO"));
    let score = |known: &Variation| {
        photo
            .score(&fusion(), known.references.get("r"))
            .value()
            .get()
    };
    let before = score(&Variation::default());
    let elsewhere = known(&[("a", observation([0.0; 6], Some("TROPl")))]).variation();
    let there = known(&[("a", observation([0.0; 6], Some("tropicano")))]).variation();
    assert!(
        (score(&elsewhere) - before).abs() < 1e-9,
        "no nearer than what is expected"
    );
    assert!(score(&there) > before + 0.3, "{} {before}", score(&there));
}

#[test]
fn the_text_of_a_mark_that_genuine_photos_doubt_too_does_not_count() {
    let photo = MarkObservation {
        second: Some(grid([1.0; 6])),
        ..mark([0.9; 6], Some("forged"))
    };
    let seen = observation([0.9; 6], None);
    let variation = known(&[("a", seen.clone()), ("b", seen.clone()), ("c", seen)]).variation();
    let evidence = photo.weighed(1, variation.references.get("r")).evidence;
    assert!(
        (evidence.difference - 0.1054).abs() < 1e-3 && evidence.text.is_none(),
        "{evidence:?}"
    );
    let evidence = photo.weighed(1, None).evidence;
    assert!(
        evidence.difference > 0.95 && evidence.text.is_some(),
        "{evidence:?}"
    );
}

proptest! {
    #[test]
    fn a_cell_reaches_into_the_squares_that_overlap_it(
        x in 0_u32..500, y in 0_u32..400, w in 4_u32..300, h in 4_u32..200, columns in 1_usize..40, rows in 1_usize..30,
    ) {
        let grid = CellGrid { area: Rect::from_size(x, y, w, h), columns, evidence: vec![0; columns * rows] };
        for i in 0..grid.evidence.len() {
            let cell = |low: u32, side: u32, n: usize, of: usize| {
                let at = |n: usize| f64::from(low) + f64::from(side) * n as f64 / of as f64;
                (at(n), at(n + 1))
            };
            let spans = [cell(y, h, i / columns, rows), cell(x, w, i % columns, columns)];
            for (range, (low, high)) in grid.squares_of(i).into_iter().zip(spans) {
                let overlaps = |n: u32| f64::from(n * 8) < high - 1e-9 && f64::from(n * 8 + 8) > low + 1e-9;
                prop_assert!(range.clone().all(overlaps) && !overlaps(range.end), "{range:?} {low} {high}");
                prop_assert!(range.start == 0 || !overlaps(range.start - 1), "{range:?} {low} {high}");
            }
        }
    }

    #[test]
    fn a_new_photo_is_forgiven_all_that_a_calibrating_one_was(
        seen in proptest::collection::vec(proptest::array::uniform6(prop_oneof![Just(0.0), 0.0..1.0_f32]), 3..33), one: prop::sample::Index,
    ) {
        let items: Vec<String> = (0..seen.len()).map(|n| n.to_string()).collect();
        let all: Vec<_> = items.iter().zip(&seen).map(|(i, e)| (i.as_str(), observation(*e, None))).collect();
        let known = known(&all);
        let (of_all, item) = (&known.variation().references["r"], &items[one.index(items.len())]);
        for (square, evidence) in known.without(item, "r").unwrap().shared {
            prop_assert!(of_all.shared.get(&square).is_some_and(|e| *e >= evidence));
        }
    }

    #[test]
    fn what_is_known_never_makes_a_photo_look_stranger(
        looks in proptest::array::uniform2(proptest::array::uniform6(0.0..1.0_f32)), again: bool, seen in proptest::collection::vec(proptest::array::uniform6(0.0..1.0_f32), 3..14),
    ) {
        let items: Vec<String> = (0..seen.len()).map(|n| n.to_string()).collect();
        let seen: Vec<_> = items.iter().zip(&seen).map(|(i, e)| (i.as_str(), observation(*e, Some("tr0picana")))).collect();
        let first = mark(looks[0], Some("tropikana"));
        let photo = Observation {
            marks: vec![None, Some(MarkObservation { second: again.then(|| grid(looks[1])), ..first })],
            ..observation(looks[0], None)
        };
        let (plain, adjusted) = (Variation::default(), known(&seen).variation());
        let score = |known: &Variation| photo.score(&fusion(), known.references.get("r")).value().get();
        prop_assert!(score(&adjusted) >= score(&plain) - 1e-6);
    }
}
