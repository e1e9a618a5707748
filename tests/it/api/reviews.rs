//! Disputes, the queue, and decisions over HTTP.

use assay::{
    checker::{
        actor::{Actor, Role},
        key_ring::NewKey,
    },
    contract::limits::LONGEST_STATEMENT,
};
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::{Value, json};

use super::{Answer, Form, TestServer, key, request};
use crate::support::vision::Scene;

/// A reviewer's key under a name.
async fn reviewer(app: &TestServer, name: &str) -> String {
    let new = NewKey {
        name: name.to_owned(),
        role: Role::Reviewer,
        brands: None,
        expires_ms: None,
    };
    app.keys.create(&Actor::local(), new).await.unwrap().secret
}

fn with_key(mut request: Request<Body>, key: &str) -> Request<Body> {
    let bearer = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    request
}

async fn ask(app: &TestServer, key: &str, method: Method, path: &str, body: Value) -> Answer {
    let request = request(method, path).header(header::CONTENT_TYPE, "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    app.send(with_key(request, key)).await
}

/// Id of a check of a scene that claims `acme / oat`.
async fn checked(app: &TestServer, scene: u8) -> String {
    let form = Form::new()
        .picture("photo", &Scene::of(scene))
        .text("brand", "acme")
        .text("product", "oat")
        .text("listing_id", "item-9")
        .text("seller_id", "shop 17");
    let answer = app.upload("/v1/checks", form).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_dispute_comes_on_top_and_somebody_else_than_before_answers_it() {
    let app = TestServer::with_reference().await;
    let id = checked(&app, 1).await;
    let (rita, otto) = (reviewer(&app, "Rita").await, reviewer(&app, "Otto").await);
    let pipeline = key(&app.keys, Role::Pipeline, Some(&["acme"])).await;
    let dispute = format!("/v1/checks/{id}/dispute");
    let review = format!("/v1/checks/{id}/review");
    let (claim, decisions) = (format!("{review}/claim"), format!("{review}/decisions"));

    app.get(&review).await.problem(404, "not-found");
    let form = Form::new()
        .text("statement", "It is genuine.\nSee the other photo.")
        .picture("photo", &Scene::of(1));
    let sent = app.send(with_key(form.request(&dispute), &pipeline)).await;
    assert_eq!(sent.status, 201, "{:?}", sent.body);
    assert_eq!(sent.header("location"), review);
    let photos = sent.json()["photos_check"].as_str().unwrap().to_owned();
    let of_photos = app.get(&format!("/v1/checks/{photos}")).await.json();
    assert_eq!(
        of_photos["claim"],
        json!({"brand": "acme", "product": "oat"})
    );
    assert_eq!(of_photos["seller_id"], "shop 17");

    let queue = ask(
        &app,
        &rita,
        Method::GET,
        "/v1/reviews?search=SHOP+item",
        json!({}),
    )
    .await;
    let queue = queue.json();
    let first = &queue["reviews"][0];
    assert_eq!(
        (&first["check"]["id"], &first["disputed"]),
        (&json!(id), &json!(true))
    );
    assert_eq!(queue["next_cursor"], Value::Null);

    let held = ask(&app, &rita, Method::POST, &claim, json!({})).await;
    assert_eq!(
        (held.status.as_u16(), &held.json()["name"]),
        (200, &json!("Rita"))
    );
    assert_eq!(held.json()["yours"], true);
    let told = ask(&app, &otto, Method::POST, &claim, json!({}))
        .await
        .problem(409, "conflict");
    assert!(told.contains("looked at by Rita until 20"), "{told}");
    let body = json!({"outcome": "overturn", "reason": "same print", "genuine": true});
    ask(&app, &otto, Method::POST, &decisions, body.clone())
        .await
        .problem(409, "conflict");
    let decided = ask(&app, &rita, Method::POST, &decisions, body.clone()).await;
    assert_eq!(decided.status, 201, "{:?}", decided.body);
    assert_eq!(decided.json()["dispute"], sent.json()["id"]);
    // The photo is the reference itself here, and so teaches nothing.
    let genuine = app
        .get("/v1/brands/acme/products/oat/genuine-photos")
        .await
        .json();
    assert_eq!(genuine["genuine_photos"], json!([]), "{genuine}");

    let again = Form::new().text("statement", "Once more.");
    assert_eq!(
        app.send(with_key(again.request(&dispute), &pipeline))
            .await
            .status,
        201
    );
    let told = ask(&app, &rita, Method::POST, &claim, json!({}))
        .await
        .problem(409, "conflict");
    assert!(told.contains("another reviewer"), "{told}");
    assert_eq!(
        ask(&app, &otto, Method::POST, &claim, json!({}))
            .await
            .status,
        200
    );
    let released = ask(&app, &otto, Method::DELETE, &claim, json!({})).await;
    assert_eq!(released.status, 204);
    ask(&app, &otto, Method::POST, &decisions, body)
        .await
        .problem(409, "conflict");

    let shown = ask(&app, &otto, Method::GET, &review, json!({}))
        .await
        .json();
    assert_eq!(shown["disputes"].as_array().unwrap().len(), 2);
    assert_eq!(shown["decisions"][0]["by"], "Rita");
    assert_eq!(
        (&shown["state"], &shown["holder"]),
        (&json!("open"), &Value::Null)
    );
}

#[tokio::test]
async fn photos_of_an_overturned_check_become_calibration_data_when_a_person_says_so() {
    let app = TestServer::with_reference().await;
    // The same article in another photo: another file.
    let form = Form::new()
        .picture("photo", &Scene::photo(1, "table"))
        .text("brand", "acme")
        .text("product", "oat");
    let answer = app.upload("/v1/checks", form).await.json();
    let id = answer["id"].as_str().unwrap();
    let form = Form::new().text("statement", "It is genuine.");
    assert_eq!(
        app.upload(&format!("/v1/checks/{id}/dispute"), form)
            .await
            .status,
        201
    );
    let rita = reviewer(&app, "Rita").await;
    let path = |end: &str| format!("/v1/checks/{id}/review/{end}");
    assert_eq!(
        ask(&app, &rita, Method::POST, &path("claim"), json!({}))
            .await
            .status,
        200
    );
    let upheld = json!({"outcome": "uphold", "reason": "no", "genuine": true});
    let refused = ask(&app, &rita, Method::POST, &path("decisions"), upheld).await;
    refused.invalid("genuine");
    let overturned = json!({"outcome": "overturn", "reason": "yes", "genuine": true});
    let decided = ask(&app, &rita, Method::POST, &path("decisions"), overturned).await;
    assert_eq!(decided.status, 201, "{:?}", decided.body);
    let genuine = app
        .get("/v1/brands/acme/products/oat/genuine-photos")
        .await
        .json();
    assert_eq!(
        genuine["genuine_photos"][0]["item"],
        format!("review {id}"),
        "{genuine}"
    );
}

#[tokio::test]
async fn what_is_wrong_with_a_dispute_or_a_decision_is_told_by_its_field() {
    let app = TestServer::with_reference().await;
    let id = checked(&app, 1).await;
    let dispute = format!("/v1/checks/{id}/dispute");
    let long = "x".repeat(LONGEST_STATEMENT + 1);
    for bad in [" \n ", "bell \u{7}", &long] {
        let form = Form::new().text("statement", bad);
        app.upload(&dispute, form).await.invalid("statement");
    }
    app.upload(&dispute, Form::new()).await.invalid("statement");
    let unknown = Form::new().text("statement", "mine");
    let nowhere = "/v1/checks/0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10/dispute";
    app.upload(nowhere, unknown.clone())
        .await
        .problem(404, "not-found");
    let other = key(&app.keys, Role::Pipeline, Some(&["bolt"])).await;
    let theirs = app
        .send(with_key(unknown.clone().request(&dispute), &other))
        .await;
    theirs.problem(404, "not-found");
    assert_eq!(app.upload(&dispute, unknown).await.status, 201);
    let decisions = format!("/v1/checks/{id}/review/decisions");
    app.post(&decisions, json!({"outcome": "uphold", "reason": ""}))
        .await
        .invalid("reason");
    let wrong = app
        .post(&decisions, json!({"outcome": "guilty", "reason": "x"}))
        .await;
    wrong.invalid("outcome");
    app.get("/v1/reviews?limit=101").await.invalid("limit");
    app.get("/v1/reviews?order=best").await.invalid("order");
    app.get("/v1/reviews?search=1+2+3+4+5+6+7+8+9")
        .await
        .invalid("search");
}
