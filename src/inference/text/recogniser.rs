//! Reads a picture of one line: PP-OCRv6's small recogniser and the decoding of its output.

use std::{collections::HashSet, path::Path};

use ndarray::{Array4, ArrayView2, ArrayViewD, Ix3};

use super::lines;
use crate::{
    domain::{embedding::ModelId, raster::Raster, text::half_width},
    engine::vision::{InferenceError, Reading},
    inference::{
        manifest::{Manifest, Role},
        onnx::{Model, Scratch},
        tensor::{Channels, nchw},
    },
};

/// Narrower lines are filled up with zeros on the right: the network was trained on no less.
const MIN_WIDTH: usize = 64;

/// The recogniser with its characters.
pub(super) struct Recogniser {
    model: Model,
    /// By class, class 0 (blank) empty.
    characters: Vec<String>,
    /// The same to look them up.
    letters: HashSet<char>,
}

impl Recogniser {
    /// Loads the model; its file carries the characters, one a line.
    pub(super) fn load(
        manifest: &Manifest,
        models_dir: Option<&Path>,
    ) -> Result<Self, InferenceError> {
        let model = Model::load(
            manifest.model(Role::TextRecogniser)?,
            models_dir,
            Scratch::GivenBack,
        )?;
        let listed = model.metadata("character").ok_or_else(|| {
            InferenceError::Unavailable(format!(
                "model `{}` carries no list of characters",
                model.id()
            ))
        })?;
        // From the model's own file: a list that lies beside it might belong to another version.
        let characters = by_class(&listed);
        let letters = characters.iter().flat_map(|sign| sign.chars()).collect();
        Ok(Self {
            model,
            characters,
            letters,
        })
    }

    /// The model.
    pub(super) fn id(&self) -> &ModelId {
        self.model.id()
    }

    /// Whether a class stands for this letter.
    pub(super) fn knows(&self, letter: char) -> bool {
        self.letters.contains(&letter)
    }

    /// Reads one upright line of any size.
    pub(super) fn read(&mut self, line: &Raster) -> Result<Reading, InferenceError> {
        let line = lines::at_reading_height(line);
        let narrow = nchw(&line, Channels::Bgr, [0.5; 3], [0.5; 3]);
        let input = if line.width() as usize >= MIN_WIDTH {
            narrow
        } else {
            filled_up(&narrow)
        };
        let id = self.model.id().clone();
        let characters = &self.characters;
        self.model
            .run([input.view()], |[scores]| decode(scores, characters))?
            .ok_or_else(|| InferenceError::Failed {
                model: id,
                detail: format!(
                    "the output is not one row of {} classes a step",
                    characters.len()
                ),
            })
    }
}

/// What each class stands for. The network knows East Asian print and answers Latin signs in their
/// wide forms, too, which read and compare worse.
fn by_class(listed: &str) -> Vec<String> {
    let half_width = |sign: &str| sign.chars().map(half_width).collect();
    // The blank in front and the space behind are in no list: training adds them.
    std::iter::once("")
        .chain(listed.lines())
        .chain([" "])
        .map(half_width)
        .collect()
}

fn filled_up(narrow: &Array4<f32>) -> Array4<f32> {
    let (n, c, h, w) = narrow.dim();
    Array4::from_shape_fn((n, c, h, MIN_WIDTH), |(n, c, y, x)| {
        if x < w { narrow[[n, c, y, x]] } else { 0.0 }
    })
}

/// `None` when `scores` is not 1 x steps x `characters.len()`.
fn decode(scores: ArrayViewD<'_, f32>, characters: &[String]) -> Option<Reading> {
    let scores = scores.into_dimensionality::<Ix3>().ok()?;
    // With a list of another length every sign would be read as some other.
    if scores.dim().0 != 1 || scores.dim().2 != characters.len() {
        return None;
    }
    Some(greedy(scores.index_axis(ndarray::Axis(0), 0), characters))
}

/// Greedy CTC: the best class of each step, repeats merged, blanks (class 0) dropped. `scores` is
/// steps x classes.
fn greedy(scores: ArrayView2<'_, f32>, characters: &[String]) -> Reading {
    let (mut text, mut sum, mut count, mut last) = (String::new(), 0.0, 0_u32, 0);
    for step in scores.rows() {
        let (best, score) =
            step.iter().enumerate().fold(
                (0, f32::MIN),
                |best, (i, v)| if *v > best.1 { (i, *v) } else { best },
            );
        // A letter spreads over several steps; only a blank tells two equal ones apart.
        if best != 0 && best != last {
            text += &characters[best];
            sum += f64::from(score);
            count += 1;
        }
        last = best;
    }
    let confidence = if count == 0 {
        0.0
    } else {
        (sum / f64::from(count)).clamp(0.0, 1.0)
    };
    Reading { text, confidence }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array3;

    fn reading(steps: &[(usize, f32)]) -> Reading {
        let characters: Vec<String> = ["", "a", "b", " "].map(str::to_owned).to_vec();
        let mut scores = Array3::zeros((1, steps.len(), 4));
        for (step, (class, score)) in steps.iter().enumerate() {
            scores[[0, step, *class]] = *score;
        }
        decode(scores.view().into_dyn(), &characters).unwrap()
    }

    #[test]
    fn repeats_merge_unless_a_blank_lies_between() {
        let read = reading(&[
            (0, 0.9),
            (1, 0.8),
            (1, 0.6),
            (0, 0.9),
            (1, 0.4),
            (3, 1.0),
            (2, 0.6),
        ]);
        assert_eq!(read.text, "aa b");
        assert!((read.confidence - (0.8 + 0.4 + 1.0 + 0.6) / 4.0).abs() < 1e-6);
    }

    #[test]
    fn wide_signs_are_read_as_the_usual_ones() {
        assert_eq!(by_class("（\nＡ\n茶"), ["", "(", "A", "茶", " "]);
    }

    #[test]
    fn blanks_alone_read_nothing() {
        assert_eq!(
            reading(&[(0, 0.9), (0, 0.9)]),
            Reading {
                text: String::new(),
                confidence: 0.0
            }
        );
    }
}
