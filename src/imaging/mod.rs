//! Bytes to upright pixels, pixels to other sizes, and pictures for people.

mod bytes;
mod intake;
mod jpeg;
mod png;
mod sniff;
mod upright;
mod webp;

pub use intake::{Intake, IntakeLimits};
