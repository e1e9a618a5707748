//! Tests of marks, their boxes and their cells.

#![expect(clippy::float_cmp, reason = "the same sum gives the same bits")]

use super::*;
use proptest::prelude::*;

fn block(column: usize, row: usize, columns: usize, rows: usize) -> CellBlock {
    CellBlock {
        column,
        row,
        columns,
        rows,
    }
}

proptest! {
    #[test]
    fn boxes_stay_inside_and_fit_the_comparator(
        x in 0.0..600.0_f64, y in 0.0..420.0_f64, w in 5.0..640.0_f64, h in 5.0..448.0_f64,
    ) {
        let outline = [Point::new(x, y), Point::new(x + w, y), Point::new(x + w, y + h), Point::new(x, y + h)];
        if let Some(b) = MarkBox::around(&outline, 640, 448) {
            prop_assert!(b.padded.right <= 640 && b.padded.bottom <= 448);
            prop_assert!(b.padded.width() % 16 == 0 && b.padded.height() % 16 == 0);
            prop_assert_eq!(b.padded.union(b.tight), b.padded);
            let (iw, ih) = b.input_size();
            prop_assert!((32..=512).contains(&iw) && (32..=256).contains(&ih) && iw % 16 == 0 && ih % 16 == 0);
        }
    }
}

#[test]
fn an_article_on_its_side_or_upright_is_brought_down_alike() {
    let [lying, upright] = [(640, 448), (448, 640)].map(|(w, h)| MarkBox::whole(w, h));
    assert_eq!(
        (lying.shrunk(1.5), upright.shrunk(1.5)),
        ((432, 304), (304, 432))
    );
    assert_eq!(
        MarkBox::whole(640, 32).shrunk(1.5),
        (432, 32),
        "no side gets too short for the comparator"
    );
}

#[test]
fn a_rounding_error_moves_no_box() {
    let around = |by: f64| {
        let outline = Rect::new(160.0 - by, 40.0 - by, 352.0 + by, 112.0 + by).corners();
        MarkBox::around(&outline, 640, 448).unwrap()
    };
    assert_eq!(around(0.0).tight, Rect::new(160, 40, 352, 112));
    assert_eq!(around(1e-9), around(0.0));
    assert_eq!(around(-1e-9), around(0.0));
}

#[test]
fn context_moves_by_half_a_cell_where_there_is_room() {
    let around = |left: f64, top: f64, right: f64, bottom: f64| {
        let outline = Rect::new(left, top, right, bottom).corners();
        MarkBox::around(&outline, 640, 448).unwrap()
    };
    let check = |place: MarkBox, by: [i64; 2]| {
        let moved = place.half_a_cell_on(640, 448);
        assert_eq!(moved.tight, place.tight);
        let (was, is) = (place.padded.map(i64::from), moved.padded.map(i64::from));
        assert_eq!([is.left - was.left, is.top - was.top], by);
        assert_eq!([is.right - was.right, is.bottom - was.bottom], by);
    };
    check(around(200.0, 100.0, 300.0, 140.0), [2, 2]);
    check(around(500.0, 400.0, 636.0, 444.0), [-2, -2]);
    let large = around(100.0, 100.0, 484.0, 308.0);
    assert_eq!(
        (large.padded, large.input_size()),
        (Rect::new(92, 92, 492, 316), (144, 80))
    );
    check(large, [6, 6]);
    check(MarkBox::whole(640, 448), [0, 0]);
}

#[test]
fn a_mark_outside_the_frame_has_no_box() {
    let outline = [
        Point::new(-50.0, 0.0),
        Point::new(-10.0, 0.0),
        Point::new(-10.0, 40.0),
    ];
    assert_eq!(MarkBox::around(&outline, 640, 448), None);
}

#[test]
fn surroundings_are_not_the_mark() {
    let outline = [
        Point::new(200.0, 100.0),
        Point::new(300.0, 100.0),
        Point::new(300.0, 140.0),
    ];
    let b = MarkBox::around(&outline, 640, 448).unwrap();
    assert!(b.holds(Point::new(200.0, 140.0)) && b.holds(Point::new(303.0, 97.0)));
    assert!(
        b.padded.top < 93
            && !b.holds(Point::new(250.0, 93.0))
            && !b.holds(Point::new(250.0, 147.0))
    );
}

#[test]
fn the_place_in_doubt_holds_the_strongest_evidence_outside_what_is_taken() {
    // 26 x 18 cells over 640 x 448 pixels, each of about 25 by 25.
    let mut evidence = vec![0.04; 26 * 18];
    let cells = [
        (4, 3, 0.9),
        (5, 3, 0.8),
        (20, 14, 0.7),
        (21, 15, 0.6),
        (12, 9, 0.3),
    ];
    cells
        .iter()
        .for_each(|&(column, row, value)| evidence[row * 26 + column] = value);
    let look = |taken: &[Rect]| suspect_region(&evidence, 26, 640, 448, taken);
    let holds = |place: Rect, x: u32, y: u32| place.contains((x, y));
    let first = look(&[]).unwrap();
    assert!(holds(first, 110, 87) && holds(first, 135, 87), "{first:?}");
    let second = look(&[first]).unwrap();
    assert!(
        holds(second, 504, 360) && holds(second, 529, 385),
        "{second:?}"
    );
    let inside = |place: Rect| {
        place.right <= 640 && place.bottom <= 448 && place.width() > 180 && place.height() > 60
    };
    assert!(inside(first) && inside(second), "{first:?}, {second:?}");
    assert_eq!(
        look(&[first, second]),
        None,
        "one cell in some doubt is no place"
    );
    assert_eq!(
        look(&[Rect::new(90, 70, 150, 100)]),
        Some(second),
        "a mark holds the first"
    );
    assert_eq!(suspect_region(&[], 0, 640, 448, &[]), None);
}

#[test]
fn unseen_cells_do_not_accuse() {
    let seen = vec![Cell::new(0.1, 0.9, 0.0); 6];
    let covered = vec![Cell::new(0.0, 0.1, 0.9); 6];
    let score = |cells: &[Cell]| mark_score(&cell_evidence(cells, 3)).get();
    assert!(score(&seen) > 0.85);
    assert!(score(&covered) < 0.02);
    assert_eq!(score(&[]), 0.0);
}

#[test]
fn cells_beside_an_unseen_one_do_not_accuse() {
    let mut cells = vec![Cell::new(0.0, 1.0, 0.0); 5 * 4];
    cells[7] = Cell::new(0.0, 0.0, 1.0);
    let beside = [1, 2, 3, 6, 7, 8, 11, 12, 13];
    let want: Vec<f32> = (0..20)
        .map(|i| if beside.contains(&i) { 0.0 } else { 1.0 })
        .collect();
    assert_eq!(cell_evidence(&cells, 5), want);
    assert_eq!(
        blobs(&want, 5)[0],
        block(0, 0, 5, 4),
        "what is left is one group around the hole"
    );
}

#[test]
fn neighbouring_cells_are_one_blob() {
    let mut cells = vec![Cell::new(1.0, 0.0, 0.0); 12];
    for i in [0, 1, 5, 11] {
        cells[i] = Cell::new(0.0, 1.0, 0.0);
    }
    assert_eq!(
        blobs(&cell_evidence(&cells, 4), 4),
        vec![block(0, 0, 2, 2), block(3, 2, 1, 1)]
    );
}
