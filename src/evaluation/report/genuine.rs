//! A closer look at genuine claims: by what was done to the photo, and by product.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rates::RateReport;
use crate::{
    domain::{gallery::ProductKey, rates::Rate},
    evaluation::{judged::BUDGETS, measured::Row},
};

/// Genuine claims on photos to which the same was done.
#[derive(Debug, Serialize)]
pub(crate) struct Edit {
    /// Claims whose product was located, however poor the photo.
    pub located: RateReport,
    /// Claims whose product was located in a photo good enough to be judged.
    pub coverage: RateReport,
    /// Claims flagged, at each budget in the report's order.
    pub false_flags: Vec<RateReport>,
}

/// Genuine claims by the `edit` that the table names; nothing where it names none.
pub(crate) fn by_edit(genuine: &[&Row]) -> BTreeMap<String, Edit> {
    if genuine.iter().all(|r| r.claim.edit.is_empty()) {
        return BTreeMap::new();
    }
    let mut edits: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
    for row in genuine {
        let edit = match row.claim.edit.as_str() {
            "" => "unedited",
            edit => edit,
        };
        edits.entry(edit).or_default().push(row);
    }
    let edit = |rows: Vec<&Row>| Edit {
        located: Rate::of(rows.iter().map(|r| r.located)).into(),
        coverage: Rate::of(rows.iter().map(|r| r.covered)).into(),
        false_flags: (0..BUDGETS.len()).map(|b| flagged(&rows, b)).collect(),
    };
    edits
        .into_iter()
        .map(|(name, rows)| (name.to_owned(), edit(rows)))
        .collect()
}

/// The product whose genuine photos are flagged most.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct WorstProduct {
    /// Its brand.
    pub brand: String,
    /// The product.
    pub product: String,
    /// Its genuine claims flagged.
    pub false_flags: RateReport,
}

/// The product with the largest share of genuine claims flagged, at the budget of this number. A
/// mean within the budget may hide one whose honest sellers are accused again and again.
pub(crate) fn worst_product(genuine: &[&Row], budget: usize) -> Option<WorstProduct> {
    let mut products: BTreeMap<ProductKey, Vec<&Row>> = BTreeMap::new();
    for row in genuine {
        products.entry(row.claim.key()).or_default().push(row);
    }
    let rates = products
        .into_iter()
        .map(|(product, rows)| (product, flagged(&rows, budget)));
    // Of equal shares the one that rests on more photos; of none the first by name.
    let worst = rates.reduce(|worst, next| {
        let order = next.1.share.total_cmp(&worst.1.share);
        match order.then(next.1.total.cmp(&worst.1.total)).is_gt() {
            true => next,
            false => worst,
        }
    });
    let (ProductKey { brand, product }, false_flags) = worst?;
    Some(WorstProduct {
        brand,
        product,
        false_flags,
    })
}

/// Claims flagged, at the budget of this number.
pub(crate) fn flagged(rows: &[&Row], budget: usize) -> RateReport {
    Rate::of(rows.iter().map(|r| r.is_flagged(budget))).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::verdict::Verdict::{self, Consistent, Deviates, NoBrandSeen, NotComparable},
        evaluation::{data::ClaimRow, judged::Judged},
    };

    fn row(product: &str, edit: &str, verdicts: [Verdict; 2]) -> Row {
        let judged = verdicts.map(|verdict| Judged::with(verdict, None, None));
        Row {
            claim: ClaimRow {
                brand: "acme".into(),
                product: product.into(),
                truth: "genuine".into(),
                edit: edit.into(),
                ..ClaimRow::default()
            },
            group: "genuine".into(),
            judged: judged.into(),
            located: verdicts[0] == Consistent,
            ..Row::default()
        }
    }

    #[test]
    fn every_edit_has_a_line_of_its_own() {
        let rows = [
            row("oat", "mirrored", [Deviates, Deviates]),
            row("oat", "mirrored", [NotComparable, NoBrandSeen]),
            row("oat", "", [Consistent, Consistent]),
        ];
        let rows: Vec<&Row> = rows.iter().collect();
        let edits = by_edit(&rows);
        assert_eq!(edits.keys().collect::<Vec<_>>(), ["mirrored", "unedited"]);
        let mirrored = &edits["mirrored"];
        let hits: Vec<usize> = mirrored.false_flags.iter().map(|r| r.hits).collect();
        assert_eq!((hits, mirrored.false_flags[0].total), (vec![1, 2], 2));
        assert_eq!(
            (mirrored.located.hits, edits["unedited"].located.hits),
            (0, 1)
        );
        assert!(
            by_edit(&rows[2..]).is_empty(),
            "nothing was done to any photo"
        );
    }

    #[test]
    fn the_worst_product_stands_out_of_a_good_mean() {
        let good = || row("oat", "", [Consistent, Consistent]);
        let bad = || row("rice", "", [Deviates, Deviates]);
        let rows = [
            good(),
            good(),
            good(),
            bad(),
            row("rice", "", [NotComparable; 2]),
        ];
        let rows: Vec<&Row> = rows.iter().collect();
        let worst = worst_product(&rows, 0).unwrap();
        assert_eq!(worst.product, "rice");
        assert_eq!((worst.false_flags.hits, worst.false_flags.total), (1, 2));
        assert_eq!(worst_product(&[], 0), None);
    }
}
