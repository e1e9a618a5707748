//! The one integration binary: every module here sees the crate from outside, as callers do.

#![allow(
    unreachable_pub,
    reason = "a test binary has no outside; what its modules share is simply public"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::cast_lossless,
    reason = "the numbers of tests are small or cut on purpose"
)]
#![allow(
    clippy::float_cmp,
    reason = "the same inputs give the same answer, to the last bit"
)]

mod api;
mod architecture;
mod audit;
mod backup;
mod cli;
#[cfg(feature = "cluster")]
mod cluster;
mod contract;
mod end_to_end;
mod engine;
mod everyday;
mod evidence_bundle;
mod footprint;
mod inference;
mod intake;
mod killed;
mod logos;
mod pool;
mod retention;
mod service;
mod statement;
mod storage;
#[path = "../support/mod.rs"]
mod support;
