//! A page to draw on: rectangles, pictures, antialiased lines and areas, all cut to where they
//! belong.

use crate::domain::{
    geometry::{Point, Rect},
    number::level,
    raster::Raster,
};

/// R, G, B.
pub(super) type Colour = [u8; 3];

/// A place on the page as a whole pixel, toward zero; what does not fit takes the nearest end.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from a float saturates, which is what is promised here"
)]
pub(super) fn pixel(place: impl Into<f64>) -> i32 {
    place.into() as i32
}

/// A row or column of the page as a place in memory.
fn slot(pixel: i32) -> usize {
    // Everything is cut to the page before it is drawn, so none is below zero.
    pixel.cast_unsigned() as usize
}

/// A rectangle of whole pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Area {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

impl Area {
    pub(super) fn new(x: i32, y: i32, width: i32, height: i32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    pub(super) fn right(&self) -> i32 {
        self.x + self.width
    }

    pub(super) fn bottom(&self) -> i32 {
        self.y + self.height
    }

    /// The common part; its sides are not positive when there is none.
    fn cut(&self, other: &Self) -> Self {
        let (x, y) = (self.x.max(other.x), self.y.max(other.y));
        Self::new(
            x,
            y,
            self.right().min(other.right()) - x,
            self.bottom().min(other.bottom()) - y,
        )
    }

    /// A point of 0..1 in this area, in pixels.
    pub(super) fn place(&self, point: Point) -> Point {
        let (w, h) = (f64::from(self.width), f64::from(self.height));
        Point::new(
            f64::from(self.x) + point.x * w,
            f64::from(self.y) + point.y * h,
        )
    }
}

/// How a line is drawn.
#[derive(Clone, Copy)]
pub(super) struct Stroke {
    pub(super) colour: Colour,
    pub(super) width: f64,
    /// Lengths of dash and gap in pixels.
    pub(super) dash: Option<(f64, f64)>,
    /// Whether a light seam keeps it apart from what lies below.
    pub(super) seam: bool,
}

/// The page.
pub(super) struct Canvas {
    width: i32,
    height: i32,
    pixels: Vec<u8>,
}

impl Canvas {
    pub(super) fn new(width: i32, height: i32, colour: Colour) -> Self {
        let (width, height) = (width.max(1), height.max(1));
        let pixels = colour.repeat(slot(width) * slot(height));
        Self {
            width,
            height,
            pixels,
        }
    }

    pub(super) fn size(&self) -> (u32, u32) {
        (self.width.cast_unsigned(), self.height.cast_unsigned())
    }

    pub(super) fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    pub(super) fn whole(&self) -> Area {
        Area::new(0, 0, self.width, self.height)
    }

    /// Lays `colour` over one pixel with opacity `alpha`, 0 to 1; nothing outside the page.
    pub(super) fn blend(&mut self, x: i32, y: i32, colour: Colour, alpha: f64) {
        // Letters and badges at a corner may stick out, and are not cut before.
        if x < 0 || y < 0 || x >= self.width || y >= self.height || alpha <= 0.0 {
            return;
        }
        let at = (slot(y) * slot(self.width) + slot(x)) * 3;
        for (value, new) in self.pixels[at..at + 3].iter_mut().zip(colour) {
            let mixed = f64::from(*value) + (f64::from(new) - f64::from(*value)) * alpha.min(1.0);
            *value = level(mixed.round());
        }
    }

    pub(super) fn fill(&mut self, area: Area, colour: Colour, alpha: f64) {
        // Cut first: an area may be far larger than the page, and each of its pixels costs a step.
        let area = area.cut(&self.whole());
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                self.blend(x, y, colour, alpha);
            }
        }
    }

    pub(super) fn paste(&mut self, at: (i32, i32), picture: &Raster) {
        let placed = Area::new(
            at.0,
            at.1,
            picture.width().cast_signed(),
            picture.height().cast_signed(),
        );
        let area = placed.cut(&self.whole());
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                self.blend(
                    x,
                    y,
                    picture.at((x - at.0).cast_unsigned(), (y - at.1).cast_unsigned()),
                    1.0,
                );
            }
        }
    }

    /// A filled circle, antialiased.
    pub(super) fn disc(&mut self, centre: Point, radius: f64, colour: Colour) {
        let reach = pixel(radius.ceil()) + 1;
        let (cx, cy) = (pixel(centre.x), pixel(centre.y));
        for y in cy - reach..=cy + reach {
            for x in cx - reach..=cx + reach {
                // The rim's distance from the pixel's centre stands for the share that is covered.
                let distance = Point::new(f64::from(x) + 0.5, f64::from(y) + 0.5).distance(centre);
                self.blend(x, y, colour, (radius + 0.5 - distance).clamp(0.0, 1.0));
            }
        }
    }

    /// Fills a polygon, given in pixels, inside `clip`; even-odd, four lines a pixel.
    pub(super) fn area(&mut self, outline: &[Point], clip: Area, colour: Colour, alpha: f64) {
        const LINES: i32 = 4;
        let Some(bounds) = bounds(outline) else {
            return;
        };
        let clip = clip.cut(&self.whole()).cut(&bounds);
        if clip.width <= 0 {
            return;
        }
        let mut cover = vec![0.0_f64; slot(clip.width)];
        for y in clip.y..clip.bottom() {
            cover.fill(0.0);
            // Along a row the cover is exact; between rows four lines come near enough to the eye.
            for line in 0..LINES {
                let at = f64::from(y) + (f64::from(line) + 0.5) / f64::from(LINES);
                for pair in crossings(outline, at).chunks_exact(2) {
                    let (from, to) = (pair[0] - f64::from(clip.x), pair[1] - f64::from(clip.x));
                    let last = pixel(to.ceil()).clamp(0, clip.width);
                    for x in pixel(from.floor()).clamp(0, clip.width)..last {
                        let share = to.min(f64::from(x) + 1.0) - from.max(f64::from(x));
                        cover[slot(x)] += share.max(0.0) / f64::from(LINES);
                    }
                }
            }
            for (x, share) in (clip.x..).zip(&cover) {
                self.blend(x, y, colour, share.min(1.0) * alpha);
            }
        }
    }

    /// Draws the closed line through `outline`, given in pixels, inside `clip`.
    pub(super) fn outline(&mut self, outline: &[Point], clip: Area, stroke: Stroke) {
        if outline.len() < 2 {
            return;
        }
        let mut pieces = Vec::new();
        let mut walked = 0.0;
        for (i, &from) in outline.iter().enumerate() {
            let to = outline[(i + 1) % outline.len()];
            dashes(from, to, &mut walked, stroke.dash, clip, &mut pieces);
        }
        // All seams first, or the seam of one piece would cover the colour of the piece before.
        if stroke.seam {
            pieces
                .iter()
                .for_each(|&(a, b)| self.segment(a, b, clip, [255; 3], stroke.width + 2.0, 0.55));
        }
        pieces
            .iter()
            .for_each(|&(a, b)| self.segment(a, b, clip, stroke.colour, stroke.width, 1.0));
    }

    fn segment(
        &mut self,
        from: Point,
        to: Point,
        clip: Area,
        colour: Colour,
        width: f64,
        alpha: f64,
    ) {
        let Some(bounds) = bounds(&[from, to]) else {
            return;
        };
        let reach = pixel((width / 2.0).ceil()) + 1;
        let grown = Area::new(
            bounds.x - reach,
            bounds.y - reach,
            bounds.width + 2 * reach,
            bounds.height + 2 * reach,
        );
        // Only the box around the line is walked over: the page has a million pixels and more.
        let area = grown.cut(&clip).cut(&self.whole());
        for y in area.y..area.bottom() {
            for x in area.x..area.right() {
                let distance =
                    distance_to(Point::new(f64::from(x) + 0.5, f64::from(y) + 0.5), from, to);
                self.blend(
                    x,
                    y,
                    colour,
                    (width / 2.0 + 0.5 - distance).clamp(0.0, 1.0) * alpha,
                );
            }
        }
    }
}

/// The pieces of a straight line that are drawn; `walked` carries the dash pattern over corners.
fn dashes(
    from: Point,
    to: Point,
    walked: &mut f64,
    dash: Option<(f64, f64)>,
    clip: Area,
    pieces: &mut Vec<(Point, Point)>,
) {
    let length = from.distance(to);
    // A place far outside the picture may come from a map that hardly fits; a dashed line there
    // would never end.
    let far = f64::from(clip.width + clip.height) * 20.0;
    let Some((on, off)) = dash.filter(|_| length < far) else {
        pieces.push((from, to));
        return;
    };
    let along = |t: f64| {
        Point::new(
            from.x + (to.x - from.x) * t / length,
            from.y + (to.y - from.y) * t / length,
        )
    };
    let mut at = 0.0;
    while at < length {
        let phase = *walked % (on + off);
        let (left, drawn) = if phase < on {
            (on - phase, true)
        } else {
            (on + off - phase, false)
        };
        // Rounding may leave nothing of a dash: the least step makes sure that the walk ends.
        let next = (at + left.max(1e-3)).min(length);
        if drawn {
            pieces.push((along(at), along(next)));
        }
        *walked += next - at;
        at = next;
    }
}

fn distance_to(p: Point, from: Point, to: Point) -> f64 {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let square = dx * dx + dy * dy;
    let t = if square > 0.0 {
        (((p.x - from.x) * dx + (p.y - from.y) * dy) / square).clamp(0.0, 1.0)
    } else {
        0.0
    };
    p.distance(Point::new(from.x + t * dx, from.y + t * dy))
}

/// Where the polygon's sides cross a line, from left to right.
fn crossings(outline: &[Point], y: f64) -> Vec<f64> {
    let mut found: Vec<f64> = outline
        .iter()
        .zip(outline.iter().cycle().skip(1))
        // Half open: a corner on the line belongs to one of its two sides, so that crossings come
        // in pairs.
        .filter(|(a, b)| (a.y <= y) != (b.y <= y))
        .map(|(a, b)| a.x + (b.x - a.x) * (y - a.y) / (b.y - a.y))
        .collect();
    found.sort_by(f64::total_cmp);
    found
}

/// The whole pixels around `points`; `None` when one of them is nowhere.
fn bounds(points: &[Point]) -> Option<Area> {
    // Beyond this, casts would meet the ends of the type, and sums of two such places overflow.
    const FAR: f64 = 1e6;
    if points.iter().any(|p| !p.x.is_finite() || !p.y.is_finite()) {
        return None;
    }
    let hull = Rect::around(points)?.map(|end| end.clamp(-FAR, FAR));
    let (x, y) = (pixel(hull.left.floor()), pixel(hull.top.floor()));
    let (right, bottom) = (pixel(hull.right.ceil()), pixel(hull.bottom.ceil()));
    Some(Area::new(x, y, right - x, bottom - y))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INK: Colour = [0; 3];

    fn page() -> Canvas {
        Canvas::new(20, 10, [255; 3])
    }

    fn value(canvas: &Canvas, x: usize, y: usize) -> u8 {
        canvas.pixels()[(y * 20 + x) * 3]
    }

    fn points(list: &[(f64, f64)]) -> Vec<Point> {
        list.iter().map(|&(x, y)| Point::new(x, y)).collect()
    }

    #[test]
    fn an_area_covers_half_pixels_by_half_and_is_cut() {
        let mut canvas = page();
        let outline = points(&[(2.5, 2.0), (100.0, 2.0), (100.0, 5.0), (2.5, 5.0)]);
        canvas.area(&outline, Area::new(0, 0, 8, 10), INK, 1.0);
        assert_eq!(
            [1, 2, 3, 7, 8].map(|x| value(&canvas, x, 3)),
            [255, 128, 0, 0, 255]
        );
        assert_eq!((value(&canvas, 4, 1), value(&canvas, 4, 5)), (255, 255));
    }

    #[test]
    fn a_dashed_line_has_gaps_and_a_plain_one_has_none() {
        let line = points(&[(0.0, 5.5), (20.0, 5.5)]);
        let stroke = Stroke {
            colour: INK,
            width: 1.0,
            dash: None,
            seam: false,
        };
        let mut plain = page();
        plain.outline(&line, plain.whole(), stroke);
        assert!((0..20).all(|x| value(&plain, x, 5) == 0));
        let mut dashed = page();
        dashed.outline(
            &line[..],
            dashed.whole(),
            Stroke {
                dash: Some((4.0, 36.0)),
                ..stroke
            },
        );
        assert!(value(&dashed, 1, 5) == 0 && value(&dashed, 10, 5) == 255);
    }

    #[test]
    fn places_outside_or_nowhere_draw_nothing_and_end() {
        let stroke = Stroke {
            colour: INK,
            width: 3.0,
            dash: Some((4.0, 4.0)),
            seam: true,
        };
        for bad in [f64::NAN, f64::INFINITY, 1e300, -1e12] {
            let mut canvas = page();
            let outline = points(&[(bad, 1.0), (bad, 2.0), (bad, bad)]);
            canvas.outline(&outline, canvas.whole(), stroke);
            canvas.area(&outline, canvas.whole(), INK, 1.0);
            canvas.fill(Area::new(-50, -50, 10, 10), INK, 1.0);
            canvas.paste((-5, 9), &Raster::from_fn(2, 40, |_, _| INK));
            assert!(canvas.pixels().iter().all(|&v| v == 255), "{bad}");
        }
    }
}
