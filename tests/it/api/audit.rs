//! The log of what was done, over HTTP.

use serde_json::{Value, json};

use super::TestServer;

#[tokio::test]
async fn what_was_done_is_read_page_by_page() {
    let app = TestServer::with_reference().await;
    let changed = app.patch("/v1/brands/acme", json!({"retired": true})).await;
    assert_eq!(changed.status, 200);
    let id = changed.header("x-request-id").to_owned();
    let all = app.get("/v1/audit").await.json();
    let actions: Vec<_> = all["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["action"].as_str().unwrap())
        .collect();
    let wanted = [
        "key.added",
        "brand.added",
        "product.added",
        "reference.added",
        "brand.changed",
    ];
    assert_eq!(
        (actions, &all["next_after"]),
        (wanted.to_vec(), &Value::Null)
    );

    let of_brand = app.get("/v1/audit?about=brand/acme&after=2").await.json();
    let [entry] = &of_brand["entries"].as_array().unwrap()[..] else {
        panic!("{of_brand}")
    };
    assert_eq!(entry["request"], id);
    assert!(entry["actor"].as_str().unwrap().starts_with("key:"));
    assert_eq!(entry["before"]["retired"], false);
    assert_eq!(entry["after"]["retired"], true);
    let text: Value = serde_json::from_str(entry["text"].as_str().unwrap()).unwrap();
    assert_eq!(text["action"], entry["action"]);

    let mut seen = Vec::new();
    let mut after = json!(0);
    while !after.is_null() {
        let page = app
            .get(&format!("/v1/audit?limit=2&after={after}"))
            .await
            .json();
        seen.extend(page["entries"].as_array().unwrap().clone());
        after = page["next_after"].clone();
    }
    assert_eq!(json!(seen), all["entries"]);
    for bad in ["limit=0", "limit=101", "after=x", "after=-1", "before=1"] {
        let refused = app.get(&format!("/v1/audit?{bad}")).await;
        assert_eq!(refused.json()["type"], "/problems/invalid-field", "{bad}");
    }
}
