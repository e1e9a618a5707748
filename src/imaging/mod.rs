//! Bytes to upright pixels, pixels to other sizes, and pictures for people.

mod bytes;
mod decoded;
mod evidence;
mod intake;
mod jpeg;
mod png;
mod sniff;
mod upright;
mod webp;

pub use decoded::IntakeLimits;
pub use intake::Intake;

pub(crate) use evidence::{Evidence, evidence_png};
pub(crate) use intake::decoding_bytes;
