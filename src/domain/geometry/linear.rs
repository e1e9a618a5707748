//! Small dense systems of linear equations.

/// Gaussian elimination with partial pivoting of an `N` x `N` system with its right side in the
/// last of `W` = `N` + 1 columns; `None` when it is singular or not finite.
pub(crate) fn solve<const N: usize, const W: usize>(mut a: [[f64; W]; N]) -> Option<[f64; N]> {
    // Types cannot say N + 1: a wrong pair of sizes does not compile instead.
    const { assert!(W == N + 1) };
    let size = a.iter().flatten().fold(0.0_f64, |m, v| m.max(v.abs()));
    for col in 0..N {
        // The largest pivot keeps factors at most 1, so that rounding errors do not grow.
        let pivot = (col..N).max_by(|&i, &j| a[i][col].abs().total_cmp(&a[j][col].abs()))?;
        // Measured against the largest element: the same system in other units is as solvable.
        if a[pivot][col].is_nan() || a[pivot][col].abs() <= 1e-13 * size {
            return None;
        }
        a.swap(col, pivot);
        let pivot_row = a[col];
        for row in a.iter_mut().skip(col + 1) {
            let factor = row[col] / pivot_row[col];
            for (value, above) in row.iter_mut().zip(pivot_row).skip(col) {
                *value -= factor * above;
            }
        }
    }
    let mut x = [0.0; N];
    for row in (0..N).rev() {
        let known: f64 = (row + 1..N).map(|c| a[row][c] * x[c]).sum();
        x[row] = (a[row][N] - known) / a[row][row];
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_solved_gives_the_right_side(rows in prop::array::uniform4(prop::array::uniform5(-9.0..9.0_f64))) {
            if let Some(x) = solve(rows) {
                let largest = x.iter().fold(1.0_f64, |m, v| m.max(v.abs()));
                for row in rows {
                    let left: f64 = row.iter().zip(x).map(|(a, b)| a * b).sum();
                    prop_assert!((left - row[4]).abs() < 1e-9 * largest, "{left} {}", row[4]);
                }
            }
        }
    }

    #[test]
    fn rows_in_any_order_have_one_solution_and_dependent_ones_have_none() {
        assert_eq!(solve([[0.0, 2.0, 6.0], [4.0, 0.0, 2.0]]), Some([0.5, 3.0]));
        assert_eq!(solve([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]]), None);
        assert_eq!(solve([[f64::NAN, 2.0, 3.0], [2.0, 4.0, 6.0]]), None);
    }
}
