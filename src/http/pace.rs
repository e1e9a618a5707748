//! How often the holder of a key may ask.

use std::{num::NonZeroU32, time::Duration};

use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
    state::keyed::HashMapStateStore,
};

type PerKey = RateLimiter<String, HashMapStateStore<String>, DefaultClock>;

/// How often the holder of each key may ask; each process counts for itself.
pub(crate) struct Pace(Option<PerKey>);

impl Pace {
    /// So many requests a minute, and as many at once after a rest; 0 is no limit.
    pub(crate) fn per_minute(requests: u32) -> Self {
        let quota = NonZeroU32::new(requests).map(Quota::per_minute);
        Self(quota.map(RateLimiter::hashmap))
    }

    /// How long to wait, where the holder of a key asks too often.
    pub(crate) fn wait(&self, name: &str) -> Option<Duration> {
        let limiter = self.0.as_ref()?;
        let refused = limiter.check_key(&name.to_owned()).err()?;
        Some(refused.wait_time_from(DefaultClock::default().now()))
    }
}
