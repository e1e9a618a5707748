//! A data folder in one file, and a data folder made of such a file.
//!
//! The file is a tar archive of plain entries:
//!
//! | entry | holds |
//! | --- | --- |
//! | `records/<table>.jsonl` | the rows of a table, one JSON object a line, tables before those that refer to them |
//! | `images/ab/<sha256>` | an original image that a row names, the bytes as they were sent |
//! | `manifest.json` | format, program, time, schema, what was counted, and which images were lost; the last entry |
//!
//! Rows are one state of the database, taken in one transaction that keeps nobody from writing.
//! Images are read after it: an image is on the disk before the row that names it, and none is ever
//! deleted. What models made of images is left out, since it is made again when needed.

#[cfg(feature = "cluster")]
mod cluster;
mod format;
mod read;
mod table;
mod value;
mod write;

#[cfg(feature = "cluster")]
pub use cluster::{back_up_cluster, back_up_with, restore_into_cluster};
pub use format::{BackupError, Counted, Found, LostImage, Manifest, NamedBy, Step};
pub use read::restore;
pub use write::{BackedUp, back_up};
