//! What a bundle that holds was made of, for whoever compares once more.

use std::{collections::BTreeMap, path::Path};

use bytes::Bytes;

use super::{
    archive::{self, Entry},
    format::{BundleError, CHECK, Part, ReferenceFile},
    verify::read,
};
use crate::{
    contract::answer::CheckAnswer,
    domain::{
        gallery::{Mark, ProductKey, ReferenceKind},
        geometry::{Point, Rect},
    },
};

/// The check, its photos and its references.
pub struct Held {
    /// The answer.
    pub answer: CheckAnswer,
    /// Files of the photos by their numbers, from 0; those that were no pictures are absent.
    pub photos: BTreeMap<usize, Bytes>,
    /// The references that they were matched with.
    pub references: Vec<HeldReference>,
}

/// A reference as a bundle holds it.
pub struct HeldReference {
    /// Its id.
    pub id: String,
    /// Product it belongs to.
    pub product: ProductKey,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view named by the owner.
    pub view: Option<String>,
    /// The part of its picture that shows the article, in pixels, when it is not the whole.
    pub article: Option<Rect>,
    /// Its marks, and the regions that are ignored.
    pub marks: Vec<Mark>,
    /// Its picture's file.
    pub picture: Bytes,
}

/// Reads what a bundle holds. Only for one that was verified: of another nothing can be told.
///
/// # Errors
/// The file cannot be read, or something in it is not what this program writes.
pub fn read_held(file: &Path) -> Result<Held, BundleError> {
    let no_bundle = |why: String| BundleError::NoBundle {
        path: file.to_owned(),
        why,
    };
    let bytes = read(file)?;
    let entries = archive::by_directory(&bytes).map_err(no_bundle)?;
    let files: BTreeMap<&str, &Entry<'_>> = entries.iter().map(|e| (&*e.name, e)).collect();
    let answer = files
        .get(CHECK)
        .ok_or_else(|| no_bundle(format!("it has no `{CHECK}`")))?;
    let answer = serde_json::from_slice::<CheckAnswer>(answer.bytes)?;
    let picture = |folder: &str, name: &str| {
        let start = format!("{folder}/{name}.");
        let mut found = files.range(&*start..);
        let (_, entry) = found.find(|(name, _)| !name.ends_with(".json"))?;
        let entry = entry.name.starts_with(&start).then_some(entry)?;
        Some(Bytes::copy_from_slice(entry.bytes))
    };
    let photos =
        (0..answer.photos.len()).filter_map(|n| Some((n, picture("photos", &n.to_string())?)));
    let mut references = Vec::new();
    for (name, entry) in &files {
        if !(name.starts_with("references/") && name.ends_with(".json")) {
            continue;
        }
        let told: ReferenceFile = serde_json::from_slice(entry.bytes)?;
        let lacking = || no_bundle(format!("it has no picture of the reference `{}`", told.id));
        let picture = picture("references", &told.id).ok_or_else(lacking)?;
        references.push(reference(told, picture));
    }
    Ok(Held {
        photos: photos.collect(),
        answer,
        references,
    })
}

fn reference(told: ReferenceFile, picture: Bytes) -> HeldReference {
    let marks = told.marks.into_iter().map(|mark| Mark {
        name: mark.name,
        kind: mark.kind.into(),
        region: mark
            .region
            .iter()
            .map(|[x, y]| Point::new(*x, *y))
            .collect(),
        text: mark.text,
        proposed: mark.proposed,
    });
    HeldReference {
        id: told.id,
        product: ProductKey {
            brand: told.brand,
            product: told.product,
        },
        kind: told.kind.into(),
        view: told.view,
        article: told
            .article
            .map(|Part(left, top, right, bottom)| Rect::new(left, top, right, bottom)),
        marks: marks.collect(),
        picture,
    }
}
