//! Places of marks and differences, as polygons over a picture.

use crate::{
    contract::answer::{MatchAnswer, PhotoAnswer},
    domain::{
        gallery::{Mark, MarkKind},
        geometry::{Homography, Point},
    },
};

use super::view;

/// Width and height of the pictures' coordinates: both are 0..1, and a drawing wants whole numbers.
const UNITS: f64 = 1000.0;

/// A polygon over a picture.
pub(super) struct Shape {
    /// `x,y` pairs.
    pub points: String,
    /// What it is: `outline`, `mark` or `differs`.
    pub kind: &'static str,
    /// How it is shown: `good`, `bad` or `dim`.
    pub tone: &'static str,
    /// What it is called.
    pub label: String,
}

impl Shape {
    /// Over the photo as it was sent.
    pub(super) fn in_photo(photo: &PhotoAnswer, found: &MatchAnswer) -> Vec<Self> {
        let mut shapes = Vec::new();
        if let Some(region) = &found.region {
            let label = format!("{} / {}", found.brand, found.product);
            shapes.extend(shape(region, Some, ("outline", "dim"), label));
        }
        let others = photo.instances.iter();
        for other in others.filter(|i| Some(&i.region) != found.region.as_ref()) {
            let label = format!("{} / {}", other.brand, other.product);
            shapes.extend(shape(&other.region, Some, ("outline", "dim"), label));
        }
        shapes.extend(places(found, Some));
        shapes
    }

    /// Over the reference and the photo laid over it; `None` where the photo was not located.
    pub(super) fn in_reference(found: &MatchAnswer) -> Option<Vec<Self>> {
        let map: [f64; 9] = found.reference_to_photo.as_deref()?.try_into().ok()?;
        let back = Homography(map).inverse()?;
        let to_reference = move |p: Point| {
            let p = back.apply(p);
            (p.x.is_finite() && p.y.is_finite()).then_some(p)
        };
        Some(places(found, to_reference))
    }

    /// The marks of a reference over its picture.
    pub(super) fn of_marks(marks: &[Mark]) -> Vec<Self> {
        let over = |mark: &Mark| {
            let region: Vec<_> = mark.region.iter().map(|p| [p.x, p.y]).collect();
            let tone = match (mark.kind, mark.proposed) {
                (MarkKind::Ignored, _) => "odd",
                (_, true) => "dim",
                (_, false) => "good",
            };
            shape(&region, Some, ("mark", tone), mark.name.clone())
        };
        marks.iter().filter_map(over).collect()
    }
}

/// Marks, what differs in them, and what differs outside.
fn places(found: &MatchAnswer, map: impl Fn(Point) -> Option<Point> + Copy) -> Vec<Shape> {
    let mut shapes = Vec::new();
    for mark in &found.marks {
        let tone = view::mark_tone(mark.answer);
        shapes.extend(shape(&mark.region, map, ("mark", tone), mark.name.clone()));
        for place in &mark.differing {
            let label = format!("{}: differs here", mark.name);
            shapes.extend(shape(place, map, ("differs", "bad"), label));
        }
    }
    for place in &found.deviations {
        let label = format!("differs, strength {:.2}", place.strength);
        shapes.extend(shape(&place.region, map, ("differs", "bad"), label));
    }
    shapes
}

fn shape(
    region: &[[f64; 2]],
    map: impl Fn(Point) -> Option<Point>,
    (kind, tone): (&'static str, &'static str),
    label: String,
) -> Option<Shape> {
    let points: Option<Vec<_>> = region
        .iter()
        .map(|[x, y]| map(Point::new(*x, *y)))
        .collect();
    let points = points.filter(|points| points.len() >= 3)?;
    let points: Vec<_> = points
        .iter()
        .map(|p| format!("{:.1},{:.1}", p.x * UNITS, p.y * UNITS))
        .collect();
    Some(Shape {
        points: points.join(" "),
        kind,
        tone,
        label,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_the_photo_comes_back_to_the_references() {
        // The reference fills the right half of the photo.
        let to_photo = Homography([0.5, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
        let back = to_photo.inverse().unwrap();
        let region = [[0.5, 0.0], [1.0, 0.0], [1.0, 1.0]];
        let made = shape(
            &region,
            |p| Some(back.apply(p)),
            ("mark", "good"),
            String::new(),
        );
        assert_eq!(made.unwrap().points, "0.0,0.0 1000.0,0.0 1000.0,1000.0");
        assert!(shape(&region[..2], Some, ("mark", "good"), String::new()).is_none());
    }
}
