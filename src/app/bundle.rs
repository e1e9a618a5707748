//! Evidence bundles, of what the façade gives and a painter draws.

use std::sync::Arc;

use crate::{
    checker::{
        actor::Actor,
        service::{Assay, BundleInputs, EvidencePainter, ServiceError},
    },
    imaging,
    storage::bundle::{Contents, Extract, Photo, Reference, Trail},
};

/// Everything that the bundle of a check holds, its evidence drawn.
///
/// # Errors
/// There is no such check, something that it rests on is lost, or the workers cannot draw.
pub async fn contents(
    assay: &Assay,
    painter: &Arc<dyn EvidencePainter>,
    actor: &Actor,
    check: &str,
) -> Result<Contents, ServiceError> {
    let BundleInputs {
        answer,
        operating_point,
        disputes,
        decisions,
        audit,
        photos: inputs,
        references,
    } = assay.bundle_inputs(actor, check).await?;
    let mut photos = Vec::with_capacity(inputs.len());
    // One after the other: nobody waits for a bundle as for a check, and a server may work beside.
    for input in inputs {
        let (n, bytes) = (input.n, input.photo.clone());
        let evidence = assay.paint(Arc::clone(painter), input).await?;
        photos.push(Photo {
            n,
            extension: extension(&bytes),
            bytes,
            evidence: evidence.into(),
        });
    }
    let references = references.into_iter().map(|(record, bytes)| Reference {
        record,
        extension: extension(&bytes),
        bytes,
    });
    let audit = audit.into_iter().map(|(previous, logged)| Extract {
        seq: logged.seq,
        previous,
        entry: logged.entry,
        hash: logged.hash,
    });
    Ok(Contents {
        answer,
        operating_point,
        trail: Trail {
            disputes,
            decisions,
        },
        audit: audit.collect(),
        photos,
        references: references.collect(),
    })
}

/// What the name of a picture's file ends in.
fn extension(bytes: &[u8]) -> &'static str {
    match imaging::format(bytes) {
        Ok("jpeg") => "jpg",
        Ok(other) => other,
        // Only where an earlier program accepted what this one does not.
        Err(_) => "bin",
    }
}
