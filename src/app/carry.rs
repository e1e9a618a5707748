//! Backups, of wherever the settings keep records and images, and back to there.

use std::path::Path;

use super::AppConfig;
use crate::storage::backup::{self, BackedUp, Manifest, Step};

/// Saves everything in one file.
pub(crate) async fn back_up(
    config: &AppConfig,
    file: &Path,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> anyhow::Result<BackedUp> {
    #[cfg(feature = "cluster")]
    if config.database.is_some() || config.images.is_some() {
        return cluster::back_up(config, file, progress).await;
    }
    Ok(backup::back_up(&config.data, file, progress).await?)
}

/// Makes a data folder of a backup, or fills a database and wherever the settings keep images; says
/// where, without what may be a password.
pub(crate) async fn restore(
    config: &AppConfig,
    file: &Path,
    into: &Path,
    progress: &(dyn Fn(Step<'_>) + Sync),
) -> anyhow::Result<(String, Manifest)> {
    let url = into.to_str().filter(|into| {
        ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| into.starts_with(scheme))
    });
    match url {
        #[cfg(feature = "cluster")]
        Some(url) => {
            let manifest = cluster::restore(config, file, url, progress).await?;
            Ok((crate::storage::postgres::told(url), manifest))
        }
        #[cfg(not(feature = "cluster"))]
        Some(_) => {
            let _ = config;
            anyhow::bail!(
                "this program was built without Postgres; build it with --features cluster"
            )
        }
        None => {
            let manifest = backup::restore(file, into, progress).await?;
            Ok((into.display().to_string(), manifest))
        }
    }
}

#[cfg(feature = "cluster")]
mod cluster {
    use std::{path::Path, sync::Arc};

    use super::{
        super::{AppConfig, images},
        BackedUp, Manifest, Step, backup,
    };
    use crate::{
        checker::ports::Images,
        storage::{files::ContentFiles, threads::FileThreads},
    };

    pub(super) async fn back_up(
        config: &AppConfig,
        file: &Path,
        progress: &(dyn Fn(Step<'_>) + Sync),
    ) -> anyhow::Result<BackedUp> {
        let images = place(config).await?;
        let data = &config.data;
        let images = images.as_ref();
        Ok(match &config.database {
            Some(url) => backup::back_up_cluster((url, images), data, file, progress).await?,
            None => backup::back_up_with(images, data, file, progress).await?,
        })
    }

    pub(super) async fn restore(
        config: &AppConfig,
        file: &Path,
        url: &str,
        progress: &(dyn Fn(Step<'_>) + Sync),
    ) -> anyhow::Result<Manifest> {
        let images = place(config).await?;
        let to = (url, images.as_ref());
        Ok(backup::restore_into_cluster(file, to, &config.data, progress).await?)
    }

    /// Where the settings keep images.
    async fn place(config: &AppConfig) -> anyhow::Result<Arc<dyn Images>> {
        let files = ContentFiles::open(&config.data)?;
        images(config, &Arc::new(FileThreads::start(files)?)).await
    }
}
