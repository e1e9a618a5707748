//! Both commands as a person or script meets them.

use std::{fs, path::Path};

use assay::contract::answer::CheckAnswer;
use serde_json::Value;
use tempfile::TempDir;

use super::{bundled, unpacked};
use crate::support::process::run;

#[tokio::test]
async fn a_bundle_is_verified_without_data_or_models() {
    let bundle = bundled().await;
    let place = bundle.place.path();
    let verify = |args: &[&str]| {
        let args = [
            &[
                "verify",
                "bundle.zip",
                "--bytes-only",
                "--models",
                "nowhere",
            ],
            args,
        ]
        .concat();
        run(&args, place)
    };
    let key = &bundle.written.public_key;
    let (code, out, err) = verify(&[]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    for wanted in [
        &bundle.written.key_id,
        key,
        "holds: nothing was changed since this key signed it",
        "whose key it is, this does not prove",
    ] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    fs::write(place.join("operator.pub"), format!("{key}\n")).unwrap();
    for given in [key, "operator.pub"] {
        let (code, out, err) = verify(&["--public-key", given]);
        assert_eq!((code, err.as_str()), (0, ""), "{out}");
        assert!(out.contains("the key that you gave"), "{out}");
    }
    let other = "ab".repeat(32);
    let (code, out, _) = verify(&["--public-key", &other]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("somebody else made this bundle"), "{out}");
    let (code, out, err) = verify(&["--public-key", "nowhere.pub"]);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(err.contains("`nowhere.pub` cannot be read") && err.contains("64 hex digits"));
    assert!(!place.join("assay-data").exists());
}

#[tokio::test]
async fn what_is_wrong_is_told_by_the_exit_code_and_as_json() {
    let bundle = bundled().await;
    let place = bundle.place.path();
    let mut bytes = bundle.bytes.clone();
    let photo = bytes.windows(10).position(|w| w == b"scene 960 ").unwrap();
    bytes[photo + 6] ^= 1;
    fs::write(place.join("other.zip"), bytes).unwrap();
    let (code, out, err) = run(&["verify", "other.zip"], place);
    assert_eq!((code, err.as_str()), (1, ""), "{out}");
    assert!(out.contains("fault: `photos/0.bin` was changed: "), "{out}");
    let (code, out, _) = run(&["verify", "other.zip", "--json"], place);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1);
    assert_eq!(report["holds"], false);
    assert_eq!(report["faults"][0]["file"], "photos/0.bin", "{report}");

    fs::write(place.join("none.zip"), "hello").unwrap();
    let (code, out, err) = run(&["verify", "none.zip"], place);
    assert_eq!((code, out.as_str()), (2, ""));
    assert!(
        err.starts_with("error: `none.zip` is no evidence bundle"),
        "{err}"
    );
    assert!(err.contains("hint: "), "{err}");
    let (code, _, err) = run(&["verify", "missing.zip"], place);
    assert_eq!(code, 2, "{err}");
}

#[test]
fn a_real_check_becomes_a_bundle_that_holds() {
    let place = TempDir::new().unwrap();
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples");
    let brands = samples.join("brands");
    let marks = samples.join("marks.csv");
    let photo = samples.join("photos/lookalike-oat-letter.jpg");
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let (code, _, err) = run(
        &["enroll", &text(&brands), "--marks", &text(&marks)],
        place.path(),
    );
    assert_eq!(code, 0, "{err}");
    let claim = ["--brand", "halmora", "--product", "oat-drink-original"];
    let photo = text(&photo);
    let args = [&["check", &*photo, "--json"], &claim[..]].concat();
    let (_, out, err) = run(&args, place.path());
    let answer: CheckAnswer = serde_json::from_str(&out).expect(&err);
    let args = ["evidence", &*answer.id, "--out", "a.zip"];
    let (code, out, err) = run(&args, place.path());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("assay verify a.zip --public-key "), "{out}");
    let (code, _, err) = run(&args, place.path());
    assert_eq!(code, 2);
    assert!(err.starts_with("error: `a.zip` exists already"), "{err}");
    let args = ["evidence", &*answer.id, "--out", "b.zip", "--json"];
    let (code, out, err) = run(&args, place.path());
    assert_eq!(code, 0, "{err}");
    let report: Value = serde_json::from_str(&out).unwrap();
    let read = |name: &str| fs::read(place.path().join(name)).unwrap();
    assert!(read("a.zip") == read("b.zip"));
    let key = report["public_key"].as_str().unwrap();
    let args = ["verify", "b.zip", "--public-key", key];
    let (code, out, err) = run(&args, place.path());
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    assert!(out.contains("the models come to the same again"), "{out}");
    let (code, out, _) = run(&["verify", "b.zip", "--json"], place.path());
    let report: Value = serde_json::from_str(&out).unwrap();
    let rerun = &report["rerun"];
    assert_eq!((code, &rerun["photos"]), (0, &Value::from(1)), "{report}");
    assert!(rerun["scores"].as_u64().unwrap() >= 8, "{report}");
    let files = unpacked(&place.path().join("a.zip"));
    let photo = files.iter().find(|(name, _)| name == "photos/0.jpg");
    assert!(photo.is_some_and(|(_, bytes)| bytes.starts_with(b"\xff\xd8")));
    let drawn = files.iter().find(|(name, _)| name == "evidence/0.png");
    assert!(drawn.is_some_and(|(_, bytes)| bytes.starts_with(b"\x89PNG")));
    let kept = files.iter().find(|(name, _)| name == "check.json").unwrap();
    let kept = serde_json::from_slice::<CheckAnswer>(&kept.1).unwrap();
    assert_eq!(kept, answer);
    let (code, _, err) = run(&["evidence", "none", "--out", "c.zip"], place.path());
    assert_eq!(code, 2);
    assert!(err.contains("check `none` does not exist"), "{err}");
}
