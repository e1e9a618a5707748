//! Seeded randomness: the same seed draws the same numbers, on every machine.

/// SplitMix64 (Steele, Lea, Flood, 2014): small, seeded, good enough to draw samples and noise.
#[derive(Clone, Debug)]
pub(crate) struct SplitMix(pub u64);

impl SplitMix {
    /// 64 random bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A whole number from 0 to `n`, exclusive; 0 when `n` is 0.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "the product's upper half is below `n`"
    )]
    pub(crate) fn below(&mut self, n: usize) -> usize {
        // By the product's upper half: no division, and nearly no bias for small `n`.
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// A number from 0 to 1, exclusive.
    pub(crate) fn unit(&mut self) -> f64 {
        // 53 bits are all that a float holds: more would round up to 1.
        (self.bits() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// A number from `low` to `high`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// True with this chance, 0 to 1.
    pub(crate) fn chance(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// Puts things in a random order, every order as likely (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, things: &mut [T]) {
        for i in (1..things.len()).rev() {
            things.swap(i, self.below(i + 1));
        }
    }

    /// Nearly normal with mean 0 and standard deviation 1, within -3.5 to 3.5: the sum of four even
    /// draws.
    pub(crate) fn normal(&mut self) -> f64 {
        let bits = self.bits();
        // Four draws of 16 bits come from one number, and need no logarithm or sine, which machines
        // may round differently.
        let sum: u64 = (0..4).map(|i| (bits >> (16 * i)) & 0xffff).sum();
        (sum as f64 / 65_535.0 - 2.0) * 3.0_f64.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_their_ranges_and_have_their_moments() {
        let mut random = SplitMix(7);
        let draws: Vec<f64> = (0..20_000).map(|_| random.normal()).collect();
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        let variance = draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / draws.len() as f64;
        assert!(
            mean.abs() < 0.03 && (variance - 1.0).abs() < 0.03,
            "{mean} {variance}"
        );
        assert!(
            (0..1000)
                .all(|_| random.below(3) < 3 && (2.0..5.0).contains(&random.between(2.0, 5.0)))
        );
        assert_eq!(SplitMix(1).below(0), 0);
        assert_eq!(SplitMix(9).bits(), SplitMix(9).bits());
    }
}
