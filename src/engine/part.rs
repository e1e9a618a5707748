//! A part of a photo that is looked at as if it were the photo.

use super::vision::Imaging;
use crate::domain::{
    geometry::{Homography, Rect, number::whole},
    raster::Raster,
    tuning::closer::PART_PX,
};

/// How a part of a photo is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Look {
    /// As it is.
    AsItIs,
    /// As its mirror image.
    Mirrored,
    /// With light and dark exchanged, as a logo may be printed.
    Negative,
}

/// A part of a photo, turned over when the photo is a mirror image.
pub(crate) struct Part {
    /// Its pixels.
    pub raster: Raster,
    /// Maps 0..1 of the part to 0..1 of the upright photo.
    pub to_photo: Homography,
    /// How the photo was looked at for it.
    pub look: Look,
}

impl Part {
    /// The part of a photo inside `window`, in 0..1 of the photo, with at most [`PART_PX`] pixels a
    /// side.
    pub(crate) fn cut(
        imaging: &mut dyn Imaging,
        photo: &Raster,
        window: Rect<f64>,
        look: Look,
    ) -> Self {
        let (w, h) = (f64::from(photo.width()), f64::from(photo.height()));
        // Whole pixels, at least one and inside the photo, whatever the window's rounding.
        let (left, top) = (
            whole(window.left.max(0.0) * w).min(photo.width() - 1),
            whole(window.top.max(0.0) * h).min(photo.height() - 1),
        );
        let (right, bottom) = (
            whole((window.right * w).ceil()).clamp(left + 1, photo.width()),
            whole((window.bottom * h).ceil()).clamp(top + 1, photo.height()),
        );
        let place = Rect::new(left, top, right, bottom);
        let mut raster = photo.crop(place);
        // A copy of the pixels beside the photo's own: bounded, since no comparison uses more.
        if raster.long_side() > PART_PX {
            let scale = f64::from(PART_PX) / f64::from(raster.long_side());
            let side = |v: u32| whole((f64::from(v) * scale).round()).max(1);
            raster = imaging.resize(&raster, side(raster.width()), side(raster.height()));
        }
        let part = place.map(f64::from);
        let (width, height) = (part.width() / w, part.height() / h);
        let (left, top) = (part.left / w, part.top / h);
        let upright = Homography([width, 0.0, left, 0.0, height, top, 0.0, 0.0, 1.0]);
        let to_photo = match look {
            Look::AsItIs => upright,
            Look::Negative => {
                raster = negative(&raster);
                upright
            }
            Look::Mirrored => {
                raster = flipped(&raster);
                Homography([-width, 0.0, left + width, 0.0, height, top, 0.0, 0.0, 1.0])
            }
        };
        Self {
            raster,
            to_photo,
            look,
        }
    }
}

/// The mirror image, left and right exchanged.
fn flipped(raster: &Raster) -> Raster {
    let last = raster.width() - 1;
    Raster::from_fn(raster.width(), raster.height(), |x, y| {
        raster.at(last - x, y)
    })
}

/// Light and dark exchanged, without colour: the hues of a negative are nobody's.
fn negative(raster: &Raster) -> Raster {
    Raster::from_fn(raster.width(), raster.height(), |x, y| {
        let [r, g, b] = raster.at(x, y).map(u32::from);
        // Weights of ITU-R BT.601, in parts of 256.
        let grey = (77 * r + 150 * g + 29 * b + 128) >> 8;
        [255 - u8::try_from(grey).unwrap_or(u8::MAX); 3]
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::geometry::Point,
        engine::vision::{IntakeError, UprightPhoto},
    };

    /// Resizes by taking the nearest pixel.
    struct Nearest;

    impl Imaging for Nearest {
        fn decode(&mut self, _: &[u8]) -> Result<UprightPhoto, IntakeError> {
            Err(IntakeError::Empty)
        }

        fn resize(&mut self, from: &Raster, width: u32, height: u32) -> Raster {
            let (w, h) = (from.width(), from.height());
            Raster::from_fn(width, height, |x, y| from.at(x * w / width, y * h / height))
        }

        fn encode_jpeg(&mut self, _: &Raster, _: u8) -> Vec<u8> {
            Vec::new()
        }
    }

    #[test]
    fn a_point_of_a_part_lies_where_the_photo_shows_it() {
        let photo = Raster::from_fn(200, 100, |x, y| [x as u8, y as u8, 0]);
        let window = Rect::new(0.25, 0.2, 0.75, 0.8);
        for look in [Look::AsItIs, Look::Mirrored, Look::Negative] {
            let part = Part::cut(&mut Nearest, &photo, window, look);
            assert_eq!((part.raster.width(), part.raster.height()), (100, 60));
            for (x, y) in [(0, 0), (99, 0), (13, 41)] {
                let unit = Point::new((f64::from(x) + 0.5) / 100.0, (f64::from(y) + 0.5) / 60.0);
                let at = part.to_photo.apply(unit);
                let expected = photo.at((at.x * 200.0) as u32, (at.y * 100.0) as u32);
                let expected = match look {
                    Look::Negative => {
                        let [r, g, b] = expected.map(u32::from);
                        [255 - ((77 * r + 150 * g + 29 * b + 128) >> 8) as u8; 3]
                    }
                    _ => expected,
                };
                assert_eq!(part.raster.at(x, y), expected);
            }
        }
    }

    #[test]
    fn a_part_of_a_huge_photo_is_brought_down() {
        let photo = Raster::from_fn(5000, 2500, |_, _| [7, 7, 7]);
        let all = Rect::new(0.0, 0.0, 1.0, 1.0);
        let part = Part::cut(&mut Nearest, &photo, all, Look::Mirrored);
        assert_eq!(part.raster.long_side(), PART_PX);
        let corner = part.to_photo.apply(Point::new(0.0, 0.0));
        assert!((corner.x - 1.0).abs() < 1e-9 && corner.y.abs() < 1e-9);
    }
}
