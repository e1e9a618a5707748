//! Both sides of an aligned pair, as marks and regions look at them.

use std::cell::{Cell, OnceCell};

use super::pair::Pair;
use crate::domain::tuning::frames::{GREY_SIGMA, MIN_SOURCE_PIXELS};
use crate::{
    domain::{
        appearance::BlockMap,
        cells::MarkBox,
        colour::{HueTurn, PackColours},
        covered::Covered,
        gallery::{Mark, ReferenceKind},
        geometry::{Point, Rect},
        mosaic::Mosaic,
        moved::moved,
        raster::{Plane, Raster},
        repeated::Repeated,
    },
    engine::{frames::Frame, prepare::ReferencePixels, search::Query, vision::Vision},
};

/// Both sides of an aligned pair.
pub(crate) struct View<'a> {
    /// The reference as it was enrolled.
    pub pixels: &'a ReferencePixels,
    /// What is compared.
    pub pair: &'a Pair,
    /// What close looks resample.
    pub source: &'a Raster,
    /// Taken when the first mark is looked at.
    colours: OnceCell<PackColours>,
    covered: OnceCell<Covered>,
    overlaid: OnceCell<Covered>,
    /// Whether something hides a part of what was looked at so far.
    is_hidden: Cell<bool>,
    /// Smoothed grey planes of both sides.
    greys: OnceCell<(Plane, Plane)>,
    /// Pixels of the photo as it came to one of the frame, along a side.
    photo_pixels: f64,
    /// Boxes in pixels of the frame whose print varies by design.
    pub ignored: Vec<Rect>,
    /// Whether marks are compared as figures too.
    pub by_shape: bool,
}

impl<'a> View<'a> {
    /// A view of a reference and of the photo rectified for it.
    pub(crate) fn new(query: &'a Query, pixels: &'a ReferencePixels, pair: &'a Pair) -> Self {
        let (source, _) = query.source();
        // In pixels of the photo as it came: enlarging it to its frame added none.
        let photo_side = f64::from(query.raster().long_side());
        let photo_pixels = pair.photo.scale * photo_side / f64::from(source.long_side());
        Self::of_source(pixels, pair, source, photo_pixels)
    }

    /// The same of any picture that the photo's side was resampled from.
    pub(crate) fn of_source(
        pixels: &'a ReferencePixels,
        pair: &'a Pair,
        source: &'a Raster,
        photo_pixels: f64,
    ) -> Self {
        Self {
            pixels,
            pair,
            source,
            colours: OnceCell::new(),
            covered: OnceCell::new(),
            overlaid: OnceCell::new(),
            is_hidden: Cell::new(false),
            greys: OnceCell::new(),
            photo_pixels,
            ignored: Vec::new(),
            by_shape: false,
        }
    }

    /// The view with nothing to be compared in some boxes, in pixels of the frame.
    pub(crate) fn ignoring(self, ignored: Vec<Rect>) -> Self {
        Self { ignored, ..self }
    }

    /// The view with marks compared as figures too, if it is one of a logo.
    pub(crate) fn of_kind(self, kind: ReferenceKind) -> Self {
        let by_shape = kind == ReferenceKind::Logo;
        Self { by_shape, ..self }
    }

    /// Whether both sides have pixels enough for marks to be judged.
    pub(crate) fn is_fine(&self) -> bool {
        self.pixels.frame.is_fine() && self.photo_pixels >= MIN_SOURCE_PIXELS
    }

    /// How far the hues of a place (pixels of the frame) are turned, as far as it is not `hidden`;
    /// `None` where that cannot be seen.
    pub(crate) fn turn(&self, place: Rect, hidden: Option<&Covered>) -> Option<HueTurn> {
        let colours = self.colours()?;
        match hidden {
            Some(covered) => colours.outside(covered).turn(place),
            None => colours.turn(place),
        }
    }

    /// What something plain covers, or bends out of sight.
    pub(crate) fn covered(&self) -> &Covered {
        self.covered.get_or_init(|| {
            let mut covered = Covered::of(&self.pair.own, &self.pair.photo, &self.pair.lit);
            covered.add(|at| self.pair.is_lost(at));
            covered
        })
    }

    /// The same with what was made unreadable, or is laid over the whole photo again and again.
    // Apart, since it is dear and rare.
    pub(crate) fn overlaid(&self) -> &Covered {
        self.overlaid.get_or_init(|| {
            let mut covered = self.covered().clone();
            let mosaic = Mosaic::of(self.source);
            covered.add(|at| mosaic.covers(self.pair.to_source(at)));
            if let Some(repeated) = Repeated::of(self.source) {
                covered.add(|at| repeated.covers(self.pair.to_source(at)));
            }
            covered
        })
    }

    /// How far the print of a mark has moved, in pixels of the frame; `None` when it has not.
    pub(crate) fn moved(&self, place: &MarkBox) -> Option<(i32, i32)> {
        let (own, photo) = self.greys.get_or_init(|| {
            let smoothed = |raster: &Raster| raster.grey().smoothed(GREY_SIGMA);
            (smoothed(&self.pair.own), smoothed(&self.pair.lit))
        });
        moved(own, photo, place.tight)
            // The context comes along.
            .filter(|shift| {
                place
                    .moved(*shift, self.pair.own.width(), self.pair.own.height())
                    .is_some()
            })
    }

    /// Tells that something hides a part of what is looked at.
    pub(crate) fn tell_hidden(&self) {
        self.is_hidden.set(true);
    }

    /// Whether the photo has no colour, or something hid a part of what was looked at.
    pub(crate) fn is_obscured(&self) -> bool {
        !self.pair.has_colour || self.is_hidden.get()
    }

    /// The place whose hues are turned most; `None` where none stands out or there is no colour.
    pub(crate) fn most_turned(&self, blocks: &BlockMap) -> Option<Rect> {
        self.colours()?.most_turned(blocks)
    }

    /// The colours of both sides; `None` for a photo without colour.
    fn colours(&self) -> Option<&PackColours> {
        // Worked out late: it walks over all pixels, and many photos have no mark fine enough to be
        // judged.
        let taken = || PackColours::of(&self.pixels.frame.raster, &self.pair.photo, &self.pair.lit);
        self.pair
            .has_colour
            .then(|| self.colours.get_or_init(taken))
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
