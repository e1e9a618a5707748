//! Keys: recognised by the hash of their secret, and refused once and for all.

use assay::{
    checker::{
        actor::{Actor, Role},
        records::{Accounts, KeyRecord, SessionRecord},
    },
    domain::digest::Sha256,
};

use crate::support::records::local;

use super::{Place, is_conflict, is_not_found};

pub(super) async fn a_key_is_known_by_its_hash_and_stays_refused(place: &Place) {
    let (store, other) = (place.open().await, place.open().await);
    let key = KeyRecord {
        id: "k1".into(),
        name: "shop \u{1f511}".into(),
        role: Role::Pipeline,
        brands: Some(vec!["acme".into(), "bolt".into()]),
        hash: Sha256::of(b"secret"),
        actor: "ann".into(),
        created_ms: 5,
        expires_ms: None,
        revoked_ms: None,
        used_ms: None,
    };
    store.add_key(&local(), &key).await.unwrap();
    let found = other.key_by_hash(Sha256::of(b"secret")).await.unwrap();
    assert_eq!(found, Some(key.clone()));
    assert_eq!(other.key_by_hash(Sha256::of(b"secre")).await.unwrap(), None);
    let same = KeyRecord {
        hash: Sha256::of(b"another"),
        ..key.clone()
    };
    assert!(is_conflict(store.add_key(&local(), &same).await, "key"));
    let admin = KeyRecord {
        id: "k2".into(),
        role: Role::Admin,
        brands: None,
        created_ms: 6,
        ..same
    };
    store.add_key(&local(), &admin).await.unwrap();
    assert_eq!(other.keys().await.unwrap(), [key.clone(), admin]);

    other.key_used("k1", 70).await.unwrap();
    // A time that was set stays unless an earlier one comes.
    for (given, kept) in [(90, 90), (95, 90), (80, 80)] {
        let key = store.expire_key(&local(), "k1", given).await.unwrap();
        assert_eq!((key.expires_ms, key.used_ms), (Some(kept), Some(70)));
    }
    for (given, kept) in [(60, 60), (50, 60)] {
        assert_eq!(
            store
                .revoke_key(&local(), "k1", given)
                .await
                .unwrap()
                .revoked_ms,
            Some(kept)
        );
    }
    assert!(is_not_found(
        store.revoke_key(&local(), "k9", 1).await,
        "key"
    ));
    assert!(is_not_found(
        store.expire_key(&local(), "k9", 1).await,
        "key"
    ));
    assert!(is_not_found(store.key("k9").await, "key"));
}

pub(super) async fn a_session_ends_and_is_forgotten(place: &Place) {
    let (store, other) = (place.open().await, place.open().await);
    let key = KeyRecord {
        id: "k1".into(),
        name: "rita".into(),
        role: Role::Reviewer,
        brands: None,
        hash: Sha256::of(b"secret"),
        actor: "local".into(),
        created_ms: 5,
        expires_ms: None,
        revoked_ms: None,
        used_ms: None,
    };
    store.add_key(&Actor::local(), &key).await.unwrap();
    let session = |secret: &[u8], at| SessionRecord {
        hash: Sha256::of(secret),
        key: "k1".into(),
        created_ms: at,
        used_ms: at,
        ended_ms: None,
    };
    let first = session(b"s1", 100);
    store.add_session(&Actor::local(), &first, 0).await.unwrap();
    let found = other.session(first.hash).await.unwrap();
    assert_eq!(found, Some((first.clone(), key.clone())));
    assert_eq!(other.session(Sha256::of(b"s2")).await.unwrap(), None);
    other.session_used(first.hash, 150).await.unwrap();
    for (given, kept) in [(160, 160), (170, 160)] {
        store
            .end_session(&Actor::local(), first.hash, given)
            .await
            .unwrap();
        let (ended, _) = store.session(first.hash).await.unwrap().unwrap();
        assert_eq!((ended.used_ms, ended.ended_ms), (150, Some(kept)));
    }
    store
        .add_session(&Actor::local(), &session(b"s2", 200), 151)
        .await
        .unwrap();
    assert_eq!(other.session(first.hash).await.unwrap(), None);
}
