//! Assay checks product photos against reference images of genuine goods.

pub mod checker;
pub mod domain;
pub mod imaging;
pub mod inference;
pub mod storage;
pub mod http;
pub mod cli;
