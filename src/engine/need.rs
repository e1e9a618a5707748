//! References at hand, and what a comparison still lacks of them: the engine reads no file, so that
//! whoever calls it fetches before a worker is kept waiting.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

use super::{
    prepare::{ReferencePixels, TurnedFeatures},
    vision::InferenceError,
};
use crate::domain::gallery::Reference;

/// What is lacking of some references, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// References whose local features are needed.
    // Ordered, so that the same need reads the same files in the same order.
    pub features: BTreeSet<String>,
    /// References whose pixels are needed.
    pub pixels: BTreeSet<String>,
}

impl Need {
    /// Whether nothing is lacking.
    pub fn is_empty(&self) -> bool {
        self.features.is_empty() && self.pixels.is_empty()
    }
}

/// Why the engine stopped. A photo's own fault is no such reason: it is part of the report.
#[derive(Debug)]
pub enum Interrupt {
    /// It lacks something: call again with it. What was found so far is kept.
    Need(Need),
    /// A model could not be run.
    Model(InferenceError),
}

impl From<InferenceError> for Interrupt {
    fn from(error: InferenceError) -> Self {
        Self::Model(error)
    }
}

/// References made ready for comparison, by their ids.
#[derive(Clone, Default)]
pub struct Prepared {
    features: HashMap<String, Arc<TurnedFeatures>>,
    pixels: HashMap<String, Arc<ReferencePixels>>,
    lost: BTreeSet<String>,
    left_out: Vec<String>,
}

impl Prepared {
    /// Adds a reference's local features.
    pub(crate) fn add_features(&mut self, id: &str, features: Arc<TurnedFeatures>) {
        self.features.insert(id.to_owned(), features);
    }

    /// Adds a reference's pixels.
    pub(crate) fn add_pixels(&mut self, id: &str, pixels: Arc<ReferencePixels>) {
        self.pixels.insert(id.to_owned(), pixels);
    }

    /// Says that a reference's file is lost or damaged: what is lacking of it will not come.
    pub fn add_lost(&mut self, id: &str) {
        self.lost.insert(id.to_owned());
    }

    /// Says which references of the claim are not even in the gallery since their file is lost.
    pub(crate) fn add_left_out(&mut self, ids: Vec<String>) {
        self.left_out.extend(ids);
    }

    /// References of the claim that are not in the gallery since their file is lost, by id.
    pub(crate) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Whether what is lacking of a reference will not come.
    pub(crate) fn is_lost(&self, reference: &Reference) -> bool {
        self.lost.contains(&reference.id)
    }

    /// The features of a reference that is at hand.
    pub fn features(&self, reference: &Reference) -> Option<&Arc<TurnedFeatures>> {
        self.features.get(&reference.id)
    }

    /// The pixels of a reference that is at hand.
    pub(crate) fn pixels(&self, reference: &Reference) -> Option<&Arc<ReferencePixels>> {
        self.pixels.get(&reference.id)
    }

    /// Asks for what is lacking of some references to be searched for, if anything is.
    ///
    /// # Errors
    /// [`Interrupt::Need`] with all of it at once: each round costs a way through the queue.
    pub(crate) fn require_features(&self, references: &[Arc<Reference>]) -> Result<(), Interrupt> {
        // What is lost is not asked for again: its reader would come back without it for ever.
        let lacking = |r: &&Arc<Reference>| self.features(r).is_none() && !self.is_lost(r);
        let need = Need {
            features: references
                .iter()
                .filter(lacking)
                .map(|r| r.id.clone())
                .collect(),
            ..Need::default()
        };
        if need.is_empty() {
            Ok(())
        } else {
            Err(Interrupt::Need(need))
        }
    }

    /// Asks for the pixels of some references that are not at hand, if any are lacking.
    ///
    /// # Errors
    /// [`Interrupt::Need`] with all of them at once.
    pub(crate) fn require_all_pixels<'a>(
        &self,
        references: impl Iterator<Item = &'a Reference>,
    ) -> Result<(), Interrupt> {
        let lacking = |r: &&Reference| self.pixels(r).is_none() && !self.is_lost(r);
        let need = Need {
            pixels: references.filter(lacking).map(|r| r.id.clone()).collect(),
            ..Need::default()
        };
        if need.is_empty() {
            Ok(())
        } else {
            Err(Interrupt::Need(need))
        }
    }

    /// The pixels of a reference; `None` when they are lost.
    ///
    /// # Errors
    /// [`Interrupt::Need`] when they are not at hand yet.
    pub(crate) fn require_pixels(
        &self,
        reference: &Reference,
    ) -> Result<Option<Arc<ReferencePixels>>, Interrupt> {
        match self.pixels(reference) {
            Some(pixels) => Ok(Some(Arc::clone(pixels))),
            // First, or the same question would go round without an end.
            None if self.is_lost(reference) => Ok(None),
            None => Err(Interrupt::Need(Need {
                pixels: BTreeSet::from([reference.id.clone()]),
                ..Need::default()
            })),
        }
    }
}
