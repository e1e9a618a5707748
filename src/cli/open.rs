//! Opening what commands work with.

use super::progress;
use crate::{app::App, config::AppConfig};

/// Opens models and gallery; a spinner says so, as this takes seconds.
pub(super) async fn open(config: &AppConfig) -> anyhow::Result<App> {
    let spinner = progress::spinner("loading models and gallery");
    let app = App::open(config).await;
    spinner.finish_and_clear();
    app
}
