//! The strongest places of a grid of cells.

/// The strongest windows of `size` (columns, rows) cells of a grid of `columns` x `rows` (row-major), at most `most`:
/// column and row of their first cells. What one window holds does not count for the next, and each sums to at least
/// `least`, which is above 0.
pub fn strongest_windows(
    mut values: Vec<f64>,
    (columns, rows): (usize, usize),
    size: (usize, usize),
    least: f64,
    most: usize,
) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    while found.len() < most {
        let window = strongest_window(&values, columns, rows, size);
        let Some((_, c, r)) = window.filter(|(sum, ..)| *sum >= least) else { break };
        for row in r..r + size.1 {
            values[row * columns + c..row * columns + c + size.0].fill(0.0);
        }
        found.push((c, r));
    }
    found
}

/// The window with the largest sum: sum, column and row of its first cell; `None` when the grid is smaller.
fn strongest_window(
    values: &[f64],
    columns: usize,
    rows: usize,
    (wide, high): (usize, usize),
) -> Option<(f64, usize, usize)> {
    let sum = |c: usize, r: usize| -> f64 {
        (r..r + high).flat_map(|y| (c..c + wide).map(move |x| y * columns + x)).map(|i| values[i]).sum()
    };
    let (last_row, last_column) = (rows.checked_sub(high)?, columns.checked_sub(wide)?);
    let places = (0..=last_row).flat_map(|r| (0..=last_column).map(move |c| (c, r)));
    places.map(|(c, r)| (sum(c, r), c, r)).max_by(|a, b| a.0.total_cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_strongest_window_holds_the_strongest_cells() {
        let mut values = vec![0.0; 20 * 12];
        for (c, r, value) in [(3, 2, 0.9), (4, 3, 0.9), (14, 7, 0.6), (15, 8, 0.6), (5, 3, 0.9)] {
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                values[(r + dy) * 20 + c + dx] = value;
            }
        }
        let (_, c, r) = strongest_window(&values, 20, 12, (6, 4)).unwrap();
        assert!((c..c + 6).contains(&4) && (r..r + 4).contains(&3));
        assert_eq!(strongest_window(&[1.0; 6], 3, 2, (6, 4)), None);
        let found = strongest_windows(values.clone(), (20, 12), (6, 4), 1.0, 5);
        assert_eq!(found.len(), 2, "the rest of the grid is empty: {found:?}");
        assert!((found[1].0..found[1].0 + 6).contains(&15) && (found[1].1..found[1].1 + 4).contains(&8));
        assert_eq!(strongest_windows(values, (20, 12), (6, 4), 1.0, 1).len(), 1);
    }
}
