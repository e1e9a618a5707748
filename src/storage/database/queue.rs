//! The queue of checks that people look at, page by page.

use sqlx::{Row, any::AnyRow};

use super::{
    Database, checks,
    rows::{failed, named},
};
use crate::{
    checker::{
        ports::StoreError,
        records::{Holder, QueueFilter, ReviewRecord},
    },
    contract::{QueueOrder, ReviewState},
};

/// Where checks without a p-value stand in an order by it: behind all others.
pub(super) const NO_RANK: f64 = 2.0;
/// Most letters of a searched word that count.
const LONGEST_WORD: usize = 200;

/// A review with its check; a lease that ran out is none.
pub(super) const SELECT: &str = "SELECT c.answer, r.state, r.disputed, r.since_ms,
     CASE WHEN r.held_until_ms > {now} THEN r.holder END AS holder, r.holder_label, r.held_until_ms
     FROM reviews r JOIN checks c ON c.id = r.check_id";

impl Database {
    /// A page of the queue: disputed checks, then the others.
    pub(super) async fn queue_page(
        &self,
        filter: &QueueFilter,
    ) -> Result<Vec<ReviewRecord>, StoreError> {
        let after = match &filter.after {
            Some(check) => self.place(check).await?,
            None => None,
        };
        let mut page = Vec::new();
        // One after the other: an index holds each group in both directions, but not one group
        // upwards and then the next downwards.
        for disputed in [true, false] {
            let left = filter.limit - page.len();
            if left == 0 || (filter.disputed && !disputed) {
                break;
            }
            // The page before ended in the second group: the first was all shown.
            let after = after.as_ref();
            if disputed && after.is_some_and(|place| !place.disputed) {
                continue;
            }
            let after = after.filter(|place| place.disputed == disputed);
            page.extend(self.group(filter, disputed, after, left).await?);
        }
        Ok(page)
    }

    async fn group(
        &self,
        filter: &QueueFilter,
        disputed: bool,
        after: Option<&Place>,
        limit: usize,
    ) -> Result<Vec<ReviewRecord>, StoreError> {
        let (column, direction, next) = match filter.order {
            QueueOrder::Oldest => ("since_ms", "", ">"),
            QueueOrder::Newest => ("since_ms", "DESC", "<"),
            QueueOrder::Strongest => ("rank", "", ">"),
        };
        // Only what is asked for stands in the statement: an index serves a plain comparison, and not
        // one beside a value that may be missing. The number of places is the program's own.
        let mut places = 3..;
        let mut conditions = String::new();
        let mut also = |condition: &str| {
            let mut condition = condition.to_owned();
            while condition.contains('?') {
                let place = places.next().unwrap_or_default();
                condition = condition.replacen('?', &format!("${place}"), 1);
            }
            conditions += &format!(" AND {condition}");
        };
        if filter.verdict.is_some() {
            also("r.verdict = ?");
        }
        if filter.brand.is_some() {
            also("r.brand = ?");
        }
        if after.is_some() {
            also(&format!("(r.{column}, r.check_id) {next} (?, ?)"));
        }
        for _ in &filter.words {
            also("r.check_id IN (SELECT check_id FROM review_words WHERE word >= ? AND word < ?)");
        }
        let last = places.next().unwrap_or_default();
        let sql = format!(
            "{SELECT} WHERE r.state = $1 AND r.disputed = $2{conditions}
             ORDER BY r.{column} {direction}, r.check_id {direction} LIMIT ${last}"
        );
        let mut query = sqlx::query(self.spelled(&sql))
            .bind(filter.state.name())
            .bind(i64::from(disputed));
        if let Some(verdict) = filter.verdict {
            query = query.bind(verdict.name());
        }
        if let Some(brand) = &filter.brand {
            query = query.bind(brand);
        }
        if let Some(place) = after {
            query = match filter.order {
                QueueOrder::Strongest => query.bind(place.rank),
                QueueOrder::Oldest | QueueOrder::Newest => query.bind(place.since_ms),
            };
            query = query.bind(&place.check);
        }
        for word in &filter.words {
            query = query.bind(word).bind(format!("{word}{}", char::MAX));
        }
        query = query.bind(i64::try_from(limit).unwrap_or(i64::MAX));
        let rows = query.fetch_all(&self.pool).await.map_err(failed)?;
        rows.iter().map(review).collect()
    }

    /// Where a check stands in the queue now; `None` for one that is not in it.
    async fn place(&self, check: &str) -> Result<Option<Place>, StoreError> {
        let row: Option<(i64, i64, f64)> =
            sqlx::query_as("SELECT disputed, since_ms, rank FROM reviews WHERE check_id = $1")
                .bind(check)
                .fetch_optional(&self.pool)
                .await
                .map_err(failed)?;
        Ok(row.map(|(disputed, since_ms, rank)| Place {
            check: check.to_owned(),
            disputed: disputed != 0,
            since_ms,
            rank,
        }))
    }
}

/// Where a page ends.
struct Place {
    check: String,
    disputed: bool,
    since_ms: i64,
    rank: f64,
}

/// A row of [`SELECT`].
pub(super) fn review(row: &AnyRow) -> Result<ReviewRecord, StoreError> {
    let holder: Option<String> = row.try_get("holder").map_err(failed)?;
    let holder = match holder {
        Some(actor) => Some(Holder {
            actor,
            label: row.try_get("holder_label").map_err(failed)?,
            until_ms: row.try_get("held_until_ms").map_err(failed)?,
        }),
        None => None,
    };
    let state: String = row.try_get("state").map_err(failed)?;
    let disputed: i64 = row.try_get("disputed").map_err(failed)?;
    Ok(ReviewRecord {
        answer: checks::answer(row)?,
        state: named::<ReviewState>(&state)?,
        disputed: disputed != 0,
        since_ms: row.try_get("since_ms").map_err(failed)?,
        holder,
    })
}

/// The words that ids are found by, in lower case: each whole, and its runs of letters and digits.
pub(crate) fn words<'a>(ids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut words = Vec::new();
    for id in ids {
        let id: String = id.to_lowercase().chars().take(LONGEST_WORD).collect();
        let parts = id.split(|c: char| !c.is_alphanumeric());
        words.extend(parts.filter(|part| !part.is_empty()).map(ToOwned::to_owned));
        words.push(id);
    }
    words.sort();
    words.dedup();
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_found_by_their_words() {
        let found = words(["Shop-17/ÄÖ", "17"].into_iter());
        assert_eq!(found, ["17", "shop", "shop-17/äö", "äö"]);
        assert_eq!(words(["--"].into_iter()), ["--"]);
    }
}
