//! What is kept of references between checks, up to a number of bytes.

use std::{
    any::Any,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// A cache of anything by name; the least recently used goes first. Nothing that answers depend on
/// lives here alone: whatever was thrown away is made again, only slower.
pub struct Cache {
    budget: usize,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    // Counts uses. Ordering by a count needs no source of time and has no ties.
    clock: u64,
    held: usize,
    entries: HashMap<String, Entry>,
}

struct Entry {
    value: Arc<dyn Any + Send + Sync>,
    used: u64,
    bytes: usize,
}

impl Cache {
    /// A cache of at most `budget` bytes (one entry may exceed it while in use).
    pub fn new(budget: usize) -> Self {
        Self {
            budget,
            state: Mutex::default(),
        }
    }

    /// What is kept under `key`, if it is a `T`.
    pub fn get<T: Any + Send + Sync>(&self, key: &str) -> Option<Arc<T>> {
        // A panic while the lock is held cannot leave the map half changed in a way that matters:
        // it is a cache.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let now = state.clock;
        let entry = state.entries.get_mut(key)?;
        entry.used = now;
        // Another type under this key would be a slip in a key; made anew, it costs time and no
        // answer.
        entry.value.clone().downcast().ok()
    }

    /// Keeps `value`, which takes about `bytes`, and drops what was not used for longest.
    pub fn put<T: Any + Send + Sync>(&self, key: String, value: Arc<T>, bytes: usize) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.clock += 1;
        let used = state.clock;
        let entry = Entry { value, used, bytes };
        // Two workers may have made the same thing at once: the later one stays, and counts once.
        if let Some(old) = state.entries.insert(key, entry) {
            state.held -= old.bytes;
        }
        state.held += bytes;
        // The entry just put stays even when it is too large alone: whoever put it is about to use
        // it. A walk over all entries will do, since they are large and therefore few.
        while state.held > self.budget && state.entries.len() > 1 {
            let oldest = state.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some(name) = oldest.map(|(name, _)| name.clone()) else {
                break;
            };
            if let Some(entry) = state.entries.remove(&name) {
                state.held -= entry.bytes;
            }
        }
    }
}
