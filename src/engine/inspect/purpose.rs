//! What a photo is looked at for.

use crate::domain::variation::{ReferenceVariation, Variation};

/// What a photo is looked at for.
#[derive(Clone, Copy)]
pub enum Purpose<'a> {
    /// To be judged by what is known of genuine photos.
    Judge(&'a Variation),
    /// To be learnt from as a genuine photo: every text mark is read, and nothing known is taken
    /// into account.
    Learn,
}

impl<'a> Purpose<'a> {
    pub(crate) fn known(self, reference: &str) -> Option<&'a ReferenceVariation> {
        match self {
            Self::Judge(variation) => variation.references.get(reference),
            Self::Learn => None,
        }
    }
}
