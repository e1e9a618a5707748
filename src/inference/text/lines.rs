//! Line pictures for the recogniser: cut out of a photo along a slanted rectangle, or resized to
//! the height it reads.

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images::Image, images::ImageRef,
};

use crate::domain::{
    geometry::Point,
    number::{level, whole},
    raster::{Plane, Raster},
};

/// Height in pixels of a line picture.
pub(super) const HEIGHT: u32 = 48;
/// Widths in pixels of a line picture.
const WIDTHS: std::ops::RangeInclusive<u32> = 16..=640;

/// How a picture is resized; both average when it shrinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Smoothing {
    /// Linear when it grows.
    Linear,
    /// Cubic when it grows.
    Cubic,
}

/// `raster` at exactly `width` x `height`, both at least 1.
pub(super) fn resized(raster: &Raster, width: u32, height: u32, smoothing: Smoothing) -> Raster {
    if (raster.width(), raster.height()) == (width, height) {
        return raster.clone();
    }
    let filter = match smoothing {
        Smoothing::Linear => FilterType::Bilinear,
        Smoothing::Cubic => FilterType::CatmullRom,
    };
    let mut out = Image::new(width, height, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(filter));
    let done = ImageRef::new(
        raster.width(),
        raster.height(),
        raster.pixels(),
        PixelType::U8x3,
    )
    .map_err(|e| e.to_string())
    .and_then(|from| {
        Resizer::new()
            .resize(&from, &mut out, &options)
            .map_err(|e| e.to_string())
    });
    // Both pictures are U8x3 with sides of at least 1, the only things that can be refused.
    debug_assert_eq!(done, Ok(()));
    Raster::new(width, height, out.into_vec()).unwrap_or_else(|_| raster.clone())
}

/// The picture with what differs from its surroundings, each channel smoothed by `sigma` pixels,
/// standing out by `amount` times more (unsharp masking).
pub(super) fn sharpened(raster: &Raster, sigma: f32, amount: f32) -> Raster {
    let (width, height) = (raster.width() as usize, raster.height() as usize);
    let surroundings: [Plane; 3] = std::array::from_fn(|channel| {
        let data = raster
            .pixels()
            .iter()
            .skip(channel)
            .step_by(3)
            .map(|v| f32::from(*v))
            .collect();
        Plane {
            width,
            height,
            data,
        }
        .smoothed(sigma)
    });
    Raster::from_fn(raster.width(), raster.height(), |x, y| {
        let pixel = raster.at(x, y).map(f32::from);
        let at = y as usize * width + x as usize;
        // The cast holds it within 0 and 255.
        std::array::from_fn(|c| {
            level((pixel[c] + amount * (pixel[c] - surroundings[c].data[at])).round())
        })
    })
}

/// A picture of one line at the recogniser's height, its width in proportion.
pub(super) fn at_reading_height(line: &Raster) -> Raster {
    let width = width_for(f64::from(line.width()), f64::from(line.height()));
    resized(line, width, HEIGHT, Smoothing::Cubic)
}

fn width_for(width: f64, height: f64) -> u32 {
    let width = whole((width / height.max(1.0) * f64::from(HEIGHT)).round());
    width.clamp(*WIDTHS.start(), *WIDTHS.end())
}

/// The line inside `corners` (top left, top right, bottom right, bottom left of the reading
/// direction) at the recogniser's height. Outside the picture its border repeats.
pub(super) fn cut(raster: &Raster, corners: &[Point; 4]) -> Raster {
    let [top_left, top_right, bottom_right, bottom_left] = corners;
    let distance = |a: &Point, b: &Point| (a.x - b.x).hypot(a.y - b.y);
    let long = distance(top_left, top_right).max(distance(bottom_left, bottom_right));
    let high = distance(top_left, bottom_left).max(distance(top_right, bottom_right));
    let width = width_for(long, high);
    // Corners of a rectangle in a picture scaled by two factors form a parallelogram: two vectors
    // span it.
    let right = (
        (top_right.x - top_left.x) / f64::from(width),
        (top_right.y - top_left.y) / f64::from(width),
    );
    let down = (
        (bottom_left.x - top_left.x) / f64::from(HEIGHT),
        (bottom_left.y - top_left.y) / f64::from(HEIGHT),
    );
    // A step of several pixels would skip what lies between: average samples over the step instead.
    let step = right.0.hypot(right.1).max(down.0.hypot(down.1));
    let samples = whole(step.ceil().clamp(1.0, 8.0));
    let offset = |i: u32| (f64::from(i) + 0.5) / f64::from(samples) - 0.5;
    Raster::from_fn(width, HEIGHT, |column, row| {
        let mut sum = [0.0; 3];
        for i in 0..samples {
            for j in 0..samples {
                let (u, v) = (f64::from(column) + offset(i), f64::from(row) + offset(j));
                let (x, y) = (
                    top_left.x + u * right.0 + v * down.0,
                    top_left.y + u * right.1 + v * down.1,
                );
                let colour = if samples == 1 {
                    sample::<4>(raster, x, y, cubic)
                } else {
                    sample::<2>(raster, x, y, linear)
                };
                sum.iter_mut().zip(colour).for_each(|(s, c)| *s += c);
            }
        }
        sum.map(|s| level((s / f64::from(samples * samples)).round()))
    })
}

/// Weights of the two pixels around a position at `t` (0 to 1) between them.
fn linear(t: f64) -> [f64; 2] {
    [1.0 - t, t]
}

/// Weights of the four pixels around a position at `t` (0 to 1) between the middle two: cubic
/// convolution, a = -0.75.
fn cubic(t: f64) -> [f64; 4] {
    const A: f64 = -0.75;
    let near = |d: f64| ((A + 2.0) * d - (A + 3.0)) * d * d + 1.0;
    let far = |d: f64| ((A * d - 5.0 * A) * d + 8.0 * A) * d - 4.0 * A;
    [far(t + 1.0), near(t), near(1.0 - t), far(2.0 - t)]
}

fn sample<const N: usize>(
    raster: &Raster,
    x: f64,
    y: f64,
    weights: fn(f64) -> [f64; N],
) -> [f64; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (across, along) = (weights(x - left), weights(y - top));
    let first = N as f64 / 2.0 - 1.0;
    let mut sum = [0.0; 3];
    for (j, wy) in along.iter().enumerate() {
        for (i, wx) in across.iter().enumerate() {
            // Casting saturates at 0, `at` clamps the other end: the border repeats.
            let colour = raster.at(
                whole(left - first + i as f64),
                whole(top - first + j as f64),
            );
            sum.iter_mut()
                .zip(colour)
                .for_each(|(s, c)| *s += wx * wy * f64::from(c));
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slope(width: u32, height: u32) -> Raster {
        Raster::from_fn(width, height, |x, y| [level(x), level(y), 7])
    }

    fn quad(corners: [(f64, f64); 4]) -> [Point; 4] {
        corners.map(|(x, y)| Point { x, y })
    }

    #[test]
    fn cutting_at_the_same_size_copies_pixels() {
        let line = cut(
            &slope(200, 100),
            &quad([(20.0, 30.0), (116.0, 30.0), (116.0, 78.0), (20.0, 78.0)]),
        );
        assert_eq!((line.width(), line.height()), (96, 48));
        assert_eq!(line.at(0, 0), [20, 30, 7]);
        assert_eq!(line.at(95, 47), [115, 77, 7]);
    }

    #[test]
    fn a_quarter_turn_of_the_corners_turns_the_line() {
        let line = cut(
            &slope(200, 200),
            &quad([(116.0, 20.0), (116.0, 116.0), (68.0, 116.0), (68.0, 20.0)]),
        );
        assert_eq!((line.width(), line.height()), (96, 48));
        assert_eq!(line.at(0, 0), [116, 20, 7]);
        assert_eq!(line.at(10, 5), [111, 30, 7]);
    }

    #[test]
    fn large_text_is_averaged_and_the_border_repeats() {
        let stripes = Raster::from_fn(400, 192, |x, _| [if x % 2 == 0 { 0 } else { 200 }; 3]);
        let line = cut(
            &stripes,
            &quad([(0.0, 0.0), (400.0, 0.0), (400.0, 192.0), (0.0, 192.0)]),
        );
        assert!(
            line.at(50, 20)[0].abs_diff(100) < 3,
            "{:?}",
            line.at(50, 20)
        );
        let outside = cut(
            &slope(50, 50),
            &quad([(-96.0, -48.0), (0.0, -48.0), (0.0, 0.0), (-96.0, 0.0)]),
        );
        assert_eq!(outside.at(5, 5), [0, 0, 7]);
    }

    #[test]
    fn faint_strokes_stand_out_and_plain_ground_stays() {
        let faint = Raster::from_fn(60, 40, |x, _| {
            if (28..31).contains(&x) {
                [110, 100, 90]
            } else {
                [100; 3]
            }
        });
        let found = sharpened(&faint, 5.0, 2.0);
        let [red, green, blue] = found.at(29, 20);
        assert!(
            (125..=130).contains(&red) && green == 100 && (70..=75).contains(&blue),
            "{:?}",
            found.at(29, 20)
        );
        assert_eq!(found.at(3, 20), [100; 3]);
        let strong = Raster::from_fn(60, 40, |x, _| {
            if (28..31).contains(&x) {
                [250; 3]
            } else {
                [5; 3]
            }
        });
        let found = sharpened(&strong, 5.0, 2.0);
        assert_eq!(
            (found.at(29, 20), found.at(25, 20)),
            ([255; 3], [0; 3]),
            "values stay within their range"
        );
    }

    #[test]
    fn widths_are_bounded_and_in_proportion() {
        let width = |w, h| at_reading_height(&slope(w, h)).width();
        assert_eq!(
            (width(100, 24), width(4, 40), width(200, 2)),
            (200, 16, 640)
        );
    }
}
