//! Upright boxes.

use std::ops::Sub;

use super::Point;

/// An upright box; `right` and `bottom` are the first values outside it. In whole pixels unless
/// another number type is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rect<T = u32> {
    /// First column.
    pub left: T,
    /// First row.
    pub top: T,
    /// Column after the last.
    pub right: T,
    /// Row after the last.
    pub bottom: T,
}

impl<T> Rect<T> {
    /// A box from its four ends.
    pub const fn new(left: T, top: T, right: T, bottom: T) -> Self {
        Self {
            left,
            top,
            right,
            bottom,
        }
    }

    /// The box with each of its ends changed the same way.
    pub fn map<U>(self, change: impl Fn(T) -> U) -> Rect<U> {
        Rect {
            left: change(self.left),
            top: change(self.top),
            right: change(self.right),
            bottom: change(self.bottom),
        }
    }
}

impl<T: Copy + Sub<Output = T>> Rect<T> {
    /// Length from left to right.
    pub fn width(self) -> T {
        self.right - self.left
    }

    /// Length from top to bottom.
    pub fn height(self) -> T {
        self.bottom - self.top
    }
}

impl<T: Copy + PartialOrd> Rect<T> {
    /// Whether a place lies in the box.
    pub fn contains(self, (x, y): (T, T)) -> bool {
        // Ends lie outside: boxes side by side share no pixel.
        (self.left..self.right).contains(&x) && (self.top..self.bottom).contains(&y)
    }
}

impl<T: Copy + Ord> Rect<T> {
    /// The smallest box that holds both.
    pub fn union(self, other: Self) -> Self {
        Self {
            left: self.left.min(other.left),
            top: self.top.min(other.top),
            right: self.right.max(other.right),
            bottom: self.bottom.max(other.bottom),
        }
    }
}

impl Rect {
    /// The box of `width` x `height` pixels whose first pixel is (`x`, `y`); ends beyond the
    /// largest number stop there.
    pub const fn from_size(x: u32, y: u32, width: u32, height: u32) -> Self {
        // Whatever is asked for, an end beyond the largest number must not wrap round to the left.
        Self::new(x, y, x.saturating_add(width), y.saturating_add(height))
    }

    /// The box moved to the right and down; `None` where it would leave a picture of `width` x
    /// `height` pixels.
    pub fn moved(self, (right, down): (i32, i32), width: u32, height: u32) -> Option<Self> {
        let moved = Self::new(
            self.left.checked_add_signed(right)?,
            self.top.checked_add_signed(down)?,
            self.right.checked_add_signed(right)?,
            self.bottom.checked_add_signed(down)?,
        );
        (moved.right <= width && moved.bottom <= height).then_some(moved)
    }

    /// First column, first row, width and height: the form that stored articles have.
    pub const fn to_xywh(self) -> [u32; 4] {
        [
            self.left,
            self.top,
            // A box whose ends are in the wrong order is empty rather than huge.
            self.right.saturating_sub(self.left),
            self.bottom.saturating_sub(self.top),
        ]
    }
}

impl Rect<f64> {
    /// The smallest box with all points in it or on its ends; `None` without points.
    pub fn around(points: &[Point]) -> Option<Self> {
        let first = points.first()?;
        let start = Self::new(first.x, first.y, first.x, first.y);
        // `min` and `max` of floats pass over what is no number, so that one such point spoils
        // nothing.
        Some(points.iter().fold(start, |hull, p| {
            Self::new(
                hull.left.min(p.x),
                hull.top.min(p.y),
                hull.right.max(p.x),
                hull.bottom.max(p.y),
            )
        }))
    }

    /// The corners, clockwise from the top left.
    pub const fn corners(self) -> [Point; 4] {
        [
            Point::new(self.left, self.top),
            Point::new(self.right, self.top),
            Point::new(self.right, self.bottom),
            Point::new(self.left, self.bottom),
        ]
    }
}

/// The ends in the order left, top, right, bottom: the form that stored observations have.
impl<T> From<[T; 4]> for Rect<T> {
    fn from([left, top, right, bottom]: [T; 4]) -> Self {
        Self::new(left, top, right, bottom)
    }
}

impl<T> From<Rect<T>> for [T; 4] {
    fn from(rect: Rect<T>) -> Self {
        [rect.left, rect.top, rect.right, rect.bottom]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_from_its_size_gives_its_size_back_and_ends_before_its_ends() {
        let rect = Rect::from_size(10, 20, 30, 40);
        assert_eq!(rect, Rect::new(10, 20, 40, 60));
        assert_eq!(rect.to_xywh(), [10, 20, 30, 40]);
        assert_eq!((rect.width(), rect.height()), (30, 40));
        assert!(rect.contains((10, 20)) && rect.contains((39, 59)));
        assert!(!rect.contains((40, 59)) && !rect.contains((39, 60)) && !rect.contains((9, 20)));
        assert_eq!(<[u32; 4]>::from(rect), [10, 20, 40, 60]);
    }

    #[test]
    fn corners_go_clockwise_from_the_top_left() {
        let corners = Rect::new(1.0, 2.0, 5.0, 9.0).corners();
        let expected = [(1.0, 2.0), (5.0, 2.0), (5.0, 9.0), (1.0, 9.0)];
        assert_eq!(corners, expected.map(|(x, y)| Point::new(x, y)));
    }

    #[test]
    fn a_union_holds_both_and_no_more() {
        let both = Rect::new(3, 4, 8, 9).union(Rect::new(5, 1, 6, 20));
        assert_eq!(both, Rect::new(3, 1, 8, 20));
    }
}
