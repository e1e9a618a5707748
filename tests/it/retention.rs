//! Photos that go after a while, and data that go on request: nothing else with them, and nothing of
//! them stays.
#![cfg(unix)]

use std::{
    path::Path,
    process::Command,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use assay::{
    checker::{
        actor::Actor,
        keeper::{Erased, Keeper},
        ports::{Images, StoreError},
        records::{Checks, Subject},
        service::ServiceError,
    },
    contract::{Verdict, answer::CheckAnswer},
    domain::digest::Sha256,
    storage::{database::Database, files::ContentFiles, sqlite, threads::FileThreads},
};
use async_trait::async_trait;
use bytes::Bytes;
use tempfile::TempDir;

use crate::{
    backup::backed_up,
    support::{
        app::{Shipped, TestApp, request},
        process,
        process::Server,
        records::{check, local},
        vision::{Scene, fake_vision},
    },
};

/// An id of the year 2023, and so of a check that is old enough for anything.
const OLD: &str = "018b0000-0000-7000-8000-000000000000";
/// Found nowhere but where it was sent to.
const SELLER: &str = "seller-qx-4711";

fn files(data: &Path) -> Arc<FileThreads> {
    Arc::new(FileThreads::start(ContentFiles::open(data).unwrap()).unwrap())
}

async fn keeper(data: &Path) -> Keeper {
    let database = Arc::new(sqlite::open(data).await.unwrap());
    Keeper::new(database, files(data))
}

/// A cleared check of long ago about these bytes.
async fn add_old(store: &Database, bytes: &[u8]) -> Sha256 {
    let sha256 = Sha256::of(bytes);
    let answer = check(OLD, Verdict::Consistent, None, None, sha256);
    let added = store.add_check(&local(), &answer, &[Some(7)]).await;
    added.unwrap();
    sha256
}

async fn checked(app: &TestApp, seller: &str, scenes: &[Scene]) -> CheckAnswer {
    let mut asked = request(None, scenes);
    asked.seller_id = Some(seller.to_owned());
    asked.listing_id = Some(format!("listing of {seller}"));
    app.assay.check(&local(), asked).await.unwrap()
}

fn image_file(data: &Path, sha256: &str) -> std::path::PathBuf {
    data.join("images").join(&sha256[..2]).join(sha256)
}

/// The files below a folder that hold this text. By another program: a process that opens and closes
/// the database's file itself loses the locks that SQLite holds on it.
fn holding(folder: &Path, text: &str) -> Vec<String> {
    let found = Command::new("grep")
        .args(["-rlaF", text])
        .arg(folder)
        .output();
    let found = String::from_utf8(found.unwrap().stdout).unwrap();
    found.lines().map(str::to_owned).collect()
}

/// Runs the program over a data folder; it never finds models.
fn run(data: &Path, args: &[&str]) -> (i32, String, String) {
    process::run(
        &[args, &["--models", "nowhere", "--data", "."]].concat(),
        data,
    )
}

#[tokio::test]
async fn photos_of_cleared_checks_go_after_their_days_and_evidence_says_so() {
    let app = TestApp::start(Shipped::Lenient).await;
    let product = app.create("acme", "oat").await;
    app.enroll(&product, &Scene::of(1)).await;
    let new = app.check(Some(&product), &[Scene::photo(1, "new")]).await;
    let store = sqlite::open(app.data()).await.unwrap();
    // The old check is about two pictures: one of its own, and one that the new check needs.
    let shared: Sha256 = new.photos[0].sha256.parse().unwrap();
    let mut old = check(OLD, Verdict::Consistent, None, None, shared);
    let own = Scene::photo(2, "old").bytes();
    let mut photo = old.photos[0].clone();
    photo.sha256 = Sha256::of(&own).to_string();
    old.photos.push(photo);
    files(app.data())
        .put_image(Sha256::of(&own), own.clone())
        .await
        .unwrap();
    let added = store.add_check(&local(), &old, &[Some(7), Some(8)]).await;
    added.unwrap();
    let keeper = keeper(app.data()).await;
    let removed = keeper.remove_cleared(&local(), 36_500).await.unwrap();
    assert_eq!(removed, 0, "it is not as old as that");
    app.assay.evidence(&local(), OLD, 1).await.unwrap();
    let removed = keeper.remove_cleared(&local(), 30).await.unwrap();
    assert_eq!(removed, 2);
    assert!(!image_file(app.data(), &Sha256::of(&own).to_string()).exists());
    app.assay.evidence(&local(), &new.id, 0).await.unwrap();
    for n in 0..2 {
        let refused = app.assay.evidence(&local(), OLD, n).await.unwrap_err();
        let picture = app.assay.photo(&local(), OLD, n).await.unwrap_err();
        assert_eq!(picture.to_string(), refused.to_string());
        let ServiceError::Store(StoreError::Removed { photo, why }) = &refused else {
            panic!("{refused}")
        };
        assert_eq!(photo, &format!("{OLD}/{n}"));
        assert!(why.starts_with("by retention on 20"), "{why}");
    }
    let refused = app.assay.bundle_inputs(&local(), OLD).await.unwrap_err();
    assert!(
        refused.to_string().contains("was removed by retention"),
        "{refused}"
    );
    // What was removed on purpose is not missed by a backup.
    let place = TempDir::new().unwrap();
    let backup = backed_up(app.data(), &place.path().join("assay.tar")).await;
    assert_eq!(backup.unwrap().manifest.lost, []);
}

#[tokio::test]
async fn who_is_erased_is_nowhere_in_the_data_folder_and_the_log_still_holds() {
    let app = TestApp::start(Shipped::Lenient).await;
    let (one, two) = (Scene::photo(1, "a"), Scene::photo(2, "b"));
    let first = checked(&app, SELLER, &[one.clone(), two.clone()]).await;
    let second = checked(&app, SELLER, &[Scene::photo(3, "c")]).await;
    let others = checked(&app, "somebody else", &[two]).await;
    let data = app.data();
    let words = format!("I am {SELLER}, and it is genuine.");
    let sent = app
        .assay
        .dispute(&local(), &first.id, words, Vec::new())
        .await;
    sent.unwrap();
    assert!(!holding(data, SELLER).is_empty());
    let erase = ["erase", "--seller", SELLER, "--why", "asked on paper"];

    // Nothing goes unasked, nor where a check is held.
    let (code, out, err) = run(data, &erase);
    assert_eq!(code, 2, "{out}");
    assert!(
        out.contains(&first.id) && out.contains("2 checks, 3 photos"),
        "{out}"
    );
    assert!(
        err.contains("there is no terminal") && err.contains("--yes"),
        "{err}"
    );
    let (code, out, err) = run(data, &["hold", &second.id, "--why", "case 17"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let (_, out, _) = run(data, &["hold"]);
    assert!(out.contains(&second.id) && out.contains("case 17"), "{out}");
    let yes = [&erase[..], &["--yes"]].concat();
    let (code, _, err) = run(data, &yes);
    assert_eq!(code, 2);
    assert!(
        err.contains("that are held") && err.contains(&second.id),
        "{err}"
    );
    assert!(app.assay.evidence(&local(), &first.id, 0).await.is_ok());
    let (code, _, err) = run(data, &["hold", "--release", &second.id, "--why", "closed"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let told = [
        "erase",
        "--seller",
        SELLER,
        "--why",
        &format!("{SELLER} asked"),
        "--yes",
    ];
    let (code, _, err) = run(data, &told);
    assert_eq!(code, 2);
    assert!(err.contains("holds the id itself"), "{err}");

    let (code, out, err) = run(data, &yes);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("erased: 2 checks, 3 photos"), "{out}");
    assert_eq!(holding(data, SELLER), [""; 0]);
    // The photos are named by their bytes: those of nobody else are gone too.
    let [first_photo, shared] = &first.photos[..] else {
        panic!("two photos")
    };
    assert!(!image_file(data, &first_photo.sha256).exists());
    assert!(image_file(data, &shared.sha256).exists());
    app.assay.evidence(&local(), &others.id, 0).await.unwrap();
    let refused = app
        .assay
        .evidence(&local(), &first.id, 1)
        .await
        .unwrap_err();
    assert!(
        refused.to_string().contains("by erasure on 20"),
        "{refused}"
    );
    let kept = app.assay.get_check(&local(), &first.id).await.unwrap();
    assert_eq!((kept.seller_id, kept.listing_id), (None, None));
    assert_eq!(kept.photos, first.photos);
    let (code, out, _) = run(data, &["audit", "verify"]);
    assert_eq!(code, 0, "{out}");
    let (_, out, _) = run(
        data,
        &["audit", "log", "--about", &format!("check/{}", first.id)],
    );
    assert!(
        out.contains("check.erased") && out.contains("asked on paper"),
        "{out}"
    );
    // Nothing is left to erase, which is no error.
    let (code, out, _) = run(data, &yes);
    assert_eq!(code, 0);
    assert!(out.contains("erased: 0 checks, 0 photos"), "{out}");
}

/// Images of which one is removed right after it was kept, as by another process that found it needed
/// by nobody.
struct Raced {
    files: Arc<FileThreads>,
    keeper: Mutex<Option<Keeper>>,
}

#[async_trait]
impl Images for Raced {
    async fn put_image(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError> {
        self.files.put_image(sha256, bytes).await?;
        let keeper = self.keeper.lock().unwrap().take();
        if let Some(keeper) = keeper {
            let removed = keeper.remove_cleared(&local(), 30).await;
            assert_eq!(removed.unwrap(), 1);
            assert!(self.files.image(sha256).await.is_err(), "it is gone");
        }
        Ok(())
    }

    async fn image(&self, sha256: Sha256) -> Result<Bytes, StoreError> {
        self.files.image(sha256).await
    }

    async fn remove_image(&self, sha256: Sha256) -> Result<(), StoreError> {
        self.files.remove_image(sha256).await
    }
}

#[tokio::test]
async fn a_photo_that_is_sent_again_while_it_is_removed_is_kept() {
    let folder = Arc::new(TempDir::new().unwrap());
    let data = folder.path().to_owned();
    let store = sqlite::open(&data).await.unwrap();
    let photo = Scene::photo(1, "again");
    add_old(&store, &photo.bytes()).await;
    let images = Arc::new(Raced {
        files: files(&data),
        keeper: Mutex::new(Some(keeper(&data).await)),
    });
    let app = TestApp::on(
        folder,
        store,
        Some(images.clone()),
        Shipped::Lenient,
        fake_vision,
    )
    .await;
    let answer = app.check(None, &[photo]).await;
    assert!(
        images.keeper.lock().unwrap().is_none(),
        "it was removed in between"
    );
    app.assay.evidence(&local(), &answer.id, 0).await.unwrap();
}

#[tokio::test]
async fn a_server_removes_what_it_is_told_not_to_keep() {
    let place = TempDir::new().unwrap();
    let data = place.path();
    let store = sqlite::open(data).await.unwrap();
    let sha256 = add_old(&store, b"a photo").await;
    files(data)
        .put_image(sha256, Bytes::from_static(b"a photo"))
        .await
        .unwrap();
    let server = Server::start(data, &[("ASSAY_KEEP_CLEARED_PHOTOS", "30".into())]);
    let file = image_file(data, &sha256.to_string());
    let started = Instant::now();
    let mut look = tokio::time::interval(Duration::from_millis(50));
    while file.exists() && started.elapsed() < Duration::from_secs(60) {
        look.tick().await;
    }
    assert!(!file.exists());
    server.kill();
}

#[tokio::test]
async fn erasing_says_what_it_did() {
    let app = TestApp::start(Shipped::Lenient).await;
    checked(&app, SELLER, &[Scene::photo(1, "a")]).await;
    let keeper = keeper(app.data()).await;
    let subject = Subject::Listing(format!("listing of {SELLER}"));
    let ann = Actor::local();
    for why in ["", "line\nbreak"] {
        let refused = keeper.erase(&ann, &subject, why).await.unwrap_err();
        assert!(matches!(refused, ServiceError::Invalid { .. }), "{refused}");
    }
    let erased = keeper.erase(&ann, &subject, "asked").await.unwrap();
    assert_eq!(
        erased,
        Erased {
            checks: 1,
            photos: 1
        }
    );
}
