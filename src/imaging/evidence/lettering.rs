//! Words on the page, in typefaces that are part of the program.
//!
//! What the Latin typeface lacks is taken from a second one, with Greek, Cyrillic, Chinese, Japanese
//! and Korean letters, if the build could fetch it. A letter that neither has is written as its
//! number: a box would say nothing, and look the same for two different words.

use ab_glyph::{Font, FontRef, GlyphId, ScaleFont, point};

use super::canvas::{Canvas, Colour, pixel};

/// The second typeface, one cut alone; empty where the build could not fetch it.
const OTHER_SCRIPTS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/letters.ttc"));

/// Size of a letter's number, in sizes of the letter.
const NUMBER_SIZE: f32 = 0.6;

/// The two cuts of the Latin typeface, and the one for other scripts.
pub(super) struct Lettering {
    plain: FontRef<'static>,
    bold: FontRef<'static>,
    others: Option<FontRef<'static>>,
}

/// One glyph of some typeface at some size.
struct Sign<'a> {
    font: &'a FontRef<'static>,
    id: GlyphId,
    size: f32,
}

impl Sign<'_> {
    fn advance(&self) -> f32 {
        self.font.as_scaled(self.size).h_advance(self.id)
    }
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
    /// The embedded typefaces; fails only if the program itself was built from damaged files.
    pub(super) fn new() -> Result<Self, ab_glyph::InvalidFont> {
        Ok(Self {
            plain: FontRef::try_from_slice(include_bytes!("../font/DejaVuSans.ttf"))?,
            bold: FontRef::try_from_slice(include_bytes!("../font/DejaVuSans-Bold.ttf"))?,
            others: FontRef::try_from_slice(OTHER_SCRIPTS).ok(),
        })
    }

    fn font(&self, style: Style) -> &FontRef<'static> {
        if style.bold { &self.bold } else { &self.plain }
    }

    /// What is drawn for one letter: its glyph, or those of its number.
    fn signs(&self, c: char, style: Style) -> Vec<Sign<'_>> {
        let latin = self.font(style);
        let sign = |font, c: char, size| {
            let id = Font::glyph_id(font, c);
            // Glyph 0 is the box for what a typeface lacks.
            (id != GlyphId(0)).then_some(Sign { font, id, size })
        };
        // Control characters have no glyph and no meaning here: they are spaces.
        let c = if c.is_control() { ' ' } else { c };
        let whole =
            sign(latin, c, style.size).or_else(|| sign(self.others.as_ref()?, c, style.size));
        if let Some(whole) = whole {
            return vec![whole];
        }
        let number = format!(" U+{:04X} ", u32::from(c));
        let small = style.size * NUMBER_SIZE;
        number
            .chars()
            .filter_map(|digit| sign(latin, digit, small))
            .collect()
    }

    fn advance(&self, c: char, style: Style) -> f32 {
        self.signs(c, style).iter().map(Sign::advance).sum()
    }

    /// Width of `text` in pixels.
    pub(super) fn width(&self, text: &str, style: Style) -> f32 {
        text.chars().map(|c| self.advance(c, style)).sum()
    }

    /// `text` cut to `width` pixels, with an ellipsis where something is missing.
    pub(super) fn elided(&self, text: &str, style: Style, width: f32) -> String {
        if self.width(text, style) <= width {
            return text.to_owned();
        }
        let room = width - self.width("…", style);
        let mut used = 0.0;
        let fits = text.chars().take_while(|&c| {
            // Kerning is left out here as it is in drawing: what was measured is what is drawn.
            used += self.advance(c, style);
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
        let ascent = self.font(style).as_scaled(style.size).ascent();
        let mut caret = point(at.0 as f32, at.1 as f32 + ascent);
        for sign in text.chars().flat_map(|c| self.signs(c, style)) {
            let placed = sign.id.with_scale_and_position(sign.size, caret);
            // A space has no outline and still moves on.
            if let Some(outlined) = sign.font.outline_glyph(placed) {
                let corner = outlined.px_bounds().min;
                let (left, top) = (pixel(corner.x), pixel(corner.y));
                outlined.draw(|x, y, cover| {
                    let (x, y) = (left + x.cast_signed(), top + y.cast_signed());
                    canvas.blend(x, y, style.colour, f64::from(cover));
                });
            }
            caret.x += sign.advance();
        }
        pixel(caret.x.ceil())
    }
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
    fn letters_leave_ink_and_spaces_none() {
        assert!(inked("Šunka 12 %") > 300);
        assert_eq!(inked(" \n\t"), 0);
    }

    #[test]
    fn letters_of_many_scripts_are_drawn_as_themselves() {
        let lettering = Lettering::new().expect("the embedded typeface");
        for c in "Ωάжд茶龍ひカ한ế".chars() {
            let signs = lettering.signs(c, STYLE);
            let one = signs.len() == 1 && inked(&c.to_string()) > 20;
            assert!(one, "{c}: the build fetches a typeface that has it");
        }
    }

    #[test]
    fn a_letter_without_a_glyph_is_its_number_and_never_a_box() {
        let mut lettering = Lettering::new().expect("the embedded typeface");
        let drawn = |lettering: &Lettering, c: char| {
            let signs = lettering.signs(c, STYLE);
            assert!(signs.iter().all(|sign| sign.id != GlyphId(0)));
            signs.len()
        };
        assert_eq!(drawn(&lettering, 'ท'), " U+0E17 ".len());
        assert_ne!(inked("ท"), inked("ฒ"));
        lettering.others = None;
        assert_eq!(drawn(&lettering, '茶'), " U+8336 ".len());
        assert!(lettering.width("茶", STYLE) > 2.0 * STYLE.size);
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
