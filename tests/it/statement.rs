//! Statements of reasons as a person meets them: the command, and the words for every sample.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use assay::{
    app::{App, statements},
    checker::{
        actor::Actor,
        service::CheckRequest,
        statement::{Pictures, StatementWriter},
    },
    config::{AppConfig, StatementsConfig},
    contract::{Verdict, statement::StatementAnswer},
};
use tempfile::TempDir;

use crate::support::process::run;

fn samples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")
}

/// A folder in whose data the samples are enrolled.
fn enrolled() -> TempDir {
    let place = TempDir::new().unwrap();
    let (brands, marks) = (samples().join("brands"), samples().join("marks.csv"));
    let args = [
        "enroll",
        brands.to_str().unwrap(),
        "--marks",
        marks.to_str().unwrap(),
    ];
    let (code, _, err) = run(&args, place.path());
    assert_eq!(code, 0, "{err}");
    place
}

async fn open(place: &TempDir) -> (App, Arc<dyn StatementWriter>) {
    let config = AppConfig::over(&place.path().join("assay-data"));
    let writer = statements(&StatementsConfig::default()).unwrap();
    (App::open(&config).await.unwrap(), writer)
}

#[tokio::test(flavor = "multi_thread")]
async fn no_sample_is_called_what_nobody_knows_it_to_be() {
    let place = enrolled();
    let (app, writer) = open(&place).await;
    let actor = Actor::local();
    let table = fs::read_to_string(samples().join("expected.csv")).unwrap();
    let mut seen = Vec::new();
    for line in table.lines().skip(1) {
        let cells: Vec<_> = line.split(',').collect();
        let photo = fs::read(samples().join(cells[0])).unwrap();
        let request = CheckRequest {
            photos: vec![photo.into()],
            brand: Some(cells[1].to_owned()),
            product: Some(cells[2].to_owned()),
            ..CheckRequest::default()
        };
        let check = app.assay.check(&actor, request).await.unwrap();
        let statement = app.assay.statement(&actor, &check.id).await.unwrap();
        let answer = writer.answer(&statement, "en").unwrap();
        assert_eq!(
            answer.what_would_help.is_empty(),
            answer.verdict == Verdict::Consistent
        );
        let text = writer.text(&answer).unwrap();
        let page = writer.html(&answer, &Pictures::new()).unwrap();
        for told in [&text, &page] {
            let small = told.to_lowercase();
            assert!(
                !small.contains("counterfeit") && !small.contains("fake"),
                "{told}"
            );
            assert!(told.contains("This was automated"), "{told}");
            assert!(
                told.contains(&format!("The id of your dispute is {}", check.id)),
                "{told}"
            );
        }
        seen.push(answer.verdict);
    }
    for verdict in Verdict::ALL {
        assert!(seen.contains(verdict), "no sample is {verdict}");
    }
    app.close().await;
}

#[test]
fn the_command_writes_text_a_page_and_json_of_a_real_check() {
    let place = enrolled();
    let photo = samples().join("photos/lookalike-oat-letter.jpg");
    let claim = ["--brand", "halmora", "--product", "oat-drink-original"];
    let args = [&["check", photo.to_str().unwrap(), "--json"], &claim[..]].concat();
    let (_, out, err) = run(&args, place.path());
    let check: assay::contract::answer::CheckAnswer = serde_json::from_str(&out).expect(&err);
    let id = &*check.id;

    let (code, out, err) = run(&["statement", id], place.path());
    assert_eq!(code, 0, "{err}");
    for wanted in [
        "halmora / oat-drink-original",
        "It should read “",
        "HOW TO DISPUTE",
        id,
    ] {
        assert!(out.contains(wanted), "no `{wanted}` in:\n{out}");
    }
    let args = ["statement", id, "--format", "html", "--out", "reasons.html"];
    let (code, out, err) = run(&args, place.path());
    assert_eq!((code, &*out), (0, ""), "{err}");
    let page = fs::read_to_string(place.path().join("reasons.html")).unwrap();
    assert!(
        page.contains("<img src=\"data:image/png;base64,iVBORw0KGgo"),
        "no picture"
    );
    let (code, _, err) = run(&args, place.path());
    assert_eq!(code, 2);
    assert!(
        err.starts_with("error: `reasons.html` exists already"),
        "{err}"
    );
    let (code, out, err) = run(&["statement", id, "--json"], place.path());
    assert_eq!(code, 0, "{err}");
    let answer: StatementAnswer = serde_json::from_str(&out).unwrap();
    assert_eq!((&*answer.check, answer.verdict), (id, Verdict::Deviates));
    let (code, _, err) = run(&["statement", id, "--language", "../de"], place.path());
    assert_eq!(code, 2);
    assert!(err.contains("`../de` is no language tag"), "{err}");
    let (code, _, err) = run(&["statement", "none"], place.path());
    assert_eq!(code, 2);
    assert!(err.contains("check `none` does not exist"), "{err}");
}

#[test]
fn templates_are_written_to_begin_with_and_a_broken_one_is_told_at_the_start() {
    let place = TempDir::new().unwrap();
    let (code, out, err) = run(&["statement", "--templates", "words"], place.path());
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("statement.html") && out.contains("--statements words"),
        "{out}"
    );
    let (code, _, err) = run(&["statement", "--templates", "words"], place.path());
    assert_eq!(code, 2);
    assert!(err.contains("sentences.toml"), "{err}");
    let german = place.path().join("words/de");
    fs::create_dir(&german).unwrap();
    for file in ["sentences.toml", "statement.txt", "statement.html"] {
        fs::copy(place.path().join("words").join(file), german.join(file)).unwrap();
    }
    let broken = german.join("statement.txt");
    let text = fs::read_to_string(&broken).unwrap();
    fs::write(&broken, text.replace("{{ check }}", "{{ cheque }}")).unwrap();
    for command in [
        &["serve", "--listen", "127.0.0.1:0"][..],
        &["statement", "some-check"],
    ] {
        // Without models: it is told before they are looked for.
        let args = [command, &["--statements", "words", "--models", "nowhere"]].concat();
        let (code, out, err) = run(&args, place.path());
        assert_eq!((code, &*out), (2, ""), "{err}");
        let wanted = Path::new("words").join("de").join("statement.txt");
        let wanted = format!(
            "error: the template `{}` (line 3) cannot be used: ",
            wanted.display()
        );
        assert!(err.starts_with(&wanted), "{err}");
    }
    assert!(!place.path().join("assay-data").exists());
}
