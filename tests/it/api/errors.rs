//! What every answer has, and what is no business of a single resource: unknown paths, foreign
//! pages, operators.

use std::sync::atomic::Ordering;

use assay::checker::ports::{Compute, Job};
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::json;

use super::{Form, TestServer, request};
use crate::support::vision::Scene;

#[tokio::test]
async fn unknown_paths_and_methods_are_problems() {
    let app = TestServer::new().await;
    for path in [
        "/v1/nothing",
        "/v2/brands",
        "/docs/nothing.js",
        "/v1/brands/",
    ] {
        app.get(path).await.problem(404, "no-such-route");
    }
    let wrong = app
        .send(
            request(Method::PUT, "/v1/brands")
                .body(Body::empty())
                .unwrap(),
        )
        .await;
    wrong.problem(405, "method-not-allowed");
    assert!(
        wrong.header("allow").contains("POST"),
        "{:?}",
        wrong.headers
    );
}

#[tokio::test]
async fn compressed_bodies_are_refused_as_such() {
    let app = TestServer::new().await;
    for (path, content_type) in [
        ("/v1/checks", "multipart/form-data; boundary=b"),
        ("/v1/brands", "application/json"),
    ] {
        let request = request(Method::POST, path)
            .header(header::CONTENT_TYPE, content_type)
            .header(header::CONTENT_ENCODING, "gzip");
        let body = Body::from(&b"\x1f\x8b\x08\0\0\0"[..]);
        let detail = app
            .send(request.body(body).unwrap())
            .await
            .problem(415, "unsupported-content-type");
        assert!(
            detail.contains("`gzip`") && detail.contains("compressed"),
            "{detail}"
        );
    }
}

#[tokio::test]
async fn bodies_of_the_wrong_kind_are_problems() {
    let app = TestServer::new().await;
    let post = async |path: &str, content_type: &str, body: &'static str| {
        let request = request(Method::POST, path).header(header::CONTENT_TYPE, content_type);
        app.send(request.body(Body::from(body)).unwrap()).await
    };
    post("/v1/brands", "text/plain", "{}")
        .await
        .problem(415, "unsupported-content-type");
    post("/v1/brands", "application/json", "{\"id\":")
        .await
        .problem(400, "malformed-request");
    post("/v1/checks", "application/json", "{}")
        .await
        .problem(415, "unsupported-content-type");
    post("/v1/checks", "multipart/form-data", "x")
        .await
        .problem(400, "malformed-request");
    post("/v1/checks", "multipart/form-data; boundary=b", "no parts")
        .await
        .problem(400, "malformed-request");
    let cut_off = "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.jpg\"\r\n\r\nhalf a pho";
    post("/v1/checks", "multipart/form-data; boundary=b", cut_off)
        .await
        .problem(400, "malformed-request");
}

#[tokio::test]
async fn a_plain_request_id_comes_back() {
    let app = TestServer::new().await;
    let send = async |id: &str| {
        app.send(
            request(Method::GET, "/v1/nothing")
                .header("x-request-id", id)
                .body(Body::empty())
                .unwrap(),
        )
        .await
    };
    assert_eq!(send("pipeline-7").await.json()["request_id"], "pipeline-7");
    assert_eq!(send("not plain").await.header("x-request-id").len(), 36);
    assert_ne!(
        app.get("/livez").await.header("x-request-id"),
        app.get("/livez").await.header("x-request-id")
    );
}

#[tokio::test]
async fn pages_of_other_sites_may_not_send_here() {
    let app = TestServer::new().await;
    let post = async |headers: &[(&str, &str)]| {
        let mut request =
            Request::post("/v1/brands").header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        app.send(
            request
                .body(Body::from(
                    json!({"id": "acme", "name": "Acme"}).to_string(),
                ))
                .unwrap(),
        )
        .await
    };
    let own = ("host", "127.0.0.1:8080");
    post(&[own, ("origin", "https://evil.example")])
        .await
        .problem(403, "cross-site-request");
    post(&[own, ("origin", "null")])
        .await
        .problem(403, "cross-site-request");
    post(&[own, ("sec-fetch-site", "cross-site")])
        .await
        .problem(403, "cross-site-request");
    // A foreign name that resolves to this machine.
    let rebound = [("host", "evil.example"), ("origin", "http://evil.example")];
    post(&rebound).await.problem(403, "cross-site-request");
    post(&[("host", "evil.example"), ("sec-fetch-site", "same-origin")])
        .await
        .problem(403, "cross-site-request");
    assert_eq!(post(&[own]).await.status, 201);
    assert_eq!(
        post(&[own, ("origin", "http://127.0.0.1:8080")])
            .await
            .status,
        201
    );
    let docs = [
        ("host", "localhost:8080"),
        ("origin", "http://localhost:8080"),
        ("sec-fetch-site", "same-origin"),
    ];
    assert_eq!(post(&docs).await.status, 201);
}

#[tokio::test]
async fn the_documentation_is_served_with_a_policy_that_lets_it_run() {
    let app = TestServer::new().await;
    let page = app.get("/docs/").await;
    assert_eq!(
        (page.status.as_u16(), page.header("content-type")),
        (200, "text/html")
    );
    assert!(
        page.header("content-security-policy")
            .contains("script-src 'self'")
    );
    let text = String::from_utf8(page.body.to_vec()).unwrap();
    let scripts: Vec<_> = text.split("<script ").skip(1).collect();
    assert!(!scripts.is_empty());
    for script in scripts {
        let source = script
            .split("src=\"")
            .nth(1)
            .and_then(|s| s.split('"').next())
            .unwrap();
        assert!(source.starts_with("./"), "{source}");
        assert_eq!(
            app.get(&format!("/docs/{}", &source[2..])).await.status,
            200,
            "{source}"
        );
    }
    let start = app.get("/docs/swagger-initializer.js").await;
    assert!(
        String::from_utf8(start.body.to_vec())
            .unwrap()
            .contains("/v1/openapi.json")
    );
    assert_eq!(
        app.get("/v1/openapi.json").await.json(),
        serde_json::to_value(assay::http::open_api()).unwrap()
    );
}

#[tokio::test]
async fn the_type_of_a_problem_can_be_looked_up() {
    let app = TestServer::new().await;
    let kind = app.get("/problems/busy").await;
    assert_eq!(kind.json()["status"], 429);
    let missing = app.get("/problems/nonsense").await;
    missing.problem(404, "not-found");
    assert_eq!(
        app.get(missing.json()["type"].as_str().unwrap())
            .await
            .json()["title"],
        missing.json()["title"]
    );
}

#[tokio::test]
async fn readiness_follows_the_workers() {
    let app = TestServer::new().await;
    assert_eq!(app.get("/livez").await.json(), json!({"status": "alive"}));
    let ready = app.get("/readyz").await.json();
    assert_eq!(
        (&ready["status"], &ready["models"]["embedder"]),
        (&json!("ready"), &json!("fake-packs@1"))
    );
    app.pool.shutdown();
    let unready = app.get("/readyz").await;
    assert!(unready.problem(503, "not-ready").contains("`workers`"));
    assert!(!unready.header("retry-after").is_empty());
    assert_eq!(app.get("/livez").await.status, 200);
    let check = app
        .upload(
            "/v1/checks",
            Form::new().picture("photo", &Scene::photo(1, "a")),
        )
        .await;
    check.problem(503, "interrupted");
}

#[tokio::test]
async fn readiness_follows_the_models_and_heals_by_itself() {
    let app = TestServer::with_reference().await;
    let photo = || Form::new().picture("photo", &Scene::photo(1, "a"));
    let check = app.upload("/v1/checks", photo()).await.json();
    let fail = |now| app.faults.models_fail.store(now, Ordering::SeqCst);
    fail(true);
    let failed = app.upload("/v1/checks", photo()).await;
    failed.problem(500, "internal-error");
    // Reading files for the evidence works, and says nothing about the models.
    let evidence = format!(
        "/v1/checks/{}/photos/0/evidence.png",
        check["id"].as_str().unwrap()
    );
    assert_eq!(app.get(&evidence).await.status, 200);
    let unready = app.get("/readyz").await;
    assert!(unready.problem(503, "not-ready").contains("`models`"));
    fail(false);
    assert_eq!(app.get("/readyz").await.status, 200);
    // A failure that has passed by the time of the question leaves no trace.
    fail(true);
    app.upload("/v1/checks", photo())
        .await
        .problem(500, "internal-error");
    fail(false);
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn workers_that_lost_their_models_get_them_again_without_any_other_request() {
    let app = TestServer::new().await;
    let gone = |now| app.faults.models_gone.store(now, Ordering::SeqCst);
    gone(true);
    let job: Job = Box::new(|_| panic!("a job may panic"));
    assert!(app.pool.run(job).await.is_err());
    let unready = app.get("/readyz").await;
    assert!(unready.problem(503, "not-ready").contains("`workers`"));
    gone(false);
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn a_full_disk_is_a_problem_of_its_own_until_there_is_room() {
    let app = TestServer::with_reference().await;
    let uploads = || {
        [
            (
                "/v1/checks",
                Form::new().picture("photo", &Scene::photo(1, "a")),
            ),
            (
                "/v1/brands/acme/products/oat/references",
                Form::new()
                    .text("kind", "pack")
                    .picture("image", &Scene::of(2)),
            ),
            (
                "/v1/brands/acme/products/oat/genuine-photos",
                Form::new()
                    .text("item", "one")
                    .picture("image", &Scene::photo(1, "b")),
            ),
        ]
    };
    app.faults.disk_full.store(true, Ordering::SeqCst);
    for (path, form) in uploads() {
        let refused = app.upload(path, form).await;
        let detail = refused.problem(507, "storage-full");
        assert!(!detail.contains("no space left on device"), "{detail}");
    }
    assert_eq!(app.get("/v1/brands").await.status, 200);
    app.faults.disk_full.store(false, Ordering::SeqCst);
    for (path, form) in uploads() {
        assert!(app.upload(path, form).await.status.is_success(), "{path}");
    }
}

#[tokio::test]
async fn readiness_follows_the_disk() {
    let app = TestServer::new().await;
    // Nothing can be written into a folder that is gone; the database's files are open still.
    std::fs::remove_dir_all(app.data.path()).unwrap();
    let unready = app.get("/readyz").await;
    assert!(unready.problem(503, "not-ready").contains("`storage`"));
    std::fs::create_dir(app.data.path()).unwrap();
    assert_eq!(app.get("/readyz").await.status, 200);
    let left = std::fs::read_dir(app.data.path()).unwrap().count();
    assert_eq!(left, 0, "what was written to try is removed");
}

#[tokio::test]
async fn readiness_follows_the_place_of_the_images() {
    let app = TestServer::new().await;
    app.faults.images_gone.store(true, Ordering::SeqCst);
    let unready = app.get("/readyz").await;
    let detail = unready.problem(503, "not-ready");
    assert!(detail.contains("`images`"), "{detail}");
    assert!(!detail.contains("pictures"), "{detail}");
    app.faults.images_gone.store(false, Ordering::SeqCst);
    assert_eq!(app.get("/readyz").await.status, 200);
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_checks_by_verdict() {
    let app = TestServer::with_reference().await;
    app.get("/v1/checks/some-id").await;
    app.get("/v1/unheard-of").await;
    app.upload(
        "/v1/checks",
        Form::new().picture("photo", &Scene::photo(1, "a")),
    )
    .await;
    let metrics = app.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain"));
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    for sample in [
        "assay_http_requests_total{route=\"/v1/checks/{id}\",method=\"GET\",status=\"404\"}",
        "assay_http_requests_total{route=\"none\",method=\"GET\",status=\"404\"}",
        "assay_http_request_seconds_bucket{route=\"/v1/checks\",method=\"POST\",le=\"",
        "assay_http_requests_in_flight",
        "assay_checks_total{verdict=\"",
        "assay_check_stage_seconds_bucket{stage=\"decode\",le=\"",
        "assay_jobs_waiting ",
        "assay_references ",
    ] {
        assert!(text.contains(sample), "{sample} not in\n{text}");
    }
    assert!(!text.contains("some-id") && !text.contains("unheard-of"));
}
