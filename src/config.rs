//! Plain settings, one struct per concern, read once at start from flags and environment variables.

// Private: a setting is named by its struct, wherever that is defined.
mod app;
mod compute;
mod http;

pub use app::AppConfig;
pub use compute::ComputeConfig;
pub use http::HttpConfig;
