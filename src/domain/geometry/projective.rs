//! Points, 3x3 projective maps and their algebra.

use std::array;

use crate::domain::linear::solve;

/// A point; the unit (pixels of a frame, or 0..1 of a picture) is the context's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// Column, to the right.
    pub x: f64,
    /// Row, downwards.
    pub y: f64,
}

impl Point {
    /// A point from its column and row.
    pub const fn new(x: f64, y: f64) -> Self {
        Self { x, y }
    }

    /// Euclidean distance.
    pub fn distance(self, other: Self) -> f64 {
        (self.x - other.x).hypot(self.y - other.y)
    }
}

/// A projective map of the plane, row-major, scaled so that the last element is 1 where possible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homography(pub [f64; 9]);

impl Homography {
    /// The map that moves nothing.
    pub const IDENTITY: Self = Self([1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);

    /// Scales x by `sx` and y by `sy`.
    pub const fn scaling(sx: f64, sy: f64) -> Self {
        Self([sx, 0.0, 0.0, 0.0, sy, 0.0, 0.0, 0.0, 1.0])
    }

    /// Maps one point; a point on the line at infinity gives coordinates that are not finite.
    pub fn apply(&self, p: Point) -> Point {
        let m = &self.0;
        let w = m[6] * p.x + m[7] * p.y + m[8];
        Point::new(
            (m[0] * p.x + m[1] * p.y + m[2]) / w,
            (m[3] * p.x + m[4] * p.y + m[5]) / w,
        )
    }

    /// The map that does `first` and then `self`.
    pub fn after(&self, first: &Self) -> Self {
        let (a, b) = (&self.0, &first.0);
        let mut out = [0.0; 9];
        for r in 0..3 {
            for c in 0..3 {
                out[r * 3 + c] = (0..3).map(|k| a[r * 3 + k] * b[k * 3 + c]).sum();
            }
        }
        Self(out).normalised()
    }

    /// The inverse map, or `None` when the map is singular.
    pub fn inverse(&self) -> Option<Self> {
        let m = &self.0;
        let cofactor = |a: usize, b: usize, c: usize, d: usize| m[a] * m[d] - m[b] * m[c];
        let out = [
            cofactor(4, 5, 7, 8),
            -cofactor(1, 2, 7, 8),
            cofactor(1, 2, 4, 5),
            -cofactor(3, 5, 6, 8),
            cofactor(0, 2, 6, 8),
            -cofactor(0, 2, 3, 5),
            cofactor(3, 4, 6, 7),
            -cofactor(0, 1, 6, 7),
            cofactor(0, 1, 3, 4),
        ];
        let determinant = m[0] * out[0] + m[1] * out[3] + m[2] * out[6];
        // A determinant is small or large by the map's unit: it is compared with the elements' own
        // size.
        let size: f64 = m.iter().map(|v| v.abs()).fold(0.0, f64::max);
        if !determinant.is_finite() || determinant.abs() <= 1e-14 * size.powi(3) {
            return None;
        }
        Some(Self(out.map(|v| v / determinant)).normalised())
    }

    /// Scaled so that the last element is 1, unless it is nearly 0.
    pub fn normalised(&self) -> Self {
        let last = self.0[8];
        if last.abs() > 1e-12 {
            Self(self.0.map(|v| v / last))
        } else {
            *self
        }
    }

    /// Whether every element is finite.
    pub fn is_finite(&self) -> bool {
        self.0.iter().all(|v| v.is_finite())
    }

    /// The least-squares map of the weighted pairs `(from, to, weight)` by the normalised direct
    /// linear transform (Hartley, "In defense of the eight-point algorithm", 1997). Needs four
    /// pairs in general position; `None` when the system is degenerate.
    pub fn fit(pairs: &[(Point, Point, f64)]) -> Option<Self> {
        if pairs.len() < 4 {
            return None;
        }
        // Pixels squared beside ones lose digits: both sides are brought to about 1 first.
        let from_norm = conditioning(pairs.iter().map(|p| (p.0, p.2)))?;
        let to_norm = conditioning(pairs.iter().map(|p| (p.1, p.2)))?;
        // Inhomogeneous normal equations with the last element fixed at 1: safe because
        // conditioning puts the centroid, whose image must be finite, at the origin.
        let mut ata = [[0.0; 9]; 8];
        for (from, to, weight) in pairs {
            let (p, q) = (from_norm.apply(*from), to_norm.apply(*to));
            let rows = [
                ([p.x, p.y, 1.0, 0.0, 0.0, 0.0, -q.x * p.x, -q.x * p.y], q.x),
                ([0.0, 0.0, 0.0, p.x, p.y, 1.0, -q.y * p.x, -q.y * p.y], q.y),
            ];
            for (row, rhs) in rows {
                for i in 0..8 {
                    let weighted = weight * row[i];
                    // The matrix is symmetric: half of the work is enough.
                    for j in i..8 {
                        ata[i][j] += weighted * row[j];
                    }
                    ata[i][8] += weighted * rhs;
                }
            }
        }
        // Only what lies on and above the diagonal was added up: the rest is its mirror image.
        let whole: [[f64; 9]; 8] =
            array::from_fn(|i| array::from_fn(|j| if j < i { ata[j][i] } else { ata[i][j] }));
        let h = solve(whole)?;
        let conditioned = Self([h[0], h[1], h[2], h[3], h[4], h[5], h[6], h[7], 1.0]);
        let map = to_norm.inverse()?.after(&conditioned).after(&from_norm);
        // A last element of nearly 0 can still push the others beyond what a float holds.
        map.is_finite().then_some(map)
    }

    /// The map through exactly four pairs; `None` when three of the points are in line.
    pub fn through(from: [Point; 4], to: [Point; 4]) -> Option<Self> {
        Self::fit(&[0, 1, 2, 3].map(|i| (from[i], to[i], 1.0)))
    }
}

/// The similarity that moves the weighted points' centroid to the origin and their mean distance to
/// the square root of 2; `None` when they coincide.
fn conditioning(points: impl Iterator<Item = (Point, f64)> + Clone) -> Option<Homography> {
    let total: f64 = points.clone().map(|p| p.1).sum();
    let cx = points.clone().map(|(p, w)| p.x * w).sum::<f64>() / total;
    let cy = points.clone().map(|(p, w)| p.y * w).sum::<f64>() / total;
    let spread = points
        .map(|(p, w)| p.distance(Point::new(cx, cy)) * w)
        .sum::<f64>()
        / total;
    // Points in one place have no spread to be scaled by.
    if !spread.is_finite() || spread <= 1e-12 {
        return None;
    }
    let s = std::f64::consts::SQRT_2 / spread;
    Some(Homography([
        s,
        0.0,
        -s * cx,
        0.0,
        s,
        -s * cy,
        0.0,
        0.0,
        1.0,
    ]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn arbitrary_map() -> impl Strategy<Value = Homography> {
        (
            prop::array::uniform2(0.3..3.0_f64),
            prop::array::uniform2(-0.4..0.4_f64),
            prop::array::uniform2(-300.0..300.0_f64),
            prop::array::uniform2(-4e-4..4e-4_f64),
        )
            .prop_map(|(s, k, t, p)| {
                Homography([s[0], k[0], t[0], k[1], s[1], t[1], p[0], p[1], 1.0])
            })
    }

    proptest! {
        #[test]
        fn inverse_undoes(map in arbitrary_map(), x in 0.0..640.0_f64, y in 0.0..640.0_f64) {
            if let Some(back) = map.inverse() {
                let p = Point::new(x, y);
                prop_assert!(back.apply(map.apply(p)).distance(p) < 1e-6);
            }
        }

        #[test]
        fn four_pairs_give_the_map_back(map in arbitrary_map()) {
            let from = [(0.0, 0.0), (640.0, 10.0), (600.0, 480.0), (20.0, 470.0)].map(|(x, y)| Point::new(x, y));
            let found = Homography::through(from, from.map(|p| map.apply(p)));
            prop_assert!(found.is_some());
            let probe = Point::new(300.0, 200.0);
            prop_assert!(found.unwrap().apply(probe).distance(map.apply(probe)) < 1e-5);
        }
    }

    #[test]
    fn points_in_line_have_no_map() {
        let line = [0.0, 1.0, 2.0, 3.0].map(|v| Point::new(v, v));
        assert_eq!(Homography::through(line, line), None);
    }

    #[test]
    fn composition_applies_the_first_map_first() {
        let shift = Homography([1.0, 0.0, 5.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        let double = Homography::scaling(2.0, 2.0);
        assert_eq!(
            double.after(&shift).apply(Point::new(1.0, 1.0)),
            Point::new(12.0, 2.0)
        );
    }
}
