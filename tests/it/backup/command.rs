//! Both commands as a person or script meets them.

use std::{fs, path::Path};

use assay::{checker::actor::Actor, domain::digest::Sha256};
use serde_json::Value;
use tempfile::TempDir;

use super::{dump, images, names, stocked};
use crate::support::{process, vision::Scene};

/// Runs the program; models are never found, since neither command needs one.
fn run(args: &[&str], data: &Path, place: &TempDir) -> (i32, String, String) {
    let data = data.to_str().unwrap();
    process::run(
        &[args, &["--models", "nowhere", "--data", data]].concat(),
        place.path(),
    )
}

#[tokio::test]
async fn a_backup_is_written_and_restored_beside_a_running_program() {
    let (app, _) = stocked().await;
    let place = TempDir::new().unwrap();
    let (code, out, err) = run(&["backup", "assay.tar"], app.data(), &place);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(
        out.starts_with("assay.tar: ") && out.contains("8 images"),
        "{out}"
    );
    let (code, out, err) = run(&["backup", "assay.tar"], app.data(), &place);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("error: `assay.tar` exists already"),
        "{err}"
    );

    let args = ["restore", "assay.tar", "--into", "restored", "--json"];
    let (code, out, err) = run(&args, Path::new("unused"), &place);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(
        (&report["into"], &report["images"], &report["lost"]),
        (&"restored".into(), &8.into(), &Value::Array(vec![])),
        "{report}"
    );
    let into = place.path().join("restored");
    assert_eq!(dump(&into).await, dump(app.data()).await);
    assert_eq!(images(&into), images(app.data()));
    let (code, out, err) = run(&args, Path::new("unused"), &place);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("error: `restored` is not an empty folder"),
        "{err}"
    );
    assert_eq!(
        names(place.path()),
        ["assay.tar", "restored"].map(str::to_owned).into()
    );
}

#[tokio::test]
async fn what_is_lost_is_told_by_both_and_by_their_exit_codes() {
    let (app, oat) = stocked().await;
    let place = TempDir::new().unwrap();
    let hash = Sha256::of(&Scene::of(1).bytes()).to_string();
    let image = app.data().join("images").join(&hash[..2]).join(&hash);
    fs::write(image, "other bytes").unwrap();
    let reference = app.assay.references(&Actor::local(), &oat).await.unwrap()[0]
        .id
        .clone();
    let (code, out, err) = run(&["backup", "a.tar", "--json"], app.data(), &place);
    assert_eq!(code, 1, "{out}{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let bytes = fs::metadata(place.path().join("a.tar")).unwrap().len();
    assert_eq!(
        (&report["file"], &report["bytes"], &report["images"]),
        (&"a.tar".into(), &bytes.into(), &7.into()),
        "{report}"
    );
    assert_eq!(report["lost"][0]["sha256"], hash.as_str(), "{report}");
    let wanted = format!(
        "image `{hash}` is damaged and not in the backup; it belongs to reference `{reference}`"
    );
    assert!(err.contains(&wanted), "{err}");

    let (code, out, err) = run(&["restore", "a.tar", "--into", "b"], app.data(), &place);
    assert_eq!(code, 1, "{out}{err}");
    assert!(out.starts_with("b: ") && out.contains("7 images"), "{out}");
    assert!(err.contains(&hash) && err.contains(&reference), "{err}");
}
