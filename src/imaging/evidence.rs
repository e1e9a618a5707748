//! The picture that shows a person at once what a check found: the photo with the located
//! reference, its marks and the differing places; the reference; every mark close up, side by side;
//! the verdict and the reasons.

mod canvas;
mod crops;
mod legend;
mod lettering;
mod marks;
mod pictures;

use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use self::{
    canvas::{Area, Canvas, Colour, pixel},
    lettering::{Lettering, Style},
};
use super::Intake;
use crate::{
    contract::{
        MarkAnswer, Verdict,
        answer::{ClaimAnswer, MarkAnswerBody, MatchAnswer, PhotoAnswer, ReasonAnswer},
    },
    domain::{
        geometry::{Homography, Point},
        number::whole,
        raster::Raster,
    },
    engine::vision::Imaging,
};

const MARGIN: i32 = 28;
const GAP: i32 = 24;

/// Largest boxes for the two pictures; smaller pictures are enlarged at most [`MOST_ZOOM`] times.
const PHOTO_BOX: (f64, f64) = (1000.0, 860.0);
const REFERENCE_BOX: (f64, f64) = (540.0, 860.0);
const MOST_ZOOM: f64 = 2.5;

/// Least width of the page, so that the words have room.
const LEAST_WIDTH: i32 = 1080;

/// The same boxes where pictures stand alone: with margins and gap below 1000 px in all.
const SMALL_PHOTO_BOX: (f64, f64) = (590.0, 900.0);
const SMALL_REFERENCE_BOX: (f64, f64) = (320.0, 900.0);

/// Height of a mark's close-up.
const CLOSE_UP_HEIGHT: i32 = 180;

/// Most marks and reasons shown (eleven proposed marks and four places besides); the answer itself
/// has them all.
const MOST_MARKS: u8 = 15;
const MOST_REASONS: usize = 5;

/// Lengths of dash and gap around what cannot be seen.
const DASH: (f64, f64) = (9.0, 6.0);

const PAPER: Colour = [250, 250, 248];
const INK: Colour = [28, 32, 38];
const FAINT: Colour = [98, 106, 116];
const RULE: Colour = [218, 220, 222];
const LOCATED: Colour = [0, 140, 190];
const SAME: Colour = [0, 140, 70];
const DIFFERENT: Colour = [214, 32, 38];
const UNSEEN: Colour = [112, 118, 126];
const DEVIATION: Colour = [236, 130, 0];

const TITLE: Style = Style {
    size: 34.0,
    bold: true,
    colour: [255; 3],
};
const FIGURE: Style = Style {
    size: 23.0,
    bold: true,
    colour: INK,
};
const TEXT: Style = Style {
    size: 20.0,
    bold: false,
    colour: INK,
};
const BOLD: Style = Style { bold: true, ..TEXT };
const SMALL: Style = Style {
    size: 17.0,
    bold: false,
    colour: FAINT,
};

/// What is shown.
pub(crate) struct Evidence<'a> {
    /// The upright photo.
    pub photo: &'a Raster,
    /// The upright reference of the first match, when there is one.
    pub reference: Option<&'a Raster>,
    /// The photo's answer.
    pub answer: &'a PhotoAnswer,
    /// The reasons that concern this photo.
    pub reasons: &'a [ReasonAnswer],
    /// What the listing claims.
    pub claim: Option<&'a ClaimAnswer>,
}

/// The picture could not be drawn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EvidenceError {
    /// The embedded typeface does not load.
    #[error("the embedded typeface is damaged; build the program again")]
    Typeface(#[from] ab_glyph::InvalidFont),
    /// The PNG encoder failed.
    #[error("the evidence picture could not be written as PNG: {0}")]
    Encoding(#[from] image::ImageError),
}

/// Draws the evidence as a PNG file. A photo without a match is shown with its verdict and reasons
/// alone.
pub(crate) fn evidence_png(evidence: &Evidence) -> Result<Vec<u8>, EvidenceError> {
    let mut page = Page::new(evidence, (PHOTO_BOX, REFERENCE_BOX), LEAST_WIDTH)?;
    page.header();
    page.titles();
    page.pictures();
    page.marks();
    page.legend();
    // A person waits for the page: speed goes before size.
    page.png(CompressionType::Fast)
}

/// Draws photo and reference with their outlines alone, as a PNG file of at most 1000 px a side: no
/// word in it has to be translated.
pub(crate) fn pictures_png(evidence: &Evidence) -> Result<Vec<u8>, EvidenceError> {
    let boxes = (SMALL_PHOTO_BOX, SMALL_REFERENCE_BOX);
    let mut page = Page::new(evidence, boxes, 0)?;
    page.y = MARGIN;
    page.pictures();
    // It is kept and sent on: size goes before speed.
    page.png(CompressionType::Default)
}

/// The page being drawn from top to bottom.
struct Page<'a> {
    evidence: &'a Evidence<'a>,
    found: Option<&'a MatchAnswer>,
    lettering: Lettering,
    photo: Raster,
    reference: Option<Raster>,
    canvas: Canvas,
    /// First row that is still empty.
    y: i32,
}

impl<'a> Page<'a> {
    fn new(
        evidence: &'a Evidence<'a>,
        (photo_box, reference_box): ((f64, f64), (f64, f64)),
        least_width: i32,
    ) -> Result<Self, EvidenceError> {
        let found = evidence.answer.matches.first();
        let photo = fitted(evidence.photo, photo_box);
        let reference = evidence
            .reference
            // Without a match there is nothing to hold the photo against.
            .filter(|_| found.is_some())
            .map(|r| fitted(r, reference_box));
        let beside = reference
            .as_ref()
            .map_or(0, |r| GAP + r.width().cast_signed());
        let width = (2 * MARGIN + photo.width().cast_signed() + beside).max(least_width);
        let tallest = photo
            .height()
            .max(reference.as_ref().map_or(0, Raster::height))
            .cast_signed();
        // Room for everything at its largest; what stays empty is cut off.
        let height = 700 + tallest + (i32::from(MOST_MARKS) + 1) * (CLOSE_UP_HEIGHT + 2 * GAP);
        let canvas = Canvas::new(width, height, PAPER);
        Ok(Self {
            evidence,
            found,
            lettering: Lettering::new()?,
            photo,
            reference,
            canvas,
            y: 0,
        })
    }

    /// What was drawn as a PNG file.
    fn png(&self, compression: CompressionType) -> Result<Vec<u8>, EvidenceError> {
        let (width, _) = self.canvas.size();
        let height = self.y.max(1).cast_unsigned();
        let mut png = Vec::new();
        PngEncoder::new_with_quality(&mut png, compression, FilterType::Adaptive).write_image(
            // The canvas is as high as the fullest page; what no row was drawn on is cut off.
            &self.canvas.pixels()[..width as usize * height as usize * 3],
            width,
            height,
            ExtendedColorType::Rgb8,
        )?;
        Ok(png)
    }

    fn write(&mut self, at: (i32, i32), text: &str, style: Style) -> i32 {
        self.lettering.draw(&mut self.canvas, at, text, style)
    }

    /// Columns between the margins.
    fn room(&self) -> i32 {
        self.canvas.whole().width - 2 * MARGIN
    }

    fn header(&mut self) {
        let answer = self.evidence.answer;
        let colour = verdict_colour(answer.verdict);
        // The answer's own word, so that a person finds it again there.
        let verdict = answer.verdict.name().replace('_', " ");
        let pill = pixel(self.lettering.width(&verdict, TITLE).ceil()) + 40;
        self.canvas
            .fill(Area::new(0, 0, self.canvas.whole().width, 10), colour, 1.0);
        self.canvas
            .fill(Area::new(MARGIN, 34, pill, 54), colour, 1.0);
        self.write((MARGIN + 20, 43), &verdict, TITLE);

        let left = MARGIN + pill + GAP;
        let room = (MARGIN + self.room() - left) as f32;
        let mut figures = format!("similarity {:.2}", answer.similarity);
        if let Some(p) = answer.p_value {
            figures += &format!("   p-value {p:.3}");
        }
        self.write(
            (left, 32),
            &self.lettering.elided(&figures, FIGURE, room),
            FIGURE,
        );
        let claim = match self.evidence.claim {
            Some(ClaimAnswer {
                brand,
                product: Some(product),
            }) => format!("claimed: {brand} / {product}"),
            Some(ClaimAnswer {
                brand,
                product: None,
            }) => format!("claimed: something of {brand}"),
            None => "no claim: the best match in the gallery is shown".to_owned(),
        };
        self.write((left, 62), &self.lettering.elided(&claim, TEXT, room), TEXT);
        self.y = 106;
        self.reasons();
    }

    fn reasons(&mut self) {
        let (left, room) = (MARGIN + 26, (self.room() - 26) as f32);
        for reason in self.evidence.reasons.iter().take(MOST_REASONS) {
            self.canvas.disc(
                Point::new(f64::from(MARGIN + 9), f64::from(self.y + 12)),
                4.0,
                INK,
            );
            // Two lines for each, so that one long reason does not push the pictures away.
            for line in self.lettering.wrapped(&reason.detail, TEXT, room, 2) {
                self.write((left, self.y), &line, TEXT);
                self.y += 28;
            }
        }
        let more = self.evidence.reasons.len().saturating_sub(MOST_REASONS);
        if more > 0 {
            self.write(
                (left, self.y),
                &format!("and {more} more in the answer"),
                SMALL,
            );
            self.y += 26;
        }
        for note in &self.evidence.answer.notes {
            let line = self.lettering.elided(note, SMALL, room);
            self.write((left, self.y), &line, SMALL);
            self.y += 26;
        }
        self.y += 14;
    }

    fn badge(&mut self, at: Point, number: usize, colour: Colour) {
        let style = Style {
            size: 18.0,
            bold: true,
            colour: [255; 3],
        };
        let digits = number.to_string();
        let width = self.lettering.width(&digits, style);
        // A white rim keeps the number apart from a photo of any colour.
        self.canvas.disc(at, 14.0, [255; 3]);
        self.canvas.disc(at, 12.5, colour);
        self.write(
            (
                pixel(at.x.round()) - pixel((width / 2.0).round()),
                pixel(at.y.round()) - 9,
            ),
            &digits,
            style,
        );
    }
}

fn verdict_colour(verdict: Verdict) -> Colour {
    match verdict {
        Verdict::Consistent => SAME,
        Verdict::Deviates => DIFFERENT,
        Verdict::ReusedPhoto => [118, 62, 168],
        Verdict::NoBrandSeen => [160, 96, 0],
        Verdict::NotComparable => [84, 92, 104],
    }
}

fn mark_look(mark: &MarkAnswerBody) -> (Colour, Option<(f64, f64)>) {
    match mark.answer {
        MarkAnswer::Same => (SAME, None),
        MarkAnswer::Different => (DIFFERENT, None),
        MarkAnswer::CannotSee => (UNSEEN, Some(DASH)),
    }
}

/// The marks shown with their numbers: those that differ first, then those that cannot be seen.
fn numbered(marks: &[MarkAnswerBody]) -> Vec<(usize, &MarkAnswerBody)> {
    let rank = |mark: &MarkAnswerBody| match mark.answer {
        MarkAnswer::Different => 0,
        MarkAnswer::CannotSee => 1,
        MarkAnswer::Same => 2,
    };
    let mut sorted: Vec<&MarkAnswerBody> = marks.iter().collect();
    // Stable, so that marks of one kind keep the answer's order: the same number means the same
    // mark in both pictures and in the list.
    sorted.sort_by_key(|m| rank(m));
    sorted
        .into_iter()
        .take(MOST_MARKS.into())
        .enumerate()
        .map(|(i, m)| (i + 1, m))
        .collect()
}

fn points(region: &[[f64; 2]]) -> impl Iterator<Item = Point> {
    region.iter().map(|&[x, y]| Point::new(x, y))
}

fn map_of(found: &MatchAnswer) -> Option<Homography> {
    let numbers = found.reference_to_photo.as_deref()?;
    // An answer holds a plain list, and may have been read back from the database: nine numbers are
    // made sure of.
    Some(Homography(numbers.try_into().ok()?)).filter(Homography::is_finite)
}

/// The picture as large as the box allows.
fn fitted(raster: &Raster, (width, height): (f64, f64)) -> Raster {
    let (w, h) = (f64::from(raster.width()), f64::from(raster.height()));
    // One factor for both sides: a stretched picture would itself look like a finding.
    let zoom = (width / w).min(height / h).min(MOST_ZOOM);
    Intake::default().resize(raster, whole((w * zoom).round()), whole((h * zoom).round()))
}

#[cfg(test)]
mod tests;
