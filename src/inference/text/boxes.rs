//! From a map of "text is here" probabilities to rectangles around lines: the host part of the DB
//! text detector (Liao et al., "Real-time Scene Text Detection with Differentiable Binarization"),
//! with PP-OCRv4's settings.

use crate::domain::number::index;

/// Pixels above this probability are text.
const THRESHOLD: f32 = 0.3;
/// A rectangle's mean probability must reach this.
const MIN_SCORE: f32 = 0.5;
/// The network marks the core of a line; the rectangle grows by `area * UNCLIP / perimeter` on each
/// side.
const UNCLIP: f64 = 1.6;
/// Shortest side in map pixels before and after growing.
const MIN_SIDE: f64 = 3.0;
const MIN_GROWN_SIDE: f64 = 5.0;
/// Most lines of one picture, the largest first: a picture full of specks must not cost minutes.
const MAX_LINES: usize = 100;

/// A rectangle at any angle, in map pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rectangle {
    /// Centre (x, y).
    pub centre: (f64, f64),
    /// Unit vector along the first side.
    pub axis: (f64, f64),
    /// Lengths of the first and the second side.
    pub sides: (f64, f64),
}

impl Rectangle {
    /// Corners as top left, top right, bottom right, bottom left: left and right pair by x, ordered
    /// by y within.
    pub(super) fn corners(&self) -> [(f64, f64); 4] {
        let (ux, uy) = (
            self.axis.0 * self.sides.0 / 2.0,
            self.axis.1 * self.sides.0 / 2.0,
        );
        let (vx, vy) = (
            -self.axis.1 * self.sides.1 / 2.0,
            self.axis.0 * self.sides.1 / 2.0,
        );
        let (x, y) = self.centre;
        let mut corners = [
            (x - ux - vx, y - uy - vy),
            (x + ux - vx, y + uy - vy),
            (x + ux + vx, y + uy + vy),
            (x - ux + vx, y - uy + vy),
        ];
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        corners[..2].sort_by(|a, b| a.1.total_cmp(&b.1));
        corners[2..].sort_by(|a, b| a.1.total_cmp(&b.1));
        [corners[0], corners[2], corners[3], corners[1]]
    }

    fn shortest(&self) -> f64 {
        self.sides.0.min(self.sides.1)
    }

    fn grown(mut self) -> Self {
        let (a, b) = self.sides;
        let distance = a * b * UNCLIP / (2.0 * (a + b));
        self.sides = (a + 2.0 * distance, b + 2.0 * distance);
        self
    }

    fn contains(&self, x: f64, y: f64) -> bool {
        // The outermost pixel centres lie on the border, up to rounding.
        const SLACK: f64 = 1e-6;
        let (dx, dy) = (x - self.centre.0, y - self.centre.1);
        let along = dx * self.axis.0 + dy * self.axis.1;
        let across = dy * self.axis.0 - dx * self.axis.1;
        along.abs() <= self.sides.0 / 2.0 + SLACK && across.abs() <= self.sides.1 / 2.0 + SLACK
    }
}

/// Rectangles around the lines in `map` (`height` rows of `width` probabilities), in reading order.
pub(super) fn find(map: &[f32], width: usize, height: usize) -> Vec<Rectangle> {
    let mut found: Vec<Rectangle> = components(&mask(map, width, height), width, height)
        .iter()
        .filter_map(|points| min_area_rectangle(points))
        // Judged before growing: only there are the pixels that the network was sure of.
        .filter(|r| r.shortest() >= MIN_SIDE && score(map, width, height, r) >= MIN_SCORE)
        .map(Rectangle::grown)
        .filter(|r| r.shortest() >= MIN_GROWN_SIDE)
        .collect();
    found.sort_by(|a, b| (b.sides.0 * b.sides.1).total_cmp(&(a.sides.0 * a.sides.1)));
    found.truncate(MAX_LINES);
    // Reading order comes last: which lines are kept must not depend on it.
    found.sort_by(|a, b| {
        a.centre
            .1
            .total_cmp(&b.centre.1)
            .then(a.centre.0.total_cmp(&b.centre.0))
    });
    found
}

/// Text pixels, dilated by one to the right and down as the method's own code does.
fn mask(map: &[f32], width: usize, height: usize) -> Vec<bool> {
    let mut mask = vec![false; width * height];
    for y in 0..height {
        for x in 0..width {
            if map[y * width + x] > THRESHOLD {
                for row in y..(y + 2).min(height) {
                    for column in x..(x + 2).min(width) {
                        mask[row * width + column] = true;
                    }
                }
            }
        }
    }
    mask
}

/// The 8-connected components of `mask`, each as the first and last pixel of its rows: enough for
/// the convex hull.
fn components(mask: &[bool], width: usize, height: usize) -> Vec<Vec<(i32, i32)>> {
    let place = |pixel: usize| i32::try_from(pixel).unwrap_or(i32::MAX);
    let mut left = mask.to_vec();
    let mut found = Vec::new();
    // A list instead of recursion: one component may hold every pixel of the map.
    let mut open = Vec::new();
    for start in 0..width * height {
        if !left[start] {
            continue;
        }
        left[start] = false;
        open.push(start);
        // Sorted by row, so that a map always gives the same points in the same order.
        let mut extents = std::collections::BTreeMap::<usize, (usize, usize)>::new();
        while let Some(pixel) = open.pop() {
            let (x, y) = (pixel % width, pixel / width);
            let extent = extents.entry(y).or_insert((x, x));
            *extent = (extent.0.min(x), extent.1.max(x));
            for row in y.saturating_sub(1)..(y + 2).min(height) {
                for column in x.saturating_sub(1)..(x + 2).min(width) {
                    let neighbour = row * width + column;
                    if left[neighbour] {
                        left[neighbour] = false;
                        open.push(neighbour);
                    }
                }
            }
        }
        found.push(
            extents
                .into_iter()
                .flat_map(|(y, (a, b))| [(place(a), place(y)), (place(b), place(y))])
                .collect(),
        );
    }
    found
}

/// Mean probability of the pixels inside `rectangle`.
fn score(map: &[f32], width: usize, height: usize, rectangle: &Rectangle) -> f32 {
    let corners = rectangle.corners();
    // Only the box around the rectangle is walked over, cut to the map.
    let range = |values: [f64; 4], limit: usize| {
        let least = values.iter().fold(f64::INFINITY, |m, v| m.min(*v));
        let low = index(least.floor().max(0.0));
        let high = index(values.iter().fold(0.0_f64, |m, v| m.max(*v)).ceil());
        low..(high + 1).min(limit)
    };
    let (mut sum, mut count) = (0.0, 0);
    for y in range(corners.map(|c| c.1), height) {
        for x in range(corners.map(|c| c.0), width) {
            if rectangle.contains(x as f64, y as f64) {
                sum += map[y * width + x];
                count += 1;
            }
        }
    }
    if count == 0 { 0.0 } else { sum / count as f32 }
}

/// The smallest rectangle around `points`: one of its sides lies on an edge of their convex hull.
/// `None` when all points lie on one line.
fn min_area_rectangle(points: &[(i32, i32)]) -> Option<Rectangle> {
    let hull = convex_hull(points);
    if hull.len() < 3 {
        return None;
    }
    let mut best: Option<Rectangle> = None;
    for (i, a) in hull.iter().enumerate() {
        let b = hull[(i + 1) % hull.len()];
        let (dx, dy) = (f64::from(b.0 - a.0), f64::from(b.1 - a.1));
        let length = dx.hypot(dy);
        let axis = (dx / length, dy / length);
        let (mut low, mut high) = (
            (f64::INFINITY, f64::INFINITY),
            (f64::NEG_INFINITY, f64::NEG_INFINITY),
        );
        for &(x, y) in &hull {
            let (x, y) = (f64::from(x), f64::from(y));
            let (along, across) = (x * axis.0 + y * axis.1, y * axis.0 - x * axis.1);
            low = (low.0.min(along), low.1.min(across));
            high = (high.0.max(along), high.1.max(across));
        }
        let sides = (high.0 - low.0, high.1 - low.1);
        // Among equals the first edge stays, so that a map always gives the same rectangle.
        if best.is_none_or(|b| sides.0 * sides.1 < b.sides.0 * b.sides.1) {
            let (along, across) = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
            let centre = (
                along * axis.0 - across * axis.1,
                along * axis.1 + across * axis.0,
            );
            best = Some(Rectangle {
                centre,
                axis,
                sides,
            });
        }
    }
    best
}

/// Andrew's monotone chain, without points inside edges.
fn convex_hull(points: &[(i32, i32)]) -> Vec<(i32, i32)> {
    let mut sorted = points.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() < 3 {
        return sorted;
    }
    let turns_left = |a: (i32, i32), b: (i32, i32), c: (i32, i32)| {
        // Exact, and wide enough for the product of any two sides.
        i64::from(b.0 - a.0) * i64::from(c.1 - a.1) - i64::from(b.1 - a.1) * i64::from(c.0 - a.0)
            > 0
    };
    let chain = |points: &mut dyn Iterator<Item = (i32, i32)>| {
        let mut chain: Vec<(i32, i32)> = Vec::new();
        for point in points {
            while chain.len() >= 2
                && !turns_left(chain[chain.len() - 2], chain[chain.len() - 1], point)
            {
                chain.pop();
            }
            chain.push(point);
        }
        // The last point opens the other half.
        chain.pop();
        chain
    };
    let mut hull = chain(&mut sorted.iter().copied());
    hull.extend(chain(&mut sorted.iter().rev().copied()));
    hull
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A map with one bar of probability 0.9 from (x0, y0) to (x1, y1), ends included.
    fn bar(x0: usize, y0: usize, x1: usize, y1: usize) -> Vec<f32> {
        let inside = |x: usize, y: usize| (x0..=x1).contains(&x) && (y0..=y1).contains(&y);
        (0..64 * 40)
            .map(|i| if inside(i % 64, i / 64) { 0.9 } else { 0.0 })
            .collect()
    }

    #[test]
    fn a_bar_becomes_one_grown_rectangle() {
        let found = find(&bar(10, 10, 40, 18), 64, 40);
        assert_eq!(found.len(), 1);
        // Dilation makes it 31 x 9 between pixel centres; it grows by 31*9*1.6/(2*40) = 5.58 on
        // each side.
        let [top_left, top_right, bottom_right, _] = found[0].corners();
        assert!(
            (top_left.0 - (10.0 - 5.58)).abs() < 0.01 && (top_left.1 - (10.0 - 5.58)).abs() < 0.01
        );
        assert!(
            (top_right.0 - (41.0 + 5.58)).abs() < 0.01
                && (bottom_right.1 - (19.0 + 5.58)).abs() < 0.01
        );
    }

    #[test]
    fn specks_and_weak_regions_are_no_text() {
        assert!(find(&bar(10, 10, 11, 11), 64, 40).is_empty());
        let weak: Vec<f32> = bar(10, 10, 40, 18).iter().map(|v| v * 0.4).collect();
        assert!(find(&weak, 64, 40).is_empty());
        assert!(find(&vec![0.0; 64 * 40], 64, 40).is_empty());
    }

    #[test]
    fn a_slanted_square_is_found_at_its_angle() {
        let found = min_area_rectangle(&[(10, 0), (20, 10), (10, 20), (0, 10), (10, 10)]).unwrap();
        assert!(
            (found.sides.0 - 200_f64.sqrt()).abs() < 1e-9
                && (found.sides.1 - 200_f64.sqrt()).abs() < 1e-9
        );
        assert!((found.centre.0 - 10.0).abs() < 1e-9 && (found.centre.1 - 10.0).abs() < 1e-9);
        assert_eq!(min_area_rectangle(&[(0, 0), (5, 5), (9, 9)]), None);
    }

    proptest! {
        #[test]
        fn the_rectangle_holds_all_points_and_is_no_larger_than_the_upright_box(
            points in prop::collection::vec((0..200_i32, 0..200_i32), 3..40)
        ) {
            let Some(r) = min_area_rectangle(&points) else { return Ok(()) };
            for (x, y) in &points {
                prop_assert!(r.contains(f64::from(*x), f64::from(*y)));
            }
            let spread = |values: Vec<i32>| f64::from(values.iter().max().unwrap() - values.iter().min().unwrap());
            let upright = spread(points.iter().map(|p| p.0).collect()) * spread(points.iter().map(|p| p.1).collect());
            prop_assert!(r.sides.0 * r.sides.1 <= upright + 1e-6);
        }
    }
}
