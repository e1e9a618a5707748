//! The strongest place of a grid of cells, and what lies in boxes already taken.

use crate::domain::geometry::Rect;

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
}
