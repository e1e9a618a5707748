//! Backups that are damaged, or made to do harm.

use std::{
    fs,
    io::{Read, Write},
    path::Path,
};

use assay::domain::digest::Sha256;
use serde_json::{Value, json};
use tar::{EntryType, Header};
use tempfile::TempDir;

use super::{backed_up, names, restored, stocked};
use crate::support::vision::Scene;

/// One entry: its header and bytes, which need not go together.
#[derive(Clone)]
struct Entry {
    header: Header,
    bytes: Vec<u8>,
}

impl Entry {
    fn new(name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        // Written as it is: the library would refuse to write some of these names.
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        Self { header, bytes }
    }

    fn of_type(mut self, kind: EntryType) -> Self {
        self.header.set_entry_type(kind);
        self
    }

    fn name(&self) -> String {
        String::from_utf8(self.header.path_bytes().into_owned()).unwrap()
    }
}

/// The entries of an archive, to be changed and written again.
struct Archive(Vec<Entry>);

impl Archive {
    fn read(file: &Path) -> Self {
        let mut archive = tar::Archive::new(fs::File::open(file).unwrap());
        let entries = archive.entries().unwrap().map(|entry| {
            let mut entry = entry.unwrap();
            let (header, mut bytes) = (entry.header().clone(), Vec::new());
            entry.read_to_end(&mut bytes).unwrap();
            Entry { header, bytes }
        });
        Self(entries.collect())
    }

    fn place(&self, name: &str) -> usize {
        let place = self.0.iter().position(|e| e.name().starts_with(name));
        place.unwrap_or_else(|| panic!("no entry `{name}`"))
    }

    /// Before everything else.
    fn first(mut self, entry: Entry) -> Self {
        self.0.insert(0, entry);
        self
    }

    /// Before the manifest.
    fn last(mut self, entry: Entry) -> Self {
        self.0.insert(self.0.len() - 1, entry);
        self
    }

    fn without(mut self, name: &str) -> Self {
        let place = self.place(name);
        self.0.remove(place);
        self
    }

    /// With an entry's bytes as they become.
    fn with(mut self, name: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> Self {
        let place = self.place(name);
        let entry = &mut self.0[place];
        entry.bytes = change(std::mem::take(&mut entry.bytes));
        entry.header.set_size(entry.bytes.len() as u64);
        self
    }

    /// With text in an entry replaced, which must be there.
    fn replaced(self, name: &str, from: &str, to: &str) -> Self {
        self.with(name, |bytes| {
            let text = String::from_utf8(bytes).unwrap();
            assert!(text.contains(from), "no `{from}` in {text}");
            text.replacen(from, to, 1).into_bytes()
        })
    }

    /// With another manifest.
    fn manifest(self, change: impl FnOnce(&mut Value)) -> Self {
        self.with("manifest.json", |json| {
            let mut manifest = serde_json::from_slice(&json).unwrap();
            change(&mut manifest);
            manifest.to_string().into_bytes()
        })
    }

    /// With other records, and a manifest that agrees with them.
    fn agreeing(self, table: &str, records: &str) -> Self {
        let sha256 = Sha256::of(records.as_bytes()).to_string();
        let lines = records.lines().count();
        self.with(&format!("records/{table}.jsonl"), |_| records.into())
            .manifest(|m| m["tables"][table] = json!({"records": lines, "sha256": sha256}))
    }

    /// Without an image, and a manifest that does not count it.
    fn missing(self, scene: &Scene) -> Self {
        let bytes = scene.bytes();
        let less = |n: &mut Value, by: usize| *n = (n.as_u64().unwrap() - by as u64).into();
        self.without(&image(&bytes)).manifest(|m| {
            less(&mut m["images"], 1);
            less(&mut m["image_bytes"], bytes.len());
        })
    }

    fn write(self, file: &Path) {
        let mut out = fs::File::create(file).unwrap();
        for Entry { mut header, bytes } in self.0 {
            header.set_cksum();
            out.write_all(header.as_bytes()).unwrap();
            out.write_all(&bytes).unwrap();
            out.write_all(&vec![0; bytes.len().next_multiple_of(512) - bytes.len()])
                .unwrap();
        }
        out.write_all(&[0; 1024]).unwrap();
    }
}

/// The name of an image's entry.
fn image(bytes: &[u8]) -> String {
    let hash = Sha256::of(bytes);
    format!("images/{}/{hash}", hash.prefix(2))
}

/// A good backup in a folder of its own.
async fn good() -> (TempDir, Archive) {
    let (app, _) = stocked().await;
    let place = TempDir::new().unwrap();
    let file = place.path().join("good.tar");
    backed_up(app.data(), &file).await.unwrap();
    let archive = Archive::read(&file);
    (place, archive)
}

/// What restoring says to a file; nothing but the file may be there afterwards.
async fn refused(place: &Path, bad: &Path) -> String {
    let before = names(place);
    let error = restored(bad, &place.join("into")).await;
    let error = error.expect_err("a bad backup was restored").to_string();
    assert_eq!(names(place), before, "{error}");
    error
}

#[tokio::test]
async fn what_was_taken_apart_and_put_together_is_still_a_backup() {
    let (place, archive) = good().await;
    let file = place.path().join("again.tar");
    archive.write(&file);
    restored(&file, &place.path().join("into")).await.unwrap();
}

#[tokio::test]
async fn an_entry_that_no_backup_holds_is_refused_by_name() {
    let (place, archive) = good().await;
    let link = |kind, name| {
        let mut entry = Entry::new(name, "").of_type(kind);
        entry.header.set_link_name("/etc/passwd").unwrap();
        entry
    };
    let image = format!("images/ab/{}", "ab".repeat(32));
    let mut huge = Entry::new(&image, "");
    huge.header.set_size(1 << 40);
    let long = Entry::new("././@LongLink", "x".repeat(600)).of_type(EntryType::GNULongName);
    let extended = Entry::new("pax", "12 size=100\n").of_type(EntryType::XHeader);
    let unknown = "images/ab/it\u{1b}[2J";
    let entries = [
        (Entry::new("/etc/passwd", "x"), "/etc/passwd", "absolute"),
        (Entry::new("C:\\x", "x"), "C:\\\\x", "absolute"),
        (Entry::new("images/../../x", "x"), "images/../../x", "`..`"),
        (link(EntryType::Symlink, &image), &image, "a link"),
        (
            link(EntryType::Link, "assay.sqlite"),
            "assay.sqlite",
            "a link",
        ),
        (
            Entry::new("images/ab/", "").of_type(EntryType::Directory),
            "images/ab/",
            "not a plain file",
        ),
        (
            Entry::new("null", "").of_type(EntryType::Char),
            "null",
            "not a plain file",
        ),
        (
            Entry::new(&image, "").of_type(EntryType::GNUSparse),
            &image,
            "not a plain file",
        ),
        (long, "././@LongLink", "not a plain file"),
        (extended, "pax", "not a plain file"),
        (huge, &image, "1099511627776 bytes, more than"),
        (
            Entry::new("assay.sqlite", "x"),
            "assay.sqlite",
            "no entry of this name",
        ),
        (
            Entry::new(unknown, "x"),
            "images/ab/it\\u{1b}[2J",
            "no entry of this name",
        ),
        (
            Entry::new("records/sqlite_schema.jsonl", ""),
            "records/sqlite_schema.jsonl",
            "no such table",
        ),
    ];
    for (entry, name, wanted) in entries {
        let bad = place.path().join("bad.tar");
        Archive(archive.0.clone()).first(entry).write(&bad);
        let said = refused(place.path(), &bad).await;
        assert!(
            said.contains(&format!("entry `{name}`")) && said.contains(wanted),
            "{name}: {said}"
        );
    }
}

#[tokio::test]
async fn a_line_without_end_is_not_read_into_memory() {
    let (place, archive) = good().await;
    let bad = place.path().join("bad.tar");
    let endless = vec![b' '; (64 << 20) + 1];
    archive
        .with("records/brands.jsonl", |_| endless)
        .write(&bad);
    let said = refused(place.path(), &bad).await;
    assert!(
        said.contains("`records/brands.jsonl`")
            && said.contains("line 1: it has more than 67108864 bytes"),
        "{said}"
    );
}

#[tokio::test]
async fn what_does_not_agree_with_itself_is_refused() {
    type Change = fn(Archive) -> Archive;
    let changes: [(&str, Change, &str); 20] = [
        (
            "a newer format",
            |a| a.replaced("manifest.json", "\"format\": 1", "\"format\": 2"),
            "format 2",
        ),
        (
            "a newer schema",
            |a| a.manifest(|m| m["schema"] = 9999.into()),
            "newer assay (schema 9999)",
        ),
        (
            "a manifest of something else",
            |a| a.with("manifest.json", |_| b"[]".into()),
            "`manifest.json` is damaged",
        ),
        (
            "no manifest",
            |a| a.without("manifest.json"),
            "ends before its manifest",
        ),
        (
            "something after the manifest",
            |mut a| {
                a.0.push(Entry::new("manifest.json", "{}"));
                a
            },
            "comes after the manifest",
        ),
        (
            "a table less",
            |a| a.without("records/variations"),
            "the records of table `variations` are missing",
        ),
        (
            "a table twice",
            |a| {
                let n = a.place("records/brands");
                let copy = a.0[n].bytes.clone();
                a.last(Entry::new("records/brands.jsonl", copy))
            },
            "it is there twice",
        ),
        (
            "a record less",
            |a| {
                a.with("records/products", |b| {
                    let end = b.iter().position(|c| *c == b'\n').unwrap();
                    b[end + 1..].to_vec()
                })
            },
            "it has 1 records, and the manifest counts 2",
        ),
        (
            "a changed record",
            |a| a.replaced("records/brands", "Brand acme", "Brand acne"),
            "not those that the manifest names",
        ),
        (
            "a record cut off",
            |a| {
                a.with("records/brands", |mut b| {
                    b.pop();
                    b
                })
            },
            "line 1: it is cut off",
        ),
        (
            "a column more",
            |a| a.agreeing("brands", "{\"id\":\"acme\",\"name\":\"A\",\"key\":1}\n"),
            "no column `key`",
        ),
        (
            "a column less",
            |a| a.agreeing("brands", "{\"id\":\"acme\"}\n"),
            "no column `name`",
        ),
        (
            "a value of another type",
            |a| a.agreeing("brands", "{\"id\":\"acme\",\"name\":{\"blob\":\"00\"}}\n"),
            "line 1",
        ),
        (
            "a record twice",
            |a| {
                let line = "{\"id\":\"acme\",\"name\":\"A\",\"budget\":null,\"retired\":0,\"changes\":0}\n";
                a.agreeing("brands", &line.repeat(2))
            },
            "line 2",
        ),
        (
            "a brand less",
            |a| a.agreeing("brands", ""),
            "names one of `brands` that is missing",
        ),
        (
            "an image less",
            |a| a.without("images/"),
            "the manifest counts 8",
        ),
        (
            "an image less, which the manifest does not count",
            |a| a.missing(&Scene::of(1)),
            "is missing, which a record names",
        ),
        (
            "records after the images, so that theirs are not missed",
            |a| {
                let mut a = a
                    .missing(&Scene::photo(1, "a"))
                    .missing(&Scene::photo(2, "b"));
                let records = a.0.remove(a.place("records/check_photos"));
                a.last(records)
            },
            "it comes after the images",
        ),
        (
            "an image that no record names",
            |a| a.last(Entry::new(&image(b"foreign"), "foreign")),
            "no record before it names it",
        ),
        (
            "an image twice",
            |a| {
                let n = a.place("images/");
                let (name, bytes) = (a.0[n].name(), a.0[n].bytes.clone());
                a.last(Entry::new(&name, bytes))
            },
            "or it is there twice",
        ),
    ];
    let (place, archive) = good().await;
    for (what, change, wanted) in changes {
        let bad = place.path().join("bad.tar");
        change(Archive(archive.0.clone())).write(&bad);
        let said = refused(place.path(), &bad).await;
        assert!(said.contains(wanted), "{what}: {said}");
    }
}

#[tokio::test]
async fn a_damaged_image_is_refused_by_name() {
    let (place, archive) = good().await;
    let bad = place.path().join("bad.tar");
    let name = image(&Scene::of(1).bytes());
    let damage = |mut bytes: Vec<u8>| {
        bytes[0] ^= 1;
        bytes
    };
    archive.with(&name, damage).write(&bad);
    let said = refused(place.path(), &bad).await;
    assert!(
        said.contains(&format!("`{name}`")) && said.contains("bytes its name promises"),
        "{said}"
    );
}

#[tokio::test]
async fn a_backup_cut_off_anywhere_is_refused() {
    let (place, _) = good().await;
    let whole = fs::read(place.path().join("good.tar")).unwrap();
    // Zeros at the end say nothing: without them all is still there.
    let end = whole.iter().rposition(|byte| *byte != 0).unwrap();
    let cuts = (0..end).step_by(1021).chain([1, 511, 512, 513, end]);
    for cut in cuts {
        let bad = place.path().join("bad.tar");
        fs::write(&bad, &whole[..cut]).unwrap();
        let said = refused(place.path(), &bad).await;
        assert!(
            said.contains("bad.tar") || said.contains("cut off"),
            "{cut}: {said}"
        );
    }
}

#[tokio::test]
async fn a_file_that_is_no_backup_is_refused() {
    let place = TempDir::new().unwrap();
    let bad = place.path().join("bad.tar");
    for bytes in [&b""[..], b"no archive", &[b'x'; 5000], &[0; 5000]] {
        fs::write(&bad, bytes).unwrap();
        let said = refused(place.path(), &bad).await;
        assert!(
            said.contains("bad.tar") && said.contains("no backup"),
            "{said}"
        );
    }
    let said = refused(place.path(), &place.path().join("nowhere.tar")).await;
    assert!(said.contains("nowhere.tar"), "{said}");
    let said = refused(place.path(), place.path()).await;
    assert!(said.contains("not a plain file"), "{said}");
}
