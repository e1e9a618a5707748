//! Tests of turned hues.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the tests' numbers are small"
)]

use super::*;
use crate::domain::{appearance::Block, random::SplitMix};

const MARK: Rect = Rect::new(64, 48, 128, 80);

/// A pack of coloured tiles; `look` says what becomes of a colour, told whether it lies in the
/// mark.
fn pack(look: impl Fn(bool, [f64; 3]) -> [f64; 3]) -> Raster {
    let mut random = SplitMix(7);
    let tiles: Vec<[f64; 3]> = (0..64)
        .map(|_| std::array::from_fn(|_| random.between(40.0, 200.0)))
        .collect();
    Raster::from_fn(256, 128, |x, y| {
        let colour = look(
            MARK.contains((x, y)),
            tiles[(y / 16 * 16 + x / 16) as usize % 64],
        );
        colour.map(|v| v.round().clamp(0.0, 255.0) as u8)
    })
}

/// Turns a colour by a third of the circle: the channels change places.
fn turned([r, g, b]: [f64; 3]) -> [f64; 3] {
    [b, r, g]
}

fn turn(photo: &Raster) -> HueTurn {
    let visible = vec![true; 256 * 128];
    let rectified = Rectified {
        raster: photo.clone(),
        visible,
        scale: 1.0,
    };
    PackColours::of(&pack(|_, c| c), &rectified, photo)
        .turn(MARK)
        .unwrap()
}

#[test]
fn known_colours_have_their_chroma() {
    let [a, b] = chroma([255.0, 0.0, 0.0]);
    assert!((a - 80.1).abs() < 0.3 && (b - 67.2).abs() < 0.3, "{a} {b}");
    let [a, b] = chroma([128.0; 3]);
    assert!(a.abs() < 0.1 && b.abs() < 0.1);
}

#[test]
fn the_same_print_is_not_turned_whatever_the_camera_does_to_all_of_it() {
    assert!(turn(&pack(|_, c| c)).strength < 0.05);
    // Weaker colours and a cast over everything.
    let faded = turn(&pack(|_, c| c.map(|v| 110.0 + 0.6 * (v - 110.0))));
    assert!(faded.strength < 0.5, "{faded:?}");
    let cast = turn(&pack(|_, [r, g, b]| [r * 1.1, g, b * 0.85]));
    assert!(cast.strength < 0.5, "{cast:?}");
}

#[test]
fn glare_over_the_mark_takes_colour_but_turns_no_hue() {
    let glare = turn(&pack(|inside, c| {
        if inside {
            c.map(|v| v + 0.4 * (240.0 - v))
        } else {
            c
        }
    }));
    let other = turn(&pack(|inside, c| if inside { turned(c) } else { c }));
    assert!(
        glare.strength < 0.5 && other.strength > 2.0,
        "{glare:?} {other:?}"
    );
    assert!(other.degrees.abs() > 60.0);
}

#[test]
fn the_whole_pack_in_another_hue_is_light_not_print() {
    // What cannot be told from white balance must not accuse a mark more than the rest.
    let all = turn(&pack(|_, c| turned(c)));
    let one = turn(&pack(|inside, c| if inside { turned(c) } else { c }));
    assert!(all.strength < one.strength, "{all:?} {one:?}");
}

#[test]
fn the_place_turned_most_is_found_where_the_print_is_seen() {
    let blocks = |correlation| BlockMap {
        columns: 12,
        rows: 5,
        blocks: vec![
            Some(Block {
                correlation,
                contrast: 40.0,
                shift: [0.0; 2],
            });
            60
        ],
    };
    let look = |photo: &Raster, correlation| {
        let rectified = Rectified {
            raster: photo.clone(),
            visible: vec![true; 256 * 128],
            scale: 1.0,
        };
        PackColours::of(&pack(|_, c| c), &rectified, photo).most_turned(&blocks(correlation))
    };
    let (own, other) = (pack(|_, c| c), pack(|_, c| turned(c)));
    let recoloured = Raster::from_fn(256, 128, |x, y| {
        let inside = (64..192).contains(&x) && (48..80).contains(&y);
        if inside { other.at(x, y) } else { own.at(x, y) }
    });
    let place = look(&recoloured, 0.9).unwrap();
    assert_eq!((place.width(), place.height()), (120, 24));
    let around = Rect::new(56, 40, 200, 88);
    assert_eq!(place.union(around), around, "{place:?}");
    assert_eq!(
        look(&recoloured, 0.2),
        None,
        "what correlates so little may be a reflection"
    );
    assert_eq!(look(&pack(|_, c| c), 0.9), None);
}

#[test]
fn grey_print_and_a_mark_without_patches_say_nothing() {
    let grey = Raster::from_fn(256, 128, |x, y| [((x ^ y) % 200) as u8; 3]);
    let rectified = Rectified {
        raster: grey.clone(),
        visible: vec![true; 256 * 128],
        scale: 1.0,
    };
    let colours = PackColours::of(&grey, &rectified, &grey);
    assert!(colours.turn(MARK).unwrap().strength < 0.05);
    assert_eq!(colours.turn(Rect::new(0, 0, 4, 4)), None);
}

#[test]
fn the_closed_form_equals_a_search_over_turns_and_gains() {
    let patch = |reference, photo| Patch {
        x: 0.0,
        y: 0.0,
        reference,
        photo,
    };
    let marks = [
        patch([20.0, 5.0], [8.0, 18.0]),
        patch([-4.0, 30.0], [-25.0, 9.0]),
        patch([9.0, 9.0], [0.0, 14.0]),
    ];
    let error = |degrees: f64, gain: f64| -> f64 {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let one = |p: &Patch| {
            let [u, v] = p.photo;
            (p.reference[0] - gain * (cos * u - sin * v)).powi(2)
                + (p.reference[1] - gain * (sin * u + cos * v)).powi(2)
        };
        marks.iter().map(one).sum::<f64>() / 3.0
    };
    let grid =
        (-180..180).flat_map(|d| (60..=160).map(move |g| (f64::from(d), f64::from(g) / 100.0)));
    let (least, degrees, gain) = grid
        .map(|(d, g)| (error(d, g), d, g))
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .unwrap();
    // Grey surroundings: the map stays the identity and the noise 0.
    let rest = (0..80).map(|i| Patch {
        x: 200.0 + f64::from(i),
        y: 200.0,
        reference: [0.0; 2],
        photo: [0.0; 2],
    });
    let patches = marks.iter().copied().chain(rest).map(Some).collect();
    let found = PackColours {
        columns: 1,
        patches,
    }
    .turn(Rect::new(0, 0, 8, 8))
    .unwrap();
    assert!(
        (found.degrees - degrees).abs() <= 1.0,
        "{found:?} {degrees}"
    );
    let (explained, energy) = (
        error(0.0, gain) - least,
        marks
            .iter()
            .map(|p| p.reference[0].powi(2) + p.reference[1].powi(2))
            .sum::<f64>()
            / 3.0,
    );
    let expected =
        explained.sqrt() / (LEAST_NOISE + RENDERING * energy.sqrt()) * (1.0 - least / energy);
    assert!(
        (found.strength - expected).abs() < 0.03 * expected,
        "{found:?} {expected}"
    );
}
