//! `assay enroll`: references and genuine photos from files into the gallery, one outcome per file.

use std::{
    collections::{BTreeMap, BTreeSet},
    future::Future,
    io::{self, Write},
    path::Path,
    process::ExitCode,
};

use bytes::Bytes;
use futures_util::StreamExt;
use indicatif::ProgressBar;
use serde::Serialize;

use super::{
    args::EnrollArgs,
    exit::error_code,
    failure::Failure,
    open::open,
    output::{self, BAD, Cell, DIM, GOOD, Table, WARN, count},
    progress,
    sources::{self, GenuineSource, ReferenceSource, Refused},
};
use crate::{
    checker::{
        ports::StoreError,
        records::{Brand, Product},
        service::{Assay, NewReference, ServiceError},
    },
    config::{AppConfig, ComputeConfig},
    contract::{CalibrationSource, answer::CalibrationAnswer},
    domain::{gallery::ProductKey, tuning::variation::LEAST_ITEMS},
};

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    /// The file, or the line of a CSV file.
    pub path: String,
    /// Brand id; empty when the line could not be understood.
    pub brand: String,
    /// Product id; empty when the line could not be understood.
    pub product: String,
    /// What became of it.
    #[serde(flatten)]
    pub status: Status,
}

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub(crate) enum Status {
    /// It is in the gallery or the calibration data now.
    Added {
        /// Id of the reference or genuine photo.
        id: String,
        /// Whether it can be compared with at all; always true for a genuine photo.
        usable: bool,
        /// Names of its marks.
        marks: Vec<String>,
        /// Whether Assay proposed the marks.
        proposed: bool,
        /// What is weak and what to do.
        problems: Vec<String>,
    },
    /// The same image was there before.
    AlreadyThere,
    /// It was refused.
    Refused {
        /// Why, and what to do.
        error: String,
    },
}

/// All that `assay enroll` answers.
#[derive(Debug, Serialize)]
struct Report {
    added: usize,
    already_there: usize,
    refused: usize,
    files: Vec<Outcome>,
    /// State of the calibration per product, after adding genuine photos.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calibration: Vec<ProductCalibration>,
}

#[derive(Debug, Serialize)]
struct ProductCalibration {
    brand: String,
    product: String,
    calibration: CalibrationAnswer,
}

/// Runs the command. Models and gallery are opened only when the files to add are understood.
pub(crate) async fn run(
    args: &EnrollArgs,
    config: &AppConfig,
    json: bool,
    stop: impl Future<Output = ()>,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let (mut files, refused, calibration) = if args.genuine {
        let (found, refused) = sources::genuine_photos(&args.path)?;
        let products: BTreeSet<_> = found.iter().map(|f| f.product.clone()).collect();
        // Only now: models take seconds to load, and a wrong folder should be told at once.
        let app = open(config).await?;
        let files = add_all(
            &app.assay,
            found,
            workers(config),
            &progress::bar("adding"),
            stop,
        )
        .await?;
        let calibration = calibrations(&app.assay, products).await?;
        app.close().await;
        (files, refused, calibration)
    } else {
        let (mut found, mut refused) = sources::references(&args.path)?;
        if let Some(marks) = &args.marks {
            refused.extend(sources::add_marks(&mut found, marks)?);
        }
        let app = open(config).await?;
        let files = add_all(
            &app.assay,
            found,
            workers(config),
            &progress::bar("enrolling"),
            stop,
        )
        .await?;
        app.close().await;
        (files, refused, Vec::new())
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

    async fn add(&self, assay: &Assay, image: Bytes) -> Result<Status, ServiceError> {
        let Self {
            product,
            kind,
            view,
            marks,
            ..
        } = self.clone();
        let record = assay
            .enroll_reference(NewReference {
                product,
                kind,
                view,
                marks,
                image,
            })
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

    async fn add(&self, assay: &Assay, image: Bytes) -> Result<Status, ServiceError> {
        let id = assay
            .add_genuine_photo(&self.product, &self.item, image)
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
        Outcome::new(source.path(), source.product(), status)
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
    match assay.product(key).await {
        Ok(_) => return Ok(()),
        Err(ServiceError::Store(StoreError::NotFound { .. })) => {}
        Err(error) => return Err(error),
    }
    if !assay.brands().await?.iter().any(|b| b.id == key.brand) {
        assay
            .create_brand(Brand {
                id: key.brand.clone(),
                name: key.brand.clone(),
            })
            .await?;
    }
    assay
        .create_product(Product {
            key: key.clone(),
            name: key.product.clone(),
        })
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
        let calibration = assay.calibration(&key).await?;
        found.push(ProductCalibration {
            brand: key.brand,
            product: key.product,
            calibration,
        });
    }
    spinner.finish_and_clear();
    Ok(found)
}

fn print(report: &Report, genuine: bool, out: &mut impl Write) -> io::Result<()> {
    let mut table = Table::new(&["product", ">added", ">already there", ">refused"]);
    let mut products: BTreeMap<String, [usize; 3]> = BTreeMap::new();
    // Lines that could not be understood belong to no product; they are listed below.
    for file in report.files.iter().filter(|f| !f.brand.is_empty()) {
        let counts = products
            .entry(format!("{} / {}", file.brand, file.product))
            .or_default();
        match file.status {
            Status::Added { .. } => counts[0] += 1,
            Status::AlreadyThere => counts[1] += 1,
            Status::Refused { .. } => counts[2] += 1,
        }
    }
    for (product, counts) in products {
        table.row(
            std::iter::once(Cell::from(product)).chain(counts.map(|n| Cell::from(n.to_string()))),
        );
    }
    table.write(out, 0)?;
    print_files(report, out)?;
    for ProductCalibration {
        brand,
        product,
        calibration,
    } in &report.calibration
    {
        let (items, bound) = (
            count(calibration.items, "item"),
            calibration.bound_95 * 100.0,
        );
        let whose = match calibration.source {
            CalibrationSource::Product => "a calibration of its own",
            CalibrationSource::Brand => "the calibration of all its brand's products",
            CalibrationSource::Default => "the shipped calibration",
        };
        writeln!(
            out,
            "{brand} / {product} is judged by {whose}: {items}, at most {bound:.1} % of genuine photos flagged"
        )?;
        match calibration.variation_items {
            0 => {}
            items if items < LEAST_ITEMS => writeln!(
                out,
                "    {WARN}genuine photos of {} more would tell what genuine goods show that the references do not{WARN:#}",
                count(LEAST_ITEMS - items, "item")
            )?,
            items => writeln!(
                out,
                "    what nearly all of {items} genuine items show counts as genuine variation"
            )?,
        }
        if let Some(advice) = &calibration.advice {
            writeln!(out, "    {WARN}{advice}{WARN:#}")?;
        }
    }
    let what = if genuine {
        "genuine photo"
    } else {
        "reference"
    };
    writeln!(
        out,
        "{GOOD}{} added{GOOD:#}, {} already there, {} refused",
        count(report.added, what),
        report.already_there,
        report.refused
    )
}

/// The files that a person should know something of.
fn print_files(report: &Report, out: &mut impl Write) -> io::Result<()> {
    for file in &report.files {
        match &file.status {
            Status::Refused { error } => {
                writeln!(out, "{BAD}refused{BAD:#} `{}`: {error}", file.path)?
            }
            Status::Added {
                usable, problems, ..
            } if !problems.is_empty() => {
                let (style, word) = if *usable {
                    (WARN, "weak")
                } else {
                    (BAD, "unusable")
                };
                writeln!(
                    out,
                    "{style}{word}{style:#} `{}`: {}",
                    file.path,
                    problems.join("; ")
                )?;
            }
            Status::Added {
                proposed: true,
                marks,
                ..
            } => {
                writeln!(
                    out,
                    "{DIM}marks proposed for `{}`: {}{DIM:#}",
                    file.path,
                    marks.join(", ")
                )?;
            }
            // What went well is in the table above: a line for each would bury the others.
            _ => {}
        }
    }
    Ok(())
}

impl Outcome {
    fn new(path: &Path, product: &ProductKey, status: Status) -> Self {
        let ProductKey { brand, product } = product.clone();
        Self {
            path: path.display().to_string(),
            brand,
            product,
            status,
        }
    }
}

impl From<Refused> for Outcome {
    fn from(Refused { place, error }: Refused) -> Self {
        Self {
            path: place,
            brand: String::new(),
            product: String::new(),
            status: Status::Refused { error },
        }
    }
}
