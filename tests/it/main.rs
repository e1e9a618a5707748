//! The one integration binary: every module here sees the crate from outside, as callers do.

mod api;
mod architecture;
mod cli;
mod contract;
mod end_to_end;
mod engine;
mod footprint;
mod inference;
mod intake;
mod pool;
mod service;
mod storage;
#[path = "../support/mod.rs"]
mod support;
