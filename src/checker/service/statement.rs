//! The statement of reasons of a check, and its pictures.

use std::sync::Arc;

use super::{Assay, Drawing, EvidenceInputs, EvidencePainter, ServiceError};
use crate::{
    checker::{
        actor::Actor,
        clock::rfc3339,
        ports::StoreError,
        statement::{Decided, Pictures, Statement, claimed_match},
    },
    contract::{
        MarkAnswer,
        answer::{ClaimAnswer, PhotoAnswer},
    },
};

impl Assay {
    /// What the seller of a check's listing is told of it.
    ///
    /// # Errors
    /// There is no such check, or the caller may not read it.
    pub async fn statement(&self, actor: &Actor, check: &str) -> Result<Statement, ServiceError> {
        // By the way that every reader takes, so that nobody learns more by a statement.
        let statement = Statement::of(&self.get_check(actor, check).await?);
        let mut decisions = self.records.reviews.decisions(check).await?;
        let last = decisions.pop().map(|record| Decided {
            outcome: record.outcome,
            at: rfc3339(record.created_ms),
        });
        Ok(statement.after(last))
    }

    /// A picture of each photo in which something of the claimed product differs. A photo whose
    /// image was lost or removed has none: the words stand without it.
    ///
    /// # Errors
    /// There is no such check, the caller may not read it, or the workers cannot draw now.
    pub async fn statement_pictures(
        &self,
        actor: &Actor,
        check: &str,
        painter: &Arc<dyn EvidencePainter>,
    ) -> Result<Pictures, ServiceError> {
        let answer = self.get_check(actor, check).await?;
        let mut pictures = Pictures::new();
        // One after the other: one request must not take all workers.
        for n in Statement::of(&answer).drawn() {
            let photo = answer.photos.get(n);
            let Some(photo) = photo.and_then(|p| for_seller(answer.claim.as_ref(), p)) else {
                continue;
            };
            let painted = match self.evidence_inputs(&answer, (n, photo)).await {
                Ok(inputs) => {
                    let inputs = EvidenceInputs {
                        reasons: Vec::new(),
                        drawing: Drawing::Pictures,
                        ..inputs
                    };
                    self.paint(Arc::clone(painter), inputs).await
                }
                Err(error) => Err(error),
            };
            match painted {
                Ok(png) => _ = pictures.insert(n, png.into()),
                Err(
                    error @ (ServiceError::Store(
                        StoreError::Lost { .. } | StoreError::Removed { .. },
                    )
                    | ServiceError::Intake { .. }),
                ) => {
                    tracing::warn!("a statement has no picture of photo {n} of `{check}`: {error}")
                }
                Err(error) => return Err(error),
            }
        }
        Ok(pictures)
    }
}

/// A photo's answer with nothing in it but the claimed product and what differs of it: other
/// products, and the marks that are watched besides, are not a seller's to see.
fn for_seller(claim: Option<&ClaimAnswer>, photo: &PhotoAnswer) -> Option<PhotoAnswer> {
    let mut own = claimed_match(claim, photo)?.clone();
    own.marks.retain(|m| m.answer == MarkAnswer::Different);
    own.deviations.clear();
    Some(PhotoAnswer {
        matches: vec![own],
        instances: Vec::new(),
        notes: Vec::new(),
        ..photo.clone()
    })
}
