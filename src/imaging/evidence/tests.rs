//! Evidence pictures are drawn whatever the answer holds.

use super::*;
use crate::contract::{
    ReasonCode,
    answer::{ChannelsAnswer, DeviationAnswer, GeometryAnswer},
};

/// A pale pack with a dark band, 200x300.
fn reference() -> Raster {
    Raster::from_fn(200, 300, |_, y| {
        if (60..110).contains(&y) {
            [30, 40, 90]
        } else {
            [225, 220, 200]
        }
    })
}

/// The pack on a grey desk, upright, from (0.25, 0.2) to (0.75, 0.8) of 800x600.
fn photo() -> Raster {
    let pack = reference();
    Raster::from_fn(800, 600, |x, y| {
        if (200..600).contains(&x) && (120..480).contains(&y) {
            pack.at((x - 200) / 2, (y - 120) * 300 / 360)
        } else {
            [120; 3]
        }
    })
}

/// A grey desk.
fn photo_of(width: u32, height: u32) -> Raster {
    Raster::from_fn(width, height, |_, _| [120; 3])
}

fn rectangle(x0: f64, y0: f64, x1: f64, y1: f64) -> Vec<[f64; 2]> {
    vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]]
}

fn mark(name: &str, answer: MarkAnswer, y: f64) -> MarkAnswerBody {
    MarkAnswerBody {
        name: name.into(),
        answer,
        score: 0.9,
        genuine_variation: 0.0,
        expected: Some("HALMORA".into()),
        read: Some("HALMOBA".into()),
        region: rectangle(0.3, y, 0.7, y + 0.1),
        differing: if answer == MarkAnswer::Different {
            vec![rectangle(0.5, y + 0.02, 0.56, y + 0.08)]
        } else {
            vec![]
        },
        hue_turn: None,
        unseen: 0.0,
    }
}

fn found() -> MatchAnswer {
    MatchAnswer {
        brand: "halmora".into(),
        product: "oat".into(),
        reference: "r1".into(),
        similarity: 0.8,
        channels: ChannelsAnswer {
            embedding: Some(0.9),
            geometry: GeometryAnswer {
                inliers: 90,
                inlier_ratio: 0.6,
                spread: 0.7,
            },
            appearance: Some(0.8),
            text: None,
            colour: None,
        },
        marks: vec![
            mark("name", MarkAnswer::Same, 0.3),
            mark("size", MarkAnswer::Different, 0.5),
            mark("seal", MarkAnswer::CannotSee, 0.65),
        ],
        region: Some(rectangle(0.25, 0.2, 0.75, 0.8)),
        reference_to_photo: Some(vec![0.5, 0.0, 0.25, 0.0, 0.6, 0.2, 0.0, 0.0, 1.0]),
        deviations: vec![DeviationAnswer {
            region: rectangle(0.6, 0.22, 0.72, 0.27),
            strength: 0.7,
        }],
    }
}

fn answer(matches: Vec<MatchAnswer>) -> PhotoAnswer {
    PhotoAnswer {
        sha256: "0".repeat(64),
        width: 800,
        height: 600,
        verdict: Verdict::Deviates,
        similarity: 0.8,
        p_value: Some(0.004),
        error: None,
        notes: vec![],
        quality: None,
        matches,
        instances: vec![],
        compared: vec![],
        mirrored: false,
    }
}

fn reason(detail: &str) -> ReasonAnswer {
    ReasonAnswer {
        code: ReasonCode::MarkDiffers,
        detail: detail.into(),
        photo: 0,
        region: rectangle(0.1, 0.1, 0.2, 0.2),
    }
}

fn drawn(reference: Option<&Raster>, answer: &PhotoAnswer, reasons: &[ReasonAnswer]) -> Raster {
    let claim = ClaimAnswer {
        brand: "halmora".into(),
        product: Some("oat".into()),
    };
    let evidence = Evidence {
        photo: &photo(),
        reference,
        answer,
        reasons,
        claim: Some(&claim),
    };
    let png = evidence_png(&evidence).expect("draws");
    Intake::default()
        .decode(&png)
        .expect("a PNG of believable size")
        .raster
}

#[test]
fn pictures_alone_are_small_and_bear_no_words() {
    let mut found = found();
    found.marks.retain(|m| m.answer == MarkAnswer::Different);
    let answer = answer(vec![found]);
    let tall = photo_of(600, 3000);
    for photo in [&photo(), &tall] {
        let evidence = Evidence {
            photo,
            reference: Some(&reference()),
            answer: &answer,
            reasons: &[reason("a sentence that nobody should read")],
            claim: None,
        };
        let png = pictures_png(&evidence).expect("draws");
        let page = Intake::default().decode(&png).expect("a PNG").raster;
        assert!(page.width() <= 1000 && page.height() <= 1000);
        for colour in [LOCATED, DIFFERENT] {
            assert!(count(&page, colour) > 150, "{colour:?} is missing");
        }
        assert_eq!(count(&page, INK), 0, "letters were drawn");
    }
}

/// Pixels of about this colour.
fn count(raster: &Raster, colour: Colour) -> usize {
    raster
        .pixels()
        .chunks_exact(3)
        .filter(|p| (0..3).all(|c| p[c].abs_diff(colour[c]) < 8))
        .count()
}

#[test]
fn a_match_shows_every_kind_of_finding() {
    let page = drawn(
        Some(&reference()),
        &answer(vec![found()]),
        &[reason("mark `size` differs")],
    );
    for colour in [LOCATED, SAME, DIFFERENT, UNSEEN, DEVIATION] {
        assert!(count(&page, colour) > 150, "{colour:?} is missing");
    }
    // The photo and the reference stand side by side, the close-ups below.
    assert!(page.width() > 1000 + 200 && page.height() > 750 + 3 * CLOSE_UP_HEIGHT as u32);
}

#[test]
fn only_what_was_found_is_coloured() {
    let mut same = found();
    same.marks.truncate(1);
    same.deviations.clear();
    let mut consistent = answer(vec![same]);
    consistent.verdict = Verdict::Consistent;
    let page = drawn(Some(&reference()), &consistent, &[]);
    // What is left of red and orange are the swatches of the legend.
    assert!(count(&page, DIFFERENT) < 300 && count(&page, DEVIATION) < 300);
    assert!(count(&page, SAME) > 2000);
}

#[test]
fn agreeing_marks_beyond_the_first_close_ups_are_named_in_a_line() {
    let with = |extra: usize, answer_of_extra: MarkAnswer| {
        let mut all = found();
        all.marks
            .extend((0..extra).map(|_| mark("extra", answer_of_extra, 0.4)));
        drawn(Some(&reference()), &answer(vec![all]), &[]).height()
    };
    assert!(
        with(4, MarkAnswer::Same) < with(0, MarkAnswer::Same) + 80,
        "a line, not four close-ups"
    );
    assert!(
        with(4, MarkAnswer::Different) > with(0, MarkAnswer::Same) + 3 * CLOSE_UP_HEIGHT as u32 / 2,
        "what differs is always shown"
    );
}

#[test]
fn a_photo_without_a_match_is_shown_with_its_reasons() {
    let mut lost = answer(vec![]);
    lost.verdict = Verdict::NoBrandSeen;
    lost.p_value = None;
    let with_words = drawn(
        None,
        &lost,
        &[reason("nothing of the claimed brand was found")],
    );
    let without = drawn(None, &lost, &[]);
    assert!(
        count(&with_words, INK) > count(&without, INK) + 300,
        "the reason is written"
    );
    assert!(count(&with_words, DEVIATION) > 300, "its place is outlined");
}

#[test]
fn what_was_done_to_a_photo_is_written_beside_its_reasons() {
    let mut mirrored = answer(vec![found()]);
    let without = drawn(Some(&reference()), &mirrored, &[]);
    mirrored.notes = vec!["the photo is a mirror image; it was judged turned over".into()];
    let with_note = drawn(Some(&reference()), &mirrored, &[]);
    assert!(with_note.height() > without.height());
}

#[test]
fn a_match_without_its_reference_or_place_still_draws() {
    let mut unlocated = found();
    (unlocated.region, unlocated.reference_to_photo) = (None, None);
    drawn(Some(&reference()), &answer(vec![unlocated]), &[]);
    drawn(None, &answer(vec![found()]), &[]);
}

#[test]
fn maps_without_sense_and_endless_words_still_draw() {
    for numbers in [
        vec![0.0; 9],
        vec![f64::NAN; 9],
        vec![1e300; 9],
        vec![1.0; 3],
    ] {
        let mut odd = found();
        odd.reference_to_photo = Some(numbers);
        odd.marks[0].region = vec![[f64::INFINITY, 0.0], [1e30, -1e30], [0.0, f64::NAN]];
        odd.marks[1].name = "endless ".repeat(300);
        odd.marks = odd.marks.into_iter().cycle().take(40).collect();
        let reasons: Vec<_> = (0..30)
            .map(|_| reason(&"茶 and more ".repeat(90)))
            .collect();
        let page = drawn(Some(&reference()), &answer(vec![odd]), &reasons);
        assert!(page.height() < 4000);
    }
}
