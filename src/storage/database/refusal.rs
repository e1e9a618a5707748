//! Why the database refuses a row, as the port's errors.

use super::rows::failed;
use crate::{
    checker::ports::StoreError,
    domain::{digest::Sha256, gallery::ProductKey},
};

/// There is no such thing.
pub(super) fn not_found(what: &'static str, id: &str) -> StoreError {
    StoreError::NotFound {
        what,
        id: id.to_owned(),
    }
}

/// It is there already with other content.
pub(super) fn conflict(what: &'static str, id: &str) -> StoreError {
    StoreError::Conflict {
        what,
        id: id.to_owned(),
    }
}

/// There is no such product.
pub(super) fn product_not_found(key: &ProductKey) -> StoreError {
    not_found("product", &key.to_string())
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
        Some(e) if e.is_unique_violation() => conflict(what, &sha256.to_string()),
        _ => failed(cause),
    }
}
