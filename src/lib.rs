//! Assay checks product photos against reference images of genuine goods, and says what they show
//! with scores, reasons and places.
//!
//! # The map
//!
//! ```text
//!                         main ── cli ──┐          ┌── http
//!                                       app (wiring)
//!                     ┌─────────────┬───┴────┬───────────┬───────────┐
//!                  imaging      inference  storage   statement    config
//!                     └─────────────┴───┬────┴───────────┘
//!                                    checker   use cases, the store and files they are kept in
//!                                  ┌────┴────┐
//!   says what a photo shows;    engine    contract   what callers see
//!   touches nothing, sees by ports └────┬────┘
//!                                    domain    pure comparison and judgement
//! ```
//!
//! Beside the use cases, `evaluation` measures the engine on a labelled folder.
//!
//! A check flows one way: bytes, upright raster, tensors, features, candidates, comparisons,
//! evidence, verdict, answer. What the engine lacks of a reference it asks for on the way; the use
//! case fetches it while no worker waits.
//!
//! | module | holds | may import |
//! | --- | --- | --- |
//! | [`domain`] | pictures as numbers, matching, geometry, marks, scores, verdicts; pure and synchronous | nothing |
//! | [`engine`] | what is seen in photos and what follows from it; the ports it sees by | `domain` |
//! | [`contract`] | what callers see: answers, names and limits, with their JSON and schemas | `domain` |
//! | [`checker`] | the use cases, the ports and the records | `domain`, `engine`, `contract` |
//! | [`evaluation`] | measuring this build on a labelled folder | `domain`, `engine`, `contract`, `checker::clock` |
//! | [`config`] | settings, one struct per concern | `contract` |
//! | [`imaging`] | bytes to upright pixels within limits; the evidence picture | `domain`, `engine::vision`, `contract` |
//! | [`inference`] | models through ONNX Runtime, and the worker threads that own them | `domain`, `engine::vision`, `checker::ports`, `config` |
//! | [`statement`] | statements of reasons to sellers, from templates that an operator may translate | `checker::statement`, `contract` |
//! | [`storage`] | records in SQLite or Postgres, images in a folder or a bucket; backups of both; signed evidence | `domain`, `checker::actor`, `checker::ports`, `checker::records`, `contract` |
//! | [`http`] | the HTTP interface | `checker`, `contract`, `engine`, `domain`, `config` |
//! | [`cli`] | the command line | `checker`, `contract`, `engine`, `evaluation`, `domain`, `config`, `app` |
//! | [`app`] | wiring: the only place that names the adapters together | `config`, `contract`, `engine`, `checker`, `imaging`, `inference`, `statement`, `storage`, `http` |
//! | `main` | the program's entry | `cli` |
//!
//! A test reads this table and compares the imports with it.
//!
//! # What always holds
//!
//! - The domain touches no file, clock, network or unseeded randomness: the same inputs give the
//!   same answer.
//! - A score has its own type per scale and is never NaN. A verdict's thresholds belong to the
//!   calibration; the other numbers that decide stand in one table, whose hash an answer names.
//! - Models run on threads that own them, never on the async runtime; their queue is bounded.
//! - A photo's own fault is part of its answer and never fails the check of the others.
//! - Orientation is applied once, on intake; coordinates in answers are 0..1 of the upright photo.
//! - Nothing is blocked and nothing is called counterfeit: the verdict says what a photo shows.
//!
//! What is absent on purpose: models that are downloaded at run time.

// Bad input is an error, never a panic; what cannot fail says why where it stands. Tests may.
#![cfg_attr(
    not(test),
    warn(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::unreachable
    )
)]
// Tests convert small numbers of their own. The library is linted without its tests as well.
#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        reason = "the tests' numbers are small"
    )
)]

pub mod app;
pub mod checker;
pub mod cli;
pub mod config;
pub mod contract;
pub mod domain;
pub mod engine;
pub(crate) mod evaluation;
pub mod http;
pub mod imaging;
pub mod inference;
pub mod statement;
pub mod storage;
