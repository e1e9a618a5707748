//! The labelled folder that `assay eval` measures on.

use std::{
    collections::{HashMap, HashSet},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::{Deserialize, de::DeserializeOwned};

use crate::domain::{
    gallery::{ProductKey, ReferenceKind},
    geometry::Rect,
};

/// The brand of photos that show nothing of what is enrolled.
const NOTHING: &str = "none";

/// A row of `references.csv`.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct ReferenceRow {
    brand: String,
    product: String,
    /// Path inside the folder.
    pub path: String,
    kind: String,
}

impl ReferenceRow {
    /// The product it belongs to.
    pub(crate) fn key(&self) -> ProductKey {
        ProductKey {
            brand: self.brand.clone(),
            product: self.product.clone(),
        }
    }

    /// What it shows.
    pub(crate) fn kind(&self) -> anyhow::Result<ReferenceKind> {
        ReferenceKind::from_name(&self.kind)
            .with_context(|| format!("references.csv: `{}` is no kind", self.kind))
    }
}

/// A row of `photos.csv`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct PhotoRow {
    /// Path inside the folder.
    pub path: String,
    /// Brand of the product shown, or `none`.
    pub brand: String,
    /// The product shown.
    pub product: String,
    /// The physical item shown.
    pub item: String,
    /// `calibration` or `test`.
    pub split: String,
}

impl PhotoRow {
    /// The product it shows.
    pub(crate) fn key(&self) -> ProductKey {
        ProductKey {
            brand: self.brand.clone(),
            product: self.product.clone(),
        }
    }

    /// Whether it may set thresholds.
    pub(crate) fn is_calibration(&self) -> bool {
        self.split == "calibration"
    }

    /// Whether it shows nothing of what is enrolled: whatever is seen in it is seen wrongly.
    pub(crate) fn shows_nothing(&self) -> bool {
        self.brand == NOTHING
    }
}

/// A row of `claims.csv`.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct ClaimRow {
    /// Photo, as in `photos.csv`.
    pub path: String,
    /// Brand claimed.
    pub brand: String,
    /// Product claimed.
    pub product: String,
    /// `genuine`, `sibling`, `edited` or `other`.
    pub truth: String,
    /// For `edited`, what was changed on the reference; for `genuine`, what was done to the photo,
    /// if anything.
    pub edit: String,
}

impl ClaimRow {
    /// A claim that no table makes.
    pub(crate) fn new(path: &str, claimed: &ProductKey, truth: &str, edit: &str) -> Self {
        Self {
            path: path.to_owned(),
            brand: claimed.brand.clone(),
            product: claimed.product.clone(),
            truth: truth.to_owned(),
            edit: edit.to_owned(),
        }
    }

    /// Whether the photo shows what is claimed.
    pub(crate) fn is_genuine(&self) -> bool {
        self.truth == "genuine"
    }

    /// The product claimed.
    pub(crate) fn key(&self) -> ProductKey {
        ProductKey {
            brand: self.brand.clone(),
            product: self.product.clone(),
        }
    }

    /// The group it is reported under.
    pub(crate) fn group(&self) -> String {
        if self.truth == "edited" {
            format!("edited: {}", self.edit)
        } else {
            self.truth.clone()
        }
    }
}

/// A row of `boxes.csv`: where a photo shows its product, in 0..1 of the upright photo.
#[derive(Clone, Debug, Deserialize)]
struct BoxRow {
    path: String,
    x0: f64,
    y0: f64,
    x1: f64,
    y1: f64,
}

/// The whole folder, checked.
pub(crate) struct Labelled {
    /// The folder.
    pub dir: PathBuf,
    /// All references.
    pub references: Vec<ReferenceRow>,
    /// All photos.
    pub photos: Vec<PhotoRow>,
    /// Claims by photo.
    pub claims: HashMap<String, Vec<ClaimRow>>,
    /// Boxes around a photo's product, by photo, where the folder has them.
    pub boxes: HashMap<String, Vec<Rect<f64>>>,
    edited: HashSet<ProductKey>,
}

impl Labelled {
    /// Reads the three tables, and the boxes if there are any; every path and every value must be good before anything long starts.
    pub(crate) fn read(dir: &Path) -> anyhow::Result<Self> {
        let references: Vec<ReferenceRow> = table(dir, "references.csv")?;
        let photos: Vec<PhotoRow> = table(dir, "photos.csv")?;
        let claims: Vec<ClaimRow> = table(dir, "claims.csv")?;
        let boxes: Vec<BoxRow> = match dir.join("boxes.csv").exists() {
            true => table(dir, "boxes.csv")?,
            false => Vec::new(),
        };
        // All of it before anything is measured: a typo must not end a long run near its end.
        if let Some(row) = references.iter().find(|r| r.brand == NOTHING) {
            bail!(
                "references.csv: `{}` has brand `{NOTHING}`, which names photos that show nothing \
                 enrolled; give it another brand",
                row.path
            );
        }
        check_photos(&photos)?;
        check_claims(&claims, &photos)?;
        let boxes = checked_boxes(boxes, &photos)?;
        let named = references.iter().map(|r| &r.path);
        for path in named.chain(photos.iter().map(|p| &p.path)) {
            if !dir.join(path).is_file() {
                bail!(
                    "`{}` is named in a table but does not exist in `{}`",
                    path,
                    dir.display()
                );
            }
        }
        let edited = edited_products(&references, &photos, &claims);
        // By photo, since a photo is read once for all that is claimed of it.
        let mut by_photo: HashMap<String, Vec<ClaimRow>> = HashMap::new();
        for claim in claims {
            by_photo.entry(claim.path.clone()).or_default().push(claim);
        }
        Ok(Self {
            dir: dir.to_owned(),
            references,
            photos,
            claims: by_photo,
            boxes,
            edited,
        })
    }

    /// Whether the references of a product are edited ones: they take part only in claims on that
    /// product.
    pub(crate) fn is_edited(&self, product: &ProductKey) -> bool {
        self.edited.contains(product)
    }

    /// Edited products that stand for `product`.
    pub(crate) fn edits_of<'a>(
        &'a self,
        product: &'a ProductKey,
    ) -> impl Iterator<Item = &'a ProductKey> {
        self.edited
            .iter()
            .filter(|e| e.brand == product.brand && is_variant(e, product))
    }
}

fn check_photos(photos: &[PhotoRow]) -> anyhow::Result<()> {
    for photo in photos {
        // Thresholds come from one split and figures from the other; a third word would silently
        // leave photos out of both.
        if !["calibration", "test"].contains(&photo.split.as_str()) {
            bail!(
                "photos.csv: `{}` has split `{}`; use calibration or test",
                photo.path,
                photo.split
            );
        }
        // It shows no product, so it can say nothing of what genuine photos of one look like.
        if photo.shows_nothing() && photo.is_calibration() {
            bail!(
                "photos.csv: `{}` shows nothing that is enrolled (brand `{NOTHING}`) and cannot \
                 set thresholds; use split test",
                photo.path
            );
        }
    }
    Ok(())
}

fn check_claims(claims: &[ClaimRow], photos: &[PhotoRow]) -> anyhow::Result<()> {
    let known: HashMap<&str, &PhotoRow> = photos.iter().map(|p| (p.path.as_str(), p)).collect();
    for claim in claims {
        let Some(photo) = known.get(claim.path.as_str()) else {
            bail!("claims.csv: `{}` is not in photos.csv", claim.path);
        };
        // Groups of the report are named by these words: a slip would become a group of its own.
        if !["genuine", "sibling", "edited", "other"].contains(&claim.truth.as_str()) {
            bail!(
                "claims.csv: `{}` has truth `{}`; use genuine, sibling, edited or other",
                claim.path,
                claim.truth
            );
        }
        if claim.is_genuine() && photo.shows_nothing() {
            bail!(
                "claims.csv: the claim on `{}` cannot be genuine: photos of brand `{NOTHING}` show \
                 nothing that is enrolled; use truth other",
                claim.path
            );
        }
    }
    Ok(())
}

fn checked_boxes(
    rows: Vec<BoxRow>,
    photos: &[PhotoRow],
) -> anyhow::Result<HashMap<String, Vec<Rect<f64>>>> {
    let known: HashSet<&str> = photos.iter().map(|p| p.path.as_str()).collect();
    let mut boxes: HashMap<String, Vec<Rect<f64>>> = HashMap::new();
    for BoxRow {
        path,
        x0,
        y0,
        x1,
        y1,
    } in rows
    {
        if !known.contains(path.as_str()) {
            bail!("boxes.csv: `{path}` is not in photos.csv");
        }
        // Written so that what is no number is refused too.
        if !(0.0 <= x0 && x0 < x1 && x1 <= 1.0 && 0.0 <= y0 && y0 < y1 && y1 <= 1.0) {
            bail!(
                "boxes.csv: the box {x0},{y0},{x1},{y1} of `{path}` is none; give its left, top, \
                 right and bottom end in 0..1 of the upright photo"
            );
        }
        boxes
            .entry(path)
            .or_default()
            .push(Rect::new(x0, y0, x1, y1));
    }
    Ok(boxes)
}

fn is_variant(edited: &ProductKey, of: &ProductKey) -> bool {
    edited.brand == of.brand
        && edited
            .product
            .strip_prefix(&of.product)
            // The dash keeps `oats` from passing for an edit of `oat`.
            .is_some_and(|rest| rest.starts_with('-'))
}

/// Products claimed as edited, and those that no photo shows and whose name continues another
/// product's of the brand: edited references of titles that serve for calibration stand in no
/// claim.
fn edited_products(
    references: &[ReferenceRow],
    photos: &[PhotoRow],
    claims: &[ClaimRow],
) -> HashSet<ProductKey> {
    let shown: HashSet<ProductKey> = photos.iter().map(PhotoRow::key).collect();
    let claimed = claims
        .iter()
        .filter(|c| c.truth == "edited")
        .map(ClaimRow::key);
    let unseen = references
        .iter()
        .map(ReferenceRow::key)
        .filter(|k| !shown.contains(k));
    claimed
        .chain(unseen.filter(|k| shown.iter().any(|s| is_variant(k, s))))
        .collect()
}

fn table<T: DeserializeOwned>(dir: &Path, name: &str) -> anyhow::Result<Vec<T>> {
    let path = dir.join(name);
    let mut reader = csv::Reader::from_path(&path).with_context(|| {
        format!(
            "`{}` cannot be read; a labelled folder needs it",
            path.display()
        )
    })?;
    let rows: Result<Vec<T>, _> = reader.deserialize().collect();
    let rows = rows.with_context(|| format!("`{}` is malformed", path.display()))?;
    // A report of nothing would still look like a result.
    if rows.is_empty() {
        bail!("`{}` has no rows", path.display());
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::fixture::{CLAIMS, PHOTOS, REFERENCES, folder};

    #[test]
    fn a_folder_may_have_boxes_and_photos_of_nothing() {
        let dir = folder(&[("boxes.csv", "path,x0,y0,x1,y1\nb.jpg,0.1,0.2,0.5,1\n")]);
        let data = Labelled::read(dir.path()).unwrap();
        assert_eq!(data.boxes["b.jpg"], [Rect::new(0.1, 0.2, 0.5, 1.0)]);
        let nothing: Vec<_> = data.photos.iter().filter(|p| p.shows_nothing()).collect();
        assert_eq!(nothing.len(), 1);
        // Claims on it are made like others.
        assert_eq!(data.claims[&nothing[0].path][0].group(), "other");
        assert_eq!(
            data.claims["b.jpg"][0].group(),
            "genuine",
            "whatever was done to it"
        );
        assert!(Labelled::read(folder(&[]).path()).unwrap().boxes.is_empty());
    }

    #[test]
    fn what_cannot_be_meant_is_refused_before_anything_is_measured() {
        let cases = [
            (
                "photos.csv",
                PHOTOS.replace("d,test", "d,calibration"),
                "cannot set thresholds",
            ),
            (
                "photos.csv",
                PHOTOS.replace("b,test", "b,tset"),
                "use calibration or test",
            ),
            (
                "claims.csv",
                CLAIMS.replace("other", "genuine"),
                "cannot be genuine",
            ),
            (
                "claims.csv",
                CLAIMS.replace("other", "rival"),
                "use genuine, sibling",
            ),
            (
                "claims.csv",
                CLAIMS.replace("d.jpg", "e.jpg"),
                "`e.jpg` is not in photos.csv",
            ),
            (
                "references.csv",
                REFERENCES.replace("acme,rice", "none,rice"),
                "another brand",
            ),
            (
                "boxes.csv",
                "path,x0,y0,x1,y1\ne.jpg,0,0,1,1\n".into(),
                "`e.jpg` is not in",
            ),
            (
                "boxes.csv",
                "path,x0,y0,x1,y1\nb.jpg,0.5,0,0.5,1\n".into(),
                "0..1",
            ),
            (
                "boxes.csv",
                "path,x0,y0,x1,y1\nb.jpg,0,0,500,1\n".into(),
                "0..1",
            ),
        ];
        for (table, text, wanted) in cases {
            let dir = folder(&[(table, &text)]);
            let error = Labelled::read(dir.path()).err().unwrap().to_string();
            assert!(
                error.starts_with(&format!("{table}: ")) && error.contains(wanted),
                "{error}"
            );
        }
    }
}
