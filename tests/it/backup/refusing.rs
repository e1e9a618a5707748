//! Where nothing is to be written or restored at all.

use std::fs;

use tempfile::TempDir;

use super::{backed_up, names, restored, stocked};

#[tokio::test]
async fn no_file_is_overwritten_and_none_lies_in_what_it_saves() {
    let (app, _) = stocked().await;
    let place = TempDir::new().unwrap();
    let there = place.path().join("there.tar");
    fs::write(&there, "mine").unwrap();
    let data = app.data();
    let before = names(data);
    for (file, wanted) in [
        (there.clone(), "exists already"),
        (data.join("a.tar"), "lies in the data folder"),
        (data.join("images/a.tar"), "lies in the data folder"),
        (data.join("images/../a.tar"), "lies in the data folder"),
        (place.path().join("nowhere/a.tar"), "nowhere"),
    ] {
        let refused = backed_up(data, &file).await.unwrap_err().to_string();
        assert!(refused.contains(wanted), "{file:?}: {refused}");
    }
    assert_eq!(fs::read(&there).unwrap(), b"mine");
    assert_eq!(names(place.path()), ["there.tar".to_owned()].into());
    assert_eq!(names(data), before);
}

#[tokio::test]
async fn a_folder_without_a_database_is_not_made_one() {
    let place = TempDir::new().unwrap();
    let data = place.path().join("assay-data");
    let file = place.path().join("a.tar");
    let refused = backed_up(&data, &file).await.unwrap_err().to_string();
    assert!(
        refused.contains("no database") && refused.contains("--data"),
        "{refused}"
    );
    assert_eq!(names(place.path()), [].into());
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_not_backed_up_by_halves() {
    let (app, _) = stocked().await;
    let place = TempDir::new().unwrap();
    let mut db = super::database(app.data()).await;
    sqlx::query(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'from the future', 1, x'00', 0)",
    )
    .execute(&mut db)
    .await
    .unwrap();
    let refused = backed_up(app.data(), &place.path().join("a.tar")).await;
    let refused = refused.unwrap_err().to_string();
    assert!(
        refused.contains("newer assay (schema 9999)") && refused.contains("update assay"),
        "{refused}"
    );
    assert_eq!(names(place.path()), [].into());
}

#[tokio::test]
async fn only_a_new_or_an_empty_folder_is_restored_into() {
    let (app, _) = stocked().await;
    let place = TempDir::new().unwrap();
    let file = place.path().join("a.tar");
    backed_up(app.data(), &file).await.unwrap();
    let full = place.path().join("full");
    fs::create_dir(&full).unwrap();
    fs::write(full.join("mine"), "mine").unwrap();
    for (into, wanted) in [
        (full.clone(), "is not an empty folder"),
        (full.join("mine"), "is not an empty folder"),
        (place.path().join("nowhere/into"), "nowhere"),
    ] {
        let refused = restored(&file, &into).await.unwrap_err().to_string();
        assert!(refused.contains(wanted), "{into:?}: {refused}");
    }
    assert_eq!(names(&full), ["mine".to_owned()].into());
    assert_eq!(
        names(place.path()),
        ["a.tar", "full"].map(str::to_owned).into()
    );
    fs::remove_file(full.join("mine")).unwrap();
    restored(&file, &full).await.unwrap();
    assert!(names(&full).contains("assay.sqlite"));
}
