//! Why the database refuses a row, as the port's errors.

use super::super::rows::failed;
use crate::{
    checker::ports::StoreError,
    domain::{digest::Sha256, gallery::ProductKey},
};

pub(super) fn product_not_found(key: &ProductKey) -> StoreError {
    StoreError::NotFound {
        what: "product",
        id: key.to_string(),
    }
}

/// The database's refusal of a new row: its product is missing, or the row is there already.
pub(super) fn refused(
    cause: sqlx::Error,
    what: &'static str,
    sha256: Sha256,
    product: &ProductKey,
) -> StoreError {
    // Explained afterwards: what is asked before may change in between.
    match cause.as_database_error() {
        Some(e) if e.is_foreign_key_violation() => product_not_found(product),
        Some(e) if e.is_unique_violation() => StoreError::Conflict {
            what,
            id: sha256.to_string(),
        },
        _ => failed(cause),
    }
}
