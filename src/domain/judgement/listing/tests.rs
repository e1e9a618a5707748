//! Tests of the listing's p-value and verdict.

use super::*;
use crate::domain::{
    calibration::{CalibrationSource, Class},
    random::SplitMix,
    score::LogOdds,
};
use Verdict::{Consistent, Deviates, NoBrandSeen, NotComparable, ReusedPhoto};

/// A calibration of `scores`, each of an item of its own.
fn calibration(scores: &[f64], budget: f64) -> Calibration {
    let scores: Vec<_> = scores
        .iter()
        .enumerate()
        .map(|(i, s)| (i.to_string(), LogOdds::saturating(*s)))
        .collect();
    Calibration::new("test".into(), budget, CalibrationSource::Brand, &scores)
}

/// 100 scores, 1 to 100, at a budget of 1 %.
fn hundred() -> Calibration {
    let scores: Vec<f64> = (1..=100).map(f64::from).collect();
    calibration(&scores, 0.01)
}

/// A photo of the product with a score, judged alone as the calibration says.
fn photo(calibration: &Calibration, score: f64) -> ListedPhoto {
    let score = LogOdds::saturating(score);
    let flagged = calibration.flags(Class::Marks, score);
    ListedPhoto {
        verdict: if flagged { Deviates } else { Consistent },
        strangeness: Some(calibration.strangeness(Class::Marks, score)),
        shows_product: true,
        is_catalogue: false,
        seen_elsewhere: false,
    }
}

/// A photo that was not compared.
fn silent(verdict: Verdict) -> ListedPhoto {
    ListedPhoto {
        verdict,
        strangeness: None,
        shows_product: false,
        is_catalogue: false,
        seen_elsewhere: false,
    }
}

fn catalogue() -> ListedPhoto {
    ListedPhoto {
        shows_product: true,
        is_catalogue: true,
        strangeness: Some(PValue::saturating(0.9)),
        ..silent(ReusedPhoto)
    }
}

fn verdict(photos: &[ListedPhoto]) -> Verdict {
    listing(photos, &hundred()).verdict
}

#[test]
fn one_photo_is_judged_as_before() {
    for c in [
        hundred(),
        calibration(&[1.0, 2.0, 3.0], 0.01),
        calibration(&[], 0.01),
    ] {
        for score in [-500.0, 0.5, 1.0, 1.5, 2.0, 50.0] {
            let alone = photo(&c, score);
            let report = listing(&[alone], &c);
            assert_eq!(report.verdict, alone.verdict, "{score}");
            assert_eq!(
                report.p_value,
                Some(c.p_value(Class::Marks, LogOdds::saturating(score)))
            );
        }
    }
}

#[test]
fn a_photo_strange_alone_is_not_strange_among_many() {
    let c = hundred();
    let mut photos = vec![photo(&c, 0.9)];
    assert_eq!(listing(&photos, &c).verdict, Deviates);
    photos.extend([10.0, 40.0, 60.0, 90.0].map(|s| photo(&c, s)));
    let report = listing(&photos, &c);
    assert_eq!(report.verdict, Consistent);
    let p = report.p_value.expect("five were compared").get();
    assert!((0.03..0.06).contains(&p), "{p}");
}

#[test]
fn a_photo_far_beyond_all_scores_is_strange_among_many() {
    let c = hundred();
    let mut photos = vec![photo(&c, -100.0)];
    photos.extend([10.0, 40.0, 60.0, 90.0].map(|s| photo(&c, s)));
    assert_eq!(listing(&photos, &c).verdict, Deviates);
}

#[test]
fn photos_that_all_deviate_are_flagged_however_few_the_scores() {
    for c in [hundred(), calibration(&[1.0, 2.0, 3.0], 0.01)] {
        for n in 1..=12 {
            let photos = vec![photo(&c, 0.9); n];
            assert_eq!(listing(&photos, &c).verdict, Deviates, "{n}");
        }
    }
}

#[test]
fn catalogue_pictures_take_nothing_away() {
    let c = hundred();
    let own = photo(&c, 50.0);
    assert_eq!(verdict(&[own, catalogue()]), Consistent);
    assert_eq!(verdict(&[catalogue()]), ReusedPhoto);
    assert_eq!(verdict(&[catalogue(), silent(NotComparable)]), ReusedPhoto);
    // Everybody has it, so that another seller has it too.
    let shared = ListedPhoto {
        seen_elsewhere: true,
        ..catalogue()
    };
    assert_eq!(verdict(&[own, shared]), Consistent);
    assert_eq!(
        listing(&[own, catalogue()], &c).p_value,
        listing(&[own], &c).p_value
    );
}

#[test]
fn pictures_without_the_product_count_for_nothing_beside_one_that_agrees() {
    let c = hundred();
    let own = photo(&c, 50.0);
    let banner = ListedPhoto {
        strangeness: Some(PValue::saturating(1e-4)),
        ..silent(NoBrandSeen)
    };
    let shared = ListedPhoto {
        seen_elsewhere: true,
        ..banner
    };
    assert_eq!(verdict(&[banner, own]), Consistent);
    assert_eq!(verdict(&[own, shared]), Consistent);
    assert_eq!(
        listing(&[own, shared, banner], &c).p_value,
        listing(&[own], &c).p_value
    );
    assert_eq!(verdict(&[banner, banner]), NoBrandSeen);
    assert_eq!(verdict(&[banner, silent(NotComparable)]), NotComparable);
    assert_eq!(verdict(&[shared]), ReusedPhoto);
}

#[test]
fn another_sellers_photo_of_the_product_outweighs_agreement() {
    let c = hundred();
    let own = photo(&c, 50.0);
    let borrowed = ListedPhoto {
        seen_elsewhere: true,
        ..own
    };
    assert_eq!(verdict(&[own, borrowed]), ReusedPhoto);
    let deviating = ListedPhoto {
        seen_elsewhere: true,
        ..photo(&c, -200.0)
    };
    assert_eq!(verdict(&[own, deviating]), Deviates);
}

#[test]
fn nothing_compared_is_not_comparable() {
    assert_eq!(verdict(&[]), NotComparable);
    assert_eq!(listing(&[silent(NotComparable)], &hundred()).p_value, None);
    for v in [NoBrandSeen, NotComparable] {
        assert_eq!(verdict(&[silent(v)]), v);
    }
}

#[test]
fn strangeness_is_the_p_value_and_falls_on_beyond_the_lowest_score() {
    let c = hundred();
    let of = |score: f64| {
        c.strangeness(Class::Marks, LogOdds::saturating(score))
            .get()
    };
    for score in [1.0, 1.5, 40.0, 200.0] {
        let p_value = c.p_value(Class::Marks, LogOdds::saturating(score)).get();
        assert_eq!(of(score).to_bits(), p_value.to_bits());
    }
    assert!((of(1.0 - 1e-9) - 1.0 / 101.0).abs() < 1e-2);
    assert!(of(-10.0) > of(-20.0) && of(-20.0) > of(-200.0));
    // As far below the lowest as that lies below the median: three quarters of the same fall.
    let expected = (51.0_f64 / 101.0).powf(-0.75) * 101.0_f64.powf(-1.75);
    assert!((of(-48.0) - expected).abs() < 1e-6, "{}", of(-48.0));
    // Equal scores tell nothing of a slope, nor does none.
    let equal = calibration(&[2.0, 2.0, 2.0], 0.01);
    let p = |c: &Calibration| c.strangeness(Class::Marks, LogOdds::saturating(-9.0)).get();
    assert!((p(&equal) - 0.25).abs() < 1e-12);
    assert!((p(&calibration(&[], 0.01)) - 1.0).abs() < 1e-12);
}

/// A logistic variate of mean 0, from a share between 0 and 1.
fn logistic(share: f64) -> f64 {
    (share / (1.0 - share)).ln()
}

#[test]
fn genuine_listings_of_any_size_are_flagged_within_the_budget() {
    // Each photo is the listing's own draw with this chance, else one that all its photos share:
    // independent, in between and fully dependent.
    for own in [1.0, 0.5, 0.0] {
        for n in [1, 2, 3, 5, 8, 12] {
            let mut random = SplitMix(7);
            let mut draw = || random.between(1e-9, 1.0 - 1e-9);
            let (rounds, budget) = (3000_u32, 0.05);
            let mut flagged = 0_u32;
            for _ in 0..rounds {
                let scores: Vec<f64> = (0..60).map(|_| logistic(draw())).collect();
                let c = calibration(&scores, budget);
                let shared = logistic(draw());
                let photos: Vec<ListedPhoto> = (0..n)
                    .map(|_| {
                        let score = logistic(draw());
                        photo(&c, if draw() < own { score } else { shared })
                    })
                    .collect();
                flagged += u32::from(listing(&photos, &c).verdict == Deviates);
            }
            let rate = f64::from(flagged) / f64::from(rounds);
            // Three standard errors of so many rounds.
            assert!(rate <= budget + 0.012, "{n} photos, {own} own: {rate}");
        }
    }
}
