//! The picture that shows a person at once what a check found: the photo with the located
//! reference, its marks and the differing places; the reference; every mark close up, side by side;
//! the verdict and the reasons.

mod canvas;
mod crops;
mod lettering;

use image::{
    ExtendedColorType, ImageEncoder,
    codecs::png::{CompressionType, FilterType, PngEncoder},
};

use self::{
    canvas::{Area, Canvas, Colour, Stroke},
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

/// Width of the words beside a mark's close-ups, and the height of a close-up.
const MARK_WORDS: i32 = 300;
const CLOSE_UP_HEIGHT: i32 = 180;

/// Most marks and reasons shown (eleven proposed marks and four places besides); the answer itself
/// has them all.
const MOST_MARKS: usize = 15;
/// After this many close-ups, marks that are the same are named in one line: there is nothing to
/// see on them.
const ENOUGH_CLOSE_UPS: usize = 3;
const MOST_REASONS: usize = 5;

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
/// What genuine photos took off a mark's score is told from here on.
const TOLD_VARIATION: f64 = 0.1;
const SMALL: Style = Style {
    size: 17.0,
    bold: false,
    colour: FAINT,
};

/// What is shown.
pub struct Evidence<'a> {
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
pub enum EvidenceError {
    /// The embedded typeface does not load.
    #[error("the embedded typeface is damaged; build the program again")]
    Typeface(#[from] ab_glyph::InvalidFont),
    /// The PNG encoder failed.
    #[error("the evidence picture could not be written as PNG: {0}")]
    Encoding(#[from] image::ImageError),
}

/// Draws the evidence as a PNG file. A photo without a match is shown with its verdict and reasons
/// alone.
pub fn evidence_png(evidence: &Evidence) -> Result<Vec<u8>, EvidenceError> {
    let mut page = Page::new(evidence)?;
    page.header();
    page.pictures();
    page.marks();
    page.legend();
    let (width, _) = page.canvas.size();
    let height = page.y.max(1) as u32;
    let mut png = Vec::new();
    PngEncoder::new_with_quality(&mut png, CompressionType::Fast, FilterType::Adaptive)
        .write_image(
            &page.canvas.pixels()[..width as usize * height as usize * 3],
            width,
            height,
            ExtendedColorType::Rgb8,
        )?;
    Ok(png)
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
    fn new(evidence: &'a Evidence<'a>) -> Result<Self, EvidenceError> {
        let found = evidence.answer.matches.first();
        let photo = fitted(evidence.photo, PHOTO_BOX);
        let reference = evidence
            .reference
            .filter(|_| found.is_some())
            .map(|r| fitted(r, REFERENCE_BOX));
        let beside = reference.as_ref().map_or(0, |r| GAP + r.width() as i32);
        let width = (2 * MARGIN + photo.width() as i32 + beside).max(LEAST_WIDTH);
        let tallest = photo
            .height()
            .max(reference.as_ref().map_or(0, Raster::height)) as i32;
        // Room for everything at its largest; what stays empty is cut off.
        let height = 700 + tallest + (MOST_MARKS as i32 + 1) * (CLOSE_UP_HEIGHT + 2 * GAP);
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
        let verdict = answer.verdict.name().replace('_', " ");
        let pill = self.lettering.width(&verdict, TITLE).ceil() as i32 + 40;
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
        self.y += 14;
    }

    fn pictures(&mut self) {
        let top = self.y + 28;
        let answer = self.evidence.answer;
        let title = format!("photo, {} x {} pixels", answer.width, answer.height);
        self.write((MARGIN, self.y), &title, SMALL);
        let frame = Area::new(
            MARGIN,
            top,
            self.photo.width() as i32,
            self.photo.height() as i32,
        );
        self.canvas.paste((frame.x, frame.y), &self.photo);
        self.annotate_photo(frame);
        let mut bottom = frame.bottom();

        if let (Some(reference), Some(found)) = (&self.reference, self.found) {
            let x = frame.right() + GAP;
            let frame = Area::new(x, top, reference.width() as i32, reference.height() as i32);
            self.canvas.paste((x, top), reference);
            let title = format!("reference of {} / {}", found.brand, found.product);
            let title = self
                .lettering
                .elided(&title, SMALL, frame.width.max(240) as f32);
            self.write((x, self.y), &title, SMALL);
            self.annotate_reference(frame, found);
            bottom = bottom.max(frame.bottom());
        }
        self.y = bottom + GAP;
    }

    fn annotate_photo(&mut self, frame: Area) {
        let thin = |colour| Stroke {
            colour,
            width: 2.0,
            dash: None,
            seam: true,
        };
        let Some(found) = self.found else {
            for reason in self.evidence.reasons {
                self.canvas
                    .outline(&placed(&reason.region, frame), frame, thin(DEVIATION));
            }
            return;
        };
        for deviation in &found.deviations {
            self.canvas
                .outline(&placed(&deviation.region, frame), frame, thin(DEVIATION));
        }
        if let Some(region) = &found.region {
            self.canvas.outline(
                &placed(region, frame),
                frame,
                Stroke {
                    width: 3.0,
                    ..thin(LOCATED)
                },
            );
        }
        for (number, mark) in numbered(&found.marks) {
            for cell in &mark.differing {
                self.canvas
                    .area(&placed(cell, frame), frame, DIFFERENT, 0.35);
            }
            self.outline_mark(number, mark, &placed(&mark.region, frame), frame);
        }
    }

    fn annotate_reference(&mut self, frame: Area, found: &MatchAnswer) {
        let Some(back) = map_of(found).and_then(|m| m.inverse()) else {
            return;
        };
        for (number, mark) in numbered(&found.marks) {
            let region: Vec<Point> = points(&mark.region)
                .map(|p| frame.place(back.apply(p)))
                .collect();
            self.outline_mark(number, mark, &region, frame);
        }
    }

    fn outline_mark(
        &mut self,
        number: usize,
        mark: &MarkAnswerBody,
        outline: &[Point],
        frame: Area,
    ) {
        let (colour, dash) = mark_look(mark);
        self.canvas.outline(
            outline,
            frame,
            Stroke {
                colour,
                width: 3.0,
                dash,
                seam: true,
            },
        );
        let inside = |p: &&Point| {
            (f64::from(frame.x)..=f64::from(frame.right())).contains(&p.x)
                && (f64::from(frame.y)..=f64::from(frame.bottom())).contains(&p.y)
        };
        if let Some(&corner) = outline.iter().find(inside) {
            // Beside the corner rather than on it, where it would hide what the mark shows.
            self.badge(Point::new(corner.x - 8.0, corner.y - 8.0), number, colour);
        }
    }

    fn badge(&mut self, at: Point, number: usize, colour: Colour) {
        let style = Style {
            size: 18.0,
            bold: true,
            colour: [255; 3],
        };
        let digits = number.to_string();
        let width = self.lettering.width(&digits, style);
        self.canvas.disc(at, 14.0, [255; 3]);
        self.canvas.disc(at, 12.5, colour);
        self.write(
            (
                at.x.round() as i32 - (width / 2.0).round() as i32,
                at.y.round() as i32 - 9,
            ),
            &digits,
            style,
        );
    }

    fn marks(&mut self) {
        let Some(found) = self.found else { return };
        let folds = |number: usize, mark: &MarkAnswerBody| {
            number > ENOUGH_CLOSE_UPS && mark.answer == MarkAnswer::Same
        };
        let (folded, shown): (Vec<_>, Vec<_>) = numbered(&found.marks)
            .into_iter()
            .partition(|(number, mark)| folds(*number, mark));
        for (number, mark) in shown {
            self.canvas
                .fill(Area::new(MARGIN, self.y, self.room(), 1), RULE, 1.0);
            self.y += 16;
            let words = self.mark_words(number, mark);
            let shown = self.close_ups(found, mark);
            self.y += words.max(shown) + 16;
        }
        if !folded.is_empty() {
            let names: Vec<String> = folded
                .iter()
                .map(|(number, mark)| format!("{number} {}", mark.name))
                .collect();
            let named = format!("also the same: {}", names.join(",  "));
            for line in self.lettering.wrapped(&named, SMALL, self.room() as f32, 2) {
                self.write((MARGIN, self.y), &line, SMALL);
                self.y += 24;
            }
            self.y += 12;
        }
        let more = found.marks.len().saturating_sub(MOST_MARKS);
        if more > 0 {
            self.write(
                (MARGIN, self.y),
                &format!("and {more} more marks in the answer"),
                SMALL,
            );
            self.y += 30;
        }
    }

    /// Writes what is known of a mark; gives the height.
    fn mark_words(&mut self, number: usize, mark: &MarkAnswerBody) -> i32 {
        let (top, left) = (self.y, MARGIN + 38);
        let room = (MARK_WORDS - 38) as f32;
        let (colour, _) = mark_look(mark);
        self.badge(
            Point::new(f64::from(MARGIN + 14), f64::from(top + 13)),
            number,
            colour,
        );
        let answer = format!(
            "{}, score {:.2}",
            mark.answer.name().replace('_', " "),
            mark.score
        );
        let mut lines = vec![
            (mark.name.clone(), BOLD),
            (answer, Style { colour, ..BOLD }),
        ];
        if let Some(expected) = &mark.expected {
            lines.push((format!("should read: {expected}"), TEXT));
        }
        if let Some(read) = &mark.read {
            lines.push((format!("reads: {read}"), TEXT));
        }
        if let Some(degrees) = mark.hue_turn {
            lines.push((format!("hues turned by {:.0}\u{b0}", degrees.abs()), TEXT));
        }
        if mark.genuine_variation >= TOLD_VARIATION {
            lines.push((
                format!(
                    "genuine photos show it too: {:.2} less",
                    mark.genuine_variation
                ),
                TEXT,
            ));
        }
        let mut y = top;
        for (text, style) in lines {
            for line in self.lettering.wrapped(&text, style, room, 2) {
                self.write((left, y), &line, style);
                y += 27;
            }
        }
        y - top
    }

    /// Shows a mark close up in the reference and in the photo; gives the height.
    fn close_ups(&mut self, found: &MatchAnswer, mark: &MarkAnswerBody) -> i32 {
        let (Some(reference), Some(map)) = (self.evidence.reference, map_of(found)) else {
            return 0;
        };
        let region: Vec<Point> = points(&mark.region).collect();
        let left = MARGIN + MARK_WORDS;
        let room = (self.room() - MARK_WORDS - GAP) / 2;
        let size = (f64::from(room), f64::from(CLOSE_UP_HEIGHT));
        let Some(pair) = crops::close_up(self.evidence.photo, reference, &map, &region, size)
        else {
            return 0;
        };
        let (width, height) = (pair.photo.width() as i32, pair.photo.height() as i32);
        let top = self.y + 24;
        for (x, title, picture) in [
            (left, "reference", &pair.reference),
            (
                left + width.max(110) + GAP,
                "photo, straightened",
                &pair.photo,
            ),
        ] {
            self.write((x, self.y), title, SMALL);
            self.canvas.paste((x, top), picture);
        }
        let frame = Area::new(left + width.max(110) + GAP, top, width, height);
        for cell in &mark.differing {
            let outline: Vec<Point> = points(cell)
                .map(|p| frame.place(pair.to_pair.apply(p)))
                .collect();
            let stroke = Stroke {
                colour: DIFFERENT,
                width: 2.0,
                dash: None,
                seam: true,
            };
            self.canvas.outline(&outline, frame, stroke);
        }
        24 + height
    }

    fn legend(&mut self) {
        self.canvas
            .fill(Area::new(MARGIN, self.y, self.room(), 1), RULE, 1.0);
        self.y += 16;
        let entries = [
            (LOCATED, None, false, "reference found here"),
            (SAME, None, false, "mark is the same"),
            (DIFFERENT, None, false, "mark differs"),
            (DIFFERENT, None, true, "differing places"),
            (UNSEEN, Some(DASH), false, "mark cannot be seen"),
            (DEVIATION, None, false, "differs outside the marks"),
        ];
        let shown = if self.found.is_some() {
            &entries[..]
        } else {
            &[]
        };
        let mut x = MARGIN;
        for &(colour, dash, filled, words) in shown {
            let width = 46 + self.lettering.width(words, SMALL).ceil() as i32;
            if x + width > MARGIN + self.room() {
                (x, self.y) = (MARGIN, self.y + 28);
            }
            let swatch = Area::new(x, self.y + 1, 28, 16);
            let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)]
                .map(|(x, y)| swatch.place(Point::new(x, y)));
            if filled {
                self.canvas.fill(swatch, colour, 0.35);
            } else {
                self.canvas.outline(
                    &corners,
                    self.canvas.whole(),
                    Stroke {
                        colour,
                        width: 3.0,
                        dash,
                        seam: false,
                    },
                );
            }
            self.write((x + 38, self.y), words, SMALL);
            x += width + GAP;
        }
        self.y += if shown.is_empty() { 0 } else { 30 };
        let footer = format!("photo sha256 {}", self.evidence.answer.sha256);
        self.write(
            (MARGIN, self.y),
            &self.lettering.elided(&footer, SMALL, self.room() as f32),
            SMALL,
        );
        self.y += 40;
    }
}

const DASH: (f64, f64) = (9.0, 6.0);

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
    sorted.sort_by_key(|m| rank(m));
    sorted
        .into_iter()
        .take(MOST_MARKS)
        .enumerate()
        .map(|(i, m)| (i + 1, m))
        .collect()
}

fn points(region: &[[f64; 2]]) -> impl Iterator<Item = Point> {
    region.iter().map(|&[x, y]| Point::new(x, y))
}

fn placed(region: &[[f64; 2]], frame: Area) -> Vec<Point> {
    points(region).map(|p| frame.place(p)).collect()
}

fn map_of(found: &MatchAnswer) -> Option<Homography> {
    let numbers = found.reference_to_photo.as_deref()?;
    Some(Homography(numbers.try_into().ok()?)).filter(Homography::is_finite)
}

/// The picture as large as the box allows.
fn fitted(raster: &Raster, (width, height): (f64, f64)) -> Raster {
    let (w, h) = (f64::from(raster.width()), f64::from(raster.height()));
    let zoom = (width / w).min(height / h).min(MOST_ZOOM);
    Intake::default().resize(raster, (w * zoom).round() as u32, (h * zoom).round() as u32)
}

#[cfg(test)]
mod tests;
