//! What several machines share, against real servers; and what holds for images wherever they are
//! kept.

mod hosts;

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
    time::Duration,
};

use assay::{
    checker::ports::{Images, StoreError},
    domain::digest::Sha256,
    storage::{
        files::ContentFiles,
        objects::{Access, ObjectImages, Patience},
        threads::FileThreads,
    },
};
use async_trait::async_trait;
use bytes::Bytes;
use object_store::{ObjectStoreExt, aws::AmazonS3, path::Path as Key};
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use crate::support::servers::{Postgres, S3, TestBucket};

/// One more byte than an image may have.
const TOO_MANY: usize = (64 << 20) + 1;
const PREFIX: &str = "some/where";

/// A place of images that a test can look into and spoil.
#[async_trait]
trait Place: Sync {
    fn images(&self) -> &dyn Images;
    /// What lies there under a hash, unverified.
    async fn raw(&self, sha256: Sha256) -> Option<Bytes>;
    /// Puts other bytes there.
    async fn spoil(&self, sha256: Sha256, bytes: Bytes);
}

struct Folder {
    data: TempDir,
    files: FileThreads,
}

impl Folder {
    fn new() -> Self {
        let data = TempDir::new().unwrap();
        let files = FileThreads::start(ContentFiles::open(data.path()).unwrap()).unwrap();
        Self { data, files }
    }

    fn file(&self, sha256: Sha256) -> PathBuf {
        self.data.path().join(below(sha256))
    }
}

#[async_trait]
impl Place for Folder {
    fn images(&self) -> &dyn Images {
        &self.files
    }

    async fn raw(&self, sha256: Sha256) -> Option<Bytes> {
        fs::read(self.file(sha256)).ok().map(Bytes::from)
    }

    async fn spoil(&self, sha256: Sha256, bytes: Bytes) {
        let file = self.file(sha256);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
}

struct Bucket {
    bucket: TestBucket,
    store: AmazonS3,
    images: ObjectImages,
}

impl Bucket {
    async fn new() -> Self {
        let bucket = S3::shared().bucket().await;
        let images = opened(&bucket.name, bucket.access.clone());
        let store = bucket.store();
        Self {
            bucket,
            store,
            images,
        }
    }
}

#[async_trait]
impl Place for Bucket {
    fn images(&self) -> &dyn Images {
        &self.images
    }

    async fn raw(&self, sha256: Sha256) -> Option<Bytes> {
        let found = self.store.get(&key(sha256)).await.ok()?;
        Some(found.bytes().await.unwrap())
    }

    async fn spoil(&self, sha256: Sha256, bytes: Bytes) {
        self.store.put(&key(sha256), bytes.into()).await.unwrap();
    }
}

fn below(sha256: Sha256) -> String {
    format!("images/{}/{sha256}", sha256.prefix(2))
}

fn key(sha256: Sha256) -> Key {
    Key::from(format!("{PREFIX}/{}", below(sha256)))
}

fn opened(bucket: &str, access: Access) -> ObjectImages {
    ObjectImages::new(bucket, PREFIX, access, Patience::default()).unwrap()
}

/// Runs a test over a folder and over a bucket.
macro_rules! everywhere {
    ($($test:ident),*) => {
        mod folder {
            $(#[tokio::test] async fn $test() { super::$test(&super::Folder::new()).await })*
        }
        mod bucket {
            $(#[tokio::test] async fn $test() { super::$test(&super::Bucket::new().await).await })*
        }
    };
}

everywhere!(
    what_was_put_comes_back,
    what_is_there_is_put_again_without_harm,
    two_may_put_the_same_at_once,
    a_damaged_image_is_lost_until_it_is_put_again,
    an_image_that_was_never_put_is_lost,
    an_image_that_is_too_large_is_not_read
);

async fn what_was_put_comes_back(place: &dyn Place) {
    // Empty, small, and of more pieces than one.
    for length in [0, 3, 9 << 20] {
        let bytes = noise(length);
        let sha256 = Sha256::of(&bytes);
        let images = place.images();
        images.put_image(sha256, bytes.clone()).await.unwrap();
        assert!(images.image(sha256).await.unwrap() == bytes, "{length}");
        assert!(place.raw(sha256).await.unwrap() == bytes, "{length}");
    }
    place.images().reachable().await.unwrap();
}

async fn what_is_there_is_put_again_without_harm(place: &dyn Place) {
    let (sha256, bytes) = image();
    for _ in 0..2 {
        let put = place.images().put_image(sha256, bytes.clone());
        put.await.unwrap();
        assert_eq!(place.images().image(sha256).await.unwrap(), bytes);
    }
}

async fn two_may_put_the_same_at_once(place: &dyn Place) {
    let (sha256, bytes) = image();
    let put = || place.images().put_image(sha256, bytes.clone());
    let (a, b, c) = tokio::join!(put(), put(), put());
    a.and(b).and(c).unwrap();
    assert_eq!(place.images().image(sha256).await.unwrap(), bytes);
}

async fn a_damaged_image_is_lost_until_it_is_put_again(place: &dyn Place) {
    let (sha256, bytes) = image();
    let images = place.images();
    images.put_image(sha256, bytes.clone()).await.unwrap();
    for damaged in ["", "genuinE", "genuine, and more", "genu"] {
        place.spoil(sha256, damaged.into()).await;
        let why = lost(images.image(sha256).await, sha256);
        assert!(why.contains("does not hold the bytes"), "{why}");
        images.put_image(sha256, bytes.clone()).await.unwrap();
        assert_eq!(images.image(sha256).await.unwrap(), bytes);
        assert_eq!(place.raw(sha256).await.unwrap(), bytes);
    }
}

async fn an_image_that_was_never_put_is_lost(place: &dyn Place) {
    let (sha256, _) = image();
    let why = lost(place.images().image(sha256).await, sha256);
    assert!(why.contains("there is no "), "{why}");
    assert!(why.contains(&below(sha256)), "{why}");
}

async fn an_image_that_is_too_large_is_not_read(place: &dyn Place) {
    // Its hash is right: only its size can be what is wrong.
    let bytes = Bytes::from(vec![0; TOO_MANY]);
    let sha256 = Sha256::of(&bytes);
    place.spoil(sha256, bytes).await;
    let why = lost(place.images().image(sha256).await, sha256);
    assert!(why.contains("than any image"), "{why}");
}

fn lost(read: Result<Bytes, StoreError>, wanted: Sha256) -> String {
    match read.unwrap_err() {
        StoreError::Lost { sha256, why } if sha256 == wanted => why,
        other => panic!("{other}"),
    }
}

fn image() -> (Sha256, Bytes) {
    let bytes = Bytes::from_static(b"genuine");
    (Sha256::of(&bytes), bytes)
}

/// Bytes of which no piece is like another.
fn noise(length: usize) -> Bytes {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn a_lost_image_is_told_by_bucket_and_key_and_no_error_holds_a_secret() {
    let place = Bucket::new().await;
    let (name, access) = (&place.bucket.name, &place.bucket.access);
    let (sha256, bytes) = image();
    let why = lost(place.images.image(sha256).await, sha256);
    assert!(why.contains(&format!("s3://{name}/{PREFIX}/")), "{why}");
    let mut wrong = access.clone();
    wrong.secret = "not-the-secret".to_owned();
    let mut unknown = access.clone();
    unknown.key_id = "not-the-key".to_owned();
    for access in [wrong, unknown] {
        let images = opened(name, access.clone());
        for error in [
            images.put_image(sha256, bytes.clone()).await.unwrap_err(),
            images.image(sha256).await.unwrap_err(),
            images.reachable().await.unwrap_err(),
        ] {
            let told = format!("{error} {error:?}");
            assert!(matches!(error, StoreError::Failed(_)), "{told}");
            assert!(told.contains(name), "{told}");
            for key in [&access.secret, &access.key_id] {
                assert!(!told.contains(key.as_str()), "{told}");
            }
        }
    }
}

#[tokio::test]
async fn a_bucket_that_does_not_exist_is_an_error_and_no_loss() {
    let access = S3::shared().bucket().await.access;
    let images = opened("no-such-bucket", access);
    let error = images.reachable().await.unwrap_err().to_string();
    assert!(error.contains("no-such-bucket"), "{error}");
    let (sha256, bytes) = image();
    let put = images.put_image(sha256, bytes).await;
    assert!(matches!(put, Err(StoreError::Failed(_))), "{put:?}");
    let got = images.image(sha256).await;
    assert!(matches!(got, Err(StoreError::Failed(_))), "{got:?}");
}

#[tokio::test]
async fn a_store_that_is_not_there_or_never_answers_is_an_error() {
    let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
    let refused = refusing.local_addr().unwrap();
    drop(refusing);
    // Connections are taken by the system, and nobody ever reads from them.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    // The tests' own time: what is under test is that there is an end.
    let patience = Patience {
        connect: Duration::from_millis(200),
        request: Duration::from_millis(200),
        retries: 1,
        reachable: Duration::from_millis(200),
    };
    let silent = silent.local_addr().unwrap();
    for (address, cause) in [(refused, "refused"), (silent, "")] {
        let access = Access {
            endpoint: Some(format!("http://{address}")),
            region: "us-east-1".to_owned(),
            key_id: "key-of-nobody".to_owned(),
            secret: "secret-of-nobody".to_owned(),
            token: None,
            allow_http: false,
        };
        let images = Arc::new(ObjectImages::new("pictures", "", access, patience).unwrap());
        let (sha256, bytes) = image();
        for error in [
            images.put_image(sha256, bytes).await.unwrap_err(),
            images.image(sha256).await.unwrap_err(),
            images.reachable().await.unwrap_err(),
        ] {
            let told = format!("{error:?}");
            assert!(matches!(error, StoreError::Failed(_)), "{told}");
            assert!(told.contains("pictures"), "{told}");
            assert!(told.contains(cause), "{told}");
            assert!(!told.contains("of-nobody"), "{told}");
        }
    }
}

#[tokio::test]
async fn a_database_of_its_own_knows_vectors() {
    let postgres = Postgres::shared();
    let urls = [postgres.database().await, postgres.database().await];
    for url in &urls {
        let mut connection = PgConnection::connect(url).await.unwrap();
        // In both: each test has a database that nobody else sees.
        let create = sqlx::query("create table mine (v vector(2))");
        create.execute(&mut connection).await.unwrap();
        let distance: f64 = sqlx::query_scalar("select '[1,2]'::vector <-> '[4,6]'::vector")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(distance, 5.0);
        let durable: String = sqlx::query_scalar("show fsync")
            .fetch_one(&mut connection)
            .await
            .unwrap();
        assert_eq!(durable, "on");
        connection.close().await.unwrap();
    }
}

/// The program over a data folder, told of a bucket.
fn assay(data: &Path, bucket: &TestBucket, secret: &str, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assay"));
    command.args(args).current_dir(data).arg("--data").arg(data);
    command.arg("--images");
    command.arg(format!("s3://{}/{PREFIX}", bucket.name));
    let access = &bucket.access;
    command.env("AWS_ENDPOINT_URL", access.endpoint.as_ref().unwrap());
    command.env("AWS_REGION", &access.region);
    command.env("AWS_ACCESS_KEY_ID", &access.key_id);
    command.env("AWS_SECRET_ACCESS_KEY", secret);
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let said = [stdout, stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    (status.code().unwrap(), said)
}

#[tokio::test]
async fn the_program_keeps_images_in_the_bucket_that_it_is_told() {
    let place = Bucket::new().await;
    let (bucket, secret) = (&place.bucket, &place.bucket.access.secret);
    let data = TempDir::new().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let brand = fs::read(samples.join("brands/quillmere/earl-grey-20/pack.jpg")).unwrap();
    let brands = data.path().join("brands/quillmere/earl-grey-20");
    fs::create_dir_all(&brands).unwrap();
    fs::write(brands.join("pack.jpg"), &brand).unwrap();
    let (code, said) = assay(data.path(), bucket, secret, &["enroll", "brands"]);
    assert_eq!(code, 0, "{said}");
    let enrolled = place.raw(Sha256::of(&brand)).await;
    assert_eq!(enrolled, Some(Bytes::from(brand)));
    let kept = fs::read_dir(data.path().join("images")).unwrap().count();
    assert_eq!(kept, 0, "nothing is kept in the folder as well");
    // Made again from the bucket, as on a machine that joins.
    fs::remove_dir_all(data.path().join("features")).unwrap();
    let photo = samples.join("photos/catalogue-tea.jpg");
    let photo = photo.to_str().unwrap();
    let (code, said) = assay(data.path(), bucket, secret, &["check", photo]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("reused_photo"), "{said}");
    let backups = TempDir::new().unwrap();
    let file = backups.path().join("all.tar");
    let args = ["backup", file.to_str().unwrap()];
    let (code, said) = assay(data.path(), bucket, secret, &args);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("2 images"), "{said}");
    let (code, said) = assay(data.path(), bucket, "another-secret", &["check", photo]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("cannot keep images in"), "{said}");
    assert!(said.contains(&bucket.name), "{said}");
    assert!(!said.contains("another-secret"), "{said}");
}
