//! Do two outlines lie on the same place?

use super::{Point, sanity::quad_area};

/// Area that two convex outlines have in common, in squares of their unit. Both run clockwise on
/// the screen, as [`super::check_quad`] gives them (Sutherland and Hodgman, "Reentrant polygon
/// clipping", 1974).
pub fn common_area(a: &[Point; 4], b: &[Point; 4]) -> f64 {
    let mut left: Vec<Point> = a.to_vec();
    for i in 0..4 {
        let (from, to) = (b[i], b[(i + 1) % 4]);
        let side = |p: Point| side(from, to, p);
        let mut kept = Vec::with_capacity(left.len() + 1);
        for (k, &p) in left.iter().enumerate() {
            let next = left[(k + 1) % left.len()];
            let (here, there) = (side(p), side(next));
            if here >= 0.0 {
                kept.push(p);
            }
            // One inside and one outside: the edge crosses the line between them.
            if (here >= 0.0) != (there >= 0.0) {
                let at = here / (here - there);
                kept.push(Point::new(
                    p.x + at * (next.x - p.x),
                    p.y + at * (next.y - p.y),
                ));
            }
        }
        left = kept;
    }
    let cross = |i: usize| {
        let (p, q) = (left[i], left[(i + 1) % left.len()]);
        p.x * q.y - q.x * p.y
    };
    (0..left.len()).map(cross).sum::<f64>().abs() / 2.0
}

/// Intersection over union of two convex outlines that run clockwise, 0 to 1; 0 when either has no
/// area.
pub fn intersection_over_union(a: &[Point; 4], b: &[Point; 4]) -> f64 {
    let common = common_area(a, b);
    let union = quad_area(a) + quad_area(b) - common;
    if union > 0.0 {
        (common / union).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

/// Whether a point lies inside a convex outline, whichever way its corners run.
pub fn lies_inside(outline: &[Point; 4], at: Point) -> bool {
    let side = |i: usize| side(outline[i], outline[(i + 1) % 4], at);
    (0..4).all(|i| side(i) >= 0.0) || (0..4).all(|i| side(i) <= 0.0)
}

/// Which side of the line from one point to another a third lies on: positive on the right, where y
/// points down, so inside an outline that runs clockwise.
fn side(from: Point, to: Point, at: Point) -> f64 {
    (to.x - from.x) * (at.y - from.y) - (to.y - from.y) * (at.x - from.x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::geometry::Rect;

    fn square(left: f64, top: f64, side: f64) -> [Point; 4] {
        Rect::new(left, top, left + side, top + side).corners()
    }

    #[test]
    fn known_overlaps_come_out_exactly() {
        let whole = square(0.0, 0.0, 2.0);
        assert!((intersection_over_union(&whole, &whole) - 1.0).abs() < 1e-12);
        assert!(common_area(&whole, &square(3.0, 0.0, 2.0)) < 1e-12);
        // A quarter of each: 1 of 7.
        let shifted = square(1.0, 1.0, 2.0);
        assert!((intersection_over_union(&whole, &shifted) - 1.0 / 7.0).abs() < 1e-12);
        // A square inside another.
        assert!((common_area(&whole, &square(0.5, 0.5, 1.0)) - 1.0).abs() < 1e-12);
        // A diamond loses its four tips.
        let diamond = [(1.0, -1.0), (3.0, 1.0), (1.0, 3.0), (-1.0, 1.0)];
        let diamond = diamond.map(|(x, y)| Point::new(x, y));
        assert!((common_area(&whole, &diamond) - 4.0).abs() < 1e-12);
    }

    #[test]
    fn counting_points_of_a_fine_grid_gives_the_same_area() {
        let a = [(10.0, 5.0), (80.0, 20.0), (70.0, 90.0), (5.0, 60.0)];
        let b = [(40.0, 0.0), (99.0, 30.0), (60.0, 70.0), (30.0, 50.0)];
        let (a, b) = (
            a.map(|(x, y)| Point::new(x, y)),
            b.map(|(x, y)| Point::new(x, y)),
        );
        let mut counted = 0;
        for y in 0..1000 {
            for x in 0..1000 {
                let p = Point::new(f64::from(x) / 10.0 + 0.05, f64::from(y) / 10.0 + 0.05);
                counted += usize::from(lies_inside(&a, p) && lies_inside(&b, p));
            }
        }
        let expected = counted as f64 / 100.0;
        assert!((common_area(&a, &b) - expected).abs() < 5.0);
        assert!((common_area(&b, &a) - common_area(&a, &b)).abs() < 1e-9);
    }
}
