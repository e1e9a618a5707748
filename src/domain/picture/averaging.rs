//! Exact area averaging of a picture to a small grey plane: every source pixel counts by the area
//! it shares.

use crate::domain::{
    number::{index, single},
    raster::{Plane, Raster},
};

/// The grey picture (mean of R, G and B, 0 to 255) averaged over a grid of `width` x `height` equal
/// cells. Cells may be smaller than a pixel; then they repeat it. Sides of 0 are raised to 1.
pub(crate) fn averaged(raster: &Raster, width: usize, height: usize) -> Plane {
    let (columns, rows) = (
        Spans::new(raster.width() as usize, width.max(1)),
        Spans::new(raster.height() as usize, height.max(1)),
    );
    let mut out = Plane::filled(columns.0.len(), rows.0.len(), 0.0);
    let mut line = vec![0.0_f32; columns.0.len()];
    // No row has this number: the first one is always read.
    let mut read = usize::MAX;
    let stride = raster.width() as usize * 3;
    for (y, span) in rows.0.iter().enumerate() {
        for (source, weight) in span.weights() {
            // Neighbouring cells share at most one source row: it is averaged once.
            if source != read {
                average_line(
                    &raster.pixels()[source * stride..][..stride],
                    &columns,
                    &mut line,
                );
                read = source;
            }
            let target = &mut out.data[y * line.len()..][..line.len()];
            target
                .iter_mut()
                .zip(&line)
                .for_each(|(t, v)| *t += v * weight);
        }
    }
    out
}

fn average_line(pixels: &[u8], columns: &Spans, line: &mut [f32]) {
    let grey = |p: &[u8]| u32::from(p[0]) + u32::from(p[1]) + u32::from(p[2]);
    for (value, span) in line.iter_mut().zip(&columns.0) {
        let cell = &pixels[span.first * 3..=span.last * 3 + 2];
        // Whole numbers are added up, which vector registers do several at once; the two ends are
        // put right afterwards.
        let whole: u32 = cell.chunks_exact(3).map(grey).sum();
        // The first and the last pixel were counted whole.
        let surplus = grey(cell) as f32 * (1.0 - span.first_weight)
            + grey(&cell[cell.len() - 3..]) as f32 * (1.0 - span.last_weight);
        *value = (whole as f32 - surplus) * span.scale / 3.0;
    }
}

/// How a line of pixels is shared out among equal cells.
struct Spans(Vec<Span>);

/// The pixels `first..=last` of one cell. In a cell of one pixel, the two weights' excess over 1 is
/// what it holds.
struct Span {
    first: usize,
    last: usize,
    first_weight: f32,
    last_weight: f32,
    /// One over the pixels in a cell.
    scale: f32,
}

impl Spans {
    fn new(pixels: usize, cells: usize) -> Self {
        let size = pixels as f64 / cells as f64;
        let span = |i: usize| {
            let (from, to) = (i as f64 * size, ((i + 1) as f64 * size).min(pixels as f64));
            let first = index(from).min(pixels - 1);
            // Rounding may put the last cell's end a hair beyond the picture, or its start behind
            // its end.
            let last = (index(to.ceil()).max(1) - 1).clamp(first, pixels - 1);
            let first_weight = single(1.0 - (from - first as f64));
            let last_weight = single(1.0 - (last as f64 + 1.0 - to));
            Span {
                first,
                last,
                first_weight,
                last_weight,
                scale: single(1.0 / size),
            }
        };
        Self((0..cells).map(span).collect())
    }
}

impl Span {
    /// The cell's pixels with their weights, which sum to 1.
    fn weights(&self) -> impl Iterator<Item = (usize, f32)> {
        (self.first..=self.last).map(|i| {
            let missing = if i == self.first {
                1.0 - self.first_weight
            } else {
                0.0
            } + if i == self.last {
                1.0 - self.last_weight
            } else {
                0.0
            };
            (i, (1.0 - missing) * self.scale)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(values: &[u8]) -> Raster {
        Raster::from_fn(values.len() as u32, 1, |x, _| [values[x as usize]; 3])
    }

    fn close(plane: &Plane, want: &[f32]) {
        assert_eq!(plane.data.len(), want.len());
        assert!(
            plane
                .data
                .iter()
                .zip(want)
                .all(|(a, b)| (a - b).abs() < 1e-3),
            "{:?}",
            plane.data
        );
    }

    #[test]
    fn pixels_count_by_the_area_they_share() {
        close(&averaged(&row(&[0, 60, 120]), 2, 1), &[20.0, 100.0]);
        close(&averaged(&row(&[0, 100, 50, 50]), 2, 1), &[50.0, 50.0]);
        close(&averaged(&row(&[10, 20, 30, 40, 50]), 1, 1), &[30.0]);
    }

    #[test]
    fn cells_smaller_than_a_pixel_repeat_it() {
        close(&averaged(&row(&[0, 90]), 4, 1), &[0.0, 0.0, 90.0, 90.0]);
        close(&averaged(&row(&[0, 90]), 3, 1), &[0.0, 45.0, 90.0]);
    }

    #[test]
    fn rows_are_treated_as_columns_are() {
        let picture = Raster::from_fn(7, 5, |x, y| [(x * 30 + y * 7) as u8, (x * y) as u8, 9]);
        let turned = Raster::from_fn(5, 7, |x, y| picture.at(y, x));
        let (plane, across) = (averaged(&picture, 3, 4), averaged(&turned, 4, 3));
        for y in 0..4 {
            for x in 0..3 {
                assert!((plane.at(x, y) - across.at(y, x)).abs() < 1e-3);
            }
        }
    }

    #[test]
    fn the_mean_is_kept() {
        let picture = Raster::from_fn(31, 17, |x, y| [(x * 8) as u8, (y * 15) as u8, 100]);
        let grey = picture.grey();
        let mean = |p: &Plane| p.data.iter().sum::<f32>() / p.data.len() as f32;
        assert!((mean(&averaged(&picture, 9, 8)) - mean(&grey)).abs() < 0.01);
    }
}
