//! Two encoded prints met: how alike each place is to its neighbours on the other side, and the
//! other side's values drawn to where they match.
//!
//! A local cost volume as in PWC-Net (Sun et al., CVPR 2018), its softmax taken as the weights of a
//! mean. The network could hold it too; but a runtime takes it as some two hundred small steps,
//! which took nearly half of a mark's time.

use crate::engine::vision::EncodedMark;

/// Largest shift looked at, in cells along a side.
const REACH: usize = 3;
const SIDE: usize = 2 * REACH + 1;
/// Shifts looked at, row by row from up and left to down and right.
const SHIFTS: usize = SIDE * SIDE;
/// Neighbouring cells taken at once, so that they share registers.
const LANES: usize = 4;

/// Fills `joined`, one map after the other: the reference's likeness to the photo at every shift
/// (49 maps, 0 beyond the photo), the reference's values, the photo's values drawn to where they
/// match, and the absolute difference of these two. Maps after these are left alone. Both sides are
/// of one shape, their columns a multiple of 4.
pub(super) fn meet(reference: &EncodedMark, photo: &EncodedMark, joined: &mut [f32]) {
    let (likeness, rest) = joined.split_at_mut(SHIFTS * reference.rows * reference.columns);
    compare_keys(reference, photo, likeness);
    let (own, rest) = rest.split_at_mut(reference.values.len());
    own.copy_from_slice(&reference.values);
    let (moved, rest) = rest.split_at_mut(own.len());
    draw_values(photo, likeness, moved);
    for ((difference, own), moved) in rest.iter_mut().zip(own.iter()).zip(moved.iter()) {
        *difference = (own - moved).abs();
    }
}

fn compare_keys(reference: &EncodedMark, photo: &EncodedMark, likeness: &mut [f32]) {
    let (rows, columns) = (reference.rows, reference.columns);
    let cells = rows * columns;
    // With a border around it, no shift needs a question whether it lies inside.
    let around = Bordered::of(&photo.keys, rows, columns);
    for row in 0..rows {
        for column in (0..columns).step_by(LANES) {
            let at = row * columns + column;
            for down in 0..SIDE {
                // All shifts of a row together: a photo's cells are loaded once and serve seven of
                // them.
                let mut sums = [[0.0; LANES]; SIDE];
                for (channel, map) in reference.keys.chunks_exact(cells).enumerate() {
                    let own = &map[at..][..LANES];
                    let other = &around.from(channel, row + down, column)[..LANES + SIDE - 1];
                    for (across, sum) in sums.iter_mut().enumerate() {
                        (0..LANES).for_each(|i| sum[i] += own[i] * other[across + i]);
                    }
                }
                for (across, sum) in sums.iter().enumerate() {
                    likeness[(down * SIDE + across) * cells + at..][..LANES].copy_from_slice(sum);
                }
            }
        }
    }
}

/// The mean of the neighbouring values, weighted by the softmax of a cell's likenesses.
fn draw_values(photo: &EncodedMark, likeness: &[f32], moved: &mut [f32]) {
    let (rows, columns) = (photo.rows, photo.columns);
    let cells = rows * columns;
    // Taken once: every map of values is weighted alike.
    let exponentials = exponentials(likeness, cells);
    let around = Bordered::of(&photo.values, rows, columns);
    for row in 0..rows {
        for column in (0..columns).step_by(LANES) {
            let at = row * columns + column;
            let (mut weights, mut totals) = ([[0.0; LANES]; SHIFTS], [0.0; LANES]);
            for (weight, map) in weights.iter_mut().zip(exponentials.chunks_exact(cells)) {
                weight.copy_from_slice(&map[at..][..LANES]);
                (0..LANES).for_each(|i| totals[i] += weight[i]);
            }
            for (channel, map) in moved.chunks_exact_mut(cells).enumerate() {
                let mut sums = [0.0; LANES];
                for (down, weights) in weights.chunks_exact(SIDE).enumerate() {
                    let other = &around.from(channel, row + down, column)[..LANES + SIDE - 1];
                    for (across, weight) in weights.iter().enumerate() {
                        (0..LANES).for_each(|i| sums[i] += weight[i] * other[across + i]);
                    }
                }
                // Divided at the end, once a cell instead of once a weight.
                (0..LANES).for_each(|i| map[at + i] = sums[i] / totals[i]);
            }
        }
    }
}

/// Numerators of the softmax over shifts: exponentials of the likenesses against each cell's
/// largest.
fn exponentials(likeness: &[f32], cells: usize) -> Vec<f32> {
    let mut largest = vec![f32::NEG_INFINITY; cells];
    for map in likeness.chunks_exact(cells) {
        largest
            .iter_mut()
            .zip(map)
            .for_each(|(most, v)| *most = most.max(*v));
    }
    let against = likeness
        .chunks_exact(cells)
        .flat_map(|map| map.iter().zip(&largest));
    against.map(|(v, most)| (v - most).exp()).collect()
}

/// Maps with [`REACH`] cells of 0 around them.
struct Bordered {
    rows: usize,
    columns: usize,
    cells: Vec<f32>,
}

impl Bordered {
    fn of(maps: &[f32], rows: usize, columns: usize) -> Self {
        let (tall, wide) = (rows + 2 * REACH, columns + 2 * REACH);
        let count = maps.len() / (rows * columns).max(1);
        let mut cells = vec![0.0; count * tall * wide];
        for (line, from) in maps.chunks_exact(columns.max(1)).enumerate() {
            let at = (line / rows * tall + line % rows + REACH) * wide + REACH;
            cells[at..at + columns].copy_from_slice(from);
        }
        Self {
            rows: tall,
            columns: wide,
            cells,
        }
    }

    /// The cells of a map from a row and column on, both counted with the border.
    fn from(&self, map: usize, row: usize, column: usize) -> &[f32] {
        &self.cells[(map * self.rows + row) * self.columns + column..]
    }
}

#[cfg(test)]
mod tests {
    #![expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::float_cmp,
        reason = "maps of a few cells, written with signs as in the definition"
    )]
    use super::*;

    const KEYS: usize = 3;
    const VALUES: usize = 2;

    fn side(rows: usize, columns: usize, seed: u32) -> EncodedMark {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        };
        let mut maps = |count: usize| (0..count * rows * columns).map(|_| 2.0 * next()).collect();
        EncodedMark {
            rows,
            columns,
            keys: maps(KEYS),
            values: maps(VALUES),
        }
    }

    /// The definition, cell by cell and shift by shift.
    fn plainly(reference: &EncodedMark, photo: &EncodedMark) -> Vec<f32> {
        let (rows, columns) = (reference.rows as isize, reference.columns as isize);
        let value = |maps: &[f32], map: usize, row: isize, column: isize| {
            let inside = (0..rows).contains(&row) && (0..columns).contains(&column);
            if inside {
                f64::from(maps[((map as isize * rows + row) * columns + column) as usize])
            } else {
                0.0
            }
        };
        let cells = (rows * columns) as usize;
        let mut joined = vec![0.0; (SHIFTS + 3 * VALUES) * cells];
        for (at, (row, column)) in (0..rows)
            .flat_map(|r| (0..columns).map(move |c| (r, c)))
            .enumerate()
        {
            let there = |shift: usize| {
                (
                    row + (shift / SIDE) as isize - REACH as isize,
                    column + (shift % SIDE) as isize - REACH as isize,
                )
            };
            let likeness = |shift: usize| {
                let (r, c) = there(shift);
                (0..KEYS)
                    .map(|k| value(&reference.keys, k, row, column) * value(&photo.keys, k, r, c))
                    .sum::<f64>()
            };
            let total: f64 = (0..SHIFTS).map(|shift| likeness(shift).exp()).sum();
            (0..SHIFTS).for_each(|shift| joined[shift * cells + at] = likeness(shift) as f32);
            for map in 0..VALUES {
                let own = value(&reference.values, map, row, column);
                let drawn = |shift: usize| {
                    let (r, c) = there(shift);
                    likeness(shift).exp() / total * value(&photo.values, map, r, c)
                };
                let moved: f64 = (0..SHIFTS).map(drawn).sum();
                for (group, v) in [own, moved, (own - moved).abs()].into_iter().enumerate() {
                    joined[(SHIFTS + group * VALUES + map) * cells + at] = v as f32;
                }
            }
        }
        joined
    }

    #[test]
    fn it_equals_its_definition_and_leaves_the_maps_after_it_alone() {
        for (rows, columns) in [(8, 8), (9, 12), (2, 4)] {
            let (reference, photo) = (side(rows, columns, 1), side(rows, columns, 2));
            let expected = plainly(&reference, &photo);
            let mut joined = vec![7.0; expected.len() + rows * columns];
            meet(&reference, &photo, &mut joined[..expected.len()]);
            for (i, (found, expected)) in joined.iter().zip(&expected).enumerate() {
                assert!(
                    (found - expected).abs() < 2e-5,
                    "{rows}x{columns}, {i}: {found} instead of {expected}"
                );
            }
            assert!(joined[expected.len()..].iter().all(|v| *v == 7.0));
        }
    }
}
