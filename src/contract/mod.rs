//! What callers see: the answers as serialisable types, the names that may stand in them, and the
//! limits on what callers may send.
//!
//! Names are the contract: fields and names may be added, never renamed. The types here know how
//! they are written as JSON and how the OpenAPI document describes them; the domain's types know
//! neither, and become these by `From`.

pub mod answer;
pub mod limits;
mod names;
pub mod operating_point;
pub mod review;
pub(crate) mod schemas;
pub mod self_test;
pub mod statement;
pub mod statistics;

pub use names::{
    Action, CalibrationSource, EditKind, HelpCode, MarkAnswer, MarkKind, PhotoErrorKind, Place,
    QueueOrder, ReasonCode, ReferenceKind, ReviewOutcome, ReviewState, Verdict,
};
pub use schemas::{
    Corners, Id, LongText, Market, OptionalText, PlainText, RecordId, Seed, Sha256Hex,
};
