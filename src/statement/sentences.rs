//! The sentences of one language: a table by stable codes, each a small template.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};
use toml::Spanned;

use super::folder::File;
use crate::{
    checker::statement::TemplateError,
    contract::{Action, HelpCode, Place, ReasonCode, ReferenceKind, ReviewOutcome, Verdict},
};

/// What sentences may speak of; empty where there is nothing to say.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Words<'a> {
    pub check: &'a str,
    pub brand: &'a str,
    pub product: &'a str,
    pub what: &'a str,
    pub name: &'a str,
    pub mark: &'a str,
    pub place: &'a str,
    pub expected: &'a str,
    pub read: &'a str,
    pub recoloured: bool,
    pub one_in: u32,
}

/// Sections with their sentences, as the file holds them.
#[derive(Deserialize)]
struct Table(BTreeMap<String, BTreeMap<String, Spanned<String>>>);

/// A sentence and where it stands.
#[derive(Debug)]
pub(super) struct Sentence {
    /// Section and code, as in `reason.mark_differs`.
    pub key: String,
    /// The template.
    pub text: String,
    /// Line in the file, from 1.
    pub line: usize,
}

/// Every section with the sentences that it must have, and no others.
fn wanted() -> [(&'static str, Vec<&'static str>); 9] {
    fn names<T: Copy>(all: &[T], name: fn(T) -> &'static str) -> Vec<&'static str> {
        all.iter().copied().map(name).collect()
    }
    let mut what = names(ReferenceKind::ALL, ReferenceKind::name);
    what.push("mark");
    [
        (
            "statement",
            vec!["separator", "compared", "one_in", "dispute"],
        ),
        ("verdict", names(Verdict::ALL, Verdict::name)),
        ("action", names(Action::ALL, Action::name)),
        ("decision", names(ReviewOutcome::ALL, ReviewOutcome::name)),
        ("reason", names(ReasonCode::ALL, ReasonCode::name)),
        ("place", names(Place::ALL, Place::name)),
        ("what", what),
        ("mark", NAMED_PLACES.to_vec()),
        ("help", names(HelpCode::ALL, HelpCode::name)),
    ]
}

/// Marks that the program names itself, as an answer's `marks` documents them.
pub(super) const NAMED_PLACES: [&str; 4] = [
    "most different place",
    "second most different place",
    "least explained place",
    "most recoloured place",
];

/// The sentences of a file: all that there must be, and no others.
pub(super) fn sentences(file: &File) -> Result<Vec<Sentence>, TemplateError> {
    let fault = |span: Option<Range<usize>>, why: String| TemplateError {
        file: file.place.clone(),
        line: span.map(|span| line_of(&file.text, span.start)),
        why,
    };
    let table: Table =
        toml::from_str(&file.text).map_err(|e| fault(e.span(), e.message().to_owned()))?;
    let mut table = table.0;
    let mut found = Vec::new();
    for (section, codes) in wanted() {
        let mut given = table.remove(section).unwrap_or_default();
        for code in codes {
            let missing = || {
                fault(
                    None,
                    format!("`{code}` of the section `[{section}]` is missing"),
                )
            };
            let text = given.remove(code).ok_or_else(missing)?;
            let line = line_of(&file.text, text.span().start);
            found.push(Sentence {
                key: format!("{section}.{code}"),
                text: text.into_inner(),
                line,
            });
        }
        if let Some((code, text)) = given.into_iter().next() {
            let why = format!("`{code}` is no code of the section `[{section}]`");
            return Err(fault(Some(text.span()), why));
        }
    }
    match table.into_keys().next() {
        Some(section) => Err(fault(None, format!("there is no section `[{section}]`"))),
        None => Ok(found),
    }
}

fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|b| *b == b'\n').count()
}
