//! What goes into a bundle.

use bytes::Bytes;

use super::trail::{Extract, Trail};
use crate::{
    checker::records::ReferenceRecord,
    contract::{answer::CheckAnswer, operating_point::OperatingPointAnswer},
};

/// Everything that a bundle is made of.
#[derive(Clone, Debug)]
pub struct Contents {
    /// The answer as it is kept.
    pub answer: CheckAnswer,
    /// What it was judged by, where that was kept.
    pub operating_point: Option<OperatingPointAnswer>,
    /// What people said about it.
    pub trail: Trail,
    /// What the audit log says of it, oldest first.
    pub audit: Vec<Extract>,
    /// The photos that were accepted, in order.
    pub photos: Vec<Photo>,
    /// Every reference that the answer's matches name, each once, by id.
    pub references: Vec<Reference>,
}

/// A photo of the check.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Its number in the check, from 0.
    pub n: usize,
    /// What its file's name ends in: `jpg`, `png`, `webp`, or `bin` for any other.
    pub extension: &'static str,
    /// Its bytes as sent.
    pub bytes: Bytes,
    /// The drawn evidence, a PNG.
    pub evidence: Bytes,
}

/// A reference that a photo was compared with.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Its record, also when it was removed since.
    pub record: ReferenceRecord,
    /// What its file's name ends in: `jpg`, `png`, `webp`, or `bin` for any other.
    pub extension: &'static str,
    /// Its image's bytes as enrolled.
    pub bytes: Bytes,
}

impl Photo {
    /// Name of the original in the bundle.
    pub(super) fn name(&self) -> String {
        format!("photos/{}.{}", self.n, self.extension)
    }

    /// Name of the drawn evidence in the bundle.
    pub(super) fn evidence_name(&self) -> String {
        format!("evidence/{}.png", self.n)
    }
}

impl Reference {
    /// Name of the image in the bundle.
    pub(super) fn name(&self) -> String {
        format!("references/{}.{}", self.record.id, self.extension)
    }

    /// Name of the record in the bundle.
    pub(super) fn record_name(&self) -> String {
        format!("references/{}.json", self.record.id)
    }
}
