//! Bringing pictures to the sizes that features are taken at, and knowing how to get back.

use super::vision::Imaging;
use crate::domain::{
    geometry::{
        Homography, Rect,
        number::{count_u32, whole},
    },
    raster::Raster,
    tuning::frames::{MARGIN_WHITE, MIN_SOURCE_PIXELS, PHOTO_PX, REFERENCE_PX},
};

/// Sides of a frame are multiples of this many pixels.
// The model of local features takes no other sizes.
const MULTIPLE: u32 = 32;

/// A picture at the size of its frame.
pub(crate) struct Frame {
    /// The resized picture.
    pub raster: Raster,
    /// Maps 0..1 of the whole upright picture to pixels of the frame.
    pub from_unit: Homography,
    /// Pixels of the picture as it came to one of the frame, along a side.
    pub source_pixels: f64,
}

impl Frame {
    /// Sides in pixels.
    pub(crate) fn size(&self) -> (f64, f64) {
        (
            f64::from(self.raster.width()),
            f64::from(self.raster.height()),
        )
    }

    /// Whether the picture has pixels enough for marks to be judged in this frame.
    pub(crate) fn is_fine(&self) -> bool {
        self.source_pixels >= MIN_SOURCE_PIXELS
    }
}

/// Pixel-centre coordinates: 0..1 of a picture to whole-number centres of a frame of `width` x
/// `height` pixels.
pub(crate) fn unit_to_pixels(width: f64, height: f64) -> Homography {
    // Half a pixel off, since whole numbers are centres and not corners of pixels. Without it
    // everything would shift from one size to another.
    Homography([width, 0.0, -0.5, 0.0, height, -0.5, 0.0, 0.0, 1.0])
}

/// The way back: pixels of a picture of `width` x `height` to 0..1 of it.
pub(crate) fn pixels_to_unit(width: f64, height: f64) -> Homography {
    Homography([
        1.0 / width,
        0.0,
        0.5 / width,
        0.0,
        1.0 / height,
        0.5 / height,
        0.0,
        0.0,
        1.0,
    ])
}

/// Sides of a frame with the long side near `long_side`, both multiples of 32.
pub(crate) fn frame_size(width: u32, height: u32, long_side: u32) -> (u32, u32) {
    let scale = f64::from(long_side) / f64::from(width.max(height));
    // However long a picture is, its short side must not round to nothing.
    let side =
        |v: u32| whole((f64::from(v) * scale / f64::from(MULTIPLE)).round()).max(2) * MULTIPLE;
    (side(width), side(height))
}

/// A photo's frame.
pub(crate) fn photo_frame(imaging: &mut dyn Imaging, photo: &Raster) -> Frame {
    // Enlarged further, a small photo would only hold more invented pixels.
    let long_side = PHOTO_PX.min(photo.long_side().saturating_mul(2));
    let (w, h) = frame_size(photo.width(), photo.height(), long_side);
    Frame {
        raster: imaging.resize(photo, w, h),
        from_unit: unit_to_pixels(f64::from(w), f64::from(h)),
        source_pixels: f64::from(photo.long_side()) / f64::from(w.max(h)),
    }
}

/// A reference's frame: `article` (pixels of the picture) if the article's place is known, else what
/// the white margin of a catalogue picture leaves.
pub(crate) fn reference_frame(
    imaging: &mut dyn Imaging,
    reference: &Raster,
    article: Option<Rect>,
) -> Frame {
    let article = article.unwrap_or_else(|| content_box(reference));
    let crop = reference.crop(article);
    let (w, h) = frame_size(crop.width(), crop.height(), REFERENCE_PX);
    let (fw, fh) = (f64::from(reference.width()), f64::from(reference.height()));
    let (cw, ch) = (f64::from(crop.width()), f64::from(crop.height()));
    // From the whole picture, since that is what marks are given in: they must not move when the
    // article's box is found.
    let unit_to_crop_unit = Homography([
        fw / cw,
        0.0,
        -f64::from(article.left) / cw,
        0.0,
        fh / ch,
        -f64::from(article.top) / ch,
        0.0,
        0.0,
        1.0,
    ]);
    Frame {
        raster: imaging.resize(&crop, w, h),
        from_unit: unit_to_pixels(f64::from(w), f64::from(h)).after(&unit_to_crop_unit),
        source_pixels: f64::from(crop.long_side()) / f64::from(w.max(h)),
    }
}

/// The box of what is not white margin; the whole picture when little would be left.
pub(crate) fn content_box(raster: &Raster) -> Rect {
    let inked = |x: u32, y: u32| raster.at(x, y).iter().any(|v| *v < MARGIN_WHITE);
    let (w, h) = (raster.width(), raster.height());
    // A line belongs to the article when 1 % of it is inked: dust and JPEG noise in the margin do
    // not count.
    let row = |y: &u32| count_u32((0..w).filter(|x| inked(*x, *y)).count()) * 100 >= w;
    let column = |x: &u32| count_u32((0..h).filter(|y| inked(*x, *y)).count()) * 100 >= h;
    let bounds = (|| {
        Some(Rect {
            left: (0..w).find(column)?,
            top: (0..h).find(row)?,
            right: (0..w).rfind(column)? + 1,
            bottom: (0..h).rfind(row)? + 1,
        })
    })();
    bounds
        // White nearly everywhere is white print on white ground rather than a margin.
        .filter(|b| b.width() >= w / 5 && b.height() >= h / 5)
        .unwrap_or(Rect::from_size(0, 0, w, h))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::geometry::Point;
    use crate::engine::vision::{IntakeError, UprightPhoto};

    /// Gives a plain picture of the size asked for: here only sizes count.
    struct Plain;

    impl Imaging for Plain {
        fn decode(&mut self, _: &[u8]) -> Result<UprightPhoto, IntakeError> {
            Err(IntakeError::Empty)
        }

        fn resize(&mut self, _: &Raster, width: u32, height: u32) -> Raster {
            Raster::from_fn(width, height, |_, _| [90; 3])
        }

        fn encode_jpeg(&mut self, _: &Raster, _: u8) -> Vec<u8> {
            Vec::new()
        }
    }

    #[test]
    fn a_white_margin_is_cut_off() {
        let r = Raster::from_fn(100, 80, |x, y| {
            if (20..70).contains(&x) && (10..70).contains(&y) {
                [10, 200, 30]
            } else {
                [255; 3]
            }
        });
        assert_eq!(content_box(&r), Rect::from_size(20, 10, 50, 60));
        assert_eq!(
            content_box(&Raster::from_fn(9, 9, |_, _| [255; 3])),
            Rect::from_size(0, 0, 9, 9)
        );
    }

    #[test]
    fn marks_need_pixels_of_the_article_not_of_its_margin() {
        let of = |side: u32, article: u32| {
            let picture = Raster::from_fn(side, side, |x, y| {
                if x.max(y) < article {
                    [90; 3]
                } else {
                    [255; 3]
                }
            });
            let frame = reference_frame(&mut Plain, &picture, None);
            (frame.source_pixels, frame.is_fine())
        };
        assert_eq!(of(400, 400), (0.625, true));
        assert_eq!(of(640, 320), (0.5, false));
    }

    #[test]
    fn frames_have_multiples_of_32() {
        assert_eq!(frame_size(348, 464, 640), (480, 640));
        assert_eq!(frame_size(1, 5000, 640), (64, 640));
    }

    #[test]
    fn unit_coordinates_meet_pixel_centres() {
        let p = unit_to_pixels(4.0, 2.0).apply(Point::new(0.125, 0.25));
        assert!(p.x.abs() < 1e-12 && p.y.abs() < 1e-12);
    }
}
