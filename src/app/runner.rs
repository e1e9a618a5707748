//! Does the work that waits in the records, beside the requests.

use std::{sync::Arc, time::Duration};

use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::{
    checker::{
        actor::Actor,
        keeper::Keeper,
        records::{JobKind, Leased},
        service::{Assay, ServiceError},
    },
    config::KeepConfig,
};

/// How often it is looked whether a job waits.
const PERIOD: Duration = Duration::from_secs(1);
/// How often a job that is underway says so.
const RENEWAL: Duration = Duration::from_secs(10);
/// How often all brands are looked through, whether anything asks for it or not: after a start with
/// other models or another tuning, and where an older program took the job or a store was down for
/// long.
const ROUND: Duration = Duration::from_secs(300);

/// How often what need not be kept is removed.
const TIDYING: Duration = Duration::from_secs(3600);

/// Does one job after the other, for as long as it is polled. Whatever it is stopped in goes on in
/// another process, or in this one after its next start.
pub(super) async fn work(assay: Arc<Assay>, keeper: Keeper, keep: KeepConfig) {
    let (mut period, mut round, mut tidying) = (paced(PERIOD), paced(ROUND), paced(TIDYING));
    loop {
        tokio::select! {
            _ = period.tick() => {}
            _ = round.tick() => {
                if let Err(error) = assay.score_everything(&Actor::local()).await {
                    tracing::warn!("no work could be looked for, which is tried again: {error}");
                }
            }
            _ = tidying.tick(), if keep != KeepConfig::default() => {
                if let Err(error) = assay.ask_for_retention(&Actor::local()).await {
                    tracing::warn!("nothing could be removed, which is tried again: {error}");
                }
            }
        }
        if keep != KeepConfig::default() {
            tidy(&assay, &keeper, keep).await;
        }
        // All that waits, without a pause in between.
        loop {
            match assay.take_job(JobKind::Score).await {
                Ok(Some(job)) => run(&assay, &job, assay.do_job(&job)).await,
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!("no work could be looked for, which is tried again: {error}");
                    break;
                }
            }
        }
    }
}

/// Does a job while saying that it is underway; gives it up when somebody else has it meanwhile.
async fn run(assay: &Assay, job: &Leased, done: impl Future<Output = Result<usize, ServiceError>>) {
    let mut renewal = paced(RENEWAL);
    // The first one is at once, and taking it was as good.
    renewal.tick().await;
    tokio::pin!(done);
    let done = loop {
        tokio::select! {
            done = &mut done => break done,
            _ = renewal.tick() => match assay.renew_job(job).await {
                Ok(true) => {}
                Ok(false) => {
                    tracing::warn!("job `{}` is left to another process, which took it over", job.id);
                    return;
                }
                // Perhaps it is renewed the next time; what it writes is right in any case.
                Err(error) => tracing::warn!("job `{}` could not be renewed: {error}", job.id),
            },
        }
    };
    if let Err(error) = ended(assay, job, done).await {
        tracing::warn!(
            "the end of job `{}` could not be kept, so it is done again: {error}",
            job.id
        );
    }
}

async fn ended(
    assay: &Assay,
    job: &Leased,
    done: Result<usize, ServiceError>,
) -> Result<(), ServiceError> {
    match done {
        Ok(done) => {
            match job.kind {
                _ if done == 0 => {}
                JobKind::Retention => {
                    tracing::info!("{done} photos and statements were removed by retention");
                }
                JobKind::Score | JobKind::SelfTest => tracing::info!(
                    "{done} genuine photos of {} were scored for calibration",
                    job.key
                ),
            }
            assay.finish_job(job).await
        }
        Err(error) => {
            let (what, key) = (job.kind.name(), &job.key);
            tracing::warn!("job {what} of {key} failed, which is tried again later: {error}");
            assay.fail_job(job, &error).await
        }
    }
}

/// Removes what need not be kept, where it is time and no other process does.
async fn tidy(assay: &Assay, keeper: &Keeper, keep: KeepConfig) {
    match assay.take_job(JobKind::Retention).await {
        Ok(Some(job)) => {
            let actor = Actor::local();
            run(assay, &job, removed(keeper, &actor, keep)).await;
        }
        Ok(None) => {}
        Err(error) => tracing::warn!("nothing could be removed, which is tried again: {error}"),
    }
}

/// How many photos and statements went that these settings do not keep.
async fn removed(keeper: &Keeper, actor: &Actor, keep: KeepConfig) -> Result<usize, ServiceError> {
    let mut removed = 0;
    if let Some(days) = keep.keep_cleared_photos {
        removed += keeper.remove_cleared(actor, days).await?;
    }
    if let Some(days) = keep.keep_disputes {
        removed += keeper.remove_settled(actor, days).await?;
    }
    Ok(removed)
}

fn paced(period: Duration) -> Interval {
    let mut interval = interval(period);
    // A round may take longer than the period: ticks missed meanwhile are not made up for.
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    interval
}
