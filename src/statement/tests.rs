//! The program's own words, and what is refused of others.

use std::fs;

use tempfile::TempDir;

use super::*;
use crate::contract::{Verdict, answer::CheckAnswer};

fn built_in() -> Templates {
    Templates::open(None).unwrap()
}

/// A folder of templates, with a German translation.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    write_built_in(folder.path()).unwrap();
    let german = folder.path().join("de");
    write_built_in(&german).unwrap();
    change(&german.join("sentences.toml"), |text| {
        text.replace("The photo is blurred.", "Das Foto ist unscharf.")
    });
    folder
}

fn change(path: &Path, by: impl Fn(&str) -> String) {
    let text = fs::read_to_string(path).unwrap();
    let changed = by(&text);
    assert_ne!(changed, text, "nothing was changed");
    fs::write(path, changed).unwrap();
}

fn refused(folder: &TempDir) -> TemplateError {
    Templates::open(Some(folder.path())).err().unwrap()
}

#[test]
fn every_statement_says_that_it_was_automated_and_how_to_dispute_it() {
    let words = built_in();
    let mut seen = 0;
    for statement in example::examples() {
        let answer = words.answer(&statement, "en").unwrap();
        assert_eq!(answer.automated, statement.decision.is_none());
        assert!(answer.how_to_dispute.contains(&statement.check));
        let text = words.text(&answer).unwrap();
        let page = words.html(&answer, &Pictures::new()).unwrap();
        for told in [&text, &page] {
            assert_eq!(
                told.contains("This was automated"),
                answer.automated,
                "{told}"
            );
            assert_ne!(
                told.contains("A person decided at"),
                answer.automated,
                "{told}"
            );
            assert!(told.contains("The id of your dispute is"), "{told}");
            let small = told.to_lowercase();
            for never in [
                "counterfeit",
                "fake",
                "forger",
                "fraud",
                "threshold",
                "bolt",
            ] {
                assert!(!small.contains(never), "{never} in {told}");
            }
        }
        seen += 1;
    }
    assert_eq!(seen, 6 * Verdict::ALL.len());
}

#[test]
fn the_text_of_the_documented_example_reads_well() {
    let answer: CheckAnswer =
        serde_json::from_str(include_str!("../http/api/examples/check.json")).unwrap();
    let words = built_in();
    let answer = words.answer(&Statement::of(&answer), "en").unwrap();
    let text = words.text(&answer).unwrap();
    let wanted = "\
STATEMENT OF REASONS

Check:   0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10
Made at: 2026-01-31T09:30:00Z
Listing: listing-4711
Claimed: acme / oat-drink-1l

Something in the photos looks different from the reference images, more than it does in photos of genuine articles. Of the genuine photos that it was measured on, at most 1 in 100 looks this different. Nothing was removed by this: a person is asked to look at the listing.

This was automated: a program compared the photos with reference images. No person decided it.

WHAT WAS COMPARED AND FOUND

Photo 1
  Compared: the pack, the mark “brand name”, with a reference image of acme / oat-drink-1l.
  - This differs from the reference image: the mark “brand name”, at the top of the photo. It should read “ACME” and reads “ACNE”.

WHICH PHOTO WOULD CLEAR IT

- Send a sharp photo from straight ahead in which the places named above are large.
- Leave nothing over the article: no fingers, stickers, text, frames or watermarks.

HOW TO DISPUTE

If you think that this is wrong, answer to this message, or dispute it through the marketplace. The id of your dispute is 0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10.

Compared by assay 0.1.0+tuning.6f1d0c2a9b3e.
";
    assert_eq!(text, wanted);
}

#[test]
fn a_picture_stands_in_the_page_itself() {
    let words = built_in();
    let statement = example::examples().next().unwrap();
    let answer = words.answer(&statement, "en").unwrap();
    let pictures = Pictures::from([(1, b"\x89PNG".as_slice().into())]);
    let page = words.html(&answer, &pictures).unwrap();
    assert_eq!(page.matches("<img").count(), 1);
    assert!(page.contains("<img src=\"data:image/png;base64,iVBORw==\" alt=\"Photo 2 beside"));
    assert!(!page.contains("://"), "nothing is loaded from elsewhere");
}

#[test]
fn a_language_is_the_first_wanted_that_there_is() {
    let folder = folder();
    let words = Templates::open(Some(folder.path())).unwrap();
    let spoken = |wanted: &[&str]| {
        let wanted: Vec<_> = wanted.iter().map(ToString::to_string).collect();
        words.language(&wanted)
    };
    assert_eq!(spoken(&["fr", "de-AT", "en"]), "de");
    assert_eq!(spoken(&["en-GB", "de"]), "en");
    assert_eq!(spoken(&["fr"]), "en");
    assert_eq!(spoken(&[]), "en");
    let statement = example::examples().next().unwrap();
    let answer = words.answer(&statement, "de").unwrap();
    assert_eq!(answer.language, "de");
    assert!(
        words
            .text(&answer)
            .unwrap()
            .contains("Das Foto ist unscharf.")
    );
    assert!(
        words
            .html(&answer, &Pictures::new())
            .unwrap()
            .contains("<html lang=\"de\">")
    );
}

#[test]
fn a_broken_template_is_told_by_file_and_line() {
    for (file, from, to, line, why) in [
        (
            "statement.txt",
            "{{ summary }}",
            "{{ summary",
            14,
            "syntax error",
        ),
        (
            "statement.txt",
            "{{ summary }}",
            "{{ sumary }}",
            12,
            "undefined",
        ),
        (
            "statement.html",
            "{{ created_at }}",
            "{{ created_at.year() }}",
            21,
            "method",
        ),
        (
            "sentences.toml",
            "photo_blurred = ",
            "photo_blurry = ",
            0,
            "`photo_blurred` of the section `[reason]` is missing",
        ),
        (
            "sentences.toml",
            "[place]\n",
            "[place]\nabove = \"over it\"\n",
            61,
            "`above` is no code",
        ),
        ("sentences.toml", "[place]\n", "[place\n", 60, "unclosed"),
        (
            "sentences.toml",
            "The photo is blurred.",
            "The photo {{ is }} blurred.",
            41,
            "undefined",
        ),
    ] {
        let folder = folder();
        let file = folder.path().join(file);
        change(&file, |text| text.replacen(from, to, 1));
        let error = refused(&folder);
        assert_eq!(error.file, file.display().to_string(), "{error}");
        assert_eq!(error.line.unwrap_or_default(), line, "{error}");
        assert!(error.why.contains(why), "{error}");
    }
}

#[test]
fn a_template_that_does_not_end_or_lets_markup_through_is_refused() {
    let folder = folder();
    let page = folder.path().join("de/statement.html");
    let whole = fs::read_to_string(&page).unwrap();
    let lines = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    fs::write(&page, format!("{whole}{lines}")).unwrap();
    let error = refused(&folder);
    assert!(error.why.contains("fuel"), "{error}");
    let open = format!("{{% autoescape false %}}{whole}{{% endautoescape %}}");
    fs::write(&page, open).unwrap();
    let error = refused(&folder);
    assert!(error.why.contains("escaping"), "{error}");
    fs::write(
        &page,
        whole.replace("{{ listing_id }}", "{{ listing_id|safe }}"),
    )
    .unwrap();
    assert!(refused(&folder).why.contains("filter"));
}

#[test]
fn folders_that_hold_no_whole_language_are_refused() {
    let half = folder();
    fs::remove_file(half.path().join("de/statement.txt")).unwrap();
    assert!(refused(&half).why.contains("is missing"));
    // English may be changed in part.
    let part = folder();
    fs::remove_file(part.path().join("statement.txt")).unwrap();
    Templates::open(Some(part.path())).unwrap();
    for (name, why) in [
        ("old words", "no language tag"),
        ("en", "English"),
        ("DE", "same language"),
    ] {
        let folder = folder();
        fs::create_dir(folder.path().join(name)).unwrap();
        assert!(refused(&folder).why.contains(why), "{name}");
    }
    let empty = TempDir::new().unwrap();
    assert!(refused(&empty).why.contains("holds no templates"));
    let large = folder();
    fs::write(large.path().join("statement.txt"), "x".repeat(1 << 20)).unwrap();
    assert!(refused(&large).why.contains("larger than"));
    assert!(Templates::open(Some(&empty.path().join("none"))).is_err());
    assert!(
        write_built_in(half.path()).is_err(),
        "nothing is overwritten"
    );
}
