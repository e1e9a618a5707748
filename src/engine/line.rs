//! Lines of print for the text reader: how they are cut out upright, and whether it knows their
//! letters.

use super::vision::TextReader;
use crate::domain::{
    gallery::Mark,
    geometry::{Homography, Point, number::whole},
    text,
    tuning::text::LONGEST_LINE,
};

/// Most letters that a problem lists: enough to tell which script is meant.
const MOST_LISTED: usize = 12;

/// Maps pixels of an upright line of this height to the picture that its corners (top left, top
/// right, bottom right, bottom left) lie in; with the line's width.
pub(crate) fn line_map(corners: &[Point; 4], line_height: u32) -> Option<(Homography, u32)> {
    let length = (corners[0].distance(corners[1]) + corners[3].distance(corners[2])) / 2.0;
    let height = (corners[0].distance(corners[3]) + corners[1].distance(corners[2])) / 2.0;
    if height < 1.0 || length < 1.0 {
        return None;
    }
    let line = f64::from(line_height);
    // Bounded, since the recogniser's cost grows with the width, and a sliver reads as anything.
    let width = (length / height).clamp(1.0 / 3.0, LONGEST_LINE) * line;
    let width = width.round();
    let (w, h) = (width - 0.5, line - 0.5);
    let from = [(-0.5, -0.5), (w, -0.5), (w, h), (-0.5, h)].map(|(x, y)| Point::new(x, y));
    Some((Homography::through(from, *corners)?, whole(width)))
}

/// Letters of what a mark should read that `reader` does not know.
pub(crate) fn unknown_letters(reader: &dyn TextReader, mark: &Mark) -> Vec<char> {
    let expected = mark.text.as_deref().unwrap_or_default();
    text::unknown_letters(expected, |letter| reader.knows(letter))
}

/// For the owner: the mark's text is in letters that `reader` does not know, if it is.
pub(crate) fn unread(reader: &dyn TextReader, mark: &Mark) -> Option<String> {
    let unknown = unknown_letters(reader, mark);
    let listed: String = unknown.iter().take(MOST_LISTED).collect();
    let more = match unknown.len() > MOST_LISTED {
        true => " and more",
        false => "",
    };
    (!unknown.is_empty()).then(|| {
        format!(
            "the reader does not know these letters of the mark `{}`: {listed}{more}; the mark is compared as a picture only",
            mark.name
        )
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::VecDeque;

    use super::*;
    use crate::{
        domain::{embedding::ModelId, gallery::MarkKind, geometry::Rect, raster::Raster},
        engine::vision::{InferenceError, Reading, TextLine},
    };

    /// Knows ASCII, and reads what it is told to: one reading a line, in this order.
    pub(crate) struct Scripted {
        id: ModelId,
        left: VecDeque<&'static str>,
        /// How sure it is of all of them.
        pub(crate) confidence: f64,
        /// Heights of the lines it was shown.
        pub(crate) heights: Vec<u32>,
    }

    impl Scripted {
        pub(crate) fn new(readings: impl IntoIterator<Item = &'static str>) -> Self {
            Self {
                id: ModelId("scripted@1".into()),
                left: readings.into_iter().collect(),
                confidence: 0.9,
                heights: vec![],
            }
        }

        fn next(&mut self) -> Reading {
            Reading {
                text: self.left.pop_front().expect("a reading").to_owned(),
                confidence: self.confidence,
            }
        }
    }

    impl TextReader for Scripted {
        fn model(&self) -> &ModelId {
            &self.id
        }

        fn knows(&self, letter: char) -> bool {
            letter.is_ascii()
        }

        /// One line of 120x30 pixels.
        fn read(&mut self, _: &Raster) -> Result<Vec<TextLine>, InferenceError> {
            Ok(vec![TextLine {
                corners: Rect::new(10.0, 10.0, 130.0, 40.0).corners(),
                reading: self.next(),
            }])
        }

        fn recognise(&mut self, lines: &[Raster]) -> Result<Vec<Reading>, InferenceError> {
            self.heights.extend(lines.iter().map(Raster::height));
            Ok(lines.iter().map(|_| self.next()).collect())
        }
    }

    /// A mark in the upper left of a picture.
    pub(crate) fn text_mark(text: &str, proposed: bool) -> Mark {
        Mark {
            name: "name".into(),
            kind: MarkKind::Text,
            region: Rect::new(0.1, 0.1, 0.5, 0.2).corners().to_vec(),
            text: Some(text.to_owned()),
            proposed,
        }
    }

    #[test]
    fn an_owner_is_told_of_letters_that_the_reader_does_not_know() {
        let reader = Scripted::new([]);
        assert_eq!(unread(&reader, &text_mark("Crème fraîche", false)), None);
        assert_eq!(
            unread(&reader, &text_mark("Печиво 200 g", false)).as_deref(),
            Some(
                "the reader does not know these letters of the mark `name`: Пвеиоч; the mark is \
                 compared as a picture only"
            )
        );
        let thai = unread(&reader, &text_mark("กขคฆงจฉชซฌญฎฏฐ", false)).unwrap();
        assert!(thai.contains(": กขคฆงจฉชซฌญฎ and more;"), "{thai}");
    }

    #[test]
    fn a_line_is_brought_to_the_height_asked_for_and_bounded_in_length() {
        let size = |width: f64, height| {
            let corners = Rect::new(5.0, 5.0, 5.0 + width, 25.0).corners();
            line_map(&corners, height).map(|(_, width)| width)
        };
        assert_eq!(
            [
                size(100.0, 48),
                size(100.0, 20),
                size(900.0, 48),
                size(1.0, 48),
                size(0.5, 48)
            ],
            [Some(240), Some(100), Some(480), Some(16), None]
        );
    }
}
