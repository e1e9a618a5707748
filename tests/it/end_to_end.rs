//! The whole program as it is shipped: real models, real files, a real socket; one photo in, one
//! judged answer out.

use std::{
    fs::File,
    io::{BufReader, Cursor},
    net::SocketAddr,
    path::Path,
};

use assay::{
    app::{App, statements},
    config::{AppConfig, HttpConfig, StatementsConfig},
};
use image::{DynamicImage, ImageFormat, codecs::jpeg::JpegDecoder, imageops};
use reqwest::{
    StatusCode,
    multipart::{Form, Part},
};
use serde_json::{Value, json};

use crate::support::process::client;

fn sample(path: &str) -> Part {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(path);
    let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("sample `{}`: {e}", path.display()));
    // The name is a lie on purpose: the content decides.
    Part::bytes(bytes).file_name("photo.txt")
}

/// The sample pack with its two badges, which no proposed mark covers, replaced by a piece of its
/// seal.
fn with_other_badges() -> Part {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples/brands/halmora/oat-drink-original/pack.jpg");
    let decoder = JpegDecoder::new(BufReader::new(File::open(path).unwrap())).unwrap();
    let mut pack = DynamicImage::from_decoder(decoder).unwrap().into_rgb8();
    let seal = imageops::crop_imm(&pack, 198, 38, 84, 86).to_image();
    for x in [20, 377] {
        imageops::replace(&mut pack, &seal, x, 359);
    }
    let mut png = Cursor::new(Vec::new());
    pack.write_to(&mut png, ImageFormat::Png).unwrap();
    Part::bytes(png.into_inner()).file_name("pack.png")
}

/// Names of the marks of the first match that differ.
fn differing(answer: &Value) -> Vec<&str> {
    let marks = answer["photos"][0]["matches"][0]["marks"]
        .as_array()
        .unwrap();
    marks
        .iter()
        .filter(|m| m["answer"] == "different")
        .map(|m| m["name"].as_str().unwrap())
        .collect()
}

/// The status and the body as JSON.
async fn answered(request: reqwest::RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_is_judged_over_a_socket_by_the_real_models() {
    let data = tempfile::tempdir().unwrap();
    let app = App::open(&AppConfig::over(data.path())).await.unwrap();
    let http = HttpConfig {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        ..HttpConfig::default()
    };
    let server = app
        .bind(http, statements(&StatementsConfig::default()).unwrap())
        .await
        .unwrap();
    let base = format!("http://{}", server.address());
    let server_key = server.first_key().map(Path::to_owned);
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server.run_until(async {
        let _ = stopped.await;
    }));
    assert!(server_key.is_some_and(|file| file.starts_with(data.path())));
    let client = client(&[data.path()]);

    let (status, _) = answered(
        client
            .post(format!("{base}/v1/brands"))
            .json(&json!({"id": "halmora", "name": "Halmora"})),
    )
    .await;
    assert_eq!(status, StatusCode::CREATED);
    let products = format!("{base}/v1/brands/halmora/products");
    let product = json!({"id": "oat-drink-original", "name": "Oat drink"});
    assert_eq!(
        answered(client.post(&products).json(&product)).await.0,
        StatusCode::CREATED
    );

    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/brands/halmora/oat-drink-original");
    let mut images: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    images.sort();
    let image = format!(
        "brands/halmora/oat-drink-original/{}",
        images[0].to_string_lossy()
    );
    let form = Form::new()
        .part("image", sample(&image))
        .text("kind", "pack");
    let references = format!("{products}/oat-drink-original/references");
    let (status, reference) = answered(client.post(&references).multipart(form)).await;
    assert_eq!(status, StatusCode::CREATED, "{reference:#}");
    assert_eq!(reference["health"]["usable"], true, "{reference:#}");

    let claim = || {
        Form::new()
            .part("photo", sample("photos/genuine-oat-kitchen.jpg"))
            .text("brand", "halmora")
            .text("product", "oat-drink-original")
    };
    let (status, answer) =
        answered(client.post(format!("{base}/v1/checks")).multipart(claim())).await;
    assert_eq!(status, StatusCode::OK, "{answer:#}");
    let found = &answer["photos"][0]["matches"][0];
    assert_eq!(found["reference"], reference["id"], "{answer:#}");
    assert!(
        found["channels"]["geometry"]["inliers"].as_u64() >= Some(25),
        "the pack is located: {answer:#}"
    );

    assert!(differing(&answer).is_empty(), "{answer:#}");

    let check = format!("{base}/v1/checks/{}", answer["id"].as_str().unwrap());
    assert_eq!(answered(client.get(&check)).await, (StatusCode::OK, answer));
    let evidence = client
        .get(format!("{check}/photos/0/evidence.png"))
        .send()
        .await
        .unwrap();
    assert_eq!(evidence.status(), StatusCode::OK);
    assert!(evidence.bytes().await.unwrap().starts_with(b"\x89PNG"));
    assert_eq!(
        client
            .get(format!("{base}/readyz"))
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::OK
    );

    let place = format!("{references}/{}", reference["id"].as_str().unwrap());
    assert_eq!(
        client.delete(&place).send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        answered(client.get(&references)).await,
        (StatusCode::OK, json!({"references": []}))
    );
    let still = client
        .get(format!("{check}/photos/0/evidence.png"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        still.status(),
        StatusCode::OK,
        "earlier checks keep their evidence"
    );

    let form = Form::new()
        .part("image", with_other_badges())
        .text("kind", "pack");
    assert_eq!(
        answered(client.post(&references).multipart(form)).await.0,
        StatusCode::CREATED
    );
    let (_, answer) = answered(client.post(format!("{base}/v1/checks")).multipart(claim())).await;
    let names = differing(&answer);
    assert!(
        !names.is_empty() && names.iter().all(|n| n.ends_with(" place")),
        "{answer:#}"
    );

    let tried = client
        .post(format!("{products}/oat-drink-original/self-test"))
        .json(&json!({"photos_per_kind": 1}));
    let (status, report) = answered(tried).await;
    assert_eq!(status, StatusCode::OK, "{report:#}");
    assert_eq!(
        (&report["unedited"]["made"], &report["unedited"]["flagged"]),
        (&json!(1), &json!(0)),
        "{report:#}"
    );
    let edits = report["edits"].as_array().unwrap();
    assert!(edits.iter().all(|e| e["made"] == 1), "{report:#}");
    assert!(
        edits
            .iter()
            .any(|e| e["kind"] == "logo" && e["flagged"] == 1),
        "another emblem is seen: {report:#}"
    );

    let (_, log) = answered(client.get(format!("{base}/v1/audit?limit=100"))).await;
    let noted = log["entries"].as_array().unwrap().len();
    assert!(noted >= 8, "{log:#}");
    stop.send(()).unwrap();
    serving.await.unwrap().unwrap();
    // Signed at the end, so that nothing of it can be cut off unnoticed.
    let signed = std::fs::read_to_string(data.path().join("audit.checkpoints")).unwrap();
    let last = signed.lines().last().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(
        (&last["seq"], &last["hash"]),
        (&json!(noted), &log["entries"][noted - 1]["hash"])
    );
}
