//! What `assay enroll` is to enroll: read from folders and CSV files, nothing decoded yet.

mod folders;
mod found;
mod ids;
mod table;

use std::path::{Path, PathBuf};

use serde::Deserialize;

pub(crate) use self::{
    found::{Found, Refused, Skipped},
    table::{Row, rows},
};
use super::failure::Failure;
use crate::{
    checker::validate,
    domain::{
        gallery::{Mark, MarkKind, ProductKey, ReferenceKind},
        geometry::Point,
    },
};

/// A reference to enroll.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ReferenceSource {
    /// Product it belongs to.
    pub product: ProductKey,
    /// The file.
    pub path: PathBuf,
    /// The line of the table that names it, as `FILE:LINE`.
    pub line: Option<String>,
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
    /// The line of the table that names it, as `FILE:LINE`.
    pub line: Option<String>,
}

/// The references of a folder `BRAND/PRODUCT/*.jpg` or of a CSV file.
pub(crate) fn references(path: &Path) -> Result<Found<ReferenceSource>, Failure> {
    if !is_folder(path)? {
        let found = rows::<ReferenceRow>(path)?;
        return Ok(found.made(|line, row| row.source(path, line)));
    }
    let mut found = Found::default();
    for (product, folder) in folders::products(path, &mut found)? {
        for path in folders::pictures(&folder, &mut found.skipped)? {
            found.items.push(ReferenceSource {
                product: product.clone(),
                path,
                line: None,
                kind: ReferenceKind::Pack,
                view: None,
                marks: Vec::new(),
            });
        }
    }
    unless_empty(found, path, "BRAND/PRODUCT/*.jpg")
}

/// The genuine photos of a folder `BRAND/PRODUCT/ITEM/*.jpg` or of a CSV file.
pub(crate) fn genuine_photos(path: &Path) -> Result<Found<GenuineSource>, Failure> {
    if !is_folder(path)? {
        let found = rows::<GenuineRow>(path)?;
        return Ok(found.made(|line, row| row.source(path, line)));
    }
    let mut found = Found::default();
    for (product, folder) in folders::products(path, &mut found)? {
        for (item, folder) in folders::subfolders(&folder, &mut found.skipped)? {
            for path in folders::pictures(&folder, &mut found.skipped)? {
                found.items.push(GenuineSource {
                    product: product.clone(),
                    item: item.clone(),
                    path,
                    line: None,
                });
            }
        }
    }
    unless_empty(found, path, "BRAND/PRODUCT/ITEM/*.jpg")
}

/// Gives the references the marks of a CSV file; what it holds besides comes back.
pub(crate) fn add_marks(
    references: &mut [ReferenceSource],
    path: &Path,
) -> Result<Found<()>, Failure> {
    let found = rows::<MarkRow>(path)?;
    Ok(found.made(|_, row| {
        let mark = row.mark()?;
        // Whole names of the path are compared, so `a.png` does not fit `ba.png`.
        let fits = |r: &&mut ReferenceSource| {
            r.product.brand == row.brand
                && r.product.product == row.product
                && (r.path.ends_with(&row.image) || r.path.ends_with(with_slashes(&row.image)))
        };
        let mut targets: Vec<_> = references.iter_mut().filter(fits).collect();
        if targets.is_empty() {
            return Err(format!(
                "no reference `{}` of `{} / {}` is being enrolled; `image` is the file's name",
                row.image, row.brand, row.product
            ));
        }
        // Refused here to name the line; later only the reference would be known.
        let is_there = |r: &ReferenceSource| {
            let mut others = r.marks.iter().filter(|m| !m.name.is_empty());
            others.any(|m| m.name == mark.name)
        };
        if targets.iter().any(|r| is_there(r)) {
            return Err(format!(
                "`name` is `{}` for a second time on this reference; rename one",
                mark.name
            ));
        }
        targets
            .iter_mut()
            .for_each(|reference| reference.marks.push(mark.clone()));
        Ok(())
    }))
}

#[derive(Deserialize)]
struct ReferenceRow {
    brand: String,
    product: String,
    path: String,
    kind: Option<String>,
    view: Option<String>,
    marks: Option<String>,
}

impl Row for ReferenceRow {
    const NEEDED: &'static [&'static str] = &["brand", "product", "path"];
    const OPTIONAL: &'static [&'static str] = &["kind", "view", "marks"];
}

impl ReferenceRow {
    fn source(self, csv: &Path, line: &str) -> Result<ReferenceSource, String> {
        let kind = match self.kind.as_deref().filter(|k| !k.is_empty()) {
            // A table without this column means packs, as a folder does.
            None => ReferenceKind::Pack,
            Some(name) => ReferenceKind::from_name(name).ok_or_else(|| {
                let all: Vec<_> = ReferenceKind::ALL.iter().map(|k| k.name()).collect();
                format!("`kind` is `{name}`; it must be one of {}", all.join(", "))
            })?,
        };
        let marks = match self.marks.as_deref().filter(|m| !m.is_empty()) {
            None => Vec::new(),
            Some(json) => {
                let bodies: Vec<MarkBody> = serde_json::from_str(json)
                    .map_err(|e| format!("`marks` is not the JSON of marks: {e}"))?;
                let marks = bodies.into_iter().map(MarkBody::mark);
                let marks: Result<_, _> = marks.collect();
                marks.map_err(|e| format!("`marks`: {e}"))?
            }
        };
        Ok(ReferenceSource {
            product: product(self.brand, self.product)?,
            path: picture_beside(csv, &self.path)?,
            line: Some(line.to_owned()),
            kind,
            view: self.view.filter(|v| !v.is_empty()),
            marks,
        })
    }
}

#[derive(Deserialize)]
struct GenuineRow {
    brand: String,
    product: String,
    item: String,
    path: String,
}

impl Row for GenuineRow {
    const NEEDED: &'static [&'static str] = &["brand", "product", "item", "path"];
    const OPTIONAL: &'static [&'static str] = &[];
}

impl GenuineRow {
    fn source(self, csv: &Path, line: &str) -> Result<GenuineSource, String> {
        Ok(GenuineSource {
            product: product(self.brand, self.product)?,
            item: self.item,
            path: picture_beside(csv, &self.path)?,
            line: Some(line.to_owned()),
        })
    }
}

#[derive(Deserialize)]
struct MarkRow {
    brand: String,
    product: String,
    image: String,
    name: Option<String>,
    kind: String,
    text: Option<String>,
    // Numbers as text: half of Europe writes them with a comma.
    x0: String,
    y0: String,
    x1: String,
    y1: String,
}

impl Row for MarkRow {
    const NEEDED: &'static [&'static str] =
        &["brand", "product", "image", "kind", "x0", "y0", "x1", "y1"];
    const OPTIONAL: &'static [&'static str] = &["name", "text"];
}

impl MarkRow {
    fn mark(&self) -> Result<Mark, String> {
        let [x0, y0, x1, y1] = [
            coordinate("x0", &self.x0)?,
            coordinate("y0", &self.y0)?,
            coordinate("x1", &self.x1)?,
            coordinate("y1", &self.y1)?,
        ];
        if x0 >= x1 || y0 >= y1 {
            return Err(
                "`x0`,`y0` must be the upper left and `x1`,`y1` the lower right corner".into(),
            );
        }
        let body = MarkBody {
            name: self.name.clone().unwrap_or_default(),
            kind: self.kind.clone(),
            // In order around the box: a region is the outline that its corners draw.
            region: vec![[x0, y0], [x1, y0], [x1, y1], [x0, y1]],
            text: self.text.clone(),
        };
        body.mark()
    }
}

fn coordinate(column: &str, value: &str) -> Result<f64, String> {
    let number = value.replace(',', ".").parse();
    number
        .ok()
        .filter(|v| (0.0..=1.0).contains(v))
        .ok_or_else(|| {
            format!(
                "`{column}` is `{value}`; a number from 0 to 1 is needed: pixels divided by the \
                 picture's width or height"
            )
        })
}

/// A mark as the HTTP interface takes it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
// Not the type that HTTP reads: the command line may not depend on HTTP.
struct MarkBody {
    #[serde(default)]
    name: String,
    kind: String,
    region: Vec<[f64; 2]>,
    text: Option<String>,
}

impl MarkBody {
    fn mark(self) -> Result<Mark, String> {
        let Some(kind) = MarkKind::from_name(&self.kind) else {
            let all = MarkKind::ALL.map(MarkKind::name).join(", ");
            return Err(format!(
                "`kind` is `{}`; it must be one of {all}",
                self.kind
            ));
        };
        let region = self.region.into_iter().map(|[x, y]| Point { x, y });
        let mark = Mark {
            name: self.name,
            kind,
            region: region.collect(),
            // A cell of a table cannot be left out: an empty one means none.
            text: self.text.filter(|t| !t.is_empty()),
            proposed: false,
        };
        // Refused here to name the line; later only the reference would be known.
        validate::mark("", &mark).map_err(|refused| {
            let field = refused.field.trim_start_matches('.');
            format!("`{field}` of mark `{}` {}", mark.name, refused.problem)
        })?;
        Ok(mark)
    }
}

fn product(brand: String, product: String) -> Result<ProductKey, String> {
    let key = ProductKey { brand, product };
    ids::check(&key).map(|()| key)
}

/// The picture that a table names, from where the table lies and not from where the program runs,
/// so that both can be moved together.
fn picture_beside(csv: &Path, given: &str) -> Result<PathBuf, String> {
    if given.contains("://") {
        return Err(format!(
            "`path` is `{given}`; links are not fetched: download the picture and name the file"
        ));
    }
    let beside = |path: &str| csv.parent().unwrap_or(Path::new("")).join(path);
    // As it stands first: a name may hold a backslash where it separates nothing.
    let places = [beside(given), beside(&with_slashes(given))];
    let found = places.into_iter().find(|place| place.is_file());
    found.ok_or_else(|| {
        let place = beside(given);
        match place.is_dir() {
            true => format!("`path` is `{given}`, a folder; a line names one picture"),
            false => format!(
                "`path` is `{given}`, and there is no file `{}`; it is looked for from the table's \
                 folder on",
                place.display()
            ),
        }
    })
}

/// A path as written on Windows, with the slashes of every other system.
fn with_slashes(path: &str) -> String {
    path.replace('\\', "/")
}

fn is_folder(path: &Path) -> Result<bool, Failure> {
    let is_folder = std::fs::metadata(path)
        .map_err(|e| table::unreadable(path, &e))?
        .is_dir();
    // Read as a table, a picture would be refused in words that help nobody.
    if !is_folder && folders::is_picture(path) {
        return Err(Failure::new(format!("`{}` is a picture", path.display()))
            .hint("give the folder that holds BRAND/PRODUCT/*.jpg, or a CSV file"));
    }
    Ok(is_folder)
}

/// Nothing found would look like success, and mostly the folder is one level off.
fn unless_empty<T>(found: Found<T>, path: &Path, layout: &str) -> Result<Found<T>, Failure> {
    if !found.items.is_empty() || !found.refused.is_empty() {
        return Ok(found);
    }
    let mut message = format!("no picture found in `{}`", path.display());
    for Skipped { place, reason } in found.skipped.iter().take(NAMED) {
        message.push_str(&format!("; `{place}` is left out: {reason}"));
    }
    Err(Failure::new(message).hint(format!(
        "lay the files out as {layout} (or .png, .webp) below the folder you give"
    )))
}

/// Files left out that an error names at most.
const NAMED: usize = 3;

#[cfg(test)]
mod tests;
