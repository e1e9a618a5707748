//! The log of what was done, as a person or script looks at it, and what tampering with it shows.

use std::{fs, path::Path};

use assay::{
    checker::{
        actor::{Actor, Role},
        records::{Catalogue, Head},
    },
    storage::sqlite,
};
use serde_json::Value;
use sqlx::{AssertSqlSafe, SqliteConnection};
use tempfile::TempDir;

use crate::{
    backup::database,
    support::{
        process,
        records::{brand, local, product},
    },
};

/// Runs the program, which never finds models.
fn run(place: &Path, args: &[&str]) -> (i32, String, String) {
    process::run(&[args, &["--models", "nowhere"]].concat(), place)
}

/// A place with a data folder in which six things were done, two of them after the only checkpoint.
async fn place() -> TempDir {
    let place = TempDir::new().unwrap();
    let data = place.path().join("assay-data");
    let store = sqlite::open(&data).await.unwrap();
    let ann = Actor::new("key:k1", Role::Admin, None).within("request-1");
    store.add_brand(&local(), &brand("acme")).await.unwrap();
    store
        .add_product(&ann, &product("acme", "oat"))
        .await
        .unwrap();
    for id in ["b1", "b2"] {
        store.add_brand(&local(), &brand(id)).await.unwrap();
    }
    let (code, line, err) = run(place.path(), &["audit", "checkpoint"]);
    assert_eq!((code, err.as_str()), (0, ""));
    fs::write(place.path().join("elsewhere"), line).unwrap();
    for id in ["b3", "b4"] {
        store.add_brand(&local(), &brand(id)).await.unwrap();
    }
    store.close().await;
    place
}

/// Does to the database what somebody could who may write to it.
async fn tampered(db: &mut SqliteConnection, statements: &[&str]) {
    for trigger in ["audit_is_not_changed", "audit_is_not_removed"] {
        let sql = AssertSqlSafe(format!("DROP TRIGGER {trigger}"));
        sqlx::query(sql).execute(&mut *db).await.unwrap();
    }
    for sql in statements {
        let sql = AssertSqlSafe((*sql).to_owned());
        sqlx::query(sql).execute(&mut *db).await.unwrap();
    }
}

#[tokio::test]
async fn the_log_is_shown_and_holds() {
    let place = place().await;
    let run = |args: &[&str]| run(place.path(), args);
    let (code, out, err) = run(&["audit", "verify"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for wanted in [
        "entries 1 to 6 and 1 checkpoint agree",
        "holds: ",
        "whose key it is",
    ] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    let (code, out, err) = run(&["audit", "log", "--about", "product/acme/oat"]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.contains("product.added product/acme/oat by key:k1 (admin)"),
        "{out}"
    );
    assert_eq!(out.lines().count(), 2, "{out}");
    let (_, out, _) = run(&["audit", "log", "--after", "2", "--limit", "3", "--json"]);
    let seqs = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["seq"].clone());
    assert_eq!(seqs.collect::<Vec<_>>(), [3, 4, 5]);

    // The key that signed is told, asked for, and compared.
    let (_, out, _) = run(&["audit", "verify", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    let key = report["origins"][0].as_str().unwrap().to_owned();
    assert_eq!(report["holds"], true);
    assert_eq!(
        (&report["entries"], &report["checkpoints"]),
        (&6.into(), &1.into())
    );
    let (code, out, _) = run(&["audit", "verify", "--public-key", &key]);
    assert_eq!(code, 0, "{out}");
    assert!(!out.contains("whose key it is"), "{out}");
    let (code, out, _) = run(&["audit", "verify", "--public-key", &"ab".repeat(32)]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("signed by another key"), "{out}");

    let (code, _, err) = run(&["audit", "verify", "--data", "nowhere"]);
    assert_eq!(code, 2);
    assert!(err.contains("there are no data in `nowhere`"), "{err}");
    assert!(!place.path().join("nowhere").exists());
    let (code, _, err) = run(&["audit", "verify", "--checkpoints", "none"]);
    assert_eq!(code, 2, "{err}");
    let (code, out, _) = run(&["audit", "checkpoint"]);
    assert_eq!(code, 0);
    assert!(out.contains("\"seq\":6"), "{out}");
    let (_, out, _) = run(&["audit", "checkpoint"]);
    assert_eq!(out, "nothing was noted since the last checkpoint\n");
}

#[tokio::test]
async fn whatever_is_changed_taken_out_or_moved_is_named() {
    let all_from = |seq: i64| format!("DELETE FROM audit WHERE seq >= {seq}");
    let (cut_three, cut_six) = (all_from(3), all_from(6));
    for (statements, wanted) in [
        (
            &["UPDATE audit SET entry = replace(entry, 'key:k1', 'key:k2') WHERE seq = 2"][..],
            "entry 2 was changed",
        ),
        (
            &["UPDATE audit SET hash = upper(hash) WHERE seq = 5"],
            "entry 5 was changed",
        ),
        (
            &["UPDATE audit SET about = 'brand/b9' WHERE seq = 3"],
            "entry 3 was changed",
        ),
        (&["DELETE FROM audit WHERE seq = 1"], "entry 1 is missing"),
        (&["DELETE FROM audit WHERE seq = 4"], "entry 4 is missing"),
        (
            &[
                "UPDATE audit SET seq = 99 WHERE seq = 3",
                "UPDATE audit SET seq = 3 WHERE seq = 4",
                "UPDATE audit SET seq = 4 WHERE seq = 99",
            ],
            "entry 4 stands in the place of entry 3",
        ),
        // The end, with the head that says so still there.
        (&[&cut_six], "entry 6 is missing"),
        // And without it: the checkpoint names an entry that is not there.
        (
            &[
                &cut_three,
                "UPDATE audit_head SET seq = 2, hash = (SELECT hash FROM audit WHERE seq = 2)",
            ],
            "a checkpoint names entry 4",
        ),
        (
            &[
                "DELETE FROM audit",
                "UPDATE audit_head SET seq = 0, hash = printf('%064d', 0)",
            ],
            "a checkpoint names entry 4",
        ),
        (
            &["UPDATE audit_head SET hash = printf('%064d', 0)"],
            "its head has another hash",
        ),
        (&["UPDATE audit_head SET seq = 9"], "entry 7 is missing"),
        (&["UPDATE audit_head SET seq = 5"], "its head is entry 5"),
        (&["DELETE FROM audit_head"], "its head is lost"),
    ] {
        let place = place().await;
        let mut db = database(&place.path().join("assay-data")).await;
        tampered(&mut db, statements).await;
        let (code, out, err) = run(place.path(), &["audit", "verify"]);
        assert_eq!((code, err.as_str()), (1, ""), "{statements:?}: {out}");
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
        assert!(out.contains("does not hold"), "{out}");
    }
}

/// Somebody who may write everything can make a log that holds. What was signed and copied elsewhere
/// is what tells.
#[tokio::test]
async fn a_log_made_anew_shows_by_a_checkpoint_that_was_copied_elsewhere() {
    let place = place().await;
    let data = place.path().join("assay-data");
    let mut db = database(&data).await;
    let texts: Vec<String> = sqlx::query_scalar("SELECT entry FROM audit ORDER BY seq")
        .fetch_all(&mut db)
        .await
        .unwrap();
    tampered(&mut db, &["DELETE FROM audit"]).await;
    let (mut head, mut seq) = (Head::start(), 0);
    for text in texts {
        seq += 1;
        let text = text.replace("key:k1", "key:k2");
        head = head.then(seq, &text);
        let about = serde_json::from_str::<Value>(&text).unwrap()["about"].clone();
        sqlx::query("INSERT INTO audit (seq, entry, hash, about) VALUES (?, ?, ?, ?)")
            .bind(seq)
            .bind(text)
            .bind(head.hash.to_string())
            .bind(about.as_str().unwrap())
            .execute(&mut db)
            .await
            .unwrap();
    }
    let sql = sqlx::query("UPDATE audit_head SET hash = ?").bind(head.hash.to_string());
    sql.execute(&mut db).await.unwrap();
    let (code, out, _) = run(place.path(), &["audit", "verify"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("entry 4 is not the one that was signed"),
        "{out}"
    );

    fs::remove_file(data.join("audit.checkpoints")).unwrap();
    let (code, out, _) = run(place.path(), &["audit", "verify"]);
    assert_eq!(code, 0, "{out}");
    assert!(
        out.contains("no checkpoint: that the end was cut off"),
        "{out}"
    );
    let (code, out, _) = run(
        place.path(),
        &["audit", "verify", "--checkpoints", "elsewhere"],
    );
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("entry 4 is not the one that was signed"),
        "{out}"
    );

    // A line that was changed is no checkpoint, and told by its number.
    let line = fs::read_to_string(place.path().join("elsewhere")).unwrap();
    let other = line.replace("\"seq\":4", "\"seq\":5");
    fs::write(place.path().join("other"), format!("{other}hello\n")).unwrap();
    let (code, out, _) = run(place.path(), &["audit", "verify", "--checkpoints", "other"]);
    assert_eq!(code, 1, "{out}");
    assert!(
        out.contains("`other`, line 1: its signature does not hold"),
        "{out}"
    );
    assert!(
        out.contains("`other`, line 2: it is no checkpoint"),
        "{out}"
    );
}
