//! What `assay enroll` says: one outcome per file, and a table of them.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
};

use serde::Serialize;

use crate::{
    cli::{
        output::{BAD, Cell, DIM, GOOD, Table, WARN, count},
        sources::{Refused, Skipped},
    },
    contract::{CalibrationSource, answer::CalibrationAnswer},
    domain::{gallery::ProductKey, tuning::variation::LEAST_ITEMS},
};

/// What became of one file.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Outcome {
    /// The file, or the line of a CSV file.
    pub path: String,
    /// The line of a CSV file that names the file, where one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
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
pub(super) struct Report {
    pub added: usize,
    pub already_there: usize,
    pub refused: usize,
    pub files: Vec<Outcome>,
    /// What was left out, which is no error.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub skipped: Vec<LeftOut>,
    /// State of the calibration per product, after adding genuine photos.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub calibration: Vec<ProductCalibration>,
}

/// A file, or columns of a CSV file, that nothing reads.
#[derive(Debug, Serialize)]
pub(super) struct LeftOut {
    /// The file, or the CSV file with the line.
    pub path: String,
    /// Why.
    pub reason: String,
}

impl From<Skipped> for LeftOut {
    fn from(Skipped { place, reason }: Skipped) -> Self {
        Self {
            path: place,
            reason,
        }
    }
}

/// Whether a product is judged by its own photos now.
#[derive(Debug, Serialize)]
pub(super) struct ProductCalibration {
    pub brand: String,
    pub product: String,
    pub calibration: CalibrationAnswer,
}

/// A table of the products, then what each file needs said about it.
pub(super) fn print(report: &Report, genuine: bool, out: &mut impl Write) -> io::Result<()> {
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
    for LeftOut { path, reason } in &report.skipped {
        writeln!(out, "{WARN}skipped{WARN:#} `{path}`: {reason}")?;
    }
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
                let line = file.line.iter().map(|line| format!(" ({line})"));
                let line = line.collect::<String>();
                writeln!(out, "{BAD}refused{BAD:#} `{}`{line}: {error}", file.path)?
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
    pub(super) fn new(
        path: &Path,
        line: Option<&str>,
        product: &ProductKey,
        status: Status,
    ) -> Self {
        let ProductKey { brand, product } = product.clone();
        Self {
            path: path.display().to_string(),
            line: line.map(str::to_owned),
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
            line: None,
            brand: String::new(),
            product: String::new(),
            status: Status::Refused { error },
        }
    }
}
