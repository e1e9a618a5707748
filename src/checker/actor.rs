//! Who asks.

/// Who asks for something to be done: the first thing that every use case is told.
// Made where a caller is known, at the edge. Nothing behind it guesses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    name: String,
}

impl Actor {
    /// Whoever sits at this machine: there are no keys yet, and the server listens on its loopback
    /// interface only.
    pub fn local() -> Self {
        Self {
            name: "local".to_owned(),
        }
    }

    /// The name that is kept with what they did.
    pub fn name(&self) -> &str {
        &self.name
    }
}
