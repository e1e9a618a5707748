//! What a brand's owner sees of it: what its products have, what their budgets rest on, and what was
//! checked against it.

use std::collections::BTreeMap;

use super::{Assay, ServiceError, calibrate::calibrating_only, now_ms};
use crate::{
    checker::{
        actor::Actor,
        calibrating::{items_for, items_of},
        clock::rfc3339,
        records::{Brand, GenuinePhotoRecord, Product, ReferenceRecord},
        requests::Invalid,
    },
    contract::{
        answer::CalibrationAnswer,
        limits::{MOST_STATISTICS_DAYS, STATISTICS_DAYS},
        statistics::{DayAnswer, DecidedAnswer, StatisticsAnswer},
    },
    domain::{
        calibration::bound_95,
        gallery::{ProductKey, ReferenceKind},
    },
    engine::Claim,
};

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;
/// Budgets that owners are told the price of, besides their own.
const COMMON_BUDGETS: [f64; 4] = [0.1, 0.05, 0.02, 0.01];

/// What a brand has, in numbers.
#[derive(Clone, Debug)]
pub struct BrandOverview {
    /// The brand.
    pub brand: Brand,
    /// Its products.
    pub products: usize,
    /// References that are searched.
    pub references: usize,
    /// Physical items that its genuine photos show.
    pub items: usize,
    /// Its genuine photos.
    pub photos: usize,
    /// Checks that claimed it in the last [`STATISTICS_DAYS`] days.
    pub checks: usize,
}

/// What a product has, and what its budget rests on.
#[derive(Clone, Debug)]
pub struct ProductOverview {
    /// The product.
    pub product: Product,
    /// Its references, oldest first.
    pub references: Vec<ReferenceRecord>,
    /// Its genuine photos, oldest first.
    pub photos: Vec<GenuinePhotoRecord>,
    /// Physical items that those of them show that are no references.
    pub items: usize,
    /// Share of genuine checks that may be flagged.
    pub budget: f64,
    /// The least budget that so many items support, 0 to 1.
    pub supported: f64,
    /// Items that some budgets need, its own among them: by budget, the largest first.
    pub needed: Vec<(f64, usize)>,
}

impl ProductOverview {
    /// What its references lack together, in words.
    pub fn lacks(&self) -> Option<&'static str> {
        // A logo or a published picture is no side of the article.
        let sides = self.references.iter().filter(|r| is_side(r.kind));
        let mut views: Vec<_> = sides.map(|r| r.view.as_deref()).collect();
        views.sort_unstable();
        views.dedup();
        match (self.references.is_empty(), &views[..]) {
            (true, _) => {
                Some("there is none: every check that claims this product is not comparable")
            }
            (_, [] | [_]) => Some(
                "one view only: photos of other sides cannot be compared; enroll those too, each with its view's name",
            ),
            _ => None,
        }
    }

    /// Items that its own budget needs.
    pub fn needed_for_budget(&self) -> usize {
        items_for(self.budget)
    }
}

impl Assay {
    /// A brand that the actor sees.
    pub async fn brand(&self, actor: &Actor, id: &str) -> Result<Brand, ServiceError> {
        actor.must_see(id)?;
        Ok(self.records.catalogue.brand(id).await?)
    }

    /// What a brand has, in numbers.
    pub async fn brand_overview(
        &self,
        actor: &Actor,
        id: &str,
    ) -> Result<BrandOverview, ServiceError> {
        let brand = self.brand(actor, id).await?;
        let photos = self.records.genuine.genuine_photos_of_brand(id).await?;
        let gallery = self.refresh().await?.gallery.clone();
        let references = gallery.references().iter();
        let checks = self.statistics(actor, id, STATISTICS_DAYS).await?;
        Ok(BrandOverview {
            brand,
            products: self.records.catalogue.products(id).await?.len(),
            references: references.filter(|r| r.product.brand == id).count(),
            items: items_of(&photos),
            photos: photos.len(),
            checks: checks.verdicts.values().sum(),
        })
    }

    /// What a product has, and what its budget rests on.
    pub async fn product_overview(
        &self,
        actor: &Actor,
        key: &ProductKey,
    ) -> Result<ProductOverview, ServiceError> {
        actor.must_see(&key.brand)?;
        let product = self.records.catalogue.product(key).await?;
        let standing = self.standing(&Claim::Product(key.clone())).await?;
        let photos = self.records.genuine.genuine_photos(key).await?;
        let snapshot = self.refresh_to(standing.references).await?;
        let items = items_of(&calibrating_only(photos.clone(), &snapshot));
        let budget = self.budget_of(Some(&standing));
        let mut budgets = [&COMMON_BUDGETS[..], &[budget]].concat();
        budgets.sort_by(|a, b| b.total_cmp(a));
        budgets.dedup();
        Ok(ProductOverview {
            references: self.records.references.references(key).await?,
            product,
            photos,
            items,
            budget,
            supported: bound_95(items),
            needed: budgets.into_iter().map(|b| (b, items_for(b))).collect(),
        })
    }

    /// What a claim on a product is judged by now. Genuine photos without a score stay so: nobody who
    /// looks should wait for them.
    pub async fn judging(
        &self,
        actor: &Actor,
        product: &ProductKey,
    ) -> Result<CalibrationAnswer, ServiceError> {
        actor.must_see(&product.brand)?;
        let claim = Claim::Product(product.clone());
        let standing = self.standing(&claim).await?;
        let snapshot = self.refresh_to(standing.references).await?;
        let judged_by = self
            .judged_by(Some(&claim), Some(&standing), &snapshot)
            .await?;
        Ok(judged_by.told.clone())
    }

    /// What was checked against a brand in the last `days` days, today among them, without saying
    /// whose listings it was.
    ///
    /// # Errors
    /// The brand does not exist for this actor, or `days` is not 1 to [`MOST_STATISTICS_DAYS`].
    pub async fn statistics(
        &self,
        actor: &Actor,
        brand: &str,
        days: usize,
    ) -> Result<StatisticsAnswer, ServiceError> {
        actor.must_see(brand)?;
        let count = i64::try_from(days).unwrap_or(i64::MAX);
        if !(1..=MOST_STATISTICS_DAYS).contains(&days) {
            let problem = format!("is {days}; 1 to {MOST_STATISTICS_DAYS} are possible");
            let field = "days".to_owned();
            return Err(Invalid { field, problem }.into());
        }
        // A brand that is not there is an error, and not one without checks.
        self.records.catalogue.brand(brand).await?;
        let next = now_ms().div_euclid(DAY_MS) + 1;
        let counted = next - count..next;
        let tally = self.records.checks.tally(brand, counted.clone()).await?;
        let mut verdicts = BTreeMap::new();
        let mut by_day: BTreeMap<i64, BTreeMap<_, _>> =
            counted.map(|d| (d, BTreeMap::new())).collect();
        for ((day, verdict), checks) in tally.days {
            *verdicts.entry(verdict).or_insert(0) += checks;
            by_day.entry(day).or_default().insert(verdict, checks);
        }
        let days = by_day.into_iter().map(|(day, verdicts)| DayAnswer {
            day: date(day),
            verdicts,
        });
        Ok(StatisticsAnswer {
            brand: brand.to_owned(),
            days: days.collect(),
            verdicts,
            products: tally.products,
            decided: DecidedAnswer::of(tally.upheld, tally.overturned),
        })
    }
}

fn is_side(kind: ReferenceKind) -> bool {
    match kind {
        ReferenceKind::Pack | ReferenceKind::Label => true,
        ReferenceKind::Logo | ReferenceKind::CataloguePhoto => false,
    }
}

/// A day since 1970, UTC, as RFC 3339 writes a date.
fn date(day: i64) -> String {
    let time = rfc3339(day.saturating_mul(DAY_MS));
    time.split('T').next().unwrap_or_default().to_owned()
}
