//! Rows of what was done.

use async_trait::async_trait;
use serde_json::Value;
use sqlx::{AnyConnection, Row, any::AnyRow};

use super::{
    Database,
    rows::{failed, time},
};
use crate::{
    checker::{
        actor::Actor,
        ports::StoreError,
        records::{Audit, Entry, Head, Logged, Portion},
    },
    domain::gallery::ProductKey,
};

/// Something that is being done. No personal data belongs into it: the log is never erased from.
pub(super) struct Deed<'a> {
    /// What, as in `brand.added`.
    pub action: &'static str,
    /// To what, as in `check/ID`, `brand/acme`, `product/acme/oat`, `key/ID`.
    pub about: String,
    /// What it was before, `None` for what was not there.
    pub before: Option<Value>,
    /// What it is from now on, `None` for what is no longer there.
    pub after: Option<Value>,
    /// Why, in the words of whoever does it.
    pub why: Option<&'a str>,
}

/// A product as entries name it.
pub(super) fn path(product: &ProductKey) -> String {
    format!("{}/{}", product.brand, product.product)
}

impl Database {
    /// Notes a deed in the transaction that does it, so that both are kept or neither. Last in it:
    /// everybody else who notes anything waits from here until the transaction ends.
    ///
    /// # Errors
    /// The database refuses, or what it says of the log's end is no hash.
    pub(super) async fn note(
        &self,
        transaction: &mut AnyConnection,
        actor: &Actor,
        deed: Deed<'_>,
    ) -> Result<(), StoreError> {
        let sql = "UPDATE audit_head SET seq = seq + 1 RETURNING seq, hash, {now}";
        let (seq, previous, now): (i64, String, i64) = sqlx::query_as(self.spelled(sql))
            .fetch_one(&mut *transaction)
            .await
            .map_err(failed)?;
        let entry = Entry {
            seq,
            at: time(now)?,
            actor: actor.name().to_owned(),
            role: actor.role().name().to_owned(),
            request: actor.request().map(str::to_owned),
            action: deed.action.to_owned(),
            about: deed.about,
            before: deed.before,
            after: deed.after,
            why: deed.why.map(str::to_owned),
        };
        let text = serde_json::to_string(&entry).map_err(failed)?;
        let previous = Head {
            seq: seq - 1,
            hash: previous.parse().map_err(failed)?,
        };
        let hash = previous.then(seq, &text).hash.to_string();
        sqlx::query("INSERT INTO audit (seq, entry, hash, about) VALUES ($1, $2, $3, $4)")
            .bind(seq)
            .bind(text)
            .bind(&hash)
            .bind(entry.about)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        sqlx::query("UPDATE audit_head SET hash = $1")
            .bind(hash)
            .execute(transaction)
            .await
            .map_err(failed)?;
        Ok(())
    }
}

#[async_trait]
impl Audit for Database {
    async fn entries(
        &self,
        about: Option<&str>,
        after: i64,
        most: usize,
    ) -> Result<Portion, StoreError> {
        // In one statement, so that the head is that of the same moment. A head without entries still
        // makes a row.
        let filter = about.map_or("", |_| "AND about = $3");
        let sql = format!(
            "SELECT a.seq, a.entry, a.hash, a.about, h.seq AS head_seq, h.hash AS head_hash
             FROM audit_head h LEFT JOIN
                 (SELECT * FROM audit WHERE seq > $1 {filter} ORDER BY seq LIMIT $2) a ON TRUE
             ORDER BY a.seq"
        );
        let mut query = sqlx::query(self.spelled(&sql))
            .bind(after)
            .bind(i64::try_from(most).unwrap_or(i64::MAX));
        if let Some(about) = about {
            query = query.bind(about);
        }
        let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
        let head = rows.last().map(head).transpose()?;
        let entries = rows.iter().map(logged).filter_map(Result::transpose);
        Ok(Portion {
            entries: entries.collect::<Result<_, _>>()?,
            head: head.flatten(),
        })
    }

    async fn head(&self) -> Result<Head, StoreError> {
        let row = sqlx::query("SELECT seq AS head_seq, hash AS head_hash FROM audit_head")
            .fetch_one(&self.pool)
            .await
            .map_err(failed)?;
        let lost = || StoreError::Failed("the audit log's head is no hash".into());
        head(&row)?.ok_or_else(lost)
    }
}

/// The log's end, `None` where what stands there is no hash.
fn head(row: &AnyRow) -> Result<Option<Head>, StoreError> {
    let hash: String = row.try_get("head_hash").map_err(failed)?;
    let seq = row.try_get("head_seq").map_err(failed)?;
    Ok(hash.parse().ok().map(|hash| Head { seq, hash }))
}

fn logged(row: &AnyRow) -> Result<Option<Logged>, StoreError> {
    let Some(seq) = row.try_get::<Option<i64>, _>("seq").map_err(failed)? else {
        return Ok(None);
    };
    let text = |column| row.try_get(column).map_err(failed);
    Ok(Some(Logged {
        seq,
        entry: text("entry")?,
        hash: text("hash")?,
        about: text("about")?,
    }))
}
