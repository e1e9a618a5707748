//! What a folder or a table gives, and what it does not.

/// A line or file that could not be understood; the others go on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    /// The file, or the CSV file with the line.
    pub place: String,
    /// What is wrong and what to do.
    pub error: String,
}

/// A file or column that was left out, which is no error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Skipped {
    /// The file, or the CSV file with the line.
    pub place: String,
    /// Why.
    pub reason: String,
}

/// What was found, what could not be understood and what was left out.
#[derive(Debug)]
pub(crate) struct Found<T> {
    /// What was found.
    pub items: Vec<T>,
    /// What could not be understood.
    pub refused: Vec<Refused>,
    /// What was left out.
    pub skipped: Vec<Skipped>,
}

// Derived, it would ask the same of what was found.
impl<T> Default for Found<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            refused: Vec::new(),
            skipped: Vec::new(),
        }
    }
}

impl<T> Found<(String, T)> {
    /// What `make` gives of each line, which it gets with its place; a line that it cannot use is
    /// refused there.
    pub(super) fn made<U>(self, mut make: impl FnMut(&str, T) -> Result<U, String>) -> Found<U> {
        let Self {
            items,
            mut refused,
            skipped,
        } = self;
        let mut made = Vec::new();
        for (place, item) in items {
            match make(&place, item) {
                Ok(item) => made.push(item),
                Err(error) => refused.push(Refused { place, error }),
            }
        }
        Found {
            items: made,
            refused,
            skipped,
        }
    }
}
