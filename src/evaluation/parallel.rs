//! The same work for many things at a time, on threads that own their models.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use super::plan::{MakeVision, Progress};
use crate::engine::vision::Vision;

/// Calls `work` for every index on one thread per core, each with its own models; the first error
/// stops all.
pub(crate) fn in_parallel(
    count: usize,
    threads: usize,
    make: &MakeVision,
    stop: &AtomicBool,
    progress: &dyn Progress,
    work: &(dyn Fn(&mut Vision, usize) -> anyhow::Result<()> + Sync),
) -> anyhow::Result<()> {
    let next = AtomicUsize::new(0);
    let failed: Mutex<Option<anyhow::Error>> = Mutex::new(None);
    let fail = |error| {
        let mut slot = failed.lock().unwrap_or_else(PoisonError::into_inner);
        slot.get_or_insert(error);
        // Past the end, so that every thread stops at its next step. No other data hangs on this
        // number: results go through locks.
        next.store(count, Ordering::Relaxed);
    };
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                // On its own thread, so that all threads load their models at the same time.
                let mut vision = match make() {
                    Ok(vision) => vision,
                    Err(error) => return fail(error),
                };
                loop {
                    let i = next.fetch_add(1, Ordering::Relaxed);
                    if i >= count {
                        return;
                    }
                    // Between pieces only: one is short, and stopped midway it would leave half a
                    // row.
                    if stop.load(Ordering::Relaxed) {
                        return fail(anyhow::anyhow!("stopped"));
                    }
                    if let Err(error) = work(&mut vision, i) {
                        return fail(error);
                    }
                    progress.step();
                }
            });
        }
    });
    match failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Locks what a panic cannot leave in a state that matters: results are only ever added.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
