//! Use cases: check, enroll, calibrate. `ports` holds the traits that adapters implement.

mod assemble;
mod calibrating;
mod observations;
pub mod ports;
pub mod records;
pub mod requests;
pub mod service;
mod snapshot;
mod validate;
