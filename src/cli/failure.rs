//! What ends a command: an error in words, its remedy, and the exit code.

use crate::{
    checker::{
        ports::{ComputeError, StoreError},
        service::ServiceError,
    },
    engine::vision::InferenceError,
};

/// What to look at when the store fails.
#[cfg(not(feature = "cluster"))]
pub(crate) const DATA_HINT: &str =
    "--data names the folder; is it writable, and not used by another version of the program?";
/// What to look at when the store fails.
#[cfg(feature = "cluster")]
pub(crate) const DATA_HINT: &str = "--data names the folder; is it writable, and not used by another version of the program? with --images, can the bucket be reached?";

/// An error for a person, with the remedy where there is one.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Failure {
    /// A failure without remedy yet.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }

    /// Names the remedy.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Failure {}

impl From<ServiceError> for Failure {
    fn from(error: ServiceError) -> Self {
        let message = error.to_string();
        let failure = Self::new(message);
        match error {
            // Only for these is the remedy known; other things are looked for by their id.
            ServiceError::Store(StoreError::NotFound { what: "brand" | "product", .. }) => failure
                .hint("enroll references of it first with `assay enroll`; --data names the folder they are kept in"),
            ServiceError::Store(StoreError::Failed(_)) => failure.hint(DATA_HINT),
            ServiceError::Store(StoreError::Full(_)) => {
                failure.hint("make room on the disk with the folder that --data names")
            }
            ServiceError::Compute(ComputeError::Busy { .. }) => failure.hint("use fewer photos at once"),
            ServiceError::Inference(InferenceError::Unavailable(_)) => {
                failure.hint("--models names the folder with the models")
            }
            // The other messages already say what to do.
            _ => failure,
        }
    }
}
