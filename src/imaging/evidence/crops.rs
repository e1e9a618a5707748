//! A protected mark seen close up, in the reference and in the photo, in the same frame.

use crate::domain::{
    geometry::{Homography, Point},
    number::whole,
    raster::Raster,
    rectify::rectify,
};

/// Most enlargement: beyond it there is nothing more to see.
const MOST_ZOOM: f64 = 6.0;

/// Share of the mark's longer side that is shown around it.
const SURROUNDINGS: f64 = 0.08;

/// The same place twice.
pub(super) struct Pair {
    pub(super) reference: Raster,
    pub(super) photo: Raster,
    /// Maps 0..1 of the photo to 0..1 of both pictures.
    pub(super) to_pair: Homography,
}

/// Cuts the place that `region` (0..1 of the photo) outlines out of both pictures; each at most
/// `width` x `height` pixels. `None` when the map or the region makes no sense.
pub(super) fn close_up(
    photo: &Raster,
    reference: &Raster,
    reference_to_photo: &Homography,
    region: &[Point],
    (width, height): (f64, f64),
) -> Option<Pair> {
    let photo_to_reference = reference_to_photo.inverse()?;
    let (rw, rh) = (f64::from(reference.width()), f64::from(reference.height()));
    let corners = region
        .iter()
        .map(|&p| photo_to_reference.apply(p))
        .map(|p| Point::new(p.x * rw, p.y * rh));
    let corners: Vec<Point> = corners.collect();
    if corners.len() < 3 || corners.iter().any(|p| !p.x.is_finite() || !p.y.is_finite()) {
        return None;
    }
    let least = |of: fn(&Point) -> f64| corners.iter().map(of).fold(f64::MAX, f64::min);
    let most = |of: fn(&Point) -> f64| corners.iter().map(of).fold(f64::MIN, f64::max);
    let (x0, x1, y0, y1) = (least(|p| p.x), most(|p| p.x), least(|p| p.y), most(|p| p.y));
    let around = (x1 - x0).max(y1 - y0) * SURROUNDINGS;
    let (x0, x1) = ((x0 - around).max(0.0), (x1 + around).min(rw));
    let (y0, y1) = ((y0 - around).max(0.0), (y1 + around).min(rh));
    // Less than a pixel of the reference would be one colour, however much enlarged.
    if x1 - x0 < 1.0 || y1 - y0 < 1.0 {
        return None;
    }

    let zoom = (width / (x1 - x0)).min(height / (y1 - y0)).min(MOST_ZOOM);
    let side = |length: f64| whole((length * zoom).round()).max(1);
    let (out_w, out_h) = (side(x1 - x0), side(y1 - y0));
    // Both maps lead from pixels of the close-up, whose centres are at whole numbers, by way of
    // 0..1 of the reference.
    let centres = Homography([1.0, 0.0, 0.5, 0.0, 1.0, 0.5, 0.0, 0.0, 1.0]);
    let uncentre = Homography([1.0, 0.0, -0.5, 0.0, 1.0, -0.5, 0.0, 0.0, 1.0]);
    let scale = Homography::scaling(
        (x1 - x0) / f64::from(out_w) / rw,
        (y1 - y0) / f64::from(out_h) / rh,
    );
    let shift = Homography([1.0, 0.0, x0 / rw, 0.0, 1.0, y0 / rh, 0.0, 0.0, 1.0]);
    let to_reference = shift.after(&scale).after(&centres);
    let pixels = |raster: &Raster, map: &Homography| {
        let size = Homography::scaling(f64::from(raster.width()), f64::from(raster.height()));
        rectify(raster, &uncentre.after(&size).after(map), out_w, out_h).raster
    };
    let pair_to_reference = shift
        .after(&scale)
        .after(&Homography::scaling(out_w.into(), out_h.into()));
    Some(Pair {
        reference: pixels(reference, &to_reference),
        photo: pixels(photo, &reference_to_photo.after(&to_reference)),
        to_pair: pair_to_reference.inverse()?.after(&photo_to_reference),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dark square from 0.4 to 0.6 of a reference that lies in the right half of the photo, twice
    /// as large.
    fn scene() -> (Raster, Raster, Homography) {
        let dark = |u: f64, v: f64| (0.4..0.6).contains(&u) && (0.4..0.6).contains(&v);
        let colour = |is_dark: bool| if is_dark { [10; 3] } else { [240; 3] };
        let reference = Raster::from_fn(100, 100, |x, y| {
            colour(dark(
                (f64::from(x) + 0.5) / 100.0,
                (f64::from(y) + 0.5) / 100.0,
            ))
        });
        let photo = Raster::from_fn(400, 200, |x, y| {
            colour(dark(
                (f64::from(x) + 0.5 - 200.0) / 200.0,
                (f64::from(y) + 0.5) / 200.0,
            ))
        });
        (
            photo,
            reference,
            Homography([0.5, 0.0, 0.5, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]),
        )
    }

    fn square() -> Vec<Point> {
        [(0.7, 0.4), (0.8, 0.4), (0.8, 0.6), (0.7, 0.6)]
            .map(|(x, y)| Point::new(x, y))
            .into()
    }

    #[test]
    fn both_pictures_show_the_same_place_in_the_same_size() {
        let (photo, reference, map) = scene();
        let pair =
            close_up(&photo, &reference, &map, &square(), (200.0, 200.0)).expect("a sound map");
        assert_eq!(
            (pair.photo.width(), pair.photo.height()),
            (pair.reference.width(), pair.reference.height())
        );
        // 20 pixels and their surroundings, enlarged to the most.
        assert_eq!(pair.photo.width(), 139);
        for at in [(70, 70), (20, 20), (120, 120)] {
            assert_eq!(pair.photo.at(at.0, at.1), [10; 3]);
            assert_eq!(pair.reference.at(at.0, at.1), [10; 3]);
        }
        for at in [(3, 70), (136, 70), (70, 3), (70, 136)] {
            assert_eq!(
                (pair.photo.at(at.0, at.1), pair.reference.at(at.0, at.1)),
                ([240; 3], [240; 3])
            );
        }
        let centre = pair.to_pair.apply(Point::new(0.75, 0.5));
        assert!(centre.distance(Point::new(0.5, 0.5)) < 1e-9);
    }

    #[test]
    fn maps_and_regions_without_sense_give_nothing() {
        let (photo, reference, map) = scene();
        let flat = Homography([0.0; 9]);
        assert!(close_up(&photo, &reference, &flat, &square(), (200.0, 200.0)).is_none());
        assert!(close_up(&photo, &reference, &map, &square()[..2], (200.0, 200.0)).is_none());
        let outside: Vec<Point> = square()
            .iter()
            .map(|p| Point::new(p.x + 9.0, p.y))
            .collect();
        assert!(close_up(&photo, &reference, &map, &outside, (200.0, 200.0)).is_none());
        let nowhere = vec![Point::new(f64::NAN, 0.0); 4];
        assert!(close_up(&photo, &reference, &map, &nowhere, (200.0, 200.0)).is_none());
    }
}
