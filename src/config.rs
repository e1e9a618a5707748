//! Plain settings, one struct per concern, read once at start from flags and environment variables.

mod http;

pub use http::HttpConfig;
