//! Tests of the comparison block by block.

use super::*;
use crate::domain::{
    geometry::Homography,
    raster::{Raster, texture},
    rectify::rectify,
};

#[test]
fn a_shifted_copy_correlates_everywhere() {
    let reference = texture(200, 140);
    let moved = rectify(
        &reference,
        &Homography([1.0, 0.0, 2.0, 0.0, 1.0, -3.0, 0.0, 0.0, 1.0]),
        200,
        140,
    );
    let smooth = |raster: &Raster| raster.grey().smoothed(1.0);
    let map = compare_blocks(&smooth(&reference), &smooth(&moved.raster), &moved);
    assert!(map.mean().unwrap() > 0.94, "{:?}", map.mean());
}

#[test]
fn the_nearest_block_is_told_to_the_very_corner() {
    let block = |n: usize| {
        Some(Block {
            correlation: n as f32,
            contrast: 20.0,
            shift: [0.0; 2],
        })
    };
    let map = BlockMap {
        columns: 3,
        rows: 2,
        blocks: (0..6).map(|n| block(n).filter(|_| n != 4)).collect(),
    };
    // Middles lie at 16, 36 and 56 across and at 16 and 36 down.
    assert_eq!(
        [
            map.nearest(0.0, 0.0),
            map.nearest(27.0, 20.0),
            map.nearest(99.0, 99.0)
        ],
        [block(0), block(1), block(5)]
    );
    assert_eq!(map.nearest(36.0, 36.0), None);
    assert_eq!(
        BlockMap {
            columns: 0,
            rows: 0,
            blocks: Vec::new()
        }
        .nearest(5.0, 5.0),
        None
    );
}

#[test]
fn a_changed_block_is_the_worst() {
    let reference = texture(200, 140);
    let changed = Raster::from_fn(200, 140, |x, y| {
        if (80..112).contains(&x) && (40..72).contains(&y) {
            reference.at(x + 57, y + 31)
        } else {
            reference.at(x, y)
        }
    });
    let seen = rectify(&changed, &Homography::IDENTITY, 200, 140);
    let map = compare_blocks(&reference.grey(), &seen.raster.grey(), &seen);
    let correlation = |i: &usize| map.blocks[*i].map_or(1.0, |b| b.correlation);
    let worst = (0..map.blocks.len())
        .min_by(|a, b| correlation(a).total_cmp(&correlation(b)))
        .unwrap();
    assert_eq!(map.place(worst), (80, 40, 32));
}

#[test]
fn the_least_explained_place_lies_where_print_changed_and_outside_the_boxes_taken() {
    let reference = texture(400, 300);
    let changed = Raster::from_fn(400, 300, |x, y| {
        let (first, second) = (
            (200..260).contains(&x) && (80..110).contains(&y),
            x < 120 && (200..230).contains(&y),
        );
        reference.at(
            if first || second {
                (x * 7 + y * 3) % 400
            } else {
                x
            },
            y,
        )
    });
    let seen = rectify(&changed, &Homography::IDENTITY, 400, 300);
    let map = compare_blocks(&reference.grey(), &seen.raster.grey(), &seen);
    let holds = |place: Rect, x: u32, y: u32| place.contains((x, y));
    let place = map.least_explained(&[], 400, 300).unwrap();
    let (first, second) = (holds(place, 230, 95), holds(place, 60, 215));
    assert!(first != second, "{place:?}");
    let other = map.least_explained(&[place], 400, 300).unwrap();
    assert!(
        if first {
            holds(other, 60, 215)
        } else {
            holds(other, 230, 95)
        },
        "{other:?}"
    );
    let same = rectify(&reference, &Homography::IDENTITY, 400, 300);
    let same = compare_blocks(&reference.grey(), &same.raster.grey(), &same);
    assert_eq!(same.least_explained(&[], 400, 300), None);
}

#[test]
fn the_search_finds_nearly_what_every_shift_would() {
    let reference = texture(200, 140);
    for (dx, dy) in [
        (0.0, 0.0),
        (1.0, -1.0),
        (2.5, 3.0),
        (-3.0, 1.3),
        (3.7, -3.6),
    ] {
        let map = Homography([1.0, 0.0, dx, 0.0, 1.0, dy, 0.0, 0.0, 1.0]);
        let moved = rectify(&reference, &map, 200, 140);
        let (a, b) = (
            reference.grey().smoothed(1.5),
            moved.raster.grey().smoothed(1.5),
        );
        for (x, y) in [(40, 40), (80, 60), (120, 80)] {
            let found = compare_block(&a, &b, &BoxSums::new(&b), x, y)
                .unwrap()
                .correlation;
            let every = (-4..=4_isize)
                .flat_map(|v| (-4..=4_isize).map(move |u| (u, v)))
                .map(|(u, v)| {
                    plain_correlation(
                        &a,
                        (x, y),
                        &b,
                        (x.wrapping_add_signed(u), y.wrapping_add_signed(v)),
                    )
                })
                .fold(-1.0, f64::max);
            assert!(
                (f64::from(found) - every).abs() < 0.01,
                "{found} {every} at {x},{y} moved by {dx},{dy}"
            );
        }
    }
}

/// The definition of the normalised cross-correlation of two blocks.
fn plain_correlation(a: &Plane, at: (usize, usize), b: &Plane, other: (usize, usize)) -> f64 {
    let block = |plane: &Plane, (x, y): (usize, usize)| -> Vec<f64> {
        (0..BLOCK_PX * BLOCK_PX)
            .map(|i| f64::from(plane.at(x + i % BLOCK_PX, y + i / BLOCK_PX)))
            .collect()
    };
    let centred = |values: Vec<f64>| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        values.into_iter().map(|v| v - mean).collect::<Vec<f64>>()
    };
    let (a, b) = (centred(block(a, at)), centred(block(b, other)));
    let dot = |u: &[f64], v: &[f64]| u.iter().zip(v).map(|(x, y)| x * y).sum::<f64>();
    dot(&a, &b) / (dot(&a, &a) * dot(&b, &b)).sqrt()
}
