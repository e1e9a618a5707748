//! `assay enroll`: references and genuine photos from files into the gallery, one outcome per file.

pub(crate) mod report;

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    io::Write,
    path::Path,
    process::ExitCode,
};

use bytes::Bytes;
use futures_util::StreamExt;
use indicatif::ProgressBar;

use report::{LeftOut, Outcome, ProductCalibration, Report, Status, print};

use super::{
    args::EnrollArgs,
    exit::error_code,
    failure::Failure,
    open::open,
    output, progress,
    sources::{self, GenuineSource, ReferenceSource},
};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{Brand, Edition, Product, Settings},
        service::{Assay, NewReference, ServiceError},
    },
    config::{AppConfig, ComputeConfig},
    domain::gallery::ProductKey,
};

/// Runs the command. Models and gallery are opened only when the files to add are understood.
pub(crate) async fn run(
    args: &EnrollArgs,
    config: &AppConfig,
    json: bool,
    stop: impl Future<Output = ()>,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let (mut files, refused, skipped, calibration) = if args.genuine {
        let found = sources::genuine_photos(&args.path)?;
        let products: BTreeSet<_> = found.items.iter().map(|f| f.product.clone()).collect();
        // Only now: models take seconds to load, and a wrong folder should be told at once.
        let app = open(config).await?;
        let files = add_all(
            &app.assay,
            found.items,
            workers(config),
            &progress::bar("adding"),
            stop,
        )
        .await?;
        let calibration = calibrations(&app.assay, products).await?;
        app.close().await;
        (files, found.refused, found.skipped, calibration)
    } else {
        let mut found = sources::references(&args.path)?;
        if let Some(marks) = &args.marks {
            let marks = sources::add_marks(&mut found.items, marks)?;
            found.refused.extend(marks.refused);
            found.skipped.extend(marks.skipped);
        }
        let app = open(config).await?;
        let files = add_all(
            &app.assay,
            found.items,
            workers(config),
            &progress::bar("enrolling"),
            stop,
        )
        .await?;
        app.close().await;
        (files, found.refused, found.skipped, Vec::new())
    };
    files.extend(refused.into_iter().map(Outcome::from));
    // Files are done in any order since several are added at once; the report should not be.
    files.sort_by(|a, b| (&a.brand, &a.product, &a.path).cmp(&(&b.brand, &b.product, &b.path)));
    let is = |wanted: fn(&Status) -> bool| files.iter().filter(|f| wanted(&f.status)).count();
    let report = Report {
        added: is(|s| matches!(s, Status::Added { .. })),
        already_there: is(|s| matches!(s, Status::AlreadyThere)),
        refused: is(|s| matches!(s, Status::Refused { .. })),
        files,
        skipped: skipped.into_iter().map(LeftOut::from).collect(),
        calibration,
    };
    if json {
        output::json(&report, out)?;
    } else {
        print(&report, args.genuine, out)?;
    }
    // A script has to learn that a file is missing even though the others were added.
    Ok(if report.refused == 0 {
        ExitCode::SUCCESS
    } else {
        error_code()
    })
}

/// Something to add: where it lies, where it belongs, and how it is added.
// References and genuine photos differ only in what is sent: one loop serves both.
pub(crate) trait Source {
    /// Product it belongs to.
    fn product(&self) -> &ProductKey;
    /// The file.
    fn path(&self) -> &Path;
    /// The line of the table that names it.
    fn line(&self) -> Option<&str>;
    /// Adds it with the file's bytes.
    fn add(
        &self,
        assay: &Assay,
        image: Bytes,
    ) -> impl Future<Output = Result<Status, ServiceError>>;
}

impl Source for ReferenceSource {
    fn product(&self) -> &ProductKey {
        &self.product
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn line(&self) -> Option<&str> {
        self.line.as_deref()
    }

    async fn add(&self, assay: &Assay, image: Bytes) -> Result<Status, ServiceError> {
        let Self {
            product,
            kind,
            view,
            marks,
            ..
        } = self.clone();
        let record = assay
            .enroll_reference(
                &Actor::local(),
                NewReference {
                    product,
                    kind,
                    view,
                    marks,
                    edition: Edition::default(),
                    image,
                },
            )
            .await?;
        Ok(Status::Added {
            id: record.id,
            usable: record.health.usable,
            proposed: record.marks.iter().any(|m| m.proposed),
            marks: record.marks.into_iter().map(|m| m.name).collect(),
            problems: record.health.problems,
        })
    }
}

impl Source for GenuineSource {
    fn product(&self) -> &ProductKey {
        &self.product
    }

    fn path(&self) -> &Path {
        &self.path
    }

    fn line(&self) -> Option<&str> {
        self.line.as_deref()
    }

    async fn add(&self, assay: &Assay, image: Bytes) -> Result<Status, ServiceError> {
        let id = assay
            .add_genuine_photo(&Actor::local(), &self.product, &self.item, image)
            .await?
            .id;
        Ok(Status::Added {
            id,
            usable: true,
            marks: vec![],
            proposed: false,
            problems: vec![],
        })
    }
}

/// Adds files and creates their brands and products; `stop` lets those underway finish and starts
/// no other.
pub(crate) async fn add_all<S: Source>(
    assay: &Assay,
    found: Vec<S>,
    at_once: usize,
    bar: &ProgressBar,
    stop: impl Future<Output = ()>,
) -> Result<Vec<Outcome>, Failure> {
    let total = found.len();
    bar.set_length(total as u64);
    // Before any file: two files of one new product would both try to create it.
    let missing = &create_products(assay, found.iter().map(Source::product)).await;
    let add = |source: S| async move {
        let status = match (missing.get(source.product()), read(source.path())) {
            (Some(error), _) => Status::Refused {
                error: error.clone(),
            },
            (None, Err(error)) => Status::Refused { error },
            (None, Ok(image)) => source.add(assay, image).await.unwrap_or_else(refusal),
        };
        bar.inc(1);
        Outcome::new(source.path(), source.line(), source.product(), status)
    };
    let stop = std::pin::pin!(stop);
    let outcomes: Vec<_> = futures_util::stream::iter(found)
        // Ends the row of files and not the work: what has begun is finished.
        .take_until(stop)
        .map(add)
        // In any order, so that one slow picture does not hold up the others.
        .buffer_unordered(at_once)
        .collect()
        .await;
    bar.finish_and_clear();
    unless_stopped(outcomes, total)
}

/// As many files at a time as there are workers: more would only wait in memory.
pub(crate) fn workers(config: &AppConfig) -> usize {
    config
        .workers
        .unwrap_or_else(ComputeConfig::default_workers)
        .get()
}

fn unless_stopped(outcomes: Vec<Outcome>, total: usize) -> Result<Vec<Outcome>, Failure> {
    if outcomes.len() == total {
        return Ok(outcomes);
    }
    Err(
        Failure::new(format!("stopped after {} of {total} files", outcomes.len()))
            .hint("run the same command again: what is there already is skipped"),
    )
}

/// Creates what is missing; returns why products could not be created.
async fn create_products<'a>(
    assay: &Assay,
    keys: impl Iterator<Item = &'a ProductKey>,
) -> BTreeMap<ProductKey, String> {
    let mut failed = BTreeMap::new();
    for key in keys.cloned().collect::<BTreeSet<_>>() {
        if let Err(error) = create_product(assay, &key).await {
            failed.insert(key, Failure::from(error).to_string());
        }
    }
    failed
}

/// A brand or product that exists keeps its name; a new one is named by its id.
async fn create_product(assay: &Assay, key: &ProductKey) -> Result<(), ServiceError> {
    // Asked first: creating it under its id would clash with the name that it was given.
    match assay.product(&Actor::local(), key).await {
        Ok(_) => return Ok(()),
        Err(ServiceError::Store(StoreError::NotFound { .. })) => {}
        Err(error) => return Err(error),
    }
    if !assay
        .brands(&Actor::local())
        .await?
        .iter()
        .any(|b| b.id == key.brand)
    {
        assay
            .create_brand(
                &Actor::local(),
                Brand {
                    id: key.brand.clone(),
                    name: key.brand.clone(),
                    settings: Settings::default(),
                },
            )
            .await?;
    }
    assay
        .create_product(
            &Actor::local(),
            Product {
                key: key.clone(),
                name: key.product.clone(),
                settings: Settings::default(),
            },
        )
        .await?;
    Ok(())
}

fn read(path: &Path) -> Result<Bytes, String> {
    std::fs::read(path)
        .map(Bytes::from)
        .map_err(|e| format!("cannot be read: {e}"))
}

fn refusal(error: ServiceError) -> Status {
    match error {
        // The same bytes are never kept twice: for a command that is repeated this is no error.
        ServiceError::Store(StoreError::Conflict { .. }) => Status::AlreadyThere,
        // Without the field's name: the line names the file, and the field means nothing here.
        ServiceError::Intake { source, .. } => Status::Refused {
            error: source.to_string(),
        },
        other => Status::Refused {
            error: Failure::from(other).to_string(),
        },
    }
}

async fn calibrations(
    assay: &Assay,
    products: BTreeSet<ProductKey>,
) -> Result<Vec<ProductCalibration>, Failure> {
    let spinner = progress::spinner("scoring the genuine photos");
    let mut found = Vec::new();
    for key in products {
        let calibration = assay.calibration(&Actor::local(), &key).await?;
        found.push(ProductCalibration {
            brand: key.brand,
            product: key.product,
            calibration,
        });
    }
    spinner.finish_and_clear();
    Ok(found)
}
