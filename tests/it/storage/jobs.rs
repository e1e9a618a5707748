//! Work to be done: one of a kind and key runs, and none is lost with its worker.

use assay::{
    checker::records::{GenuinePhotos, JobKind, JobState, Jobs, Leased, NewJob, References},
    storage::database::Database,
};

use super::{Place, is_not_found, with_two_products};
use crate::support::records::{genuine_photo, hash, key, local, reference};

const AN_HOUR: i64 = 3_600_000;

fn job(id: &str, kind: JobKind, key: &str) -> NewJob {
    NewJob {
        id: id.into(),
        kind,
        key: key.into(),
        actor: "ann".into(),
    }
}

pub(super) async fn one_of_a_kind_and_key_runs_and_one_waits(place: &Place) {
    let (store, other) = (place.open().await, place.open().await);
    let claim = async |store: &Database| {
        let claimed = store.claim_job(JobKind::Score, "w", AN_HOUR).await;
        claimed.unwrap().map(|lease| lease.id)
    };
    assert_eq!(claim(&store).await, None);
    for (id, key) in [("j1", "acme"), ("j2", "acme"), ("j3", "bolt")] {
        store.enqueue(&job(id, JobKind::Score, key)).await.unwrap();
    }
    assert!(
        is_not_found(store.job("j2").await, "job"),
        "the first will do"
    );
    assert_eq!(claim(&other).await.as_deref(), Some("j1"));
    store
        .enqueue(&job("j4", JobKind::Score, "acme"))
        .await
        .unwrap();
    assert_eq!(
        claim(&store).await.as_deref(),
        Some("j3"),
        "acme is underway"
    );
    assert_eq!(claim(&other).await, None);
    let first = store.job("j1").await.unwrap();
    assert_eq!((first.state, first.attempt), (JobState::Running, 1));
    assert_eq!((&*first.actor, &*first.key), ("ann", "acme"));
    let lease = Leased {
        id: "j1".into(),
        kind: JobKind::Score,
        key: "acme".into(),
        attempt: 1,
    };
    assert!(other.finish(&lease).await.unwrap());
    assert_eq!(store.job("j1").await.unwrap().state, JobState::Done);
    assert_eq!(claim(&store).await.as_deref(), Some("j4"));
}

pub(super) async fn a_worker_that_is_gone_is_followed_by_another(place: &Place) {
    let store = place.open().await;
    store
        .enqueue(&job("j1", JobKind::Score, "acme"))
        .await
        .unwrap();
    let claim = async |lease_ms| {
        let claimed = store.claim_job(JobKind::Score, "w", lease_ms).await;
        claimed.unwrap()
    };
    // Its lease ends as it begins: a worker that stopped.
    let gone = claim(0).await.unwrap();
    assert!(
        store.renew(&gone, AN_HOUR).await.unwrap(),
        "slow is not gone"
    );
    assert_eq!(claim(AN_HOUR).await, None);
    assert!(store.renew(&gone, 0).await.unwrap());
    let second = claim(AN_HOUR).await.unwrap();
    assert_eq!((&*second.id, second.attempt), ("j1", 2));
    for late in [
        store.renew(&gone, AN_HOUR).await,
        store.finish(&gone).await,
        store.fail(&gone, "late", 0).await,
    ] {
        assert!(!late.unwrap(), "another has it");
    }
    assert!(store.finish(&second).await.unwrap());
    assert!(!store.finish(&second).await.unwrap());
}

pub(super) async fn what_failed_is_begun_again_and_given_up_at_last(place: &Place) {
    let store = place.open().await;
    let claim = async || store.claim_job(JobKind::Score, "w", AN_HOUR).await.unwrap();
    store
        .enqueue(&job("j1", JobKind::Score, "acme"))
        .await
        .unwrap();
    let first = claim().await.unwrap();
    assert!(store.fail(&first, "no disk", AN_HOUR).await.unwrap());
    assert_eq!(claim().await, None, "not before its time");
    let waiting = store.job("j1").await.unwrap();
    assert_eq!(
        (waiting.state, waiting.error.as_deref()),
        (JobState::Queued, Some("no disk"))
    );
    store
        .enqueue(&job("j2", JobKind::Score, "bolt"))
        .await
        .unwrap();
    for attempt in 1..=JobKind::Score.most_attempts() {
        let lease = claim().await.unwrap();
        assert_eq!((&*lease.id, lease.attempt), ("j2", attempt));
        assert!(store.fail(&lease, "no disk", 0).await.unwrap());
    }
    assert_eq!(claim().await, None);
    assert_eq!(store.job("j2").await.unwrap().state, JobState::Failed);
    // One whose worker stopped each time is given up as well.
    store
        .enqueue(&job("j3", JobKind::Score, "cola"))
        .await
        .unwrap();
    for _ in 1..=JobKind::Score.most_attempts() {
        let claimed = store.claim_job(JobKind::Score, "w", 0).await.unwrap();
        assert_eq!(claimed.unwrap().id, "j3");
    }
    assert_eq!(claim().await, None);
    let given_up = store.job("j3").await.unwrap();
    assert_eq!(given_up.state, JobState::Failed);
    assert!(given_up.error.unwrap().contains("stopped"));
}

pub(super) async fn what_a_worker_begins_itself_is_begun_once(place: &Place) {
    let store = place.open().await;
    let begin = async |id: &str, lease_ms| {
        let job = job(id, JobKind::SelfTest, "");
        store.begin(&job, "w", lease_ms).await.unwrap()
    };
    let first = begin("j1", AN_HOUR).await.unwrap();
    assert_eq!(begin("j2", AN_HOUR).await, None);
    assert!(store.renew(&first, 0).await.unwrap());
    let second = begin("j3", AN_HOUR)
        .await
        .expect("the first one's worker stopped");
    assert!(!store.finish(&first).await.unwrap());
    assert_eq!(store.job("j1").await.unwrap().state, JobState::Failed);
    assert!(store.finish(&second).await.unwrap());
    assert!(begin("j4", AN_HOUR).await.is_some());
}

pub(super) async fn changes_ask_for_scores(place: &Place) {
    let store = with_two_products(place).await;
    let oat = key("acme", "oat");
    let asked = async || {
        let claimed = store.claim_job(JobKind::Score, "w", AN_HOUR).await.unwrap();
        match claimed {
            Some(lease) => {
                assert!(store.finish(&lease).await.unwrap());
                Some(lease.key)
            }
            None => None,
        }
    };
    let record = reference("r1", oat.clone(), hash('a'));
    store.add_reference(&local(), &record).await.unwrap();
    assert_eq!(asked().await, None, "there is nothing to score");
    let photo = genuine_photo("g1", oat.clone(), "item-1", hash('b'));
    store.add_genuine_photo(&local(), &photo).await.unwrap();
    assert_eq!(asked().await.as_deref(), Some("acme"));
    let record = reference("r2", oat.clone(), hash('c'));
    store.add_reference(&local(), &record).await.unwrap();
    assert_eq!(asked().await.as_deref(), Some("acme"));
    store
        .delete_reference(&local(), &oat, "r2", 5)
        .await
        .unwrap();
    assert_eq!(asked().await.as_deref(), Some("acme"));
    store.enqueue_all_scores("ann").await.unwrap();
    assert_eq!(asked().await.as_deref(), Some("acme"));
    store
        .delete_genuine_photo(&local(), &oat, "g1")
        .await
        .unwrap();
    store.enqueue_all_scores("ann").await.unwrap();
    assert_eq!(asked().await, None);
}
