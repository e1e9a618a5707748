//! What is held stays, what is not is removed, and nothing that anything else needs goes with it.

use std::sync::Mutex;

use assay::{
    checker::{
        ports::{Images, StoreError},
        records::{
            Audit, Checks, Concerned, Entry, GenuinePhotos, Lease, References, RemovedPhoto,
            Retention, Reviews, Subject,
        },
    },
    contract::{ReviewOutcome, Verdict, answer::CheckAnswer},
    domain::digest::Sha256,
    storage::database::Database,
};
use async_trait::async_trait;
use bytes::Bytes;
use serde_json::json;

use super::{
    Place,
    audit::chain,
    is_conflict, is_not_found,
    reviews::{LEASE, decision, dispute, reviewer},
    with_two_products,
};
use crate::support::records::{check, genuine_photo, hash, key, local, reference};

contract! {
    photos_of_cleared_checks_are_listed_until_they_are_removed,
    what_is_held_is_not_removed,
    an_image_stays_while_anything_needs_it,
    an_image_that_cannot_be_removed_leaves_all_as_it_was,
    who_is_erased_is_in_no_check_any_more,
    settled_disputes_go_with_their_words,
}

/// Hears which images are removed; where it is told to, it fails.
#[derive(Default)]
struct Heard {
    removed: Mutex<Vec<Sha256>>,
    fails: bool,
}

impl Heard {
    fn removed(&self) -> Vec<Sha256> {
        std::mem::take(&mut *self.removed.lock().unwrap())
    }
}

#[async_trait]
impl Images for Heard {
    async fn put_image(&self, _: Sha256, _: Bytes) -> Result<(), StoreError> {
        unreachable!("nothing is kept here")
    }

    async fn image(&self, _: Sha256) -> Result<Bytes, StoreError> {
        unreachable!("nothing is read here")
    }

    async fn remove_image(&self, sha256: Sha256) -> Result<(), StoreError> {
        if self.fails {
            return Err(StoreError::Failed("the bucket is gone".into()));
        }
        self.removed.lock().unwrap().push(sha256);
        Ok(())
    }
}

/// Keeps a check of these photos.
async fn add(store: &Database, mut answer: CheckAnswer, photos: &[char]) {
    let photo = answer.photos[0].clone();
    answer.photos = photos
        .iter()
        .map(|digit| {
            let sha256 = hash(*digit).to_string();
            let mut photo = photo.clone();
            photo.sha256 = sha256;
            photo
        })
        .collect();
    let fingerprints = vec![Some(7); photos.len()];
    let added = store.add_check(&local(), &answer, &fingerprints).await;
    added.unwrap();
}

fn of(id: &str, seller: Option<&str>) -> CheckAnswer {
    check(id, Verdict::Consistent, None, seller, hash('0'))
}

async fn last_entry(store: &Database) -> Entry {
    chain(store).await.pop().unwrap()
}

async fn photos_of_cleared_checks_are_listed_until_they_are_removed(place: &Place) {
    let store = place.open().await;
    for (id, verdict) in [
        ("c1", Verdict::Consistent),
        ("c2", Verdict::Deviates),
        ("c3", Verdict::NotComparable),
        ("c4", Verdict::ReusedPhoto),
        ("c5", Verdict::NoBrandSeen),
        ("c6", Verdict::Consistent),
    ] {
        let answer = check(id, verdict, None, None, hash('0'));
        add(&store, answer, &['1', '2']).await;
    }
    assert_eq!(store.cleared("c9", 9).await.unwrap(), ["c1", "c3", "c6"]);
    assert_eq!(store.cleared("c9", 2).await.unwrap(), ["c1", "c3"]);
    assert_eq!(store.cleared("c6", 9).await.unwrap(), ["c1", "c3"]);
    let (images, removals) = (Heard::default(), store.removals().await.unwrap());
    let removed = store.remove_photos(&local(), "c1", &images).await;
    assert_eq!(removed.unwrap(), 2);
    assert_eq!(store.cleared("c9", 9).await.unwrap(), ["c3", "c6"]);
    assert!(store.removals().await.unwrap() > removals);
    let entry = last_entry(&store).await;
    assert_eq!(
        (&*entry.action, &*entry.about, entry.why.as_deref()),
        ("check.photos_removed", "check/c1", Some("retention"))
    );
    assert_eq!(
        json!([entry.before, entry.after]),
        json!([{"photos": 2}, {"photos": 0}])
    );
    let gone = store.removed("c1").await.unwrap();
    let told = |n| RemovedPhoto {
        n,
        by: "retention".into(),
        at_ms: gone[0].at_ms,
    };
    assert_eq!(gone, [told(0), told(1)]);
    assert!(gone[0].at_ms > 1_700_000_000_000);
    assert_eq!(store.removed("c3").await.unwrap(), []);
    // Once is enough, and noted once.
    let again = store.remove_photos(&local(), "c1", &images).await;
    assert_eq!(again.unwrap(), 0);
    assert_eq!(last_entry(&store).await, entry);
    let missing = store.remove_photos(&local(), "c9", &images).await;
    assert!(is_not_found(missing, "check"));
    // The answer stays.
    assert_eq!(store.check("c1").await.unwrap().photos.len(), 2);
}

async fn what_is_held_is_not_removed(place: &Place) {
    let (store, images) = (place.open().await, Heard::default());
    add(&store, of("c1", Some("ann")), &['1']).await;
    let (who, why) = (local(), "case 17");
    store.hold(&who, "c1", why).await.unwrap();
    let entry = last_entry(&store).await;
    assert_eq!(
        (&*entry.action, &*entry.about, entry.why.as_deref()),
        ("check.held", "check/c1", Some(why))
    );
    assert!(is_conflict(store.hold(&who, "c1", why).await, "hold"));
    assert!(is_not_found(store.hold(&who, "c9", why).await, "check"));
    let [hold] = &store.holds().await.unwrap()[..] else {
        panic!("one is held")
    };
    assert_eq!(
        (&*hold.check, &*hold.why, &*hold.actor),
        ("c1", why, "local")
    );
    assert_eq!(store.cleared("c9", 9).await.unwrap(), [""; 0]);
    let removed = store.remove_photos(&who, "c1", &images).await;
    assert_eq!(removed.unwrap(), 0);
    let refused = store.erase(&who, "c1", "asked", &images).await;
    assert!(is_conflict(refused, "hold"));
    let ann = Subject::Seller("ann".into());
    let concerned = store.concerned(&ann).await.unwrap();
    assert!(concerned[0].held);
    assert_eq!(last_entry(&store).await, entry, "nothing was noted");
    assert_eq!(images.removed(), []);

    store.release(&who, "c1", "closed").await.unwrap();
    assert_eq!(last_entry(&store).await.action, "check.released");
    let refused = store.release(&who, "c1", "closed").await;
    assert!(is_not_found(refused, "hold"));
    let removed = store.remove_photos(&who, "c1", &images).await;
    assert_eq!((removed.unwrap(), images.removed()), (1, vec![hash('1')]));
}

async fn an_image_stays_while_anything_needs_it(place: &Place) {
    let (store, images) = (with_two_products(place).await, Heard::default());
    let (who, oat) = (local(), key("acme", "oat"));
    let record = reference("r1", oat.clone(), hash('a'));
    store.add_reference(&who, &record).await.unwrap();
    let record = reference("r2", oat.clone(), hash('b'));
    store.add_reference(&who, &record).await.unwrap();
    store.delete_reference(&who, &oat, "r2", 5).await.unwrap();
    let photo = genuine_photo("g1", oat, "item", hash('c'));
    store.add_genuine_photo(&who, &photo).await.unwrap();
    add(&store, of("c1", None), &['a', 'b', 'c', 'd', 'e', 'e']).await;
    add(&store, of("c2", None), &['d']).await;
    let removed = store.remove_photos(&who, "c1", &images).await.unwrap();
    // Of six photos all are told as removed, and the file of one was nobody else's.
    assert_eq!((removed, images.removed()), (6, vec![hash('e')]));
    assert_eq!(store.removed("c2").await.unwrap(), []);
    let removed = store.remove_photos(&who, "c2", &images).await.unwrap();
    assert_eq!((removed, images.removed()), (1, vec![hash('d')]));
}

async fn an_image_that_cannot_be_removed_leaves_all_as_it_was(place: &Place) {
    let store = place.open().await;
    add(&store, of("c1", Some("ann")), &['1']).await;
    let (before, head) = (
        store.check("c1").await.unwrap(),
        store.head().await.unwrap(),
    );
    let images = Heard {
        fails: true,
        ..Heard::default()
    };
    let removed = store.remove_photos(&local(), "c1", &images).await;
    assert!(removed.is_err());
    assert!(store.erase(&local(), "c1", "asked", &images).await.is_err());
    assert_eq!(store.cleared("c9", 9).await.unwrap(), ["c1"]);
    assert_eq!(store.check("c1").await.unwrap(), before);
    assert_eq!(store.head().await.unwrap(), head);
}

async fn who_is_erased_is_in_no_check_any_more(place: &Place) {
    let (store, images) = (place.open().await, Heard::default());
    let listed = |id: &str, seller: &str, listing: &str| CheckAnswer {
        listing_id: Some(listing.into()),
        ..of(id, Some(seller))
    };
    add(&store, listed("c1", "ann", "a_1"), &['1', '2']).await;
    add(&store, listed("c2", "ann", "ab1"), &['2']).await;
    add(&store, listed("c3", "bob", "a_1\"%!"), &['2', '3']).await;
    add(&store, of("c4", Some("ann")), &[]).await;
    let concerned = async |subject: Subject| {
        let found = store.concerned(&subject).await.unwrap();
        let found = found
            .into_iter()
            .map(|Concerned { check, photos, .. }| (check, photos));
        found.collect::<Vec<_>>()
    };
    let is = |id: &str, photos: usize| (id.to_owned(), photos);
    let listing = |id: &str| Subject::Listing(id.into());
    assert_eq!(concerned(listing("a_1")).await, [is("c1", 2)]);
    assert_eq!(concerned(listing("a_1\"%!")).await, [is("c3", 2)]);
    assert_eq!(concerned(listing("A_1")).await, []);
    let ann = || Subject::Seller("ann".into());
    let all = [is("c1", 2), is("c2", 1), is("c4", 0)];
    assert_eq!(concerned(ann()).await, all);

    let mut removed = Vec::new();
    for (check, _) in all {
        store
            .erase(&local(), &check, "asked", &images)
            .await
            .unwrap();
        removed.extend(images.removed());
    }
    assert_eq!(removed, [hash('1')], "the other one is bob's too");
    assert_eq!(concerned(ann()).await, []);
    assert_eq!(concerned(listing("a_1")).await, []);
    let erased = store.check("c1").await.unwrap();
    assert_eq!((&erased.seller_id, &erased.listing_id), (&None, &None));
    assert_eq!(erased.photos.len(), 2);
    assert_eq!(store.check("c3").await.unwrap().seller_id.unwrap(), "bob");
    assert_eq!(store.removed("c1").await.unwrap()[1].by, "erasure");
    // With the hash of what is kept since, so that it can still be compared.
    let entries = chain(&store).await;
    let of_c1 = entries.iter().find(|e| e.action == "check.erased").unwrap();
    let kept = serde_json::to_string(&erased).unwrap();
    let kept = Sha256::of(kept.as_bytes()).to_string();
    assert_eq!(of_c1.after, Some(json!({"answer": kept, "photos": 0})));
    let added = entries.iter().find(|e| e.about == "check/c1").unwrap();
    let (before, at_first) = (of_c1.before.as_ref(), added.after.as_ref());
    assert_eq!(before.unwrap()["answer"], at_first.unwrap()["answer"]);
    let text = serde_json::to_string(&entries).unwrap();
    assert!(!text.contains("ann") && !text.contains("a_1"), "{text}");
    store.forget().await.unwrap();
}

/// What was decided goes by the day of the decision, with what the seller said; not what is held.
async fn settled_disputes_go_with_their_words(place: &Place) {
    let (store, images) = (place.open().await, Heard::default());
    for (id, photo) in [("a", '1'), ("b", '2'), ("c", '3')] {
        let answer = check(id, Verdict::Deviates, Some("acme"), None, hash('0'));
        add(&store, answer, &[photo]).await;
    }
    let (shop, rita) = (reviewer("shop"), reviewer("rita"));
    store.dispute(&shop, &dispute("1", "a")).await.unwrap();
    for (id, check) in [("2", "a"), ("3", "b")] {
        store.lease(&rita, check, LEASE).await.unwrap();
        let upheld = decision(id, check, &rita, ReviewOutcome::Uphold);
        let kept = store.decide(&rita, &upheld).await.unwrap();
        assert!(matches!(kept, Lease::Theirs(_)), "{kept:?}");
    }
    assert_eq!(store.settled(0, 9).await.unwrap(), [""; 0]);
    assert_eq!(store.settled(i64::MAX, 9).await.unwrap(), ["a", "b"]);
    store.hold(&local(), "b", "for a court").await.unwrap();
    assert_eq!(store.settled(i64::MAX, 9).await.unwrap(), ["a"]);
    let remove = async |check| {
        store
            .remove_dispute(&local(), check, &images)
            .await
            .unwrap()
    };
    assert_eq!(remove("b").await, 0, "it is held");
    assert_eq!(remove("a").await, 2, "a photo and a statement");
    assert_eq!(images.removed(), [hash('1')]);
    assert_eq!(remove("a").await, 0);
    let said = store.disputes("a").await.unwrap();
    assert_eq!(said[0].statement, "(removed)");
    let decided = store.decisions("a").await.unwrap();
    assert_eq!(decided[0].outcome, ReviewOutcome::Uphold);
    assert_eq!(store.settled(i64::MAX, 9).await.unwrap(), [""; 0]);
}
