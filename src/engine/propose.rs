//! Protected marks for a reference whose owner gave none: its largest words and its busiest place
//! besides them.

use super::{frames::Frame, line::line_map};
use crate::domain::{
    gallery::{Mark, MarkKind},
    geometry::{Homography, Point, Rect, number::whole},
    raster::{Plane, Raster},
    rectify::rectify,
    silhouette::Silhouette,
    text::normalised,
    tuning::{
        enrolment::{
            AGAIN_SMALLER, BORDER_PX, CELL_PX, MIN_CONFIDENCE, MIN_CONTRAST, MIN_HEIGHT_PX,
            MIN_LETTERS, MOST_TEXT, PLACE_COLUMNS, PLACE_ROWS, REPEATED,
        },
        text::LINE_PX,
    },
    windows::{mostly_in, strongest_window},
};
use crate::engine::vision::{InferenceError, TextLine, TextReader};

/// What the busiest place is called: a logo that is not read as text.
const BUSIEST: &str = "busiest place";
/// What a whole figure is called.
const FIGURE: &str = "figure";

/// Proposes up to eleven marks of a reference from its frame, none where it varies by design:
/// outside the regions `ignored` by its owner, where text runs across the border, and where text is
/// a pattern. `from_unit` of the frame maps back to the whole picture.
pub(crate) fn propose(
    text: &mut dyn TextReader,
    frame: &Frame,
    grey: &Plane,
    ignored: &[Mark],
) -> Result<Vec<Mark>, InferenceError> {
    // Marks are kept in 0..1 of the picture: frames may get another size, marks stay.
    let Some(to_unit) = frame.from_unit.inverse() else {
        return Ok(Vec::new());
    };
    let (lines, varying) = proposed_lines(
        text.read(&frame.raster)?,
        (frame.raster.width(), frame.raster.height()),
        &ignored_boxes(ignored, frame),
    );
    // Words are marks already; the busiest place besides them is mostly a logo.
    let words: Vec<_> = lines
        .iter()
        .filter_map(|l| Rect::around(&l.corners))
        .collect();
    let mut marks = text_marks(text, &frame.raster, &lines, &to_unit)?;
    let busiest = busiest(grey, &words, &varying);
    marks.extend(busiest.map(|corners| figure(BUSIEST, corners, &to_unit)));
    Ok(marks)
}

/// The largest lines that are marks, and the boxes in pixels of the frame whose print varies.
fn proposed_lines(
    read: Vec<TextLine>,
    (width, height): (u32, u32),
    ignored: &[Rect<f64>],
) -> (Vec<TextLine>, Vec<Rect<f64>>) {
    let is_print = |l: &TextLine| {
        let letters = letters(&l.reading.text).chars().count();
        l.reading.confidence >= MIN_CONFIDENCE && letters >= MIN_LETTERS
    };
    let read: Vec<_> = read.into_iter().filter(is_print).collect();
    let repeated = repeated(&read);
    let (right, bottom) = (f64::from(width) - BORDER_PX, f64::from(height) - BORDER_PX);
    let crosses = |place: Rect<f64>| {
        place.left <= BORDER_PX
            || place.top <= BORDER_PX
            || place.right >= right
            || place.bottom >= bottom
    };
    let mut varying = ignored.to_vec();
    let mut lines: Vec<(f64, TextLine)> = Vec::new();
    for (line, repeats) in read.into_iter().zip(repeated) {
        let Some(place) = Rect::around(&line.corners) else {
            continue;
        };
        let (length, height) = sides(&line.corners);
        if repeats || crosses(place) {
            varying.push(place);
        } else if height >= MIN_HEIGHT_PX && !mostly_in(place, ignored) {
            lines.push((length * height, line));
        }
    }
    // By area, since a mark costs time in every check: the largest print is seen in most photos.
    lines.sort_by(|a, b| b.0.total_cmp(&a.0));
    lines.truncate(MOST_TEXT);
    (lines.into_iter().map(|(_, l)| l).collect(), varying)
}

/// Of each line whether its text stands on the reference again and again, alone or in one line.
fn repeated(lines: &[TextLine]) -> Vec<bool> {
    let texts: Vec<String> = lines.iter().map(|l| letters(&l.reading.text)).collect();
    let is_common = |text: &String| texts.iter().filter(|t| *t == text).count() >= REPEATED;
    let is_pattern = |line: &TextLine| {
        let words: Vec<String> = line.reading.text.split_whitespace().map(letters).collect();
        let again = |word: &String| words.iter().filter(|w| *w == word).count() >= REPEATED;
        // A short word comes often by chance.
        words
            .iter()
            .any(|w| w.chars().count() >= REPEATED && again(w))
    };
    let pairs = lines.iter().zip(&texts);
    pairs
        .map(|(line, text)| is_common(text) || is_pattern(line))
        .collect()
}

/// Letters and digits alone, without regard to case.
fn letters(text: &str) -> String {
    let kept = text.chars().filter(|c| c.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

fn ignored_boxes(ignored: &[Mark], frame: &Frame) -> Vec<Rect<f64>> {
    let place = |mark: &Mark| {
        let corners = mark.region.iter().map(|p| frame.from_unit.apply(*p));
        Rect::around(&corners.collect::<Vec<_>>())
    };
    ignored.iter().filter_map(place).collect()
}

/// A proposed mark that is not read, of the place with these corners; `to_unit` maps them to 0..1
/// of the reference.
pub(crate) fn figure(name: &str, corners: [Point; 4], to_unit: &Homography) -> Mark {
    Mark {
        name: name.into(),
        kind: MarkKind::Logo,
        region: corners.map(|p| clamped(to_unit.apply(p))).to_vec(),
        text: None,
        proposed: true,
    }
}

/// A mark of the whole frame, where that shows a figure of two tones: such a one has no place that tells
/// more than another.
pub(crate) fn whole_figure(frame: &Frame) -> Option<Mark> {
    Silhouette::of(&frame.raster)?;
    let (width, height) = frame.size();
    let all = Rect::new(-0.5, -0.5, width - 0.5, height - 0.5);
    Some(figure(FIGURE, all.corners(), &frame.from_unit.inverse()?))
}

/// A mark for each line. It has the name and the text of what is read there, if the same is read in
/// the line made smaller, as photos show it; on genuine photos of other lines nearly anything is
/// read. Such a mark is numbered, and compared as a picture only.
fn text_marks(
    text: &mut dyn TextReader,
    picture: &Raster,
    lines: &[TextLine],
    to_unit: &Homography,
) -> Result<Vec<Mark>, InferenceError> {
    let mut unread = 0;
    let mut marks = Vec::with_capacity(lines.len());
    for line in lines {
        let read = &line.reading.text;
        let again = read_smaller(text, picture, &line.corners)?;
        let agreed = again.is_some_and(|again| normalised(&again) == normalised(read));
        let name = match agreed {
            true => read.clone(),
            false => {
                unread += 1;
                format!("text {unread}")
            }
        };
        marks.push(Mark {
            name,
            kind: MarkKind::Text,
            region: line.corners.map(|p| clamped(to_unit.apply(p))).to_vec(),
            text: agreed.then(|| read.clone()),
            proposed: true,
        });
    }
    Ok(marks)
}

/// What is read in a line when it is shown smaller than `picture` shows it.
fn read_smaller(
    text: &mut dyn TextReader,
    picture: &Raster,
    corners: &[Point; 4],
) -> Result<Option<String>, InferenceError> {
    let (_, height) = sides(corners);
    // Higher lines are brought down to what the recogniser sees anyway.
    let smaller = whole((height.min(LINE_PX.into()) * AGAIN_SMALLER).round());
    let Some((map, width)) = line_map(corners, smaller) else {
        return Ok(None);
    };
    let line = rectify(picture, &map, width, smaller).raster;
    Ok(text.recognise(&[line])?.pop().map(|reading| reading.text))
}

/// The nearest point inside 0..1.
fn clamped(p: Point) -> Point {
    // The way back may end a little outside, where a given mark would be refused.
    Point::new(p.x.clamp(0.0, 1.0), p.y.clamp(0.0, 1.0))
}

fn sides(q: &[Point; 4]) -> (f64, f64) {
    (
        (q[0].distance(q[1]) + q[3].distance(q[2])) / 2.0,
        (q[0].distance(q[3]) + q[1].distance(q[2])) / 2.0,
    )
}

/// The place with the most contrast outside the boxes of `words` and of print that is `varying`, as
/// corners in pixels of the frame; none when it is mostly such print.
fn busiest(grey: &Plane, words: &[Rect<f64>], varying: &[Rect<f64>]) -> Option<[Point; 4]> {
    let (columns, rows) = (grey.width / CELL_PX, grey.height / CELL_PX);
    let size = (PLACE_COLUMNS.min(columns), PLACE_ROWS.min(rows));
    let contrast: Vec<f64> = (0..columns * rows)
        .map(|i| {
            let (column, row) = (i % columns, i / columns);
            let middle = |cell: usize| (cell * CELL_PX + CELL_PX / 2) as f64;
            let at = (middle(column), middle(row));
            if words.iter().chain(varying).any(|taken| taken.contains(at)) {
                0.0
            } else {
                cell_contrast(grey, column, row)
            }
        })
        .collect();
    let least = MIN_CONTRAST * (size.0 * size.1).max(1) as f64;
    let (c, r) = strongest_window(&contrast, (columns, rows), size, least)?;
    let px = |v: usize| (v * CELL_PX) as f64;
    let place = Rect::new(px(c), px(r), px(c + size.0), px(r + size.1));
    (!mostly_in(place, varying)).then(|| place.corners())
}

/// Standard deviation of a cell's grey levels.
fn cell_contrast(grey: &Plane, column: usize, row: usize) -> f64 {
    let n = (CELL_PX * CELL_PX) as f64;
    let values = (0..CELL_PX * CELL_PX)
        .map(|i| f64::from(grey.at(column * CELL_PX + i % CELL_PX, row * CELL_PX + i / CELL_PX)));
    let mean = values.clone().sum::<f64>() / n;
    (values.map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{frames::unit_to_pixels, line::tests::Scripted, vision::Reading};

    #[test]
    fn a_proposed_mark_is_named_by_what_both_readings_agree_on_or_numbered() {
        let frame = Frame {
            raster: Raster::from_fn(320, 224, |_, _| [90; 3]),
            from_unit: unit_to_pixels(320.0, 224.0),
            source_pixels: 1.0,
        };
        let grey = frame.raster.grey();
        let proposed = |readings: [&'static str; 2]| {
            let mut reader = Scripted::new(readings);
            let marks = propose(&mut reader, &frame, &grey, &[]).unwrap();
            assert_eq!(reader.heights, [20], "two thirds of the line's height");
            let named = |mark: &Mark| (mark.name.clone(), mark.kind, mark.text.clone());
            marks.iter().map(named).collect::<Vec<_>>()
        };
        let agreed = Some("OAT DRINK".to_owned());
        assert_eq!(
            proposed(["OAT DRINK", "oatdrink"]),
            [("OAT DRINK".to_owned(), MarkKind::Text, agreed)]
        );
        assert_eq!(
            proposed(["OAT DRINK", "0A7 DRlNK"]),
            [("text 1".to_owned(), MarkKind::Text, None)]
        );
        assert_eq!(proposed(["OAT DRINK", ""])[0].0, "text 1");
    }

    #[test]
    fn the_busiest_place_is_where_stripes_are_and_no_text() {
        let mut grey = Plane::filled(640, 448, 100.0);
        let mut stripes = |x0: usize, y0: usize, dark: f32| {
            for y in y0..y0 + 96 {
                for x in x0..x0 + 160 {
                    grey.data[y * 640 + x] = if (x / 4) % 2 == 0 { dark } else { 255.0 };
                }
            }
        };
        stripes(64, 16, 60.0);
        stripes(400, 336, 0.0);
        let taken = Rect::new(400.0, 330.0, 560.0, 440.0);
        let found = busiest(&grey, &[taken], &[]).unwrap();
        assert_eq!(
            (found[0], found[2]),
            (Point::new(64.0, 16.0), Point::new(224.0, 112.0))
        );
        assert_eq!(
            busiest(&grey, &[], &[]).unwrap()[0],
            Point::new(400.0, 336.0),
            "unless the text is not known"
        );
        assert_eq!(busiest(&Plane::filled(640, 448, 100.0), &[], &[]), None);
    }

    fn line(text: &str, x: f64, y: f64) -> TextLine {
        TextLine {
            corners: Rect::new(x, y, x + 100.0, y + 20.0).corners(),
            reading: Reading {
                text: text.into(),
                confidence: 0.9,
            },
        }
    }

    #[test]
    fn text_that_repeats_crosses_the_border_or_is_ignored_is_not_proposed() {
        let read = vec![
            line("HALMORA", 200.0, 100.0),
            line("Tear here", 300.0, 10.0),
            line("tear-here", 300.0, 210.0),
            line("TEAR HERE", 300.0, 400.0),
            line("open open open", 200.0, 300.0),
            line("best before", 20.0, 200.0),
            line("at the edge", 540.0, 250.0),
            line("20 g of 20", 50.0, 300.0),
        ];
        let names = |ignored: &[Rect<f64>]| {
            let (lines, varying) = proposed_lines(read.clone(), (640, 448), ignored);
            let names: Vec<_> = lines.into_iter().map(|l| l.reading.text).collect();
            (names.join(", "), varying.len())
        };
        assert_eq!(names(&[]), ("HALMORA, best before, 20 g of 20".into(), 5));
        let date = Rect::new(0.0, 190.0, 60.0, 230.0);
        assert_eq!(names(&[date]), ("HALMORA, 20 g of 20".into(), 6));
    }

    #[test]
    fn the_busiest_place_lies_outside_what_is_ignored() {
        let mut grey = Plane::filled(640, 448, 100.0);
        for y in 96..192 {
            for x in 0..160 {
                grey.data[y * 640 + x] = if (x / 4) % 2 == 0 { 0.0 } else { 255.0 };
            }
        }
        let place = busiest(&grey, &[], &[]).map(|corners| corners[0]);
        assert_eq!(place, Some(Point::new(0.0, 96.0)));
        // Every place with the stripes left beside it is mostly ignored.
        let ignored = Rect::new(32.0, 90.0, 200.0, 200.0);
        assert_eq!(busiest(&grey, &[], &[ignored]), None);
    }
}
