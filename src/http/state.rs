//! What every handler can reach.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    checker::{
        key_ring::KeyRing,
        service::{Assay, EvidencePainter},
        statement::StatementWriter,
    },
    config::HttpConfig,
};

use super::{metrics, pace::Pace};

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
// One count to raise for each request, not one for each field.
pub struct HttpState(Arc<Inner>);

struct Inner {
    assay: Arc<Assay>,
    // Behind a port: pictures are drawn by code that HTTP may not depend on.
    painter: Arc<dyn EvidencePainter>,
    // The same: words may come from files.
    writer: Arc<dyn StatementWriter>,
    keys: KeyRing,
    pace: Pace,
    config: HttpConfig,
    metrics: PrometheusHandle,
}

impl HttpState {
    /// The state of a server over `assay`. The first call of the process installs the recorder of
    /// metrics.
    pub fn new(
        assay: Arc<Assay>,
        painter: Arc<dyn EvidencePainter>,
        writer: Arc<dyn StatementWriter>,
        keys: KeyRing,
        config: HttpConfig,
    ) -> Self {
        Self(Arc::new(Inner {
            assay,
            painter,
            writer,
            keys,
            pace: Pace::per_minute(config.requests_per_minute),
            config,
            metrics: metrics::recorder(),
        }))
    }

    pub(super) fn assay(&self) -> &Assay {
        &self.0.assay
    }

    pub(super) fn painter(&self) -> Arc<dyn EvidencePainter> {
        Arc::clone(&self.0.painter)
    }

    pub(super) fn writer(&self) -> &dyn StatementWriter {
        self.0.writer.as_ref()
    }

    pub(super) fn keys(&self) -> &KeyRing {
        &self.0.keys
    }

    pub(super) fn pace(&self) -> &Pace {
        &self.0.pace
    }

    pub(super) fn config(&self) -> &HttpConfig {
        &self.0.config
    }

    pub(super) fn metrics(&self) -> &PrometheusHandle {
        &self.0.metrics
    }
}
