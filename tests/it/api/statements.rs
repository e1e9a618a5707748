//! Statements of reasons: in which form and language, for whom, and that nothing callers sent leaves
//! its place.

use std::{fs, path::Path};

use assay::{
    checker::actor::Role,
    config::HttpConfig,
    contract::{HelpCode, ReasonCode, statement::StatementAnswer},
    statement::{Templates, write_built_in},
};
use axum::{
    body::Body,
    http::{Method, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use tempfile::TempDir;

use super::{Answer, Form, TestServer, key, request};
use crate::support::{app::Shipped, vision::Scene};

const EVIL: &str = "<script>alert('x')</script>";

/// A server that flags everything, and the path of the statement on a check of acme / oat. Its mark
/// and its listing are named like a script.
async fn deviating(words: Templates) -> (TestServer, String) {
    let app = TestServer::start(HttpConfig::default(), Shipped::Strict, words).await;
    app.create_product().await;
    let region = json!([[0.3, 0.19], [0.45, 0.19], [0.45, 0.35], [0.3, 0.35]]);
    let marks = json!([{"name": EVIL, "kind": "logo", "region": region}]);
    let form = Form::new()
        .text("kind", "pack")
        .text("marks", &marks.to_string())
        .picture("image", &Scene::of(1));
    let path = "/v1/brands/acme/products/oat/references";
    assert_eq!(app.upload(path, form).await.status, 201);
    let photo = Scene {
        overprinted: &[(200, 100)],
        ..Scene::photo(1, "a")
    };
    let form = Form::new()
        .text("brand", "acme")
        .text("product", "oat")
        .text("listing_id", EVIL)
        .text("seller_id", "ann")
        .picture("photo", &photo);
    let check = app.upload("/v1/checks", form).await.json();
    assert_eq!(check["verdict"], "deviates", "{check}");
    let path = format!("/v1/checks/{}/statement", check["id"].as_str().unwrap());
    (app, path)
}

async fn get(app: &TestServer, path: &str, headers: &[(header::HeaderName, &str)]) -> Answer {
    let mut request = request(Method::GET, path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    app.send(request.body(Body::empty()).unwrap()).await
}

fn built_in() -> Templates {
    Templates::open(None).unwrap()
}

fn text(answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn a_statement_tells_what_was_found_and_what_would_help() {
    let (app, path) = deviating(built_in()).await;
    let answer: StatementAnswer = serde_json::from_value(app.get(&path).await.json()).unwrap();
    assert!(path.contains(&answer.check) && answer.how_to_dispute.contains(&answer.check));
    assert!(answer.automated);
    assert_eq!(answer.listing_id.as_deref(), Some(EVIL));
    assert_eq!(answer.compared[0].product.as_ref().unwrap().product, "oat");
    let differs =
        |f: &&assay::contract::statement::FindingAnswer| f.code == ReasonCode::MarkDiffers;
    let finding = answer.findings.iter().find(differs).unwrap();
    assert_eq!(finding.mark.as_deref(), Some(EVIL));
    assert!(finding.place.is_some() && finding.sentence.contains(EVIL));
    assert!(
        answer
            .what_would_help
            .iter()
            .any(|h| h.code == HelpCode::CloseUp)
    );
    app.get("/v1/checks/none/statement")
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn the_page_stands_alone_and_takes_nothing_that_callers_sent_for_markup() {
    let (app, path) = deviating(built_in()).await;
    let answer = app.get(&format!("{path}?format=html")).await;
    let page = text(&answer);
    assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
    assert_eq!(answer.header("content-language"), "en");
    let policy = answer.header("content-security-policy");
    assert!(
        policy.contains("style-src 'unsafe-inline'; img-src data:") && !policy.contains("script")
    );
    assert!(!page.contains("<script"), "{page}");
    // As the listing and as the mark.
    assert!(page.matches("&lt;script&gt;").count() >= 2, "{page}");
    // What the painter of these tests draws.
    let drawn = STANDARD.encode("PNG 960x640 deviates");
    assert!(
        page.contains(&format!("src=\"data:image/png;base64,{drawn}\"")),
        "{page}"
    );
    // Other answers keep the strict policy.
    let json = app.get(&path).await;
    assert!(
        !json
            .header("content-security-policy")
            .contains("unsafe-inline")
    );
}

#[tokio::test]
async fn a_lost_picture_leaves_the_words() {
    let (app, path) = deviating(built_in()).await;
    let mut folders = vec![app.data.path().join("images")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => fs::remove_file(path).unwrap(),
            }
        }
    }
    let page = text(&app.get(&format!("{path}?format=html")).await);
    assert!(!page.contains("<img") && page.contains("This differs from the reference image"));
}

#[tokio::test]
async fn the_form_follows_the_header_and_the_query_wins() {
    let (app, path) = deviating(built_in()).await;
    let accept = async |value: &str, query: &str| {
        let path = format!("{path}{query}");
        let answer = get(&app, &path, &[(header::ACCEPT, value)]).await;
        assert_eq!(answer.status, 200);
        answer.header("content-type").to_owned()
    };
    assert_eq!(accept("*/*", "").await, "application/json");
    assert_eq!(accept("text/plain", "").await, "text/plain; charset=utf-8");
    assert_eq!(accept("text/html", "").await, "text/html; charset=utf-8");
    assert_eq!(
        accept("text/html", "?format=text").await,
        "text/plain; charset=utf-8"
    );
    assert_eq!(
        accept("text/html", "?format=json").await,
        "application/json"
    );
    app.get(&format!("{path}?format=pdf"))
        .await
        .invalid("format");
    app.get(&format!("{path}?language=../de"))
        .await
        .invalid("language");
    app.get(&format!("{path}?speak=de")).await.invalid("speak");
}

/// A translation of everything into one word of German, as an operator may write one.
fn german(folder: &Path) {
    let german = folder.join("de");
    write_built_in(&german).unwrap();
    for (file, from, to) in [
        (
            "sentences.toml",
            "This differs from the reference image",
            "Das weicht ab",
        ),
        (
            "statement.txt",
            "This was automated",
            "Das geschah automatisch",
        ),
        (
            "statement.html",
            "This was automated",
            "Das geschah automatisch",
        ),
    ] {
        let path = german.join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replace(from, to)).unwrap();
    }
}

#[tokio::test]
async fn an_operators_language_is_spoken_to_whom_asks_for_it() {
    let folder = TempDir::new().unwrap();
    german(folder.path());
    let (app, path) = deviating(Templates::open(Some(folder.path())).unwrap()).await;
    let spoken = async |wanted: &str, query: &str| {
        let path = format!("{path}?format=text{query}");
        let answer = get(&app, &path, &[(header::ACCEPT_LANGUAGE, wanted)]).await;
        let language = answer.header("content-language").to_owned();
        let text = text(&answer);
        assert_eq!(text.contains("Das weicht ab"), language == "de", "{text}");
        assert_eq!(
            text.contains("Das geschah automatisch"),
            language == "de",
            "{text}"
        );
        language
    };
    assert_eq!(spoken("de-AT, en;q=0.5", "").await, "de");
    assert_eq!(spoken("en, de;q=0.5", "").await, "en");
    assert_eq!(spoken("fr", "").await, "en");
    assert_eq!(spoken("en", "&language=de-CH").await, "de");
    assert_eq!(spoken("de", "&language=fr").await, "en");
    let page = text(&app.get(&format!("{path}?format=html&language=de")).await);
    assert!(page.contains("<html lang=\"de\">"), "{page}");
    let answer = app.get(&format!("{path}?language=de")).await.json();
    assert_eq!(answer["language"], "de");
}

#[tokio::test]
async fn only_who_may_read_the_check_reads_its_statement() {
    let (app, path) = deviating(built_in()).await;
    let bolt = json!({"id": "bolt", "name": "Bolt"});
    assert_eq!(app.post("/v1/brands", bolt).await.status, 201);
    let ask = async |role, brand: &str| {
        let key = key(&app.keys, role, Some(&[brand])).await;
        let bearer = format!("Bearer {key}");
        get(&app, &path, &[(header::AUTHORIZATION, &bearer)]).await
    };
    for role in [Role::Brand, Role::Pipeline] {
        ask(role, "bolt").await.problem(404, "not-found");
        let own = ask(role, "acme").await;
        assert_eq!(own.status, 200);
        // A brand's owner is not told which listing it is.
        assert_eq!(own.json()["listing_id"].is_null(), role == Role::Brand);
        assert!(!own.json().to_string().contains("ann"));
    }
}

#[tokio::test]
async fn another_product_is_told_as_another_and_not_by_its_name() {
    let app = TestServer::start(HttpConfig::default(), Shipped::Strict, built_in()).await;
    app.create_product().await;
    let bolt = json!({"id": "bolt", "name": "Bolt"});
    let rice = json!({"id": "rice", "name": "Rice"});
    assert_eq!(app.post("/v1/brands", bolt).await.status, 201);
    assert_eq!(app.post("/v1/brands/bolt/products", rice).await.status, 201);
    for (path, pack) in [("acme/products/oat", 1), ("bolt/products/rice", 2)] {
        let form = Form::new()
            .text("kind", "pack")
            .picture("image", &Scene::of(pack));
        let path = format!("/v1/brands/{path}/references");
        assert_eq!(app.upload(&path, form).await.status, 201);
    }
    let form = Form::new()
        .text("brand", "acme")
        .text("product", "oat")
        .picture("photo", &Scene::photo(2, "a"));
    let check = app.upload("/v1/checks", form).await.json();
    assert!(check.to_string().contains("bolt"), "{check}");
    let id = check["id"].as_str().unwrap();
    for form in ["json", "text", "html"] {
        let told = text(
            &app.get(&format!("/v1/checks/{id}/statement?format={form}"))
                .await,
        );
        assert!(!told.contains("bolt") && !told.contains("rice"), "{told}");
        assert!(told.contains("Another product"), "{told}");
    }
}

#[tokio::test]
async fn who_was_decided_about_is_told_so_but_not_by_whom_or_why() {
    let (app, path) = deviating(built_in()).await;
    let review = format!("{}/review", path.trim_end_matches("/statement"));
    for (outcome, words, helps) in [
        ("overturn", "the listing is in order", false),
        ("uphold", "confirmed what was found", true),
    ] {
        let claimed = app.send(
            request(Method::POST, &format!("{review}/claim"))
                .body(Body::empty())
                .unwrap(),
        );
        assert_eq!(claimed.await.status, 200);
        let decision = json!({"outcome": outcome, "reason": "seen by the seam"});
        let kept = app.post(&format!("{review}/decisions"), decision).await;
        assert_eq!(kept.status, 201, "{:?}", kept.body);
        let answer = app.get(&path).await.json();
        assert_eq!(answer["automated"], false);
        assert_eq!(answer["decision"]["outcome"], outcome);
        let helped = answer["what_would_help"].as_array().unwrap();
        assert_eq!(!helped.is_empty(), helps, "{outcome}");
        for format in ["text", "html"] {
            let told = text(&app.get(&format!("{path}?format={format}")).await);
            assert!(
                told.contains(words) && told.contains("A person decided at"),
                "{told}"
            );
            assert!(
                !told.contains("seam") && !told.contains("No person"),
                "{told}"
            );
        }
    }
}
