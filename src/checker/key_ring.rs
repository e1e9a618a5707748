//! Making, listing, revoking and recognising keys.

use std::sync::Arc;

use super::{
    actor::{Actor, Role},
    ports::StoreError,
    records::{Accounts, KeyRecord, SessionRecord},
    requests::Invalid,
    service::{ServiceError, new_id, now_ms},
    validate,
};
use crate::domain::digest::{Sha256, hex};

/// What every secret begins with: whoever finds one, as a scanner of leaked secrets does, knows
/// whose it is.
const PREFIX: &str = "assay_";
/// Random bytes of a secret.
const BYTES: usize = 32;
/// How exactly the last use is told, in milliseconds: each request would be a write otherwise.
const USED_TO_MS: i64 = 60_000;
/// A session ends when it was not used for so long: an hour.
pub const IDLE_MS: i64 = 60 * 60 * 1000;
/// A session ends so long after it began: 12 hours.
pub const LONGEST_MS: i64 = 12 * 60 * 60 * 1000;
/// Id of the key that the first start makes: of several hosts that start at once one makes it.
const FIRST: &str = "first";

/// A key to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewKey {
    /// What it is for, for people.
    pub name: String,
    /// What its owner may do.
    pub role: Role,
    /// The brands that its owner sees, `None` for all; a brand's own key has exactly one.
    pub brands: Option<Vec<String>>,
    /// From when on it is refused, milliseconds since 1970, UTC.
    pub expires_ms: Option<i64>,
}

/// A key that was just made, with its secret: shown once, and nowhere kept.
pub struct MadeKey {
    /// The key as it is kept.
    pub record: KeyRecord,
    /// What its owner sends.
    pub secret: String,
}

/// All keys.
#[derive(Clone)]
pub struct KeyRing {
    accounts: Arc<dyn Accounts>,
}

impl KeyRing {
    /// The keys in a store.
    pub fn new(accounts: Arc<dyn Accounts>) -> Self {
        Self { accounts }
    }

    /// Makes a key.
    ///
    /// # Errors
    /// The name is no text, a brand no id, the time lies in the past, or a brand's key does not name
    /// one brand.
    pub async fn create(&self, actor: &Actor, new: NewKey) -> Result<MadeKey, ServiceError> {
        let made = made(actor, new_id(), new)?;
        self.accounts.add_key(actor, &made.record).await?;
        Ok(made)
    }

    /// Makes an administrator's key where there never was one, and hands its secret to `keep`; `None`
    /// where there was.
    ///
    /// # Errors
    /// `keep` failed: then the key is revoked, for nobody could use it.
    pub async fn create_first(
        &self,
        keep: impl FnOnce(&str) -> Result<(), StoreError>,
    ) -> Result<Option<MadeKey>, ServiceError> {
        let keys = self.accounts.keys().await?;
        if keys.iter().any(|key| key.role == Role::Admin) {
            return Ok(None);
        }
        let new = NewKey {
            name: "made at the first start".to_owned(),
            role: Role::Admin,
            brands: None,
            expires_ms: None,
        };
        let made = made(&Actor::local(), FIRST.to_owned(), new)?;
        match self.accounts.add_key(&Actor::local(), &made.record).await {
            Ok(()) => {}
            // Another process was faster, and told its secret.
            Err(StoreError::Conflict { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        if let Err(error) = keep(&made.secret) {
            self.accounts
                .revoke_key(&Actor::local(), FIRST, now_ms())
                .await?;
            return Err(error.into());
        }
        Ok(Some(made))
    }

    /// All keys, oldest first.
    pub async fn keys(&self, _: &Actor) -> Result<Vec<KeyRecord>, ServiceError> {
        Ok(self.accounts.keys().await?)
    }

    /// Refuses a key from now on, on every host.
    pub async fn revoke(&self, actor: &Actor, id: &str) -> Result<KeyRecord, ServiceError> {
        Ok(self.accounts.revoke_key(actor, id, now_ms()).await?)
    }

    /// Makes another key of the same kind, and refuses the old one after `overlap_ms`, by which time
    /// its owner should use the new one.
    pub async fn rotate(
        &self,
        actor: &Actor,
        id: &str,
        overlap_ms: i64,
    ) -> Result<MadeKey, ServiceError> {
        let old = self.accounts.key(id).await?;
        if is_refused(&old, now_ms()) {
            return Err(ServiceError::Conflict {
                field: "id".to_owned(),
                problem: "names a key that was revoked or ran out: make a new one".to_owned(),
            });
        }
        let new = NewKey {
            name: old.name,
            role: old.role,
            brands: old.brands,
            expires_ms: old.expires_ms,
        };
        let made = made(actor, new_id(), new)?;
        let end = now_ms().saturating_add(overlap_ms);
        self.accounts
            .rotate_key(actor, id, &made.record, end)
            .await?;
        Ok(made)
    }

    /// Who holds a secret: `None` for one that is unknown, revoked or ran out.
    pub async fn actor(&self, secret: &str) -> Result<Option<Actor>, ServiceError> {
        Ok(self.key_of(secret).await?.map(actor))
    }

    /// Signs in who holds a key, within a request of this id: the secret of a new session, for their browser. `None` as for
    /// [`KeyRing::actor`].
    pub async fn sign_in(&self, key: &str, request: &str) -> Result<Option<String>, ServiceError> {
        let Some(key) = self.key_of(key).await? else {
            return Ok(None);
        };
        let (secret, now) = (secret()?, now_ms());
        let session = SessionRecord {
            hash: Sha256::of(secret.as_bytes()),
            key: key.id.clone(),
            created_ms: now,
            used_ms: now,
            ended_ms: None,
        };
        let actor = actor(key).within(request);
        self.accounts
            .add_session(&actor, &session, now - LONGEST_MS)
            .await?;
        Ok(Some(secret))
    }

    /// Who signed in with this secret: `None` when they signed out, were away for too long, signed in
    /// too long ago, or their key no longer holds.
    pub async fn signed_in(&self, secret: &str) -> Result<Option<Actor>, ServiceError> {
        let (hash, now) = (Sha256::of(secret.as_bytes()), now_ms());
        let Some((session, key)) = self.accounts.session(hash).await? else {
            return Ok(None);
        };
        let over = session.ended_ms.is_some()
            || session.used_ms + IDLE_MS <= now
            || session.created_ms + LONGEST_MS <= now;
        if over || is_refused(&key, now) {
            return Ok(None);
        }
        if session.used_ms + USED_TO_MS <= now
            && let Err(error) = self.accounts.session_used(hash, now).await
        {
            tracing::warn!(%error, key = key.id, "the use of a session was not noted");
        }
        Ok(Some(actor(key)))
    }

    /// Ends a session.
    pub async fn sign_out(&self, actor: &Actor, secret: &str) -> Result<(), ServiceError> {
        let hash = Sha256::of(secret.as_bytes());
        Ok(self.accounts.end_session(actor, hash, now_ms()).await?)
    }

    async fn key_of(&self, secret: &str) -> Result<Option<KeyRecord>, ServiceError> {
        let now = now_ms();
        let hash = Sha256::of(secret.as_bytes());
        let Some(key) = self.accounts.key_by_hash(hash).await? else {
            return Ok(None);
        };
        if is_refused(&key, now) {
            return Ok(None);
        }
        if key.used_ms.is_none_or(|used| used + USED_TO_MS <= now) {
            // On a full disk whoever holds a key must still be able to read.
            if let Err(error) = self.accounts.key_used(&key.id, now).await {
                tracing::warn!(%error, key = key.id, "the use of a key was not noted");
            }
        }
        Ok(Some(key))
    }
}

fn actor(key: KeyRecord) -> Actor {
    Actor::new(format!("key:{}", key.id), key.role, key.brands).called(key.name)
}

/// What every form of a session carries: another site can send a form, and cannot know this.
// Made of the session's secret, and so kept nowhere and of no other session's use.
pub fn form_token(session: &str) -> String {
    Sha256::of(format!("form\n{session}").as_bytes()).to_string()
}

/// Whether a key is refused at `now` (milliseconds since 1970, UTC).
pub(crate) fn is_refused(key: &KeyRecord, now: i64) -> bool {
    key.revoked_ms.is_some() || key.expires_ms.is_some_and(|end| end <= now)
}

fn made(actor: &Actor, id: String, new: NewKey) -> Result<MadeKey, ServiceError> {
    let created_ms = now_ms();
    check(&new, created_ms)?;
    let secret = secret()?;
    let record = KeyRecord {
        id,
        name: new.name,
        role: new.role,
        brands: new.brands,
        hash: Sha256::of(secret.as_bytes()),
        actor: actor.name().to_owned(),
        created_ms,
        expires_ms: new.expires_ms,
        revoked_ms: None,
        used_ms: None,
    };
    Ok(MadeKey { record, secret })
}

fn check(new: &NewKey, now: i64) -> Result<(), Invalid> {
    let invalid = |field: &str, problem: &str| {
        Err(Invalid {
            field: field.to_owned(),
            problem: problem.to_owned(),
        })
    };
    validate::text("name", &new.name)?;
    for brand in new.brands.iter().flatten() {
        validate::id("brand", brand)?;
    }
    let brands = new.brands.as_ref().map(Vec::len);
    match new.role {
        Role::Brand if brands != Some(1) => {
            return invalid(
                "role",
                "of a brand names that one brand, as in `brand:acme`",
            );
        }
        Role::Reviewer | Role::Auditor | Role::Admin if brands.is_some() => {
            return invalid("brands", "can be named for the role `pipeline` only");
        }
        Role::Pipeline if brands == Some(0) => {
            return invalid("brands", "is empty; leave it out for all brands");
        }
        _ => {}
    }
    if new.expires_ms.is_some_and(|end| end <= now) {
        return invalid("expires", "lies in the past");
    }
    Ok(())
}

/// A new secret: the prefix and 64 hexadecimal digits.
fn secret() -> Result<String, ServiceError> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|e| StoreError::Failed(Box::new(e)))?;
    Ok(format!("{PREFIX}{}", hex(&bytes)))
}
