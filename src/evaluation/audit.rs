//! The provenance audit: what a classifier reaches that sees how the files were made and nothing of
//! what they show.
//!
//! If it tells genuine claims from others, the evaluation measures how the pictures were made, and
//! its other figures mean little.

use std::collections::BTreeMap;

use super::{facts::FACTS, measured::Row};
use crate::domain::rates::area_under_curve;

/// A claim: the facts of the photo and of the reference.
const INPUTS: usize = 2 * FACTS;
/// Articles are dealt into this many parts; each is told apart by what was learnt on the others.
const FOLDS: usize = 5;
/// Rounds and step of the gradient descent, and the ridge that holds the weights.
const ROUNDS: usize = 400;
const RATE: f64 = 0.5;
const RIDGE: f64 = 0.01;

/// One claim as the classifier sees it.
struct Case {
    inputs: [f64; INPUTS],
    genuine: bool,
    fold: usize,
}

/// Per group of claims that are not genuine: the area under the curve of a logistic classifier that
/// sees only facts of the files, each article judged by what was learnt on others. 0.5 is chance.
pub(crate) fn audit(rows: &[Row]) -> BTreeMap<String, f64> {
    // Parts by article and not by photo: photos of one article share camera and table, and would
    // give each other away.
    let mut articles: Vec<_> = rows.iter().map(|r| r.photo.key()).collect();
    articles.sort();
    articles.dedup();
    let case = |row: &Row| {
        let mut inputs = [0.0; INPUTS];
        inputs[..FACTS].copy_from_slice(&row.photo_facts.0);
        inputs[FACTS..].copy_from_slice(&row.reference_facts.0);
        let fold = articles.binary_search(&row.photo.key()).unwrap_or(0) % FOLDS;
        Case {
            inputs,
            genuine: row.group == "genuine",
            fold,
        }
    };
    let mut groups: Vec<&str> = rows
        .iter()
        .map(|r| r.group.as_str())
        .filter(|g| *g != "genuine")
        .collect();
    groups.sort_unstable();
    groups.dedup();
    groups
        .into_iter()
        .filter_map(|group| {
            let cases: Vec<Case> = rows
                .iter()
                .filter(|r| r.group == group || r.group == "genuine")
                .map(case)
                .collect();
            Some((group.to_owned(), separation(&cases)?))
        })
        .collect()
}

fn separation(cases: &[Case]) -> Option<f64> {
    let (mut genuine, mut others) = (Vec::new(), Vec::new());
    for fold in 0..FOLDS {
        let learnt: Vec<&Case> = cases.iter().filter(|c| c.fold != fold).collect();
        let score = classifier(&learnt);
        for case in cases.iter().filter(|c| c.fold == fold) {
            if case.genuine {
                &mut genuine
            } else {
                &mut others
            }
            .push(score(&case.inputs));
        }
    }
    area_under_curve(&genuine, &others)
}

/// Logistic regression on standardised inputs, both classes of equal weight.
fn classifier(cases: &[&Case]) -> impl Fn(&[f64; INPUTS]) -> f64 + use<> {
    let n = cases.len().max(1) as f64;
    let mean: [f64; INPUTS] =
        std::array::from_fn(|k| cases.iter().map(|c| c.inputs[k]).sum::<f64>() / n);
    let spread: [f64; INPUTS] = std::array::from_fn(|k| {
        (cases
            .iter()
            .map(|c| (c.inputs[k] - mean[k]).powi(2))
            .sum::<f64>()
            / n)
            .sqrt()
            // A fact that never varies has no spread, and must not divide by it.
            .max(1e-9)
    });
    let standard = move |x: &[f64; INPUTS]| -> [f64; INPUTS] {
        std::array::from_fn(|k| (x[k] - mean[k]) / spread[k])
    };
    let genuine = cases.iter().filter(|c| c.genuine).count() as f64;
    let rows: Vec<([f64; INPUTS], f64, f64)> = cases
        .iter()
        .map(|c| {
            // Equal weight, else the larger group alone would shape the weights.
            let (wanted, count) = if c.genuine {
                (1.0, genuine)
            } else {
                (0.0, n - genuine)
            };
            (standard(&c.inputs), wanted, 0.5 / count.max(1.0))
        })
        .collect();
    let (mut weights, mut intercept) = ([0.0; INPUTS], 0.0);
    // Plain descent will do: the problem is convex and small, and the same input must give the same
    // figure.
    for _ in 0..ROUNDS {
        let (mut slope, mut lift) = ([0.0; INPUTS], 0.0);
        for (x, wanted, weight) in &rows {
            let odds = intercept + dot(&weights, x);
            let error = weight * (crate::domain::fusion::sigmoid(odds) - wanted);
            (0..INPUTS).for_each(|k| slope[k] += error * x[k]);
            lift += error;
        }
        (0..INPUTS).for_each(|k| weights[k] -= RATE * (slope[k] + RIDGE * weights[k]));
        intercept -= RATE * lift;
    }
    move |x| intercept + dot(&weights, &standard(x))
}

fn dot(a: &[f64; INPUTS], b: &[f64; INPUTS]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cases(gap: f64) -> Vec<Case> {
        (0..200_u32)
            .map(|i| {
                let genuine = i % 2 == 0;
                let noise = (f64::from(i) * 12.9898).sin() * 43758.5453;
                let mut inputs = [0.0; INPUTS];
                inputs[2] = noise - noise.floor() + if genuine { gap } else { 0.0 };
                Case {
                    inputs,
                    genuine,
                    fold: (i / 2) as usize % FOLDS,
                }
            })
            .collect()
    }

    #[test]
    fn files_made_alike_are_at_chance_and_others_are_told_apart() {
        let alike = separation(&cases(0.0)).unwrap();
        assert!((0.35..0.65).contains(&alike), "{alike}");
        let apart = separation(&cases(0.8)).unwrap();
        assert!(apart > 0.9, "{apart}");
    }
}
