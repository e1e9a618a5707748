//! A photo on its way through a question.

use std::sync::Arc;

use super::{
    claim::Claim,
    compare::Located,
    decoded::{Decoded, Facts},
    need::Prepared,
    search::{FeaturePass, Query},
    vision::{InferenceError, Vision},
};
use crate::domain::gallery::Gallery;

/// What a photo is held against.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// The references.
    pub gallery: &'a Gallery,
    /// What its listing claims; without a claim it is identified.
    pub claim: Option<&'a Claim>,
    /// References at hand.
    pub prepared: &'a Prepared,
}

/// A photo on its way through one question: what was found stays while something is fetched.
pub struct Examination {
    pub(super) query: Query,
    pub(super) located: Option<Located>,
    /// What the whole photo showed was not believed.
    pub(super) doubted: bool,
}

impl Examination {
    /// Takes the photo's features.
    ///
    /// # Errors
    /// A model could not be run.
    pub fn new(vision: &mut Vision, photo: Arc<Decoded>) -> Result<Self, InferenceError> {
        // The cheaper pass first; locating asks for the other when it found too little.
        let query = Query::new(vision, photo, FeaturePass::Coarse)?;
        Ok(Self {
            query,
            located: None,
            doubted: false,
        })
    }

    /// What is known of the photo without its pixels.
    pub(crate) fn facts(&self) -> &Facts {
        &self.query.photo.facts
    }
}
