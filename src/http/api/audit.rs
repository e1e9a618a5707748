//! `/v1/audit`

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::openapi::Listing;
use crate::{
    contract::limits::{LONGEST_PAGE, PAGE},
    http::{
        extract::{Caller, Query},
        problem::Problem,
        state::HttpState,
    },
};

/// Which entries to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct AuditQuery {
    /// Only entries about this thing, as `brand/acme`, `product/acme/oat`, `check/ID`, `key/ID`.
    #[param(
        required = false,
        example = "brand/acme",
        min_length = 1,
        max_length = 200,
        pattern = "^[ -~]*$"
    )]
    about: Option<String>,
    /// Only entries after this number; `next_after` of the page before.
    #[param(value_type = i64, required = false, minimum = 0, maximum = 9007199254740991_u64, default = 0)]
    after: Option<i64>,
    /// Entries on a page, 1 to 100.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 100, default = 20)]
    limit: Option<usize>,
}

/// Something that was done.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// Its number: 1, 2, 3 and so on, without gaps.
    seq: i64,
    /// When, RFC 3339.
    at: String,
    /// Who: `key:` and the key's id, or `local` for the command line.
    actor: String,
    /// In which role.
    role: String,
    /// Within which request, by its `x-request-id`.
    request: Option<String>,
    /// What was done, as `brand.added`.
    #[schema(example = "brand.changed")]
    action: String,
    /// To what.
    #[schema(example = "brand/acme")]
    about: String,
    /// What it was before, `null` for what was not there.
    before: Option<Value>,
    /// What it is since, `null` for what is no longer there.
    after: Option<Value>,
    /// Why, in the words of whoever did it.
    why: Option<String>,
    /// SHA-256 of the hash before it (64 zeros before the first), a line feed, and `text`.
    hash: String,
    /// The exact text that is hashed.
    text: String,
}

/// A page of entries.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AuditList {
    /// By their numbers.
    entries: Vec<AuditEntry>,
    /// Give it as `after` to get the next page; `null` on the last.
    next_after: Option<i64>,
}

/// Read the audit log
///
/// Who did what, when and why, oldest first, page by page. Each entry is hashed with the hash before
/// it, so that whoever reads all of them can tell that none was changed or left out.
#[utoipa::path(
    get, path = "/v1/audit", tag = "system", params(AuditQuery),
    responses((status = 200, description = "A page of entries, oldest first", body = AuditList), Listing),
)]
pub(crate) async fn list_audit(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Query(query): Query<AuditQuery>,
) -> Result<Json<AuditList>, Problem> {
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=LONGEST_PAGE).contains(&limit) {
        let problem = format!("is {limit}; it is 1 to {LONGEST_PAGE}");
        return Err(Problem::field("limit", problem));
    }
    let after = query.after.unwrap_or(0);
    if after < 0 {
        let problem = format!("is {after}; it is 0 or more");
        return Err(Problem::field("after", problem));
    }
    // One more than asked for tells whether there is a next page.
    let log = state
        .assay()
        .audit_log(&actor, query.about.as_deref(), after, limit + 1);
    let mut log = log.await?;
    let more = log.len() > limit;
    log.truncate(limit);
    let next_after = log.last().filter(|_| more).map(|(logged, _)| logged.seq);
    let entries = log.into_iter().map(|(logged, entry)| AuditEntry {
        seq: entry.seq,
        at: entry.at,
        actor: entry.actor,
        role: entry.role,
        request: entry.request,
        action: entry.action,
        about: entry.about,
        before: entry.before,
        after: entry.after,
        why: entry.why,
        hash: logged.hash,
        text: logged.entry,
    });
    Ok(Json(AuditList {
        entries: entries.collect(),
        next_after,
    }))
}
