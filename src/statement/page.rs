//! What the two pages are rendered from: the statement by photos, with nothing in it that could
//! leave its place.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use minijinja::Value;
use serde::Serialize;

use crate::{
    checker::statement::Pictures,
    contract::statement::{FindingAnswer, StatementAnswer},
};

/// A statement, and the same by photos.
#[derive(Serialize)]
pub(super) struct Page {
    #[serde(flatten)]
    statement: StatementAnswer,
    photos: Vec<Photo>,
}

/// What is said of one photo.
#[derive(Default, Serialize)]
struct Photo {
    /// For people, from 1.
    number: usize,
    /// What was compared, as a sentence.
    compared: Option<String>,
    findings: Vec<FindingAnswer>,
    /// A picture as a `data:` address.
    picture: Option<Value>,
}

impl Page {
    pub(super) fn new(answer: &StatementAnswer, pictures: &Pictures) -> Self {
        let statement = cleaned(answer);
        let mut photos: BTreeMap<usize, Photo> = BTreeMap::new();
        for compared in &statement.compared {
            let photo = photos.entry(compared.photo).or_default();
            photo.compared = Some(compared.sentence.clone());
        }
        for finding in &statement.findings {
            let photo = photos.entry(finding.photo).or_default();
            photo.findings.push(finding.clone());
        }
        for (n, photo) in &mut photos {
            photo.number = n + 1;
            photo.picture = pictures.get(n).map(|png| data_address(png));
        }
        Self {
            statement,
            photos: photos.into_values().collect(),
        }
    }
}

/// The statement with all text of callers [`plain`]; in its sentences it is so already.
fn cleaned(answer: &StatementAnswer) -> StatementAnswer {
    let mut answer = answer.clone();
    let findings = answer.findings.iter_mut();
    let of_findings = findings.flat_map(|f| [&mut f.mark, &mut f.expected, &mut f.read]);
    for text in of_findings.chain([&mut answer.listing_id]).flatten() {
        *text = plain(text);
    }
    for what in answer.compared.iter_mut().flat_map(|c| &mut c.what) {
        *what = plain(what);
    }
    answer
}

/// Text of callers as it may stand on a page or in a terminal: without control characters, and
/// without those that turn the direction of writing, which could make one word look like another.
pub(super) fn plain(text: &str) -> String {
    let odd =
        |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let shown = text.chars().map(|c| if odd(c) { '\u{fffd}' } else { c });
    shown.collect()
}

/// A PNG file as an address that holds it.
fn data_address(png: &[u8]) -> Value {
    // Of letters, digits and `+/=` alone: escaping would only make it longer.
    Value::from_safe_string(format!("data:image/png;base64,{}", STANDARD.encode(png)))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_that_hides_or_turns_text_is_left() {
        assert_eq!(
            plain("a\u{1b}[2J\n\u{202e}b"),
            "a\u{fffd}[2J\u{fffd}\u{fffd}b"
        );
        assert_eq!(plain("Ünïcode <b>"), "Ünïcode <b>");
    }
}
