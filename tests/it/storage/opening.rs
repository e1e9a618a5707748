//! Opening a data folder: new, of an older program, of a newer one, damaged.

use std::path::Path;

use assay::{
    checker::records::{Catalogue, Checks, GenuinePhotos, References},
    contract::{Action, Verdict, answer::CheckAnswer},
    storage::{database::OpenError, sqlite},
};

use crate::support::records::{brand, check, genuine_photo, hash, key, local, reference};

#[tokio::test]
async fn two_processes_may_open_a_new_directory_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let openings = (0..4).map(|_| {
        let data = dir.path().to_owned();
        tokio::spawn(async move { sqlite::open(&data).await.map(|_| ()) })
    });
    for opening in openings.collect::<Vec<_>>() {
        opening.await.unwrap().unwrap();
    }
}

/// The fixture was written by the program of schema 1 and is never made anew: it stands for the
/// files out there.
#[tokio::test]
async fn a_database_of_schema_1_still_opens() {
    let dir = tempfile::tempdir().unwrap();
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/storage/schema-1.sqlite");
    std::fs::copy(fixture, dir.path().join("assay.sqlite")).unwrap();
    let store = sqlite::open(dir.path()).await.unwrap();
    assert_eq!(store.brands().await.unwrap(), [brand("acme")]);
    let mut expected = reference("r1", key("acme", "oat"), hash('a'));
    // Nobody could say then which edition it shows.
    expected.edition = assay::checker::records::Edition::default();
    assert_eq!(
        store.references(&key("acme", "oat")).await.unwrap(),
        [expected]
    );
    assert_eq!(
        store.genuine_photos(&key("acme", "oat")).await.unwrap(),
        [genuine_photo("g1", key("acme", "oat"), "item-1", hash('b'))]
    );
    let answered = check(
        "c1",
        Verdict::Consistent,
        Some("acme"),
        Some("ann"),
        hash('c'),
    );
    // Answers named neither their program nor a p-value of all photos then, and this one was made up
    // with another action than a policy gives.
    let expected = CheckAnswer {
        action: Action::Review,
        program: String::new(),
        p_value: None,
        ..answered
    };
    assert_eq!(store.check("c1").await.unwrap(), expected);
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused_with_the_remedy() {
    let dir = tempfile::tempdir().unwrap();
    let store = sqlite::open(dir.path()).await.unwrap();
    store.close().await;
    let options =
        sqlx::sqlite::SqliteConnectOptions::new().filename(dir.path().join("assay.sqlite"));
    let pool = sqlx::SqlitePool::connect_with(options).await.unwrap();
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .execute(&pool)
    .await
    .unwrap();
    pool.close().await;
    let refused = sqlite::open(dir.path())
        .await
        .err()
        .expect("opened a newer database");
    assert!(
        matches!(refused, OpenError::Newer { schema: 9999, .. }),
        "{refused}"
    );
    assert!(refused.to_string().contains("update assay"), "{refused}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("assay.sqlite"),
        "no database at all, just some text".repeat(50),
    )
    .unwrap();
    let refused = sqlite::open(dir.path())
        .await
        .err()
        .expect("opened a text file");
    assert!(refused.to_string().contains("assay.sqlite"), "{refused}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_is_the_one_that_the_system_takes_it_for() {
    let dir = tempfile::tempdir().unwrap();
    let (real, near) = (dir.path().join("a/real"), dir.path().join("near"));
    std::fs::create_dir_all(&real).unwrap();
    std::fs::create_dir(&near).unwrap();
    std::os::unix::fs::symlink(&real, dir.path().join("link")).unwrap();
    // By its letters this is `data` beside the link; by the system it lies beside where that leads.
    for odd in ["link/../data", "50%?x#y: \u{e9}"] {
        let store = sqlite::open(&dir.path().join(odd)).await.unwrap();
        store.add_brand(&local(), &brand("acme")).await.unwrap();
        store.close().await;
    }
    assert!(dir.path().join("a/data/assay.sqlite").exists());
    assert!(!dir.path().join("data").exists());
}
