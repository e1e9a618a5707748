//! MAGSAC++: robust estimation that marginalises over the noise scale instead of trusting one
//! threshold.

use super::{Homography, Point, check_quad, number::index};
use crate::domain::{
    random::SplitMix,
    tuning::{
        fit::{
            CONFIDENCE, FEWEST_INLIERS, MAX_SAMPLES, NEARLY, REFINE_ROUNDS, RESAMPLED, RESAMPLES,
            SEED, WIDER,
        },
        locate::FIRST_ERROR_PX,
    },
};

/// How hard and how strictly to search.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MagsacOptions {
    /// Largest error considered, in pixels of the target frame; points farther off have no weight.
    pub max_error_px: f64,
    /// Most samples to draw.
    pub max_samples: usize,
    /// Stop when a better model would be missed with a chance below 1 - this.
    pub confidence: f64,
    /// Seed of the sampler.
    pub seed: u64,
}

impl Default for MagsacOptions {
    fn default() -> Self {
        Self {
            max_error_px: FIRST_ERROR_PX,
            max_samples: MAX_SAMPLES,
            confidence: CONFIDENCE,
            seed: u64::from(SEED),
        }
    }
}

/// A fitted map and the pairs that agree with it.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustFit {
    /// Maps the first points of the pairs to the second.
    pub map: Homography,
    /// Indices of the pairs within the largest error, ascending.
    pub inliers: Vec<usize>,
}

/// Fits the map of `pairs` (from, to), given in order of falling trust. `from_frame` and `to_frame`
/// are the sides in pixels of the frames that the points lie in; maps that turn the first into no
/// believable outline are refused. `None` when no map has six inliers.
pub fn fit_homography(
    pairs: &[(Point, Point)],
    from_frame: (f64, f64),
    to_frame: (f64, f64),
    options: &MagsacOptions,
) -> Option<RobustFit> {
    if pairs.len() < FEWEST_INLIERS {
        return None;
    }
    // The tables cost more than a sample: one for all of them.
    let loss = MarginalLoss::new(options.max_error_px);
    let wider = loss.widened(WIDER);
    let believable = |map: &Homography| check_quad(map, from_frame, to_frame).is_ok();
    let mut random = SplitMix(options.seed);
    let mut best: Option<(f64, Homography)> = None;
    let mut needed = options.max_samples;
    let mut drawn = 0;
    while drawn < needed {
        let sample = draw(&mut random, pairs.len(), drawn, options.max_samples);
        drawn += 1;
        let (from, to) = (sample.map(|i| pairs[i].0), sample.map(|i| pairs[i].1));
        // Cheap, and it refuses most wrong samples before a system of equations is solved.
        if !same_orientation(&from, &to) {
            continue;
        }
        let Some(map) = Homography::through(from, to).filter(|m| believable(m)) else {
            continue;
        };
        // Only what beats the best so far is worth refining: refining costs many times a gain.
        let (gain, _) = loss.gain(&map, pairs);
        if best.as_ref().is_some_and(|(b, _)| gain <= *b) {
            continue;
        }
        let (_, rough) = refine(&wider, pairs, map, &believable);
        // The wide loss reaches pairs that the sample missed, the narrow one then says which start
        // was better: neither alone is always right on a bent pack.
        let (near, far) = (
            refine(&loss, pairs, map, &believable),
            refine(&loss, pairs, rough, &believable),
        );
        let (gain, map) = if far.0 > near.0 { far } else { near };
        let inliers = inliers(&map, pairs, options.max_error_px).len();
        // More inliers mean that fewer samples are needed to meet a good one.
        needed = samples_needed(inliers as f64 / pairs.len() as f64, options);
        best = Some((gain, map));
    }
    // The last chance for a pack that is bent: a sample of four cannot average over the bend.
    let map = resampled(&loss, pairs, best?, &believable, &mut random, options);
    let inliers = inliers(&map, pairs, options.max_error_px);
    if inliers.len() < FEWEST_INLIERS {
        return None;
    }
    Some(RobustFit { map, inliers })
}

fn squared_error(map: &Homography, (from, to): &(Point, Point)) -> f64 {
    let p = map.apply(*from);
    let (dx, dy) = (p.x - to.x, p.y - to.y);
    dx * dx + dy * dy
}

fn inliers(map: &Homography, pairs: &[(Point, Point)], max_error_px: f64) -> Vec<usize> {
    let limit = max_error_px * max_error_px;
    (0..pairs.len())
        .filter(|&i| squared_error(map, &pairs[i]) <= limit)
        .collect()
}

/// Iteratively re-weighted least squares with the marginal weights (sigma-consensus++); keeps only
/// what gains. The map with its gain.
fn refine(
    loss: &MarginalLoss,
    pairs: &[(Point, Point)],
    start: Homography,
    believable: &impl Fn(&Homography) -> bool,
) -> (f64, Homography) {
    let mut best = (loss.gain(&start, pairs).0, start);
    for _ in 0..REFINE_ROUNDS {
        let weighted: Vec<_> = pairs
            .iter()
            .filter_map(|pair| {
                let w = loss.weight(squared_error(&best.1, pair));
                (w > 0.0).then_some((pair.0, pair.1, w))
            })
            .collect();
        let Some(map) = Homography::fit(&weighted).filter(|m| believable(m)) else {
            break;
        };
        let (gain, _) = loss.gain(&map, pairs);
        // Rounds that gain next to nothing would otherwise go on to the limit.
        if gain <= best.0 + 1e-9 {
            break;
        }
        best = (gain, map);
    }
    best
}

/// The best of a map and of fits to samples of the pairs that nearly agree with it, each refined.
fn resampled(
    loss: &MarginalLoss,
    pairs: &[(Point, Point)],
    mut best: (f64, Homography),
    believable: &impl Fn(&Homography) -> bool,
    random: &mut SplitMix,
    options: &MagsacOptions,
) -> Homography {
    for _ in 0..RESAMPLES {
        let near = inliers(&best.1, pairs, NEARLY * options.max_error_px);
        // Of fewer pairs every sample is nearly all of them, and the fit nothing new.
        if near.len() < 2 * RESAMPLED {
            break;
        }
        let sample = [(); RESAMPLED].map(|()| pairs[near[random.below(near.len())]]);
        let Some(map) =
            Homography::fit(&sample.map(|(from, to)| (from, to, 1.0))).filter(|m| believable(m))
        else {
            continue;
        };
        let found = refine(loss, pairs, map, believable);
        if found.0 > best.0 {
            best = found;
        }
    }
    best.1
}

fn samples_needed(inlier_share: f64, options: &MagsacOptions) -> usize {
    // Kept off 0 and 1, where the quotient below is not finite.
    let good = inlier_share.powi(4).clamp(1e-9, 1.0 - 1e-9);
    let wanted = ((1.0 - options.confidence).ln() / (1.0 - good).ln()).ceil();
    // A first model may have its inliers by chance: some more samples are drawn in any case.
    index(wanted).clamp(32, options.max_samples)
}

/// Four distinct indices. The pool grows from the most trusted pairs to all of them over the first
/// half of the draws (the idea of PROSAC: Chum and Matas, CVPR 2005).
fn draw(random: &mut SplitMix, pairs: usize, drawn: usize, max_samples: usize) -> [usize; 4] {
    let start = pairs.min(16);
    // Early samples of trusted pairs find most maps at once; the later ones of all pairs guard
    // against trusted pairs that are wrong together.
    let grown = start + (pairs - start) * (2 * drawn).min(max_samples) / max_samples.max(1);
    let mut sample = [usize::MAX; 4];
    let mut filled = 0;
    while filled < 4 {
        let i = random.below(grown.max(4));
        // The same pair twice makes the system singular.
        if !sample[..filled].contains(&i) {
            sample[filled] = i;
            filled += 1;
        }
    }
    sample
}

/// A view of a plane from its front keeps the orientation of every triple of points.
fn same_orientation(from: &[Point; 4], to: &[Point; 4]) -> bool {
    let side = |p: &[Point; 4], a: usize, b: usize, c: usize| {
        (p[b].x - p[a].x) * (p[c].y - p[a].y) - (p[b].y - p[a].y) * (p[c].x - p[a].x)
    };
    [(0, 1, 2), (1, 2, 3), (2, 3, 0), (3, 0, 1)]
        .iter()
        .all(|&(a, b, c)| side(from, a, b, c) * side(to, a, b, c) > 0.0)
}

/// The loss and weight of MAGSAC++ for point pairs (4 degrees of freedom), tabulated over the
/// squared error.
#[derive(Clone)]
struct MarginalLoss {
    limit: f64,
    weights: Vec<f64>,
    losses: Vec<f64>,
}

impl MarginalLoss {
    const STEPS: usize = 512;
    /// The 0.99 quantile of the chi distribution with 4 degrees of freedom.
    const QUANTILE: f64 = 3.64;

    fn new(max_error_px: f64) -> Self {
        let limit = max_error_px * max_error_px;
        let sigma = max_error_px / Self::QUANTILE;
        // Without it, the weight would jump at the limit instead of ending there at 0.
        let floor = upper_gamma_three_halves(Self::QUANTILE * Self::QUANTILE / 2.0);
        let weight = |squared: f64| {
            (upper_gamma_three_halves(squared / (2.0 * sigma * sigma)) - floor).max(0.0)
        };
        let top = weight(0.0);
        let step = limit / Self::STEPS as f64;
        let weights: Vec<f64> = (0..=Self::STEPS)
            .map(|i| weight(i as f64 * step) / top)
            .collect();
        // The loss is the integral of r w(r) dr, which is half the integral of w over the squared
        // error.
        let mut losses = vec![0.0; Self::STEPS + 1];
        for i in 1..=Self::STEPS {
            losses[i] = losses[i - 1] + (weights[i - 1] + weights[i]) / 2.0;
        }
        // Scaled to 1 at the limit, so that a gain counts pairs whatever the limit is.
        let most = losses[Self::STEPS];
        losses.iter_mut().for_each(|l| *l /= most);
        Self {
            limit,
            weights,
            losses,
        }
    }

    /// The same for errors `times` as large: both are functions of the error's share of the
    /// largest.
    fn widened(&self, times: f64) -> Self {
        Self {
            limit: self.limit * times * times,
            ..self.clone()
        }
    }

    fn slot(&self, squared: f64) -> Option<usize> {
        // A NaN error (a point at infinity) fails the comparison and counts as an outlier.
        (squared < self.limit).then(|| index(squared / self.limit * Self::STEPS as f64))
    }

    fn weight(&self, squared: f64) -> f64 {
        self.slot(squared).map_or(0.0, |i| self.weights[i])
    }

    /// Sum over the pairs of 1 minus the loss, and how many pairs lie within the limit; higher is
    /// better.
    fn gain(&self, map: &Homography, pairs: &[(Point, Point)]) -> (f64, usize) {
        let mut gain = 0.0;
        let mut count = 0;
        for pair in pairs {
            if let Some(i) = self.slot(squared_error(map, pair)) {
                gain += 1.0 - self.losses[i];
                count += 1;
            }
        }
        (gain, count)
    }
}

/// Upper incomplete gamma function of 3/2 and `x` >= 0.
fn upper_gamma_three_halves(x: f64) -> f64 {
    x.sqrt() * (-x).exp() + std::f64::consts::PI.sqrt() / 2.0 * erfc(x.sqrt())
}

/// Complementary error function for `x` >= 0, absolute error below 1.5e-7 (Abramowitz and Stegun,
/// 7.1.26).
fn erfc(x: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x);
    let series = t
        * (0.254_829_592
            + t * (-0.284_496_736
                + t * (1.421_413_741 + t * (-1.453_152_027 + t * 1.061_405_429))));
    series * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "the same sum gives the same bits")]

    use super::*;
    use proptest::prelude::*;

    const FROM: (f64, f64) = (450.0, 640.0);
    const TO: (f64, f64) = (960.0, 720.0);

    /// `inliers` pairs that obey a map up to `noise` pixels, then `outliers` at random, shuffled in
    /// trust.
    fn scene(
        inliers: usize,
        outliers: usize,
        noise: f64,
        seed: u64,
    ) -> (Homography, Vec<(Point, Point)>) {
        let map = Homography([0.9, 0.2, 200.0, -0.15, 0.8, 120.0, 2e-4, 1e-4, 1.0]);
        let mut random = SplitMix(seed);
        let mut unit = || random.bits() as f64 / u64::MAX as f64;
        let mut pairs = Vec::new();
        for i in 0..inliers + outliers {
            let from = Point::new(unit() * FROM.0, unit() * FROM.1);
            let exact = map.apply(from);
            let to = if i % (inliers + outliers) < inliers {
                Point::new(
                    exact.x + (unit() - 0.5) * 2.0 * noise,
                    exact.y + (unit() - 0.5) * 2.0 * noise,
                )
            } else {
                Point::new(unit() * TO.0, unit() * TO.1)
            };
            pairs.push((from, to));
        }
        let keys: Vec<u64> = pairs.iter().map(|_| random.bits()).collect();
        let mut order: Vec<usize> = (0..pairs.len()).collect();
        order.sort_by_key(|&i| keys[i]);
        (map, order.into_iter().map(|i| pairs[i]).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn finds_the_map_among_outliers(seed in any::<u64>()) {
            let (map, pairs) = scene(60, 60, 1.0, seed);
            let fit = fit_homography(&pairs, FROM, TO, &MagsacOptions::default());
            prop_assert!(fit.is_some());
            let fit = fit.unwrap();
            prop_assert!(fit.inliers.len() >= 55, "{} inliers", fit.inliers.len());
            for (x, y) in [(20.0, 20.0), (430.0, 20.0), (430.0, 620.0), (20.0, 620.0)] {
                let p = Point::new(x, y);
                prop_assert!(fit.map.apply(p).distance(map.apply(p)) < 3.0);
            }
        }
    }

    /// As [`fit_homography`] searches, from 4000 samples that all may come from anywhere, each
    /// refined.
    fn best_gain_of_many(pairs: &[(Point, Point)], options: &MagsacOptions) -> f64 {
        let (loss, mut random) = (MarginalLoss::new(options.max_error_px), SplitMix(99));
        let believable = |map: &Homography| check_quad(map, FROM, TO).is_ok();
        let gains = (0..4000).filter_map(|_| {
            let sample = draw(
                &mut random,
                pairs.len(),
                usize::MAX / 4,
                options.max_samples,
            );
            let (from, to) = (sample.map(|i| pairs[i].0), sample.map(|i| pairs[i].1));
            let map = Homography::through(from, to)
                .filter(|m| same_orientation(&from, &to) && believable(m))?;
            Some(refine(&loss, pairs, map, &believable).0)
        });
        gains.fold(0.0, f64::max)
    }

    #[test]
    fn a_bent_pack_is_fitted_as_well_as_by_trying_everything() {
        for seed in 0..12 {
            let (_, mut pairs) = scene(150, 60, 1.5, seed);
            // A box whose front bulges: its middle is seen up to 8 pixels off the plane through its
            // edges.
            let bulge = |v: f64, side: f64| (std::f64::consts::PI * v / side).sin();
            pairs
                .iter_mut()
                .for_each(|(from, to)| to.x += 8.0 * bulge(from.x, FROM.0) * bulge(from.y, FROM.1));
            let options = MagsacOptions {
                max_error_px: 4.0,
                ..MagsacOptions::default()
            };
            let fit = fit_homography(&pairs, FROM, TO, &options).unwrap();
            let gain = MarginalLoss::new(options.max_error_px)
                .gain(&fit.map, &pairs)
                .0;
            let most = best_gain_of_many(&pairs, &options);
            assert!(gain > 0.96 * most, "seed {seed}: {gain:.1} of {most:.1}");
        }
    }

    #[test]
    fn the_same_pairs_give_the_same_fit() {
        let (_, pairs) = scene(40, 80, 1.5, 7);
        let options = MagsacOptions::default();
        assert_eq!(
            fit_homography(&pairs, FROM, TO, &options),
            fit_homography(&pairs, FROM, TO, &options)
        );
    }

    #[test]
    fn noise_alone_has_few_inliers() {
        let (_, pairs) = scene(0, 150, 0.0, 3);
        let found = fit_homography(&pairs, FROM, TO, &MagsacOptions::default());
        assert!(found.is_none_or(|fit| fit.inliers.len() < 15));
    }

    #[test]
    fn the_loss_rises_and_the_weight_falls() {
        let loss = MarginalLoss::new(6.0);
        assert!(loss.weights.windows(2).all(|w| w[0] >= w[1]));
        assert!(loss.losses.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!(loss.weight(36.1), 0.0);
        assert_eq!(loss.weight(f64::NAN), 0.0);
        assert!((erfc(0.5) - 0.479_500_122).abs() < 1e-6);
    }
}
