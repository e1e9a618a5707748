//! The engine's work on workers, with what it needs of references fetched in between.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::Ordering},
};

use super::{Assay, ServiceError};
use crate::{
    checker::{
        ports::{ComputeError, Permit},
        run_on::run_on,
        snapshot::GallerySnapshot,
    },
    engine::{
        Engine, Interrupt, Need, Prepared,
        vision::{InferenceError, Vision},
    },
};

impl Assay {
    /// Runs `work` on a worker thread that owns its models. Work that decodes photos takes
    /// [`Compute::room_for`] them along, so that it is given back when their pixels are, also when
    /// the caller leaves meanwhile.
    pub(super) async fn on_worker<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vision) -> T + Send + 'static,
    ) -> Result<T, ComputeError> {
        run_on(self.compute.as_ref(), work).await
    }

    /// Runs work on a worker and remembers when a model failed. That none did is no news: the work
    /// may have asked none.
    pub(super) async fn see<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vision) -> Result<T, InferenceError> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let result = self.on_worker(work).await?;
        if result.is_err() {
            self.seeing.store(false, Ordering::Relaxed);
        }
        Ok(result?)
    }

    /// Runs `step` on workers until it is done; what it needs of references in between is fetched
    /// while no worker waits for it. `state` goes along with the `room` for its pixels, and both are
    /// dropped on the worker in the end.
    pub(super) async fn examine<S: Send + 'static, T: Send + 'static>(
        &self,
        snapshot: &GallerySnapshot,
        (mut need, mut prepared): (Need, Prepared),
        (mut state, mut room): (S, Permit),
        step: impl Step<S, T>,
    ) -> Result<T, ServiceError> {
        // Ends by itself: a round brings what was asked for or says that it is lost, and neither is
        // asked for again.
        let mut stale = BTreeSet::new();
        loop {
            let fetched = self
                .supply
                .fetch(snapshot, &need, &stale, &mut prepared)
                .await?;
            let (supply, engine) = (Arc::clone(&self.supply), self.engine.clone());
            // Each round is a job of its own, and a job owns all it uses.
            let step = step.clone();
            let work = move |vision: &mut Vision| {
                let unpacked = supply.unpack(vision, fetched, &mut prepared)?;
                match step(&engine, vision, &mut state, &prepared) {
                    Ok(done) => Ok((unpacked, Ok(done))),
                    Err(Interrupt::Need(need)) => {
                        // All of it comes back: what was found stays, and the room is held as long
                        // as the pixels are.
                        Ok((unpacked, Err((state, room, prepared, need))))
                    }
                    Err(Interrupt::Model(error)) => Err(error),
                }
            };
            let (unpacked, stepped) = self.see(work).await?;
            // Over all rounds: else the same unreadable features would be fetched without an end.
            stale.extend(self.supply.store(unpacked).await?);
            match stepped {
                Ok(done) => return Ok(done),
                Err(lacking) => (state, room, prepared, need) = lacking,
            }
        }
    }
}

/// A piece of the engine's work that may stop for want of a reference and be called again.
pub(super) trait Step<S, T>:
    Fn(&Engine, &mut Vision, &mut S, &Prepared) -> Result<T, Interrupt> + Clone + Send + 'static
{
}

impl<S, T, F> Step<S, T> for F where
    F: Fn(&Engine, &mut Vision, &mut S, &Prepared) -> Result<T, Interrupt> + Clone + Send + 'static
{
}
