//! Brands, products, references and genuine photos.

use serde_json::json;

use super::{Form, TestServer};
use crate::support::vision::Scene;

const REFERENCES: &str = "/v1/brands/acme/products/oat/references";
const GENUINE: &str = "/v1/brands/acme/products/oat/genuine-photos";

fn claim() -> Form {
    Form::new().text("brand", "acme").text("product", "oat")
}

#[tokio::test]
async fn a_brand_is_created_once_however_often_it_is_sent() {
    let app = TestServer::new().await;
    for _ in 0..2 {
        let created = app
            .post("/v1/brands", json!({"id": "acme", "name": "Acme"}))
            .await;
        assert_eq!(
            (created.status.as_u16(), created.header("location")),
            (201, "/v1/brands/acme")
        );
        assert_eq!(
            created.json(),
            json!({"id": "acme", "name": "Acme", "budget": null, "retired": false})
        );
    }
    let other = app
        .post("/v1/brands", json!({"id": "acme", "name": "Acme Inc"}))
        .await;
    assert!(other.problem(409, "conflict").contains("`acme`"));
    assert_eq!(
        app.get("/v1/brands").await.json(),
        json!({"brands": [{"id": "acme", "name": "Acme", "budget": null, "retired": false}]})
    );
}

#[tokio::test]
async fn products_belong_to_a_brand() {
    let app = TestServer::new().await;
    let oat = json!({"id": "oat", "name": "Oat drink"});
    assert!(
        app.post("/v1/brands/acme/products", oat.clone())
            .await
            .problem(404, "not-found")
            .contains("brand `acme`")
    );
    assert!(
        app.get("/v1/brands/acme/products")
            .await
            .problem(404, "not-found")
            .contains("brand `acme`")
    );
    app.create_product().await;
    let created = app.post("/v1/brands/acme/products", oat).await;
    assert_eq!(
        (created.status.as_u16(), created.header("location")),
        (201, "/v1/brands/acme/products/oat")
    );
    let product = json!({
        "brand": "acme", "id": "oat", "name": "Oat drink", "budget": null, "retired": false,
    });
    assert_eq!(created.json(), product);
    assert_eq!(
        app.get("/v1/brands/acme/products").await.json(),
        json!({"products": [product]})
    );
    assert_eq!(app.get(created.header("location")).await.json(), product);
    assert!(
        app.get("/v1/brands/acme/products/rice")
            .await
            .problem(404, "not-found")
            .contains("rice")
    );
}

#[tokio::test]
async fn fields_of_json_are_refused_by_name() {
    let app = TestServer::new().await;
    let refused = async |body| {
        app.post("/v1/brands", body)
            .await
            .problem(422, "invalid-field")
    };
    assert!(
        refused(json!({"id": "acme", "name": "Acme", "colour": "red"}))
            .await
            .contains("`colour`")
    );
    assert!(refused(json!({"id": "acme"})).await.contains("`name`"));
    assert!(
        refused(json!({"id": 7, "name": "Acme"}))
            .await
            .contains("id")
    );
    app.post("/v1/brands", json!({"id": "Not An Id", "name": "Acme"}))
        .await
        .invalid("id");
    app.post("/v1/brands", json!({"id": "acme", "name": ""}))
        .await
        .invalid("name");
}

#[tokio::test]
async fn a_reference_is_enrolled_listed_and_removed() {
    let app = TestServer::new().await;
    app.create_product().await;
    let marks = json!([{"name": "word", "kind": "text", "text": "OAT", "region": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.3]]}]);
    let form = Form::new()
        .text("kind", "pack")
        .text("view", "front")
        .text("marks", &marks.to_string());
    let created = app
        .upload(REFERENCES, form.clone().picture("image", &Scene::of(1)))
        .await;
    let body = created.json();
    assert_eq!(created.status, 201, "{body}");
    let place = format!("{REFERENCES}/{}", body["id"].as_str().unwrap());
    assert_eq!(created.header("location"), place);
    assert_eq!(
        (&body["brand"], &body["product"], &body["kind"]),
        (&json!("acme"), &json!("oat"), &json!("pack"))
    );
    assert_eq!(
        (&body["view"], &body["width"], &body["height"]),
        (&json!("front"), &json!(640), &json!(480))
    );
    assert_eq!(body["health"]["usable"], true, "{body}");
    let mut kept = marks[0].clone();
    kept["proposed"] = json!(false);
    assert_eq!(body["marks"], json!([kept]));
    assert_eq!(
        app.get(REFERENCES).await.json(),
        json!({"references": [body]})
    );
    assert_eq!(app.get(&place).await.json(), body);

    let again = app
        .upload(REFERENCES, form.picture("image", &Scene::of(1)))
        .await;
    again.problem(409, "conflict");
    let gone = app.delete(&place).await;
    assert_eq!((gone.status.as_u16(), gone.body.len()), (204, 0));
    app.delete(&place).await.problem(404, "not-found");
    app.get(&place).await.problem(404, "not-found");
    assert_eq!(app.get(REFERENCES).await.json(), json!({"references": []}));
}

#[tokio::test]
async fn parts_of_a_reference_are_refused_by_name() {
    let app = TestServer::new().await;
    app.create_product().await;
    let upload = async |form: Form| app.upload(REFERENCES, form).await;
    let image = || Form::new().picture("image", &Scene::of(1));
    upload(image()).await.invalid("kind");
    upload(Form::new().text("kind", "pack"))
        .await
        .invalid("image");
    assert!(
        upload(image().text("kind", "poster"))
            .await
            .invalid("kind")
            .contains("`catalogue_photo`")
    );
    assert!(
        upload(image().text("kind", "pack").text("kind", "logo"))
            .await
            .invalid("kind")
            .contains("once")
    );
    upload(image().text("kind", "pack").picture("image", &Scene::of(2)))
        .await
        .invalid("image");
    assert!(
        upload(image().text("kind", "pack").text("photo", "x"))
            .await
            .invalid("photo")
            .contains("`marks`")
    );
    upload(image().text("kind", "pack").text("view", ""))
        .await
        .invalid("view");
    upload(
        image()
            .text("kind", "pack")
            .part("name=\"view\"", b"\xff\xfe"),
    )
    .await
    .invalid("view");
    upload(
        image()
            .text("kind", "pack")
            .part("filename=\"a.jpg\"", b"x"),
    )
    .await
    .invalid("");
}

#[tokio::test]
async fn marks_are_refused_by_name_and_place() {
    let app = TestServer::new().await;
    app.create_product().await;
    let with = async |marks: &str| {
        let form = Form::new()
            .text("kind", "pack")
            .text("marks", marks)
            .picture("image", &Scene::of(1));
        app.upload(REFERENCES, form).await
    };
    let corners = json!([[0.1, 0.1], [0.5, 0.1], [0.5, 0.3]]);
    with("not JSON").await.invalid("marks[0]");
    with("{}").await.invalid("marks[0]");
    with("[] and more").await.invalid("marks");
    assert!(
        with(r#"[{"name": "a", "kind": "text"}]"#)
            .await
            .invalid("marks[0]")
            .contains("`region`")
    );
    let unknown = json!([{"name": "a", "kind": "text", "region": corners, "colour": "red"}]);
    assert!(
        with(&unknown.to_string())
            .await
            .invalid("marks[0].colour")
            .contains("`colour`")
    );
    let kind = json!([{"name": "a", "kind": "text", "region": corners}, {"name": "b", "kind": "sign", "region": corners}]);
    with(&kind.to_string()).await.invalid("marks[1].kind");
    with(&json!([{"name": "a", "kind": "text", "region": [[0, 0], [1, 1]]}]).to_string())
        .await
        .invalid("marks[0].region");
    let outside = json!([{"name": "a", "kind": "text", "region": [[0, 0], [1, 0], [1, 1.5]]}]);
    with(&outside.to_string()).await.invalid("marks[0].region");
    with(&json!([{"name": "a", "kind": "logo", "text": "A", "region": corners}]).to_string())
        .await
        .invalid("marks[0].text");
    let twice = json!([{"name": "a", "kind": "text", "region": corners}, {"name": "a", "kind": "text", "region": corners}]);
    with(&twice.to_string()).await.invalid("marks[1].name");
}

#[tokio::test]
async fn marks_come_in_one_part_or_in_one_part_each() {
    let app = TestServer::new().await;
    app.create_product().await;
    let mark = |name: &str| json!({"name": name, "kind": "logo", "region": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.3]]});
    let forms = [
        Form::new().text("marks", &json!([mark("a"), mark("b")]).to_string()),
        Form::new()
            .text("marks", &mark("a").to_string())
            .text("marks", &mark("b").to_string()),
    ];
    for (n, form) in forms.into_iter().enumerate() {
        let form = form
            .text("kind", "pack")
            .picture("image", &Scene::of(n as u8 + 1));
        let body = app.upload(REFERENCES, form).await.json();
        let names = [&body["marks"][0]["name"], &body["marks"][1]["name"]];
        assert_eq!(names, ["a", "b"], "{body}");
    }
    let wrong = Form::new()
        .text("kind", "pack")
        .text("marks", &mark("a").to_string())
        .text("marks", r#"{"name": "b", "kind": "sign"}"#)
        .picture("image", &Scene::of(3));
    app.upload(REFERENCES, wrong).await.invalid("marks[1].kind");
}

#[tokio::test]
async fn regions_that_are_ignored_are_kept_and_need_no_name() {
    let app = TestServer::new().await;
    app.create_product().await;
    let corners = json!([[0.1, 0.7], [0.5, 0.7], [0.5, 0.9]]);
    let ignored = json!({"kind": "ignored", "region": corners});
    let named = json!({"name": "ignored 1", "kind": "ignored", "region": corners});
    // With print that is worth a mark.
    let printed = Scene {
        overprinted: &[(400, 60), (480, 60), (400, 130), (480, 130)],
        ..Scene::of(1)
    };
    let form = Form::new()
        .text("kind", "pack")
        .text("marks", &json!([ignored, named]).to_string())
        .picture("image", &printed);
    let body = app.upload(REFERENCES, form).await.json();
    let kept = |name: &str| json!({"name": name, "kind": "ignored", "region": corners, "text": null, "proposed": false});
    let marks = body["marks"].as_array().unwrap();
    for name in ["ignored 1", "ignored 2"] {
        assert!(marks.contains(&kept(name)), "{body}");
    }
    assert!(
        marks.iter().any(|m| m["proposed"] == true),
        "an owner who names no mark gets some proposed: {body}"
    );
    assert_eq!(
        app.get(REFERENCES).await.json(),
        json!({"references": [body]})
    );
}

#[tokio::test]
async fn an_owner_renames_what_it_named() {
    let app = TestServer::new().await;
    app.create_product().await;
    let name = |name: &str| json!({"name": name});
    let brand = app.patch("/v1/brands/acme", name("Acme Foods")).await;
    assert_eq!(
        brand.json(),
        json!({"id": "acme", "name": "Acme Foods", "budget": null, "retired": false})
    );
    assert_eq!(
        app.get("/v1/brands").await.json(),
        json!({"brands": [brand.json()]})
    );
    let path = "/v1/brands/acme/products/oat";
    let product = app.patch(path, name("Oat drink, 1 l")).await.json();
    assert_eq!(product["name"], "Oat drink, 1 l");
    assert_eq!(app.get(path).await.json(), product);
    app.patch("/v1/brands/nobody", name("x"))
        .await
        .problem(404, "not-found");
    app.patch("/v1/brands/acme/products/none", name("x"))
        .await
        .problem(404, "not-found");
    app.patch(path, name("")).await.invalid("name");
    app.patch(path, json!({"id": "soy", "name": "x"}))
        .await
        .invalid("id");
}

#[tokio::test]
async fn a_budget_is_the_products_else_the_brands_else_the_operators() {
    let app = TestServer::with_reference().await;
    let (brand, product) = ("/v1/brands/acme", "/v1/brands/acme/products/oat");
    let judged = async || {
        let form = claim().picture("photo", &Scene::photo(1, "a"));
        let answer = app.upload("/v1/checks", form).await.json();
        let told = &answer["calibration"];
        let point = told["operating_point"].as_str().unwrap().to_owned();
        let kept = app.get(&format!("/v1/calibrations/{point}")).await.json();
        assert_eq!(kept["budget"], told["budget"], "{kept}");
        (told["budget"].as_f64().unwrap(), point)
    };
    let operators = judged().await;
    app.patch(brand, json!({"budget": 0.05})).await.json();
    let brands = judged().await;
    assert_eq!(brands.0, 0.05);
    assert_ne!(brands.1, operators.1);
    let set = app.patch(product, json!({"budget": 0.2})).await.json();
    assert_eq!(
        (&set["budget"], &set["name"]),
        (&json!(0.2), &json!("Oat drink"))
    );
    assert_eq!(judged().await.0, 0.2);
    app.patch(product, json!({"budget": null})).await.json();
    app.patch(brand, json!({"name": "Acme Foods"})).await.json();
    assert_eq!(judged().await, brands, "another name leaves the budget");
    for bad in [json!(0.0), json!(0.9), json!(-1)] {
        app.patch(product, json!({"budget": bad}))
            .await
            .invalid("budget");
    }
    app.patch(product, json!({})).await.invalid("body");
}

#[tokio::test]
async fn what_is_retired_is_neither_searched_nor_claimed_until_it_is_back() {
    let app = TestServer::with_reference().await;
    let photo = || Form::new().picture("photo", &Scene::photo(1, "a"));
    let identified = async || {
        let answer = app.upload("/v1/checks", photo()).await.json();
        answer["photos"][0]["matches"].as_array().unwrap().len()
    };
    assert_eq!(identified().await, 1);
    for path in ["/v1/brands/acme/products/oat", "/v1/brands/acme"] {
        let retired = app.patch(path, json!({"retired": true})).await.json();
        assert_eq!(retired["retired"], true);
        assert_eq!(identified().await, 0, "{path}");
        let claimed = claim().picture("photo", &Scene::photo(1, "a"));
        app.upload("/v1/checks", claimed)
            .await
            .problem(409, "conflict");
        let more = Form::new()
            .text("item", "one")
            .picture("image", &Scene::photo(1, "b"));
        app.upload(GENUINE, more).await.problem(409, "conflict");
        let kept = app.get(REFERENCES).await.json();
        assert_eq!(kept["references"].as_array().unwrap().len(), 1, "{path}");
        app.patch(path, json!({"retired": false})).await.json();
        assert_eq!(identified().await, 1, "{path}");
    }
}

#[tokio::test]
async fn genuine_photos_are_listed_and_removed() {
    let app = TestServer::new().await;
    app.create_product().await;
    let mut added = Vec::new();
    for (note, item) in [("a", "one"), ("b", "two")] {
        let form = Form::new()
            .text("item", item)
            .picture("image", &Scene::photo(1, note));
        added.push(app.upload(GENUINE, form).await.json());
    }
    assert_eq!(
        app.get(GENUINE).await.json(),
        json!({"genuine_photos": added})
    );
    let first = format!("{GENUINE}/{}", added[0]["id"].as_str().unwrap());
    assert_eq!(app.delete(&first).await.status, 204);
    assert_eq!(
        app.get(GENUINE).await.json(),
        json!({"genuine_photos": [added[1]]})
    );
    app.delete(&first).await.problem(404, "not-found");
    app.get("/v1/brands/acme/products/none/genuine-photos")
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn an_unusable_picture_is_refused_with_its_kind() {
    let app = TestServer::new().await;
    app.create_product().await;
    for (bytes, kind) in [
        (&b"no picture"[..], "photo-unsupported-format"),
        (b"", "photo-empty"),
    ] {
        let reference = app
            .upload(
                REFERENCES,
                Form::new().text("kind", "logo").file("image", bytes),
            )
            .await;
        assert!(reference.problem(422, kind).starts_with("`image`: "));
        let genuine = app
            .upload(
                GENUINE,
                Form::new().text("item", "item-1").file("image", bytes),
            )
            .await;
        assert!(genuine.problem(422, kind).starts_with("`image`: "));
    }
    let nowhere = Form::new()
        .text("kind", "logo")
        .picture("image", &Scene::of(1));
    let nowhere = app
        .upload("/v1/brands/acme/products/rice/references", nowhere)
        .await;
    assert!(nowhere.problem(404, "not-found").contains("rice"));
}

#[tokio::test]
async fn genuine_photos_are_added_once() {
    let app = TestServer::new().await;
    app.create_product().await;
    let form = || {
        Form::new()
            .text("item", "item-1")
            .picture("image", &Scene::photo(1, "a"))
    };
    let added = app.upload(GENUINE, form()).await;
    let body = added.json();
    assert_eq!(added.status, 201, "{body}");
    assert_eq!(
        (&body["brand"], &body["product"], &body["item"]),
        (&json!("acme"), &json!("oat"), &json!("item-1"))
    );
    assert_eq!(body["sha256"].as_str().unwrap().len(), 64);
    app.upload(GENUINE, form()).await.problem(409, "conflict");
    app.upload(GENUINE, Form::new().picture("image", &Scene::photo(1, "b")))
        .await
        .invalid("item");
    app.upload(GENUINE, Form::new().text("item", "item-1"))
        .await
        .invalid("image");
    app.upload("/v1/brands/acme/products/rice/genuine-photos", form())
        .await
        .problem(404, "not-found");
}
