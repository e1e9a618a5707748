//! Bytes to upright pixels, pixels to other sizes, and pictures for people.

mod bytes;
mod evidence;
mod intake;
mod jpeg;
mod png;
mod sniff;
mod upright;
mod webp;

pub use evidence::{Evidence, EvidenceError, evidence_png};
pub use intake::{Intake, IntakeLimits};

/// Bytes of memory that decoding a file takes within the default limits; see
/// [`IntakeLimits::decoding_bytes`].
pub fn decoding_bytes(file: &[u8]) -> u64 {
    IntakeLimits::default().decoding_bytes(file)
}
