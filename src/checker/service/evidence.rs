//! Drawing why a photo was judged as it was.

use std::sync::Arc;

use bytes::Bytes;

use super::{Assay, ServiceError};
use crate::{
    checker::records::ReferenceRecord,
    contract::answer::{ClaimAnswer, PhotoAnswer, ReasonAnswer},
    engine::vision::{IntakeError, Vision},
};

/// What it takes to show a person why a photo was judged as it was.
#[derive(Clone, Debug)]
pub struct EvidenceInputs {
    /// Number of the photo in its check, from 0.
    pub n: usize,
    /// The photo's bytes as sent.
    pub photo: Bytes,
    /// What the check's listing claims.
    pub claim: Option<ClaimAnswer>,
    /// Its answer.
    pub answer: PhotoAnswer,
    /// The check's reasons that concern this photo.
    pub reasons: Vec<ReasonAnswer>,
    /// Per match of the answer, in order: the reference, also when it was removed since, and its
    /// image's bytes.
    pub references: Vec<(ReferenceRecord, Bytes)>,
    /// How much is drawn.
    pub drawing: Drawing,
}

/// How much of the evidence is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drawing {
    /// Pictures, close-ups, figures and words, for somebody who looks into the check.
    Page,
    /// Photo and reference with their outlines, at most 1000 px wide and high, without a word: for a
    /// page that has words of its own.
    Pictures,
}

/// Draws the evidence of one photo for a person; called on a worker thread.
pub trait EvidencePainter: Send + Sync {
    /// A PNG of the photo with the located reference, its marks and the places that differ. Fails
    /// when the photo's bytes were not accepted: then there is nothing to draw.
    fn paint(&self, vision: &mut Vision, inputs: &EvidenceInputs) -> Result<Vec<u8>, IntakeError>;
}

impl Assay {
    /// Draws the evidence of a photo on a worker.
    pub async fn paint(
        &self,
        painter: Arc<dyn EvidencePainter>,
        inputs: EvidenceInputs,
    ) -> Result<Vec<u8>, ServiceError> {
        // A painter decodes the photo, and one reference to show beside it.
        let references = inputs.references.iter();
        let reference = references
            .map(|(_, bytes)| (self.decoding_bytes)(bytes))
            .max();
        let decoding = (self.decoding_bytes)(&inputs.photo) + reference.unwrap_or(0);
        let room = self.compute.room_for(decoding).await?;
        let field = format!("photo {}", inputs.n);
        let paint = move |vision: &mut Vision| {
            let painted = painter.paint(vision, &inputs);
            drop(room);
            painted
        };
        let painted = self.on_worker(paint).await?;
        painted.map_err(|source| ServiceError::Intake { field, source })
    }
}
