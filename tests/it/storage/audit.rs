//! What is done is noted with it, in one chain.

use std::sync::Arc;

use assay::{
    checker::{
        actor::{Actor, Role},
        audit::Chain,
        records::{
            Accounts, Audit, Catalogue, Change, Checks, Edition, Entry, GenuinePhotos, KeyRecord,
            References,
        },
    },
    contract::Verdict,
    domain::digest::Sha256,
    storage::database::Database,
};
use serde_json::{Value, json};
use sqlx::{AnyConnection, Connection};

use super::{Place, is_conflict, is_not_found, with_two_products};
use crate::support::records::{brand, check, genuine_photo, hash, key, local, product, reference};

/// All entries, which must be whole up to their head.
pub(super) async fn chain(store: &Database) -> Vec<Entry> {
    let (mut chain, mut entries) = (Chain::default(), Vec::new());
    loop {
        // In portions of few, so that there are several.
        let portion = store.entries(None, chain.head().seq, 3).await.unwrap();
        for logged in &portion.entries {
            entries.push(chain.follow(logged).unwrap());
        }
        if portion.entries.is_empty() {
            chain.end(portion.head).unwrap();
            assert_eq!(store.head().await.unwrap(), chain.head());
            return entries;
        }
    }
}

fn auditable() -> Actor {
    Actor::new("key:k7", Role::Admin, None).within("request-9")
}

fn key_record(id: &str, secret: &str) -> KeyRecord {
    KeyRecord {
        id: id.into(),
        name: "Ann's shop".into(),
        role: Role::Pipeline,
        brands: Some(vec!["acme".into()]),
        hash: Sha256::of(secret.as_bytes()),
        actor: "ann".into(),
        created_ms: 5,
        expires_ms: None,
        revoked_ms: None,
        used_ms: None,
    }
}

pub(super) async fn each_change_leaves_one_entry_with_before_and_after(place: &Place) {
    let (store, actor) = (place.open().await, auditable());
    let mut seen = 0;
    let mut noted = async |action: &str, about: &str, before: Value, after: Value| {
        let entries = chain(&store).await;
        let new = &entries[seen..];
        assert_eq!(new.len(), 1, "{action}: {new:?}");
        seen = entries.len();
        let entry = &new[0];
        assert_eq!(
            (entry.action.as_str(), entry.about.as_str()),
            (action, about)
        );
        let who = (
            entry.actor.as_str(),
            entry.role.as_str(),
            entry.request.as_deref(),
        );
        assert_eq!(who, ("key:k7", "admin", Some("request-9")));
        assert!(entry.at.starts_with("20") && entry.at.ends_with('Z'));
        assert_eq!(json!([entry.before, entry.after]), json!([before, after]));
    };
    let settings = |name: &str, budget: Option<f64>, retired: bool| json!({"name": name, "budget": budget, "retired": retired});
    store.add_brand(&actor, &brand("acme")).await.unwrap();
    let first = settings("Brand acme", None, false);
    noted("brand.added", "brand/acme", Value::Null, first.clone()).await;
    let change = Change {
        name: None,
        budget: Some(Some(0.02)),
        retired: Some(true),
    };
    store.change_brand(&actor, "acme", &change).await.unwrap();
    let second = settings("Brand acme", Some(0.02), true);
    noted("brand.changed", "brand/acme", first, second).await;
    let (oat, about) = (product("acme", "oat"), "product/acme/oat");
    store.add_product(&actor, &oat).await.unwrap();
    let first = settings("Product oat", None, false);
    noted("product.added", about, Value::Null, first.clone()).await;
    let change = Change {
        name: Some("Oats".into()),
        ..Change::default()
    };
    let of = &oat.key;
    store.change_product(&actor, of, &change).await.unwrap();
    let second = settings("Oats", None, false);
    noted("product.changed", about, first, second).await;

    let record = reference("r1", oat.key.clone(), hash('a'));
    store.add_reference(&actor, &record).await.unwrap();
    let told = json!({"product": "acme/oat", "kind": "pack", "view": "front",
        "image": "a".repeat(64), "marks": 1, "valid_from": "2026-01-31", "valid_to": null,
        "markets": ["DE", "GB"], "variant_of": null});
    noted("reference.added", "reference/r1", Value::Null, told.clone()).await;
    let edition = Edition {
        markets: Vec::new(),
        ..record.edition.clone()
    };
    let set = async |edition| store.set_edition(&actor, of, "r1", edition).await.unwrap();
    set(&edition).await;
    // Again it changes nothing, and leaves no entry.
    set(&edition).await;
    let before = told.clone();
    let mut told = told;
    told["markets"] = json!([]);
    noted("reference.changed", "reference/r1", before, told.clone()).await;
    store.delete_reference(&actor, of, "r1", 5).await.unwrap();
    noted("reference.removed", "reference/r1", told, Value::Null).await;
    let photo = genuine_photo("g1", oat.key.clone(), "Ann's bottle", hash('b'));
    store.add_genuine_photo(&actor, &photo).await.unwrap();
    let (told, about) = (
        json!({"product": "acme/oat", "image": "b".repeat(64)}),
        "genuine_photo/g1",
    );
    noted("genuine_photo.added", about, Value::Null, told.clone()).await;
    store.delete_genuine_photo(&actor, of, "g1").await.unwrap();
    noted("genuine_photo.removed", about, told, Value::Null).await;

    let mut answer = check("c1", Verdict::Deviates, None, Some("ann"), hash('c'));
    answer.listing_id = Some("ann's listing".into());
    store.add_check(&actor, &answer, &[None]).await.unwrap();
    let stored = serde_json::to_string(&answer).unwrap();
    let told = json!({"verdict": "deviates", "answer": Sha256::of(stored.as_bytes()).to_string()});
    noted("check.added", "check/c1", Value::Null, told).await;

    let told = |expires: Option<&str>, revoked: Option<&str>| json!({"role": "pipeline", "brands": ["acme"], "expires_at": expires, "revoked_at": revoked});
    let (first, about) = (key_record("k1", "one"), "key/k1");
    store.add_key(&actor, &first).await.unwrap();
    noted("key.added", about, Value::Null, told(None, None)).await;
    store.expire_key(&actor, "k1", 90_000).await.unwrap();
    let end = told(Some("1970-01-01T00:01:30Z"), None);
    noted("key.expires", about, told(None, None), end.clone()).await;
    store.revoke_key(&actor, "k1", 60_000).await.unwrap();
    let revoked = told(Some("1970-01-01T00:01:30Z"), Some("1970-01-01T00:01:00Z"));
    noted("key.revoked", about, end, revoked).await;

    // No personal data, and nothing of a secret.
    let text = serde_json::to_string(&chain(&store).await).unwrap();
    let hash = first.hash.to_string();
    for never in ["ann", "Ann", &hash] {
        assert!(!text.contains(never), "{never}: {text}");
    }
    let of_key = store.entries(Some("key/k1"), 0, 9).await.unwrap().entries;
    assert_eq!(of_key.len(), 3);
    let later = store.entries(Some("key/k1"), of_key[0].seq, 1).await;
    assert_eq!(later.unwrap().entries, of_key[1..2]);

    // Two keys are changed: whoever looks one of them up finds the other.
    let (old, new) = (key_record("k2", "two"), key_record("k3", "three"));
    store.add_key(&actor, &old).await.unwrap();
    let before = store.head().await.unwrap().seq;
    store.rotate_key(&actor, "k2", &new, 90_000).await.unwrap();
    let entries = chain(&store)
        .await
        .split_off(usize::try_from(before).unwrap());
    let told = entries.iter().map(|e| {
        let after = e.after.as_ref().unwrap();
        let other = (&after["takes_the_place_of"], &after["successor"]);
        (e.action.as_str(), e.about.as_str(), json!(other))
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            ("key.added", "key/k3", json!(["k2", null])),
            ("key.rotated", "key/k2", json!([null, "k3"])),
        ]
    );
    assert_eq!(store.key("k2").await.unwrap().expires_ms, Some(90_000));
    assert_eq!(store.key("k3").await.unwrap(), new);
}

pub(super) async fn a_change_that_fails_leaves_no_entry(place: &Place) {
    let store = with_two_products(place).await;
    let (actor, oat) = (local(), key("acme", "oat"));
    let record = reference("r1", oat.clone(), hash('a'));
    store.add_reference(&actor, &record).await.unwrap();
    let photo = genuine_photo("g1", oat.clone(), "item", hash('b'));
    store.add_genuine_photo(&actor, &photo).await.unwrap();
    let answer = check("c1", Verdict::Consistent, None, None, hash('c'));
    store.add_check(&actor, &answer, &[]).await.unwrap();
    let first = key_record("k1", "one");
    store.add_key(&actor, &first).await.unwrap();
    store.expire_key(&actor, "k1", 80).await.unwrap();
    store.revoke_key(&actor, "k1", 60).await.unwrap();
    let before = chain(&store).await;
    assert_eq!(before.len(), 9);

    let mut other = brand("acme");
    other.name = "Another".into();
    assert!(is_conflict(store.add_brand(&actor, &other).await, "brand"));
    let nobodys = product("nobody", "oat");
    let refused = store.add_product(&actor, &nobodys).await;
    assert!(is_not_found(refused, "brand"));
    let change = Change {
        retired: Some(true),
        ..Change::default()
    };
    let refused = store.change_brand(&actor, "nobody", &change).await;
    assert!(is_not_found(refused, "brand"));
    let soy = key("acme", "soy");
    let refused = store.change_product(&actor, &soy, &change).await;
    assert!(is_not_found(refused, "product"));
    let refused = store.add_reference(&actor, &record).await;
    assert!(is_conflict(refused, "reference"));
    let refused = store.delete_reference(&actor, &soy, "r1", 5).await;
    assert!(is_not_found(refused, "reference"));
    let refused = store.add_genuine_photo(&actor, &photo).await;
    assert!(is_conflict(refused, "genuine photo"));
    let refused = store.delete_genuine_photo(&actor, &soy, "g1").await;
    assert!(is_not_found(refused, "genuine photo"));
    assert!(store.add_check(&actor, &answer, &[]).await.is_err());
    assert!(is_conflict(store.add_key(&actor, &first).await, "key"));
    let refused = store.rotate_key(&actor, "k1", &first, 5).await;
    assert!(is_conflict(refused, "key"));
    let second = key_record("k2", "two");
    let refused = store.rotate_key(&actor, "k9", &second, 5).await;
    assert!(is_not_found(refused, "key"));
    assert!(is_not_found(store.key("k2").await, "key"));

    // What is accepted and changes nothing is no change either.
    store.add_brand(&actor, &brand("acme")).await.unwrap();
    let again = product("acme", "oat");
    store.add_product(&actor, &again).await.unwrap();
    let change = Change {
        retired: Some(false),
        ..Change::default()
    };
    store.change_brand(&actor, "acme", &change).await.unwrap();
    store.change_product(&actor, &oat, &change).await.unwrap();
    store.revoke_key(&actor, "k1", 70).await.unwrap();
    store.expire_key(&actor, "k1", 90).await.unwrap();
    assert_eq!(chain(&store).await, before);
}

pub(super) async fn two_that_note_at_once_leave_no_gap_and_a_valid_chain(place: &Place) {
    let stores = [place.open().await, place.open().await].map(Arc::new);
    let mut writers = Vec::new();
    for (n, store) in stores.iter().enumerate() {
        for m in 0..3 {
            let store = Arc::clone(store);
            writers.push(tokio::spawn(async move {
                for k in 0..8 {
                    let new = brand(&format!("b{n}-{m}-{k}"));
                    store.add_brand(&local(), &new).await.unwrap();
                    let change = Change {
                        retired: Some(true),
                        ..Change::default()
                    };
                    store
                        .change_brand(&local(), &new.id, &change)
                        .await
                        .unwrap();
                }
            }));
        }
    }
    for writer in writers {
        writer.await.unwrap();
    }
    let entries = chain(&stores[0]).await;
    assert_eq!(entries.len(), 2 * 3 * 8 * 2);
    assert_eq!(stores[1].brands().await.unwrap().len(), 48);
    // By one clock, whoever wrote them. As text: all have the same form but for the last digits.
    let seconds = entries.iter().map(|e| &e.at[..19]);
    assert!(seconds.is_sorted());
}

pub(super) async fn an_entry_is_neither_changed_nor_removed(place: &Place) {
    let store = with_two_products(place).await;
    let before = chain(&store).await;
    let mut client = AnyConnection::connect(&place.address()).await.unwrap();
    for sql in [
        "UPDATE audit SET about = 'brand/other' WHERE seq = 1",
        "UPDATE audit SET seq = 9 WHERE seq = 3",
        "DELETE FROM audit WHERE seq = 3",
        "DELETE FROM audit",
    ] {
        let refused = sqlx::query(sql).execute(&mut client).await.unwrap_err();
        assert!(
            refused.to_string().contains("only ever added to"),
            "{sql}: {refused}"
        );
    }
    assert_eq!(chain(&store).await, before);
}
