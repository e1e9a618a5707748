//! Use cases: check, enroll, calibrate. `ports` holds the traits that adapters implement.

mod assemble;
mod calibrating;
pub mod clock;
mod codec;
pub mod ports;
pub mod records;
pub mod requests;
pub mod service;
pub mod snapshot;
mod supply;
mod validate;
