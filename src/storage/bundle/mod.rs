//! The evidence of one check in one file that others can verify without this program's data.
//!
//! The file is a zip archive of stored entries, sorted by name, without times:
//!
//! | entry | holds |
//! | --- | --- |
//! | `check.json` | the answer as it is kept |
//! | `operating-point.json` | what it was judged by; absent in checks of before it was kept |
//! | `review.json` | what people said about it: disputes and decisions |
//! | `audit.jsonl` | what the audit log says of it, each entry with its hash and the hash before it |
//! | `photos/N.EXT` | the photos as they were sent, from 0; those that were no pictures are absent |
//! | `evidence/N.png` | the same with the located reference, its marks and what differs |
//! | `references/ID.EXT`, `references/ID.json` | each matched reference: image and record |
//! | `report.html` | all of it for a person |
//! | `manifest.json` | every file but the next with its length and hash, and the key that signs |
//! | `manifest.sig` | the signature (Ed25519) over the manifest's bytes |
//!
//! The same check gives the same bytes whenever the same program makes its bundle.

mod archive;
mod checked;
mod contents;
mod format;
mod held;
mod report;
mod trail;
mod verify;
mod write;

pub use contents::{Contents, Photo, Reference};
pub use format::BundleError;
pub use held::{Held, HeldReference, read_held};
pub use trail::{Extract, Trail};
pub use verify::{Fault, Verified, verify};
pub use write::{Written, write};
