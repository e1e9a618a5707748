//! What checks are judged by, as long as it does not change.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    contract::answer::CalibrationAnswer,
    engine::{Claim, OperatingPoint},
};

/// Claims whose operating point stays in memory: some 100 KB each at most, with ten thousand genuine
/// photos.
const MOST_CLAIMS: usize = 512;

/// What checks are judged by, and what answers say of it.
#[derive(Debug)]
pub(crate) struct JudgedBy {
    pub point: OperatingPoint,
    pub told: CalibrationAnswer,
}

/// What a claim was judged by last, by what it rested on then: the count of changes of its brand
/// (`None` where nothing was claimed) and the version of scores.
#[derive(Debug, Default)]
pub(crate) struct LastJudgedBy {
    // Held for a moment and never across an await, so a plain lock will do.
    known: Mutex<HashMap<Option<Claim>, Known>>,
}

type Known = (RestsOn, Arc<JudgedBy>);

/// What must not have moved for an operating point to be right still.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RestsOn {
    pub changes: Option<i64>,
    pub version: String,
}

impl LastJudgedBy {
    /// What a claim was judged by, if it still rests on the same.
    pub(crate) fn get(&self, claim: Option<&Claim>, rests_on: &RestsOn) -> Option<Arc<JudgedBy>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (then, judged_by) = known.get(&claim.cloned())?;
        (then == rests_on).then(|| Arc::clone(judged_by))
    }

    /// Remembers what a claim is judged by now.
    pub(crate) fn put(&self, claim: Option<&Claim>, rests_on: RestsOn, judged_by: &Arc<JudgedBy>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        // Forgetting costs a few queries, not an answer.
        if known.len() >= MOST_CLAIMS {
            known.clear();
        }
        known.insert(claim.cloned(), (rests_on, Arc::clone(judged_by)));
    }
}
