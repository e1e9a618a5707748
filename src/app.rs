//! Wiring: the only place that names concrete adapters together.

mod painter;
mod telemetry;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::Context;
use tokio::net::TcpListener;

use crate::{
    checker::{
        ports::Images,
        service::{Assay, EvidencePainter, Parts},
    },
    config::{AppConfig, ComputeConfig, HttpConfig},
    contract::limits::MOST_PHOTOS,
    engine::{Engine, vision::Vision},
    http::{self, HttpState},
    imaging::{self, Intake},
    inference::{self, pool::WorkerPool},
    storage::{files::ContentFiles, sqlite::SqliteStore, threads::FileThreads},
};

pub(crate) use crate::storage::backup;
pub(crate) use imaging::format as picture_format;
pub(crate) use telemetry::turn_off as turn_telemetry_off;

/// How often a server looks whether genuine photos need scores.
const CALIBRATION_PERIOD: Duration = Duration::from_secs(5);
/// References that are loaded between two words in the log.
const PROGRESS_EVERY: usize = 100;

/// All that one thread sees with, for work that needs no data folder.
pub(crate) fn vision(config: &AppConfig) -> anyhow::Result<Vision> {
    Ok(inference::vision(
        config.models.as_deref(),
        Box::new(Intake::default()),
    )?)
}

/// The program, opened over one data folder.
pub struct App {
    /// Everything it does.
    pub assay: Arc<Assay>,
    /// Draws evidence.
    pub(crate) painter: Arc<dyn EvidencePainter>,
    pool: Arc<WorkerPool>,
    store: Arc<SqliteStore>,
}

impl App {
    /// Loads the models, opens the data folder (made when missing) and reads the gallery.
    pub async fn open(config: &AppConfig) -> anyhow::Result<Self> {
        let models = config.models.clone();
        let make = move || inference::vision(models.as_deref(), Box::new(Intake::default()));
        let workers = config
            .workers
            .unwrap_or_else(ComputeConfig::default_workers);
        // Each photo of a check is a job of its own, and no other request brings as many.
        let compute = ComputeConfig::for_workers(workers, MOST_PHOTOS);
        // Models before data: a missing one is told before any folder is made.
        let pool = Arc::new(WorkerPool::start(compute, make).await?);
        let store = Arc::new(SqliteStore::open(&config.data).await?);
        let files = Arc::new(FileThreads::start(ContentFiles::open(&config.data)?)?);
        let images = images(config, &files).await?;
        let parts = Parts {
            store: store.clone(),
            engine: Engine::default(),
            images,
            derived: files,
            compute: pool.clone(),
            decoding_bytes: imaging::decoding_bytes,
            budget: config.budget,
        };
        let assay = Assay::open(parts, |done, all| {
            if done % PROGRESS_EVERY == 0 {
                tracing::info!("{done} of {all} references are loaded");
            }
        });
        Ok(Self {
            assay: Arc::new(assay.await?),
            painter: Arc::new(painter::Painter),
            pool,
            store,
        })
    }

    /// Starts to listen, so that the address is known before the first request.
    pub async fn bind(self, config: HttpConfig) -> anyhow::Result<Server> {
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!(
                "cannot listen on `{}`; choose another address with --listen",
                config.listen
            )
        })?;
        let address = listener.local_addr()?;
        let state = HttpState::new(Arc::clone(&self.assay), Arc::clone(&self.painter), config);
        Ok(Server {
            app: self,
            listener,
            address,
            state,
        })
    }

    /// Finishes the work underway and closes the database.
    pub async fn close(self) {
        // Workers first: what their last jobs give may still be written.
        self.pool.shutdown();
        self.store.close().await;
    }
}

/// Where original images are kept: in the data folder.
#[cfg(not(feature = "cluster"))]
async fn images(_: &AppConfig, files: &Arc<FileThreads>) -> anyhow::Result<Arc<dyn Images>> {
    Ok(files.clone())
}

/// Where original images are kept: in the data folder, or in the bucket that the settings name.
#[cfg(feature = "cluster")]
async fn images(config: &AppConfig, files: &Arc<FileThreads>) -> anyhow::Result<Arc<dyn Images>> {
    use crate::storage::objects::{Access, ObjectImages, Patience};

    let Some(bucket) = &config.images else {
        return Ok(files.clone());
    };
    let access = Access::by(|name| std::env::var(name).ok())?;
    let images = ObjectImages::new(&bucket.name, &bucket.prefix, access, Patience::default())?;
    // A wrong name or key is told at the start, not by the first picture.
    // In words: as an error of the store it would be taken for one of the data folder.
    if let Err(why) = images.reachable().await {
        anyhow::bail!("cannot keep images in `{bucket}`: {why}");
    }
    Ok(Arc::new(images))
}

/// A server that listens but does not answer yet.
pub struct Server {
    app: App,
    listener: TcpListener,
    address: SocketAddr,
    state: HttpState,
}

impl Server {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the process is told to stop, then finishes the requests underway.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let stop = http::shutdown_signal().context("cannot listen for signals to stop")?;
        self.run_until(stop).await
    }

    /// Serves until `stop` is done, then finishes the requests underway.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        // Beside the requests, which must not wait for the scoring of many photos.
        let calibrating = tokio::spawn(keep_calibrated(Arc::clone(&self.app.assay)));
        http::serve(self.listener, self.state, stop).await;
        calibrating.abort();
        self.app.close().await;
        Ok(())
    }
}

/// Scores genuine photos whenever they or the references changed, here or in another process.
async fn keep_calibrated(assay: Arc<Assay>) {
    let mut period = tokio::time::interval(CALIBRATION_PERIOD);
    // A round may take longer than the period: ticks missed meanwhile are not made up for.
    period.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut done = None;
    loop {
        period.tick().await;
        let scored = match assay.changes().await {
            // Two counters are cheap to read; photos and scores are not.
            Ok(changes) if Some(changes) == done => continue,
            Ok(changes) => assay.calibrate_all().await.map(|scored| (changes, scored)),
            Err(error) => Err(error),
        };
        match scored {
            Ok((changes, scored)) => {
                // The counts from before: what came in during the scoring is seen in the next
                // round.
                done = Some(changes);
                if scored > 0 {
                    tracing::info!("{scored} genuine photos were scored for calibration");
                }
            }
            Err(error) => {
                tracing::warn!("genuine photos were not scored, which is tried again: {error}")
            }
        }
    }
}
