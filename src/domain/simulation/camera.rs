//! A simulated photo of a flat print, for trying what would be noticed: perspective, ground, light,
//! glare, blur and noise, all from one seed. Believable rather than cruel; no substitute for photos
//! that people took.

use crate::domain::{
    geometry::{Homography, Point},
    number::{count_u32, index, level, single},
    random::SplitMix,
    raster::{Plane, Raster},
    rectify::rectify,
};

/// Share of the frame's width or height, whichever binds, that the print takes.
const SIZE: (f64, f64) = (0.55, 0.87);
/// Standard deviation of the rotation in the picture's plane, and its largest value, in degrees.
const TURN_DEG: (f64, f64) = (5.0, 16.0);
/// Largest shift of a corner, as a share of the print's shorter side: perspective and tilt.
const TILT: f64 = 0.035;
/// Cells of the smooth fields of ground and light along the longer side.
const FIELD: usize = 6;

/// A photo and what its making knew.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Photograph {
    /// The photo.
    pub raster: Raster,
    /// Maps pixels of the print to pixels of the photo, pixel centres at whole numbers.
    pub print_to_photo: Homography,
    /// Quality at which it should be packed as JPEG, 1 to 100.
    pub jpeg_quality: u8,
}

/// Photographs a print lying on a plain ground. The photo is `long_px` pixels long and three
/// quarters as wide, upright or across as the print is, and shows the whole print; the same print,
/// length and state of `random` give the same photo.
pub(crate) fn photograph(print: &Raster, long_px: u32, random: &mut SplitMix) -> Photograph {
    let across = print.width() >= print.height();
    let short_px = (long_px * 3 / 4).max(1);
    let (width, height) = if across {
        (long_px, short_px)
    } else {
        (short_px, long_px)
    };
    let print_to_photo = pose(print, (f64::from(width), f64::from(height)), random);
    let mut light = Planes::of(&scene(print, &print_to_photo, width, height, random));
    // In the order in which light meets things: lit, then mirrored, then blurred by the lens, then
    // noise.
    illuminate(&mut light, random);
    if random.chance(0.35) {
        reflect(
            &mut light,
            &Lying {
                print,
                print_to_photo: &print_to_photo,
            },
            random,
        );
    }
    // Blurred as light, before it is cut off at 255: highlights spread as they do in a lens.
    let sigma = single(random.between(0.35, 1.1));
    light
        .0
        .iter_mut()
        .for_each(|plane| *plane = plane.smoothed(sigma));
    let raster = light.developed(random);
    Photograph {
        raster,
        print_to_photo,
        jpeg_quality: 70 + level(random.below(25) as f64),
    }
}

/// Where the print lies: turned, tilted, scaled into the frame and moved within the room that is
/// left.
fn pose(print: &Raster, frame: (f64, f64), random: &mut SplitMix) -> Homography {
    let (w, h) = (f64::from(print.width()), f64::from(print.height()));
    let turn = (random.normal() * TURN_DEG.0)
        .clamp(-TURN_DEG.1, TURN_DEG.1)
        .to_radians();
    let (sin, cos) = turn.sin_cos();
    // By the shorter side, so that long thin prints are not folded over.
    let reach = TILT * w.min(h);
    let corners = [(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)].map(|(u, v)| {
        let (x, y) = (
            u * w + random.between(-reach, reach),
            v * h + random.between(-reach, reach),
        );
        Point::new(x * cos - y * sin, x * sin + y * cos)
    });
    let bounds = |pick: fn(&Point) -> f64| {
        let values = corners.each_ref().map(pick);
        values
            .into_iter()
            .fold((f64::MAX, f64::MIN), |(low, high), v| {
                (low.min(v), high.max(v))
            })
    };
    let ((left, right), (top, bottom)) = (bounds(|p| p.x), bounds(|p| p.y));
    let scale =
        (frame.0 / (right - left)).min(frame.1 / (bottom - top)) * random.between(SIZE.0, SIZE.1);
    let mut place = |side: f64, low: f64, high: f64| {
        let room = side - (high - low) * scale;
        // Near the middle: people aim at what they photograph.
        room * random.between(0.3, 0.7) - low * scale
    };
    let (dx, dy) = (place(frame.0, left, right), place(frame.1, top, bottom));
    let (from, to) = (
        [(0.0, 0.0), (w, 0.0), (w, h), (0.0, h)].map(|(x, y)| Point::new(x - 0.5, y - 0.5)),
        corners.map(|p| Point::new(p.x * scale + dx - 0.5, p.y * scale + dy - 0.5)),
    );
    // Corners shifted by a few hundredths of a side never lie in line.
    Homography::through(from, to).unwrap_or(Homography::IDENTITY)
}

/// The print on its ground with the soft shadow that it throws.
fn scene(
    print: &Raster,
    print_to_photo: &Homography,
    width: u32,
    height: u32,
    random: &mut SplitMix,
) -> Raster {
    let photo_to_print = print_to_photo.inverse().unwrap_or(Homography::IDENTITY);
    let seen = rectify(print, &photo_to_print, width, height);
    let base = random.between(70.0, 215.0);
    let tint: [f64; 3] = std::array::from_fn(|_| random.between(-14.0, 14.0));
    let pattern = Field::draw(random.between(2.0, 12.0), random);
    let grain = random.between(0.5, 4.0);
    let (shade, softness) = (random.between(0.15, 0.45), random.between(8.0, 30.0));
    let away = Point::new(random.between(-10.0, 10.0), random.between(-2.0, 14.0));
    let (w, h) = (f64::from(print.width()), f64::from(print.height()));
    // By the longer side in both directions, or the field would be squeezed.
    let long = f64::from(width.max(height));
    // Distances are measured on the print but meant in the photo, whatever the print's own size.
    let scale = ((w * h).sqrt() / (0.5 * f64::from(width) * f64::from(height)).sqrt()).max(1e-3);
    Raster::from_fn(width, height, |x, y| {
        if seen.visible[(y * width + x) as usize] {
            return seen.raster.at(x, y);
        }
        let (px, py) = (f64::from(x), f64::from(y));
        let at = photo_to_print.apply(Point::new(px - away.x, py - away.y));
        let outside = |v: f64, side: f64| (-v).max(v - side).max(0.0);
        let distance = outside(at.x, w).hypot(outside(at.y, h)) / scale;
        let shadow = 1.0 - shade * (-distance / softness).exp();
        let value = base + pattern.at(px / long, py / long) + grain * random.normal();
        tint.map(|t| level(((value + t) * shadow).round()))
    })
}

/// A smooth random field over 0..1 x 0..1.
struct Field {
    cells: Vec<f64>,
}

impl Field {
    /// Values with standard deviation `strength`.
    fn draw(strength: f64, random: &mut SplitMix) -> Self {
        Self {
            cells: (0..(FIELD + 1) * (FIELD + 1))
                .map(|_| strength * random.normal())
                .collect(),
        }
    }

    fn at(&self, u: f64, v: f64) -> f64 {
        let split = |t: f64| {
            // Below 1, so that there is always a next cell.
            let t = t.clamp(0.0, 0.9999) * FIELD as f64;
            (index(t), t.fract())
        };
        let ((i, fu), (j, fv)) = (split(u), split(v));
        // A straight mix would show the cells' borders as creases.
        let ease = |t: f64| t * t * (3.0 - 2.0 * t);
        let (fu, fv) = (ease(fu), ease(fv));
        let cell = |i: usize, j: usize| self.cells[j * (FIELD + 1) + i];
        let (above, below) = (
            cell(i, j) * (1.0 - fu) + cell(i + 1, j) * fu,
            cell(i, j + 1) * (1.0 - fu) + cell(i + 1, j + 1) * fu,
        );
        above * (1.0 - fv) + below * fv
    }
}

/// R, G and B apart, each 0 to 255, as light that may still exceed what a pixel can hold.
struct Planes([Plane; 3]);

impl Planes {
    fn of(raster: &Raster) -> Self {
        let plane = |c: usize| Plane {
            width: raster.width() as usize,
            height: raster.height() as usize,
            data: raster
                .pixels()
                .iter()
                .skip(c)
                .step_by(3)
                .map(|v| f32::from(*v))
                .collect(),
        };
        Self([plane(0), plane(1), plane(2)])
    }

    /// Calls `change` for every pixel with its place, as a share of the longer side, and its three
    /// values.
    fn each(&mut self, mut change: impl FnMut(f64, f64, [&mut f32; 3])) {
        let [red, green, blue] = &mut self.0;
        let (width, long) = (red.width, red.width.max(red.height) as f64);
        let pixels = red.data.iter_mut().zip(&mut green.data).zip(&mut blue.data);
        for (i, ((r, g), b)) in pixels.enumerate() {
            change(
                (i % width) as f64 / long,
                (i / width) as f64 / long,
                [r, g, b],
            );
        }
    }

    /// Adds the sensor's noise, more of it in the dark, and rounds to bytes.
    fn developed(mut self, random: &mut SplitMix) -> Raster {
        let (width, height) = (count_u32(self.0[0].width), count_u32(self.0[0].height));
        let strength = random.between(1.0, 4.0);
        let mut pixels = Vec::with_capacity(3 * self.0[0].data.len());
        self.each(|_, _, values| {
            let grey = strength * random.normal();
            for value in values {
                // Mostly the same in all channels: noise of colour alone looks like confetti.
                let noise = grey + 0.4 * strength * random.normal();
                pixels.push(level((f64::from(*value) + noise).round()));
            }
        });
        // One byte for each value of planes that came from a raster.
        Raster::new(width, height, pixels)
            .unwrap_or_else(|_| Raster::from_fn(1, 1, |_, _| [127; 3]))
    }
}

/// Uneven light, exposure, contrast and white balance.
fn illuminate(light: &mut Planes, random: &mut SplitMix) {
    let direction = random.between(0.0, std::f64::consts::TAU);
    let fall = random.between(0.0, 0.22);
    let (sin, cos) = direction.sin_cos();
    let unevenness = Field::draw(random.between(0.0, 0.04), random);
    let gamma = random.between(0.85, 1.2);
    let exposure = random.between(0.82, 1.08);
    let balance: [f64; 3] = std::array::from_fn(|_| 1.0 + 0.04 * random.normal());
    // A curve over bytes is the same for every pixel.
    let curve: Vec<f64> = (0..256)
        .map(|v| 255.0 * (f64::from(v) / 255.0).powf(gamma))
        .collect();
    light.each(|u, v, values| {
        let fallen = 1.0 + fall * ((u - 0.5) * cos + (v - 0.5) * sin) * 2.0 + unevenness.at(u, v);
        for (value, gain) in values.into_iter().zip(balance) {
            let curved = curve[usize::from(level(value.round()))];
            *value = single(curved * fallen * exposure * gain);
        }
    });
}

/// Where the print is in the photo.
struct Lying<'a> {
    print: &'a Raster,
    print_to_photo: &'a Homography,
}

/// A lamp or a window in the print: an elongated spot, soft or with an edge. The ground is dull and
/// shows none.
fn reflect(light: &mut Planes, lying: &Lying<'_>, random: &mut SplitMix) {
    let Some(photo_to_print) = lying.print_to_photo.inverse() else {
        return;
    };
    let length = light.0[0].width.max(light.0[0].height) as f64;
    let (right, bottom) = (
        f64::from(lying.print.width()) - 0.5,
        f64::from(lying.print.height()) - 0.5,
    );
    let on_print = |u: f64, v: f64| {
        let at = photo_to_print.apply(Point::new(u * length, v * length));
        (-0.5..right).contains(&at.x) && (-0.5..bottom).contains(&at.y)
    };
    let centre = Point::new(random.between(0.15, 0.85), random.between(0.15, 0.6));
    let (sin, cos) = random.between(0.0, std::f64::consts::PI).sin_cos();
    let (long, short) = (random.between(0.05, 0.22), random.between(0.015, 0.06));
    let strength = random.between(25.0, 150.0);
    let hard = random.chance(0.3);
    light.each(|u, v, values| {
        let (x, y) = (u - centre.x, v - centre.y);
        let far = ((x * cos + y * sin) / long).powi(2) + ((y * cos - x * sin) / short).powi(2);
        let share = if hard {
            ((1.15 - far) / 0.3).clamp(0.0, 1.0)
        } else {
            (-far).exp()
        };
        // Farther out it is below one level; the test on the print costs more.
        if share > 0.002 && on_print(u, v) {
            values
                .into_iter()
                .for_each(|value| *value += single(strength * share));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHOTO_PX: u32 = 400;

    /// Grey with a red, a green and a blue square on it, none in the middle of a side.
    fn print() -> (Raster, [(Point, usize); 3]) {
        let spots = [(60.0, 50.0), (220.0, 70.0), (140.0, 190.0)].map(|(x, y)| Point::new(x, y));
        let picture = Raster::from_fn(280, 240, |x, y| {
            let at = Point::new(f64::from(x), f64::from(y));
            let near = spots
                .iter()
                .position(|s| (s.x - at.x).abs() <= 14.0 && (s.y - at.y).abs() <= 14.0);
            let mut colour = [60; 3];
            if let Some(c) = near {
                colour = [25; 3];
                colour[c] = 220;
            }
            colour
        });
        (picture, [(spots[0], 0), (spots[1], 1), (spots[2], 2)])
    }

    #[test]
    fn the_same_seed_takes_the_same_photo_and_another_takes_another() {
        let (print, _) = print();
        let shot = photograph(&print, PHOTO_PX, &mut SplitMix(3));
        assert_eq!(shot, photograph(&print, PHOTO_PX, &mut SplitMix(3)));
        assert_ne!(
            shot.raster,
            photograph(&print, PHOTO_PX, &mut SplitMix(4)).raster
        );
        assert_eq!(
            (shot.raster.width(), shot.raster.height()),
            (PHOTO_PX, PHOTO_PX * 3 / 4)
        );
        assert!((1..=100).contains(&shot.jpeg_quality));
    }

    #[test]
    fn the_print_lies_where_the_map_says_and_wholly_inside() {
        let (print, spots) = print();
        for seed in 0..3 {
            let shot = photograph(&print, PHOTO_PX, &mut SplitMix(seed));
            for (spot, channel) in spots {
                let at = shot.print_to_photo.apply(spot);
                let seen = shot.raster.at(at.x.round() as u32, at.y.round() as u32);
                let others = (0..3)
                    .filter(|c| *c != channel)
                    .map(|c| seen[c])
                    .max()
                    .unwrap();
                assert!(
                    seen[channel] > others.saturating_add(40),
                    "seed {seed}, channel {channel}: {seen:?}"
                );
            }
            for (x, y) in [(0.0, 0.0), (279.0, 0.0), (279.0, 239.0), (0.0, 239.0)] {
                let corner = shot.print_to_photo.apply(Point::new(x, y));
                assert!(
                    (0.0..400.0).contains(&corner.x) && (0.0..300.0).contains(&corner.y),
                    "seed {seed}: {corner:?}"
                );
            }
        }
    }
}
