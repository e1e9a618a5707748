//! Rows of keys.

use async_trait::async_trait;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    Database,
    audit::Deed,
    refusal,
    rows::{failed, time},
};
use crate::{
    checker::{
        actor::{Actor, Role},
        ports::StoreError,
        records::{Accounts, KeyRecord, SessionRecord},
    },
    domain::digest::Sha256,
};

const COLUMNS: &str =
    "id, name, role, brands, hash, actor, created_ms, expires_ms, revoked_ms, used_ms";

#[async_trait]
impl Accounts for Database {
    async fn add_key(&self, actor: &Actor, key: &KeyRecord) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        insert(&mut transaction, key).await?;
        let deed = Deed {
            action: "key.added",
            about: about(&key.id),
            before: None,
            after: Some(told(key)?),
            why: None,
        };
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn keys(&self) -> Result<Vec<KeyRecord>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM keys ORDER BY created_ms, id");
        let rows = sqlx::query(self.spelled(&sql))
            .fetch_all(&self.pool)
            .await
            .map_err(failed)?;
        rows.iter().map(key).collect()
    }

    async fn key(&self, id: &str) -> Result<KeyRecord, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM keys WHERE id = $1");
        let row = sqlx::query(self.spelled(&sql))
            .bind(id)
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        key(&row.ok_or_else(|| refusal::not_found("key", id))?)
    }

    async fn key_by_hash(&self, hash: Sha256) -> Result<Option<KeyRecord>, StoreError> {
        let sql = format!("SELECT {COLUMNS} FROM keys WHERE hash = $1");
        let row = sqlx::query(self.spelled(&sql))
            .bind(hash.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        row.as_ref().map(key).transpose()
    }

    async fn revoke_key(
        &self,
        actor: &Actor,
        id: &str,
        now_ms: i64,
    ) -> Result<KeyRecord, StoreError> {
        let mut transaction = self.begin().await?;
        let old = locked(&mut transaction, id).await?;
        if old.revoked_ms.is_some() {
            return Ok(old);
        }
        sqlx::query("UPDATE keys SET revoked_ms = $1 WHERE id = $2")
            .bind(now_ms)
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let new = KeyRecord {
            revoked_ms: Some(now_ms),
            ..old.clone()
        };
        let deed = changed("key.revoked", &old, &new)?;
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(new)
    }

    async fn expire_key(
        &self,
        actor: &Actor,
        id: &str,
        expires_ms: i64,
    ) -> Result<KeyRecord, StoreError> {
        let mut transaction = self.begin().await?;
        let old = locked(&mut transaction, id).await?;
        let new = expired(&mut transaction, &old, expires_ms).await?;
        if new == old {
            return Ok(old);
        }
        let deed = changed("key.expires", &old, &new)?;
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(new)
    }

    async fn rotate_key(
        &self,
        actor: &Actor,
        id: &str,
        successor: &KeyRecord,
        expires_ms: i64,
    ) -> Result<KeyRecord, StoreError> {
        let mut transaction = self.begin().await?;
        let old = locked(&mut transaction, id).await?;
        insert(&mut transaction, successor).await?;
        let new = expired(&mut transaction, &old, expires_ms).await?;
        // An entry of its own for each: whoever looks one of them up finds the other there.
        let mut added = told(successor)?;
        added["takes_the_place_of"] = json!(id);
        let added = Deed {
            action: "key.added",
            about: about(&successor.id),
            before: None,
            after: Some(added),
            why: None,
        };
        let mut rotated = changed("key.rotated", &old, &new)?;
        if let Some(after) = &mut rotated.after {
            after["successor"] = json!(successor.id);
        }
        self.note(&mut transaction, actor, added).await?;
        self.note(&mut transaction, actor, rotated).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(new)
    }

    async fn key_used(&self, id: &str, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE keys SET used_ms = $1 WHERE id = $2")
            .bind(now_ms)
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn add_session(
        &self,
        actor: &Actor,
        session: &SessionRecord,
        forget_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        sqlx::query("DELETE FROM sessions WHERE used_ms < $1")
            .bind(forget_ms)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        sqlx::query(
            "INSERT INTO sessions (hash, key_id, created_ms, used_ms) VALUES ($1, $2, $3, $4)",
        )
        .bind(session.hash.to_string())
        .bind(&session.key)
        .bind(session.created_ms)
        .bind(session.used_ms)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
        let deed = signed("session.begun", &session.key);
        self.note(&mut transaction, actor, deed).await?;
        transaction.commit().await.map_err(failed)
    }

    async fn session(
        &self,
        hash: Sha256,
    ) -> Result<Option<(SessionRecord, KeyRecord)>, StoreError> {
        let sql = "SELECT k.id, k.name, k.role, k.brands, k.hash, k.actor, k.created_ms,
             k.expires_ms, k.revoked_ms, k.used_ms,
             s.created_ms AS began_ms, s.used_ms AS seen_ms, s.ended_ms
             FROM sessions s JOIN keys k ON k.id = s.key_id WHERE s.hash = $1";
        let row = sqlx::query(sql)
            .bind(hash.to_string())
            .fetch_optional(&self.pool)
            .await
            .map_err(failed)?;
        let Some(row) = row else { return Ok(None) };
        let key = key(&row)?;
        let session = SessionRecord {
            hash,
            key: key.id.clone(),
            created_ms: row.try_get("began_ms").map_err(failed)?,
            used_ms: row.try_get("seen_ms").map_err(failed)?,
            ended_ms: row.try_get("ended_ms").map_err(failed)?,
        };
        Ok(Some((session, key)))
    }

    async fn session_used(&self, hash: Sha256, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET used_ms = $1 WHERE hash = $2")
            .bind(now_ms)
            .bind(hash.to_string())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }

    async fn end_session(
        &self,
        actor: &Actor,
        hash: Sha256,
        now_ms: i64,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        let key: Option<String> = sqlx::query_scalar(
            "UPDATE sessions SET ended_ms = $1 WHERE hash = $2 AND ended_ms IS NULL
             RETURNING key_id",
        )
        .bind(now_ms)
        .bind(hash.to_string())
        .fetch_optional(&mut *transaction)
        .await
        .map_err(failed)?;
        if let Some(key) = key {
            let deed = signed("session.ended", &key);
            self.note(&mut transaction, actor, deed).await?;
        }
        transaction.commit().await.map_err(failed)
    }
}

/// A key, which nobody else changes until the end of the transaction.
async fn locked(transaction: &mut AnyConnection, id: &str) -> Result<KeyRecord, StoreError> {
    // Written before it is read: two that change it would otherwise both read what it was.
    sqlx::query("UPDATE keys SET name = name WHERE id = $1")
        .bind(id)
        .execute(&mut *transaction)
        .await
        .map_err(failed)?;
    let row = sqlx::query("SELECT * FROM keys WHERE id = $1")
        .bind(id)
        .fetch_optional(transaction)
        .await
        .map_err(failed)?;
    key(&row.ok_or_else(|| refusal::not_found("key", id))?)
}

async fn insert(transaction: &mut AnyConnection, key: &KeyRecord) -> Result<(), StoreError> {
    let brands = key.brands.as_ref().map(serde_json::to_string);
    let added = sqlx::query(
        "INSERT INTO keys (id, name, role, brands, hash, actor, created_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(&key.id)
    .bind(&key.name)
    .bind(key.role.name())
    .bind(brands.transpose().map_err(failed)?)
    .bind(key.hash.to_string())
    .bind(&key.actor)
    .bind(key.created_ms)
    .bind(key.expires_ms)
    .execute(transaction)
    .await
    .map_err(failed)?;
    match added.rows_affected() {
        0 => Err(refusal::conflict("key", &key.id)),
        _ => Ok(()),
    }
}

/// Refuses a key from `expires_ms` on, unless it is refused earlier anyway; the key since.
async fn expired(
    transaction: &mut AnyConnection,
    old: &KeyRecord,
    expires_ms: i64,
) -> Result<KeyRecord, StoreError> {
    if old.expires_ms.is_some_and(|end| end <= expires_ms) {
        return Ok(old.clone());
    }
    sqlx::query("UPDATE keys SET expires_ms = $1 WHERE id = $2")
        .bind(expires_ms)
        .bind(&old.id)
        .execute(transaction)
        .await
        .map_err(failed)?;
    Ok(KeyRecord {
        expires_ms: Some(expires_ms),
        ..old.clone()
    })
}

fn about(id: &str) -> String {
    format!("key/{id}")
}

fn changed(
    action: &'static str,
    old: &KeyRecord,
    new: &KeyRecord,
) -> Result<Deed<'static>, StoreError> {
    Ok(Deed {
        action,
        about: about(&old.id),
        before: Some(told(old)?),
        after: Some(told(new)?),
        why: None,
    })
}

/// A key as the log tells it: neither its hash nor its name, which may be a person's.
fn told(key: &KeyRecord) -> Result<Value, StoreError> {
    Ok(json!({
        "role": key.role.name(),
        "brands": key.brands,
        "expires_at": key.expires_ms.map(time).transpose()?,
        "revoked_at": key.revoked_ms.map(time).transpose()?,
    }))
}

fn key(row: &AnyRow) -> Result<KeyRecord, StoreError> {
    let text = |column| row.try_get::<String, _>(column).map_err(failed);
    let time = |column| row.try_get::<Option<i64>, _>(column).map_err(failed);
    let role = text("role")?;
    let brands: Option<String> = row.try_get("brands").map_err(failed)?;
    Ok(KeyRecord {
        id: text("id")?,
        name: text("name")?,
        role: Role::from_name(&role)
            .ok_or_else(|| StoreError::Failed(format!("unknown role `{role}`").into()))?,
        brands: brands
            .map(|json| serde_json::from_str(&json))
            .transpose()
            .map_err(failed)?,
        hash: text("hash")?.parse().map_err(failed)?,
        actor: text("actor")?,
        created_ms: row.try_get("created_ms").map_err(failed)?,
        expires_ms: time("expires_ms")?,
        revoked_ms: time("revoked_ms")?,
        used_ms: time("used_ms")?,
    })
}

/// Somebody signed in or out with a key.
fn signed(action: &'static str, key: &str) -> Deed<'static> {
    Deed {
        action,
        about: format!("key/{key}"),
        before: None,
        after: None,
        why: None,
    }
}
