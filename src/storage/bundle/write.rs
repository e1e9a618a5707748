//! Writing a bundle.

use std::{
    io::{self, BufWriter, Write},
    path::Path,
};

use serde::Serialize;

use super::{
    archive::{self, MOST_BYTES, MOST_ENTRIES, MOST_ENTRY_BYTES, Part},
    contents::{Contents, Reference},
    format::{
        AUDIT, BundleError, CHECK, FORMAT, Listed, MANIFEST, Manifest, MarkFile, OPERATING_POINT,
        REPORT, REVIEW, ReferenceFile, SIGNATURE, cannot, is_known,
    },
    report,
};
use crate::{
    checker::ports::Signer,
    domain::digest::{Sha256, hex},
    storage::{files::sync_folder, signing::key_id},
};

/// A bundle that was written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Written {
    /// Id of the check.
    pub check: String,
    /// Files in it.
    pub files: usize,
    /// Bytes of the whole.
    pub bytes: u64,
    /// Name of the key that signed it.
    pub key_id: String,
    /// That key, 64 hex digits.
    pub public_key: String,
}

/// Writes a bundle into a new file, which has its name only once it is whole and on the disk. The
/// same contents and key give the same bytes.
///
/// # Errors
/// The file exists, the bundle would pass the limits, or the disk failed.
pub fn write(
    contents: &Contents,
    signer: &dyn Signer,
    file: &Path,
) -> Result<Written, BundleError> {
    // Before anything is worked out, though it is the end that makes sure.
    if file.symlink_metadata().is_ok() {
        return Err(BundleError::Exists(file.to_owned()));
    }
    let mut files = files(contents)?;
    let public_key = signer.public_key();
    let manifest = manifest(contents, &public_key, &mut files);
    let manifest = json(&manifest)?;
    let signature = format!("{}\n", hex(&signer.sign(&manifest)));
    files.push((MANIFEST.to_owned(), Content::Made(manifest)));
    files.push((SIGNATURE.to_owned(), Content::Made(signature.into_bytes())));
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let parts = parts(&files)?;

    let folder = file.parent().filter(|above| *above != Path::new(""));
    let folder = folder.unwrap_or(Path::new("."));
    let part = tempfile::Builder::new()
        .prefix(".assay-bundle-")
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(cannot("create a file in", folder))?;
    let bytes = put(&parts, part.as_file()).map_err(cannot("write", file))?;
    // Nobody's file is overwritten, not even one that came into being meanwhile.
    part.persist_noclobber(file)
        .map_err(|e| match e.error.kind() {
            io::ErrorKind::AlreadyExists => BundleError::Exists(file.to_owned()),
            _ => cannot("write", file)(e.error),
        })?;
    sync_folder(folder).map_err(cannot("write", file))?;
    Ok(Written {
        check: contents.answer.id.clone(),
        files: parts.len(),
        bytes,
        key_id: key_id(&public_key),
        public_key: hex(&public_key),
    })
}

/// The bytes of a file of the bundle.
enum Content<'a> {
    Kept(&'a [u8]),
    Made(Vec<u8>),
}

impl Content<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Kept(bytes) => bytes,
            Self::Made(bytes) => bytes,
        }
    }
}

type Files<'a> = Vec<(String, Content<'a>)>;

/// Every file but the manifest and its signature.
fn files(contents: &Contents) -> Result<Files<'_>, BundleError> {
    let mut files = vec![
        (CHECK.to_owned(), Content::Made(json(&contents.answer)?)),
        (
            REPORT.to_owned(),
            Content::Made(report::html(contents).into_bytes()),
        ),
    ];
    files.push((REVIEW.to_owned(), Content::Made(json(&contents.trail)?)));
    let mut audit = Vec::new();
    for extract in &contents.audit {
        serde_json::to_writer(&mut audit, extract)?;
        audit.push(b'\n');
    }
    files.push((AUDIT.to_owned(), Content::Made(audit)));
    if let Some(point) = &contents.operating_point {
        files.push((OPERATING_POINT.to_owned(), Content::Made(json(point)?)));
    }
    for photo in &contents.photos {
        files.push((photo.name(), Content::Kept(&photo.bytes)));
        files.push((photo.evidence_name(), Content::Kept(&photo.evidence)));
    }
    for reference in &contents.references {
        files.push((reference.name(), Content::Kept(&reference.bytes)));
        let record = json(&record(reference))?;
        files.push((reference.record_name(), Content::Made(record)));
    }
    Ok(files)
}

fn record(reference: &Reference) -> ReferenceFile {
    let record = &reference.record;
    let marks = record.marks.iter().map(|mark| MarkFile {
        name: mark.name.clone(),
        kind: mark.kind.into(),
        region: mark.region.iter().map(|p| [p.x, p.y]).collect(),
        text: mark.text.clone(),
        proposed: mark.proposed,
    });
    let created_at = jiff::Timestamp::from_millisecond(record.created_ms);
    ReferenceFile {
        id: record.id.clone(),
        brand: record.product.brand.clone(),
        product: record.product.product.clone(),
        kind: record.kind.into(),
        view: record.view.clone(),
        sha256: record.sha256.to_string(),
        width: record.width,
        height: record.height,
        article: record.article.map(Into::into),
        marks: marks.collect(),
        // Only a damaged record tells of a time beyond the calendar.
        created_at: created_at.map_or_else(|_| String::new(), |t| t.to_string()),
        actor: record.actor.clone(),
    }
}

fn manifest(contents: &Contents, public_key: &[u8; 32], files: &mut Files<'_>) -> Manifest {
    files.sort_by(|(a, _), (b, _)| a.cmp(b));
    let listed = files.iter().map(|(name, content)| Listed {
        name: name.clone(),
        bytes: content.bytes().len() as u64,
        sha256: Sha256::of(content.bytes()).to_string(),
    });
    Manifest {
        format: FORMAT,
        check: contents.answer.id.clone(),
        program: concat!("assay ", env!("CARGO_PKG_VERSION")).to_owned(),
        models: contents.answer.models.clone(),
        public_key: hex(public_key),
        key_id: key_id(public_key),
        files: listed.collect(),
    }
}

fn json(value: &impl Serialize) -> Result<Vec<u8>, BundleError> {
    let mut bytes = serde_json::to_vec_pretty(value)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The files as parts of the archive, within the limits that are verified.
fn parts<'a>(files: &'a Files<'_>) -> Result<Vec<Part<'a>>, BundleError> {
    if files.len() > MOST_ENTRIES {
        let found = format!("{} files", files.len());
        return Err(BundleError::TooLarge { found });
    }
    let mut all = 0;
    let mut parts = Vec::with_capacity(files.len());
    for (name, content) in files {
        let bytes = content.bytes();
        if !is_known(name) {
            return Err(BundleError::Name(name.clone()));
        }
        let size = bytes.len() as u64;
        all += size;
        if size > MOST_ENTRY_BYTES {
            let found = format!("`{name}` of {size} bytes");
            return Err(BundleError::TooLarge { found });
        }
        let crc = crc32fast::hash(bytes);
        parts.push(Part { name, bytes, crc });
    }
    if all > MOST_BYTES {
        let found = format!("{all} bytes");
        return Err(BundleError::TooLarge { found });
    }
    Ok(parts)
}

/// Writes the archive onto the disk; says how many bytes it has.
fn put(parts: &[Part<'_>], file: &std::fs::File) -> io::Result<u64> {
    let mut out = BufWriter::new(file);
    archive::write(parts, &mut out)?;
    out.flush()?;
    file.sync_all()?;
    Ok(file.metadata()?.len())
}
