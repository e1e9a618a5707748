//! Worker threads that each own their models, behind a bounded queue: computing never happens on
//! the async runtime.
//!
//! A panic in a job costs that job and a fresh set of models, nothing else. A job whose caller left
//! before it started is skipped. Requests are admitted at the door, before their bodies are read,
//! and refused rather than made to wait. Decoded photos are what takes most memory: a job that
//! decodes waits, before it is queued, until there is room for its photo.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread::JoinHandle,
    time::Instant,
};

use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot};

use crate::{
    checker::ports::{Compute, ComputeError, Job, Permit},
    config::ComputeConfig,
    domain::number::whole,
    engine::vision::{InferenceError, Vision},
};

/// Makes one worker's models.
pub type MakeVision = dyn Fn() -> Result<Vision, InferenceError> + Send + Sync;

/// The worker threads and their queue.
pub struct WorkerPool {
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

struct Shared {
    config: ComputeConfig,
    make: Box<MakeVision>,
    queue: Mutex<Queue>,
    work: Condvar,
    load: Mutex<Load>,
    /// Memory for decoded photos, in units of [`ROOM_UNIT`]; who asked first gets it first.
    room: Arc<Semaphore>,
    /// Jobs that wait for that memory.
    waiting_for_room: AtomicUsize,
    /// Workers that have their models.
    able: AtomicUsize,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Ticket>,
    /// Nothing more is accepted; workers end when the queue is empty.
    closed: bool,
    /// Smoothed seconds that a job takes.
    job_s: f64,
}

struct Ticket {
    job: Job,
    /// The caller's span, so that what the job logs carries its request.
    span: tracing::Span,
    done: oneshot::Sender<()>,
}

#[derive(Default)]
struct Load {
    requests: usize,
    bytes: u64,
    decoding: u64,
}

/// Unit of the memory for decoded photos: counters of single bytes would not hold it.
const ROOM_UNIT: u64 = 1 << 10;
/// Weight of the newest job in the smoothed duration.
const SMOOTHING: f64 = 0.1;
/// Longest wait that a refused caller is told, in seconds.
const LONGEST_RETRY_S: f64 = 30.0;

impl WorkerPool {
    /// Starts the workers and returns when each has its models; fails when one cannot get them.
    pub async fn start(
        config: ComputeConfig,
        make: impl Fn() -> Result<Vision, InferenceError> + Send + Sync + 'static,
    ) -> Result<Self, InferenceError> {
        let shared = Arc::new(Shared {
            make: Box::new(make),
            queue: Mutex::default(),
            work: Condvar::new(),
            load: Mutex::default(),
            room: Arc::new(Semaphore::new(room_units(config.decoding) as usize)),
            waiting_for_room: AtomicUsize::new(0),
            able: AtomicUsize::new(0),
            config,
        });
        let pool = Self {
            shared,
            threads: Mutex::default(),
        };
        let mut started = Vec::new();
        for n in 0..pool.shared.config.workers.get() {
            let (tell, told) = oneshot::channel();
            let shared = Arc::clone(&pool.shared);
            let thread = std::thread::Builder::new()
                .name(format!("worker-{n}"))
                .spawn(move || work(&shared, tell));
            let thread = thread.map_err(|e| {
                InferenceError::Unavailable(format!("cannot start a worker thread: {e}"))
            })?;
            lock(&pool.threads).push(thread);
            started.push(told);
        }
        for told in started {
            let died = |_| {
                InferenceError::Unavailable("a worker died while loading its models".to_owned())
            };
            told.await.map_err(died)??;
        }
        Ok(pool)
    }

    /// Accepts no more work, finishes what waits, and ends the threads; returns when all have
    /// ended.
    pub fn shutdown(&self) {
        self.shared.close(false);
        self.join();
    }

    fn join(&self) {
        let me = std::thread::current().id();
        for thread in std::mem::take(&mut *lock(&self.threads)) {
            // A job may hold the last handle to the pool, and a thread cannot wait for itself.
            if thread.thread().id() != me {
                // A worker that panicked has logged it, and there is nothing more to learn from it.
                let _ = thread.join();
            }
        }
    }
}

impl Drop for WorkerPool {
    fn drop(&mut self) {
        self.shared.close(true);
        self.join();
    }
}

#[async_trait]
impl Compute for WorkerPool {
    async fn run(&self, job: Job) -> Result<(), ComputeError> {
        let (done, finished) = oneshot::channel();
        self.shared.push(Ticket {
            job,
            span: tracing::Span::current(),
            done,
        })?;
        finished.await.map_err(|_| ComputeError::Interrupted)
    }

    fn ready(&self) -> bool {
        !lock(&self.shared.queue).closed && self.shared.able.load(Ordering::Relaxed) > 0
    }

    fn waiting(&self) -> usize {
        self.shared.waiting(&lock(&self.shared.queue))
    }

    fn try_admit(&self, bytes: u64) -> Result<Permit, ComputeError> {
        let shared = Arc::clone(&self.shared);
        {
            let mut load = lock(&shared.load);
            // A single request is never refused for its size: the limit on bodies bounds it, and
            // waiting would not help.
            let too_much =
                load.requests > 0 && load.bytes.saturating_add(bytes) > shared.config.bytes;
            if load.requests >= shared.config.requests || too_much {
                drop(load);
                return Err(shared.busy(&lock(&shared.queue)));
            }
            load.requests += 1;
            load.bytes = load.bytes.saturating_add(bytes);
        }
        Ok(Permit::new(move || {
            let mut load = lock(&shared.load);
            load.requests -= 1;
            load.bytes = load.bytes.saturating_sub(bytes);
        }))
    }

    fn try_admit_photos(&self, decoding: u64) -> Result<Permit, ComputeError> {
        let shared = Arc::clone(&self.shared);
        {
            let mut load = lock(&shared.load);
            let sum = load.decoding.saturating_add(decoding);
            // As above: alone, a request is served whatever its photos take.
            if load.decoding > 0 && sum > shared.config.decoding_admitted {
                drop(load);
                return Err(shared.busy(&lock(&shared.queue)));
            }
            load.decoding = sum;
        }
        Ok(Permit::new(move || {
            let mut load = lock(&shared.load);
            load.decoding = load.decoding.saturating_sub(decoding);
        }))
    }

    async fn room_for(&self, decoding: u64) -> Result<Permit, ComputeError> {
        let units = room_units(decoding.min(self.shared.config.decoding));
        if units == 0 {
            return Ok(Permit::new(|| {}));
        }
        self.shared.waiting_for_room.fetch_add(1, Ordering::Relaxed);
        // Counted until the wait is over, also when the caller leaves meanwhile.
        let waiting = Leaving(&self.shared.waiting_for_room);
        let room = Arc::clone(&self.shared.room)
            .acquire_many_owned(units)
            .await;
        drop(waiting);
        // The semaphore is never closed.
        let room = room.map_err(|_| ComputeError::Interrupted)?;
        Ok(Permit::new(move || drop(room)))
    }
}

/// Whole units that hold so many bytes.
fn room_units(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(ROOM_UNIT)).unwrap_or(u32::MAX)
}

impl Shared {
    /// Jobs that wait for a worker, or for memory first.
    fn waiting(&self, queue: &Queue) -> usize {
        queue.waiting.len() + self.waiting_for_room.load(Ordering::Relaxed)
    }

    fn push(&self, ticket: Ticket) -> Result<(), ComputeError> {
        let mut queue = lock(&self.queue);
        if queue.closed {
            return Err(ComputeError::Interrupted);
        }
        // Places of callers who left are given away before anybody is refused.
        if queue.waiting.len() >= self.config.queue {
            queue.waiting.retain(|t| !t.done.is_closed());
        }
        if queue.waiting.len() >= self.config.queue {
            return Err(self.busy(&queue));
        }
        queue.waiting.push_back(ticket);
        drop(queue);
        self.work.notify_one();
        Ok(())
    }

    /// The next job whose caller still waits for it; `None` when the pool is closed and nothing is
    /// left.
    fn next(&self) -> Option<Ticket> {
        let mut queue = lock(&self.queue);
        loop {
            match queue.waiting.pop_front() {
                Some(ticket) if ticket.done.is_closed() => {}
                Some(ticket) => return Some(ticket),
                None if queue.closed => return None,
                None => {
                    queue = self
                        .work
                        .wait(queue)
                        .unwrap_or_else(PoisonError::into_inner)
                }
            }
        }
    }

    fn close(&self, drop_waiting: bool) {
        let mut queue = lock(&self.queue);
        queue.closed = true;
        if drop_waiting {
            queue.waiting.clear();
        }
        drop(queue);
        self.work.notify_all();
    }

    fn took(&self, since: Instant) {
        let mut queue = lock(&self.queue);
        queue.job_s += SMOOTHING * (since.elapsed().as_secs_f64() - queue.job_s);
    }

    /// Refuses, with the time in which the workers get through what waits now.
    fn busy(&self, queue: &Queue) -> ComputeError {
        let wait_s =
            queue.job_s * (self.waiting(queue) + 1) as f64 / self.config.workers.get() as f64;
        ComputeError::Busy {
            retry_after_s: whole(wait_s.ceil().clamp(1.0, LONGEST_RETRY_S)).into(),
        }
    }
}

/// Takes one from a counter when it is dropped.
struct Leaving<'a>(&'a AtomicUsize);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A worker's life: get the models, work until the pool closes, get new models after a panic.
fn work(shared: &Shared, tell: oneshot::Sender<Result<(), InferenceError>>) {
    let mut vision = match (shared.make)() {
        Ok(vision) => Some(vision),
        Err(why) => {
            // Nobody listens only when another worker failed first, and that failure was told.
            let _ = tell.send(Err(why));
            return;
        }
    };
    shared.able.fetch_add(1, Ordering::Relaxed);
    let _ = tell.send(Ok(()));
    while let Some(ticket) = shared.next() {
        let _entered = ticket.span.clone().entered();
        if vision.is_none() {
            vision = again(shared);
        }
        let Some(models) = vision.as_mut() else {
            continue;
        };
        let since = Instant::now();
        let Ticket { job, done, .. } = ticket;
        // What a panicking job leaves behind is its own result slot, which nobody reads then, and
        // the models, which are thrown away.
        let ended = catch_unwind(AssertUnwindSafe(|| job(models)));
        shared.took(since);
        if ended.is_ok() {
            // The caller may have left while the job ran.
            let _ = done.send(());
            continue;
        }
        tracing::error!("a job panicked; its worker loads its models anew");
        shared.able.fetch_sub(1, Ordering::Relaxed);
        drop(done);
        vision = again(shared);
    }
}

/// New models after a panic; `None` when that fails, to be tried again with the next job.
fn again(shared: &Shared) -> Option<Vision> {
    match catch_unwind(AssertUnwindSafe(|| (shared.make)())) {
        Ok(Ok(vision)) => {
            shared.able.fetch_add(1, Ordering::Relaxed);
            Some(vision)
        }
        Ok(Err(why)) => {
            tracing::error!("a worker cannot load its models: {why}");
            None
        }
        Err(_) => {
            tracing::error!("a worker panicked while loading its models");
            None
        }
    }
}

/// Every critical section above leaves its data whole at each step, so a panic inside one spoils
/// nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
