//! The one integration binary: every module here sees the crate from outside, as callers do.

mod architecture;
mod contract;
mod inference;
mod intake;
