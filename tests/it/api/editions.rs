//! Which edition a reference shows: told with it, changed by its owner, noted in the log, and without a
//! word in any verdict.

use assay::checker::actor::Role;
use axum::http::{Method, header};
use serde_json::{Value, json};

use super::{
    Form, TestServer, key,
    pages::{open, sign_in, submit},
    request,
};
use crate::support::vision::Scene;

const OAT: &str = "/v1/brands/acme/products/oat";

async fn first(app: &TestServer) -> Value {
    let list = app.get(&format!("{OAT}/references")).await.json();
    list["references"][0].clone()
}

fn edition(reference: &Value) -> Value {
    json!([
        reference["valid_from"],
        reference["valid_to"],
        reference["markets"],
        reference["variant_of"]
    ])
}

#[tokio::test]
async fn an_edition_is_sent_with_the_picture_and_changed_field_by_field() {
    let app = TestServer::with_reference().await;
    let old = first(&app).await;
    assert_eq!(edition(&old), json!([null, null, [], null]));
    let old = old["id"].as_str().unwrap().to_owned();
    let form = |from: &str, variant_of: &str| {
        let form = Form::new().text("kind", "pack").text("valid_from", from);
        let form = form.text("markets", "GB").text("markets", "AT");
        form.text("variant_of", variant_of)
            .picture("image", &Scene::of(2))
    };
    let path = format!("{OAT}/references");
    app.upload(&path, form("soon", &old))
        .await
        .invalid("valid_from");
    app.upload(&path, form("2026-01-31", "none"))
        .await
        .invalid("variant_of");
    let new = app.upload(&path, form("2026-01-31", &old)).await;
    assert_eq!(new.status, 201, "{}", new.json());
    let new = new.json();
    assert_eq!(
        edition(&new),
        json!(["2026-01-31", null, ["AT", "GB"], old])
    );

    let at = format!("{path}/{}", new["id"].as_str().unwrap());
    let changed = app
        .patch(&at, json!({"valid_to": "2026-12-31", "markets": []}))
        .await;
    assert_eq!(changed.status, 200, "{}", changed.json());
    assert_eq!(
        edition(&changed.json()),
        json!(["2026-01-31", "2026-12-31", [], old])
    );
    let changed = app
        .patch(&at, json!({"valid_from": null, "variant_of": null}))
        .await;
    assert_eq!(
        edition(&changed.json()),
        json!([null, "2026-12-31", [], null])
    );
    assert_eq!(app.get(&at).await.json(), changed.json());
    for (body, field) in [
        (json!({}), "body"),
        (json!({"markets": ["UK"]}), "markets"),
        (json!({"valid_to": "31.12.2026"}), "valid_to"),
        (json!({"valid_from": "2027-01-01"}), "valid_to"),
        (json!({"variant_of": new["id"]}), "variant_of"),
    ] {
        app.patch(&at, body).await.invalid(field);
    }
    assert_eq!(app.get(&at).await.json(), changed.json());
    let elsewhere = at.replace("/oat/", "/rice/");
    app.patch(&elsewhere, json!({"valid_to": null}))
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn an_edition_that_is_over_or_sold_elsewhere_changes_no_verdict() {
    let app = TestServer::with_reference().await;
    let check = async || {
        let form = Form::new().picture("photo", &Scene::photo(1, "a"));
        let form = form.text("brand", "acme").text("product", "oat");
        let answer = app.upload("/v1/checks", form).await.json();
        let photo = &answer["photos"][0];
        json!([
            answer["verdict"],
            answer["p_value"],
            answer["reasons"],
            answer["reference_set"],
            photo["matches"]
        ])
    };
    let before = check().await;
    let at = format!(
        "{OAT}/references/{}",
        first(&app).await["id"].as_str().unwrap()
    );
    let over = json!({"valid_from": "1999-01-01", "valid_to": "1999-12-31", "markets": ["AQ"]});
    assert_eq!(app.patch(&at, over).await.status, 200);
    assert_eq!(check().await, before);
}

#[tokio::test]
async fn an_owner_changes_it_on_the_page_and_nobody_elses() {
    let app = TestServer::with_reference().await;
    let id = first(&app).await["id"].as_str().unwrap().to_owned();
    let page = "/brands/acme/products/oat";
    let own = key(&app.keys, Role::Brand, Some(&["acme"])).await;
    let (cookie, token) = sign_in(&app, &own).await;
    let fields = format!("token={token}&valid_from=2026-01-31&valid_to=&markets=de+at&variant_of=");
    let path = format!("{page}/references/{id}");
    let sent = submit(&app, &path, &cookie, &fields).await;
    assert_eq!(
        (sent.status.as_u16(), sent.header("location")),
        (303, &*format!("{page}#r-{id}"))
    );
    let shown = open(&app, page, &cookie).await;
    assert!(
        shown.html.contains("Sold from 2026-01-31 in AT, DE"),
        "{}",
        shown.html
    );
    let emptied = format!("token={token}&valid_from=&valid_to=&markets=&variant_of=");
    assert_eq!(submit(&app, &path, &cookie, &emptied).await.status, 303);
    assert_eq!(edition(&first(&app).await), json!([null, null, [], null]));

    let other = key(&app.keys, Role::Brand, Some(&["bolt"])).await;
    let ask = |key: &str| {
        let request = request(Method::PATCH, &format!("{OAT}/references/{id}"))
            .header(header::AUTHORIZATION, format!("Bearer {key}"))
            .header(header::CONTENT_TYPE, "application/json");
        request
            .body(json!({"markets": ["DE"]}).to_string().into())
            .unwrap()
    };
    app.send(ask(&other)).await.problem(404, "not-found");
    let reviewer = key(&app.keys, Role::Reviewer, None).await;
    app.send(ask(&reviewer)).await.problem(403, "not-allowed");
    assert_eq!(app.send(ask(&own)).await.status, 200);
}
