//! Nothing on a page stands in anybody's way: axe-core finds none of its violations, the browser has
//! nothing to complain about, and no page is wider than its window.

use std::path::Path;

use serde_json::{Value, json};

use crate::{browser::Browser, demo::Demo};

/// What axe-core finds wrong with the page that is open.
async fn violations(browser: &Browser) -> Vec<String> {
    let script = Path::new(env!("ASSAY_FETCHED_AXE")).join("axe.min.js");
    let script = std::fs::read_to_string(script).expect("axe-core was fetched by the build");
    browser
        .run(&format!("{script}\nwindow.axe = axe;"), json!([]))
        .await;
    let found = browser
        .run_async(
            "const done = arguments[arguments.length - 1];
             axe.run(document, {resultTypes: ['violations']}).then(
                 (found) => done(found.violations.map((v) => [v.id, v.nodes.map((n) => n.html)])),
                 (error) => done([['failed', [String(error)]]]));",
        )
        .await;
    found
        .as_array()
        .unwrap()
        .iter()
        .map(Value::to_string)
        .collect()
}

#[tokio::test]
async fn no_page_has_obstacles_in_any_light_or_width() {
    let demo = Demo::shared();
    let browser = Browser::open(1280, 900).await;
    browser.go(&format!("{}/sign-in", demo.base)).await;
    assert_eq!(violations(&browser).await, [""; 0]);
    browser
        .go(&demo.sign_in(&demo.key("admin", "Ada"), "/queue"))
        .await;
    browser.until("location.pathname === '/queue'").await;
    let review = "return document.querySelector('a.open').pathname";
    let review = browser.run(review, json!([])).await;
    let review = review.as_str().unwrap();
    let none = "/reviews/none";
    let empty = "/queue?search=nothing";
    let (brand, product) = (
        "/brands/halmora",
        "/brands/halmora/products/oat-drink-original",
    );
    for path in ["/queue", empty, review, none, "/brands", brand, product] {
        browser.go(&format!("{}{path}", demo.base)).await;
        for (width, scheme) in [
            (1280, "light"),
            (1280, "dark"),
            (390, "light"),
            (390, "dark"),
        ] {
            browser.show_as(width, 844, scheme).await;
            let at = format!("{path} {width} {scheme}");
            assert_eq!(violations(&browser).await, [""; 0], "{at}");
            let wide = "return document.documentElement.scrollWidth - window.innerWidth";
            let wide = browser.run(wide, json!([])).await;
            assert!(wide.as_i64().unwrap() <= 0, "{at}: {wide}");
        }
        browser.show_as(1280, 900, "light").await;
        assert_eq!(browser.complaints().await, [""; 0], "{path}");
    }
}
