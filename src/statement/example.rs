//! Trying templates out before a seller does: every verdict and every code, with and without all
//! that can be said.

use super::voice::Voice;
use crate::{
    checker::statement::{
        Compared, Decided, Finding, FoundMark, Pictures, Statement, TemplateError,
    },
    contract::{
        Action, HelpCode, Place, ReasonCode, ReferenceKind, ReviewOutcome, Verdict,
        answer::ClaimAnswer,
        limits::{MOST_MARKS, MOST_PHOTOS},
        statement::ProductAnswer,
    },
};

/// Stands where a caller's text stands. On the page it must be text.
const MARKUP: &str = "<from-a-caller>";

/// Renders everything once.
///
/// # Errors
/// The first template that fails, or a page that takes text of callers for markup.
pub(super) fn try_out(voice: &Voice) -> Result<(), TemplateError> {
    // A picture on the page, so that its place is tried too.
    let pictures = Pictures::from([(0, b"PNG".as_slice().into())]);
    for statement in examples() {
        let answer = voice.answer(&statement)?;
        voice.text(&answer)?;
        if voice.html(&answer, &pictures)?.contains(MARKUP) {
            return Err(TemplateError {
                file: voice.html_place().to_owned(),
                line: None,
                why: "it turns escaping off, so that a listing's id or a mark's name could be a script".to_owned(),
            });
        }
    }
    Ok(())
}

/// Of each verdict a bare statement, one with all that can be said, and one after each decision.
pub(super) fn examples() -> impl Iterator<Item = Statement> {
    let full = Verdict::ALL.iter().zip(Action::ALL.iter().cycle());
    full.flat_map(|(verdict, action)| {
        let full = full_example(*verdict, *action);
        let bare = Statement {
            claim: None,
            listing_id: None,
            one_in: None,
            compared: Vec::new(),
            findings: ReasonCode::ALL
                .iter()
                .map(|c| finding(0, *c, None))
                .collect(),
            helps: Vec::new(),
            program: String::new(),
            ..full.clone()
        };
        let empty = Statement {
            findings: Vec::new(),
            ..bare.clone()
        };
        let decided = ReviewOutcome::ALL.iter().map(|outcome| {
            let at = "2026-02-01T10:00:00Z".to_owned();
            let outcome = *outcome;
            full.clone().after(Some(Decided { outcome, at }))
        });
        let decided: Vec<_> = decided.collect();
        [full, bare, empty].into_iter().chain(decided)
    })
}

fn full_example(verdict: Verdict, action: Action) -> Statement {
    let product = ProductAnswer {
        brand: "acme".to_owned(),
        product: "oat-drink-1l".to_owned(),
    };
    let kinds = ReferenceKind::ALL.iter().map(|kind| kind.name().to_owned());
    let marks = (0..MOST_MARKS).map(|_| format!("mark {MARKUP}"));
    let compared = Compared {
        photo: 0,
        product: Some(product.clone()),
        what: kinds.chain(marks).collect(),
    };
    // As many as there can be, so that no rendering is the first to be too long.
    let findings = (0..MOST_PHOTOS).flat_map(|photo| {
        let codes = ReasonCode::ALL.iter().zip(Place::ALL.iter().cycle());
        let once = codes.map(move |(code, place)| finding(photo, *code, Some(*place)));
        let differ = (0..MOST_MARKS)
            .map(move |_| finding(photo, ReasonCode::MarkDiffers, Some(Place::Middle)));
        once.chain(differ)
    });
    Statement {
        check: "0198c1f6-6d0e-7c3b-9a51-2f4f0c3b7a10".to_owned(),
        created_at: "2026-01-31T09:30:00Z".to_owned(),
        claim: Some(ClaimAnswer {
            brand: product.brand,
            product: Some(product.product),
        }),
        listing_id: Some(MARKUP.to_owned()),
        verdict,
        action,
        decision: None,
        one_in: Some(100),
        compared: (0..MOST_PHOTOS)
            .map(|photo| Compared {
                photo,
                ..compared.clone()
            })
            .collect(),
        findings: findings.collect(),
        helps: HelpCode::ALL.to_vec(),
        program: "assay".to_owned(),
    }
}

fn finding(photo: usize, code: ReasonCode, place: Option<Place>) -> Finding {
    let mark = FoundMark {
        name: MARKUP.to_owned(),
        misread: Some((MARKUP.to_owned(), MARKUP.to_owned())),
        recoloured: true,
    };
    Finding {
        photo,
        code,
        region: Vec::new(),
        place,
        mark: place.map(|_| mark),
    }
}
