//! The public key that an operator publishes, as a person gives it.

use std::{
    fs::File,
    io::{self, Read},
};

use super::failure::Failure;
use crate::domain::digest::from_hex;

/// Most bytes of a file with a public key: a longer one is another file.
const MOST_KEY_BYTES: u64 = 1024;

/// The key that a person gave: its digits, or a file that holds them.
pub(super) fn published_key(given: &str) -> Result<[u8; 32], Failure> {
    let hint = "give the 64 hex digits that the operator publishes, or a file that holds them";
    // Capitals are no other key, where a person copies one.
    if let Some(key) = from_hex(&given.trim().to_ascii_lowercase()) {
        return Ok(key);
    }
    let cannot = |e: io::Error| {
        Failure::new(format!("the public key `{given}` cannot be read: {e}")).hint(hint)
    };
    let mut bytes = Vec::new();
    File::open(given)
        .and_then(|file| file.take(MOST_KEY_BYTES + 1).read_to_end(&mut bytes))
        .map_err(cannot)?;
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    from_hex(&text.trim().to_ascii_lowercase())
        .ok_or_else(|| Failure::new(format!("the file `{given}` holds no public key")).hint(hint))
}
