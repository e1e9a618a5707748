//! How a bent print departs from a flat one: a smooth field of small shifts, since a homography
//! takes every print for flat and misses a can, a bottle's label or a sagging bag by many pixels.

use crate::domain::{
    geometry::Point,
    linear::solve,
    tuning::bend::{OUTLIER_PX, RIDGE, ROUNDS, STEEPEST},
};

/// Terms of a field: all products of x and y up to the third degree.
// A print around a cylinder departs by an odd cubic across and a parabola along.
const TERMS: usize = 10;

/// Where a place of a reference was found in the photo rectified as if it were flat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The place, in pixels of the frame.
    pub at: Point,
    /// How far from there it was found, in pixels.
    pub shift: [f64; 2],
    /// How much it counts, 0 or more.
    pub weight: f64,
}

impl Found {
    /// The same when the photo was rectified by a bend already.
    pub fn on(&self, bend: &Bend) -> Self {
        let [x, y] = self.shift;
        let there = bend.apply(Point::new(self.at.x + x, self.at.y + y));
        Self {
            shift: [there.x - self.at.x, there.y - self.at.y],
            ..*self
        }
    }
}

/// A smooth field of shifts over a frame.
#[derive(Clone, Debug, PartialEq)]
pub struct Bend {
    fields: [[f64; TERMS]; 2],
    /// Half the frame's sides, in pixels.
    half: (f64, f64),
}

impl Bend {
    /// The field that runs through most of `found`, in a frame of `width` x `height` pixels; `None`
    /// when they are too few or the field would fold the print over.
    pub fn fit(found: &[Found], width: f64, height: f64) -> Option<Self> {
        if found.len() < 4 * TERMS {
            return None;
        }
        let mut bend = Self {
            fields: [[0.0; TERMS]; 2],
            half: (width / 2.0, height / 2.0),
        };
        let mut weights: Vec<f64> = found.iter().map(|f| f.weight).collect();
        for _ in 0..ROUNDS {
            for axis in 0..2 {
                bend.fields[axis] = bend.solved(found, &weights, axis)?;
            }
            // Print that differs is found anywhere: it loses its say.
            for (f, weight) in found.iter().zip(&mut weights) {
                let told = bend.shift(f.at);
                let miss = (f.shift[0] - told[0]).hypot(f.shift[1] - told[1]);
                *weight = f.weight / (1.0 + (miss / OUTLIER_PX).powi(2));
            }
        }
        bend.is_smooth().then_some(bend)
    }

    fn solved(&self, found: &[Found], weights: &[f64], axis: usize) -> Option<[f64; TERMS]> {
        let mut system = [[0.0; TERMS + 1]; TERMS];
        for (f, weight) in found.iter().zip(weights) {
            let t = self.terms(f.at);
            for (i, row) in system.iter_mut().enumerate() {
                (0..TERMS).for_each(|j| row[j] += weight * t[i] * t[j]);
                row[TERMS] += weight * t[i] * f.shift[axis];
            }
        }
        let total: f64 = weights.iter().sum();
        // Keeps the field flat where nothing was found.
        (0..TERMS).for_each(|i| system[i][i] += RIDGE * total);
        solve(system)
    }

    fn terms(&self, at: Point) -> [f64; TERMS] {
        let (x, y) = (at.x / self.half.0 - 1.0, at.y / self.half.1 - 1.0);
        [
            1.0,
            x,
            y,
            x * x,
            x * y,
            y * y,
            x * x * x,
            x * x * y,
            x * y * y,
            y * y * y,
        ]
    }

    /// The shift at a place, in pixels.
    pub fn shift(&self, at: Point) -> [f64; 2] {
        let terms = self.terms(at);
        let along = |field: &[f64; TERMS]| terms.iter().zip(field).map(|(t, f)| t * f).sum();
        [along(&self.fields[0]), along(&self.fields[1])]
    }

    /// Where a place of the reference lies in the photo rectified as if it were flat.
    pub fn apply(&self, at: Point) -> Point {
        let [x, y] = self.shift(at);
        Point::new(at.x + x, at.y + y)
    }

    /// Whether neighbours stay neighbours everywhere in the frame.
    fn is_smooth(&self) -> bool {
        let (width, height) = (2.0 * self.half.0, 2.0 * self.half.1);
        let places = (0..=8).flat_map(|row| (0..=8).map(move |column| (column, row)));
        places
            .map(|(column, row)| {
                Point::new(
                    width * f64::from(column) / 8.0,
                    height * f64::from(row) / 8.0,
                )
            })
            .all(|p| {
                let here = self.shift(p);
                let beside = [Point::new(p.x + 1.0, p.y), Point::new(p.x, p.y + 1.0)];
                beside.into_iter().all(|q| {
                    let there = self.shift(q);
                    (there[0] - here[0]).hypot(there[1] - here[1]) < STEEPEST
                })
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(shift: impl Fn(f64, f64) -> [f64; 2]) -> Vec<Found> {
        let places = (0..20).flat_map(|row| (0..30).map(move |column| (column, row)));
        let at =
            places.map(|(c, r)| Point::new(16.0 + 20.0 * f64::from(c), 16.0 + 20.0 * f64::from(r)));
        at.map(|at| Found {
            at,
            shift: shift(at.x / 320.0 - 1.0, at.y / 220.0 - 1.0),
            weight: 1.0,
        })
        .collect()
    }

    #[test]
    fn the_field_of_a_cylinder_is_found_although_some_print_was_found_elsewhere() {
        let cylinder = |x: f64, _: f64| [12.0 * (x.sin() - 0.85 * x) / 0.1, 6.0 * x * x];
        let mut seen = found(cylinder);
        seen.iter_mut()
            .step_by(9)
            .for_each(|f| f.shift = [-4.0, 4.0]);
        let bend = Bend::fit(&seen, 640.0, 440.0).unwrap();
        for f in found(cylinder) {
            let [x, y] = bend.shift(f.at);
            assert!(
                (x - f.shift[0]).hypot(y - f.shift[1]) < 1.0,
                "{f:?} {x} {y}"
            );
        }
    }

    #[test]
    fn too_few_places_and_folds_give_no_field() {
        let flat = found(|_, _| [0.0, 0.0]);
        assert!(Bend::fit(&flat, 640.0, 440.0).is_some());
        assert_eq!(Bend::fit(&flat[..30], 640.0, 440.0), None);
        let folded = found(|x, _| [-400.0 * x * x, 0.0]);
        assert_eq!(Bend::fit(&folded, 640.0, 440.0), None);
    }
}
