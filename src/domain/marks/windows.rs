//! The strongest place of a grid of cells, and what lies in boxes already taken.

use crate::domain::{geometry::Rect, tuning::places::MOST_IGNORED};

/// The window of `size` (columns, rows) cells of a grid of `columns` x `rows` (row-major) with the
/// largest sum, of at least `least`: column and row of its first cell; `None` when none has, or
/// when the grid is smaller.
pub(crate) fn strongest_window(
    values: &[f64],
    (columns, rows): (usize, usize),
    (wide, high): (usize, usize),
    least: f64,
) -> Option<(usize, usize)> {
    let sum = |c: usize, r: usize| -> f64 {
        (r..r + high)
            .flat_map(|y| (c..c + wide).map(move |x| y * columns + x))
            .map(|i| values[i])
            .sum()
    };
    // A grid smaller than the window has no place for it: the subtraction says so.
    let (last_row, last_column) = (rows.checked_sub(high)?, columns.checked_sub(wide)?);
    let places = (0..=last_row).flat_map(|r| (0..=last_column).map(move |c| (c, r)));
    let strongest = places
        .map(|(c, r)| (sum(c, r), c, r))
        // Of equal ones the last: which does not matter, that it is always the same does.
        .max_by(|a, b| a.0.total_cmp(&b.0));
    strongest
        .filter(|(sum, ..)| *sum >= least)
        .map(|(_, c, r)| (c, r))
}

/// Whether a pixel lies in one of some boxes.
pub(crate) fn lies_in(boxes: &[Rect], pixel: (u32, u32)) -> bool {
    boxes.iter().any(|taken| taken.contains(pixel))
}

/// Whether one of some boxes holds more than a third of a place.
pub(crate) fn mostly_in<T: Copy + Into<f64>>(place: Rect<T>, boxes: &[Rect<T>]) -> bool {
    let place = place.map(Into::into);
    let held = |taken: &Rect<T>| {
        let taken = taken.map(Into::into);
        let across = place.right.min(taken.right) - place.left.max(taken.left);
        let down = place.bottom.min(taken.bottom) - place.top.max(taken.top);
        across.max(0.0) * down.max(0.0)
    };
    let most = boxes.iter().map(held).fold(0.0, f64::max);
    most > MOST_IGNORED * place.width() * place.height()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_window_holds_the_strongest_cells() {
        let mut values = vec![0.0; 20 * 12];
        for (c, r, value) in [
            (3, 2, 0.9),
            (4, 3, 0.9),
            (14, 7, 0.6),
            (15, 8, 0.6),
            (5, 3, 0.9),
        ] {
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                values[(r + dy) * 20 + c + dx] = value;
            }
        }
        let (c, r) = strongest_window(&values, (20, 12), (6, 4), 1.0).unwrap();
        assert!((c..c + 6).contains(&4) && (r..r + 4).contains(&3));
        assert_eq!(
            strongest_window(&values, (20, 12), (6, 4), 20.0),
            None,
            "nothing is that strong"
        );
        assert_eq!(strongest_window(&[1.0; 6], (3, 2), (6, 4), 1.0), None);
    }

    #[test]
    fn a_place_belongs_to_a_box_that_holds_more_than_a_third_of_it() {
        let place = Rect::new(10, 10, 40, 20);
        let within = |boxes: &[Rect]| mostly_in(place, boxes);
        assert!(!within(&[]));
        assert!(!within(&[Rect::new(0, 0, 20, 30)]), "a third and no more");
        assert!(within(&[Rect::new(0, 0, 21, 30)]));
        assert!(!within(&[
            Rect::new(50, 10, 80, 20),
            Rect::new(10, 30, 40, 40)
        ]));
        assert!(!within(&[
            Rect::new(10, 10, 20, 20),
            Rect::new(30, 10, 40, 20)
        ]));
    }
}
