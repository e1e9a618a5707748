//! A brand's owner at work: marks drawn by mouse and keyboard, many pictures at once, a self-test.

use serde_json::{Value, json};

use crate::{browser::Browser, demo::Demo};

const RIGHT: char = '\u{e014}';
const DOWN: char = '\u{e015}';
const SHIFT: char = '\u{e008}';
const ENTER: char = '\u{e007}';
const DELETE: char = '\u{e017}';

/// Signed in as the owner of the brand, on the page of a product of its own.
async fn on_new_product(demo: &Demo, id: &str) -> Browser {
    let browser = Browser::open(1280, 900).await;
    let key = demo.key("brand:halmora", "Olga");
    browser.go(&demo.sign_in(&key, "/brands")).await;
    browser
        .until("location.pathname === '/brands/halmora'")
        .await;
    browser.type_into("#new-id", id).await;
    browser.type_into("#new-name", "<b>New</b>").await;
    browser.click("#create button").await;
    browser
        .until(&format!("location.pathname.endsWith('/products/{id}')"))
        .await;
    browser
}

/// Chooses files of the samples, as a person does in a dialog.
async fn choose(browser: &Browser, files: &[&str]) {
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/");
    let paths: Vec<_> = files
        .iter()
        .map(|file| format!("{samples}{file}"))
        .collect();
    browser.type_into("#image", &paths.join("\n")).await;
}

/// Left, top, right and bottom of each mark, in hundredths.
async fn boxes(browser: &Browser) -> Vec<Vec<i64>> {
    let read = "return [...document.querySelectorAll('.editor fieldset')].map((mark) =>
                [...mark.querySelectorAll('input[type=number]')].map((n) => Math.round(n.value * 100)))";
    serde_json::from_value(browser.run(read, json!([])).await).unwrap()
}

#[tokio::test]
async fn marks_are_drawn_moved_resized_named_and_removed_before_a_picture_is_sent() {
    let demo = Demo::shared();
    let browser = on_new_product(&demo, "marked").await;
    choose(&browser, &["brands/halmora/oat-drink-vanilla/pack.jpg"]).await;
    browser
        .until("document.querySelector('.editor img')?.naturalWidth > 0")
        .await;
    // By mouse: from a corner to the other one. A mere click draws nothing.
    let drag = "const over = document.querySelector('.drawing svg');
        const frame = over.getBoundingClientRect();
        over.setPointerCapture = () => {};
        const send = (kind, x, y) => over.dispatchEvent(new PointerEvent(kind, {bubbles: true, pointerId: 1,
            clientX: frame.left + x * frame.width, clientY: frame.top + y * frame.height}));
        send('pointerdown', 0.9, 0.9); send('pointerup', 0.9, 0.9);
        send('pointerdown', 0.6, 0.5); send('pointermove', 0.4, 0.4); send('pointermove', 0.2, 0.3); send('pointerup', 0.2, 0.3);";
    browser.run(drag, json!([])).await;
    assert_eq!(boxes(&browser).await, [[20, 30, 60, 50]]);
    // By keyboard: the box that was drawn has the focus.
    browser.press(&format!("{RIGHT}{DOWN}")).await;
    assert_eq!(boxes(&browser).await, [[21, 31, 61, 51]]);
    browser.press_with(SHIFT, DOWN).await;
    assert_eq!(boxes(&browser).await, [[21, 31, 61, 52]]);
    browser.press(&format!("{ENTER}seal")).await;
    browser
        .run(
            "document.querySelector('.editor > p button').click()",
            json!([]),
        )
        .await;
    assert_eq!(boxes(&browser).await.len(), 2);
    browser.press(&DELETE.to_string()).await;
    assert_eq!(boxes(&browser).await, [[21, 31, 61, 52]]);
    browser.click("#enroll > button[type=submit]").await;
    browser
        .until("document.querySelector('.files').innerText.includes('enrolled and usable')")
        .await;
    browser.click("#enroll > [role=status] a").await;
    browser
        .until("document.querySelectorAll('.card').length === 1")
        .await;
    let mark = browser
        .run(
            "return document.querySelector('.card polygon').textContent",
            json!([]),
        )
        .await;
    assert_eq!(mark, "seal");
    assert_eq!(
        browser.count(".card polygon").await,
        1,
        "given marks are not added to"
    );
    assert_eq!(browser.count("h1 b").await, 0, "a name stays text");
    assert_eq!(browser.complaints().await, [""; 0]);
}

#[tokio::test]
async fn many_pictures_are_sent_two_at_a_time_and_one_that_fails_keeps_its_place() {
    let demo = Demo::shared();
    let browser = on_new_product(&demo, "many").await;
    let files = [
        "brands/halmora/oat-drink-original/pack.jpg",
        "marks.csv",
        "photos/genuine-oat-in-hand.jpg",
        "photos/blurred-oat.jpg",
    ];
    choose(&browser, &files).await;
    assert!(
        browser
            .text("#enroll > [role=status]")
            .await
            .contains("4 waiting")
    );
    let most = "window.most = 0; const Sent = XMLHttpRequest.prototype.send; const all = [];
        XMLHttpRequest.prototype.send = function (...body) {
            all.push(this);
            const underway = all.filter((sent) => sent.readyState < XMLHttpRequest.DONE);
            window.most = Math.max(window.most, underway.length);
            return Sent.apply(this, body);
        };";
    browser.run(most, json!([])).await;
    browser.click("#enroll > button[type=submit]").await;
    let settled =
        "/1 not sent, 3 done/.test(document.querySelector('#enroll > [role=status]').innerText)";
    browser.until(settled).await;
    assert_eq!(browser.run("return window.most", json!([])).await, 2);
    let failed = browser.text(".files li:nth-child(2)").await;
    assert!(
        failed.contains("marks.csv") && failed.contains("not a JPEG"),
        "{failed}"
    );
    browser.click(".files li:nth-child(2) button").await;
    browser.until(settled).await;
    let sent: Value = browser
        .run(
            "return document.querySelectorAll('.files .good, .files p.bad').length",
            json!([]),
        )
        .await;
    assert_eq!(sent, 4, "each says what came of it");
}

#[tokio::test]
async fn a_self_test_says_by_kind_what_would_be_flagged() {
    let demo = Demo::shared();
    let browser = Browser::open(1280, 900).await;
    let page = "/brands/halmora/products/oat-drink-original";
    browser
        .go(&demo.sign_in(&demo.key("brand:halmora", "Olga"), page))
        .await;
    browser
        .until("document.querySelector('#per-kind') !== null")
        .await;
    browser
        .run("document.getElementById('per-kind').value = 1", json!([]))
        .await;
    browser.click("#self-test form button").await;
    browser
        .until("document.querySelectorAll('#self-test tbody tr').length === 7")
        .await;
    assert!(
        browser
            .text("#self-test .result")
            .await
            .contains("will differ")
    );
    assert_eq!(browser.complaints().await, [""; 0]);
}
