//! How well outlines lie on the boxes that a person drew.

use serde::Serialize;

use super::rates::RateReport;
use crate::{domain::rates::Rate, evaluation::measured::Row};

/// Overlap from which an outline is said to mark the article (the usual bound for objects:
/// Everingham et al., "The PASCAL visual object classes challenge", 2010).
const MARKED: f64 = 0.5;

/// Overlaps (intersection over union) of genuine claims on photos with a box.
#[derive(Debug, Serialize)]
pub(crate) struct Boxes {
    /// Claims whose answer has an outline.
    pub outlined: RateReport,
    /// Median overlap of those with an outline.
    pub median: Option<f64>,
    /// Claims that overlap by half or more; one without an outline does not.
    pub at_least_half: RateReport,
}

/// `None` where no photo has a box.
pub(crate) fn boxes(rows: &[&Row]) -> Option<Boxes> {
    let boxed: Vec<Option<f64>> = rows.iter().filter(|r| r.boxed).map(|r| r.overlap).collect();
    if boxed.is_empty() {
        return None;
    }
    let mut overlaps: Vec<f64> = boxed.iter().copied().flatten().collect();
    overlaps.sort_by(f64::total_cmp);
    let n = overlaps.len();
    let middle = (n > 0).then(|| f64::midpoint(overlaps[(n - 1) / 2], overlaps[n / 2]));
    Some(Boxes {
        outlined: Rate::of(boxed.iter().map(Option::is_some)).into(),
        median: middle,
        at_least_half: Rate::of(boxed.iter().map(|o| o.is_some_and(|o| o >= MARKED))).into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_article_without_an_outline_counts_against_the_share_and_not_in_the_median() {
        let row = |boxed, overlap| Row {
            boxed,
            overlap,
            ..Row::default()
        };
        let rows = [
            row(true, Some(0.4)),
            row(true, Some(0.9)),
            row(true, Some(0.8)),
            row(true, None),
            row(false, None),
        ];
        let rows: Vec<&Row> = rows.iter().collect();
        let seen = boxes(&rows).unwrap();
        assert_eq!(seen.median, Some(0.8));
        assert_eq!((seen.outlined.hits, seen.outlined.total), (3, 4));
        assert_eq!((seen.at_least_half.hits, seen.at_least_half.total), (2, 4));
        assert!((boxes(&rows[..2]).unwrap().median.unwrap() - 0.65).abs() < 1e-12);
        assert_eq!(boxes(&rows[3..4]).unwrap().median, None);
        assert!(boxes(&rows[4..]).is_none());
    }
}
