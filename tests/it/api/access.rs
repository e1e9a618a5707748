//! Who may do what: every route with every role, keys that come and go, and what a brand can learn
//! of another.

use std::{collections::BTreeMap, sync::Arc};

use assay::{
    checker::{
        actor::{Actor, Role},
        key_ring::KeyRing,
        ports::StoreError,
    },
    config::HttpConfig,
    domain::digest::Sha256,
    storage::sqlite,
};
use axum::{
    body::Body,
    http::{Method, Request, header},
};
use serde_json::{Value, json};

use super::{Answer, Form, TestServer, key, request};
use crate::{backup::database, support::vision::Scene};

/// A method, the pattern of a path, and the names of the roles that may use it; none for everybody.
type Route = (Method, String, Vec<String>);

/// The routes of the contract.
fn routes() -> Vec<Route> {
    let contract = serde_json::to_value(assay::http::open_api()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in contract["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let roles = operation["x-roles"].as_array();
            let roles = roles.unwrap_or_else(|| panic!("{method} {path} names no roles"));
            let method = method.to_uppercase().parse().unwrap();
            let names = roles.iter().map(|r| r.as_str().unwrap().to_owned());
            routes.push((method, path.clone(), names.collect()));
        }
    }
    routes
}

/// The table of these routes and of the pages, as the documentation has it.
fn table() -> String {
    let owned = |roles: Vec<&str>| roles.into_iter().map(ToOwned::to_owned).collect();
    let pages = assay::http::pages();
    let pages = pages
        .into_iter()
        .map(|(m, path, roles)| (m, path, owned(roles)));
    let mut table = "| method | path | who |\n| --- | --- | --- |\n".to_owned();
    for (method, path, roles) in routes().into_iter().chain(pages) {
        let who = match &roles[..] {
            [] => "everybody".to_owned(),
            all if all.len() == Role::ALL.len() => "every key".to_owned(),
            some => some.join(", "),
        };
        table += &format!("| {method} | `{path}` | {who} |\n");
    }
    table
}

/// A request to a route that is refused by its handler at the latest.
fn ask(method: &Method, path: &str, key: Option<&str>) -> Request<Body> {
    let path = path.replace("{n}", "0").replace(['{', '}'], "");
    let mut request = request(method.clone(), &path);
    // Sent in any case: the server of the tests adds an administrator's key where there is none.
    request = request.header(
        header::AUTHORIZATION,
        key.map_or("Basic YTpi".to_owned(), |key| format!("Bearer {key}")),
    );
    request.body(Body::empty()).unwrap()
}

fn kind(answer: &Answer) -> String {
    match answer.status.is_success() {
        true => "success".to_owned(),
        false => answer.json()["type"].as_str().unwrap().to_owned(),
    }
}

#[tokio::test]
async fn each_role_may_use_its_routes_and_no_others() {
    let app = TestServer::new().await;
    let mut keys = Vec::new();
    for role in Role::ALL {
        let brands: Option<&[&str]> = (role == Role::Brand).then_some(&["brand"]);
        keys.push((role, key(&app.keys, role, brands).await));
    }
    let mut asked = 0;
    for (method, path, roles) in routes() {
        let stranger = kind(&app.send(ask(&method, &path, None)).await);
        assert_eq!(
            stranger == "/problems/no-key",
            !roles.is_empty(),
            "{method} {path} {stranger}"
        );
        let wrong = kind(&app.send(ask(&method, &path, Some("assay_wrong"))).await);
        assert_eq!(wrong, stranger, "{method} {path}");
        for (role, key) in &keys {
            let got = kind(&app.send(ask(&method, &path, Some(key))).await);
            let allowed = roles.is_empty() || roles.iter().any(|name| name == role.name());
            let at = format!("{method} {path} as {}: {got}", role.name());
            assert_eq!(got == "/problems/not-allowed", !allowed, "{at}");
            assert_ne!(got, "/problems/no-key", "{at}");
            asked += 1;
        }
    }
    assert!(asked >= 120, "{asked}");
}

#[test]
fn the_documented_table_of_roles_is_the_one_of_the_routes() {
    let table = table();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let docs = std::fs::read_to_string(root.join("docs/OPERATIONS.md")).unwrap();
    assert!(
        docs.contains(&table),
        "docs/OPERATIONS.md should hold\n{table}"
    );
}

#[tokio::test]
async fn a_key_that_was_revoked_or_ran_out_is_a_strangers() {
    let app = TestServer::new().await;
    let reviewer = key(&app.keys, Role::Reviewer, None).await;
    let ask = || ask(&Method::GET, "/v1/checks", Some(&reviewer));
    assert_eq!(app.send(ask()).await.status, 200);
    let local = Actor::local();
    let all = app.keys.keys(&local).await.unwrap();
    let id = &all.iter().find(|k| k.role == Role::Reviewer).unwrap().id;
    assert!(all.iter().all(|k| !format!("{k:?}").contains(&reviewer)));

    let next = app.keys.rotate(&local, id, 60_000).await.unwrap();
    let with_next = super::access::ask(&Method::GET, "/v1/checks", Some(&next.secret));
    assert_eq!(app.send(with_next).await.status, 200);
    assert_eq!(app.send(ask()).await.status, 200, "it overlaps");
    app.keys.revoke(&local, id).await.unwrap();
    let refused = app.send(ask()).await;
    refused.problem(401, "no-key");
    assert_eq!(refused.header("www-authenticate"), "Bearer");
    assert!(app.keys.rotate(&local, id, 0).await.is_err());

    app.keys.rotate(&local, &next.record.id, 0).await.unwrap();
    let ended = super::access::ask(&Method::GET, "/v1/checks", Some(&next.secret));
    app.send(ended).await.problem(401, "no-key");
}

#[tokio::test]
async fn who_asks_too_often_is_told_when_to_come_back_and_others_are_not() {
    let config = HttpConfig {
        requests_per_minute: 2,
        ..HttpConfig::default()
    };
    let app = TestServer::with(config).await;
    let other = key(&app.keys, Role::Auditor, None).await;
    for _ in 0..2 {
        assert_eq!(app.get("/v1/brands").await.status, 200);
    }
    let refused = app.get("/v1/brands").await;
    refused.problem(429, "too-many-requests");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=31).contains(&seconds), "{seconds}");
    let theirs = app
        .send(ask(&Method::GET, "/v1/brands", Some(&other)))
        .await;
    assert_eq!(theirs.status, 200);
}

#[tokio::test]
async fn a_stranger_holds_no_place_and_sends_no_body() {
    let app = TestServer::with_reference().await;
    let _taken: Vec<_> = (0..2).map(|_| app.assay.try_admit(0).unwrap()).collect();
    let stranger = app.send(ask(&Method::POST, "/v1/checks", None)).await;
    stranger.problem(401, "no-key");
}

/// With a product of each of two brands, and a key that sees the first alone.
async fn two_brands(role: Role) -> (TestServer, String) {
    let app = TestServer::with_reference().await;
    for (path, body) in [
        ("/v1/brands", json!({"id": "bolt", "name": "Bolt"})),
        (
            "/v1/brands/bolt/products",
            json!({"id": "rice", "name": "Rice"}),
        ),
    ] {
        assert_eq!(app.post(path, body).await.status, 201);
    }
    let form = Form::new()
        .text("kind", "pack")
        .picture("image", &Scene::of(2));
    let path = "/v1/brands/bolt/products/rice/references";
    assert_eq!(app.upload(path, form).await.status, 201);
    let key = key(&app.keys, role, Some(&["acme"])).await;
    (app, key)
}

fn with_key(mut request: Request<Body>, key: &str) -> Request<Body> {
    let bearer = format!("Bearer {key}").parse().unwrap();
    request.headers_mut().insert(header::AUTHORIZATION, bearer);
    request
}

/// What is told, without what differs from request to request and without the asked names.
fn told(answer: &Answer, names: &[&str]) -> (u16, Value) {
    let mut body = answer.json();
    body["request_id"] = Value::Null;
    let mut text = body.to_string();
    for name in names {
        text = text.replace(name, "NAME");
    }
    (answer.status.as_u16(), serde_json::from_str(&text).unwrap())
}

#[tokio::test]
async fn another_brand_is_answered_as_one_that_does_not_exist() {
    let (app, owner) = two_brands(Role::Brand).await;
    let brands = app
        .send(ask(&Method::GET, "/v1/brands", Some(&owner)))
        .await;
    let names = brands.json()["brands"].clone();
    assert_eq!(names.as_array().unwrap().len(), 1);
    assert_eq!(names[0]["id"], "acme");
    let routes = routes();
    let of_brands = routes
        .iter()
        .filter(|(_, path, roles)| path.contains("{brand}") && roles.iter().any(|r| r == "brand"));
    let mut asked = 0;
    for (method, path, _) in of_brands {
        let path = path.replace("{product}", "rice").replace("{id}", "x");
        let ask = |brand: &str| {
            let path = path.replace("{brand}", brand);
            let request =
                request(method.clone(), &path).header(header::CONTENT_TYPE, "application/json");
            let body = match *method == Method::PATCH {
                true if path.contains("/references/") => json!({"markets": []}),
                true => json!({"name": "N"}),
                false => json!({"id": "rice", "name": "N"}),
            };
            let body = match path.ends_with("self-test") {
                true => json!({}),
                false => body,
            };
            let request = match path.ends_with("references") || path.ends_with("photos") {
                true if *method == Method::POST => {
                    let form = Form::new()
                        .text("kind", "pack")
                        .picture("image", &Scene::of(3));
                    let form = match path.ends_with("photos") {
                        true => Form::new()
                            .text(word_of(&path), "i")
                            .picture("image", &Scene::of(3)),
                        false => form,
                    };
                    form.request(&path)
                }
                _ => request.body(Body::from(body.to_string())).unwrap(),
            };
            with_key(request, &owner)
        };
        let there = app.send(ask("bolt")).await;
        let nowhere = app.send(ask("none")).await;
        assert_eq!(there.status, 404, "{method} {path}");
        assert_eq!(
            told(&there, &["bolt"]),
            told(&nowhere, &["none"]),
            "{method} {path}"
        );
        asked += 1;
    }
    assert!(asked >= 10, "{asked}");
}

#[tokio::test]
async fn answers_to_who_sees_one_brand_name_no_other() {
    for role in [Role::Pipeline, Role::Brand] {
        let (app, key) = two_brands(role).await;
        let check = async |claim: Option<&str>, scene: &Scene, key: &str| {
            let mut form = Form::new().picture("photo", scene).text("seller_id", "ann");
            if let Some(brand) = claim {
                form = form.text("brand", brand);
            }
            app.send(with_key(form.request("/v1/checks"), key)).await
        };
        // A photo of the other brand's product: claimed as their own, and without a claim.
        for claim in [Some("acme"), None] {
            let answer = check(claim, &Scene::photo(2, "a"), &key).await;
            assert_eq!(answer.status, 200);
            let text = answer.json().to_string();
            assert!(!text.contains("bolt") && !text.contains("rice"), "{text}");
        }
        let foreign = check(Some("bolt"), &Scene::photo(2, "a"), &key).await;
        foreign.problem(404, "not-found");
        // What somebody else had checked of either brand.
        let own = check(Some("acme"), &Scene::photo(2, "b"), &app.key)
            .await
            .json();
        let other = check(Some("bolt"), &Scene::photo(1, "b"), &app.key)
            .await
            .json();
        let unclaimed = check(None, &Scene::photo(2, "c"), &app.key).await.json();
        assert!(own.to_string().contains("bolt"), "{own}");
        let get = async |path: String| app.send(ask(&Method::GET, &path, Some(&key))).await;
        let shown = get(format!("/v1/checks/{}", own["id"].as_str().unwrap())).await;
        let text = shown.json().to_string();
        assert!(shown.status == 200 && !text.contains("bolt"), "{text}");
        assert_eq!(shown.json()["seller_id"].is_null(), role == Role::Brand);
        for hidden in [&other, &unclaimed] {
            let id = hidden["id"].as_str().unwrap();
            get(format!("/v1/checks/{id}"))
                .await
                .problem(404, "not-found");
            let picture = get(format!("/v1/checks/{id}/photos/0/evidence.png")).await;
            picture.problem(404, "not-found");
        }
        let listed = get("/v1/checks".to_owned()).await.json();
        let claims: BTreeMap<String, usize> = listed["checks"].as_array().unwrap().iter().fold(
            BTreeMap::new(),
            |mut counts, check| {
                *counts
                    .entry(check["claim"]["brand"].to_string())
                    .or_default() += 1;
                counts
            },
        );
        assert_eq!(claims, BTreeMap::from([("\"acme\"".to_owned(), 2)]));
        get("/v1/checks?brand=bolt".to_owned())
            .await
            .problem(404, "not-found");
    }
}

#[tokio::test]
async fn only_who_sees_a_brand_hears_that_its_reference_is_lost() {
    let (app, owner) = two_brands(Role::Brand).await;
    let name = Sha256::of(&Scene::of(2).bytes()).to_string();
    let mut folders = vec![app.data.path().to_owned()];
    let mut removed = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.to_string_lossy().contains(&name) {
                std::fs::remove_file(path).unwrap();
                removed += 1;
            }
        }
    }
    assert!(removed > 0);
    // The next check finds out, and says so.
    let form = Form::new()
        .picture("photo", &Scene::photo(2, "a"))
        .text("brand", "bolt");
    app.upload("/v1/checks", form).await;
    for (key, seen) in [(None, 0), (Some(&*owner), 0), (Some(&*app.key), 1)] {
        let ready = app.send(ask(&Method::GET, "/readyz", key)).await;
        let lost = ready.json()["lost_references"].as_array().unwrap().len();
        assert_eq!(lost, seen, "{key:?}");
    }
}

#[tokio::test]
async fn an_administrators_key_is_made_once_although_others_came_first() {
    let store = tempfile::tempdir().unwrap();
    let database = Arc::new(sqlite::open(store.path()).await.unwrap());
    let keys = KeyRing::new(database);
    key(&keys, Role::Pipeline, None).await;
    let made = keys.create_first(|_| Ok(())).await.unwrap().unwrap();
    let admin = keys.actor(&made.secret).await.unwrap().unwrap();
    assert_eq!(admin.role(), Role::Admin);
    keys.revoke(&Actor::local(), &made.record.id).await.unwrap();
    // Who revoked it does not want it back at the next start.
    assert!(keys.create_first(|_| Ok(())).await.unwrap().is_none());
}

#[tokio::test]
async fn a_key_that_its_owner_did_not_get_counts_for_nothing() {
    let store = tempfile::tempdir().unwrap();
    let keys = KeyRing::new(Arc::new(sqlite::open(store.path()).await.unwrap()));
    let mut told = String::new();
    let failed = keys.create_first(|secret| {
        secret.clone_into(&mut told);
        Err(StoreError::Full("no room".into()))
    });
    assert!(failed.await.is_err());
    assert_eq!(keys.actor(&told).await.unwrap(), None);
}

#[tokio::test]
async fn uses_are_noted_and_who_holds_a_key_can_read_where_they_cannot_be() {
    let app = TestServer::new().await;
    let used = async || app.keys.keys(&Actor::local()).await.unwrap()[0].used_ms;
    assert_eq!(used().await, None);
    let mut database = database(app.data.path()).await;
    let refuse = "CREATE TRIGGER full BEFORE UPDATE OF used_ms ON keys BEGIN SELECT RAISE(ABORT, 'full'); END";
    sqlx::query(refuse).execute(&mut database).await.unwrap();
    assert_eq!(app.get("/v1/brands").await.status, 200);
    assert_eq!(used().await, None);
    sqlx::query("DROP TRIGGER full")
        .execute(&mut database)
        .await
        .unwrap();
    assert_eq!(app.get("/v1/brands").await.status, 200);
    assert!(used().await.is_some());
}

/// What the form of a photo says besides its picture.
fn word_of(path: &str) -> &'static str {
    match path.ends_with("authorised-photos") {
        true => "note",
        false => "item",
    }
}
