//! The two sides that are compared: the reference's frame and the photo resampled into it.

use crate::domain::tuning::{
    bend::{LEAST_GAIN, LEAST_PX, LOOKS},
    frames::GREY_SIGMA,
};
use crate::{
    domain::{
        appearance::{BlockMap, compare_blocks},
        bend::{Bend, Found},
        colourless::{GreyOf, untinted},
        geometry::{Homography, Point},
        illumination::normalised_light,
        raster::{Plane, Raster},
        rectify::{Rectified, rectify, rectify_by},
    },
    engine::{align::Aligned, prepare::ReferencePixels, search::Query},
};

/// The reference's frame and the photo resampled into it, both as they are compared.
pub(crate) struct Pair {
    /// The reference; in grey when the photo has no colour.
    pub own: Raster,
    /// The photo; in grey when it has no colour.
    pub photo: Rectified,
    /// The photo in the reference's light.
    pub lit: Raster,
    /// Blocks of both against each other.
    pub blocks: BlockMap,
    /// Whether the photo has colour, as far as the reference has.
    pub has_colour: bool,
    /// Maps pixels of the frame to pixels of what was resampled, for a flat print.
    to_source: Homography,
    /// How the print departs from a flat one, when it clearly does.
    bend: Option<Bend>,
}

impl Pair {
    /// The pair of an aligned photo and a reference.
    pub(crate) fn of(query: &Query, aligned: &Aligned, pixels: &ReferencePixels) -> Self {
        let (source, source_from_frame) = query.source();
        // From the best pixels there are, in one step: by way of the frame small letters would be
        // blurred twice.
        let to_source = source_from_frame.after(&aligned.reference_to_photo);
        Self::laid(source, to_source, pixels)
    }

    /// The pair of a reference and a photo; `to_source` maps pixels of the reference's frame to pixels of
    /// the photo.
    pub(crate) fn laid(source: &Raster, to_source: Homography, pixels: &ReferencePixels) -> Self {
        let frame = &pixels.frame.raster;
        let photo = rectify(source, &to_source, frame.width(), frame.height());
        // Print in another colour would look like other print.
        let grey = GreyOf::of(frame, &photo);
        let own = grey.map_or_else(|| frame.clone(), |grey| grey.shown(frame));
        let smooth = match &grey {
            Some(_) => &own.grey().smoothed(GREY_SIGMA),
            None => &pixels.grey,
        };
        let mut pair = Self {
            lit: photo.raster.clone(),
            own,
            photo,
            blocks: BlockMap {
                columns: 0,
                rows: 0,
                blocks: Vec::new(),
            },
            has_colour: grey.is_none(),
            to_source,
            bend: None,
        };
        pair.relight(smooth);
        pair.unbent(source, smooth)
    }

    /// The pair of a reference and a photo that lies in its frame already.
    #[cfg(test)]
    pub(crate) fn flat(pixels: &ReferencePixels, photo: Rectified) -> Self {
        let own = pixels.frame.raster.clone();
        let seen = photo.raster.grey().smoothed(GREY_SIGMA);
        Self {
            blocks: compare_blocks(&pixels.grey, &seen, &photo),
            lit: photo.raster.clone(),
            own,
            photo,
            has_colour: true,
            to_source: Homography::IDENTITY,
            bend: None,
        }
    }

    /// Where a place of the frame lies in what was resampled.
    pub(crate) fn to_source(&self, at: Point) -> Point {
        self.to_source
            .apply(self.bend.as_ref().map_or(at, |bend| bend.apply(at)))
    }

    /// Whether a place of the frame is out of sight since the print bends away there.
    pub(crate) fn is_lost(&self, at: Point) -> bool {
        // On a flat print other print is not found either, and that must be told.
        self.bend.is_some() && self.blocks.is_lost(at)
    }

    /// Brings the photo to the reference's light and compares its blocks with those of `own`, the
    /// reference's grey plane.
    fn relight(&mut self, own: &Plane) {
        if !self.has_colour {
            self.photo.raster = untinted(&self.photo.raster);
        }
        self.lit = normalised_light(&self.photo, &self.own);
        let seen = self.lit.grey().smoothed(GREY_SIGMA);
        self.blocks = compare_blocks(own, &seen, &self.photo);
    }

    /// The pair with the photo resampled as its print is bent, or as it was when that does not
    /// clearly bring both sides closer.
    fn unbent(self, source: &Raster, own: &Plane) -> Self {
        let (width, height) = (self.own.width(), self.own.height());
        let fit = |found: &[Found]| Bend::fit(found, f64::from(width), f64::from(height));
        let agreement = |pair: &Self| pair.blocks.mean().unwrap_or(0.0);
        let found = self.blocks.found();
        let usual = |bend: &Bend| {
            let squared = found
                .iter()
                .map(|f| bend.shift(f.at))
                .map(|[x, y]| x * x + y * y);
            (squared.sum::<f64>() / found.len().max(1) as f64).sqrt()
        };
        let Some(mut bend) = fit(&found).filter(|bend| usual(bend) >= LEAST_PX) else {
            return self;
        };
        let mut best: Option<Self> = None;
        for _ in 0..LOOKS {
            let map = |at| self.to_source.apply(bend.apply(at));
            let mut pair = Self {
                own: self.own.clone(),
                photo: rectify_by(source, map, width, height),
                lit: self.lit.clone(),
                blocks: self.blocks.clone(),
                bend: Some(bend.clone()),
                ..self
            };
            pair.relight(own);
            // Each look reaches a few pixels beyond the one before.
            let farther: Vec<Found> = pair.blocks.found().iter().map(|f| f.on(&bend)).collect();
            let least = best
                .as_ref()
                .map_or(agreement(&self) + LEAST_GAIN, agreement);
            if agreement(&pair) > least {
                best = Some(pair);
            }
            match fit(&farther) {
                Some(next) => bend = next,
                None => break,
            }
        }
        best.unwrap_or(self)
    }
}
