//! What a comparison found of each product, told in coordinates of the photo.

use super::{
    candidate::Candidate,
    compare::{Comparison, Subject},
    defaults::Defaults,
    inspect::{InspectedMark, Inspection},
    search::Query,
};
use crate::domain::tuning::{
    appearance::DEVIATION_DROP,
    colour::{NOTABLE_TURN, OTHER_COLOUR},
    text::CONFIDENT,
};
use crate::domain::{
    cells::blobs,
    fusion::sigmoid,
    geometry::{Homography, Point, Rect, check_quad},
    score::{Difference, Similarity},
    verdict::{Channels, MarkAnswer, MarkComparison, MatchReport},
};

/// Matches returned for one photo.
const MATCHES: usize = 5;
/// Deviations outside the marks returned for one match.
const DEVIATIONS: usize = 3;

/// The subject's match first, then the others by rank.
pub(crate) fn matches(
    defaults: &Defaults,
    query: &Query,
    comparison: &Comparison,
) -> Vec<MatchReport> {
    let subject = comparison.subject.as_ref();
    let is_other = |i: &usize| subject.is_none_or(|s| s.candidate != *i);
    let others = (0..comparison.candidates.len()).filter(is_other);
    // What was asked comes first, even when others fit better.
    let order = subject.map(|s| s.candidate).into_iter().chain(others);
    let close = |i: usize| subject.filter(|s| s.candidate == i);
    order
        .take(MATCHES)
        .map(|i| match_report(defaults, query, comparison, i, close(i)))
        .collect()
}

fn match_report(
    defaults: &Defaults,
    query: &Query,
    comparison: &Comparison,
    index: usize,
    close: Option<&Subject>,
) -> MatchReport {
    let candidate = &comparison.candidates[index];
    let inspection = close.and_then(|s| s.inspection.as_ref());
    let score = match close {
        Some(subject) => subject.score.value(),
        None => defaults
            .fusion
            .score(&comparison.rough_evidence(index))
            .value(),
    };
    let outline = Outline::new(query, candidate, inspection);
    let (mut marks, mut places) = (Vec::new(), Vec::new());
    if let (Some(inspection), Some(outline)) = (inspection, &outline) {
        marks.extend(
            inspection
                .marks
                .iter()
                .map(|m| mark_report(defaults, m, outline)),
        );
        places = deviations(inspection, outline);
    }
    MatchReport {
        product: candidate.reference.product.clone(),
        reference: candidate.reference.id.clone(),
        similarity: Similarity::saturating(sigmoid(score.get())),
        channels: channels(candidate, close),
        marks,
        region: outline.as_ref().map(|o| o.quad),
        reference_to_photo: outline.as_ref().map(|o| o.unit_to_unit),
        deviations: places,
    }
}

fn channels(candidate: &Candidate, close: Option<&Subject>) -> Channels {
    let inspection = close.and_then(|s| s.inspection.as_ref());
    let seen = || {
        inspection
            .iter()
            .flat_map(|i| i.marks.iter().filter_map(|m| m.weighed.as_ref()))
    };
    // An unsure reading says more about the photo than about the print.
    let sure = seen().filter(|w| w.evidence.text_confidence >= CONFIDENT);
    let texts: Vec<f64> = sure.filter_map(|w| w.evidence.text).collect();
    let turns = seen().filter_map(|w| Some(w.evidence.turn?.strength));
    let turn = turns.max_by(f64::total_cmp);
    Channels {
        embedding: Some(candidate.embedding),
        inliers: candidate.inliers(),
        inlier_ratio: candidate.inlier_ratio(),
        spread: candidate.location.as_ref().map_or(0.0, |l| l.spread),
        appearance: inspection.and_then(|i| i.blocks.mean()),
        text: (!texts.is_empty()).then(|| texts.iter().sum::<f64>() / texts.len() as f64),
        colour: turn.map(|strength| 1.0 - (strength / OTHER_COLOUR).min(1.0)),
    }
}

/// How places of a reference are told in 0..1 of the photo.
struct Outline {
    quad: [Point; 4],
    frame_to_unit: Homography,
    unit_to_unit: Homography,
}

impl Outline {
    fn new(query: &Query, candidate: &Candidate, inspection: Option<&Inspection>) -> Option<Self> {
        let located = candidate
            .location
            .as_ref()
            .filter(|_| candidate.is_located())?;
        // Drawn by the map that the marks were judged by, where there is one.
        let map = inspection.map_or(located.reference_to_photo, |i| i.reference_to_photo);
        let to_unit = query.frame_to_unit();
        let features = &candidate.features;
        let corners = check_quad(&map, features.frame_size(), query.frame.size()).ok()?;
        let frame_to_unit = to_unit.after(&map);
        Some(Self {
            quad: corners.map(|p| to_unit.apply(p)),
            frame_to_unit,
            unit_to_unit: frame_to_unit.after(&features.from_unit),
        })
    }

    fn place(&self, points: &[Point]) -> Vec<Point> {
        points
            .iter()
            .map(|p| self.frame_to_unit.apply(*p))
            .collect()
    }
}

fn mark_report(defaults: &Defaults, seen: &InspectedMark, outline: &Outline) -> MarkComparison {
    let (model, thresholds) = (&defaults.fusion.mark, &defaults.thresholds);
    let InspectedMark {
        mark,
        observation,
        weighed,
    } = seen;
    let evidence = weighed.as_ref().map(|w| w.evidence);
    let odds = evidence.map(|e| model.log_odds(&e.inputs()));
    let score = odds.map_or(0.0, |o| sigmoid(-o.get()));
    // What the mark would count for if nothing were known of genuine photos.
    let alone = observation
        .as_ref()
        .map(|seen| seen.weighed(0, None).evidence);
    let alone = alone.map_or(score, |e| sigmoid(-model.log_odds(&e.inputs()).get()));
    let unseen = observation.as_ref().map_or(1.0, |seen| seen.unseen);
    // A difference is told even of a mark that is half hidden, since what can be seen of it
    // differs. Agreement is not: a change may lie in the rest.
    let answer = match odds {
        None => MarkAnswer::CannotSee,
        Some(odds) if odds.get() < thresholds.mark_different_below => MarkAnswer::Different,
        Some(_) if unseen > thresholds.mark_unseen_above => MarkAnswer::CannotSee,
        Some(_) => MarkAnswer::Same,
    };
    let turn = evidence
        .and_then(|e| e.turn)
        .filter(|t| t.strength >= NOTABLE_TURN);
    let differing = observation.iter().zip(weighed).flat_map(|(seen, weighed)| {
        let blobs = blobs(&weighed.cells, seen.first.columns);
        blobs
            .into_iter()
            .map(|block| outline.place(&seen.first.cells_to_frame(block).corners()))
    });
    MarkComparison {
        answer,
        score: Difference::saturating(score),
        genuine_variation: (alone - score).max(0.0),
        misreads: evidence.is_some_and(|e| e.text.is_some_and(|agreement| agreement < 1.0)),
        region: mark
            .region
            .iter()
            .map(|p| outline.unit_to_unit.apply(*p))
            .collect(),
        differing: differing.collect(),
        hue_turn: turn.map(|turn| turn.degrees),
        mark: mark.clone(),
        observation: observation.clone(),
    }
}

/// Blocks far below the mean correlation whose middle no mark or place holds, worst first.
fn deviations(
    Inspection { blocks, boxes, .. }: &Inspection,
    outline: &Outline,
) -> Vec<(Vec<Point>, Difference)> {
    let Some(mean) = blocks.mean() else {
        return Vec::new();
    };
    // Against the photo's own mean: a blurred one agrees less everywhere, and only what falls out
    // of line is worth showing. Marks speak for their places themselves.
    let mut low: Vec<(f64, usize)> = blocks
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(i, b)| Some((mean - f64::from(b.as_ref()?.correlation), i)))
        .filter(|(drop, i)| *drop > DEVIATION_DROP && !blocks.lies_in(*i, boxes))
        .collect();
    low.sort_by(|a, b| b.0.total_cmp(&a.0));
    let corners = |i: usize| {
        let (x, y, side) = blocks.place(i);
        let (x, y, s) = (x as f64, y as f64, side as f64);
        Rect::new(x, y, x + s, y + s).corners()
    };
    low.into_iter()
        .take(DEVIATIONS)
        .map(|(d, i)| (outline.place(&corners(i)), Difference::saturating(d)))
        .collect()
}
