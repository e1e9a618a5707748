//! Signing in, looking at a check, deciding, and what must not be possible.

use std::io::{Read, Write};

use reqwest::multipart;
use serde_json::{Value, json};

use crate::{
    browser::{Browser, client},
    demo::Demo,
};

const ENTER: char = '\u{e007}';
const CONTROL: char = '\u{e009}';

/// Opens a browser that is signed in with a new key of a role.
async fn signed_in(demo: &Demo, role: &str, name: &str, page: &str) -> Browser {
    let browser = Browser::open(1280, 900).await;
    browser.go(&demo.sign_in(&demo.key(role, name), page)).await;
    browser
        .until("!location.pathname.startsWith('/sign-in')")
        .await;
    browser
}

/// Asks for JSON as an administrator.
async fn asked(demo: &Demo, path: &str) -> Value {
    let key = demo.key("admin", "asks");
    let request = client()
        .get(format!("{}{path}", demo.base))
        .bearer_auth(key);
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_reviewer_signs_in_by_the_link_and_decides_by_keyboard() {
    let demo = Demo::shared();
    let browser = Browser::open(1280, 900).await;
    browser.go(&demo.link).await;
    browser.until("location.pathname === '/queue'").await;
    assert!(
        !browser.url().await.contains("assay_"),
        "no key stays in the address"
    );
    // The dispute of the demo is on top.
    assert!(browser.text("#queue tbody tr").await.contains("disputed"));
    browser.press("j").await;
    browser.press(&ENTER.to_string()).await;
    browser
        .until("location.pathname.startsWith('/reviews/')")
        .await;
    assert!(
        browser
            .text(".said.odd")
            .await
            .contains("I bought this carton")
    );

    // Both pictures came, laid over each other.
    let came = "[...document.querySelectorAll('[data-pane=reference] img:not(.heat), [data-pane=photo] img:not(.heat)')]
                .every((img) => img.complete && img.naturalWidth > 200)";
    browser.until(came).await;
    let mode = "return document.getElementById('viewer').dataset.mode";
    for (key, wanted) in [("w", "over"), ("b", "blink"), ("f", "sent"), ("s", "side")] {
        browser.press(key).await;
        assert_eq!(browser.run(mode, json!([])).await, wanted);
    }
    // Enlarged together, then apart, then together again with what they are apart.
    let moved = "return [...document.querySelectorAll('.pane .stage')].slice(0, 2)
                 .map((stage) => new DOMMatrix(getComputedStyle(stage).transform).e)";
    browser.press("+").await;
    let both = browser.run(moved, json!([])).await;
    assert_eq!(both[0], both[1]);
    let arrow = "\u{e014}";
    browser.press("l").await;
    browser
        .run(
            "document.querySelector('[data-pane=photo]').focus()",
            json!([]),
        )
        .await;
    browser.press(arrow).await;
    let apart = browser.run(moved, json!([])).await;
    let offset = |both: &Value| both[0].as_f64().unwrap() - both[1].as_f64().unwrap();
    assert!((offset(&apart) - 24.0).abs() < 1.0, "{apart}");
    browser.press("l").await;
    browser
        .run(
            "document.querySelector('[data-pane=photo]').focus()",
            json!([]),
        )
        .await;
    browser.press(arrow).await;
    let together = browser.run(moved, json!([])).await;
    assert!((offset(&together) - 24.0).abs() < 1.0, "{together}");
    assert_ne!(together, apart);

    browser.press("c").await;
    browser
        .until("document.getElementById('decide') !== null")
        .await;
    browser.press("u").await;
    browser.press("y").await;
    browser.press("One letter is another.").await;
    browser.press_with(CONTROL, ENTER).await;
    browser.until("document.getElementById('decide') === null && document.querySelectorAll('.said').length === 2").await;
    let said = browser.text(".said:not(.odd)").await;
    assert!(
        said.contains("One letter is another.") && said.contains("Demo reviewer"),
        "{said}"
    );
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn a_check_that_somebody_holds_says_who_and_is_not_given_to_another() {
    let demo = Demo::shared();
    let rita = signed_in(&demo, "reviewer", "Rita", "/queue?order=newest").await;
    let path = rita
        .run(
            "return document.querySelector('#queue tr:last-child a.open').pathname",
            json!([]),
        )
        .await;
    let url = format!("{}{}", demo.base, path.as_str().unwrap());
    rita.go(&url).await;
    rita.click("form[action$='/claim'] button").await;
    rita.until("document.getElementById('decide') !== null")
        .await;
    let otto = signed_in(&demo, "reviewer", "Otto", "/queue").await;
    otto.go(&url).await;
    assert!(otto.text(".case").await.contains("Rita until"));
    otto.click("form[action$='/claim'] button").await;
    let told = otto.text("main").await;
    assert!(told.contains("is looked at by Rita until"), "{told}");
    rita.click("form[action$='/release'] button").await;
    rita.until("document.getElementById('decide') === null")
        .await;
    otto.go(&url).await;
    otto.click("form[action$='/claim'] button").await;
    otto.until("document.getElementById('decide') !== null")
        .await;
}

#[tokio::test]
async fn another_brands_key_is_refused_and_signing_out_ends_it() {
    let demo = Demo::shared();
    let checks = asked(&demo, "/v1/checks?brand=halmora&limit=1").await;
    let halmora = format!(
        "{}/reviews/{}",
        demo.base,
        checks["checks"][0]["id"].as_str().unwrap()
    );
    let own = signed_in(&demo, "brand:halmora", "Hal", "/docs/").await;
    own.go(&halmora).await;
    assert!(own.text("h1").await.contains("halmora /"));
    let other = signed_in(&demo, "brand:torvanik", "Tor", "/docs/").await;
    other.go(&halmora).await;
    let told = other.text("main").await;
    assert!(
        told.contains("There is no such thing") && !told.contains("halmora /"),
        "{told}"
    );
    own.click(".who button").await;
    own.until("location.pathname === '/sign-in'").await;
    own.go(&halmora).await;
    own.until("location.pathname === '/sign-in'").await;
}

/// A page of another site that sends a form at once; its address.
fn other_site(action: &str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let html = format!(
        "<form method=post action=\"{action}\"><input name=token value=guess></form>\
         <script>document.forms[0].submit()</script>"
    );
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let _ = stream.read(&mut [0; 4096]);
            let length = html.len();
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{html}"
            );
        }
    });
    url
}

#[tokio::test]
async fn a_form_that_another_site_sends_for_somebody_does_nothing() {
    let demo = Demo::shared();
    let ada = signed_in(&demo, "admin", "Ada", "/queue").await;
    let path = ada
        .run(
            "return document.querySelector('#queue tr:last-child a.open').pathname",
            json!([]),
        )
        .await;
    let claim = format!("{}{}/claim", demo.base, path.as_str().unwrap());
    ada.go(&other_site(&claim)).await;
    ada.until(&format!("location.href === '{claim}'")).await;
    let told = ada.text("body").await;
    assert!(
        told.contains("Web pages of other sites may not use this server"),
        "{told}"
    );
}

#[tokio::test]
async fn scripts_in_the_words_of_others_stay_words() {
    let demo = Demo::shared();
    let evil = "<script>alert(1)</script><img src=x onerror=alert(2)>";
    let root = env!("CARGO_MANIFEST_DIR");
    let photo = std::fs::read(format!("{root}/samples/photos/lookalike-oat-letter.jpg")).unwrap();
    let file = |name: &str| multipart::Part::bytes(photo.clone()).file_name(name.to_owned());
    let form = multipart::Form::new()
        .part("photo", file("<img src=x onerror=alert(3)>.jpg"))
        .text("brand", "halmora")
        .text("product", "oat-drink-original")
        .text("listing_id", evil)
        .text("seller_id", evil);
    let key = demo.key("admin", evil);
    let client = client();
    let send = |path: String, form| {
        client
            .post(format!("{}{path}", demo.base))
            .bearer_auth(&key)
            .multipart(form)
    };
    let answer: Value = send("/v1/checks".into(), form)
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let id = answer["id"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let statement = multipart::Form::new().text("statement", evil);
    let sent = send(format!("/v1/checks/{id}/dispute"), statement)
        .send()
        .await
        .unwrap();
    assert_eq!(sent.status(), 201);

    let browser = Browser::open(1280, 900).await;
    browser.go(&demo.sign_in(&key, "/queue")).await;
    browser.until("location.pathname === '/queue'").await;
    assert!(browser.text("#queue").await.contains(evil));
    assert!(browser.text(".who").await.contains(evil));
    browser.go(&format!("{}/reviews/{id}", demo.base)).await;
    assert!(browser.text(".said.odd").await.contains(evil));
    assert!(browser.text(".case").await.contains(evil));
    assert!(!browser.has_dialog().await);
    assert_eq!(browser.count("img[src='x'], main script").await, 0);
    assert_eq!(browser.complaints().await, [""; 0]);
}
