//! The pool survives panics, skips work nobody waits for, and refuses rather than queues without
//! end.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use assay::{
    checker::ports::{Compute, ComputeError, Job},
    config::ComputeConfig,
    engine::vision::{InferenceError, Vision},
    inference::pool::WorkerPool,
};
use futures_util::{FutureExt, future::BoxFuture};

use crate::support::vision::fake_vision;

const KIB: u64 = 1 << 10;

fn one_worker(queue: usize) -> ComputeConfig {
    ComputeConfig {
        workers: NonZeroUsize::MIN,
        queue,
        requests: 2,
        bytes: 100,
        decoding: 4 * KIB,
        decoding_admitted: 10 * KIB,
    }
}

async fn pool(config: ComputeConfig) -> Arc<WorkerPool> {
    Arc::new(
        WorkerPool::start(config, || Ok(fake_vision()))
            .await
            .unwrap(),
    )
}

/// A job that tells when it starts and then waits until it is let go, so that tests need no clock.
struct Gate {
    started: mpsc::Receiver<()>,
    go: mpsc::Sender<()>,
}

fn gated() -> (Job, Gate) {
    let (tell, started) = mpsc::channel();
    let (go, wait) = mpsc::channel();
    let job = Box::new(move |_: &mut _| {
        tell.send(()).unwrap();
        let _ = wait.recv();
    });
    (job, Gate { started, go })
}

/// Runs a job that decodes as much, as callers do: the room goes along with it.
fn decoding(pool: &WorkerPool, bytes: u64, job: Job) -> BoxFuture<'_, Result<(), ComputeError>> {
    async move {
        let room = pool.room_for(bytes).await?;
        let with_room = move |vision: &mut Vision| {
            let _room = room;
            job(vision);
        };
        pool.run(Box::new(with_room)).await
    }
    .boxed()
}

fn counting(counter: &Arc<AtomicUsize>) -> Job {
    let counter = Arc::clone(counter);
    Box::new(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
    })
}

#[tokio::test]
async fn a_job_runs_on_a_worker_with_its_models() {
    let pool = pool(one_worker(4)).await;
    let (tell, told) = mpsc::channel();
    let job: Job = Box::new(move |vision| {
        let thread = std::thread::current().name().map(str::to_owned);
        tell.send((thread, vision.local.model().to_string()))
            .unwrap();
    });
    pool.run(job).await.unwrap();
    assert_eq!(
        told.recv().unwrap(),
        (Some("worker-0".to_owned()), "fake-dots@1".to_owned())
    );
    assert!(pool.ready());
}

#[tokio::test]
async fn a_panic_costs_one_job_and_a_fresh_set_of_models() {
    let made = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&made);
    let make = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        Ok(fake_vision())
    };
    let pool = WorkerPool::start(one_worker(4), make).await.unwrap();
    let interrupted = pool.run(Box::new(|_| panic!("a job may panic"))).await;
    assert_eq!(interrupted, Err(ComputeError::Interrupted));
    pool.run(Box::new(|_| {})).await.unwrap();
    assert_eq!(made.load(Ordering::Relaxed), 2);
    assert!(pool.ready());
}

#[tokio::test]
async fn a_worker_without_models_is_not_ready_until_it_has_them_again() {
    let answers = Arc::new(Mutex::new(vec![true, false, true]));
    let make = move || match answers.lock().unwrap().pop() {
        Some(false) => Err(InferenceError::Unavailable("gone".into())),
        _ => Ok(fake_vision()),
    };
    let pool = WorkerPool::start(one_worker(4), make).await.unwrap();
    assert_eq!(
        pool.run(Box::new(|_| panic!("a job may panic"))).await,
        Err(ComputeError::Interrupted)
    );
    // The next job finds the worker without models; it gets them on this try, since only the second
    // try fails.
    pool.run(Box::new(|_| {})).await.unwrap();
    assert!(pool.ready());
}

#[tokio::test]
async fn a_job_whose_caller_left_is_skipped() {
    let pool = pool(one_worker(4)).await;
    let (job, gate) = gated();
    let mut first = pool.run(job);
    assert!((&mut first).now_or_never().is_none());
    gate.started.recv().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    // Polled once, hence in the queue; then dropped.
    assert!(pool.run(counting(&ran)).now_or_never().is_none());
    gate.go.send(()).unwrap();
    first.await.unwrap();
    let last = Arc::new(AtomicUsize::new(0));
    pool.run(counting(&last)).await.unwrap();
    assert_eq!(
        (ran.load(Ordering::Relaxed), last.load(Ordering::Relaxed)),
        (0, 1)
    );
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_callers_who_left_make_room() {
    let pool = pool(one_worker(1)).await;
    let (job, gate) = gated();
    let mut first = pool.run(job);
    assert!((&mut first).now_or_never().is_none());
    gate.started.recv().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let mut waiting = pool.run(counting(&ran));
    assert!((&mut waiting).now_or_never().is_none());
    let refused = pool.run(counting(&ran)).now_or_never();
    assert!(
        matches!(
            refused,
            Some(Err(ComputeError::Busy { retry_after_s: 1.. }))
        ),
        "{refused:?}"
    );
    drop(waiting);
    let waiting = pool.run(counting(&ran));
    gate.go.send(()).unwrap();
    let (first, waiting) = tokio::join!(first, waiting);
    assert_eq!((first, waiting), (Ok(()), Ok(())));
    assert_eq!(ran.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn requests_are_admitted_until_the_bounds_and_again_when_permits_are_dropped() {
    let pool = pool(one_worker(4)).await;
    let first = pool.try_admit(60).unwrap();
    assert!(
        matches!(pool.try_admit(60), Err(ComputeError::Busy { .. })),
        "more than 100 bytes"
    );
    let second = pool.try_admit(40).unwrap();
    assert!(
        matches!(pool.try_admit(0), Err(ComputeError::Busy { .. })),
        "more than two requests"
    );
    drop(first);
    let third = pool.try_admit(60).unwrap();
    drop((second, third));
    assert!(
        pool.try_admit(1_000).is_ok(),
        "one request alone is never refused for its size"
    );
}

#[tokio::test]
async fn photos_are_admitted_by_what_they_take_when_decoded() {
    let pool = pool(one_worker(4)).await;
    let first = pool.try_admit_photos(6 * KIB).unwrap();
    let refused = pool.try_admit_photos(6 * KIB);
    assert!(
        matches!(refused, Err(ComputeError::Busy { retry_after_s: 1.. })),
        "more than 10 KiB"
    );
    let second = pool.try_admit_photos(4 * KIB).unwrap();
    drop((first, second));
    let large = pool.try_admit_photos(1_000 * KIB);
    assert!(
        large.is_ok(),
        "photos are never refused for what they take alone"
    );
    assert!(pool.try_admit_photos(1).is_err());
    assert!(pool.try_admit_photos(0).is_err(), "no room, however little");
}

#[tokio::test]
async fn jobs_wait_for_memory_and_one_that_takes_more_than_all_of_it_goes_alone() {
    let pool = pool(one_worker(4)).await;
    let (job, gate) = gated();
    let mut first = decoding(&pool, 3 * KIB, job);
    assert!((&mut first).now_or_never().is_none());
    gate.started.recv().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    // The queue has room for four: these wait for memory, and are no reason to refuse a job that
    // takes none.
    let mut waiting: Vec<_> = [2, 1_000, 2, 1, 1]
        .map(|kib| decoding(&pool, kib * KIB, counting(&ran)))
        .into();
    for job in &mut waiting {
        assert!(job.now_or_never().is_none());
    }
    let mut none = pool.run(counting(&ran));
    assert!((&mut none).now_or_never().is_none());
    assert_eq!(pool.waiting(), 6);
    gate.go.send(()).unwrap();
    let (first, none, rest) = tokio::join!(first, none, futures_util::future::join_all(waiting));
    assert_eq!((first, none, rest), (Ok(()), Ok(()), vec![Ok(()); 5]));
    assert_eq!((ran.load(Ordering::Relaxed), pool.waiting()), (6, 0));
}

#[tokio::test]
async fn memory_is_held_until_the_job_ends_even_when_its_caller_has_left() {
    let pool = pool(one_worker(4)).await;
    let (job, gate) = gated();
    let mut first = decoding(&pool, 4 * KIB, job);
    assert!((&mut first).now_or_never().is_none());
    gate.started.recv().unwrap();
    drop(first);
    let ran = Arc::new(AtomicUsize::new(0));
    let mut second = decoding(&pool, KIB, counting(&ran));
    assert!((&mut second).now_or_never().is_none());
    let mut third = pool.run(counting(&ran));
    assert!((&mut third).now_or_never().is_none());
    assert_eq!(pool.waiting(), 2);
    gate.go.send(()).unwrap();
    assert_eq!(tokio::join!(second, third), (Ok(()), Ok(())));
    // A job that panics gives its memory back too.
    let panicked = decoding(&pool, 4 * KIB, Box::new(|_| panic!("a job may panic")));
    assert_eq!(panicked.await, Err(ComputeError::Interrupted));
    assert_eq!(decoding(&pool, 4 * KIB, counting(&ran)).await, Ok(()));
}

#[tokio::test]
async fn shutting_down_finishes_what_waits_and_takes_no_more() {
    let pool = pool(one_worker(4)).await;
    let (job, gate) = gated();
    let mut first = pool.run(job);
    assert!((&mut first).now_or_never().is_none());
    gate.started.recv().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let mut waiting = pool.run(counting(&ran));
    assert!((&mut waiting).now_or_never().is_none());
    gate.go.send(()).unwrap();
    pool.shutdown();
    assert_eq!((first.await, waiting.await), (Ok(()), Ok(())));
    assert_eq!(ran.load(Ordering::Relaxed), 1);
    assert_eq!(
        pool.run(counting(&ran)).await,
        Err(ComputeError::Interrupted)
    );
    assert!(!pool.ready());
}

#[tokio::test]
async fn a_pool_that_cannot_get_its_models_says_why() {
    let failed = WorkerPool::start(one_worker(1), || {
        Err(InferenceError::Unavailable("no library".into()))
    })
    .await;
    assert_eq!(
        failed.err().map(|e| e.to_string()),
        Some("no library".to_owned())
    );
    let died = WorkerPool::start(one_worker(1), || panic!("loading may panic")).await;
    assert!(died.err().is_some_and(|e| e.to_string().contains("died")));
}
