//! Both sides of an aligned pair, as marks and regions look at them.

use std::cell::OnceCell;

use crate::domain::tuning::frames::MIN_SOURCE_PIXELS;
use crate::{
    domain::{
        cells::MarkBox,
        colour::PackColours,
        gallery::Mark,
        geometry::{Homography, Point, Rect},
        raster::Raster,
        rectify::Rectified,
    },
    engine::{frames::Frame, prepare::ReferencePixels, vision::Vision},
};

/// Both sides of an aligned pair.
pub(crate) struct View<'a> {
    /// The reference.
    pub pixels: &'a ReferencePixels,
    /// The photo in the reference's frame.
    pub rectified: &'a Rectified,
    lit: &'a Raster,
    /// What close looks resample.
    pub source: &'a Raster,
    /// Maps pixels of the frame to pixels of `source`.
    pub to_source: Homography,
    /// Taken when the first mark is looked at.
    colours: OnceCell<PackColours>,
    /// Pixels of the photo as it came to one of the frame, along a side.
    photo_pixels: f64,
    /// Boxes in pixels of the frame whose print varies by design.
    pub ignored: Vec<Rect>,
}

impl<'a> View<'a> {
    /// A view of a reference and of the photo rectified for it: `lit` is the rectified photo in the
    /// reference's light, `source` the picture that close looks resample with the map from pixels
    /// of the frame to its pixels, `photo_pixels` the pixels of the photo to one of the frame.
    pub(crate) fn new(
        pixels: &'a ReferencePixels,
        rectified: &'a Rectified,
        lit: &'a Raster,
        (source, to_source): (&'a Raster, Homography),
        photo_pixels: f64,
    ) -> Self {
        let colours = OnceCell::new();
        Self {
            pixels,
            rectified,
            lit,
            source,
            to_source,
            colours,
            photo_pixels,
            ignored: Vec::new(),
        }
    }

    /// The view with nothing to be compared in some boxes, in pixels of the frame.
    pub(crate) fn ignoring(self, ignored: Vec<Rect>) -> Self {
        Self { ignored, ..self }
    }

    /// Whether both sides have pixels enough for marks to be judged.
    pub(crate) fn is_fine(&self) -> bool {
        self.pixels.frame.is_fine() && self.photo_pixels >= MIN_SOURCE_PIXELS
    }

    /// The colours of both sides.
    pub(crate) fn colours(&self) -> &PackColours {
        self.colours
            // Worked out late: it walks over all pixels, and many photos have no mark fine enough
            // to be judged.
            .get_or_init(|| PackColours::of(&self.pixels.frame.raster, self.rectified, self.lit))
    }
}

/// The boxes of marks in pixels of the frame.
pub(crate) fn boxes_of(marks: &[Mark], frame: &Frame) -> Vec<Rect> {
    let (width, height) = (frame.raster.width(), frame.raster.height());
    marks
        .iter()
        .filter_map(|mark| Some(MarkBox::around(&outline_of(mark, frame), width, height)?.tight))
        .collect()
}

/// A mark's outline in pixels of the frame.
pub(crate) fn outline_of(mark: &Mark, frame: &Frame) -> Vec<Point> {
    mark.region
        .iter()
        .map(|p| frame.from_unit.apply(*p))
        .collect()
}

/// The mark's padded box, brought down to what the comparator takes when it is larger.
pub(crate) fn cut(vision: &mut Vision, raster: &Raster, place: &MarkBox) -> Raster {
    let crop = raster.crop(place.padded);
    let (w, h) = place.input_size();
    // Every mark larger than this area is brought down to it, which bounds the cost of a check; its
    // letters still are larger than those of small marks.
    if (w, h) == (crop.width(), crop.height()) {
        crop
    } else {
        vision.imaging.resize(&crop, w, h)
    }
}
