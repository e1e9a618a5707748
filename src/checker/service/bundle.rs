//! What goes into the evidence bundle of a check.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::{Assay, EvidenceInputs, ServiceError, check::evidence_of};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{Logged, ReferenceRecord},
    },
    contract::{
        answer::CheckAnswer,
        operating_point::OperatingPointAnswer,
        review::{DecisionAnswer, DisputeAnswer},
    },
};

/// Most entries of the audit log about one check: far more than people make.
const MOST_ENTRIES: usize = 1000;

/// A check with everything that it rests on.
#[derive(Clone, Debug)]
pub struct BundleInputs {
    /// The answer as it is kept.
    pub answer: CheckAnswer,
    /// What it was judged by; `None` in answers of before it was kept.
    pub operating_point: Option<OperatingPointAnswer>,
    /// What people said about it.
    pub disputes: Vec<DisputeAnswer>,
    /// What they decided.
    pub decisions: Vec<DecisionAnswer>,
    /// What the audit log says of it, oldest first, each entry with the hash of the one before it.
    pub audit: Vec<(String, Logged)>,
    /// Each photo that was accepted, in order, with what it takes to draw its evidence.
    pub photos: Vec<EvidenceInputs>,
    /// Every reference that a photo was matched with, also when it was removed since, each once and
    /// by id, with its image's bytes.
    pub references: Vec<(ReferenceRecord, Bytes)>,
}

impl Assay {
    /// Collects what the evidence bundle of a check holds.
    ///
    /// # Errors
    /// There is no such check, or something that it rests on is lost: a bundle is whole or not
    /// made.
    pub async fn bundle_inputs(
        &self,
        actor: &Actor,
        check: &str,
    ) -> Result<BundleInputs, ServiceError> {
        let answer = self.get_check(actor, check).await?;
        let operating_point = match &*answer.calibration.operating_point {
            "" => None,
            id => Some(self.records.points.operating_point(id).await?),
        };
        let (disputes, decisions) = match self.review(actor, check).await {
            Ok(review) => (review.disputes, review.decisions),
            // Neither flagged nor disputed.
            Err(ServiceError::Store(StoreError::NotFound { .. })) => (Vec::new(), Vec::new()),
            Err(error) => return Err(error),
        };
        let audit = self.audit_of(check).await?;
        // Each once: several photos match the same references, whose images are large.
        let mut references = BTreeMap::new();
        let matches = answer.photos.iter().flat_map(|photo| &photo.matches);
        for found in matches {
            if !references.contains_key(&found.reference) {
                let record = self.records.references.reference(&found.reference).await?;
                let bytes = self.images.image(record.sha256).await?;
                references.insert(found.reference.clone(), (record, bytes));
            }
        }
        self.refuse_removed(check, |_| true).await?;
        let mut photos = Vec::new();
        for (n, photo) in answer.photos.iter().enumerate() {
            if photo.error.is_some() {
                continue;
            }
            let bytes = self.kept_bytes(photo).await?;
            let matched = photo
                .matches
                .iter()
                .filter_map(|found| references.get(&found.reference).cloned())
                .collect();
            photos.push(evidence_of(&answer, (n, photo.clone()), bytes, matched));
        }
        Ok(BundleInputs {
            answer,
            operating_point,
            disputes,
            decisions,
            audit,
            photos,
            references: references.into_values().collect(),
        })
    }

    /// What the audit log says of a check, each entry with the hash of the one before it.
    async fn audit_of(&self, check: &str) -> Result<Vec<(String, Logged)>, ServiceError> {
        let log = &self.records.audit;
        let about = format!("check/{check}");
        let found = log.entries(Some(&about), 0, MOST_ENTRIES).await?;
        let mut entries = Vec::new();
        for entry in found.entries {
            let before = log.entries(None, entry.seq - 2, 1).await?;
            let before = before.entries.into_iter().find(|e| e.seq == entry.seq - 1);
            let previous = before.map_or_else(|| "0".repeat(64), |before| before.hash);
            entries.push((previous, entry));
        }
        Ok(entries)
    }
}
