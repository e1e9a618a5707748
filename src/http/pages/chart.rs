//! Checks of a brand by day, as bars.

use crate::contract::{Verdict, statistics::StatisticsAnswer};

use super::view;

/// Width of a day, and height of the tallest bar, in the drawing's units.
const DAY: usize = 16;
const HEIGHT: f64 = 100.0;

/// Bars of all days, one verdict upon the other.
pub(super) struct Chart {
    pub bars: Vec<Bar>,
    pub width: usize,
    /// Checks of the day that had most.
    pub most: usize,
    /// Checks of all days.
    pub all: usize,
    pub first: String,
    pub last: String,
}

/// Checks of one day and verdict.
pub(super) struct Bar {
    pub x: usize,
    pub y: f64,
    pub height: f64,
    /// How it is shown, as verdicts are elsewhere.
    pub tone: &'static str,
    pub label: String,
}

impl Chart {
    /// `None` where there is nothing to show.
    pub(super) fn of(statistics: &StatisticsAnswer) -> Option<Self> {
        let days = &statistics.days;
        let most = days.iter().map(|d| d.verdicts.values().sum()).max()?;
        if most == 0 {
            return None;
        }
        let mut bars = Vec::new();
        for (n, day) in days.iter().enumerate() {
            let mut below = 0.0;
            for verdict in Verdict::ALL {
                let Some(checks) = day.verdicts.get(verdict) else {
                    continue;
                };
                let height = HEIGHT * *checks as f64 / most as f64;
                below += height;
                bars.push(Bar {
                    x: n * DAY,
                    y: HEIGHT - below,
                    height,
                    tone: view::tone(verdict),
                    label: format!("{}: {checks} {}", day.day, view::words(verdict.name())),
                });
            }
        }
        Some(Self {
            bars,
            width: days.len() * DAY,
            most,
            all: statistics.verdicts.values().sum(),
            first: days.first()?.day.clone(),
            last: days.last()?.day.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::statistics::{DayAnswer, DecidedAnswer};

    #[test]
    fn the_tallest_day_fills_the_height_and_verdicts_stand_upon_each_other() {
        let day = |day: &str, verdicts: &[(Verdict, usize)]| DayAnswer {
            day: day.to_owned(),
            verdicts: verdicts.iter().copied().collect(),
        };
        let mut statistics = StatisticsAnswer {
            brand: "acme".to_owned(),
            days: vec![
                day("2026-01-01", &[(Verdict::Consistent, 1)]),
                day("2026-01-02", &[]),
                day(
                    "2026-01-03",
                    &[(Verdict::Consistent, 3), (Verdict::Deviates, 1)],
                ),
            ],
            verdicts: [(Verdict::Consistent, 4), (Verdict::Deviates, 1)].into(),
            products: [].into(),
            decided: DecidedAnswer::of(0, 0),
        };
        let chart = Chart::of(&statistics).unwrap();
        let places: Vec<_> = chart.bars.iter().map(|b| (b.x, b.y, b.height)).collect();
        assert_eq!(places, [(0, 75.0, 25.0), (32, 25.0, 75.0), (32, 0.0, 25.0)]);
        assert_eq!((chart.most, chart.all, chart.width), (4, 5, 48));
        statistics.days.truncate(2);
        statistics.days.remove(0);
        assert!(Chart::of(&statistics).is_none());
    }
}
