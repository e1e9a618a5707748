//! The pages of brands: an owner sees and changes its own brand and no other, every word of others
//! stays a word, and nothing of sellers is told.

use assay::{
    checker::{
        actor::{Actor, Role},
        records::{Brand, Product, Settings},
    },
    domain::gallery::ProductKey,
};
use axum::{
    body::Body,
    http::{Method, header},
};
use serde_json::{Value, json};

use super::{
    Form, TestServer, form_request, key,
    pages::{EVIL, Page, open, sign_in, submit, visit},
    request,
};
use crate::support::vision::Scene;

const OAT: &str = "/brands/acme/products/oat";

/// Somebody of a role who signed in, a brand's owner of this brand.
async fn signed_in(app: &TestServer, role: Role, brand: &str) -> (String, String) {
    let brands: Option<&[&str]> = (role == Role::Brand).then_some(std::slice::from_ref(&brand));
    sign_in(app, &key(&app.keys, role, brands).await).await
}

/// A form with files, as a browser without scripts sends it.
async fn send(app: &TestServer, path: &str, cookie: &str, form: Form) -> Page {
    let request = form_request(path).header(header::COOKIE, cookie);
    visit(app, request.body(Body::from(form.body())).unwrap()).await
}

/// The only reference of the product.
async fn reference(app: &TestServer) -> Value {
    let list = app.get(&format!("/v1{OAT}/references")).await.json();
    list["references"][0].clone()
}

/// A photo of the first pack, claimed to be the product, by a seller whose every word is evil.
async fn check(app: &TestServer) -> String {
    let form = Form::new()
        .picture("photo", &Scene::photo(1, "a"))
        .text("brand", "acme")
        .text("product", "oat")
        .text("listing_id", EVIL)
        .text("seller_id", EVIL);
    let answer = app.upload("/v1/checks", form).await.json();
    answer["verdict"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_owner_is_led_to_its_brand_and_sees_no_other() {
    let app = TestServer::with_reference().await;
    let (cookie, token) = signed_in(&app, Role::Brand, "acme").await;
    let home = open(&app, "/", &cookie).await;
    assert_eq!(
        (home.status.as_u16(), home.header("location")),
        (307, "/brands")
    );
    let list = open(&app, "/brands", &cookie).await;
    assert_eq!(
        (list.status.as_u16(), list.header("location")),
        (303, "/brands/acme")
    );
    let brand = open(&app, "/brands/acme", &cookie).await;
    assert_eq!(brand.status, 200, "{}", brand.html);
    assert!(brand.html.contains(OAT) && brand.html.contains("299 of 299 items are missing"));

    let id = reference(&app).await["id"].as_str().unwrap().to_owned();
    let (other, their_token) = signed_in(&app, Role::Brand, "bolt").await;
    let mut asked = 0;
    for (method, pattern, roles) in assay::http::pages() {
        if !pattern.starts_with("/brands/") {
            continue;
        }
        assert!(
            roles.contains(&"brand") && !roles.contains(&"pipeline"),
            "{pattern}"
        );
        let path = pattern
            .replace("{brand}", "acme")
            .replace("{product}", "oat")
            .replace("{id}", &id);
        let fields = "&id=new&name=New&budget=&retired=&markets=DE";
        let page = match (
            method == Method::GET,
            pattern.ends_with("ences") || pattern.ends_with("photos"),
        ) {
            (true, _) => open(&app, &path, &other).await,
            (false, false) => {
                submit(&app, &path, &other, &format!("token={their_token}{fields}")).await
            }
            (false, true) => {
                let form = Form::new().text("token", &their_token).text("kind", "pack");
                let form = if pattern.ends_with("photos") {
                    let word = match pattern.ends_with("authorised-photos") {
                        true => "note",
                        false => "item",
                    };
                    Form::new().text("token", &their_token).text(word, "1")
                } else {
                    form
                };
                send(&app, &path, &other, form.picture("image", &Scene::of(2))).await
            }
        };
        assert_eq!(page.status, 404, "{method} {path} {}", page.html);
        asked += 1;
    }
    assert!(asked >= 11, "{asked}");
    let statistics =
        request(Method::GET, "/v1/brands/acme/statistics").header(header::COOKIE, &other);
    let hidden = app.router.clone();
    let hidden = tower::ServiceExt::oneshot(hidden, statistics.body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(hidden.status(), 404);
    // Nothing came of it, and the owner itself may.
    assert_eq!(reference(&app).await["id"], id.as_str());
    let removed = submit(
        &app,
        &format!("{OAT}/references/{id}/remove"),
        &cookie,
        &format!("token={token}"),
    )
    .await;
    assert_eq!(
        (removed.status.as_u16(), removed.header("location")),
        (303, OAT)
    );
    assert!(reference(&app).await.is_null());
}

#[tokio::test]
async fn who_may_not_change_a_brand_is_shown_no_form_for_it() {
    let app = TestServer::with_reference().await;
    for (role, edits) in [
        (Role::Admin, true),
        (Role::Brand, true),
        (Role::Reviewer, false),
        (Role::Auditor, false),
    ] {
        let (cookie, token) = signed_in(&app, role, "acme").await;
        for path in ["/brands/acme", OAT] {
            let page = open(&app, path, &cookie).await;
            assert_eq!(page.status, 200);
            let forms = page.html.matches("<form").count();
            assert_eq!(forms > 1, edits, "{path} as {}: {forms}", role.name());
            assert_eq!(page.html.contains("form-token"), edits && path == OAT);
        }
        let renamed = submit(
            &app,
            OAT,
            &cookie,
            &format!("token={token}&name=Oat&budget=2&retired="),
        )
        .await;
        assert_eq!(renamed.status.as_u16(), if edits { 303 } else { 403 });
    }
    let product = app.get(&format!("/v1{OAT}")).await.json();
    assert_eq!(
        (&product["name"], &product["budget"]),
        (&json!("Oat"), &json!(0.02))
    );
    let (pipeline, _) = signed_in(&app, Role::Pipeline, "").await;
    assert_eq!(open(&app, "/brands", &pipeline).await.status, 403);
}

#[tokio::test]
async fn a_product_is_made_given_a_picture_and_photos_and_renamed_without_scripts() {
    let app = TestServer::with_reference().await;
    let (cookie, token) = signed_in(&app, Role::Brand, "acme").await;
    let form = |fields: &str| format!("token={token}&{fields}");
    let made = submit(
        &app,
        "/brands/acme/products",
        &cookie,
        &form("id=rice&name=Rice+drink"),
    )
    .await;
    let rice = "/brands/acme/products/rice";
    assert_eq!((made.status.as_u16(), made.header("location")), (303, rice));
    let bad = submit(
        &app,
        "/brands/acme/products",
        &cookie,
        &form("id=Rice!&name=x"),
    )
    .await;
    assert!(
        bad.status == 422 && bad.html.contains("is not an id"),
        "{}",
        bad.html
    );

    let picture = |token: &str, view: &str| {
        let form = Form::new()
            .text("token", token)
            .text("kind", "pack")
            .text("view", view);
        form.picture("image", &Scene::of(2))
    };
    let references = format!("{rice}/references");
    for wrong in ["", "x"] {
        let forged = send(&app, &references, &cookie, picture(wrong, "")).await;
        assert!(forged.status == 403 && forged.html.contains("open the page again"));
    }
    // A browser sends what was not filled as an empty field.
    let sent = send(&app, &references, &cookie, picture(&token, "")).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    assert!(sent.header("location").starts_with(&format!("{rice}#r-")));
    let again = send(&app, &references, &cookie, picture(&token, "front")).await;
    assert_eq!(again.status, 409, "{}", again.html);

    let photos = format!("{rice}/genuine-photos");
    let photo = |token: &str| {
        let form = Form::new().text("token", token).text("item", EVIL);
        form.picture("image", &Scene::photo(2, "a"))
    };
    assert_eq!(send(&app, &photos, &cookie, photo("x")).await.status, 403);
    let sent = send(&app, &photos, &cookie, photo(&token)).await;
    assert_eq!(sent.status, 303, "{}", sent.html);
    let page = open(&app, rice, &cookie).await;
    assert!(
        page.html.contains("&#60;script&#62;alert(1)"),
        "{}",
        page.html
    );
    assert!(
        page.html.contains("usable</span>") && page.html.contains("298 more items"),
        "{}",
        page.html
    );
    let list = app.get(&format!("/v1{photos}")).await.json();
    let id = list["genuine_photos"][0]["id"].as_str().unwrap();
    let remove = format!("{photos}/{id}/remove");
    let asked = open(&app, &remove, &cookie).await;
    assert!(asked.status == 200 && asked.html.contains("&#60;script&#62;"));
    assert_eq!(submit(&app, &remove, &cookie, &form("")).await.status, 303);
    assert_eq!(open(&app, &remove, &cookie).await.status, 404);
    assert!(
        !open(&app, rice, &cookie)
            .await
            .html
            .contains("&#60;script&#62;")
    );

    let retired = submit(&app, rice, &cookie, &form("name=Rice&budget=5&retired=yes")).await;
    assert_eq!(retired.status, 303);
    let page = open(&app, rice, &cookie).await;
    assert!(
        page.html.contains("retired</span>") && page.html.contains("value=\"5\""),
        "{}",
        page.html
    );
}

#[tokio::test]
async fn names_of_others_are_only_ever_text() {
    let app = TestServer::with_reference().await;
    let (actor, settings) = (Actor::local(), Settings::default());
    let brand = Brand {
        id: "evil".into(),
        name: EVIL.into(),
        settings,
    };
    app.assay.create_brand(&actor, brand).await.unwrap();
    let product = Product {
        key: ProductKey {
            brand: "evil".into(),
            product: "p".into(),
        },
        name: EVIL.into(),
        settings,
    };
    app.assay.create_product(&actor, product).await.unwrap();
    let mark = json!([{"name": EVIL, "kind": "text", "text": EVIL, "region": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}]);
    let form = Form::new()
        .text("kind", "pack")
        .text("view", EVIL)
        .text("marks", &mark.to_string());
    let sent = app
        .upload(
            "/v1/brands/evil/products/p/references",
            form.picture("image", &Scene::of(3)),
        )
        .await;
    assert_eq!(sent.status, 201, "{}", sent.json());
    let (cookie, _) = signed_in(&app, Role::Admin, "").await;
    for (path, times) in [
        ("/brands", 1),
        ("/brands/evil", 3),
        ("/brands/evil/products/p", 7),
    ] {
        let page = open(&app, path, &cookie).await;
        assert_eq!(page.status, 200, "{}", page.html);
        // That no page holds it as more than text is looked at wherever a page is opened.
        let text = page.html.matches("&#60;script&#62;alert(1)").count();
        assert!(text >= times, "{path}: {text}\n{}", page.html);
    }
}

#[tokio::test]
async fn what_was_checked_is_counted_without_the_seller() {
    let app = TestServer::with_reference().await;
    let verdict = check(&app).await;
    check(&app).await;
    let (cookie, _) = signed_in(&app, Role::Brand, "acme").await;
    let answer = app.get("/v1/brands/acme/statistics").await;
    let statistics = answer.json();
    assert_eq!(answer.status, 200, "{statistics}");
    let days = statistics["days"].as_array().unwrap();
    assert_eq!(days.len(), 30);
    assert_eq!(days[29]["verdicts"], json!({&verdict: 2}));
    assert!(
        days[..29].iter().all(|d| d["verdicts"] == json!({})),
        "{statistics}"
    );
    assert_eq!(statistics["products"], json!({"oat": 2}));
    assert_eq!(
        statistics["decided"],
        json!({"upheld": 0, "overturned": 0, "overturned_share": null, "overturned_wilson_95": null})
    );
    let page = open(&app, "/brands/acme", &cookie).await;
    assert!(
        page.html.contains("2 checks from ") && !page.html.contains("alert(1)"),
        "{}",
        page.html
    );
    assert!(!statistics.to_string().contains("alert"), "{statistics}");

    assert_eq!(
        app.get("/v1/brands/acme/statistics?days=1").await.json()["days"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    for days in ["0", "93"] {
        app.get(&format!("/v1/brands/acme/statistics?days={days}"))
            .await
            .invalid("days");
    }
    app.get("/v1/brands/nobody/statistics")
        .await
        .problem(404, "not-found");
}
