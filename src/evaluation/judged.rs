//! The answer that a caller would get to a claim, at each budget that is reported.

use crate::domain::{
    calibration::{Calibration, CalibrationSource},
    listing::{ListedPhoto, listing},
    score::LogOdds,
    verdict::{PhotoReport, ReasonCode, Verdict},
};
use crate::engine::Defaults;

/// Budgets reported: shares of genuine photos that may be flagged.
pub(crate) const BUDGETS: [f64; 2] = [0.01, 0.05];

/// Calibrations by genuine photos of all products together, as a brand is judged whose products
/// have too few items each; one per budget.
pub(crate) fn own(scores: &[(String, LogOdds)]) -> Vec<Calibration> {
    let brand = CalibrationSource::Brand;
    let at = |budget| Calibration::new("eval".into(), budget, brand, scores);
    BUDGETS.map(at).into()
}

/// The shipped calibration, by which a new brand is judged; once per budget.
pub(crate) fn shipped(defaults: &Defaults) -> Vec<Calibration> {
    BUDGETS.map(|budget| defaults.calibration(budget)).into()
}

/// What a caller reads of a photo.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Judged {
    /// What the photo shows.
    pub verdict: Verdict,
    /// Share of genuine photos that look at least this strange, where the photo was comparable.
    pub p_value: Option<f64>,
    /// The first reason given.
    pub reason: Option<ReasonCode>,
    /// What it counts for in its listing.
    pub listed: ListedPhoto,
}

#[cfg(test)]
impl Judged {
    /// A photo with this verdict, which shows the product and is as strange as it can be when it
    /// deviates.
    pub(crate) fn with(verdict: Verdict, p_value: Option<f64>, reason: Option<ReasonCode>) -> Self {
        use crate::domain::score::PValue;
        let strangeness = match verdict {
            Verdict::Deviates => Some(PValue::saturating(1e-6)),
            Verdict::Consistent => Some(PValue::saturating(0.5)),
            _ => None,
        };
        Self {
            verdict,
            p_value,
            reason,
            listed: ListedPhoto {
                verdict,
                strangeness,
                shows_product: true,
                is_catalogue: false,
                seen_elsewhere: false,
            },
        }
    }
}

impl From<&PhotoReport> for Judged {
    fn from(report: &PhotoReport) -> Self {
        Self {
            verdict: report.verdict,
            p_value: report.p_value.map(|p| p.get()),
            reason: report.reasons.first().map(|r| r.code),
            // The claimed product's match comes first.
            listed: ListedPhoto::new(
                report,
                report.matches.first().is_some_and(|m| m.region.is_some()),
                false,
            ),
        }
    }
}

/// What a caller reads of a listing of these photos. Joined as a served check joins them.
pub(crate) fn of_listing(photos: &[&Judged], calibration: &Calibration) -> Verdict {
    let listed: Vec<ListedPhoto> = photos.iter().map(|p| p.listed).collect();
    listing(&listed, calibration).verdict
}
