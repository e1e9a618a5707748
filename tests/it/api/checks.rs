//! Checks: asking for one, reading it again, page by page, and its evidence.

use assay::contract::{Action, Verdict, answer::CheckAnswer};
use serde_json::{Value, json};

use super::{Form, TestServer};
use crate::support::vision::Scene;

fn claim() -> Form {
    Form::new().text("brand", "acme").text("product", "oat")
}

async fn check(app: &TestServer, form: Form) -> Value {
    let answer = app.upload("/v1/checks", form).await;
    assert_eq!(answer.status, 200, "{:?}", answer.body);
    answer.json()
}

#[tokio::test]
async fn a_check_answers_as_the_contract_says_and_can_be_read_again() {
    let app = TestServer::with_reference().await;
    let form = claim()
        .text("listing_id", "l-1")
        .text("seller_id", "s-1")
        .picture("photo", &Scene::photo(1, "a"));
    let body = check(&app, form).await;
    let answer: CheckAnswer = serde_json::from_value(body.clone()).unwrap();
    assert_eq!(answer.verdict, Verdict::Consistent, "{body}");
    assert_eq!(answer.action, Action::Allow);
    assert_eq!(body["claim"], json!({"brand": "acme", "product": "oat"}));
    assert_eq!(
        (answer.listing_id.as_deref(), answer.seller_id.as_deref()),
        (Some("l-1"), Some("s-1"))
    );
    assert_eq!(
        (
            answer.photos.len(),
            answer.photos[0].width,
            answer.photos[0].height
        ),
        (1, 960, 640)
    );
    assert_eq!(answer.photos[0].matches[0].product, "oat");
    assert_eq!(
        app.get(&format!("/v1/checks/{}", answer.id)).await.json(),
        body
    );
    app.get("/v1/checks/none").await.problem(404, "not-found");
}

#[tokio::test]
async fn what_an_answer_was_judged_by_can_be_read_and_its_p_value_worked_out() {
    let app = TestServer::with_reference().await;
    let ask = async || check(&app, claim().picture("photo", &Scene::photo(1, "a"))).await;
    let (first, second) = (ask().await, ask().await);
    let named = |body: &Value| {
        body["calibration"]["operating_point"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(named(&first), named(&second), "the same point is kept once");
    let point = app
        .get(&format!("/v1/calibrations/{}", named(&first)))
        .await
        .json();
    let told = &first["calibration"];
    for field in ["source", "budget", "bound_95", "items"] {
        assert_eq!(point[field], told[field], "{point}");
    }
    assert_eq!(point["calibration"], told["id"]);
    for field in ["models", "program", "similarity_rule"] {
        assert_eq!(point[field], first[field], "{point}");
    }
    // The photo's scores are above all of these: p is the share of all of them, and the photo, times
    // the questions, at most 1.
    let questions = point["questions"].as_f64().unwrap();
    for scores in point["scores"].as_object().unwrap().values() {
        let scores = scores.as_array().unwrap();
        let weights: f64 = scores.iter().map(|s| s[1].as_f64().unwrap()).sum();
        assert!((weights - scores.len() as f64).abs() < 1e-6, "{point}");
    }
    let p = (questions * 1.0).min(1.0);
    assert_eq!(first["photos"][0]["p_value"].as_f64(), Some(p), "{first}");
    app.get("/v1/calibrations/none")
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn without_a_claim_photos_are_identified() {
    let app = TestServer::with_reference().await;
    let body = check(&app, Form::new().picture("photo", &Scene::photo(1, "a"))).await;
    assert_eq!(body["claim"], Value::Null);
    assert_eq!(body["photos"][0]["matches"][0]["product"], "oat", "{body}");
}

#[tokio::test]
async fn one_bad_photo_does_not_spoil_the_others() {
    let app = TestServer::with_reference().await;
    let form = claim()
        .picture("photo", &Scene::photo(1, "a"))
        .file("photo", b"")
        .file("photo", b"no picture");
    let body = check(&app, form.picture("photo", &Scene::photo(1, "b"))).await;
    let error = |n: usize| body["photos"][n]["error"]["kind"].clone();
    assert_eq!((error(0), error(3)), (Value::Null, Value::Null));
    assert_eq!(
        (error(1), error(2)),
        (json!("photo-empty"), json!("photo-unsupported-format"))
    );
    assert_eq!(body["photos"][1]["verdict"], "not_comparable");
    assert_eq!(body["photos"][3]["matches"][0]["product"], "oat");
}

#[tokio::test]
async fn what_a_check_may_not_hold_is_refused_by_name() {
    let app = TestServer::with_reference().await;
    let refused = async |form: Form| app.upload("/v1/checks", form).await;
    let photo = || Form::new().picture("photo", &Scene::photo(1, "a"));
    refused(claim()).await.invalid("photo");
    refused(photo().text("product", "oat"))
        .await
        .invalid("product");
    refused(photo().text("brand", "Not An Id"))
        .await
        .invalid("brand");
    refused(photo().text("brand", "")).await.invalid("brand");
    refused(photo().text("brand", "acme").text("brand", "acme"))
        .await
        .invalid("brand");
    refused(photo().text("budget", "0.5"))
        .await
        .invalid("budget");
    let typed = refused(Form::new().text("photo", "photo.jpg")).await;
    assert!(typed.invalid("photo").contains("=@"), "no file was chosen");
    let twelve = (0..12).fold(Form::new(), |form, _| form.file("photo", b"x"));
    assert!(
        refused(twelve.clone().file("photo", b"x"))
            .await
            .invalid("photo")
            .contains("12")
    );
    assert_eq!(refused(twelve).await.status, 200);
    let rice = refused(photo().text("brand", "acme").text("product", "rice")).await;
    assert!(rice.problem(404, "not-found").contains("rice"));
}

#[tokio::test]
async fn checks_are_listed_newest_first_page_by_page() {
    let app = TestServer::with_reference().await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let form = if n == 2 { Form::new() } else { claim() };
        let body = check(
            &app,
            form.file("photo", format!("no picture {n}").as_bytes()),
        )
        .await;
        ids.insert(0, body["id"].as_str().unwrap().to_owned());
    }
    let (mut listed, mut pages, mut cursor) = (Vec::new(), Vec::new(), String::new());
    loop {
        let page = app.get(&format!("/v1/checks?limit=2{cursor}")).await.json();
        let checks = page["checks"].as_array().unwrap();
        pages.push(checks.len());
        listed.extend(checks.iter().map(|c| c["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next_cursor"].as_str() else {
            break;
        };
        cursor = format!("&cursor={next}");
    }
    assert_eq!((listed, pages), (ids.clone(), vec![2, 2, 1]));
    let of_brand = app.get("/v1/checks?brand=acme").await.json();
    assert_eq!(
        (
            of_brand["checks"].as_array().unwrap().len(),
            &of_brand["next_cursor"]
        ),
        (4, &Value::Null)
    );
    let verdict = |v: &str| format!("/v1/checks?verdict={v}&limit=5");
    let listed = app.get(&verdict("not_comparable")).await.json();
    assert_eq!(
        (
            listed["checks"].as_array().unwrap().len(),
            &listed["next_cursor"]
        ),
        (5, &Value::Null)
    );
    assert_eq!(
        app.get(&verdict("deviates")).await.json()["checks"],
        json!([])
    );
}

#[tokio::test]
async fn a_list_refuses_what_it_does_not_know() {
    let app = TestServer::new().await;
    assert!(
        app.get("/v1/checks?verdict=counterfeit")
            .await
            .invalid("verdict")
            .contains("`deviates`")
    );
    app.get("/v1/checks?limit=0").await.invalid("limit");
    app.get("/v1/checks?limit=101").await.invalid("limit");
    app.get("/v1/checks?limit=many").await.invalid("limit");
    app.get("/v1/checks?brand=Not%20An%20Id")
        .await
        .invalid("brand");
    app.get("/v1/checks?cursor=0198c1f66d0e7c3b9a512f4f0c3b7a10")
        .await
        .invalid("cursor");
    for (query, named) in [
        ("seller=s", "seller"),
        ("limit=many", "invalid digit"),
        ("brand=a&brand=b", "brand"),
    ] {
        let detail = app
            .get(&format!("/v1/checks?{query}"))
            .await
            .problem(422, "invalid-field");
        assert!(detail.contains(named), "{detail}");
    }
}

#[tokio::test]
async fn evidence_is_drawn_for_a_photo_that_was_accepted() {
    let app = TestServer::with_reference().await;
    let body = check(
        &app,
        claim()
            .picture("photo", &Scene::photo(1, "a"))
            .file("photo", b"no picture"),
    )
    .await;
    let evidence = async |n: &str| {
        let id = body["id"].as_str().unwrap();
        app.get(&format!("/v1/checks/{id}/photos/{n}/evidence.png"))
            .await
    };
    let drawn = evidence("0").await;
    assert_eq!(
        (drawn.status.as_u16(), drawn.header("content-type")),
        (200, "image/png")
    );
    assert_eq!(drawn.body, "PNG 960x640 consistent");
    evidence("1").await.problem(404, "not-found");
    evidence("2").await.problem(404, "not-found");
    evidence("first").await.problem(400, "malformed-request");
    app.get("/v1/checks/none/photos/0/evidence.png")
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn what_departs_from_the_reference_is_drawn_where_it_lies() {
    let app = TestServer::with_reference().await;
    let drawn = async |photo: Scene| {
        let form = Form::new()
            .picture("photo", &photo)
            .text("brand", "acme")
            .text("product", "oat");
        let answer = app.upload("/v1/checks", form).await.json();
        let path = format!("/v1/checks/{}/photos/0", answer["id"].as_str().unwrap());
        let map = app.get(&format!("{path}/deviations.svg")).await;
        assert_eq!(map.status, 200, "{:?}", map.body);
        assert_eq!(map.header("content-type"), "image/svg+xml");
        app.get(&format!("{path}/deviations.svg?m=7"))
            .await
            .problem(404, "not-found");
        String::from_utf8(map.body.to_vec()).unwrap()
    };
    let genuine = drawn(Scene::photo(1, "a")).await;
    let changed = drawn(Scene {
        overprinted: &[(200, 100)],
        ..Scene::photo(1, "a")
    })
    .await;
    let places = |svg: &str| svg.matches("<path").count();
    assert!(places(&changed) > places(&genuine), "{changed}");
    app.get("/v1/checks/none/photos/0/deviations.svg")
        .await
        .problem(404, "not-found");
}
