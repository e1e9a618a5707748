//! Places of an aligned photo that something covers: a bar, a banner, a sticker, a reflection.
//!
//! What is laid over a picture afterwards, or burnt out in it, is plainer than any print that a
//! camera sees, and of a colour that the reference has nowhere near. That sets it apart from print
//! that was erased, whose place has the colour of the ground around it, and from other print, which
//! is never that plain over so wide a place.

use crate::domain::{
    geometry::{Point, Rect},
    number::index,
    raster::Raster,
    rectify::Rectified,
    tuning::covered::{FEWEST_SQUARES, FOREIGN, NEAR_PX, PLAIN, SQUARE_PX},
};

/// Squares of a frame, row by row, that something covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Covered {
    columns: usize,
    squares: Vec<bool>,
}

impl Covered {
    /// Of an aligned pair: the reference's frame, the photo rectified into it, and that in the
    /// reference's light.
    pub(crate) fn of(reference: &Raster, rectified: &Rectified, lit: &Raster) -> Self {
        let photo = &rectified.raster;
        let (columns, rows) = (photo.width() / SQUARE_PX, photo.height() / SQUARE_PX);
        let places = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
        let plain = places.map(|(column, row)| {
            let (x, y) = (column * SQUARE_PX, row * SQUARE_PX);
            is_plain(photo, x, y)
                && rectified.shows(Rect::from_size(x, y, SQUARE_PX, SQUARE_PX))
                && is_foreign(reference, lit.square_mean(x, y, SQUARE_PX), x, y)
        });
        let mut covered = Self {
            columns: columns.max(1) as usize,
            squares: plain.collect(),
        };
        covered.drop_specks();
        covered.grow();
        covered.fill();
        covered
    }

    /// Adds the squares whose middle (pixels of the frame) something covers.
    pub(crate) fn add(&mut self, covers: impl Fn(Point) -> bool) {
        let columns = self.columns;
        let middle = |at: usize| (at as f64 + 0.5) * f64::from(SQUARE_PX) - 0.5;
        for (i, square) in self.squares.iter_mut().enumerate() {
            let at = || Point::new(middle(i % columns), middle(i / columns));
            *square = *square || covers(at());
        }
    }

    /// Whether nothing is covered.
    #[cfg(test)]
    pub(crate) fn is_empty(&self) -> bool {
        !self.squares.contains(&true)
    }

    /// Share of the squares of a part of the frame (pixels) that are covered, 0 to 1.
    pub(crate) fn share(&self, part: Rect<f64>) -> f64 {
        let side = f64::from(SQUARE_PX);
        let rows = self.squares.len() / self.columns;
        let span = |low: f64, high: f64, count: usize| {
            let first = index((low / side).floor().max(0.0)).min(count.saturating_sub(1));
            first..index((high / side).ceil().max(0.0)).clamp(first, count)
        };
        let columns = span(part.left, part.right, self.columns);
        let rows = span(part.top, part.bottom, rows);
        let count = (columns.len() * rows.len()).max(1);
        let lines = rows.map(|row| &self.squares[row * self.columns..][columns.clone()]);
        let covered: usize = lines.map(|l| l.iter().filter(|c| **c).count()).sum();
        covered as f64 / count as f64
    }

    /// Leaves out groups too small to tell from chance.
    fn drop_specks(&mut self) {
        for group in groups(&self.squares, self.columns, true) {
            if group.len() < FEWEST_SQUARES {
                group.into_iter().for_each(|i| self.squares[i] = false);
            }
        }
    }

    /// Adds the squares around: a cover ends in the middle of squares.
    fn grow(&mut self) {
        let before = self.squares.clone();
        let (columns, rows) = (self.columns, before.len() / self.columns);
        let reach = |at: usize, count: usize| at.saturating_sub(1)..(at + 2).min(count);
        for (i, square) in self.squares.iter_mut().enumerate() {
            let mut around = reach(i / columns, rows)
                .flat_map(|row| reach(i % columns, columns).map(move |c| row * columns + c));
            *square = around.any(|n| before[n]);
        }
    }

    /// Adds what covers enclose, such as a sticker's own print; not what a wide frame encloses.
    fn fill(&mut self) {
        let covered = self.squares.iter().filter(|c| **c).count();
        let (columns, last) = (self.columns, self.squares.len() / self.columns);
        let outer = |i: &usize| {
            let (column, row) = (i % columns, i / columns);
            column == 0 || row == 0 || column + 1 == columns || row + 1 == last
        };
        for group in groups(&self.squares, columns, false) {
            if group.len() <= covered && !group.iter().any(outer) {
                group.into_iter().for_each(|i| self.squares[i] = true);
            }
        }
    }
}

/// Whether no channel changes by more than a picture that was not photographed.
fn is_plain(photo: &Raster, x: u32, y: u32) -> bool {
    let first = photo.at(x, y);
    let (mut low, mut high) = (first, first);
    for v in y..y + SQUARE_PX {
        for u in x..x + SQUARE_PX {
            let pixel = photo.at(u, v);
            for (c, value) in pixel.into_iter().enumerate() {
                low[c] = low[c].min(value);
                high[c] = high[c].max(value);
                // Nearly all squares end here, after a few pixels.
                if high[c] - low[c] > PLAIN {
                    return false;
                }
            }
        }
    }
    true
}

/// Whether the reference has no colour like this near a square.
fn is_foreign(reference: &Raster, colour: [f64; 3], x: u32, y: u32) -> bool {
    let reach = |at: u32, side: u32| {
        let end = (at + SQUARE_PX + NEAR_PX).min(side);
        (at.saturating_sub(NEAR_PX)..end).step_by(2)
    };
    let mut near =
        reach(y, reference.height()).flat_map(|v| reach(x, reference.width()).map(move |u| (u, v)));
    near.all(|(u, v)| {
        let own = reference.at(u, v);
        let apart = own
            .into_iter()
            .zip(colour)
            .map(|(a, b)| (f64::from(a) - b).abs());
        apart.fold(0.0, f64::max) > FOREIGN
    })
}

/// Groups of squares of this kind that touch side by side.
fn groups(squares: &[bool], columns: usize, kind: bool) -> Vec<Vec<usize>> {
    let mut open: Vec<bool> = squares.iter().map(|s| *s == kind).collect();
    let mut found = Vec::new();
    for start in 0..open.len() {
        if !std::mem::take(&mut open[start]) {
            continue;
        }
        let mut group = vec![start];
        let mut next = 0;
        while let Some(&i) = group.get(next) {
            next += 1;
            let column = i % columns;
            let around = [
                (column > 0).then(|| i - 1),
                (column + 1 < columns).then_some(i + 1),
                i.checked_sub(columns),
                Some(i + columns).filter(|n| *n < open.len()),
            ];
            for n in around.into_iter().flatten() {
                if std::mem::take(&mut open[n]) {
                    group.push(n);
                }
            }
        }
        found.push(group);
    }
    found
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "shares of 0 and 1 are exact")]

    use super::*;
    use crate::domain::raster::texture;

    const SIZE: (u32, u32) = (320, 240);
    const BAR: Rect = Rect::new(64, 80, 192, 112);

    fn of(photo: &Raster, reference: &Raster) -> Covered {
        let visible = vec![true; (SIZE.0 * SIZE.1) as usize];
        let rectified = Rectified {
            raster: photo.clone(),
            visible,
            scale: 1.0,
        };
        Covered::of(reference, &rectified, photo)
    }

    /// Print of dark letters on a light ground, a little uneven as a camera sees it.
    fn print(inked: impl Fn(u32, u32) -> bool) -> Raster {
        Raster::from_fn(SIZE.0, SIZE.1, |x, y| {
            let uneven = ((x * 7 + y * 13) % 4) as u8;
            if inked(x, y) {
                [40 + uneven; 3]
            } else {
                [200 + uneven; 3]
            }
        })
    }

    fn letters(x: u32, y: u32) -> bool {
        y % 32 < 16 && x % 16 < 8
    }

    #[test]
    fn a_bar_over_print_covers_it_with_a_rim_and_nothing_else() {
        let reference = texture(SIZE.0, SIZE.1);
        let photo = Raster::from_fn(SIZE.0, SIZE.1, |x, y| {
            if BAR.contains((x, y)) {
                [250, 0, 250]
            } else {
                reference.at(x, y)
            }
        });
        let covered = of(&photo, &reference);
        assert_eq!(covered.share(BAR.map(f64::from)), 1.0);
        assert_eq!(covered.share(Rect::new(0.0, 0.0, 320.0, 64.0)), 0.0);
        assert!(of(&reference, &reference).is_empty());
    }

    #[test]
    fn a_stickers_own_print_is_covered_with_it() {
        let reference = print(letters);
        let photo = Raster::from_fn(SIZE.0, SIZE.1, |x, y| {
            let is_price = Rect::new(112, 88, 144, 104).contains((x, y)) && x % 8 < 4;
            match BAR.contains((x, y)) {
                true if is_price => [0; 3],
                true => [255, 220, 0],
                false => reference.at(x, y),
            }
        });
        assert_eq!(of(&photo, &reference).share(BAR.map(f64::from)), 1.0);
    }

    #[test]
    fn erased_letters_and_other_letters_are_not_covered() {
        let reference = print(letters);
        for inked in [
            |x, y| letters(x, y) && !BAR.contains((x, y)),
            |x, y| letters(if BAR.contains((x, y)) { x + 8 } else { x }, y),
            |x, y| letters(x, y) || BAR.contains((x, y)),
        ] {
            assert!(of(&print(inked), &reference).is_empty());
        }
    }
}
