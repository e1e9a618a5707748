//! Rows of keys.

use async_trait::async_trait;
use sqlx::{Row, any::AnyRow};

use super::{Database, refusal, rows::failed};
use crate::{
    checker::{
        actor::Role,
        ports::StoreError,
        records::{Accounts, KeyRecord, SessionRecord},
    },
    domain::digest::Sha256,
};

const COLUMNS: &str =
    "id, name, role, brands, hash, actor, created_ms, expires_ms, revoked_ms, used_ms";

#[async_trait]
impl Accounts for Database {
    async fn add_key(&self, key: &KeyRecord) -> Result<(), StoreError> {
        let added = sqlx::query(
            "INSERT INTO keys (id, name, role, brands, hash, actor, created_ms, expires_ms)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        )
        .bind(&key.id)
        .bind(&key.name)
        .bind(key.role.name())
        .bind(
            key.brands
                .as_ref()
                .map(serde_json::to_string)
                .transpose()
                .map_err(failed)?,
        )
        .bind(key.hash.to_string())
        .bind(&key.actor)
        .bind(key.created_ms)
        .bind(key.expires_ms)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        match added.rows_affected() {
            0 => Err(refusal::conflict("key", &key.id)),
            _ => Ok(()),
        }
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

    async fn revoke_key(&self, id: &str, now_ms: i64) -> Result<KeyRecord, StoreError> {
        sqlx::query("UPDATE keys SET revoked_ms = coalesce(revoked_ms, $1) WHERE id = $2")
            .bind(now_ms)
            .bind(id)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        self.key(id).await
    }

    async fn expire_key(&self, id: &str, expires_ms: i64) -> Result<KeyRecord, StoreError> {
        sqlx::query(
            "UPDATE keys SET expires_ms = $1
             WHERE id = $2 AND (expires_ms IS NULL OR expires_ms > $1)",
        )
        .bind(expires_ms)
        .bind(id)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        self.key(id).await
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

    async fn add_session(&self, session: &SessionRecord, forget_ms: i64) -> Result<(), StoreError> {
        sqlx::query("DELETE FROM sessions WHERE used_ms < $1")
            .bind(forget_ms)
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        sqlx::query(
            "INSERT INTO sessions (hash, key_id, created_ms, used_ms) VALUES ($1, $2, $3, $4)",
        )
        .bind(session.hash.to_string())
        .bind(&session.key)
        .bind(session.created_ms)
        .bind(session.used_ms)
        .execute(&self.pool)
        .await
        .map_err(failed)?;
        Ok(())
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

    async fn end_session(&self, hash: Sha256, now_ms: i64) -> Result<(), StoreError> {
        sqlx::query("UPDATE sessions SET ended_ms = coalesce(ended_ms, $1) WHERE hash = $2")
            .bind(now_ms)
            .bind(hash.to_string())
            .execute(&self.pool)
            .await
            .map_err(failed)?;
        Ok(())
    }
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
