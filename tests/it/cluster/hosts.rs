//! Several hosts over one Postgres and one bucket, and one machine's data carried there and back.

use std::{collections::BTreeSet, fs, sync::Arc};

use assay::{
    checker::{
        actor::Actor,
        ports::Images,
        records::{Catalogue, JobKind},
    },
    contract::Verdict,
    domain::{digest::Sha256, gallery::ProductKey},
    storage::{
        backup::{back_up_cluster, restore, restore_into_cluster},
        objects::ObjectImages,
        postgres,
    },
};
use reqwest::multipart::Form;
use serde_json::json;
use sqlx::{Connection, PgConnection};
use tempfile::TempDir;

use super::opened;
use crate::{
    backup::{backed_up, database, dump, images, said, stocked},
    killed::{acknowledged, picture},
    support::{
        app::{Shipped, TestApp, request},
        process::{Server, client},
        servers::{self, Postgres, S3},
        vision::{Scene, fake_vision},
    },
};

/// What all hosts share.
struct Cluster {
    url: String,
    images: Arc<ObjectImages>,
}

impl Cluster {
    async fn new() -> Self {
        let bucket = S3::shared().bucket().await;
        Self {
            url: Postgres::shared().database().await,
            images: Arc::new(opened(&bucket.name, bucket.access)),
        }
    }

    /// A host with a data folder of its own.
    async fn host(&self, shipped: Shipped) -> TestApp {
        let folder = Arc::new(TempDir::new().unwrap());
        let database = postgres::open(&self.url, folder.path()).await.unwrap();
        let images: Arc<dyn Images> = self.images.clone();
        TestApp::on(folder, database, Some(images), shipped, fake_vision).await
    }

    async fn restore_here(&self, file: &std::path::Path) -> Result<(), String> {
        let data = TempDir::new().unwrap();
        let to = (self.url.as_str(), &*self.images as &dyn Images);
        let restored = restore_into_cluster(file, to, data.path(), &|_| {}).await;
        assert_eq!(
            fs::read_dir(data.path()).unwrap().count(),
            0,
            "it tidies up"
        );
        restored.map(|_| ()).map_err(|e| e.to_string())
    }
}

#[tokio::test]
async fn what_one_host_enrols_the_next_check_on_another_sees() {
    let cluster = Cluster::new().await;
    let (one, two) = (
        cluster.host(Shipped::Lenient).await,
        cluster.host(Shipped::Lenient).await,
    );
    let oat = one.create("acme", "oat").await;
    let rice = two.create("acme", "rice").await;
    two.enroll(&rice, &Scene::of(2)).await;
    let first = one.enroll(&oat, &Scene::of(1)).await;
    let photo = [Scene::photo(1, "a")];
    let (here, there) = (
        one.check(Some(&oat), &photo).await,
        two.check(Some(&oat), &photo).await,
    );
    assert_eq!(here.verdict, Verdict::Consistent);
    assert_eq!(here.photos[0].matches[0].reference, first.id);
    assert_eq!(said(here.clone()), said(there));
    // What a host says of another's check, with the pictures that another host kept.
    let evidence = two.assay.evidence(&Actor::local(), &here.id, 0).await;
    assert_eq!(
        Sha256::of(&evidence.unwrap().photo).to_string(),
        here.photos[0].sha256
    );
    one.assay
        .delete_reference(&Actor::local(), &oat, &first.id)
        .await
        .unwrap();
    let after = two.check(None, &photo).await;
    assert_ne!(after.reference_set, here.reference_set);
    let named = |key: &ProductKey| {
        after.photos[0]
            .matches
            .iter()
            .any(|m| m.product == key.product)
    };
    assert!(!named(&oat));
}

#[tokio::test]
async fn two_processes_over_one_cluster_answer_as_one() {
    let settings = servers::cluster().await;
    let data = [(); 2].map(|()| TempDir::new().unwrap());
    let [one, two] = [&data[0], &data[1]].map(|data| Server::start(data.path(), &settings));
    // One of them made a key, and both know it.
    let client = client(&[data[0].path(), data[1].path()]);
    let post = |server: &Server, path: &str| client.post(format!("{}/v1/{path}", server.base));
    for (path, body) in [
        ("brands", json!({"id": "halmora", "name": "Halmora"})),
        (
            "brands/halmora/products",
            json!({"id": "oat", "name": "Oat drink"}),
        ),
    ] {
        acknowledged(post(&one, path).json(&body)).await.unwrap();
    }
    let pack = picture("brands/halmora/oat-drink-original/pack.jpg", 0);
    let form = Form::new().part("image", pack).text("kind", "pack");
    let enrol = post(&one, "brands/halmora/products/oat/references").multipart(form);
    let reference = acknowledged(enrol).await.unwrap();
    let photo = picture("photos/genuine-oat-kitchen.jpg", 0);
    let form = Form::new().part("photo", photo).text("brand", "halmora");
    let check = post(&two, "checks").multipart(form.text("product", "oat"));
    let check = acknowledged(check).await.unwrap();
    assert_eq!(check["verdict"], "consistent");
    assert_eq!(
        check["photos"][0]["matches"][0]["reference"],
        reference["id"]
    );
    let path = format!("{}/v1/checks/{}", one.base, check["id"].as_str().unwrap());
    assert_eq!(acknowledged(client.get(&path)).await.unwrap(), check);
    two.kill();
    let evidence = client.get(format!("{path}/photos/0/evidence.png"));
    assert!(evidence.send().await.unwrap().status().is_success());
}

#[tokio::test]
async fn what_waits_to_be_scored_is_scored_by_one_host() {
    let cluster = Cluster::new().await;
    let (one, two) = (
        cluster.host(Shipped::Lenient).await,
        cluster.host(Shipped::Lenient).await,
    );
    let oat = one.create("acme", "oat").await;
    one.enroll(&oat, &Scene::of(1)).await;
    for n in 0..3 {
        let photo = Scene {
            moved: (150 + n, 90),
            ..Scene::photo(1, "genuine")
        };
        one.assay
            .add_genuine_photo(&Actor::local(), &oat, &format!("item-{n}"), photo.bytes())
            .await
            .unwrap();
    }
    let (a, b) = tokio::join!(
        one.assay.take_job(JobKind::Score),
        two.assay.take_job(JobKind::Score)
    );
    let taken: Vec<_> = [a.unwrap(), b.unwrap()].into_iter().flatten().collect();
    assert_eq!(taken.len(), 1, "{taken:?}");
    assert_eq!(two.assay.do_job(&taken[0]).await.unwrap(), 3);
    two.assay.finish_job(&taken[0]).await.unwrap();
    let calibration = one.assay.calibration(&Actor::local(), &oat).await.unwrap();
    assert_eq!(
        calibration.variation_items, 3,
        "the other host's work is this one's"
    );
}

#[tokio::test]
async fn one_machines_data_goes_to_a_cluster_and_back() {
    let (app, oat) = stocked().await;
    let place = TempDir::new().unwrap();
    let file = place.path().join("machine.tar");
    let written = backed_up(app.data(), &file).await.unwrap();
    let cluster = Cluster::new().await;
    cluster.restore_here(&file).await.unwrap();
    let host = cluster.host(Shipped::Lenient).await;
    for scene in [Scene::photo(1, "new"), Scene::photo(2, "new")] {
        let asked = || request(Some(&oat), std::slice::from_ref(&scene));
        let here = app.assay.check(&Actor::local(), asked()).await.unwrap();
        let there = host.assay.check(&Actor::local(), asked()).await.unwrap();
        assert_eq!(said(there), said(here));
    }
    let refused = cluster.restore_here(&file).await.unwrap_err();
    assert!(refused.contains("has records already"), "{refused}");

    // A second cluster, which nobody has checked anything on.
    let cluster = Cluster::new().await;
    cluster.restore_here(&file).await.unwrap();
    let data = TempDir::new().unwrap();
    let from = (cluster.url.as_str(), &*cluster.images as &dyn Images);
    let again = place.path().join("cluster.tar");
    let back = back_up_cluster(from, data.path(), &again, &|_| {})
        .await
        .unwrap();
    assert_eq!(back.manifest.tables, written.manifest.tables);
    assert_eq!(back.manifest.lost, []);
    let (before, into) = (place.path().join("before"), place.path().join("after"));
    restore(&file, &before, &|_| {}).await.unwrap();
    restore(&again, &into, &|_| {}).await.unwrap();
    assert_eq!(dump(&into).await, dump(&before).await);
    assert_eq!(images(&into), images(&before));
}

#[tokio::test]
async fn a_backup_makes_no_tables_in_a_database_of_somebody_else() {
    let cluster = Cluster::new().await;
    let place = TempDir::new().unwrap();
    let (data, file) = (TempDir::new().unwrap(), place.path().join("cluster.tar"));
    let from = (cluster.url.as_str(), &*cluster.images as &dyn Images);
    let refused = back_up_cluster(from, data.path(), &file, &|_| {}).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("has no tables of assay"), "{refused}");
    let mut server = PgConnection::connect(&cluster.url).await.unwrap();
    let tables: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'",
    )
    .fetch_one(&mut server)
    .await
    .unwrap();
    assert_eq!(tables, 0);
    assert!(!file.exists());
}

#[tokio::test]
async fn a_backup_that_is_not_whole_leaves_a_cluster_empty() {
    let (app, _) = stocked().await;
    let place = TempDir::new().unwrap();
    let file = place.path().join("machine.tar");
    backed_up(app.data(), &file).await.unwrap();
    let whole = fs::read(&file).unwrap();
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let cluster = Cluster::new().await;
    cluster.restore_here(&file).await.unwrap_err();
    let store = postgres::open(&cluster.url, place.path()).await.unwrap();
    assert_eq!(store.brands().await.unwrap(), []);
}

/// Backups carry every column: one that only one database has would be lost on the way.
#[tokio::test]
async fn both_databases_have_the_same_tables_and_columns() {
    let data = TempDir::new().unwrap();
    assay::storage::sqlite::open(data.path())
        .await
        .unwrap()
        .close()
        .await;
    let url = Postgres::shared().database().await;
    postgres::open(&url, data.path())
        .await
        .unwrap()
        .close()
        .await;
    let mut sqlite = database(data.path()).await;
    let here: Vec<(String, String)> = sqlx::query_as(
        "SELECT t.name, c.name FROM sqlite_schema t JOIN pragma_table_info(t.name) c
         WHERE t.type = 'table' AND t.name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut sqlite)
    .await
    .unwrap();
    let mut server = PgConnection::connect(&url).await.unwrap();
    let there: Vec<(String, String)> = sqlx::query_as(
        "SELECT table_name::text, column_name::text FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name <> '_sqlx_migrations'",
    )
    .fetch_all(&mut server)
    .await
    .unwrap();
    let [here, there] = [here, there].map(BTreeSet::from_iter);
    assert_eq!(here, there);
}
