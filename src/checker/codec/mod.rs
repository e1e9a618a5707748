//! All stored forms: what lies beside images as bytes and in columns as JSON. Each form has its own
//! number, since each is made again by itself when it changes.

pub(crate) mod entry;
pub(crate) mod features;
pub(crate) mod observations;
