//! Print that sits elsewhere than on the reference: it moves on reissues, over folds and around
//! cylinders, by more than the comparator takes in by itself.
//!
//! A place is looked for around where it should be by normalised cross-correlation (Lewis, "Fast
//! normalized cross-correlation", 1995) and believed only where it agrees far better than at its
//! own place: other print agrees nowhere.

use crate::domain::{
    geometry::{Rect, number::count_u32},
    raster::Plane,
    tuning::moved::{LEAST_AGREEMENT, LEAST_GAIN, LEAST_PX, REACH_PX, STEP_PX},
};

/// How far the print at a place of the reference's frame (pixels) has moved in a photo rectified
/// into that frame, in pixels to the right and down; `None` when it has not, or is not found.
pub(crate) fn moved(own: &Plane, photo: &Plane, place: Rect) -> Option<(i32, i32)> {
    let template = Template::of(own, place)?;
    let at = |shift: (i32, i32)| template.agreement(photo, shift);
    let steps = |reach: i32, step: i32| (-reach..=reach).filter(move |v| v % step == 0);
    let best_of = |shifts: &mut dyn Iterator<Item = (i32, i32)>| {
        shifts
            .filter_map(|shift| Some((at(shift)?, shift)))
            // Of equal ones the nearest: print that repeats has not moved.
            .min_by(|a, b| {
                let far = |(x, y): (i32, i32)| x * x + y * y;
                b.0.total_cmp(&a.0).then(far(a.1).cmp(&far(b.1)))
            })
    };
    let (_, (x, y)) = best_of(
        &mut steps(REACH_PX, STEP_PX).flat_map(|y| steps(REACH_PX, STEP_PX).map(move |x| (x, y))),
    )?;
    let near = |v: i32| v - STEP_PX + 1..v + STEP_PX;
    let (agreement, shift) = best_of(&mut near(y).flat_map(|v| near(x).map(move |u| (u, v))))?;
    // Where it was it may be out of sight.
    let still =
        best_of(&mut near(0).flat_map(|v| near(0).map(move |u| (u, v)))).map_or(0.0, |b| b.0);
    let is_far = shift.0.abs().max(shift.1.abs()) >= LEAST_PX;
    (is_far && agreement >= LEAST_AGREEMENT && agreement >= still + LEAST_GAIN).then_some(shift)
}

/// Every second pixel of a place, less their mean.
struct Template {
    place: Rect,
    values: Vec<f32>,
    energy: f32,
}

impl Template {
    /// `None` for plain print, or a place outside.
    fn of(own: &Plane, place: Rect) -> Option<Self> {
        let mut values = sampled(own, place, (0, 0))?;
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        values.iter_mut().for_each(|v| *v -= mean);
        let energy = values.iter().map(|v| v * v).sum::<f32>();
        (energy > values.len() as f32).then_some(Self {
            place,
            values,
            energy,
        })
    }

    /// The correlation with the photo at the place moved by a shift; `None` outside the photo.
    fn agreement(&self, photo: &Plane, shift: (i32, i32)) -> Option<f32> {
        let seen = sampled(photo, self.place, shift)?;
        let mean = seen.iter().sum::<f32>() / seen.len() as f32;
        let (mut cross, mut energy) = (0.0, 0.0);
        for (a, b) in self.values.iter().zip(&seen) {
            cross += a * (b - mean);
            energy += (b - mean) * (b - mean);
        }
        (energy > seen.len() as f32).then(|| cross / (energy * self.energy).sqrt())
    }
}

/// Every second pixel of a place moved by a shift; `None` when some lie outside.
fn sampled(plane: &Plane, place: Rect, shift: (i32, i32)) -> Option<Vec<f32>> {
    let place = place.moved(shift, count_u32(plane.width), count_u32(plane.height))?;
    let [left, top, right, bottom] = [place.left, place.top, place.right, place.bottom];
    let mut values = Vec::new();
    for y in (top..bottom).step_by(2) {
        let start = y as usize * plane.width;
        let line = &plane.data[start + left as usize..start + right as usize];
        values.extend(line.iter().step_by(2));
    }
    Some(values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::raster::texture;

    const PLACE: Rect = Rect::new(100, 80, 180, 112);

    /// As smooth as what is compared.
    fn print() -> Plane {
        texture(320, 240).grey().smoothed(1.5)
    }

    /// Plain print with that of the place a shift away, a little darker.
    fn reissued((right, down): (u32, u32)) -> Plane {
        let print = print();
        let mut photo = Plane::filled(320, 240, 128.0);
        for y in PLACE.top..PLACE.bottom {
            for x in PLACE.left..PLACE.right {
                let from = print.at(x as usize, y as usize);
                photo.data[((y + down) * 320 + x + right) as usize] = from * 0.8 + 20.0;
            }
        }
        photo
    }

    #[test]
    fn print_that_moved_is_found_and_print_in_its_place_has_not_moved() {
        let own = print();
        for shift in [(12, 5), (3, 17), (20, 20)] {
            let found = moved(&own, &reissued(shift), PLACE);
            let (x, y) = found.expect("it was moved");
            assert_eq!((x.unsigned_abs(), y.unsigned_abs()), shift);
        }
        for nearby in [(0, 0), (2, 1)] {
            assert_eq!(moved(&own, &reissued(nearby), PLACE), None);
        }
    }

    #[test]
    fn other_print_has_not_moved_and_plain_print_cannot() {
        let own = print();
        let mut other = own.clone();
        for (i, value) in other.data.iter_mut().enumerate() {
            let (x, y) = (i % 320, i / 320);
            if PLACE.contains((x as u32, y as u32)) {
                *value = ((x * x / 7 + y * 31) % 200) as f32;
            }
        }
        assert_eq!(moved(&own, &other, PLACE), None);
        let plain = Plane::filled(320, 240, 128.0);
        assert_eq!(moved(&plain, &own, PLACE), None);
        assert_eq!(moved(&own, &plain, PLACE), None);
    }
}
