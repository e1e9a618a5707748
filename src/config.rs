//! Plain settings, one struct per concern, read once at start from flags and environment variables.

// Private: a setting is named by its struct, wherever that is defined.
mod app;
#[cfg(feature = "cluster")]
mod bucket;
mod compute;
mod http;
mod keep;
mod network;
mod statements;

pub use app::AppConfig;
#[cfg(feature = "cluster")]
pub use bucket::Bucket;
pub use compute::ComputeConfig;
pub use http::{HttpConfig, TlsFiles};
pub use keep::KeepConfig;
pub use network::Network;
pub use statements::StatementsConfig;
