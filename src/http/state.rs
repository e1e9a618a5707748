//! What every handler can reach.

use std::sync::Arc;

use metrics_exporter_prometheus::PrometheusHandle;

use crate::{
    checker::service::{Assay, EvidencePainter},
    config::HttpConfig,
};

use super::metrics;

/// What every handler can reach; cheap to clone.
#[derive(Clone)]
// One count to raise for each request, not one for each field.
pub struct HttpState(Arc<Inner>);

struct Inner {
    assay: Arc<Assay>,
    // Behind a port: pictures are drawn by code that HTTP may not depend on.
    painter: Arc<dyn EvidencePainter>,
    config: HttpConfig,
    metrics: PrometheusHandle,
}

impl HttpState {
    /// The state of a server over `assay`. The first call of the process installs the recorder of
    /// metrics.
    pub fn new(assay: Arc<Assay>, painter: Arc<dyn EvidencePainter>, config: HttpConfig) -> Self {
        Self(Arc::new(Inner {
            assay,
            painter,
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

    pub(super) fn config(&self) -> &HttpConfig {
        &self.0.config
    }

    pub(super) fn metrics(&self) -> &PrometheusHandle {
        &self.0.metrics
    }
}
