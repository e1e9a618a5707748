//! Tests of what is a copy, on a drawn pack.

use super::*;
use crate::domain::{averaging::averaged, random::SplitMix};

/// Sides of the pack, in pixels.
const SIDES: (u32, u32) = (480, 640);

/// What of the pack is drawn otherwise.
#[derive(Clone, Copy, Default)]
struct Changes {
    letter: bool,
    hue: bool,
    no_seal: bool,
}

/// A pack: a ground that darkens, lines of letters, a coloured band and a round seal.
fn pack(changes: Changes) -> Raster {
    let ink = |x: u32, y: u32| {
        let (line, column) = (y / 40, x / 20);
        let (row, stroke) = (y % 40 / 4, x % 20 / 4);
        let is_letter = (3..12).contains(&line) && (2..20).contains(&column);
        let other = u64::from(changes.letter && (line, column) == (6, 9));
        let seed = u64::from(line * 64 + column) * 31 + other;
        let strokes = SplitMix(seed).bits();
        is_letter && row < 7 && stroke < 4 && strokes >> (row * 4 + stroke) & 1 == 1
    };
    Raster::from_fn(SIDES.0, SIDES.1, |x, y| {
        let shade = |v: u32| (v - y / 16) as u8;
        let from_seal = (f64::from(x) - 380.0).hypot(f64::from(y) - 540.0);
        if from_seal < 42.0 && !changes.no_seal {
            let is_ring = (from_seal / 14.0).fract() < 0.5;
            return if is_ring {
                [150, 110, 30]
            } else {
                [240, 214, 120]
            };
        }
        if ink(x, y) {
            return [24, 30, 60];
        }
        match ((40..88).contains(&y), changes.hue) {
            // Of the same grey, so that only colour tells.
            (true, true) => [60, 170, 70],
            (true, false) => [190, 40, 70],
            (false, _) => [shade(230), shade(225), shade(205)],
        }
    })
}

/// A picture sampled at `to_picture` of each of its own pixels, with noise of `noise` levels.
fn taken(picture: &Raster, size: (u32, u32), to_picture: &Homography, noise: f64) -> Raster {
    let mut random = SplitMix(3);
    let seen = rectify(picture, to_picture, size.0, size.1);
    Raster::from_fn(size.0, size.1, |x, y| {
        let p = seen.raster.at(x, y).map(f64::from);
        p.map(|v| level(v + noise * random.normal() + 0.5))
    })
}

/// The map from pixels of a photo that shows all of the pack to those of the pack.
fn whole(size: (u32, u32)) -> Homography {
    let (sx, sy) = (
        f64::from(SIDES.0) / f64::from(size.0),
        f64::from(SIDES.1) / f64::from(size.1),
    );
    let (dx, dy) = ((sx - 1.0) / 2.0, (sy - 1.0) / 2.0);
    Homography([sx, 0.0, dx, 0.0, sy, dy, 0.0, 0.0, 1.0])
}

/// The agreement of the pack with a photo, beginning at all of it.
fn agreement(photo: &Raster) -> Option<CopyAgreement> {
    let size = (photo.width(), photo.height());
    let start = whole(size).inverse().expect("a scaling");
    copy_agreement(&pack(Changes::default()), photo, &start)
}

fn is_copy(photo: &Raster) -> bool {
    agreement(photo).is_some_and(|a| a.is_copy())
}

#[test]
fn what_was_compressed_and_resized_is_a_copy() {
    let pack = pack(Changes::default());
    for size in [SIDES, (720, 960), (330, 440)] {
        // As much noise as strong compression leaves.
        let photo = taken(&pack, size, &whole(size), 3.0);
        assert!(is_copy(&photo), "{size:?}: {:?}", agreement(&photo));
    }
}

#[test]
fn what_was_cropped_framed_or_turned_a_little_is_a_copy() {
    let pack = pack(Changes::default());
    let cropped = pack.crop(Rect::from_size(14, 18, 440, 600));
    assert!(is_copy(&cropped), "{:?}", agreement(&cropped));
    let framed = Raster::from_fn(530, 690, |x, y| {
        let inside = (25..505).contains(&x) && (30..670).contains(&y);
        if inside {
            pack.at(x - 25, y - 30)
        } else {
            [255; 3]
        }
    });
    assert!(is_copy(&framed), "{:?}", agreement(&framed));
    let (sin, cos) = 0.02_f64.sin_cos();
    let turn = Homography([cos, -sin, 7.0, sin, cos, -4.0, 0.0, 0.0, 1.0]);
    let turned = taken(&pack, SIDES, &turn, 1.0);
    assert!(is_copy(&turned), "{:?}", agreement(&turned));
}

#[test]
fn what_was_mirrored_is_a_copy_where_it_is_looked_for() {
    let pack = pack(Changes::default());
    let mirrored = Raster::from_fn(SIDES.0, SIDES.1, |x, y| pack.at(SIDES.0 - 1 - x, y));
    assert!(!is_copy(&mirrored));
    let right = f64::from(SIDES.0) - 1.0;
    let flip = Homography([-1.0, 0.0, right, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
    let found = copy_agreement(&pack, &mirrored, &flip).expect("it lies there");
    assert!(found.is_copy(), "{found:?}");
}

#[test]
fn what_was_made_brighter_or_darker_is_a_copy() {
    let pack = pack(Changes::default());
    for (gain, offset) in [(1.3, 0.0), (0.7, 10.0), (1.0, 40.0)] {
        let photo = Raster::from_fn(SIDES.0, SIDES.1, |x, y| {
            pack.at(x, y).map(|v| level(gain * f64::from(v) + offset))
        });
        assert!(is_copy(&photo), "{gain} {offset}: {:?}", agreement(&photo));
    }
}

#[test]
fn one_letter_one_hue_or_a_missing_seal_is_no_copy() {
    let changes = [
        Changes {
            letter: true,
            ..Changes::default()
        },
        Changes {
            hue: true,
            ..Changes::default()
        },
        Changes {
            no_seal: true,
            ..Changes::default()
        },
    ];
    for (n, change) in changes.into_iter().enumerate() {
        let photo = taken(&pack(change), SIDES, &whole(SIDES), 1.0);
        let found = agreement(&photo).expect("all the rest agrees");
        assert!(!found.is_copy() && found.is_altered(), "{n}: {found:?}");
    }
}

#[test]
fn a_hue_of_the_whole_picture_is_no_light() {
    // Green for red: a gain for each channel would explain it in print of one colour.
    let pack = pack(Changes::default());
    let photo = Raster::from_fn(SIDES.0, SIDES.1, |x, y| {
        let [r, g, b] = pack.at(x, y);
        [g, r, b]
    });
    assert!(!is_copy(&photo), "{:?}", agreement(&photo));
}

#[test]
fn a_head_on_photo_of_the_pack_is_no_copy() {
    let pack = pack(Changes::default());
    // A hair of perspective, a soft lens, the light of a window and the noise of a sensor.
    let view = Homography([1.02, 0.01, -4.0, -0.006, 1.015, -3.0, 2e-5, 1e-5, 1.0]);
    let seen = taken(&pack, SIDES, &view, 0.0);
    let soft = averaged(&seen, SIDES.0 as usize, SIDES.1 as usize).smoothed(0.9);
    let mut random = SplitMix(9);
    let photo = Raster::from_fn(SIDES.0, SIDES.1, |x, y| {
        let light = 0.8 + 0.3 * f64::from(x) / f64::from(SIDES.0);
        let grey = f64::from(soft.at(x as usize, y as usize));
        let own = seen.at(x, y).map(f64::from);
        let mean = own.iter().sum::<f64>() / 3.0;
        own.map(|v| level(light * (v + grey - mean) + 4.0 * random.normal()))
    });
    let found = agreement(&photo);
    assert!(
        !is_copy(&photo) && !found.is_some_and(|a| a.is_altered()),
        "{found:?}"
    );
}

#[test]
fn another_picture_is_given_up_early() {
    let other = Raster::from_fn(400, 500, |x, y| {
        [
            (x * y % 251) as u8,
            (x * 3 % 256) as u8,
            (y * 5 % 256) as u8,
        ]
    });
    assert_eq!(agreement(&other), None);
}
