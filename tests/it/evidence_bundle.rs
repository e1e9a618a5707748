//! The evidence of a check in one file: the same bytes each time, and whatever is changed in it is
//! told by name.

mod command;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use assay::{
    app::bundle,
    checker::{
        actor::Actor,
        ports::{Signer, StoreError},
        service::{EvidenceInputs, EvidencePainter, ServiceError},
    },
    domain::digest::{Sha256, from_hex, hex},
    engine::vision::{IntakeError, Vision},
    storage::{
        bundle::{BundleError, Contents, Verified, Written, verify, write},
        signing::KeyFile,
    },
};
use bytes::Bytes;
use serde_json::Value;
use tempfile::TempDir;
use zip::{CompressionMethod, ZipArchive, ZipWriter, write::SimpleFileOptions};

use crate::support::{
    app::{Shipped, TestApp, new_reference, request},
    records::mark,
    vision::Scene,
};

/// Draws one line.
struct Words;

impl EvidencePainter for Words {
    fn paint(&self, vision: &mut Vision, inputs: &EvidenceInputs) -> Result<Vec<u8>, IntakeError> {
        let photo = vision.imaging.decode(&inputs.photo)?;
        let reasons = inputs.reasons.len();
        Ok(format!("drawn {} {} {reasons}", inputs.n, photo.raster.width()).into_bytes())
    }
}

/// A check of two photos, the second of which is no picture, with evil words wherever callers may
/// write some.
pub struct Checked {
    pub app: TestApp,
    pub id: String,
    pub reference: String,
}

pub async fn checked() -> Checked {
    let app = TestApp::start(Shipped::Strict).await;
    let oat = app.create("acme", "oat").await;
    let mut new = new_reference(&oat, &Scene::of(1));
    let mut evil = mark();
    evil.name = "<script>alert('mark')</script>".into();
    evil.text = Some("\"><img src=x>".into());
    new.marks = vec![evil];
    new.view = Some("<b>front</b>".into());
    let reference = app
        .assay
        .enroll_reference(&Actor::local(), new)
        .await
        .unwrap();
    let mut asked = request(Some(&oat), &[Scene::photo(1, "a")]);
    asked.photos.push(Bytes::from_static(b"no picture"));
    asked.photos.push(Scene::photo(1, "c").bytes());
    asked.listing_id = Some("<script>alert('listing')</script>".into());
    asked.seller_id = Some("O'Neil & \"sons\"".into());
    let answer = app.assay.check(&Actor::local(), asked).await.unwrap();
    Checked {
        app,
        id: answer.id,
        reference: reference.id,
    }
}

pub async fn contents(app: &TestApp, id: &str) -> Result<Contents, ServiceError> {
    let painter: Arc<dyn EvidencePainter> = Arc::new(Words);
    bundle::contents(&app.assay, &painter, &Actor::local(), id).await
}

/// A bundle on the disk.
pub struct Bundle {
    pub place: TempDir,
    pub file: PathBuf,
    pub bytes: Vec<u8>,
    pub written: Written,
    pub key: [u8; 32],
    pub reference: String,
}

pub async fn bundled() -> Bundle {
    let Checked { app, id, reference } = checked().await;
    let place = TempDir::new().unwrap();
    let file = place.path().join("bundle.zip");
    let key = KeyFile::open(app.data()).unwrap();
    let written = write(&contents(&app, &id).await.unwrap(), &key, &file).unwrap();
    Bundle {
        bytes: fs::read(&file).unwrap(),
        place,
        file,
        written,
        key: key.public_key(),
        reference,
    }
}

impl Bundle {
    /// What is found when the file holds these bytes.
    fn with(&self, bytes: &[u8]) -> Result<Verified, BundleError> {
        let file = self.place.path().join("other.zip");
        fs::write(&file, bytes).unwrap();
        verify(&file, None)
    }

    /// The files as another program reads them, in the archive's order.
    fn files(&self) -> Vec<(String, Vec<u8>)> {
        unpacked(&self.file)
    }

    /// Packed anew with other files, as this program would have.
    fn repacked(&self, change: impl FnOnce(&mut Vec<(String, Vec<u8>)>)) -> Verified {
        let mut files = self.files();
        change(&mut files);
        self.with(&packed(&files, CompressionMethod::Stored))
            .unwrap()
    }
}

pub fn unpacked(file: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(fs::File::open(file).unwrap()).unwrap();
    (0..archive.len())
        .map(|n| {
            let mut entry = archive.by_index(n).unwrap();
            assert_eq!(entry.compression(), CompressionMethod::Stored);
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

/// An archive by another program.
fn packed(files: &[(String, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, bytes) in files {
        zip.start_file(name, options).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// What is said of one file, or of the archive.
fn said(verified: &Verified, file: Option<&str>) -> Vec<String> {
    let faults = verified.faults.iter();
    faults
        .filter(|fault| fault.file.as_deref() == file)
        .map(|fault| fault.told.clone())
        .collect()
}

#[tokio::test]
async fn the_same_check_gives_the_same_bytes_and_they_hold() {
    let Checked { app, id, reference } = checked().await;
    let place = TempDir::new().unwrap();
    let key = KeyFile::open(app.data()).unwrap();
    let first = place.path().join("first.zip");
    let written = write(&contents(&app, &id).await.unwrap(), &key, &first).unwrap();
    // A removed reference is evidence still.
    let product = crate::support::records::key("acme", "oat");
    app.assay
        .delete_reference(&Actor::local(), &product, &reference)
        .await
        .unwrap();
    let later = app.beside(Shipped::Strict).await;
    let second = place.path().join("second.zip");
    write(&contents(&later, &id).await.unwrap(), &key, &second).unwrap();
    let bytes = fs::read(&first).unwrap();
    assert!(bytes == fs::read(&second).unwrap());
    assert_eq!((&written.check, written.bytes), (&id, bytes.len() as u64));

    let names: Vec<_> = unpacked(&first).into_iter().map(|(name, _)| name).collect();
    let image = format!("references/{reference}.bin");
    let record = format!("references/{reference}.json");
    assert_eq!(
        names,
        [
            "audit.jsonl",
            "check.json",
            "evidence/0.png",
            "evidence/2.png",
            "manifest.json",
            "manifest.sig",
            "operating-point.json",
            "photos/0.bin",
            "photos/2.bin",
            &image,
            &record,
            "report.html",
            "review.json",
        ]
    );
    for published in [None, Some(&key.public_key())] {
        let verified = verify(&first, published).unwrap();
        assert_eq!(verified.faults, []);
        assert!(verified.holds);
        assert_eq!(verified.known_key, published.is_some());
        assert_eq!(
            (verified.check.as_ref(), verified.key_id.as_ref()),
            (Some(&id), Some(&written.key_id))
        );
    }
    // No other file was left beside them.
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
}

#[tokio::test]
async fn the_files_are_what_they_are_said_to_be() {
    let bundle = bundled().await;
    let files: BTreeMap<_, _> = bundle.files().into_iter().collect();
    let json = |name: &str| serde_json::from_slice::<Value>(&files[name]).unwrap();
    assert_eq!(files["photos/0.bin"], Scene::photo(1, "a").bytes());
    assert_eq!(files["evidence/2.png"][..10], *b"drawn 2 96");
    let check = json("check.json");
    assert_eq!(check["id"], *bundle.written.check);
    let point = &check["calibration"]["operating_point"];
    assert_eq!(json("operating-point.json")["id"], *point);
    let record = json(&format!("references/{}.json", bundle.reference));
    let image = &files[&format!("references/{}.bin", bundle.reference)];
    assert_eq!(record["sha256"], *Sha256::of(image).to_string());
    assert_eq!(record["kind"], "pack");
    assert_eq!(record["marks"][0]["name"], "<script>alert('mark')</script>");
    assert_eq!(record["actor"], "local");
    let manifest = json("manifest.json");
    assert_eq!(manifest["key_id"], *bundle.written.key_id);
    assert_eq!(manifest["public_key"], *hex(&bundle.key));
    assert_eq!(manifest["models"], check["models"]);
    let listed: Vec<_> = manifest["files"].as_array().unwrap().iter().collect();
    assert_eq!(listed.len(), files.len() - 2);
    for file in listed {
        let bytes = &files[file["name"].as_str().unwrap()];
        assert_eq!(file["bytes"], bytes.len());
        assert_eq!(file["sha256"], *Sha256::of(bytes).to_string());
    }
}

#[tokio::test]
async fn the_page_escapes_whatever_callers_sent() {
    let bundle = bundled().await;
    let files: BTreeMap<_, _> = bundle.files().into_iter().collect();
    let page = std::str::from_utf8(&files["report.html"]).unwrap();
    for evil in ["<script", "<b>front", "<img src=x", "O'Neil", "javascript:"] {
        assert!(!page.contains(evil), "{evil}");
    }
    for wanted in [
        "&lt;script&gt;alert(&#39;listing&#39;)&lt;/script&gt;",
        "&lt;script&gt;alert(&#39;mark&#39;)&lt;/script&gt;",
        "O&#39;Neil &amp; &quot;sons&quot;",
        "was automated",
        "Nothing here says that an article is counterfeit",
        "src=\"photos/0.bin\"",
        "src=\"evidence/2.png\"",
        "Model</th>",
    ] {
        assert!(page.contains(wanted), "no `{wanted}` in:\n{page}");
    }
    // Every link leads to a file of the bundle.
    for attribute in ["src=\"", "href=\""] {
        for link in page.split(attribute).skip(1) {
            let link = link.split('"').next().unwrap();
            assert!(files.contains_key(link), "{link}");
        }
    }
}

#[tokio::test]
async fn every_changed_byte_is_told_with_its_place() {
    let bundle = bundled().await;
    let all = &bundle.bytes;
    // The file that each byte of content belongs to; other bytes are the archive's own.
    let mut owners = vec![None; all.len()];
    let mut at = 0;
    for (name, bytes) in bundle.files() {
        at += 30 + name.len();
        owners[at..at + bytes.len()].fill(Some(name));
        at += bytes.len();
    }
    let directory = at;
    // The archive's own bytes all, contents here and there, and all of what signs.
    let mut tried = BTreeSet::new();
    for (n, owner) in owners.iter().enumerate() {
        let signs = owner.as_deref() == Some("manifest.sig");
        if n % 37 == 0 || owner.is_none() || signs || n >= directory {
            tried.insert(n);
        }
    }
    assert!(tried.len() > 1000);
    for n in tried {
        for flip in [1, 0x20] {
            let mut other = all.clone();
            other[n] ^= flip;
            let verified = bundle.with(&other).unwrap();
            let owner = owners[n].as_deref();
            let said = said(&verified, owner);
            assert!(
                !verified.holds && verified.faults.len() == 1,
                "{n}: {verified:?}"
            );
            let wanted = match owner {
                Some(name) => format!("`{name}` was changed: "),
                None => format!("the archive itself was changed at byte {n},"),
            };
            assert!(said[0].starts_with(&wanted), "{n} {owner:?}: {said:?}");
        }
    }
}

#[tokio::test]
async fn whatever_is_removed_added_renamed_or_doubled_is_named() {
    let bundle = bundled().await;
    let count = bundle.files().len();
    for n in 0..count {
        let mut name = String::new();
        let verified = bundle.repacked(|files| name = files.remove(n).0);
        let said = said(&verified, Some(&name));
        assert!(said[0].contains("is missing"), "{name}: {verified:?}");
    }
    let verified = bundle.repacked(|files| files.push(("photos/9.jpg".into(), vec![1])));
    let told = said(&verified, Some("photos/9.jpg"));
    assert!(told[0].contains("added or renamed"), "{told:?}");
    for evil in ["../../evil.sh", "readme.txt", "photos/0.exe", "C:\\evil"] {
        let verified = bundle.repacked(|files| files.push((evil.into(), vec![1])));
        let told: Vec<_> = verified.faults.iter().map(|f| &*f.told).collect();
        assert!(
            told[0].contains("is no file of a bundle"),
            "{evil}: {told:?}"
        );
    }
    let verified = bundle.repacked(|files| {
        let renamed = files.iter_mut().find(|(name, _)| name == "photos/0.bin");
        renamed.unwrap().0 = "photos/1.bin".into();
    });
    assert!(said(&verified, Some("photos/0.bin"))[0].contains("is missing"));
    assert!(said(&verified, Some("photos/1.bin"))[0].contains("added or renamed"));

    // Names of one length, so that a second photo can be given the name of the first.
    let doubled = bundle.bytes.clone();
    let doubled = replaced(&doubled, b"photos/2.bin", b"photos/0.bin");
    let verified = bundle.with(&doubled).unwrap();
    assert!(said(&verified, Some("photos/0.bin"))[0].contains("is there twice"));
    assert!(said(&verified, Some("photos/2.bin"))[0].contains("is missing"));
}

/// With every occurrence in headers (not in contents of JSON, which stand in quotes) replaced.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for n in 1..bytes.len() - from.len() {
        if bytes[n..].starts_with(from) && bytes[n - 1] == 0 {
            bytes[n..n + from.len()].copy_from_slice(to);
        }
    }
    bytes
}

#[tokio::test]
async fn an_archive_that_was_packed_anew_or_hides_bytes_does_not_hold() {
    let bundle = bundled().await;
    // The contents are all as signed: only the archive is another one.
    let verified = bundle.repacked(|_| {});
    assert!(!verified.holds);
    assert_eq!(
        said(&verified, None).len(),
        verified.faults.len(),
        "{verified:?}"
    );
    for (before, after) in [(&b"hidden"[..], &b""[..]), (b"", b"hidden"), (b"\0", b"")] {
        let hidden = [before, &bundle.bytes, after].concat();
        match bundle.with(&hidden) {
            Ok(verified) => assert_eq!(said(&verified, None).len(), 1, "{verified:?}"),
            Err(error) => assert!(matches!(error, BundleError::NoBundle { .. }), "{error}"),
        }
    }
    for cut in [1, 22, 40] {
        let cut = &bundle.bytes[..bundle.bytes.len() - cut];
        assert_eq!(said(&bundle.with(cut).unwrap(), None).len(), 1);
    }
}

#[tokio::test]
async fn what_is_no_bundle_or_claims_too_much_is_refused() {
    let bundle = bundled().await;
    let other = packed(
        &[("readme.txt".into(), b"hello".to_vec())],
        CompressionMethod::Stored,
    );
    for (bytes, why) in [
        (&b""[..], "does not begin"),
        (b"PK", "does not begin"),
        (
            b"\x89PNG\r\n\x1a\n and so on, longer than an end",
            "does not begin",
        ),
        (&bundle.bytes[..1000], "it ends before"),
        (&other, "does not end"),
    ] {
        let error = bundle.with(bytes).unwrap_err();
        let BundleError::NoBundle { why: told, .. } = &error else {
            panic!("{error}");
        };
        assert!(told.contains(why) || told.contains("holds no"), "{told}");
    }
    // Both headers claim gigabytes: told by the numbers alone.
    let mut huge = bundle.bytes.clone();
    huge[18..26].copy_from_slice(&[0xf0; 8]);
    let end = huge.len() - 22;
    let start = u32::from_le_bytes(huge[end + 16..end + 20].try_into().unwrap()) as usize;
    huge[start + 20..start + 28].copy_from_slice(&[0xf0; 8]);
    let error = bundle.with(&huge).unwrap_err().to_string();
    assert!(
        error.contains("`audit.jsonl` claims 4042322160 bytes"),
        "{error}"
    );
    // A sparse file takes no room, and no more than the limit of it is ever read.
    let file = bundle.place.path().join("sparse.zip");
    fs::File::create(&file).unwrap().set_len(1 << 40).unwrap();
    let error = verify(&file, None).unwrap_err().to_string();
    assert!(error.contains("larger than the 512 MiB"), "{error}");
    let many: Vec<_> = (0..300)
        .map(|n| (format!("photos/{n}.jpg"), vec![]))
        .collect();
    let error = bundle.with(&packed(&many, CompressionMethod::Stored));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("more than 200 files"), "{error}");
}

#[tokio::test]
async fn a_bundle_by_another_key_is_told_when_the_right_one_is_known() {
    let bundle = bundled().await;
    let other = KeyFile::open(bundle.place.path()).unwrap();
    let verified = verify(&bundle.file, Some(&other.public_key())).unwrap();
    assert_eq!(verified.faults.len(), 1, "{verified:?}");
    let told = &said(&verified, Some("manifest.json"))[0];
    assert!(told.contains(&bundle.written.key_id), "{told}");
    assert!(told.contains("somebody else made this bundle"), "{told}");

    // Whoever signs anew must name the key, and is found out by it; who keeps the key cannot sign.
    let text = |files: &mut Vec<(String, Vec<u8>)>, name: &str| {
        files.iter().position(|(n, _)| n == name).unwrap()
    };
    let verified = bundle.repacked(|files| {
        let (manifest, signature) = (text(files, "manifest.json"), text(files, "manifest.sig"));
        let signed = hex(&other.sign(&files[manifest].1));
        files[signature].1 = format!("{signed}\n").into_bytes();
    });
    let told = said(&verified, Some("manifest.json"));
    assert!(told[0].contains("`manifest.sig` was changed"), "{told:?}");
    assert_eq!(from_hex::<32>(&bundle.written.public_key), Some(bundle.key));
}

#[tokio::test]
async fn nothing_is_overwritten_and_nothing_half_is_made() {
    let Checked { app, id, .. } = checked().await;
    let place = TempDir::new().unwrap();
    let key = KeyFile::open(app.data()).unwrap();
    let file = place.path().join("bundle.zip");
    fs::write(&file, "mine").unwrap();
    let mut made = contents(&app, &id).await.unwrap();
    let error = write(&made, &key, &file).unwrap_err();
    assert!(matches!(error, BundleError::Exists(_)), "{error}");
    assert_eq!(fs::read(&file).unwrap(), b"mine");
    made.references[0].record.id = "../../evil".into();
    let error = write(&made, &key, &place.path().join("evil.zip")).unwrap_err();
    assert!(matches!(error, BundleError::Name(_)), "{error}");
    made.photos[0].bytes = vec![0; (64 << 20) + 1].into();
    made.references.clear();
    let error = write(&made, &key, &place.path().join("large.zip")).unwrap_err();
    assert!(error.to_string().contains("`photos/0.bin` of"), "{error}");
    assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1);

    let error = contents(&app, "no-such-check").await.unwrap_err();
    let missing = matches!(
        error,
        ServiceError::Store(StoreError::NotFound { what: "check", .. })
    );
    assert!(missing, "{error}");
    // What the check rests on is lost: told, and no bundle made without it.
    let hash = Sha256::of(&Scene::photo(1, "a").bytes()).to_string();
    fs::remove_file(app.data().join("images").join(&hash[..2]).join(&hash)).unwrap();
    let error = contents(&app, &id).await.unwrap_err();
    assert!(error.to_string().contains("is lost"), "{error}");
}
