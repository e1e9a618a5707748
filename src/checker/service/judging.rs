//! What a check is judged by: its budget, thresholds and genuine variation.

use std::sync::Arc;

use super::{Assay, ServiceError, calibrate::calibrating_only};
use crate::{
    checker::{
        actor::Actor,
        calibrating,
        codec::observations,
        judged_by::{JudgedBy, RestsOn},
        records::Standing,
        snapshot::GallerySnapshot,
        told,
    },
    contract::{answer::CalibrationAnswer, operating_point::OperatingPointAnswer},
    domain::{calibration::CalibrationSource, gallery::ProductKey, variation::Variation},
    engine::{Claim, OperatingPoint},
};

impl Assay {
    /// What a claim is judged by; kept from now on, so that answers that name it can be looked up
    /// for ever. Only what is scored already counts: a check never waits for a calibration.
    ///
    /// `standing` was read before; unless it moved since, nothing else is read.
    pub(super) async fn judged_by(
        &self,
        claim: Option<&Claim>,
        standing: Option<&Standing>,
        snapshot: &GallerySnapshot,
    ) -> Result<Arc<JudgedBy>, ServiceError> {
        let rests_on = RestsOn {
            changes: standing.map(|s| s.changes),
            // Scores of other models, references or rules are on another scale: they are as good as
            // absent.
            version: match claim {
                Some(Claim::Product(key)) => self.score_version(&key.brand, snapshot),
                Some(Claim::Brand(brand)) => self.score_version(brand, snapshot),
                None => String::new(),
            },
        };
        if let Some(known) = self.last_judged_by.get(claim, &rests_on) {
            return Ok(known);
        }
        let version = &rests_on.version;
        let budget = self.budget_of(standing);
        let (point, advice) = match claim {
            Some(Claim::Product(key)) => {
                let rests_on = (&*key.brand, Some(key));
                self.put_together_for(rests_on, budget, version, snapshot)
                    .await?
            }
            Some(Claim::Brand(brand)) => {
                self.put_together_for((brand, None), budget, version, snapshot)
                    .await?
            }
            // Nothing is claimed, so no product's genuine photos can speak.
            None => (self.shipped(budget), None),
        };
        let told = self.told(&point, advice).await?;
        let judged_by = Arc::new(JudgedBy { point, told });
        self.last_judged_by.put(claim, rests_on, &judged_by);
        Ok(judged_by)
    }

    /// The share of genuine checks that may be flagged: the product's own, else its brand's, else the
    /// operator's.
    pub(super) fn budget_of(&self, standing: Option<&Standing>) -> f64 {
        let of = |standing: &Standing| {
            let product = standing.product.and_then(|p| p.budget);
            product.or(standing.brand.budget)
        };
        standing.and_then(of).unwrap_or(self.budget)
    }

    fn shipped(&self, budget: f64) -> OperatingPoint {
        OperatingPoint {
            calibration: self.engine.defaults().calibration(budget),
            variation: Variation::default(),
        }
    }

    /// What a brand, or a product of it, is judged by, with advice for the product's owner.
    async fn put_together_for(
        &self,
        (brand, product): (&str, Option<&ProductKey>),
        budget: f64,
        version: &str,
        snapshot: &GallerySnapshot,
    ) -> Result<(OperatingPoint, Option<String>), ServiceError> {
        let genuine = &self.records.genuine;
        let (mut photos, mut scores) = (Vec::new(), Vec::new());
        if let Some(product) = product {
            photos = calibrating_only(genuine.genuine_photos(product).await?, snapshot);
            scores = self
                .scores_of(&photos, Some(&product.product), version)
                .await?;
        }
        // After the scores: those are adjusted by what is stored with them or before.
        let variation = self.variation_of(brand, product, version).await?;
        let own = || calibrating::own(&scores, budget, version, CalibrationSource::Product);
        // A product's own scores were forgiven what its items share. Without that variation a check
        // would be judged by scores kinder than its own.
        let own = variation
            .as_ref()
            .filter(|_| product.is_some())
            .and_then(|_| own());
        let variation = variation.unwrap_or_default();
        if let Some(calibration) = own {
            let point = OperatingPoint {
                calibration,
                variation,
            };
            return Ok((point, None));
        }
        let together = calibrating_only(genuine.genuine_photos_of_brand(brand).await?, snapshot);
        let together = self.scores_of(&together, None, version).await?;
        let family = calibrating::own(&together, budget, version, CalibrationSource::Brand);
        let calibration = family.unwrap_or_else(|| self.shipped(budget).calibration);
        let advice =
            product.map(|_| calibrating::advice(&photos, &scores, budget, calibration.source));
        let point = OperatingPoint {
            calibration,
            variation,
        };
        Ok((point, advice))
    }

    /// What is known of a product's genuine photos, or of those of all of a brand's; `None` when
    /// nothing was put together yet.
    async fn variation_of(
        &self,
        brand: &str,
        product: Option<&ProductKey>,
        version: &str,
    ) -> Result<Option<Variation>, ServiceError> {
        let kept = self
            .records
            .scores
            .variations(brand, product.map(|p| p.product.as_str()), version)
            .await?;
        let known = observations::variation_from_json(kept.iter().map(|k| k.variation.as_str()));
        Ok(match known {
            Ok(known) => Some(known).filter(|_| !kept.is_empty()),
            Err(error) => {
                // A damaged row costs a check some forgiveness, and must not cost it the answer.
                tracing::error!("what genuine photos of {brand} show is left out: {error}");
                None
            }
        })
    }

    /// What an answer says of what it is judged by, which is kept from then on.
    async fn told(
        &self,
        point: &OperatingPoint,
        advice: Option<String>,
    ) -> Result<CalibrationAnswer, ServiceError> {
        let told = told::describe(point, advice);
        let now = jiff::Timestamp::now().to_string();
        let kept = told::kept(&point.calibration, &told, &self.models, now);
        self.records.points.add_operating_point(&kept).await?;
        Ok(CalibrationAnswer {
            operating_point: kept.id,
            ..told
        })
    }

    /// What answers were judged by, as it was then.
    pub async fn kept_operating_point(
        &self,
        _: &Actor,
        id: &str,
    ) -> Result<OperatingPointAnswer, ServiceError> {
        Ok(self.records.points.operating_point(id).await?)
    }
}
