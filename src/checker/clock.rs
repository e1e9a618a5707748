//! The time that each stage of a check takes, and how times are written.

use std::time::Instant;

use crate::engine::{Stage, Stages};

/// Milliseconds per stage, counted on the worker's own time: the wait for a file or for a worker
/// belongs to no stage.
pub(crate) struct Clock {
    last: Instant,
    // A list and not a map: stages are few, and it keeps the order they came in.
    laps: Vec<(Stage, f64)>,
}

impl Clock {
    /// Starts now.
    pub(crate) fn start() -> Self {
        Self {
            last: Instant::now(),
            laps: Vec::new(),
        }
    }

    /// Goes on from now: what lies between was waiting.
    pub(crate) fn resume(&mut self) {
        self.last = Instant::now();
    }

    /// Milliseconds per stage, by the order in which stages first ended.
    pub(crate) fn laps(&self) -> Vec<(Stage, f64)> {
        self.laps.clone()
    }
}

impl Stages for Clock {
    fn ended(&mut self, stage: Stage) {
        let now = Instant::now();
        let ms = (now - self.last).as_secs_f64() * 1e3;
        match self.laps.iter_mut().find(|l| l.0 == stage) {
            // Work that stopped for a reference comes to a stage again; its parts count together.
            Some(lap) => lap.1 += ms,
            None => self.laps.push((stage, ms)),
        }
        self.last = now;
    }
}

/// Milliseconds since 1970, UTC, as RFC 3339.
pub(crate) fn rfc3339(ms: i64) -> String {
    // The clock's own range is far inside what a timestamp can hold.
    jiff::Timestamp::from_millisecond(ms)
        .unwrap_or_default()
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00Z");
        assert_eq!(rfc3339(1_769_851_613_250), "2026-01-31T09:26:53.25Z");
    }
}
