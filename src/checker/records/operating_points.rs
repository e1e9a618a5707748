//! What checks are judged by.

use async_trait::async_trait;

use super::Settings;
use crate::{checker::ports::StoreError, contract::operating_point::OperatingPointAnswer};

/// What a claim rests on, read at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standing {
    /// The claimed product's settings, where one is claimed.
    pub product: Option<Settings>,
    /// Its brand's settings.
    pub brand: Settings,
    /// How often anything changed that a check of the brand is judged by: settings, genuine photos,
    /// their scores, what they show.
    pub changes: i64,
    /// Number of the last change of references, of any brand.
    pub references: i64,
}

/// Keeps what checks are judged by.
#[async_trait]
pub trait OperatingPoints: Send + Sync {
    /// Keeps what answers are judged by; one that is kept already stays as it is.
    async fn add_operating_point(&self, point: &OperatingPointAnswer) -> Result<(), StoreError>;
    /// What answers were judged by.
    async fn operating_point(&self, id: &str) -> Result<OperatingPointAnswer, StoreError>;
    /// What a claim on a brand, or on a product of it, rests on; in one query, since it is asked
    /// before every check.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] when the claimed product or brand does not exist.
    async fn standing(&self, brand: &str, product: Option<&str>) -> Result<Standing, StoreError>;
}
