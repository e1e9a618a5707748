//! Limits: sizes, places and time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use assay::{
    checker::{
        actor::Actor,
        {ports::Compute, service::CheckRequest},
    },
    config::HttpConfig,
};
use axum::{
    body::Body,
    http::{Method, header},
};
use bytes::Bytes;
use futures_util::{StreamExt, stream};

use super::{Form, TestServer, form_request, request};
use crate::support::vision::Scene;

fn small() -> HttpConfig {
    HttpConfig {
        max_photo_bytes: 1000,
        max_body_bytes: 3000,
        ..HttpConfig::default()
    }
}

/// A body that tells whether anybody asked for its bytes.
fn watched(bytes: Vec<u8>) -> (Body, Arc<AtomicBool>) {
    let asked = Arc::new(AtomicBool::new(false));
    let tell = Arc::clone(&asked);
    let body = Body::from_stream(stream::once(async move {
        tell.store(true, Ordering::SeqCst);
        Ok::<_, std::io::Error>(Bytes::from(bytes))
    }));
    (body, asked)
}

#[tokio::test]
async fn a_picture_may_be_as_large_as_the_limit_and_no_larger() {
    let app = TestServer::with(small()).await;
    let exactly = app
        .upload("/v1/checks", Form::new().file("photo", &[b'x'; 1000]))
        .await;
    assert_eq!(
        exactly.json()["photos"][0]["error"]["kind"],
        "photo-unsupported-format"
    );
    let over = app
        .upload("/v1/checks", Form::new().file("photo", &[b'x'; 1001]))
        .await;
    let detail = over.problem(413, "body-too-large");
    assert!(
        detail.contains("`photo`") && detail.contains("1000"),
        "{detail}"
    );
    let text = app
        .upload(
            "/v1/checks",
            Form::new().text("seller_id", &"x".repeat(1025)),
        )
        .await;
    assert!(text.invalid("seller_id").contains("1024"));
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_not_read() {
    let app = TestServer::with(small()).await;
    let (body, asked) = watched(vec![b'x'; 3001]);
    let request = form_request("/v1/checks")
        .header(header::CONTENT_LENGTH, 3001)
        .header(header::EXPECT, "100-continue");
    let refused = app.send(request.body(body).unwrap()).await;
    assert!(refused.problem(413, "body-too-large").contains("3001"));
    assert!(!asked.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_body_that_announces_nothing_is_read_up_to_the_limit() {
    let app = TestServer::with(small()).await;
    let form = (0..4).fold(Form::new(), |form, _| form.file("photo", &[b'x'; 900]));
    let (body, asked) = watched(form.body());
    let refused = app
        .send(form_request("/v1/checks").body(body).unwrap())
        .await;
    refused.problem(413, "body-too-large");
    assert!(asked.load(Ordering::SeqCst));
}

#[tokio::test]
async fn json_has_a_small_limit() {
    let app = TestServer::new().await;
    let request =
        request(Method::POST, "/v1/brands").header(header::CONTENT_TYPE, "application/json");
    let refused = app
        .send(request.body(Body::from(vec![b' '; 65 << 10])).unwrap())
        .await;
    refused.problem(413, "body-too-large");
}

#[tokio::test]
async fn with_all_places_taken_uploads_are_refused_unread_and_the_rest_still_answers() {
    let app = TestServer::with_reference().await;
    let taken: Vec<_> = (0..2).map(|_| app.assay.try_admit(0).unwrap()).collect();
    for path in [
        "/v1/checks",
        "/v1/brands/acme/products/oat/references",
        "/v1/brands/acme/products/oat/genuine-photos",
    ] {
        let (body, asked) = watched(Form::new().picture("photo", &Scene::photo(1, "a")).body());
        let refused = app
            .send(
                form_request(path)
                    .header(header::EXPECT, "100-continue")
                    .body(body)
                    .unwrap(),
            )
            .await;
        refused.problem(429, "busy");
        let seconds: u64 = refused.header("retry-after").parse().unwrap();
        assert!(seconds >= 1);
        assert!(!asked.load(Ordering::SeqCst), "{path}");
    }
    assert_eq!(app.get("/v1/brands").await.status, 200);
    assert_eq!(app.get("/readyz").await.status, 200);
    drop(taken);
    let photo = || Form::new().picture("photo", &Scene::photo(1, "a"));
    assert_eq!(app.upload("/v1/checks", photo()).await.status, 200);
}

#[tokio::test]
async fn photos_that_take_much_memory_are_told_to_wait_for_others_and_served_alone() {
    let app = TestServer::with_reference().await;
    let large = Scene {
        width: 4_000,
        height: 4_000,
        ..Scene::photo(1, "a")
    };
    let taken = app.pool.try_admit_photos(1).unwrap();
    let image = || Form::new().text("kind", "pack").picture("image", &large);
    let photo = Form::new().picture("photo", &large);
    let genuine = Form::new().text("item", "a").picture("image", &large);
    for (path, form) in [
        ("/v1/checks", photo.clone()),
        ("/v1/brands/acme/products/oat/references", image()),
        ("/v1/brands/acme/products/oat/genuine-photos", genuine),
    ] {
        let refused = app.upload(path, form).await;
        refused.problem(429, "busy");
        assert!(!refused.header("retry-after").is_empty(), "{path}");
    }
    let small = Form::new().picture("photo", &Scene::photo(1, "a"));
    assert_eq!(app.upload("/v1/checks", small).await.status, 200);
    drop(taken);
    assert_eq!(app.upload("/v1/checks", photo).await.status, 200);
}

#[tokio::test]
async fn a_place_is_free_again_after_every_kind_of_answer() {
    let app = TestServer::with_reference().await;
    // There are two places: a request that kept its place would fill them.
    for _ in 0..3 {
        app.upload("/v1/checks", Form::new().text("colour", "red"))
            .await
            .invalid("colour");
        app.upload("/v1/checks", Form::new())
            .await
            .problem(422, "invalid-field");
        assert_eq!(
            app.upload(
                "/v1/checks",
                Form::new().picture("photo", &Scene::photo(1, "a"))
            )
            .await
            .status,
            200
        );
    }
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let config = HttpConfig {
        body_timeout: Duration::from_millis(20),
        ..HttpConfig::default()
    };
    let app = TestServer::with(config).await;
    let start = Form::new().text("brand", "acme").0;
    let never_ends = stream::once(async { Ok::<_, std::io::Error>(Bytes::from(start)) })
        .chain(stream::pending());
    let refused = app
        .send(
            form_request("/v1/checks")
                .body(Body::from_stream(never_ends))
                .unwrap(),
        )
        .await;
    refused.problem(408, "body-too-slow");
}

#[tokio::test]
async fn work_that_does_not_end_is_not_waited_for() {
    let config = HttpConfig {
        request_timeout: Duration::from_millis(50),
        ..HttpConfig::default()
    };
    let app = TestServer::with(config).await;
    // Asked of the façade, which has no limit: only the evidence below is late.
    let request = CheckRequest {
        photos: vec![Scene::photo(1, "a").bytes()],
        ..CheckRequest::default()
    };
    let check = app.assay.check(&Actor::local(), request).await.unwrap();
    let gate = app.gate.close();
    let late = app
        .get(&format!("/v1/checks/{}/photos/0/evidence.png", check.id))
        .await;
    late.problem(503, "timed-out");
    assert!(!late.header("retry-after").is_empty());
    drop(gate);
}
