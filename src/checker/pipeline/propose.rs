//! Protected marks for a reference whose owner gave none: its largest words, or its busiest place.

use super::frames::Frame;
use crate::checker::ports::{InferenceError, TextLine, TextReader};
use crate::domain::{
    appearance::BLOCK_PX,
    gallery::{Mark, MarkKind},
    geometry::{Homography, Point},
    raster::Plane,
};

/// Marks proposed at most: few and chosen, since each further one costs detection.
const MOST: usize = 8;
/// Text read less surely than this on the reference itself is no mark.
const MIN_CONFIDENCE: f64 = 0.3;
/// Fewest letters and digits of a text mark.
const MIN_LETTERS: usize = 2;
/// Smallest height of a text mark in pixels of the frame: smaller letters do not survive a listing photo.
const MIN_HEIGHT_PX: f64 = 12.0;

/// Proposes up to eight marks of a reference from its frame. `from_unit` of the frame maps back to the whole picture.
pub fn propose(text: &mut dyn TextReader, frame: &Frame, grey: &Plane) -> Result<Vec<Mark>, InferenceError> {
    let Some(to_unit) = frame.from_unit.inverse() else { return Ok(Vec::new()) };
    let mut lines: Vec<(f64, TextLine)> = text
        .read(&frame.raster)?
        .into_iter()
        .filter(|l| l.reading.confidence >= MIN_CONFIDENCE)
        .filter(|l| l.reading.text.chars().filter(|c| c.is_alphanumeric()).count() >= MIN_LETTERS)
        .filter_map(|l| {
            let (length, height) = sides(&l.corners);
            (height >= MIN_HEIGHT_PX).then_some((length * height, l))
        })
        .collect();
    lines.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut marks: Vec<Mark> = lines.into_iter().take(MOST).map(|(_, l)| text_mark(&l, &to_unit)).collect();
    if marks.is_empty() {
        marks.extend(busiest(grey).map(|corners| Mark {
            name: "busiest place".into(),
            kind: MarkKind::Logo,
            region: corners.map(|p| clamped(to_unit.apply(p))).to_vec(),
            text: None,
            proposed: true,
        }));
    }
    Ok(marks)
}

fn text_mark(line: &TextLine, to_unit: &Homography) -> Mark {
    Mark {
        name: line.reading.text.clone(),
        kind: MarkKind::Text,
        region: line.corners.map(|p| clamped(to_unit.apply(p))).to_vec(),
        text: Some(line.reading.text.clone()),
        proposed: true,
    }
}

/// The nearest point inside 0..1.
fn clamped(p: Point) -> Point {
    Point::new(p.x.clamp(0.0, 1.0), p.y.clamp(0.0, 1.0))
}

fn sides(q: &[Point; 4]) -> (f64, f64) {
    ((q[0].distance(q[1]) + q[3].distance(q[2])) / 2.0, (q[0].distance(q[3]) + q[1].distance(q[2])) / 2.0)
}

/// The window of 5x3 blocks with the most contrast, as corners in pixels of the frame.
fn busiest(grey: &Plane) -> Option<[Point; 4]> {
    let (columns, rows) = (grey.width / BLOCK_PX, grey.height / BLOCK_PX);
    let (wide, high) = (5.min(columns), 3.min(rows));
    if wide == 0 || high == 0 {
        return None;
    }
    let spread = |column: usize, row: usize| {
        let values = (0..BLOCK_PX * BLOCK_PX)
            .map(|i| f64::from(grey.at(column * BLOCK_PX + i % BLOCK_PX, row * BLOCK_PX + i / BLOCK_PX)));
        let mean = values.clone().sum::<f64>() / (BLOCK_PX * BLOCK_PX) as f64;
        (values.map(|v| (v - mean).powi(2)).sum::<f64>() / (BLOCK_PX * BLOCK_PX) as f64).sqrt()
    };
    let contrast: Vec<f64> = (0..columns * rows).map(|i| spread(i % columns, i / columns)).collect();
    let (_, c, r) = strongest_window(&contrast, columns, rows, (wide, high))?;
    let px = |v: usize| (v * BLOCK_PX) as f64;
    let (x0, y0, x1, y1) = (px(c), px(r), px(c + wide), px(r + high));
    Some([Point::new(x0, y0), Point::new(x1, y0), Point::new(x1, y1), Point::new(x0, y1)])
}

/// The window of `wide` x `high` cells of a grid (row-major) with the largest sum: sum, column and row of its first cell.
fn strongest_window(
    values: &[f64],
    columns: usize,
    rows: usize,
    (wide, high): (usize, usize),
) -> Option<(f64, usize, usize)> {
    let sum = |c: usize, r: usize| -> f64 {
        (r..r + high).flat_map(|y| (c..c + wide).map(move |x| y * columns + x)).map(|i| values[i]).sum()
    };
    let (last_row, last_column) = (rows.checked_sub(high)?, columns.checked_sub(wide)?);
    let places = (0..=last_row).flat_map(|r| (0..=last_column).map(move |c| (c, r)));
    places.map(|(c, r)| (sum(c, r), c, r)).max_by(|a, b| a.0.total_cmp(&b.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_place_is_where_the_stripes_are() {
        let mut grey = Plane::filled(640, 448, 100.0);
        for y in 200..296 {
            for x in 320..480 {
                grey.data[y * 640 + x] = if (x / 4) % 2 == 0 { 0.0 } else { 255.0 };
            }
        }
        let corners = busiest(&grey).unwrap();
        assert_eq!((corners[0], corners[2]), (Point::new(320.0, 192.0), Point::new(480.0, 288.0)));
    }

    #[test]
    fn the_strongest_window_holds_the_strongest_cells() {
        let mut values = vec![0.0; 20 * 12];
        for (c, r, value) in [(3, 2, 0.9), (4, 3, 0.9), (14, 7, 0.6), (15, 8, 0.6), (5, 3, 0.9)] {
            for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                values[(r + dy) * 20 + c + dx] = value;
            }
        }
        let (_, c, r) = strongest_window(&values, 20, 12, (6, 4)).unwrap();
        assert!((c..c + 6).contains(&4) && (r..r + 4).contains(&3));
        assert_eq!(strongest_window(&[1.0; 6], 3, 2, (6, 4)), None);
    }
}
