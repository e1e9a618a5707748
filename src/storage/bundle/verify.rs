//! Verifying the bytes of a bundle that comes from anywhere: no data folder, no network, no models.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::Path,
};

use serde::Serialize;

use super::{
    archive::{self, Entry, MOST_BYTES, MOST_ENTRIES, MOST_FILE_BYTES, Part},
    checked::{Checked, CheckedPoint, CheckedReference},
    format::{
        AUDIT, BundleError, CHECK, FORMAT, MANIFEST, Manifest, OPERATING_POINT, REVIEW, SIGNATURE,
        cannot, is_known,
    },
    trail,
};
use crate::{
    contract::limits::MOST_PHOTOS,
    domain::digest::{Sha256, from_hex, hex},
    storage::{
        shown::shown,
        signing::{is_signed, key_id},
    },
};

/// What was found in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verified {
    /// Whether nothing is wrong.
    pub holds: bool,
    /// Id of the check that the manifest names, if it can be read.
    pub check: Option<String>,
    /// The program that made the bundle, as the manifest names it.
    pub program: Option<String>,
    /// The models of the check, as the manifest names them.
    pub models: BTreeMap<String, String>,
    /// Files in the archive.
    pub files: usize,
    /// Name of the key that signed, worked out from the key itself.
    pub key_id: Option<String>,
    /// The key that the manifest names, 64 hex digits.
    pub public_key: Option<String>,
    /// Whether the signature was held against a key that the caller knows.
    pub known_key: bool,
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
}

/// One thing that is wrong with a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file in the archive that it concerns; `None` for the archive itself.
    pub file: Option<String>,
    /// What is wrong, for a person.
    pub told: String,
}

/// Looks through a bundle. With `published`, the key that the operator publishes, the signature
/// must be that key's.
///
/// # Errors
/// The file cannot be read, or is no bundle at all. Whatever is wrong with a bundle is no error but
/// a fault.
pub fn verify(file: &Path, published: Option<&[u8; 32]>) -> Result<Verified, BundleError> {
    let no_bundle = |why: String| BundleError::NoBundle {
        path: file.to_owned(),
        why,
    };
    let bytes = read(file)?;
    let readings = [archive::by_directory(&bytes), archive::by_headers(&bytes)];
    let mut found: Option<Verified> = None;
    let mut why = None;
    for reading in readings {
        match reading {
            // One changed byte spoils one of the two readings at most: the one that leaves less to
            // complain of is what was written.
            Ok(entries) => {
                let looked = look(&entries, &bytes, published);
                let fewer = |best: &Verified| looked.faults.len() < best.faults.len();
                if looks_like_a_bundle(&entries) && found.as_ref().is_none_or(fewer) {
                    let holds = looked.holds;
                    found = Some(looked);
                    if holds {
                        break;
                    }
                }
            }
            Err(error) => why = Some(error),
        }
    }
    found.ok_or_else(|| {
        let other = || format!("it holds no `{MANIFEST}`; is it another kind of archive?");
        no_bundle(why.unwrap_or_else(other))
    })
}

/// The whole file: nothing but bytes, however much its headers claim.
pub(super) fn read(file: &Path) -> Result<Vec<u8>, BundleError> {
    let opened = File::open(file).map_err(cannot("read", file))?;
    let mut bytes = Vec::new();
    opened
        .take(MOST_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot("read", file))?;
    if bytes.len() as u64 > MOST_FILE_BYTES {
        return Err(BundleError::NoBundle {
            path: file.to_owned(),
            why: format!(
                "it is larger than the {} MiB of any bundle",
                MOST_BYTES >> 20
            ),
        });
    }
    Ok(bytes)
}

fn looks_like_a_bundle(entries: &[Entry<'_>]) -> bool {
    let own = [MANIFEST, SIGNATURE, CHECK];
    entries.iter().any(|entry| own.contains(&&*entry.name))
}

/// What is wrong with these entries of a file.
fn look(entries: &[Entry<'_>], file: &[u8], published: Option<&[u8; 32]>) -> Verified {
    let mut look = Look {
        entries: BTreeMap::new(),
        spoilt: BTreeSet::new(),
        faults: Vec::new(),
    };
    for entry in entries {
        look.take(entry);
    }
    let manifest = look.manifest(published);
    // A manifest that was changed would blame whatever it no longer tells right.
    let sound = manifest
        .as_ref()
        .filter(|_| !look.spoilt.contains(MANIFEST));
    match sound {
        Some(manifest) => look.files(manifest),
        None => look.checksums(),
    }
    look.check(sound);
    look.archive(entries, file);
    let key = manifest
        .as_ref()
        .and_then(|manifest| from_hex::<32>(&manifest.public_key));
    Verified {
        holds: look.faults.is_empty(),
        check: manifest.as_ref().map(|m| shown(&m.check)),
        program: manifest.as_ref().map(|m| shown(&m.program)),
        files: entries.len(),
        key_id: key.as_ref().map(key_id),
        public_key: key.as_ref().map(|key| hex(key)),
        known_key: published.is_some(),
        models: manifest.map(|m| m.models).unwrap_or_default(),
        faults: look.faults,
    }
}

struct Look<'a> {
    entries: BTreeMap<&'a str, &'a Entry<'a>>,
    /// Entries whose content is not what was signed.
    spoilt: BTreeSet<&'a str>,
    faults: Vec<Fault>,
}

impl<'a> Look<'a> {
    fn fault(&mut self, file: &str, why: &str) {
        let file = shown(&file);
        self.faults.push(Fault {
            told: format!("`{file}` {why}"),
            file: Some(file),
        });
    }

    fn bytes(&self, name: &str) -> Option<&'a [u8]> {
        self.entries.get(name).map(|entry| entry.bytes)
    }

    fn take(&mut self, entry: &'a Entry<'a>) {
        let name = &*entry.name;
        if !is_known(name) {
            self.fault(name, "is no file of a bundle: it was added or renamed");
        } else if self.entries.contains_key(name) {
            self.fault(name, "is there twice: programs may show either");
        } else if !entry.stored {
            self.fault(name, "is compressed: the bundle was packed anew");
            self.spoilt.insert(name);
            self.entries.insert(name, entry);
        } else {
            self.entries.insert(name, entry);
        }
    }

    /// The manifest, as far as it can be read, with its signature looked at.
    fn manifest(&mut self, published: Option<&[u8; 32]>) -> Option<Manifest> {
        let Some(bytes) = self.bytes(MANIFEST) else {
            self.fault(MANIFEST, "is missing: nothing says what was signed");
            return None;
        };
        let manifest = match serde_json::from_slice::<Manifest>(bytes) {
            Ok(manifest) => manifest,
            Err(why) => {
                let why = shown(&why);
                self.spoilt(MANIFEST, &format!("was changed: it cannot be read ({why})"));
                return None;
            }
        };
        let key = from_hex::<32>(&manifest.public_key);
        let Some(key) = key.filter(|key| key_id(key) == manifest.key_id) else {
            self.spoilt(
                MANIFEST,
                "was changed: the key and its id do not belong together",
            );
            return Some(manifest);
        };
        self.signature(bytes, &key);
        if let Some(published) = published
            && key != *published
        {
            let (by, wanted) = (key_id(&key), key_id(published));
            let why = format!(
                "is signed by the key `{by}`, not by the key `{wanted}` that was given: somebody else made this bundle"
            );
            self.fault(MANIFEST, &why);
        }
        if manifest.format != FORMAT && !self.spoilt.contains(MANIFEST) {
            let format = manifest.format;
            let why = format!(
                "is of format {format}, and this program knows format {FORMAT}; verify it with a newer one"
            );
            self.fault(MANIFEST, &why);
        }
        Some(manifest)
    }

    fn signature(&mut self, manifest: &[u8], key: &[u8; 32]) {
        let Some(bytes) = self.bytes(SIGNATURE) else {
            self.fault(SIGNATURE, "is missing: nothing says who made the bundle");
            return;
        };
        let text = std::str::from_utf8(bytes).ok();
        let signature = text
            .and_then(|text| text.strip_suffix('\n'))
            .and_then(from_hex::<64>);
        let Some(signature) = signature else {
            self.spoilt(
                SIGNATURE,
                "was changed: it is not 128 hex digits and a line feed",
            );
            return;
        };
        if is_signed(key, manifest, &signature) {
            return;
        }
        // Which of the two it was, the archive's own checksums tell where nobody mended them.
        if !self.crc_holds(MANIFEST) {
            self.spoilt(
                MANIFEST,
                "was changed: the signature is of another manifest",
            );
        } else if !self.crc_holds(SIGNATURE) {
            self.spoilt(SIGNATURE, "was changed: it does not sign this manifest");
        } else {
            self.fault(
                MANIFEST,
                "or `manifest.sig` was changed: the signature is not by the key that the manifest names",
            );
        }
    }

    fn crc_holds(&self, name: &str) -> bool {
        let entry = self.entries.get(name);
        entry.is_none_or(|entry| crc32fast::hash(entry.bytes) == entry.crc)
    }

    fn spoilt(&mut self, name: &str, why: &str) {
        if let Some((name, _)) = self.entries.get_key_value(name) {
            self.spoilt.insert(name);
        }
        self.fault(name, why);
    }

    /// Every file is there as the manifest names it, and no other.
    fn files(&mut self, manifest: &Manifest) {
        // Otherwise a small file could complain for ever.
        if manifest.files.len() > MOST_ENTRIES {
            let why = format!("names more than the {MOST_ENTRIES} files of any bundle");
            return self.fault(MANIFEST, &why);
        }
        let mut named = BTreeSet::from([MANIFEST, SIGNATURE]);
        for listed in &manifest.files {
            if !named.insert(&listed.name) {
                self.fault(&listed.name, "is named twice by the manifest");
            }
            let Some(entry) = self.entries.get(&*listed.name).copied() else {
                self.fault(&listed.name, "is missing: the manifest names it");
                continue;
            };
            if !entry.stored {
                continue;
            }
            let (bytes, sha256) = (entry.bytes.len(), Sha256::of(entry.bytes).to_string());
            if bytes as u64 != listed.bytes {
                let why = format!(
                    "was changed: it holds {bytes} bytes, and {} were signed",
                    listed.bytes
                );
                self.spoilt(&listed.name, &why);
            } else if sha256 != listed.sha256 {
                let signed = shown(&listed.sha256);
                let why = format!("was changed: its SHA-256 is {sha256}, and {signed} was signed");
                self.spoilt(&listed.name, &why);
            }
        }
        let added: Vec<_> = self
            .entries
            .keys()
            .filter(|name| !named.contains(**name))
            .copied()
            .collect();
        for name in added {
            self.fault(name, "was added or renamed: the manifest does not name it");
        }
    }

    /// The archive's own checksums fit, which is all there is to go by without a manifest.
    fn checksums(&mut self) {
        let names: Vec<_> = self.entries.keys().copied().collect();
        for name in names {
            if !self.spoilt.contains(name) && !self.crc_holds(name) {
                self.spoilt(
                    name,
                    "was changed: its checksum in the archive is of other bytes",
                );
            }
        }
    }

    /// The answer tells of these photos and references, and no others.
    fn check(&mut self, manifest: Option<&Manifest>) {
        let Some(bytes) = self.bytes(CHECK).filter(|_| !self.spoilt.contains(CHECK)) else {
            return;
        };
        let checked = match serde_json::from_slice::<Checked>(bytes) {
            Ok(checked) => checked,
            Err(why) => {
                let why = shown(&why);
                return self.fault(CHECK, &format!("cannot be read: {why}"));
            }
        };
        if checked.photos.len() > MOST_PHOTOS {
            let why = format!("tells of more than the {MOST_PHOTOS} photos of any check");
            return self.fault(CHECK, &why);
        }
        if manifest.is_some_and(|manifest| checked.id != manifest.check) {
            self.fault(
                CHECK,
                "is the answer of another check than the manifest names",
            );
        }
        for (n, photo) in checked.photos.iter().enumerate() {
            if photo.error.is_none() {
                self.hash_of(
                    &format!("photos/{n}."),
                    &photo.sha256,
                    "the answer tells of",
                );
            }
        }
        let matches = checked.photos.iter().flat_map(|photo| &photo.matches);
        let matched: BTreeSet<_> = matches.map(|found| &*found.reference).collect();
        if matched.len() > MOST_ENTRIES {
            return self.fault(CHECK, "names more references than any bundle holds");
        }
        for id in matched {
            self.reference(id);
        }
        // Bundles of before have neither.
        let spoilt = self.spoilt.contains(AUDIT) || self.spoilt.contains(REVIEW);
        if let (false, Some(audit), Some(review)) = (spoilt, self.bytes(AUDIT), self.bytes(REVIEW))
        {
            let (of_audit, of_review) = trail::faults(&checked.id, audit, review);
            for (name, faults) in [(AUDIT, of_audit), (REVIEW, of_review)] {
                faults.iter().for_each(|why| self.fault(name, why));
            }
        }
        let point = &checked.calibration.operating_point;
        if !point.is_empty() && !self.spoilt.contains(OPERATING_POINT) {
            let there = self.bytes(OPERATING_POINT);
            let there = there.and_then(|b| serde_json::from_slice::<CheckedPoint>(b).ok());
            if there.is_none_or(|there| there.id != *point) {
                self.fault(OPERATING_POINT, "is not what the answer was judged by");
            }
        }
    }

    fn reference(&mut self, id: &str) {
        let name = format!("references/{id}.json");
        if self.spoilt.contains(&*name) {
            return;
        }
        let record = self.bytes(&name);
        let record = record.and_then(|b| serde_json::from_slice::<CheckedReference>(b).ok());
        match record.filter(|record| record.id == id) {
            Some(record) => {
                self.hash_of(
                    &format!("references/{id}."),
                    &record.sha256,
                    "its record tells of",
                );
            }
            None => self.fault(
                &name,
                "is not the record of the reference that the answer names",
            ),
        }
    }

    /// The picture whose name begins so has this hash.
    fn hash_of(&mut self, start: &str, sha256: &str, whose: &str) {
        let picture = self
            .entries
            .range(start..)
            .map(|(name, entry)| (*name, *entry))
            .take_while(|(name, _)| name.starts_with(start))
            .find(|(name, _)| !name.ends_with(".json"));
        match picture {
            // It was told already.
            Some((name, _)) if self.spoilt.contains(name) => {}
            Some((name, entry)) if Sha256::of(entry.bytes).to_string() != sha256 => {
                self.fault(name, &format!("is not the picture that {whose}"));
            }
            Some(_) => {}
            None => self.fault(&format!("{start}*"), &format!("is not there: {whose} it")),
        }
    }

    /// The file is the archive of these entries to the last byte: what readers of archives skip
    /// (times, comments, gaps) was not used to hide or change anything.
    fn archive(&mut self, entries: &[Entry<'_>], file: &[u8]) {
        let mut parts: Vec<_> = entries
            .iter()
            .map(|entry| Part {
                name: &entry.name,
                bytes: entry.bytes,
                // The checksum in front of a changed file is that of the old one: it was not
                // changed itself.
                crc: if self.spoilt.contains(&*entry.name) {
                    entry.crc
                } else {
                    crc32fast::hash(entry.bytes)
                },
            })
            .collect();
        parts.sort_by_key(|part| part.name);
        let differs = match archive::first_difference(&parts, file) {
            Ok(None) => return,
            Ok(Some(at)) => format!("at byte {at}"),
            Err(why) => format!("({why})"),
        };
        self.faults.push(Fault {
            file: None,
            told: format!("the archive itself was changed {differs}, not in the content of a file"),
        });
    }
}
