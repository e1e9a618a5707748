//! The list of marks: what is known of each in words, and its close-ups side by side.

use super::{
    BOLD, CLOSE_UP_HEIGHT, DIFFERENT, GAP, MARGIN, MOST_MARKS, Page, RULE, SMALL, TEXT,
    canvas::{Area, Stroke},
    crops,
    lettering::Style,
    map_of, mark_look, numbered, points,
};
use crate::{
    contract::{
        MarkAnswer,
        answer::{MarkAnswerBody, MatchAnswer},
    },
    domain::geometry::Point,
};

/// Width of the words beside a mark's close-ups.
const MARK_WORDS: i32 = 300;
/// After this many close-ups, marks that are the same are named in one line: there is nothing to
/// see on them.
const ENOUGH_CLOSE_UPS: usize = 3;
/// What genuine photos took off a mark's score is told from here on.
const TOLD_VARIATION: f64 = 0.1;

impl Page<'_> {
    pub(super) fn marks(&mut self) {
        let Some(found) = self.found else { return };
        let folds = |number: usize, mark: &MarkAnswerBody| {
            number > ENOUGH_CLOSE_UPS && mark.answer == MarkAnswer::Same
        };
        // Numbered before some are folded: a number means the same mark here and in the pictures.
        let (folded, shown): (Vec<_>, Vec<_>) = numbered(&found.marks)
            .into_iter()
            .partition(|(number, mark)| folds(*number, mark));
        for (number, mark) in shown {
            self.canvas
                .fill(Area::new(MARGIN, self.y, self.room(), 1), RULE, 1.0);
            self.y += 16;
            let words = self.mark_words(number, mark);
            let shown = self.close_ups(found, mark);
            // Words and pictures stand side by side: the next mark begins below the longer of the
            // two.
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
        let more = found.marks.len().saturating_sub(MOST_MARKS.into());
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
        // The sign of a turn says nothing to a person, only how far it goes.
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
        let (width, height) = (
            pair.photo.width().cast_signed(),
            pair.photo.height().cast_signed(),
        );
        let top = self.y + 24;
        // At least 110 columns each, so that titles over narrow close-ups do not run into each
        // other.
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
        // On the photo alone: what differs is told in its coordinates, and the reference is right.
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
}
