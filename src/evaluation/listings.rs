//! Listings of several photos of one product, each judged as one check is.

use std::collections::BTreeMap;

use super::{
    judged::{Judged, of_listing},
    measured::Row,
};
use crate::domain::{calibration::Calibration, gallery::ProductKey, random::SplitMix, rates::Rate};

/// Claims on photos dealt into listings of `photos`: each listing claims one product, and no photo
/// is in two of them, so that their verdicts are independent. A product with fewer photos makes one
/// listing of them all; what is left over at another is left out.
pub(crate) fn deal<'a>(rows: &[&'a Row], photos: usize, seed: u64) -> Vec<Vec<&'a Row>> {
    let mut products: BTreeMap<ProductKey, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        products.entry(row.claim.key()).or_default().push(row);
    }
    let mut random = SplitMix(seed);
    let mut listings = Vec::new();
    for mut rows in products.into_values() {
        // Neighbours in a table often show one item from the same side.
        random.shuffle(&mut rows);
        let size = photos.clamp(1, rows.len().max(1));
        listings.extend(rows.chunks_exact(size).map(<[_]>::to_vec));
    }
    listings
}

/// Listings flagged, at the budget of this number.
pub(crate) fn flagged(
    listings: &[Vec<&Row>],
    (budget, calibration): (usize, &Calibration),
) -> Rate {
    Rate::of(listings.iter().map(|listing| {
        let photos: Vec<&Judged> = listing
            .iter()
            .filter_map(|r| r.judged.get(budget))
            .collect();
        of_listing(&photos, calibration).flags_the_claim()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{
            score::LogOdds,
            verdict::Verdict::{self, Consistent, Deviates, NoBrandSeen},
        },
        evaluation::{
            data::{ClaimRow, PhotoRow},
            judged::own,
        },
    };

    fn row(product: &str, n: usize, verdict: Verdict) -> Row {
        let judged = Judged::with(verdict, None, None);
        Row {
            photo: PhotoRow {
                path: format!("{product}-{n}.jpg"),
                ..PhotoRow::default()
            },
            claim: ClaimRow {
                product: product.into(),
                ..ClaimRow::default()
            },
            judged: vec![judged],
            ..Row::default()
        }
    }

    fn paths(listings: &[Vec<&Row>]) -> Vec<Vec<String>> {
        let path = |r: &&Row| r.photo.path.clone();
        listings
            .iter()
            .map(|l| l.iter().map(path).collect())
            .collect()
    }

    #[test]
    fn each_photo_is_dealt_once_and_the_same_way_for_the_same_seed() {
        let mut rows: Vec<Row> = (0..11).map(|n| row("oat", n, Consistent)).collect();
        rows.extend((0..3).map(|n| row("rice", n, Consistent)));
        let rows: Vec<&Row> = rows.iter().collect();
        let dealt = paths(&deal(&rows, 5, 1));
        let sizes: Vec<usize> = dealt.iter().map(Vec::len).collect();
        assert_eq!(
            sizes,
            [5, 5, 3],
            "a product with few photos makes one listing"
        );
        let mut all = dealt.concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 13);
        assert_eq!(paths(&deal(&rows, 5, 1)), dealt);
        assert_ne!(paths(&deal(&rows, 5, 2)), dealt);
        assert!(deal(&[], 5, 1).is_empty());
    }

    #[test]
    fn a_listing_is_judged_as_one_check() {
        let verdicts = [
            ("one photo of five deviates", Deviates, 1),
            ("one of five shows nothing", NoBrandSeen, 0),
        ];
        let scores: Vec<_> = (0..200)
            .map(|i| (format!("i{i}"), LogOdds::saturating(f64::from(i))))
            .collect();
        let calibration = own(&scores).swap_remove(0);
        for (why, odd, hits) in verdicts {
            let rows: Vec<Row> = (0..5)
                .map(|n| row("oat", n, if n == 2 { odd } else { Consistent }))
                .collect();
            let rows: Vec<&Row> = rows.iter().collect();
            let rate = flagged(&deal(&rows, 5, 1), (0, &calibration));
            assert_eq!((rate.hits, rate.total), (hits, 1), "{why}");
        }
    }
}
