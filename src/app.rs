//! Wiring: the only place that names concrete adapters together.

pub mod bundle;
pub(crate) mod carry;
pub(crate) mod checkpoints;
mod painter;
mod runner;
mod telemetry;

use std::{
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::Context;
use tokio::net::TcpListener;

use crate::{
    checker::{
        keeper::Keeper,
        key_ring::KeyRing,
        ports::{Images, Signer, StoreError},
        records::Records,
        service::{Assay, EvidencePainter, Parts, ServiceError},
        statement::{StatementWriter, TemplateError},
    },
    config::{AppConfig, ComputeConfig, HttpConfig, KeepConfig, StatementsConfig},
    contract::limits::MOST_PHOTOS,
    engine::{Engine, vision::Vision},
    http::{self, HttpState, Tls},
    imaging::{self, Intake},
    inference::{self, pool::WorkerPool},
    statement::Templates,
    storage::{
        database::Database, files::ContentFiles, signing::KeyFile, sqlite, threads::FileThreads,
    },
};

pub use crate::statement::write_built_in as write_statement_templates;
#[cfg(feature = "cluster")]
use crate::storage::postgres;
pub(crate) use crate::storage::{
    backup, bundle as evidence_bundle, checkpoints as checkpoint_file,
};
use checkpoints::Checkpoints;
pub(crate) use imaging::format as picture_format;
pub(crate) use telemetry::turn_off as turn_telemetry_off;

/// All that one thread sees with, for work that needs no data folder.
pub(crate) fn vision(config: &AppConfig) -> anyhow::Result<Vision> {
    Ok(inference::vision(
        config.models.as_deref(),
        Box::new(Intake::default()),
    )?)
}

/// The words of statements to sellers, each template tried out.
///
/// # Errors
/// The first template that cannot be read or used, by file and line.
pub fn statements(config: &StatementsConfig) -> Result<Arc<dyn StatementWriter>, TemplateError> {
    Ok(Arc::new(Templates::open(config.statements.as_deref())?))
}

/// The program, opened over one data folder.
pub struct App {
    /// Everything it does.
    pub assay: Arc<Assay>,
    /// By which callers are known.
    pub(crate) keys: KeyRing,
    keeper: Keeper,
    /// Draws evidence.
    pub(crate) painter: Arc<dyn EvidencePainter>,
    /// Signs evidence.
    pub(crate) signer: Arc<dyn Signer>,
    pool: Arc<WorkerPool>,
    database: Arc<Database>,
    data: PathBuf,
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
        let database = Arc::new(open_database(config).await?);
        let files = Arc::new(FileThreads::start(ContentFiles::open(&config.data)?)?);
        let signer = signer(&config.data)?;
        let images = images(config, &files).await?;
        let keeper = Keeper::new(database.clone(), Arc::clone(&images));
        let parts = Parts {
            records: Records::of(Arc::clone(&database)),
            engine: Engine::default(),
            images,
            derived: files,
            compute: pool.clone(),
            decoding_bytes: imaging::decoding_bytes,
            budget: config.budget,
        };
        let keys = KeyRing::new(database.clone());
        let assay = Assay::open(parts, |done| {
            tracing::info!("{done} references are loaded, and there are more");
        });
        Ok(Self {
            assay: Arc::new(assay.await?),
            keys,
            keeper,
            painter: Arc::new(painter::Painter),
            signer: Arc::new(signer),
            pool,
            database,
            data: config.data.clone(),
        })
    }

    /// Makes the first key where there is none, and starts to listen, so that the address is known before the first request.
    ///
    /// # Errors
    /// The certificate or its key cannot be used, the address cannot be listened on, or the key not be kept.
    pub async fn bind(
        self,
        config: HttpConfig,
        writer: Arc<dyn StatementWriter>,
    ) -> anyhow::Result<Server> {
        let tls = match &config.tls {
            Some(files) => Some(Tls::open(files.clone()).await.context(
                "cannot serve TLS; --tls-cert and --tls-key name a certificate and its key",
            )?),
            None => None,
        };
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!(
                "cannot listen on `{}`; choose another address with --listen",
                config.listen
            )
        })?;
        let address = listener.local_addr()?;
        let first_key = first_key(&self.keys, &self.data).await?;
        let (assay, painter) = (Arc::clone(&self.assay), Arc::clone(&self.painter));
        let state = HttpState::new(assay, painter, writer, self.keys.clone(), config);
        Ok(Server {
            app: self,
            listener,
            address,
            tls,
            first_key,
            state,
            keep: KeepConfig::default(),
        })
    }

    fn checkpoints(&self) -> Checkpoints {
        Checkpoints::new(self.database.clone(), Arc::clone(&self.signer), &self.data)
    }

    /// Finishes the work underway and closes the database.
    pub async fn close(self) {
        // Workers first: what their last jobs give may still be written.
        self.pool.shutdown();
        self.database.close().await;
    }
}

/// The keys alone, without models or gallery; close the database when done.
pub(crate) async fn keys(config: &AppConfig) -> anyhow::Result<(KeyRing, Arc<Database>)> {
    let database = Arc::new(open_database(config).await?);
    Ok((KeyRing::new(database.clone()), database))
}

/// Keeps and removes, without models or gallery; close the database when done.
pub(crate) async fn keeper(config: &AppConfig) -> anyhow::Result<(Keeper, Arc<Database>)> {
    let database = Arc::new(open_database(config).await?);
    let files = Arc::new(FileThreads::start(ContentFiles::open(&config.data)?)?);
    let images = images(config, &files).await?;
    Ok((Keeper::new(database.clone(), images), database))
}

/// The log alone, and what signs how far it is, without models or gallery; close the database when
/// done.
pub(crate) async fn audit(config: &AppConfig) -> anyhow::Result<(Checkpoints, Arc<Database>)> {
    let database = Arc::new(open_database(config).await?);
    let signer = Arc::new(signer(&config.data)?);
    let checkpoints = Checkpoints::new(database.clone(), signer, &config.data);
    Ok((checkpoints, database))
}

fn signer(data: &Path) -> anyhow::Result<KeyFile> {
    KeyFile::open(data).with_context(|| {
        format!(
            "cannot use `signing.key` in `{}`; it holds 32 bytes that only its owner may read",
            data.display()
        )
    })
}

/// Makes an administrator's key in a file of the data folder, where there are no keys yet; the file.
async fn first_key(keys: &KeyRing, data: &Path) -> Result<Option<PathBuf>, ServiceError> {
    let path = data.join("admin.key");
    let made = keys.create_first(|secret| {
        secret_file(&path, secret).map_err(|e| StoreError::Failed(Box::new(e)))
    });
    Ok(made.await?.map(|_| path))
}

/// Writes a secret where its owner alone can read it; what is there already goes.
fn secret_file(path: &Path, secret: &str) -> std::io::Result<()> {
    // A temporary file is its owner's from the start, and takes the place of the other whole.
    let mut file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(Path::new(".")))?;
    writeln!(file, "{secret}")?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
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
    tls: Option<Tls>,
    first_key: Option<PathBuf>,
    state: HttpState,
    keep: KeepConfig,
}

impl Server {
    /// Removes by itself what these settings do not keep.
    #[must_use]
    pub fn keeping(self, keep: KeepConfig) -> Self {
        Self { keep, ..self }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, as an address for browsers.
    pub fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// The file with the administrator's key that was just made, where there was none.
    pub fn first_key(&self) -> Option<&Path> {
        self.first_key.as_deref()
    }

    /// Serves until the process is told to stop, then finishes the requests underway.
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let stop = http::shutdown_signal().context("cannot listen for signals to stop")?;
        self.run_until(stop).await
    }

    /// Serves until `stop` is done, then finishes the requests underway.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        // Beside the requests, which must not wait for the scoring of many photos.
        let working = tokio::spawn(runner::work(
            Arc::clone(&self.app.assay),
            self.app.keeper.clone(),
            self.keep,
        ));
        let checkpoints = self.app.checkpoints();
        let keeping = tokio::spawn(checkpoints.clone().keep());
        http::serve(self.listener, self.state, self.tls, stop).await;
        working.abort();
        keeping.abort();
        if let Err(error) = checkpoints.write().await {
            tracing::warn!("no checkpoint of the audit log could be written at the end: {error}");
        }
        self.app.close().await;
        Ok(())
    }
}

/// The records: in the data folder, or where the settings say.
async fn open_database(config: &AppConfig) -> anyhow::Result<Database> {
    #[cfg(feature = "cluster")]
    if let Some(url) = &config.database {
        return Ok(postgres::open(url, &config.data).await?);
    }
    Ok(sqlite::open(&config.data).await?)
}
