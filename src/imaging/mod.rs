//! Bytes to upright pixels, pixels to other sizes, and pictures for people.

mod bytes;
mod decoded;
mod evidence;
mod exif;
mod intake;
mod jpeg;
mod png;
mod sniff;
mod upright;
mod webp;

// The decoders stay inside: pictures come in by one door, where the limits are.
pub use decoded::IntakeLimits;
pub use intake::Intake;

pub(crate) use evidence::{Evidence, evidence_png, pictures_png};
pub(crate) use intake::decoding_bytes;
pub(crate) use sniff::format;
