//! Evidence drawn by `imaging` from what the façade gives.

use crate::{
    checker::service::{Drawing, EvidenceInputs, EvidencePainter},
    engine::vision::{IntakeError, Vision},
    imaging::{Evidence, evidence_png, pictures_png},
};

/// Draws the photo beside the reference of its first match.
pub(super) struct Painter;

impl EvidencePainter for Painter {
    fn paint(&self, vision: &mut Vision, inputs: &EvidenceInputs) -> Result<Vec<u8>, IntakeError> {
        let photo = vision.imaging.decode(&inputs.photo)?.raster;
        let reference = match inputs.references.first() {
            Some((_, bytes)) => Some(vision.imaging.decode(bytes)?.raster),
            None => None,
        };
        let evidence = Evidence {
            photo: &photo,
            reference: reference.as_ref(),
            answer: &inputs.answer,
            reasons: &inputs.reasons,
            claim: inputs.claim.as_ref(),
        };
        let drawn = match inputs.drawing {
            Drawing::Page => evidence_png(&evidence),
            Drawing::Pictures => pictures_png(&evidence),
        };
        // The typeface is part of the program and the picture is written to memory: what fails here
        // is the photo's size at most.
        drawn.map_err(|e| IntakeError::Damaged {
            detail: format!("no evidence could be drawn: {e}"),
        })
    }
}
