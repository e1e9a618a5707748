//! What people do about checks: the queue, disputes and decisions.

use bytes::Bytes;

use super::{Assay, CheckRequest, ServiceError, new_id, now_ms};
use crate::{
    checker::{
        actor::Actor,
        clock::rfc3339,
        ports::StoreError,
        records::{DecisionRecord, DisputeRecord, Holder, Lease, QueueFilter, ReviewRecord},
        requests::Invalid,
        validate, visible,
    },
    contract::{
        ReviewOutcome,
        answer::CheckAnswer,
        limits::{LONGEST_PAGE, MOST_WORDS},
        review::{DecisionAnswer, DisputeAnswer, HolderAnswer, QueueEntry, ReviewAnswer},
    },
    domain::gallery::ProductKey,
};

/// How long a check is somebody's who looks at it: 15 minutes.
const LEASE_MS: i64 = 15 * 60 * 1000;
/// Most other checks of a listing or a seller that are shown beside one.
const MOST_HISTORY: usize = 50;

/// What to decide about a check.
#[derive(Clone, Debug)]
pub struct NewDecision {
    /// What is decided.
    pub outcome: ReviewOutcome,
    /// Why, 1 to [`LONGEST_STATEMENT`](crate::contract::limits::LONGEST_STATEMENT) characters.
    pub reason: String,
    /// Whether the photos show a genuine article and become calibration data; only for a check that
    /// is overturned and claims a product.
    pub genuine: bool,
}

impl Assay {
    /// A page of checks that people look at, disputed ones first.
    pub async fn queue(
        &self,
        actor: &Actor,
        filter: &QueueFilter,
    ) -> Result<Vec<QueueEntry>, ServiceError> {
        if !(1..=LONGEST_PAGE + 1).contains(&filter.limit) {
            let problem = format!("is {}; it is 1 to {LONGEST_PAGE}", filter.limit);
            return Err(invalid("limit", problem));
        }
        if filter.words.len() > MOST_WORDS {
            let problem = format!("has {} words, at most {MOST_WORDS}", filter.words.len());
            return Err(invalid("search", problem));
        }
        let found = self.records.reviews.queue(filter).await?;
        Ok(found.into_iter().map(|found| entry(actor, found)).collect())
    }

    /// Where a check stands with people.
    ///
    /// # Errors
    /// There is no such check, or it was neither flagged nor disputed.
    pub async fn review(&self, actor: &Actor, check: &str) -> Result<ReviewAnswer, ServiceError> {
        let reviews = &self.records.reviews;
        let Some(found) = reviews.review(check).await? else {
            let (what, id) = ("review", check.to_owned());
            return Err(StoreError::NotFound { what, id }.into());
        };
        let disputes = reviews.disputes(check).await?;
        let decisions = reviews.decisions(check).await?;
        let QueueEntry {
            check,
            state,
            disputed,
            since,
            holder,
        } = entry(actor, found);
        Ok(ReviewAnswer {
            check,
            state,
            disputed,
            since,
            holder,
            disputes: disputes.into_iter().map(disputed_by).collect(),
            decisions: decisions.into_iter().map(decided).collect(),
        })
    }

    /// Keeps what a seller says against an answer, checks the photos that came with it against the
    /// same claim, and puts the check on top of the queue.
    ///
    /// # Errors
    /// There is no such check for this actor, the statement is no text, or the photos cannot be
    /// checked.
    pub async fn dispute(
        &self,
        actor: &Actor,
        check: &str,
        statement: String,
        photos: Vec<Bytes>,
    ) -> Result<DisputeAnswer, ServiceError> {
        validate::statement("statement", &statement)?;
        let answer = self.readable_check(actor, check).await?;
        let photos_check = if photos.is_empty() {
            None
        } else {
            let claim = answer.claim.clone();
            let request = CheckRequest {
                photos,
                brand: claim.as_ref().map(|c| c.brand.clone()),
                product: claim.and_then(|c| c.product),
                listing_id: answer.listing_id.clone(),
                seller_id: answer.seller_id.clone(),
            };
            Some(self.check(actor, request).await?.id)
        };
        let dispute = DisputeRecord {
            id: new_id(),
            check: check.to_owned(),
            statement,
            photos_check,
            actor: actor.name().to_owned(),
            created_ms: now_ms(),
        };
        self.records.reviews.dispute(actor, &dispute).await?;
        Ok(disputed_by(dispute))
    }

    /// Gives a check to who asks, so that nobody else decides about it meanwhile; asked again, it
    /// prolongs the time.
    ///
    /// # Errors
    /// Somebody else looks at it, or they decided before what is disputed now.
    pub async fn hold(&self, actor: &Actor, check: &str) -> Result<HolderAnswer, ServiceError> {
        let hold = self.records.reviews.lease(actor, check, LEASE_MS).await?;
        theirs(hold).map(|holder| held(actor, holder))
    }

    /// Gives a check back; nothing when somebody else looks at it.
    pub async fn release(&self, actor: &Actor, check: &str) -> Result<(), ServiceError> {
        Ok(self.records.reviews.give_back(actor, check).await?)
    }

    /// Decides about a check that they hold. A decision is never changed; another one after it undoes
    /// it.
    ///
    /// # Errors
    /// They do not hold the check, decided before what is disputed now, or gave no reason.
    pub async fn decide(
        &self,
        actor: &Actor,
        check: &str,
        new: NewDecision,
    ) -> Result<DecisionAnswer, ServiceError> {
        validate::statement("reason", &new.reason)?;
        let answer = self.records.checks.check(check).await?;
        let product = new.genuine.then(|| calibrated(&answer, new.outcome));
        let product = product.transpose()?;
        let disputes = self.records.reviews.disputes(check).await?;
        let answered = self.records.reviews.decisions(check).await?;
        let last = disputes.last().map(|dispute| dispute.id.clone());
        let decision = DecisionRecord {
            id: new_id(),
            check: check.to_owned(),
            outcome: new.outcome,
            reason: new.reason,
            dispute: last.filter(|id| answered.iter().all(|d| d.dispute.as_ref() != Some(id))),
            actor: actor.name().to_owned(),
            label: actor.label().to_owned(),
            created_ms: now_ms(),
        };
        theirs(self.records.reviews.decide(actor, &decision).await?)?;
        if let Some(product) = product {
            self.learn_from(actor, &product, &answer).await?;
        }
        Ok(decided(decision))
    }

    /// Other checks of a check's listing and seller, newest first.
    pub async fn history(
        &self,
        actor: &Actor,
        answer: &CheckAnswer,
    ) -> Result<Vec<CheckAnswer>, ServiceError> {
        let (listing, seller) = (answer.listing_id.as_deref(), answer.seller_id.as_deref());
        let reviews = &self.records.reviews;
        let mut found = reviews.history(listing, seller, MOST_HISTORY).await?;
        found.retain(|other| other.id != answer.id && visible::may_read(actor, other));
        let shown = found.into_iter().map(|c| visible::shown_to(actor, c));
        Ok(shown.collect())
    }

    /// Makes the photos of a check genuine photos of a product: one article, seen in all of them.
    async fn learn_from(
        &self,
        actor: &Actor,
        product: &ProductKey,
        answer: &CheckAnswer,
    ) -> Result<(), ServiceError> {
        let item = format!("review {}", answer.id);
        let removed = self.removed_photos(&answer.id).await?;
        let left = answer.photos.iter().enumerate();
        for (_, photo) in left.filter(|(n, p)| p.error.is_none() && !removed.contains_key(n)) {
            let bytes = self.kept_bytes(photo).await?;
            match self.add_genuine_photo(actor, product, &item, bytes).await {
                // There already, or a reference: then it teaches nothing new.
                Ok(_)
                | Err(
                    ServiceError::Store(StoreError::Conflict { .. })
                    | ServiceError::Conflict { .. },
                ) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// The product whose calibration a check's photos become part of.
fn calibrated(answer: &CheckAnswer, outcome: ReviewOutcome) -> Result<ProductKey, Invalid> {
    let claim = answer.claim.clone();
    let product = claim.and_then(|c| Some((c.brand, c.product?)));
    match (outcome, product) {
        (ReviewOutcome::Overturn, Some((brand, product))) => Ok(ProductKey { brand, product }),
        _ => Err(Invalid {
            field: "genuine".to_owned(),
            problem: "can be said only of a check that is overturned and claims a product"
                .to_owned(),
        }),
    }
}

fn invalid(field: &str, problem: String) -> ServiceError {
    let field = field.to_owned();
    Invalid { field, problem }.into()
}

/// The lease, or why there is none.
fn theirs(hold: Lease) -> Result<Holder, ServiceError> {
    let problem = match hold {
        Lease::Theirs(holder) => return Ok(holder),
        Lease::Taken(holder) => format!(
            "is looked at by {} until {}",
            holder.label,
            rfc3339(holder.until_ms)
        ),
        Lease::DecidedBefore => {
            "is disputed after your decision: another reviewer has to look at it".to_owned()
        }
        Lease::Lost => "is not yours, or no longer: claim it first".to_owned(),
    };
    let field = "check".to_owned();
    Err(ServiceError::Conflict { field, problem })
}

fn held(actor: &Actor, holder: Holder) -> HolderAnswer {
    HolderAnswer {
        yours: holder.actor == actor.name(),
        name: holder.label,
        until: rfc3339(holder.until_ms),
    }
}

fn entry(actor: &Actor, record: ReviewRecord) -> QueueEntry {
    QueueEntry {
        check: record.answer,
        state: record.state,
        disputed: record.disputed,
        since: rfc3339(record.since_ms),
        holder: record.holder.map(|holder| held(actor, holder)),
    }
}

fn disputed_by(record: DisputeRecord) -> DisputeAnswer {
    DisputeAnswer {
        id: record.id,
        check: record.check,
        statement: record.statement,
        photos_check: record.photos_check,
        created_at: rfc3339(record.created_ms),
    }
}

fn decided(record: DecisionRecord) -> DecisionAnswer {
    DecisionAnswer {
        id: record.id,
        outcome: record.outcome,
        reason: record.reason,
        by: record.label,
        dispute: record.dispute,
        created_at: rfc3339(record.created_ms),
    }
}
