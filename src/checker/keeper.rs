//! Holding checks, removing photos after a while, and erasing somebody's data.

use std::sync::Arc;

use super::{
    actor::Actor,
    ports::Images,
    records::{Concerned, Hold, Retention, Subject},
    requests::Invalid,
    service::{ServiceError, now_ms},
    validate,
};

/// Checks whose photos are removed at a time: each is a transaction of its own.
const BATCH: usize = 100;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Checks that name nobody any more.
    pub checks: usize,
    /// Photos that are without bytes now.
    pub photos: usize,
}

/// Keeps what must be kept, and removes what need not be.
#[derive(Clone)]
pub struct Keeper {
    records: Arc<dyn Retention>,
    images: Arc<dyn Images>,
}

impl Keeper {
    /// Over records, and the images that they name.
    pub fn new(records: Arc<dyn Retention>, images: Arc<dyn Images>) -> Self {
        Self { records, images }
    }

    /// Keeps a check's photos and ids, whatever would remove them.
    ///
    /// # Errors
    /// There is no such check, it is held already, or `why` is no text of 1 to 200 characters.
    pub async fn hold(&self, actor: &Actor, check: &str, why: &str) -> Result<(), ServiceError> {
        validate::text("why", why)?;
        Ok(self.records.hold(actor, check, why).await?)
    }

    /// Ends a hold.
    ///
    /// # Errors
    /// The check is not held, or `why` is no text of 1 to 200 characters.
    pub async fn release(&self, actor: &Actor, check: &str, why: &str) -> Result<(), ServiceError> {
        validate::text("why", why)?;
        Ok(self.records.release(actor, check, why).await?)
    }

    /// All holds, oldest first.
    pub async fn holds(&self) -> Result<Vec<Hold>, ServiceError> {
        Ok(self.records.holds().await?)
    }

    /// The checks that erasing somebody's data would concern, oldest first.
    pub async fn concerned(&self, subject: &Subject) -> Result<Vec<Concerned>, ServiceError> {
        Ok(self.records.concerned(subject).await?)
    }

    /// Erases somebody's data: the bytes of photos, and the ids of seller and listing, of every check.
    /// What is erased when it fails midway stays erased, and asking again goes on.
    ///
    /// # Errors
    /// `why` is no text or holds the id, which would stay in the audit log; or a check is held, and
    /// then nothing is erased.
    pub async fn erase(
        &self,
        actor: &Actor,
        subject: &Subject,
        why: &str,
    ) -> Result<Erased, ServiceError> {
        validate::text("why", why)?;
        if why.contains(subject.id()) {
            return Err(Invalid {
                field: "why".to_owned(),
                problem: "holds the id itself, which would stay in the audit log".to_owned(),
            }
            .into());
        }
        let concerned = self.records.concerned(subject).await?;
        let held = concerned.iter().filter(|c| c.held);
        let held: Vec<_> = held.map(|c| format!("`{}`", c.check)).collect();
        if !held.is_empty() {
            return Err(ServiceError::Conflict {
                field: "erase".to_owned(),
                problem: format!("concerns checks that are held: {}", held.join(", ")),
            });
        }
        let mut erased = Erased::default();
        for Concerned { check, .. } in concerned {
            let images = self.images.as_ref();
            erased.photos += self.records.erase(actor, &check, why, images).await?;
            erased.checks += 1;
        }
        self.records.forget().await?;
        Ok(erased)
    }

    /// Removes the photos of checks that were decided more than so many days ago, and what their
    /// sellers said; how many of both.
    pub async fn remove_settled(&self, actor: &Actor, days: u32) -> Result<usize, ServiceError> {
        let before_ms = now_ms() - i64::from(days) * DAY_MS;
        let mut removed = 0;
        loop {
            let settled = self.records.settled(before_ms, BATCH).await?;
            let mut done = 0;
            for check in &settled {
                let images = self.images.as_ref();
                done += self.records.remove_dispute(actor, check, images).await?;
            }
            removed += done;
            if settled.len() < BATCH || done == 0 {
                return Ok(removed);
            }
        }
    }

    /// Removes the bytes of photos of cleared checks older than so many days; of how many photos.
    pub async fn remove_cleared(&self, actor: &Actor, days: u32) -> Result<usize, ServiceError> {
        let before = first_id(now_ms() - i64::from(days) * DAY_MS);
        let mut photos = 0;
        loop {
            let cleared = self.records.cleared(&before, BATCH).await?;
            let mut done = 0;
            for check in &cleared {
                let images = self.images.as_ref();
                done += self.records.remove_photos(actor, check, images).await?;
            }
            photos += done;
            // A batch of which nothing goes, as when all were held meanwhile, would come again.
            if cleared.len() < BATCH || done == 0 {
                return Ok(photos);
            }
        }
    }
}

/// The first id that a check of this moment (milliseconds since 1970) may have: ids sort by time.
fn first_id(ms: i64) -> String {
    let ms = ms.max(0);
    format!(
        "{:08x}-{:04x}-7000-8000-000000000000",
        ms >> 16,
        ms & 0xffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_lies_between_the_ids_of_before_and_after() {
        let now = now_ms();
        let id = crate::checker::service::new_id();
        assert!(first_id(now) <= id && id < first_id(now + 60_000));
        assert_eq!(first_id(-5), "00000000-0000-7000-8000-000000000000");
    }
}
