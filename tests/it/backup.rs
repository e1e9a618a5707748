//! A data folder in one file and back: nothing is lost, nothing is changed, and nothing that is
//! wrong goes unsaid.

mod command;
mod hostile;
mod refusing;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use assay::{
    checker::{
        actor::Actor,
        key_ring::KeyRing,
        records::{Catalogue, CheckFilter, References, Retention},
        service::{CheckRequest, NewDecision},
    },
    contract::{ReviewOutcome, answer::CheckAnswer},
    domain::{digest::Sha256, gallery::ProductKey},
    storage::{
        backup::{
            BackedUp, BackupError, Found, LostImage, Manifest, NamedBy, Step, back_up, restore,
        },
        sqlite,
    },
};
use bytes::Bytes;
use sqlx::{AssertSqlSafe, Connection, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use crate::support::{
    app::{Shipped, TestApp, request},
    records::{brand, key},
    vision::{Scene, fake_vision},
};

/// A file that is no picture: its check is kept, its bytes are not.
const NO_PICTURE: &[u8] = b"no picture";

/// A gallery with everything that a database can hold: references, one of them removed, genuine
/// photos with scores, and checks.
pub async fn stocked() -> (TestApp, ProductKey) {
    let app = TestApp::start(Shipped::Lenient).await;
    let oat = app.create("acme", "oat").await;
    let rice = app.create("acme", "rice").await;
    app.enroll(&oat, &Scene::of(1)).await;
    app.enroll(&rice, &Scene::of(2)).await;
    let removed = app.enroll(&rice, &Scene::of(3)).await;
    app.assay
        .delete_reference(&Actor::local(), &rice, &removed.id)
        .await
        .unwrap();
    for n in 0..3 {
        let moved = (150 + n, 90);
        let photo = Scene {
            moved,
            ..Scene::photo(1, "genuine")
        };
        app.assay
            .add_genuine_photo(&Actor::local(), &oat, &format!("item-{n}"), photo.bytes())
            .await
            .unwrap();
    }
    // A file that is there already, as a reference of another product.
    let passes = Scene::of(2).bytes();
    app.assay
        .add_authorised_photo(&Actor::local(), &oat, "other", passes)
        .await
        .unwrap();
    assert_eq!(app.assay.score_brand("acme").await.unwrap(), 3);
    let mut asked = request(Some(&oat), &[Scene::photo(1, "a"), Scene::photo(2, "b")]);
    asked.photos.push(Bytes::from_static(NO_PICTURE));
    asked.seller_id = Some("ann".into());
    let answer = app.assay.check(&Actor::local(), asked).await.unwrap();
    let database = Arc::new(sqlite::open(app.data()).await.unwrap());
    let held = database.hold(&Actor::local(), &answer.id, "case 17").await;
    held.unwrap();
    let keys = KeyRing::new(database);
    let made = keys.create_first(|_| Ok(())).await.unwrap();
    let session = keys.sign_in(&made.unwrap().secret, "request").await;
    assert!(session.unwrap().is_some());
    let (local, statement) = (Actor::local(), "It is genuine.".to_owned());
    let disputed = app.assay.dispute(&local, &answer.id, statement, Vec::new());
    disputed.await.unwrap();
    app.assay.hold(&local, &answer.id).await.unwrap();
    let decision = NewDecision {
        outcome: ReviewOutcome::Overturn,
        reason: "it is".to_owned(),
        genuine: false,
    };
    let decided = app.assay.decide(&local, &answer.id, decision).await;
    decided.unwrap();
    (app, oat)
}

/// Writes a backup that nobody watches.
pub async fn backed_up(data: &Path, file: &Path) -> Result<BackedUp, BackupError> {
    back_up(data, file, &|_| {}).await
}

/// Restores a backup that nobody watches.
pub async fn restored(file: &Path, into: &Path) -> Result<Manifest, BackupError> {
    restore(file, into, &|_| {}).await
}

/// The names in a folder.
pub fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

/// Every image of a data folder, by its path below it.
pub fn images(data: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for folder in names(&data.join("images")) {
        for name in names(&data.join("images").join(&folder)) {
            let path = Path::new("images").join(&folder).join(name);
            found.insert(path.clone(), fs::read(data.join(path)).unwrap());
        }
    }
    found
}

pub async fn database(data: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(data.join("assay.sqlite"));
    SqliteConnection::connect_with(&options).await.unwrap()
}

/// The whole database as text, by means of its own: what acts and stands in it, and every row of
/// every table with the type of every value.
pub async fn dump(data: &Path) -> BTreeMap<String, Vec<String>> {
    let mut db = database(data).await;
    let made =
        "SELECT type || ' ' || name || ': ' || COALESCE(sql, '') FROM sqlite_schema ORDER BY 1";
    let made: Vec<String> = sqlx::query_scalar(made).fetch_all(&mut db).await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut db)
    .await
    .unwrap();
    let mut dump = BTreeMap::from([(String::new(), made)]);
    for table in tables {
        let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
            .bind(&table)
            .fetch_all(&mut db)
            .await
            .unwrap();
        let values: Vec<_> = columns
            .iter()
            .map(|c| format!("'{c}=' || typeof({c}) || ' ' || quote({c})"))
            .collect();
        let sql = format!(
            "SELECT {} FROM {table} ORDER BY 1",
            values.join(" || ' ' || ")
        );
        let rows = sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut db);
        dump.insert(table, rows.await.unwrap());
    }
    dump
}

/// An answer without what differs between two equal checks.
pub fn said(answer: CheckAnswer) -> CheckAnswer {
    CheckAnswer {
        id: String::new(),
        created_at: String::new(),
        timings_ms: BTreeMap::new(),
        ..answer
    }
}

#[tokio::test]
async fn a_restored_folder_holds_the_same_and_answers_the_same() {
    let (app, oat) = stocked().await;
    let (place, into) = (TempDir::new().unwrap(), Arc::new(TempDir::new().unwrap()));
    let file = place.path().join("assay.tar");
    // The program goes on with its database open, as a server does.
    let written = backed_up(app.data(), &file).await.unwrap();
    assert_eq!(written.bytes, file.metadata().unwrap().len());
    assert_eq!(names(place.path()), ["assay.tar".to_owned()].into());

    let manifest = restored(&file, into.path()).await.unwrap();
    assert_eq!(manifest, written.manifest);
    assert_eq!(manifest.lost, []);
    let before = dump(app.data()).await;
    for (table, rows) in &before {
        let least = if table == "variations" { 0 } else { 1 };
        assert!(rows.len() >= least, "nothing of `{table}` is tried");
    }
    assert_eq!(dump(into.path()).await, before);
    let kept = images(app.data());
    assert_eq!(
        kept.len(),
        3 + 3 + 2,
        "references, genuine photos, photos of checks"
    );
    assert_eq!(images(into.path()), kept);
    assert_eq!(manifest.images, 8);
    let bytes: usize = kept.values().map(Vec::len).sum();
    assert_eq!(manifest.image_bytes, bytes as u64);
    let counted: BTreeMap<_, _> = manifest
        .tables
        .iter()
        .map(|(table, counted)| (table.clone(), counted.records))
        .collect();
    let expected: BTreeMap<_, _> = before
        .iter()
        .filter(|(table, _)| !table.is_empty())
        .map(|(table, rows)| (table.clone(), rows.len() as u64))
        .collect();
    assert_eq!(counted, expected);

    let other = TestApp::over(into, Shipped::Lenient, fake_vision).await;
    for scene in [
        Scene::photo(1, "new"),
        Scene::photo(2, "new"),
        Scene::photo(1, "a"),
    ] {
        let ask = || CheckRequest {
            seller_id: Some("bob".into()),
            ..request(Some(&oat), std::slice::from_ref(&scene))
        };
        let here = app.assay.check(&Actor::local(), ask()).await.unwrap();
        let there = other.assay.check(&Actor::local(), ask()).await.unwrap();
        assert_eq!(said(there), said(here));
    }
    let store = sqlite::open(other.data()).await.unwrap();
    let before = store.last_change().await.unwrap();
    other.enroll(&oat, &Scene::of(9)).await;
    let after = store.last_change().await.unwrap();
    assert_eq!(after, before + 1, "it still counts");
}

#[tokio::test]
async fn what_is_enrolled_during_a_backup_is_whole_in_it_or_not_in_it() {
    let (app, oat) = stocked().await;
    let place = TempDir::new().unwrap();
    let file = place.path().join("assay.tar");
    let enroll = async {
        for n in 1..10 {
            let moved = (n, n);
            let scene = Scene {
                moved,
                ..Scene::of(1)
            };
            app.enroll(&oat, &scene).await;
        }
    };
    let (written, ()) = tokio::join!(backed_up(app.data(), &file), enroll);
    let written = written.unwrap().manifest;
    assert_eq!(written.lost, []);
    let into = place.path().join("restored");
    assert_eq!(restored(&file, &into).await.unwrap(), written);
    let store = sqlite::open(&into).await.unwrap();
    for record in store.references(&oat).await.unwrap() {
        let name = record.sha256.to_string();
        let path = into.join("images").join(&name[..2]).join(name);
        assert_eq!(Sha256::of(&fs::read(path).unwrap()), record.sha256);
    }
}

#[tokio::test]
async fn a_lost_image_is_named_and_everything_else_is_saved() {
    let (app, oat) = stocked().await;
    let path = |scene: &Scene| {
        let name = Sha256::of(&scene.bytes()).to_string();
        app.data().join("images").join(&name[..2]).join(name)
    };
    fs::remove_file(path(&Scene::of(1))).unwrap();
    fs::write(path(&Scene::photo(2, "b")), "other bytes").unwrap();
    let reference = app.assay.references(&Actor::local(), &oat).await.unwrap()[0]
        .id
        .clone();
    let newest = CheckFilter {
        limit: 1,
        ..CheckFilter::default()
    };
    let check = app.assay.checks(&Actor::local(), &newest).await.unwrap()[0]
        .id
        .clone();

    let place = TempDir::new().unwrap();
    let (file, into) = (place.path().join("a.tar"), place.path().join("into"));
    let written = backed_up(app.data(), &file).await.unwrap().manifest;
    let lost = |scene: &Scene, found, table: &str, key: &[&str]| LostImage {
        sha256: Sha256::of(&scene.bytes()).to_string(),
        found,
        named_by: vec![NamedBy {
            table: table.into(),
            key: key.iter().map(|k| (*k).to_owned()).collect(),
        }],
    };
    let mut expected = [
        lost(
            &Scene::of(1),
            Found::Missing,
            "enrolled_references",
            &[&reference],
        ),
        lost(
            &Scene::photo(2, "b"),
            Found::Damaged,
            "check_photos",
            &[&check, "1"],
        ),
    ];
    expected.sort_by(|a, b| a.sha256.cmp(&b.sha256));
    assert_eq!(written.lost, expected);
    assert_eq!(written.images, 6);
    assert_eq!(restored(&file, &into).await.unwrap(), written);
    assert_eq!(dump(&into).await, dump(app.data()).await);
    assert_eq!(images(&into).len(), 6);
}

/// The fixture was written by the program of schema 1; a backup is made before an upgrade.
#[tokio::test]
async fn an_older_database_is_saved_and_restored_as_it_is() {
    let place = TempDir::new().unwrap();
    let data = place.path().join("data");
    fs::create_dir(&data).unwrap();
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/storage/schema-1.sqlite");
    fs::copy(fixture, data.join("assay.sqlite")).unwrap();
    let before = dump(&data).await;
    let (file, into) = (place.path().join("a.tar"), place.path().join("into"));
    let written = backed_up(&data, &file).await.unwrap().manifest;
    assert_eq!(written.schema, 1);
    assert_eq!(dump(&data).await, before, "a backup upgrades nothing");
    restored(&file, &into).await.unwrap();
    assert_eq!(dump(&into).await, before);
    let store = sqlite::open(&into).await.unwrap();
    assert_eq!(store.brands().await.unwrap(), [brand("acme")]);
    let oat = store.references(&key("acme", "oat")).await.unwrap();
    assert_eq!(oat.len(), 1);
}

/// Both give way to a signal while they work; what was written by then goes with them.
#[tokio::test]
async fn what_is_stopped_leaves_nothing_behind() {
    let (app, _) = stocked().await;
    let place = TempDir::new().unwrap();
    let (file, into) = (place.path().join("a.tar"), place.path().join("into"));
    let stop = tokio::sync::Notify::new();
    let at_images = |step: Step<'_>| {
        if matches!(step, Step::Images { .. }) {
            assert_eq!(
                names(place.path())
                    .iter()
                    .filter(|n| n.ends_with(".part"))
                    .count(),
                1
            );
            stop.notify_one();
        }
    };
    tokio::select! {
        biased;
        () = stop.notified() => {}
        _ = back_up(app.data(), &file, &at_images) => panic!("it was not stopped"),
    }
    assert_eq!(names(place.path()), [].into());

    backed_up(app.data(), &file).await.unwrap();
    tokio::select! {
        biased;
        () = stop.notified() => {}
        _ = restore(&file, &into, &at_images) => panic!("it was not stopped"),
    }
    assert_eq!(names(place.path()), ["a.tar".to_owned()].into());
    restored(&file, &into).await.unwrap();
}
