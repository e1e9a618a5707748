//! What is measured and under which name; read at `/metrics`.

use std::{sync::OnceLock, time::Duration};

use metrics::{
    Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram,
};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::contract::answer::CheckAnswer;

const REQUESTS: &str = "assay_http_requests_total";
const LATENCY: &str = "assay_http_request_seconds";
const IN_FLIGHT: &str = "assay_http_requests_in_flight";
const CHECKS: &str = "assay_checks_total";
const STAGE: &str = "assay_check_stage_seconds";
const WAITING: &str = "assay_jobs_waiting";
const REFERENCES: &str = "assay_references";

/// Upper bounds in seconds: a check takes about 0.3 s, an identification up to 2 s, a refusal under
/// 1 ms.
const SECONDS: &[f64] = &[
    0.001, 0.005, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.5, 5.0, 10.0, 30.0, 120.0,
];

/// The process's recorder of metrics, installed by the first call.
pub(crate) fn recorder() -> PrometheusHandle {
    // The recorder belongs to the process and installs once; tests start several servers in one.
    static HANDLE: OnceLock<PrometheusHandle> = OnceLock::new();
    HANDLE.get_or_init(install).clone()
}

fn install() -> PrometheusHandle {
    let builder = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS)
        // Only an empty list of buckets is refused: not worth stopping a server for.
        .unwrap_or_else(|_| PrometheusBuilder::new());
    let recorder = builder.build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("metrics are recorded elsewhere already; `/metrics` stays empty");
    }
    describe_counter!(
        REQUESTS,
        Unit::Count,
        "requests answered, by route, method and status"
    );
    describe_histogram!(
        LATENCY,
        Unit::Seconds,
        "time to answer a request, by route and method"
    );
    describe_gauge!(IN_FLIGHT, Unit::Count, "requests being answered");
    describe_counter!(
        CHECKS,
        Unit::Count,
        "checks answered, by verdict and action"
    );
    describe_histogram!(
        STAGE,
        Unit::Seconds,
        "time of one stage of a check, summed over its photos"
    );
    describe_gauge!(WAITING, Unit::Count, "jobs that wait for a worker");
    describe_gauge!(REFERENCES, Unit::Count, "references searched");
    // A gauge that was never set is missing from the output, and that looks like a fault.
    gauge!(IN_FLIGHT).set(0.0);
    handle
}

/// One request is being answered, for as long as this lives.
// Counted down by dropping, so also when a handler panics or its caller leaves.
pub(crate) struct InFlight(());

impl InFlight {
    /// Counts one more.
    pub(crate) fn enter() -> Self {
        gauge!(IN_FLIGHT).increment(1.0);
        Self(())
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        gauge!(IN_FLIGHT).decrement(1.0);
    }
}

/// A request was answered; `route` is the path's pattern, never the path itself.
pub(crate) fn answered(route: &str, method: &str, status: u16, took: Duration) {
    let (route, method) = (route.to_owned(), method.to_owned());
    counter!(REQUESTS, "route" => route.clone(), "method" => method.clone(), "status" => status.to_string())
        .increment(1);
    histogram!(LATENCY, "route" => route, "method" => method).record(took);
}

/// A check was made.
pub(crate) fn checked(answer: &CheckAnswer) {
    counter!(CHECKS, "verdict" => answer.verdict.name(), "action" => answer.action.name())
        .increment(1);
    for (stage, ms) in &answer.timings_ms {
        // Answers tell milliseconds; collectors expect seconds.
        histogram!(STAGE, "stage" => stage.clone()).record(ms / 1000.0);
    }
}

/// What is read off when somebody asks: references searched, and jobs that wait for a worker.
pub(crate) fn levels(references: usize, waiting: usize) {
    gauge!(REFERENCES).set(references as f64);
    gauge!(WAITING).set(waiting as f64);
}
