//! What lasts: a database for records, files named by their content for images and features, and
//! both in one file as a backup; the evidence of one check in a signed file. With the feature
//! `cluster`, images in a bucket.

pub mod backup;
pub mod bundle;
pub mod checkpoints;
pub mod database;
pub mod files;
#[cfg(feature = "cluster")]
pub mod objects;
#[cfg(feature = "cluster")]
pub mod postgres;
mod schema;
mod shown;
pub mod signing;
pub mod sqlite;
pub mod threads;
