//! What lasts: an SQLite database for records, files named by their content for images and
//! features.

pub mod files;
mod rows;
pub mod sqlite;
pub mod threads;
