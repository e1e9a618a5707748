//! A worker's typed answer: the port's queue takes jobs that give nothing back.

use std::sync::{Arc, Mutex, PoisonError};

use super::ports::{Compute, ComputeError};
use crate::engine::vision::Vision;

/// Runs `work` on a worker and brings back what it gives.
pub(super) async fn run_on<T: Send + 'static>(
    compute: &dyn Compute,
    work: impl FnOnce(&mut Vision) -> T + Send + 'static,
) -> Result<T, ComputeError> {
    // Jobs give nothing back, so that one queue takes them all; the result is left in a slot.
    let slot = Arc::new(Mutex::new(None));
    let filled = Arc::clone(&slot);
    let job = move |vision: &mut Vision| {
        let result = work(vision);
        *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
    };
    compute.run(Box::new(job)).await?;
    // An empty slot means that the job was dropped before its end.
    let result = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    result.ok_or(ComputeError::Interrupted)
}
