//! Use cases: check, enroll, calibrate. `ports` holds the traits that adapters implement.

pub mod actor;
mod assemble;
pub mod audit;
mod calibrating;
pub(crate) mod clock;
mod codec;
mod edition;
mod judged_by;
pub mod keeper;
pub mod key_ring;
pub mod ports;
pub mod records;
pub mod requests;
mod run_on;
pub mod service;
pub(crate) mod snapshot;
pub mod statement;
mod supply;
mod told;
pub(crate) mod validate;
mod visible;
