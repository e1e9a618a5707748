//! What a bundle holds, under which names; and why one is not written or not read.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::archive::{MOST_BYTES, MOST_ENTRIES, MOST_ENTRY_BYTES};
use crate::{
    contract::{MarkKind, ReferenceKind},
    domain::geometry::Rect,
    storage::shown::shown,
};

/// The format that this program writes, and the only one it reads.
pub(super) const FORMAT: u64 = 1;
/// The answer.
pub(super) const CHECK: &str = "check.json";
/// What it was judged by.
pub(super) const OPERATING_POINT: &str = "operating-point.json";
/// What people said.
pub(super) const REVIEW: &str = "review.json";
/// What the audit log says.
pub(super) const AUDIT: &str = "audit.jsonl";
/// The page for people.
pub(super) const REPORT: &str = "report.html";
/// Names all other files but its own signature.
pub(super) const MANIFEST: &str = "manifest.json";
/// The signature over the manifest's bytes: 128 hex digits and a line feed.
pub(super) const SIGNATURE: &str = "manifest.sig";
/// What files of pictures end in; `bin` where the program that made the bundle did not know the
/// format.
const EXTENSIONS: [&str; 4] = ["jpg", "png", "webp", "bin"];
/// Longest id of a reference, in characters.
const LONGEST_ID: usize = 64;

/// What the signature is over: names every file with its hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// Version of this form.
    pub format: u64,
    /// Id of the check.
    pub check: String,
    /// The program that made the bundle.
    pub program: String,
    /// Models of the check: role to `name@version`.
    pub models: BTreeMap<String, String>,
    /// The key that signs, 64 hex digits.
    pub public_key: String,
    /// The key's name.
    pub key_id: String,
    /// Every file but the manifest and its signature, sorted by name.
    pub files: Vec<Listed>,
}

/// A file as the manifest names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Listed {
    /// Its name.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of its bytes, lower-case hex.
    pub sha256: String,
}

/// A reference as `references/ID.json` tells of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct ReferenceFile {
    /// Id.
    pub id: String,
    /// Id of its brand.
    pub brand: String,
    /// Id of its product.
    pub product: String,
    /// What it shows: `pack`, `logo`, `label` or `catalogue_photo`.
    pub kind: ReferenceKind,
    /// Side or view named by the owner.
    pub view: Option<String>,
    /// SHA-256 of the image, lower-case hex.
    pub sha256: String,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// The part of the picture that shows the article; absent when it is the whole, and in bundles of
    /// before it was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<Part>,
    /// Protected marks, and regions that are ignored.
    pub marks: Vec<MarkFile>,
    /// When it was enrolled, RFC 3339, UTC.
    pub created_at: String,
    /// Who enrolled it.
    pub actor: String,
}

/// A part of a picture in pixels: left, top, right and bottom, the last two exclusive.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Part(pub u32, pub u32, pub u32, pub u32);

impl From<Rect> for Part {
    fn from(rect: Rect) -> Self {
        Self(rect.left, rect.top, rect.right, rect.bottom)
    }
}

/// A mark of a reference.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct MarkFile {
    /// Name shown to people.
    pub name: String,
    /// `text`, `logo` or `ignored`.
    pub kind: MarkKind,
    /// Corners as [x, y] in 0..1 of the upright picture.
    pub region: Vec<[f64; 2]>,
    /// What a text mark should read.
    pub text: Option<String>,
    /// Whether Assay proposed it.
    pub proposed: bool,
}

/// Whether a bundle may hold a file of that name.
pub(super) fn is_known(name: &str) -> bool {
    let number = |n: &str| !n.is_empty() && n.len() <= 3 && n.bytes().all(|b| b.is_ascii_digit());
    let picture = |extension: &str| EXTENSIONS.contains(&extension);
    let id = |id: &str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let others = [
        CHECK,
        OPERATING_POINT,
        REVIEW,
        AUDIT,
        REPORT,
        MANIFEST,
        SIGNATURE,
    ];
    if others.contains(&name) {
        return true;
    }
    let parts = name
        .split_once('/')
        .and_then(|(folder, file)| Some((folder, file.split_once('.')?)));
    match parts {
        Some(("photos", (n, extension))) => number(n) && picture(extension),
        Some(("evidence", (n, "png"))) => number(n),
        Some(("references", (of, extension))) => {
            id(of) && (extension == "json" || picture(extension))
        }
        _ => false,
    }
}

/// Why a bundle was not written or could not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// The file to write is there already.
    #[error("`{}` exists already; a bundle overwrites nothing, so give another name", .0.display())]
    Exists(PathBuf),
    /// More than a bundle may hold.
    #[error(
        "the bundle would be too large: {found}; a bundle holds at most {MOST_ENTRIES} files of {} MiB, {} MiB together",
        MOST_ENTRY_BYTES >> 20, MOST_BYTES >> 20
    )]
    TooLarge {
        /// What it would hold, in words.
        found: String,
    },
    /// A file would have a name that no bundle holds.
    #[error("`{}` is no name of a file in a bundle; the id in it is none that this program makes", shown(.0))]
    Name(String),
    /// What is to be written cannot be put into words.
    #[error("a file of the bundle could not be made: {0}")]
    Json(#[from] serde_json::Error),
    /// The file is something else.
    #[error("`{}` is no evidence bundle, or not a whole one: {why}", .path.display())]
    NoBundle {
        /// The file.
        path: PathBuf,
        /// What was found.
        why: String,
    },
    /// The disk.
    #[error("cannot {doing} `{}`: {source}", .path.display())]
    Io {
        /// What was tried, in words.
        doing: &'static str,
        /// With which file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

pub(super) fn cannot(
    doing: &'static str,
    path: &Path,
) -> impl FnOnce(io::Error) -> BundleError + use<> {
    let path = path.to_owned();
    move |source| BundleError::Io {
        doing,
        path,
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_a_bundle_only() {
        for known in [
            CHECK,
            MANIFEST,
            "photos/0.jpg",
            "photos/11.webp",
            "evidence/3.png",
            "references/01a20ab5-ecbf.png",
            "references/r_1.json",
        ] {
            assert!(is_known(known), "{known}");
        }
        for unknown in [
            "",
            "photos/",
            "photos/.jpg",
            "photos/0.exe",
            "photos/0.jpg.png",
            "photos/../0.jpg",
            "/photos/0.jpg",
            "photos\\0.jpg",
            "evidence/0.jpg",
            "references/../../x.json",
            "references/a b.json",
            "check.json/",
            "Check.json",
        ] {
            assert!(!is_known(unknown), "{unknown}");
        }
    }
}
