//! The folder's references in memory: nothing is written to the folder.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use anyhow::Context;
use bytes::Bytes;

use super::parallel::lock;
use crate::{
    domain::gallery::Reference,
    engine::{Decoded, Engine, Lacking, Need, Prepared, recall, take, vision::Vision},
};

/// Pictures of references by the reference's id.
#[derive(Default)]
// Files and not pixels: decoded they take many times the memory.
pub(crate) struct Pictures(Mutex<HashMap<String, (Arc<Reference>, Bytes)>>);

impl Pictures {
    /// Keeps a reference and its picture.
    pub(crate) fn add(&self, reference: Arc<Reference>, picture: Bytes) {
        lock(&self.0).insert(reference.id.clone(), (reference, picture));
    }

    /// Brings what the engine needs.
    pub(crate) fn bring(
        &self,
        vision: &mut Vision,
        engine: &Engine,
        need: &Need,
        prepared: &mut Prepared,
    ) -> anyhow::Result<()> {
        for id in need.features.union(&need.pixels) {
            // The lock is given back before any model runs: the other threads look things up
            // meanwhile.
            let kept = lock(&self.0).get(id).cloned();
            let (reference, picture) = kept.with_context(|| format!("no reference `{id}`"))?;
            let lacking = Lacking {
                features: need.features.contains(id),
                pixels: need.pixels.contains(id),
            };
            let lacking = recall(engine.cache(), &reference, lacking, prepared);
            if lacking.any() {
                let picture = Decoded::from_bytes(vision.imaging.as_mut(), &picture)?;
                let shown = (reference.as_ref(), &picture);
                take(engine.cache(), vision, shown, lacking, prepared)?;
            }
        }
        Ok(())
    }
}
