//! One verdict and one p-value for all photos of a listing.
//!
//! The budget is the listing's: five genuine photos, each flagged at 1 %, would be nearly 5 % for
//! their seller. The photos' p-values are therefore merged by Simes' rule ("An improved Bonferroni
//! procedure for multiple tests of significance", Biometrika 1986), the least over k of n / k times
//! the k-th smallest: one photo must be very strange among many, or many a little. It holds for
//! photos that are independent or alike (positively dependent: Sarkar, "Some probability
//! inequalities for ordered MTP2 random variables", Annals of Statistics 1998), as photos of one
//! item are, and as p-values of one calibration are (Bates, Candès, Lei, Romano and Sesia, "Testing
//! for outliers with conformal p-values", Annals of Statistics 2023). Were strange photos to make
//! the others the less strange, the rate could exceed the budget by 1 + 1/2 + ... + 1/n at most.

use super::{
    calibration::Calibration,
    verdict::{PhotoReport, ReasonCode, Verdict},
};
use crate::domain::score::PValue;

/// What a photo counts for in its listing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListedPhoto {
    /// What it shows by itself.
    pub verdict: Verdict,
    /// How strange it is for a genuine photo; `None` when it was not compared.
    pub strangeness: Option<PValue>,
    /// Whether something of the claimed product was located in it, or without a claim of any
    /// product.
    pub shows_product: bool,
    /// Whether it is an enrolled picture.
    pub is_catalogue: bool,
    /// Whether the same file was on another seller's listing before.
    pub seen_elsewhere: bool,
}

/// What the photos of a listing show together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ListingReport {
    /// What they show.
    pub verdict: Verdict,
    /// The p-value of all that count; `None` when none was compared.
    pub p_value: Option<PValue>,
}

impl ListedPhoto {
    /// What a report counts for; `shows_product` says whether the product was located.
    pub fn new(report: &PhotoReport, shows_product: bool, seen_elsewhere: bool) -> Self {
        let catalogue = |r: &super::verdict::Reason| r.code == ReasonCode::CataloguePicture;
        Self {
            verdict: report.verdict,
            strangeness: report.strangeness,
            shows_product,
            is_catalogue: report.reasons.iter().any(catalogue),
            seen_elsewhere,
        }
    }

    /// What the photo shows, knowing whose it is: nothing of this seller's item when it was
    /// another's. A difference that was seen stays one, whoever took the photo.
    pub fn own_verdict(&self) -> Verdict {
        if self.seen_elsewhere && self.verdict != Verdict::Deviates {
            Verdict::ReusedPhoto
        } else {
            self.verdict
        }
    }

    /// Whether it was judged by what it shows of the product.
    fn is_judged(&self) -> bool {
        matches!(self.verdict, Verdict::Consistent | Verdict::Deviates)
    }

    /// Whether it says that this seller uses another's photos: a banner or a size chart does not,
    /// nor does the brand's own picture, which everybody has.
    fn is_borrowed(&self) -> bool {
        self.seen_elsewhere && self.shows_product && !self.is_catalogue
    }
}

/// What the photos of a listing show together.
///
/// Photos of the product decide; those without it count for nothing beside one. A difference wins
/// when the listing as a whole is beyond its budget: then it is strange even for so many photos.
/// Next comes another seller's photo of the product, then agreement, which the brand's own pictures
/// do not take away.
pub fn listing(photos: &[ListedPhoto], calibration: &Calibration) -> ListingReport {
    // Banners have a p-value too, of not being the product: beside a photo of it that is no news.
    let judged = photos.iter().filter(|p| p.is_judged());
    let mut counted: Vec<PValue> = judged.filter_map(|p| p.strangeness).collect();
    if counted.is_empty() {
        // An enrolled picture was not judged, however well it agrees with itself.
        let compared = photos.iter().filter(|p| !p.is_catalogue);
        counted = compared.filter_map(|p| p.strangeness).collect();
    }
    let p_value = merged(&counted, calibration);
    let is_flagged = p_value.is_some_and(|p| calibration.is_beyond_budget(p));
    let any = |of: &dyn Fn(&ListedPhoto) -> bool| photos.iter().any(of);
    let verdict = if is_flagged && any(&|p| p.verdict == Verdict::Deviates) {
        Verdict::Deviates
    } else if any(&ListedPhoto::is_borrowed) {
        Verdict::ReusedPhoto
    } else if any(&|p| p.is_judged() && !p.seen_elsewhere) {
        // Also a photo that deviates alone: as one of so many it is within genuine variation.
        Verdict::Consistent
    } else if any(&|p| p.own_verdict() == Verdict::ReusedPhoto) {
        Verdict::ReusedPhoto
    } else if !photos.is_empty() && photos.iter().all(|p| p.verdict == Verdict::NoBrandSeen) {
        // Only when every photo agrees: a blurred one might still show the product.
        Verdict::NoBrandSeen
    } else {
        Verdict::NotComparable
    };
    ListingReport { verdict, p_value }
}

/// The p-value of several; of one alone that which the calibration itself supports.
fn merged(p_values: &[PValue], calibration: &Calibration) -> Option<PValue> {
    match p_values {
        [] => None,
        // Nothing is merged: no assumption on what lies beyond the scores is needed.
        [alone] => Some((*alone).max(calibration.least_p_value())),
        several => Some(simes(several)),
    }
}

/// Simes' rule.
fn simes(p_values: &[PValue]) -> PValue {
    let mut ordered = p_values.to_vec();
    ordered.sort_unstable();
    let n = ordered.len() as f64;
    let ranked = ordered.iter().enumerate();
    let least = ranked.map(|(k, p)| p.get() * n / (k + 1) as f64);
    PValue::saturating(least.fold(1.0, f64::min))
}

#[cfg(test)]
mod tests;
