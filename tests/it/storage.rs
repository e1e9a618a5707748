//! The store keeps what it is given, refuses what contradicts it, and opens what older versions
//! wrote.

mod accounts;
mod audit;
mod checks;
mod jobs;
mod opening;
mod reviews;
mod scores;
mod statistics;

use assay::{
    checker::{
        ports::StoreError,
        records::{
            Catalogue, Change, Edition, GenuinePhotos, GenuineScore, KeptVariation,
            OperatingPoints, ReferenceRecord, References, Scores, Settings, Standing,
        },
    },
    contract::{CalibrationSource, operating_point::OperatingPointAnswer},
    domain::{gallery::ProductKey, score::LogOdds},
    storage::{database::Database, sqlite},
};

use accounts::{a_key_is_known_by_its_hash_and_stays_refused, a_session_ends_and_is_forgotten};
use audit::{
    a_change_that_fails_leaves_no_entry, an_entry_is_neither_changed_nor_removed,
    each_change_leaves_one_entry_with_before_and_after,
    two_that_note_at_once_leave_no_gap_and_a_valid_chain,
};
use checks::{
    a_photo_is_seen_elsewhere_only_with_another_seller,
    checks_are_listed_newest_first_by_verdict_and_brand,
};
use jobs::{
    a_worker_that_is_gone_is_followed_by_another, changes_ask_for_scores,
    one_of_a_kind_and_key_runs_and_one_waits, what_a_worker_begins_itself_is_begun_once,
    what_failed_is_begun_again_and_given_up_at_last,
};
use reviews::{
    flagged_checks_wait_in_the_order_asked_for, many_disputes_at_once_are_all_kept,
    one_person_holds_a_check_and_decides_once, photos_of_a_dispute_are_kept_until_it_is_decided,
    what_a_listing_and_a_seller_had_before_is_found,
};
use scores::{
    authorised_photos_are_kept_and_noted, scores_of_genuine_photos_belong_to_one_version,
    what_genuine_photos_show_belongs_to_one_version_and_is_replaced_as_a_whole,
};
use statistics::{
    checks_of_a_brand_are_counted_by_day_verdict_and_product,
    the_last_decision_about_a_flag_is_the_one_that_counts,
};
use tempfile::TempDir;

#[cfg(feature = "cluster")]
use crate::support::servers::Postgres;
#[cfg(feature = "cluster")]
use assay::storage::postgres;

use crate::support::records::{brand, genuine_photo, hash, key, local, product, reference};

/// Where one test's records lie.
struct Place {
    data: TempDir,
    #[cfg(feature = "cluster")]
    postgres: Option<String>,
}

impl Place {
    fn sqlite() -> Self {
        Self {
            data: TempDir::new().unwrap(),
            #[cfg(feature = "cluster")]
            postgres: None,
        }
    }

    #[cfg(feature = "cluster")]
    async fn postgres() -> Self {
        Self {
            data: TempDir::new().unwrap(),
            postgres: Some(Postgres::shared().database().await),
        }
    }

    /// Where a client of the database itself finds it.
    fn address(&self) -> String {
        #[cfg(feature = "cluster")]
        if let Some(url) = &self.postgres {
            return url.clone();
        }
        format!("sqlite:{}/assay.sqlite", self.data.path().display())
    }

    /// Opens it, as one process of several would.
    async fn open(&self) -> Database {
        #[cfg(feature = "cluster")]
        if let Some(url) = &self.postgres {
            return postgres::open(url, self.data.path()).await.unwrap();
        }
        sqlite::open(self.data.path()).await.unwrap()
    }
}

/// Runs each of these on every database: what is kept must not depend on where.
macro_rules! contract {
    ($($name:ident,)*) => {
        mod on_sqlite {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&super::Place::sqlite()).await;
                }
            )*
        }

        #[cfg(feature = "cluster")]
        mod on_postgres {
            $(
                #[tokio::test]
                async fn $name() {
                    super::$name(&super::Place::postgres().await).await;
                }
            )*
        }
    };
}

mod retention;

contract! {
    brands_and_products_are_accepted_again_but_not_under_another_name,
    a_reference_comes_back_whole_and_once_per_image,
    an_edition_is_set_of_a_reference_that_is_there,
    a_removed_reference_is_gone_from_the_gallery_but_not_from_the_evidence,
    authorised_photos_are_kept_and_noted,
    scores_of_genuine_photos_belong_to_one_version,
    what_genuine_photos_show_belongs_to_one_version_and_is_replaced_as_a_whole,
    checks_are_listed_newest_first_by_verdict_and_brand,
    a_photo_is_seen_elsewhere_only_with_another_seller,
    another_process_hears_of_each_change_once,
    all_that_a_claim_rests_on_is_read_at_once,
    one_of_a_kind_and_key_runs_and_one_waits,
    a_worker_that_is_gone_is_followed_by_another,
    what_failed_is_begun_again_and_given_up_at_last,
    what_a_worker_begins_itself_is_begun_once,
    changes_ask_for_scores,
    what_answers_were_judged_by_stays_as_it_was_first_kept,
    a_key_is_known_by_its_hash_and_stays_refused,
    a_session_ends_and_is_forgotten,
    flagged_checks_wait_in_the_order_asked_for,
    many_disputes_at_once_are_all_kept,
    photos_of_a_dispute_are_kept_until_it_is_decided,
    one_person_holds_a_check_and_decides_once,
    what_a_listing_and_a_seller_had_before_is_found,
    checks_of_a_brand_are_counted_by_day_verdict_and_product,
    the_last_decision_about_a_flag_is_the_one_that_counts,
    each_change_leaves_one_entry_with_before_and_after,
    a_change_that_fails_leaves_no_entry,
    two_that_note_at_once_leave_no_gap_and_a_valid_chain,
    an_entry_is_neither_changed_nor_removed,
}

async fn with_two_products(place: &Place) -> Database {
    let store = place.open().await;
    store.add_brand(&local(), &brand("acme")).await.unwrap();
    store
        .add_product(&local(), &product("acme", "oat"))
        .await
        .unwrap();
    store
        .add_product(&local(), &product("acme", "rice"))
        .await
        .unwrap();
    store
}

fn is_not_found<T: std::fmt::Debug>(result: Result<T, StoreError>, wanted: &str) -> bool {
    matches!(result, Err(StoreError::NotFound { what, .. }) if what == wanted)
}

fn is_conflict<T: std::fmt::Debug>(result: Result<T, StoreError>, wanted: &str) -> bool {
    matches!(result, Err(StoreError::Conflict { what, .. }) if what == wanted)
}

async fn brands_and_products_are_accepted_again_but_not_under_another_name(place: &Place) {
    let store = with_two_products(place).await;
    store.add_brand(&local(), &brand("acme")).await.unwrap();
    store
        .add_product(&local(), &product("acme", "oat"))
        .await
        .unwrap();
    let mut other = brand("acme");
    other.name = "Acme Inc".into();
    assert!(is_conflict(
        store.add_brand(&local(), &other).await,
        "brand"
    ));
    let mut other = product("acme", "oat");
    other.name = "Oat drink".into();
    assert!(is_conflict(
        store.add_product(&local(), &other).await,
        "product"
    ));
    assert_eq!(store.brands().await.unwrap(), [brand("acme")]);
    assert_eq!(
        store.products("acme").await.unwrap(),
        [product("acme", "oat"), product("acme", "rice")]
    );
    assert!(is_not_found(store.products("nobody").await, "brand"));
    assert!(is_not_found(
        store.add_product(&local(), &product("nobody", "oat")).await,
        "brand"
    ));
    assert!(is_not_found(
        store.product(&key("acme", "soy")).await,
        "product"
    ));
}

async fn a_reference_comes_back_whole_and_once_per_image(place: &Place) {
    let store = with_two_products(place).await;
    let first = reference("r1", key("acme", "oat"), hash('a'));
    store.add_reference(&local(), &first).await.unwrap();
    assert!(is_conflict(
        store
            .add_reference(&local(), &reference("r2", key("acme", "oat"), hash('a')))
            .await,
        "reference"
    ));
    assert!(is_not_found(
        store
            .add_reference(&local(), &reference("r2", key("acme", "soy"), hash('a')))
            .await,
        "product"
    ));
    let mut second = reference("r2", key("acme", "rice"), hash('a'));
    (second.view, second.article, second.marks) = (None, None, vec![]);
    store.add_reference(&local(), &second).await.unwrap();
    assert_eq!(
        store.references(&key("acme", "oat")).await.unwrap(),
        std::slice::from_ref(&first)
    );
    assert_eq!(searched(&store, 0).await, [first, second]);
    assert!(is_not_found(
        store.references(&key("acme", "soy")).await,
        "product"
    ));
}

async fn an_edition_is_set_of_a_reference_that_is_there(place: &Place) {
    let store = with_two_products(place).await;
    let (oat, rice) = (key("acme", "oat"), key("acme", "rice"));
    let mut record = reference("r1", oat.clone(), hash('a'));
    store.add_reference(&local(), &record).await.unwrap();
    let number = store.last_change().await.unwrap();
    record.edition = Edition {
        valid_from: None,
        valid_to: Some("2026-12-31".into()),
        markets: vec!["AT".into()],
        variant_of: Some("r0".into()),
    };
    let set = async |product| {
        let edition = &record.edition;
        store.set_edition(&local(), product, "r1", edition).await
    };
    assert!(is_not_found(set(&rice).await, "reference"));
    assert_eq!(set(&oat).await.unwrap(), record);
    assert_eq!(store.reference("r1").await.unwrap(), record);
    // What is searched did not change.
    assert_eq!(store.last_change().await.unwrap(), number);
    let actor = local();
    let delete = store.delete_reference(&actor, &oat, "r1", 5);
    delete.await.unwrap();
    assert!(is_not_found(set(&oat).await, "reference"));
}

async fn a_removed_reference_is_gone_from_the_gallery_but_not_from_the_evidence(place: &Place) {
    let store = with_two_products(place).await;
    let record = reference("r1", key("acme", "oat"), hash('a'));
    store.add_reference(&local(), &record).await.unwrap();
    assert!(is_not_found(
        store
            .delete_reference(&local(), &key("acme", "rice"), "r1", 5)
            .await,
        "reference"
    ));
    store
        .delete_reference(&local(), &key("acme", "oat"), "r1", 5)
        .await
        .unwrap();
    assert!(is_not_found(
        store
            .delete_reference(&local(), &key("acme", "oat"), "r1", 6)
            .await,
        "reference"
    ));
    assert_eq!(searched(&store, 0).await, []);
    assert_eq!(store.reference("r1").await.unwrap(), record);
    store
        .add_reference(&local(), &reference("r2", key("acme", "oat"), hash('a')))
        .await
        .unwrap();
}

/// References that are searched, of those that changed since.
async fn searched(store: &Database, since: i64) -> Vec<ReferenceRecord> {
    let changed = store.changed_references((since, "~"), 99).await.unwrap();
    let searched = changed.into_iter().filter(|c| c.in_use);
    searched.map(|c| c.reference).collect()
}

async fn another_process_hears_of_each_change_once(place: &Place) {
    let writer = with_two_products(place).await;
    let reader = place.open().await;
    let heard = async |since: i64| -> Vec<_> {
        let changed = reader.changed_references((since, "~"), 99).await.unwrap();
        changed
            .into_iter()
            .map(|c| (c.reference.id, c.in_use))
            .collect()
    };
    let is = |id: &str, in_use: bool| (id.to_owned(), in_use);
    let start = reader.last_change().await.unwrap();
    let (oat, rice) = (key("acme", "oat"), key("acme", "rice"));
    let add = async |id, product: &ProductKey| {
        let record = reference(id, product.clone(), hash('a'));
        writer.add_reference(&local(), &record).await.unwrap();
    };
    add("r1", &oat).await;
    let one = reader.last_change().await.unwrap();
    add("r2", &rice).await;
    let two = reader.last_change().await.unwrap();
    assert!(start < one && one < two);
    assert_eq!(heard(start).await, [is("r1", true), is("r2", true)]);
    assert_eq!(heard(one).await, [is("r2", true)]);
    assert_eq!(heard(two).await, []);
    writer
        .delete_reference(&local(), &oat, "r1", 5)
        .await
        .unwrap();
    assert_eq!(heard(two).await, [is("r1", false)]);
    let three = reader.last_change().await.unwrap();
    let retired = |retired| Change {
        retired: Some(retired),
        ..Change::default()
    };
    writer
        .change_product(&local(), &rice, &retired(false))
        .await
        .unwrap();
    assert_eq!(heard(three).await, [], "it was in use before");
    writer
        .change_product(&local(), &rice, &retired(true))
        .await
        .unwrap();
    assert_eq!(heard(three).await, [is("r2", false)]);
    let four = reader.last_change().await.unwrap();
    writer
        .change_brand(&local(), "acme", &retired(true))
        .await
        .unwrap();
    writer
        .change_product(&local(), &rice, &retired(false))
        .await
        .unwrap();
    assert_eq!(heard(four).await, [is("r2", false)], "its brand is retired");
    writer
        .change_brand(&local(), "acme", &retired(false))
        .await
        .unwrap();
    assert_eq!(heard(four).await, [is("r2", true)]);
    let refused = reference("r3", key("acme", "soy"), hash('b'));
    let before = reader.last_change().await.unwrap();
    assert!(is_not_found(
        writer.add_reference(&local(), &refused).await,
        "product"
    ));
    assert_eq!(reader.last_change().await.unwrap(), before);
}

async fn all_that_a_claim_rests_on_is_read_at_once(place: &Place) {
    let store = with_two_products(place).await;
    let oat = key("acme", "oat");
    let of_oat = async || store.standing("acme", Some("oat")).await.unwrap();
    let (budget, none) = (Some(0.02), Settings::default());
    let first = of_oat().await;
    let expected = Standing {
        product: Some(none),
        brand: none,
        changes: first.changes,
        references: store.last_change().await.unwrap(),
    };
    assert_eq!(first, expected);
    let change = Change {
        budget: Some(budget),
        ..Change::default()
    };
    store.change_product(&local(), &oat, &change).await.unwrap();
    let changed = of_oat().await;
    assert_eq!(changed.product.unwrap().budget, budget);
    assert_eq!(changed.brand.budget, None);
    assert!(changed.changes > first.changes);
    store.change_brand(&local(), "acme", &change).await.unwrap();
    let of_brand = store.standing("acme", None).await.unwrap();
    assert_eq!((of_brand.product, of_brand.brand.budget), (None, budget));
    let mut before = of_brand.changes;
    let mut moved = async |what: &str| {
        let now = store.standing("acme", None).await.unwrap().changes;
        assert!(now > before, "{what}");
        before = now;
    };
    let photo = genuine_photo("g1", oat.clone(), "item-1", hash('b'));
    store.add_genuine_photo(&local(), &photo).await.unwrap();
    moved("a genuine photo came").await;
    let score = GenuineScore {
        photo: "g1".into(),
        product: "oat".into(),
        item: "item-1".into(),
        score: Some(LogOdds::saturating(1.0)),
        adjusted: None,
    };
    store
        .put_genuine_score(&score, Some("seen"), "v1")
        .await
        .unwrap();
    moved("it was scored").await;
    let kept = KeptVariation {
        photos: 1,
        variation: "one".into(),
    };
    store.put_variation(&oat, &kept, &[], "v1").await.unwrap();
    moved("it was put together with others").await;
    store
        .delete_genuine_photo(&local(), &oat, "g1")
        .await
        .unwrap();
    moved("it went").await;
    assert!(is_not_found(
        store.standing("acme", Some("soy")).await,
        "product"
    ));
    assert!(is_not_found(
        store.standing("nobody", Some("oat")).await,
        "product"
    ));
    assert!(is_not_found(store.standing("nobody", None).await, "brand"));
}

async fn what_answers_were_judged_by_stays_as_it_was_first_kept(place: &Place) {
    let store = place.open().await;
    let point = |id: &str, created_at: &str| OperatingPointAnswer {
        id: id.into(),
        created_at: created_at.into(),
        calibration: "default-1".into(),
        source: CalibrationSource::Default,
        budget: 0.01,
        bound_95: 0.016,
        items: 183,
        photos: 2,
        questions: 2.0,
        scores: [("marks".to_owned(), vec![[-1.25, 0.5], [3.0, 1.5]])].into(),
        models: [("embedder".to_owned(), "e@1".to_owned())].into(),
        program: "assay 0.1.0+tuning.000000000000".into(),
        similarity_rule: "rule".into(),
    };
    let first = point("op-1", "2026-01-01T00:00:00Z");
    for kept in [
        &first,
        &point("op-1", "2027-01-01T00:00:00Z"),
        &point("op-2", "now"),
    ] {
        store.add_operating_point(kept).await.unwrap();
    }
    store.close().await;
    let store = place.open().await;
    assert_eq!(store.operating_point("op-1").await.unwrap(), first);
    assert!(is_not_found(
        store.operating_point("op-3").await,
        "calibration"
    ));
}
