//! A mark's print brought upright and laid back into its picture.

use crate::domain::{
    geometry::{Homography, Point, Rect},
    number::{level, whole},
    raster::Raster,
    rectify::{bilinear, rectify},
};

/// Shorter sides hold no print that could be changed visibly.
const LEAST_PX: f64 = 10.0;

/// The upright print of one mark.
pub(super) struct Patch {
    /// Its pixels.
    pub(super) raster: Raster,
    /// Maps pixels of the patch to pixels of the picture, pixel centres at whole numbers.
    to_picture: Homography,
}

impl Patch {
    /// Takes the print within `region` (corners in 0..1 of the picture; four of them are taken as
    /// the mark's own top left, top right, bottom right and bottom left, other numbers as the box
    /// around them). `None` when it is too small.
    pub(super) fn lift(picture: &Raster, region: &[Point]) -> Option<Self> {
        let corners = corners(
            region,
            f64::from(picture.width()),
            f64::from(picture.height()),
        )?;
        // The longer of two opposite sides: no print is lost where the other is foreshortened.
        let width = corners[0]
            .distance(corners[1])
            .max(corners[3].distance(corners[2]))
            .round();
        let height = corners[0]
            .distance(corners[3])
            .max(corners[1].distance(corners[2]))
            .round();
        // Corners far outside the picture would ask for any amount of memory.
        let most = 2.0 * f64::from(picture.long_side());
        if width.min(height) < LEAST_PX || width.max(height) > most {
            return None;
        }
        let own = [(0.0, 0.0), (width, 0.0), (width, height), (0.0, height)];
        let own = own.map(|(x, y)| Point::new(x - 0.5, y - 0.5));
        let to_picture =
            Homography::through(own, corners.map(|p| Point::new(p.x - 0.5, p.y - 0.5)))?;
        let raster = rectify(picture, &to_picture, whole(width), whole(height)).raster;
        Some(Self { raster, to_picture })
    }

    /// The picture with `changed` (of this patch's size) in place of the patch; pixels that see no
    /// change stay as they are.
    pub(super) fn lay(&self, changed: &Raster, picture: &Raster) -> Raster {
        let Some(to_patch) = self.to_picture.inverse() else {
            return picture.clone();
        };
        let (right, bottom) = (
            f64::from(self.raster.width()) - 0.5,
            f64::from(self.raster.height()) - 0.5,
        );
        Raster::from_fn(picture.width(), picture.height(), |x, y| {
            let at = to_patch.apply(Point::new(f64::from(x), f64::from(y)));
            if !((-0.5..right).contains(&at.x) && (-0.5..bottom).contains(&at.y)) {
                return picture.at(x, y);
            }
            let (new, old) = (bilinear(changed, at), bilinear(&self.raster, at));
            let same = new.iter().zip(old).all(|(a, b)| (a - b).abs() < 0.5);
            // Resampled they would be softer than the rest, and the edit found by that.
            if same {
                picture.at(x, y)
            } else {
                new.map(|v| level(v + 0.5))
            }
        })
    }
}

/// The region's corners in pixels; a box along the picture's axes is taken at whole pixels, so that
/// nothing is resampled.
fn corners(region: &[Point], width: f64, height: f64) -> Option<[Point; 4]> {
    let points: Vec<Point> = region
        .iter()
        .map(|p| Point::new(p.x * width, p.y * height))
        .collect();
    if points.len() < 3 {
        return None;
    }
    let hull = Rect::around(&points)?;
    // A pixel and a half: corners set by hand or rounded still count as straight.
    let near = |v: f64, a: f64, b: f64| (v - a).abs().min((v - b).abs()) < 1.5;
    let straight = points
        .iter()
        .all(|p| near(p.x, hull.left, hull.right) && near(p.y, hull.top, hull.bottom));
    if let ([a, b, c, d], false) = (&points[..], straight) {
        return Some([*a, *b, *c, *d]);
    }
    let inside = Rect::new(
        hull.left.max(0.0).round(),
        hull.top.max(0.0).round(),
        hull.right.min(width).round(),
        hull.bottom.min(height).round(),
    );
    Some(inside.corners())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_laid_back_unchanged_changes_nothing_and_a_changed_one_only_its_place() {
        let picture = Raster::from_fn(90, 70, |x, y| [(x * 2) as u8, (y * 3) as u8, 40]);
        let tilted =
            [(0.2, 0.3), (0.7, 0.2), (0.75, 0.6), (0.25, 0.7)].map(|(x, y)| Point::new(x, y));
        let patch = Patch::lift(&picture, &tilted).unwrap();
        assert_eq!(patch.lay(&patch.raster, &picture), picture);
        let white = Raster::from_fn(patch.raster.width(), patch.raster.height(), |_, _| [255; 3]);
        let laid = patch.lay(&white, &picture);
        assert_eq!(laid.at(42, 32), [255; 3]);
        for (x, y) in [(10, 30), (80, 30), (42, 8), (42, 60)] {
            assert_eq!(laid.at(x, y), picture.at(x, y));
        }
        assert!(
            Patch::lift(&picture, &tilted.map(|p| Point::new(p.x * 0.05, p.y))).is_none(),
            "too narrow"
        );
    }
}
