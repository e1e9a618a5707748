//! Self-tests of a product.

use assay::{config::HttpConfig, statement::Templates};
use axum::{body::Body, http::Method};
use serde_json::json;

use super::{Form, TestServer, request};
use crate::support::{app::Shipped, vision::Scene};

const SELF_TEST: &str = "/v1/brands/acme/products/oat/self-test";

#[tokio::test]
async fn a_self_test_reports_the_same_each_time_and_one_runs_at_a_time() {
    let app = TestServer::with_reference().await;
    let body = json!({"photos_per_kind": 1, "seed": 7});
    let (first, second) = tokio::join!(
        app.post(SELF_TEST, body.clone()),
        app.post(SELF_TEST, body.clone())
    );
    let (done, refused) = if first.status == 200 {
        (first, second)
    } else {
        (second, first)
    };
    assert!(
        refused
            .problem(429, "busy")
            .contains("another self-test is underway")
    );
    assert_eq!(refused.header("retry-after"), "10");
    let report = done.json();
    assert_eq!(done.status, 200, "{report}");
    assert_eq!(
        (&report["brand"], &report["product"]),
        (&json!("acme"), &json!("oat"))
    );
    assert_eq!(
        (&report["photos_per_kind"], &report["seed"]),
        (&json!(1), &json!(7))
    );
    assert!(report["note"].as_str().unwrap().contains("will differ"));
    assert_eq!(report["references"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&report["unedited"]["kind"], &report["unedited"]["made"]),
        (&json!("unedited"), &json!(1))
    );
    let edits = report["edits"].as_array().unwrap();
    let kinds: Vec<_> = edits.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["letter", "swap", "missing", "word", "logo", "hue"]);
    for edit in edits {
        assert_eq!(edit["applicable"], edit["made"] == 1, "{edit}");
        assert_eq!(
            edit["share"].is_null(),
            edit["made"] == 0,
            "what was not made has no share: {edit}"
        );
    }
    assert_eq!(
        report["genuine_photos"],
        json!({"stored": 0, "judged": 0, "flagged": []})
    );
    assert_eq!(report["calibration"]["source"], "default");
    assert_eq!(app.post(SELF_TEST, body).await.json(), report);
    assert_eq!(
        app.get("/v1/checks").await.json()["checks"],
        json!([]),
        "nothing of it is kept"
    );
}

#[tokio::test]
async fn a_self_test_says_what_is_missing() {
    let app = TestServer::new().await;
    assert!(
        app.post(SELF_TEST, json!({}))
            .await
            .problem(404, "not-found")
            .contains("oat")
    );
    let bare = request(Method::POST, SELF_TEST)
        .body(Body::empty())
        .unwrap();
    app.send(bare).await.problem(404, "not-found");
    app.create_product().await;
    assert!(
        app.post(SELF_TEST, json!({}))
            .await
            .problem(409, "conflict")
            .contains("`product` has no reference")
    );
    for number in [json!(1.5), json!(-1), json!("4"), json!(null)] {
        app.post(SELF_TEST, json!({"photos_per_kind": number}))
            .await
            .invalid("photos_per_kind");
        app.post(SELF_TEST, json!({"seed": number}))
            .await
            .invalid("seed");
    }
    // One and the same number in JSON.
    app.post(SELF_TEST, json!({"photos_per_kind": 4.0, "seed": 1e3}))
        .await
        .problem(409, "conflict");
    for number in [0, 13] {
        let told = app
            .post(SELF_TEST, json!({"photos_per_kind": number}))
            .await
            .invalid("photos_per_kind");
        assert!(told.contains("1 to 12"), "{told}");
    }
    let unknown = app.post(SELF_TEST, json!({"photos": 1})).await;
    assert!(unknown.problem(422, "invalid-field").contains("`photos`"));
    assert!(
        app.upload(SELF_TEST, Form::new().picture("image", &Scene::of(1)))
            .await
            .status
            .is_client_error()
    );
}

#[tokio::test]
async fn a_self_test_names_what_must_never_be_flagged_and_would_be() {
    let app = TestServer::start(
        HttpConfig::default(),
        Shipped::Strict,
        Templates::open(None).unwrap(),
    )
    .await;
    app.create_product().await;
    let form = Form::new()
        .text("kind", "pack")
        .picture("image", &Scene::of(1));
    let references = "/v1/brands/acme/products/oat/references";
    assert_eq!(app.upload(references, form).await.status, 201);
    let photos = "/v1/brands/acme/products/oat/authorised-photos";
    let add = async |note: &str, photo: &Scene| {
        let form = Form::new().text("note", note).picture("image", photo);
        app.upload(photos, form).await
    };
    let pack = Scene::photo(1, "a");
    let changed = Scene {
        overprinted: &[(200, 100)],
        ..Scene::photo(1, "b")
    };
    for (note, photo) in [("the pack", &pack), ("a <b>summer</b> edition", &changed)] {
        let added = add(note, photo).await;
        assert_eq!(added.status, 201, "{:?}", added.body);
        assert_eq!(added.json()["note"], note);
    }
    add("again", &pack).await.problem(409, "conflict");
    add("", &Scene::photo(2, "c"))
        .await
        .problem(422, "invalid-field");
    let list = app.get(photos).await.json();
    assert_eq!(list["authorised_photos"].as_array().unwrap().len(), 2);
    let report = app.post(SELF_TEST, json!({"photos_per_kind": 1})).await;
    let told = &report.json()["authorised_photos"];
    assert_eq!(told["stored"], 2);
    let flagged = told["flagged"].as_array().unwrap();
    let changed = &list["authorised_photos"][1]["id"];
    assert!(
        flagged
            .iter()
            .any(|f| f["id"] == *changed && f["verdict"] == "deviates"),
        "{told}"
    );
    let page = app.get("/brands/acme/products/oat").await;
    let page = String::from_utf8(page.body.to_vec()).unwrap();
    assert!(
        page.contains("a &#60;b&#62;summer&#60;/b&#62; edition"),
        "{page}"
    );
    let path = format!("{photos}/{}", changed.as_str().unwrap());
    assert_eq!(app.delete(&path).await.status, 204);
    app.delete(&path).await.problem(404, "not-found");
}
