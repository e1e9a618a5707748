//! Assay checks product photos against reference images of genuine goods.

pub mod app;
pub mod checker;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod imaging;
pub mod inference;
pub mod storage;
