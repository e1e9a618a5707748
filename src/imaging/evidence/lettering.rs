//! Words on the page, in a typeface that is part of the program.
//!
//! Letters outside the typeface's Latin range appear as a box.

use ab_glyph::{Font, FontRef, GlyphId, ScaleFont, point};

use super::canvas::{Canvas, Colour, pixel};

/// The two cuts of the typeface.
pub(super) struct Lettering {
    plain: FontRef<'static>,
    bold: FontRef<'static>,
}

/// Size and cut of a piece of text.
#[derive(Clone, Copy)]
pub(super) struct Style {
    /// Height of a line in pixels.
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) colour: Colour,
}

impl Lettering {
    /// The embedded typeface; fails only if the program itself was built from damaged files.
    pub(super) fn new() -> Result<Self, ab_glyph::InvalidFont> {
        Ok(Self {
            plain: FontRef::try_from_slice(include_bytes!("../font/DejaVuSans.ttf"))?,
            bold: FontRef::try_from_slice(include_bytes!("../font/DejaVuSans-Bold.ttf"))?,
        })
    }

    fn font(&self, style: Style) -> &FontRef<'static> {
        if style.bold { &self.bold } else { &self.plain }
    }

    /// Width of `text` in pixels.
    pub(super) fn width(&self, text: &str, style: Style) -> f32 {
        let font = self.font(style).as_scaled(style.size);
        text.chars().map(|c| font.h_advance(glyph(&font, c))).sum()
    }

    /// `text` cut to `width` pixels, with an ellipsis where something is missing.
    pub(super) fn elided(&self, text: &str, style: Style, width: f32) -> String {
        if self.width(text, style) <= width {
            return text.to_owned();
        }
        let room = width - self.width("…", style);
        let font = self.font(style).as_scaled(style.size);
        let mut used = 0.0;
        let fits = text.chars().take_while(|&c| {
            // Kerning is left out here as it is in drawing: what was measured is what is drawn.
            used += font.h_advance(glyph(&font, c));
            used <= room
        });
        let mut cut: String = fits.collect();
        cut.truncate(cut.trim_end().len());
        cut + "…"
    }

    /// Breaks `text` at spaces into at most `lines` lines of `width` pixels; the last is elided.
    pub(super) fn wrapped(
        &self,
        text: &str,
        style: Style,
        width: f32,
        lines: usize,
    ) -> Vec<String> {
        let mut out: Vec<String> = Vec::new();
        for word in text.split_whitespace() {
            // At least one line, or what was to be said would vanish without a trace.
            let full = out.len() >= lines.max(1);
            match out.last_mut() {
                // What does not fit is gathered in the last line.
                Some(line) if full || self.width(&format!("{line} {word}"), style) <= width => {
                    line.push(' ');
                    line.push_str(word);
                }
                _ => out.push(word.to_owned()),
            }
        }
        out.iter()
            .map(|line| self.elided(line, style, width))
            .collect()
    }

    /// Draws `text` with its line's top left corner at `at`; gives the column behind it.
    pub(super) fn draw(
        &self,
        canvas: &mut Canvas,
        at: (i32, i32),
        text: &str,
        style: Style,
    ) -> i32 {
        let font = self.font(style).as_scaled(style.size);
        let mut caret = point(at.0 as f32, at.1 as f32 + font.ascent());
        for c in text.chars() {
            let id = glyph(&font, c);
            let placed = id.with_scale_and_position(style.size, caret);
            // A space has no outline and still moves on.
            if let Some(outlined) = self.font(style).outline_glyph(placed) {
                let corner = outlined.px_bounds().min;
                let (left, top) = (pixel(corner.x), pixel(corner.y));
                outlined.draw(|x, y, cover| {
                    let (x, y) = (left + x.cast_signed(), top + y.cast_signed());
                    canvas.blend(x, y, style.colour, f64::from(cover));
                });
            }
            caret.x += font.h_advance(id);
        }
        pixel(caret.x.ceil())
    }
}

/// Control characters would be boxes: they are spaces.
fn glyph<F: Font, S: ScaleFont<F>>(font: &S, c: char) -> GlyphId {
    font.glyph_id(if c.is_control() { ' ' } else { c })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: Style = Style {
        size: 20.0,
        bold: false,
        colour: [0; 3],
    };

    fn inked(text: &str) -> usize {
        let lettering = Lettering::new().expect("the embedded typeface");
        let mut canvas = Canvas::new(300, 30, [255; 3]);
        lettering.draw(&mut canvas, (4, 2), text, STYLE);
        canvas.pixels().iter().filter(|&&v| v < 128).count()
    }

    #[test]
    fn latin_letters_and_boxes_for_others_leave_ink_and_spaces_none() {
        assert!(inked("Šunka 12 %") > 300);
        assert!(inked("茶") > 20);
        assert_eq!(inked("茶"), inked("ж"), "both are the box");
        assert_eq!(inked(" \n\t"), 0);
    }

    #[test]
    fn long_text_is_elided_and_short_text_is_not() {
        let lettering = Lettering::new().expect("the embedded typeface");
        assert_eq!(lettering.elided("short", STYLE, 200.0), "short");
        let cut = lettering.elided(&"long ".repeat(50), STYLE, 200.0);
        assert!(
            cut.ends_with('…') && lettering.width(&cut, STYLE) <= 200.0 && cut.len() > 15,
            "{cut}"
        );
    }

    #[test]
    fn text_is_broken_at_spaces_into_the_lines_allowed() {
        let lettering = Lettering::new().expect("the embedded typeface");
        let text = "one two three four five six seven eight nine ten";
        let lines = lettering.wrapped(text, STYLE, 150.0, 2);
        assert_eq!(lines.len(), 2);
        assert!(
            lines.iter().all(|l| lettering.width(l, STYLE) <= 150.0) && lines[1].ends_with('…'),
            "{lines:?}"
        );
        assert_eq!(lettering.wrapped("one two", STYLE, 150.0, 3), ["one two"]);
        assert!(lettering.wrapped("", STYLE, 150.0, 3).is_empty());
    }
}
