//! Rates with intervals, and the area under the curve: how measurements are reported.

/// A share with its counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rate {
    /// How often.
    pub hits: usize,
    /// Out of how many.
    pub total: usize,
}

impl Rate {
    /// Counts what `flags` says.
    pub(crate) fn of(flags: impl IntoIterator<Item = bool>) -> Self {
        flags.into_iter().fold(Self::default(), |r, hit| Self {
            hits: r.hits + usize::from(hit),
            total: r.total + 1,
        })
    }

    /// The share, 0 to 1; 0 of nothing is 0.
    pub(crate) fn share(self) -> f64 {
        self.hits as f64 / self.total.max(1) as f64
    }

    /// Wilson's 95 % interval (Wilson, "Probable inference", 1927); 0 to 1 for nothing.
    pub(crate) fn wilson_95(self) -> (f64, f64) {
        const Z: f64 = 1.959_964;
        // Nothing measured excludes nothing.
        if self.total == 0 {
            return (0.0, 1.0);
        }
        let (n, p) = (self.total as f64, self.share());
        let scale = 1.0 + Z * Z / n;
        let centre = p + Z * Z / (2.0 * n);
        // Unlike the interval of a normal distribution it stays useful near 0 and 1, where these
        // rates lie.
        let half = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
        (
            ((centre - half) / scale).max(0.0),
            ((centre + half) / scale).min(1.0),
        )
    }
}

/// The chance that a genuine score exceeds a lookalike's, ties counting half (area under the
/// curve); `None` when either side is empty. NaN scores are left out.
#[expect(
    clippy::float_cmp,
    reason = "a tie is two scores that are equal to the last bit"
)]
pub(crate) fn area_under_curve(genuine: &[f64], lookalike: &[f64]) -> Option<f64> {
    let mut all: Vec<(f64, bool)> = genuine.iter().map(|s| (*s, true)).collect();
    all.extend(lookalike.iter().map(|s| (*s, false)));
    // NaN has no rank: left in, it would count as the highest score.
    all.retain(|(s, _)| !s.is_nan());
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    let positives = all.iter().filter(|a| a.1).count() as f64;
    let negatives = all.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let (mut below, mut sum) = (0.0, 0.0);
    for ties in all.chunk_by(|a, b| a.0 == b.0) {
        let own = ties.iter().filter(|t| t.1).count() as f64;
        let other = ties.len() as f64 - own;
        sum += own * (below + other / 2.0);
        below += other;
    }
    Some(sum / (positives * negatives))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "the same sum gives the same bits")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wilson_matches_published_values() {
        let (low, high) = Rate { hits: 1, total: 10 }.wilson_95();
        assert!((low - 0.0179).abs() < 1e-3 && (high - 0.4042).abs() < 1e-3);
        assert_eq!(Rate::default().wilson_95(), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn the_area_is_the_share_of_ordered_pairs(
            a in prop::collection::vec(0..6_u8, 1..20), b in prop::collection::vec(0..6_u8, 1..20),
        ) {
            let (a, b): (Vec<f64>, Vec<f64>) =
                (a.into_iter().map(f64::from).collect(), b.into_iter().map(f64::from).collect());
            let pairs = a.iter().flat_map(|x| b.iter().map(move |y| (x, y)));
            let sum: f64 = pairs.map(|(x, y)| if x > y { 1.0 } else if x == y { 0.5 } else { 0.0 }).sum();
            let expected = sum / (a.len() * b.len()) as f64;
            prop_assert!((area_under_curve(&a, &b).unwrap() - expected).abs() < 1e-12);
        }
    }
}
