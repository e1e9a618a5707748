//! What `assay enroll` is to enroll: read from folders and CSV files, nothing decoded yet.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, de::DeserializeOwned};

use super::failure::Failure;
use crate::domain::{
    gallery::{Mark, MarkKind, ProductKey, ReferenceKind},
    geometry::Point,
};

// Only a sieve over folders: what a file holds is told by its content later.
const EXTENSIONS: [&str; 4] = ["jpg", "jpeg", "png", "webp"];

/// A reference to enroll.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReferenceSource {
    /// Product it belongs to.
    pub product: ProductKey,
    /// The file.
    pub path: PathBuf,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view.
    pub view: Option<String>,
    /// Marks given by the owner.
    pub marks: Vec<Mark>,
}

/// A genuine photo to add to the calibration data.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GenuineSource {
    /// Product it shows.
    pub product: ProductKey,
    /// The physical article it shows.
    pub item: String,
    /// The file.
    pub path: PathBuf,
}

/// A line or file that could not be understood; the others go on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refused {
    /// The file, or the CSV file with the line.
    pub place: String,
    /// What is wrong and what to do.
    pub error: String,
}

/// What was found and what could not be understood.
pub(crate) type Found<T> = (Vec<T>, Vec<Refused>);

/// The references of a folder `BRAND/PRODUCT/*.jpg` or of a CSV file.
pub(crate) fn references(path: &Path) -> Result<Found<ReferenceSource>, Failure> {
    if !is_folder(path)? {
        return csv_references(path);
    }
    let mut found = Vec::new();
    for (product, folder) in product_folders(path)? {
        for path in pictures(&folder)? {
            let (kind, view) = (ReferenceKind::Pack, None);
            found.push(ReferenceSource {
                product: product.clone(),
                path,
                kind,
                view,
                marks: Vec::new(),
            });
        }
    }
    // Nothing found would look like success, and mostly the folder is one level off.
    if found.is_empty() {
        return Err(nothing_found(path, "BRAND/PRODUCT/*.jpg"));
    }
    Ok((found, Vec::new()))
}

/// The genuine photos of a folder `BRAND/PRODUCT/ITEM/*.jpg` or of a CSV file.
pub(crate) fn genuine_photos(path: &Path) -> Result<Found<GenuineSource>, Failure> {
    if !is_folder(path)? {
        return csv_genuine(path);
    }
    let mut found = Vec::new();
    for (product, folder) in product_folders(path)? {
        for (item, folder) in folders(&folder)? {
            for path in pictures(&folder)? {
                found.push(GenuineSource {
                    product: product.clone(),
                    item: item.clone(),
                    path,
                });
            }
        }
    }
    if found.is_empty() {
        return Err(nothing_found(path, "BRAND/PRODUCT/ITEM/*.jpg"));
    }
    Ok((found, Vec::new()))
}

/// Gives the references the marks of a CSV file; returns the lines that fit no reference.
pub(crate) fn add_marks(
    references: &mut [ReferenceSource],
    path: &Path,
) -> Result<Vec<Refused>, Failure> {
    let (rows, mut refused) = rows::<MarkRow>(path)?;
    for (line, row) in rows {
        let place = place(path, line);
        // Whole names of the path are compared, so `a.png` does not fit `ba.png`.
        let fits = |r: &&mut ReferenceSource| {
            r.product.brand == row.brand
                && r.product.product == row.product
                && r.path.ends_with(&row.image)
        };
        let mut targets: Vec<_> = references.iter_mut().filter(fits).collect();
        if targets.is_empty() {
            let error = format!(
                "no reference `{}` of `{} / {}` is being enrolled; `image` is the file's name",
                row.image, row.brand, row.product
            );
            refused.push(Refused { place, error });
            continue;
        }
        match row.mark() {
            Ok(mark) => targets
                .iter_mut()
                .for_each(|reference| reference.marks.push(mark.clone())),
            Err(error) => refused.push(Refused { place, error }),
        }
    }
    Ok(refused)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReferenceRow {
    brand: String,
    product: String,
    path: PathBuf,
    kind: Option<String>,
    view: Option<String>,
    marks: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct GenuineRow {
    brand: String,
    product: String,
    item: String,
    path: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MarkRow {
    brand: String,
    product: String,
    image: String,
    name: String,
    kind: String,
    text: Option<String>,
    x0: f64,
    y0: f64,
    x1: f64,
    y1: f64,
}

impl MarkRow {
    fn mark(&self) -> Result<Mark, String> {
        let [x0, y0, x1, y1] = [self.x0, self.y0, self.x1, self.y1];
        // Said as a negation, so that a number that is none is refused as well.
        if !(x0 < x1 && y0 < y1) {
            return Err(
                "`x0`,`y0` must be the upper left and `x1`,`y1` the lower right corner".into(),
            );
        }
        // In order around the box: a region is the outline that its corners draw.
        let region = vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
        mark(&self.name, &self.kind, region, self.text.as_deref())
    }
}

/// A mark as the HTTP interface takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
// Not the type that HTTP reads: the command line may not depend on HTTP.
struct MarkBody {
    name: String,
    kind: String,
    region: Vec<[f64; 2]>,
    text: Option<String>,
}

fn mark(name: &str, kind: &str, region: Vec<[f64; 2]>, text: Option<&str>) -> Result<Mark, String> {
    let kind = MarkKind::from_name(kind)
        .ok_or_else(|| format!("`kind` is `{kind}`; it must be text or logo"))?;
    // Refused here to name the line; later only the field would be known.
    if region.len() < 3 || !region.iter().flatten().all(|v| (0.0..=1.0).contains(v)) {
        return Err(format!(
            "mark `{name}` needs at least three corners between 0 and 1"
        ));
    }
    let region = region.into_iter().map(|[x, y]| Point { x, y }).collect();
    // A cell of a table cannot be left out: an empty one means none.
    let text = text.filter(|t| !t.is_empty()).map(str::to_owned);
    Ok(Mark {
        name: name.to_owned(),
        kind,
        region,
        text,
        proposed: false,
    })
}

fn csv_references(path: &Path) -> Result<Found<ReferenceSource>, Failure> {
    let (rows, mut refused) = rows::<ReferenceRow>(path)?;
    let mut found = Vec::new();
    for (line, row) in rows {
        match reference(path, row) {
            Ok(reference) => found.push(reference),
            Err(error) => refused.push(Refused {
                place: place(path, line),
                error,
            }),
        }
    }
    Ok((found, refused))
}

fn reference(csv: &Path, row: ReferenceRow) -> Result<ReferenceSource, String> {
    let kind = match row.kind.as_deref().filter(|k| !k.is_empty()) {
        // A table without this column means packs, as a folder does.
        None => ReferenceKind::Pack,
        Some(name) => ReferenceKind::from_name(name).ok_or_else(|| {
            let all: Vec<_> = ReferenceKind::ALL.iter().map(|k| k.name()).collect();
            format!("`kind` is `{name}`; it must be one of {}", all.join(", "))
        })?,
    };
    let marks = match row.marks.as_deref().filter(|m| !m.is_empty()) {
        None => Vec::new(),
        Some(json) => {
            let bodies: Vec<MarkBody> = serde_json::from_str(json)
                .map_err(|e| format!("`marks` is not the JSON of marks: {e}"))?;
            let marks = bodies
                .into_iter()
                .map(|b| mark(&b.name, &b.kind, b.region, b.text.as_deref()));
            marks.collect::<Result<_, _>>()?
        }
    };
    Ok(ReferenceSource {
        product: ProductKey {
            brand: row.brand,
            product: row.product,
        },
        path: beside(csv, &row.path),
        kind,
        view: row.view.filter(|v| !v.is_empty()),
        marks,
    })
}

fn csv_genuine(path: &Path) -> Result<Found<GenuineSource>, Failure> {
    let (rows, refused) = rows::<GenuineRow>(path)?;
    let found = rows.into_iter().map(|(_, row)| GenuineSource {
        product: ProductKey {
            brand: row.brand,
            product: row.product,
        },
        item: row.item,
        path: beside(path, &row.path),
    });
    Ok((found.collect(), refused))
}

/// The rows of a CSV file with their line numbers; a missing or unknown column refuses the whole
/// file.
pub(super) fn rows<T: DeserializeOwned>(path: &Path) -> Result<Found<(u64, T)>, Failure> {
    let text = fs::read(path).map_err(|e| unreadable(path, &e))?;
    let mut reader = csv::ReaderBuilder::new()
        // Tables written by hand have blanks after their commas.
        .trim(csv::Trim::All)
        .from_reader(text.as_slice());
    let header = reader.headers().map_err(|e| not_csv(path, &e))?.clone();
    let (mut found, mut refused) = (Vec::new(), Vec::new());
    let mut record = csv::StringRecord::new();
    loop {
        let read = reader.read_record(&mut record);
        // A line that could not be read has its number in the error, others in the record.
        let at = record
            .position()
            .or(read.as_ref().err().and_then(csv::Error::position));
        let line = at.map_or(0, csv::Position::line);
        match read {
            Ok(false) => break,
            Ok(true) => match record.deserialize(Some(&header)) {
                Ok(row) => found.push((line, row)),
                // A wrong column would refuse every line: it is told once, for the file.
                Err(e) if is_about_columns(&e) => return Err(not_csv(path, &e)),
                Err(e) => refused.push(Refused {
                    place: place(path, line),
                    error: reason(&e),
                }),
            },
            Err(e) => refused.push(Refused {
                place: place(path, line),
                error: reason(&e),
            }),
        }
    }
    if found.is_empty() && refused.is_empty() {
        return Err(Failure::new(format!(
            "`{}` has no line below its header",
            path.display()
        )));
    }
    Ok((found, refused))
}

fn is_about_columns(error: &csv::Error) -> bool {
    // The kind of error is the same for a bad value: only its words tell.
    let text = error.to_string();
    text.contains("missing field") || text.contains("unknown field")
}

fn reason(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => err.to_string(),
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => {
            format!("the line has {len} columns, the header {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "the line is not UTF-8".into(),
        _ => error.to_string(),
    }
}

fn not_csv(path: &Path, error: &csv::Error) -> Failure {
    Failure::new(format!("`{}`: {}", path.display(), reason(error)))
        .hint("the first line names the columns; see `assay enroll --help`")
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(format!("`{}` cannot be read: {error}", path.display()))
}

fn place(path: &Path, line: u64) -> String {
    format!("{}:{line}", path.display())
}

fn beside(csv: &Path, path: &Path) -> PathBuf {
    // From the table and not from where the program runs, so that both can be moved together.
    csv.parent().unwrap_or(Path::new("")).join(path)
}

fn is_folder(path: &Path) -> Result<bool, Failure> {
    let is_folder = fs::metadata(path)
        .map_err(|e| unreadable(path, &e))?
        .is_dir();
    let extension = path
        .extension()
        .and_then(OsStr::to_str)
        .unwrap_or_default()
        .to_ascii_lowercase();
    // Read as a table, a picture would be refused in words that help nobody.
    if !is_folder && EXTENSIONS.contains(&extension.as_str()) {
        return Err(Failure::new(format!("`{}` is a picture", path.display()))
            .hint("give the folder that holds BRAND/PRODUCT/*.jpg, or a CSV file"));
    }
    Ok(is_folder)
}

fn product_folders(root: &Path) -> Result<Vec<(ProductKey, PathBuf)>, Failure> {
    let mut found = Vec::new();
    for (brand, folder) in folders(root)? {
        for (product, folder) in folders(&folder)? {
            found.push((
                ProductKey {
                    brand: brand.clone(),
                    product,
                },
                folder,
            ));
        }
    }
    Ok(found)
}

/// The folders in a folder by name, hidden ones left out.
fn folders(folder: &Path) -> Result<BTreeMap<String, PathBuf>, Failure> {
    let mut found = BTreeMap::new();
    for path in entries(folder)? {
        if let (true, Some(name)) = (path.is_dir(), path.file_name().and_then(OsStr::to_str)) {
            found.insert(name.to_owned(), path);
        }
    }
    Ok(found)
}

fn pictures(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let is_picture = |path: &PathBuf| {
        let extension = path
            .extension()
            .and_then(OsStr::to_str)
            .unwrap_or_default()
            .to_ascii_lowercase();
        EXTENSIONS.contains(&extension.as_str()) && path.is_file()
    };
    Ok(entries(folder)?.into_iter().filter(is_picture).collect())
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let read = || -> io::Result<Vec<PathBuf>> {
        let mut paths = Vec::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            // Hidden entries belong to other programs.
            if !entry.file_name().to_string_lossy().starts_with('.') {
                paths.push(entry.path());
            }
        }
        paths.sort();
        Ok(paths)
    };
    read().map_err(|e| unreadable(folder, &e))
}

fn nothing_found(path: &Path, layout: &str) -> Failure {
    Failure::new(format!("no picture found in `{}`", path.display())).hint(format!(
        "lay the files out as {layout} (or .jpeg, .png, .webp) below the folder you give"
    ))
}

#[cfg(test)]
mod tests;
