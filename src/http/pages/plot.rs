//! Where a photo stands among genuine ones.

use crate::contract::operating_point::OperatingPointAnswer;

/// Bars of the plot.
const BARS: usize = 40;
/// Width and height of the drawing.
const SIZE: (f64, f64) = (480.0, 64.0);
/// Farther out a score says nothing more: the share that it stands for is below one in ten thousand.
const FARTHEST: f64 = 12.0;

/// Genuine photos by how much they agree, and this one.
pub(super) struct Plot {
    /// Left edge, width and height of each bar, from the lower left corner.
    pub bars: Vec<(f64, f64, f64)>,
    /// Where this photo stands.
    pub here: f64,
    /// Share of genuine photos that agree no better, 0 to 1, by weight.
    pub below: f64,
    /// Number of genuine photos.
    pub photos: usize,
}

impl Plot {
    /// Of the genuine scores of an operating point and a similarity, 0 to 1; `None` without any.
    pub(super) fn of(point: &OperatingPointAnswer, similarity: f64) -> Option<Self> {
        let here = log_odds(similarity);
        let scores = point.scores.values().flatten();
        let scores: Vec<_> = scores
            .map(|[s, weight]| (s.clamp(-FARTHEST, FARTHEST), *weight))
            .collect();
        let all: f64 = scores.iter().map(|(_, weight)| weight).sum();
        if all <= 0.0 {
            return None;
        }
        let low = scores.iter().map(|(s, _)| *s).fold(here, f64::min);
        let high = scores.iter().map(|(s, _)| *s).fold(here, f64::max);
        let span = (high - low).max(1e-6);
        let mut heights = [0.0; BARS];
        for (score, weight) in &scores {
            heights[bar((score - low) / span)] += weight;
        }
        let tallest = heights.iter().copied().fold(0.0, f64::max);
        let width = SIZE.0 / BARS as f64;
        let bars = heights.iter().enumerate().map(|(n, height)| {
            let height = SIZE.1 * height / tallest;
            (n as f64 * width, width - 1.0, height)
        });
        let below: f64 = scores
            .iter()
            .filter(|(s, _)| *s <= here)
            .map(|(_, weight)| weight)
            .sum();
        Some(Self {
            bars: bars.filter(|(.., height)| *height > 0.0).collect(),
            here: SIZE.0 * (here - low) / span,
            below: below / all,
            photos: point.photos,
        })
    }
}

fn bar(place: f64) -> usize {
    crate::domain::number::index((place * BARS as f64).floor()).min(BARS - 1)
}

fn log_odds(similarity: f64) -> f64 {
    let s = similarity.clamp(1e-9, 1.0 - 1e-9);
    (s / (1.0 - s)).ln().clamp(-FARTHEST, FARTHEST)
}
