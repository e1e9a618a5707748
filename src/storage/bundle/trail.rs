//! What people said about a check, and what the audit log says of it.

use serde::{Deserialize, Serialize};

use crate::{
    contract::review::{DecisionAnswer, DisputeAnswer},
    domain::digest::Sha256,
};

/// What people said, as `review.json` holds it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trail {
    /// All disputes, oldest first.
    pub disputes: Vec<DisputeAnswer>,
    /// All decisions, oldest first; the last one holds.
    pub decisions: Vec<DecisionAnswer>,
}

/// An entry of the audit log about a check, as a line of `audit.jsonl` holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extract {
    /// Its number in the log.
    pub seq: i64,
    /// Hash of the entry before it, 64 hex digits.
    pub previous: String,
    /// Its exact text, which is hashed after `previous` and a line feed.
    pub entry: String,
    /// That hash, 64 hex digits.
    pub hash: String,
}

/// What an entry says that is compared with the rest of the bundle.
#[derive(Deserialize)]
struct Said {
    seq: i64,
    action: String,
    about: String,
    after: Option<SaidAfter>,
}

#[derive(Deserialize)]
struct SaidAfter {
    #[serde(default)]
    decision: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// What is wrong with the entries about check `id` and with what people said, each in words that
/// follow a file's name. `audit` and `review` are the files' bytes.
pub(super) fn faults(id: &str, audit: &[u8], review: &[u8]) -> (Vec<String>, Vec<String>) {
    let (mut of_audit, mut of_review) = (Vec::new(), Vec::new());
    let mut decided = Vec::new();
    let mut last = 0;
    let lines = audit.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    for (n, line) in lines.enumerate() {
        let line_number = n + 1;
        let Ok(extract) = serde_json::from_slice::<Extract>(line) else {
            of_audit.push(format!("line {line_number} cannot be read"));
            continue;
        };
        let text = format!("{}\n{}", extract.previous, extract.entry);
        if Sha256::of(text.as_bytes()).to_string() != extract.hash {
            of_audit.push(format!("line {line_number} does not have its hash"));
        }
        let said = serde_json::from_str::<Said>(&extract.entry);
        let Ok(said) = said else {
            of_audit.push(format!("the entry of line {line_number} cannot be read"));
            continue;
        };
        if said.about != format!("check/{id}") || said.seq != extract.seq || said.seq <= last {
            of_audit.push(format!(
                "line {line_number} is no further entry about this check"
            ));
        }
        last = said.seq;
        if said.action == "decision.added"
            && let Some(SaidAfter {
                decision: Some(decision),
                reason: Some(reason),
            }) = said.after
        {
            decided.push((decision, reason));
        }
    }
    match serde_json::from_slice::<Trail>(review) {
        Err(_) => of_review.push("cannot be read".to_owned()),
        Ok(trail) => {
            let told = trail.decisions.iter().map(|decision| {
                let reason = Sha256::of(decision.reason.as_bytes()).to_string();
                (decision.id.clone(), reason)
            });
            if !told.eq(decided) {
                of_review.push("tells of other decisions than the audit log".to_owned());
            }
        }
    }
    (of_audit, of_review)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ReviewOutcome;

    fn extract(seq: i64, about: &str, after: &str) -> Extract {
        let entry = format!(
            "{{\"seq\":{seq},\"action\":\"decision.added\",\"about\":\"{about}\",\"after\":{after}}}"
        );
        let previous = "0".repeat(64);
        let hash = Sha256::of(format!("{previous}\n{entry}").as_bytes()).to_string();
        Extract {
            seq,
            previous,
            entry,
            hash,
        }
    }

    fn trail(reason: &str) -> Vec<u8> {
        let decision = DecisionAnswer {
            id: "d".into(),
            outcome: ReviewOutcome::Uphold,
            reason: reason.into(),
            by: "Rita".into(),
            dispute: None,
            created_at: "2026-01-02T03:04:05Z".into(),
        };
        let trail = Trail {
            disputes: vec![],
            decisions: vec![decision],
        };
        serde_json::to_vec(&trail).unwrap()
    }

    #[test]
    fn what_the_log_says_of_a_check_holds_together_with_what_people_said() {
        let reason = Sha256::of(b"because").to_string();
        let after = format!("{{\"decision\":\"d\",\"reason\":\"{reason}\"}}");
        let good = extract(7, "check/c", &after);
        let file = |extracts: &[&Extract]| -> Vec<u8> {
            let lines = extracts
                .iter()
                .map(|e| serde_json::to_string(e).unwrap() + "\n");
            lines.collect::<String>().into_bytes()
        };
        let none: (Vec<String>, Vec<String>) = (vec![], vec![]);
        assert_eq!(faults("c", &file(&[&good]), &trail("because")), none);
        let (audit, review) = faults("c", &file(&[&good]), &trail("just so"));
        assert!(audit.is_empty() && review[0].contains("other decisions"));
        assert!(!faults("c", &file(&[]), &trail("because")).1.is_empty());
        assert!(
            !faults("other", &file(&[&good]), &trail("because"))
                .0
                .is_empty()
        );
        assert!(
            !faults("c", &file(&[&good, &good]), &trail("because"))
                .0
                .is_empty()
        );
        let changed = Extract {
            entry: good.entry.replace("decision.added", "decision.made"),
            ..good.clone()
        };
        let (audit, _) = faults("c", &file(&[&changed]), &trail("because"));
        assert!(audit[0].contains("hash"), "{audit:?}");
        assert!(!faults("c", b"x\n", &trail("because")).0.is_empty());
        assert!(!faults("c", &file(&[&good]), b"{}x").1.is_empty());
    }
}
