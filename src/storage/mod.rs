//! What lasts: an SQLite database for records, files named by their content for images and
//! features, and both in one file as a backup. With the feature `cluster`, images in a bucket.

pub mod backup;
pub mod files;
#[cfg(feature = "cluster")]
pub mod objects;
// Rows are the database's own affair: others see records.
mod rows;
pub mod sqlite;
pub mod threads;
