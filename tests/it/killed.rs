//! A server that is killed while it enrols, checks and scores has lost nothing that it acknowledged,
//! and starts again without a hand.

use std::{path::Path, time::Duration};

use reqwest::{
    Client, RequestBuilder, StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::support::process::{Server, client};

/// Times that the server is killed, unless the variable `KILLS` says otherwise.
const KILLS: u64 = 4;
const PRODUCT: &str = "v1/brands/halmora/products/oat";

/// What was answered with success.
#[derive(Default)]
struct Acknowledged {
    references: Vec<Value>,
    photos: Vec<Value>,
    checks: Vec<Value>,
}

/// A sample picture as a file that nobody sent before: what follows a picture's end is no part of it.
pub fn picture(name: &str, n: u64) -> Part {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(name);
    let mut bytes = std::fs::read(path).unwrap();
    bytes.extend(n.to_string().bytes());
    Part::bytes(bytes).file_name("picture.jpg")
}

/// The answer to a request that was acknowledged; `None` once the server is gone.
pub async fn acknowledged(request: RequestBuilder) -> Option<Value> {
    let answer = request.send().await.ok()?;
    let status = answer.status();
    let body = answer.json().await.ok()?;
    assert!(status.is_success(), "{status}: {body}");
    Some(body)
}

/// Sends requests of one kind, each with its number, until the server is gone; tells of each that was
/// acknowledged.
async fn flood(first: u64, told: &Notify, request: impl Fn(u64) -> RequestBuilder) -> Vec<Value> {
    let mut all = Vec::new();
    for n in first.. {
        match acknowledged(request(n)).await {
            Some(answer) => all.push(answer),
            None => break,
        }
        told.notify_one();
    }
    all
}

/// Whether all that was acknowledged is there, as it was.
async fn is_whole(client: &Client, base: &str, known: &Acknowledged) {
    let get = async |path: String| {
        let answer = client.get(format!("{base}/{path}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        answer
    };
    for (list, wanted) in [
        ("references", &known.references),
        ("genuine-photos", &known.photos),
    ] {
        let there: Value = get(format!("{PRODUCT}/{list}")).await.json().await.unwrap();
        let there = there[list.replace('-', "_")].as_array().unwrap();
        for record in wanted {
            assert!(there.contains(record), "{list} lost {record}");
        }
    }
    for check in &known.checks {
        let id = check["id"].as_str().unwrap();
        let there: Value = get(format!("v1/checks/{id}")).await.json().await.unwrap();
        assert_eq!(&there, check);
    }
    // Its picture and that of its reference are read for it, and their hashes verified.
    if let Some(check) = known.checks.last() {
        let id = check["id"].as_str().unwrap();
        get(format!("v1/checks/{id}/photos/0/evidence.png")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_loses_nothing_that_it_acknowledged() {
    kill_again_and_again(&[]).await;
}

#[cfg(feature = "cluster")]
#[tokio::test(flavor = "multi_thread")]
async fn a_host_of_a_cluster_that_is_killed_loses_nothing_that_it_acknowledged() {
    kill_again_and_again(&crate::support::servers::cluster().await).await;
}

#[expect(
    clippy::disallowed_methods,
    reason = "at any moment is what is tried, and no event stands for that"
)]
async fn kill_again_and_again(settings: &[(&str, String)]) {
    let kills = std::env::var("KILLS").map_or(KILLS, |text| text.parse().unwrap());
    let data = tempfile::tempdir().unwrap();
    let mut known = Acknowledged::default();
    for round in 0..kills {
        let server = Server::start(data.path(), settings);
        let base = server.base.clone();
        let client = client(&[data.path()]);
        is_whole_or_new(&client, &base, &known, round).await;
        let post = |path: &str, form: Form| client.post(format!("{base}/{path}")).multipart(form);
        let first = 1000 * round;
        let told: [Notify; 3] = Default::default();
        let enrol = flood(first, &told[0], |n| {
            let form = Form::new().part(
                "image",
                picture("brands/halmora/oat-drink-original/pack.jpg", n),
            );
            post(&format!("{PRODUCT}/references"), form.text("kind", "pack"))
        });
        let teach = flood(first, &told[1], |n| {
            let form = Form::new().part("image", picture("photos/genuine-oat-kitchen.jpg", n));
            post(
                &format!("{PRODUCT}/genuine-photos"),
                form.text("item", format!("item {n}")),
            )
        });
        let check = flood(first, &told[2], |n| {
            let form = Form::new().part("photo", picture("photos/genuine-oat-kitchen.jpg", n));
            post(
                "v1/checks",
                form.text("brand", "halmora").text("product", "oat"),
            )
        });
        // At another moment of its work each time: some while after one kind was acknowledged.
        let moment = Duration::from_millis(round * 389 % 1900);
        let kind = usize::try_from(round % 3).unwrap();
        let kill = async {
            told[kind].notified().await;
            tokio::time::sleep(moment).await;
            server.kill();
        };
        let (references, photos, checks, ()) = tokio::join!(enrol, teach, check, kill);
        known.references.extend(references);
        known.photos.extend(photos);
        known.checks.extend(checks);
    }
    let server = Server::start(data.path(), settings);
    is_whole(&client(&[data.path()]), &server.base, &known).await;
    server.kill();
    let counts = [&known.references, &known.photos, &known.checks].map(Vec::len);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
}

/// What a round begins with: all that is known, or at first the product.
async fn is_whole_or_new(client: &Client, base: &str, known: &Acknowledged, round: u64) {
    if round > 0 {
        return is_whole(client, base, known).await;
    }
    for (path, body) in [
        ("v1/brands", json!({"id": "halmora", "name": "Halmora"})),
        (
            "v1/brands/halmora/products",
            json!({"id": "oat", "name": "Oat drink"}),
        ),
    ] {
        let created = client.post(format!("{base}/{path}")).json(&body);
        acknowledged(created).await.expect("it is created");
    }
}
