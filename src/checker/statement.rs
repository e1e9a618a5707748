//! What a seller is told of a check: the facts that a statement of reasons holds, and which photo
//! would clear it. Pure; the words for them are a [`StatementWriter`]'s.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::contract::{
    Action, HelpCode, MarkAnswer, PhotoErrorKind, Place, ReasonCode, ReviewOutcome, Verdict,
    answer::{CheckAnswer, ClaimAnswer, MarkAnswerBody, MatchAnswer, PhotoAnswer, ReasonAnswer},
    statement::{ProductAnswer, StatementAnswer},
};

/// Shares of genuine photos that a seller is told, as one in so many. No finer ones: whoever tries
/// imitations should not read from the number whether the last one was better.
const ONE_IN: [u32; 4] = [100, 50, 20, 10];

/// The facts of one check that its seller is told, without any words. Nothing of other sellers and
/// of other brands is in it, and no score or threshold.
#[derive(Clone, Debug, PartialEq)]
pub struct Statement {
    /// Id of the check.
    pub check: String,
    /// When it was made, RFC 3339, UTC.
    pub created_at: String,
    /// What the listing claims.
    pub claim: Option<ClaimAnswer>,
    /// The listing, as sent.
    pub listing_id: Option<String>,
    /// What the photos show together.
    pub verdict: Verdict,
    /// What policy makes of it.
    pub action: Action,
    /// What a person decided last.
    pub decision: Option<Decided>,
    /// Of the genuine photos that the check was judged by, at most one in so many look this
    /// different; `None` where that is not known well enough to be told.
    pub one_in: Option<u32>,
    /// What was compared, by photo.
    pub compared: Vec<Compared>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// What another photo should be like.
    pub helps: Vec<HelpCode>,
    /// The program that answered.
    pub program: String,
}

/// What a person decided. Neither who it was nor why, which is written for those who review.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// The decision.
    pub outcome: ReviewOutcome,
    /// When, RFC 3339, UTC.
    pub at: String,
}

/// What of one photo was compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// Index of the photo, from 0.
    pub photo: usize,
    /// The claimed product whose reference it was compared with.
    pub product: Option<ProductAnswer>,
    /// As an answer's `compared`; without a claim no names of marks, which may name a brand.
    pub what: Vec<String>,
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// Index of the photo, from 0.
    pub photo: usize,
    /// Stable code.
    pub code: ReasonCode,
    /// Outline in the photo, 0..1; empty when the finding has no place.
    pub region: Vec<[f64; 2]>,
    /// Where its centre lies.
    pub place: Option<Place>,
    /// The mark that differs.
    pub mark: Option<FoundMark>,
}

/// A mark that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct FoundMark {
    /// Its name.
    pub name: String,
    /// What it should read and what it reads, where it was surely misread.
    pub misread: Option<(String, String)>,
    /// Whether its hues are turned against the rest of the pack.
    pub recoloured: bool,
}

impl FoundMark {
    /// What it should read and what it reads, where it was surely misread.
    pub fn misread(&self) -> Option<(&str, &str)> {
        let (expected, read) = self.misread.as_ref()?;
        Some((expected, read))
    }
}

/// PNG pictures by the index of the photo that they show.
pub type Pictures = BTreeMap<usize, Bytes>;

/// A sentence or template could not be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the template `{file}`{} cannot be used: {why}", line.map(|n| format!(" (line {n})")).unwrap_or_default())]
pub struct TemplateError {
    /// The file.
    pub file: String,
    /// Line in it, from 1, where it is known.
    pub line: Option<usize>,
    /// What is wrong.
    pub why: String,
}

/// Puts statements into words.
// A port, since its words are files that an operator may translate.
pub trait StatementWriter: Send + Sync {
    /// The first of the wanted language tags that there are words in, or in the language that it is
    /// a variant of; English where there is none.
    fn language(&self, wanted: &[String]) -> String;

    /// The statement with its sentences in a language that [`language`](Self::language) gave.
    ///
    /// # Errors
    /// A sentence fails for these facts.
    fn answer(
        &self,
        statement: &Statement,
        language: &str,
    ) -> Result<StatementAnswer, TemplateError>;

    /// The statement as plain text.
    ///
    /// # Errors
    /// The template fails for these facts.
    fn text(&self, answer: &StatementAnswer) -> Result<String, TemplateError>;

    /// The statement as a page that needs no other file.
    ///
    /// # Errors
    /// The template fails for these facts.
    fn html(&self, answer: &StatementAnswer, pictures: &Pictures) -> Result<String, TemplateError>;
}

impl Statement {
    /// The facts of a check as its reader may see it.
    pub fn of(answer: &CheckAnswer) -> Self {
        Self {
            check: answer.id.clone(),
            created_at: answer.created_at.clone(),
            claim: answer.claim.clone(),
            listing_id: answer.listing_id.clone(),
            verdict: answer.verdict,
            action: answer.action,
            decision: None,
            one_in: one_in(answer),
            compared: compared(answer),
            findings: answer.reasons.iter().map(|r| finding(answer, r)).collect(),
            helps: helps(answer),
            program: answer.program.clone(),
        }
    }

    /// The same after a person decided.
    pub fn after(self, decision: Option<Decided>) -> Self {
        let overturned = decision
            .as_ref()
            .is_some_and(|d| d.outcome == ReviewOutcome::Overturn);
        Self {
            decision,
            // Nothing has to be cleared any more.
            helps: if overturned { Vec::new() } else { self.helps },
            ..self
        }
    }

    /// Indices of the photos on which a picture shows something of a finding, each once.
    pub(crate) fn drawn(&self) -> Vec<usize> {
        let shown = self.findings.iter().filter(|f| told(f.code).drawn);
        let mut photos: Vec<_> = shown.map(|f| f.photo).collect();
        photos.sort_unstable();
        photos.dedup();
        photos
    }
}

/// What follows from a code for a seller.
struct Told {
    /// What another photo should be like.
    helps: &'static [HelpCode],
    /// Whether it is seen on a picture of photo and reference.
    drawn: bool,
}

/// Without a catch-all arm: a new code does not compile until it is known what to tell of it.
fn told(code: ReasonCode) -> Told {
    use HelpCode::*;
    let (helps, drawn): (&[HelpCode], bool) = match code {
        // Which of the two the file's own fault tells.
        ReasonCode::PhotoUnreadable => (&[], false),
        ReasonCode::PhotoTooSmall => (&[MorePixels, Closer], false),
        ReasonCode::PhotoBlurred => (&[Sharper], false),
        ReasonCode::PhotoTooDark => (&[MoreLight], false),
        ReasonCode::PhotoTooBright => (&[LessLight], false),
        ReasonCode::CataloguePicture | ReasonCode::SeenElsewhere => (&[OwnPhoto], false),
        ReasonCode::ReferenceLost | ReasonCode::NoReference => (&[NoneNeeded], false),
        ReasonCode::Agrees | ReasonCode::ListingAgrees => (&[], false),
        ReasonCode::NotLocated => (&[Front, Closer, Uncovered], false),
        ReasonCode::MarkDiffers => (&[CloseUp, Uncovered], true),
        ReasonCode::RivalFitsBetter => (&[ClaimedArticle, Cropped], true),
        ReasonCode::OtherProductSeen => (&[ClaimedArticle, Cropped], false),
        ReasonCode::LogoSeen => (&[CloseUp, Closer], false),
        ReasonCode::LogoAgrees => (&[Front], false),
        ReasonCode::WeakAgreement => (&[Front, Closer, Sharper, Uncovered], true),
        ReasonCode::OutsideCalibration => (&[Front], true),
        // Its sentence may name what a seller must not read.
        ReasonCode::Unknown => (&[], false),
    };
    Told { helps, drawn }
}

/// What helps against a file that is no usable picture.
fn helps_of_file(kind: PhotoErrorKind) -> HelpCode {
    match kind {
        PhotoErrorKind::TooSmall => HelpCode::MorePixels,
        PhotoErrorKind::TooManyBytes
        | PhotoErrorKind::TooLarge
        | PhotoErrorKind::TooMuchMemory
        | PhotoErrorKind::TooSlow => HelpCode::SmallerFile,
        PhotoErrorKind::Empty
        | PhotoErrorKind::UnsupportedFormat
        | PhotoErrorKind::Animated
        | PhotoErrorKind::Damaged
        | PhotoErrorKind::Unknown => HelpCode::ReadableFile,
    }
}

/// What helps where no reason told it.
fn helps_of_verdict(verdict: Verdict) -> &'static [HelpCode] {
    match verdict {
        Verdict::Consistent => &[],
        Verdict::Deviates => &[HelpCode::Front, HelpCode::Sharper, HelpCode::Uncovered],
        Verdict::ReusedPhoto => &[HelpCode::OwnPhoto],
        Verdict::NotComparable => &[HelpCode::Front, HelpCode::Sharper],
        Verdict::NoBrandSeen => &[HelpCode::ClaimedArticle],
    }
}

fn helps(answer: &CheckAnswer) -> Vec<HelpCode> {
    // Nothing has to be cleared, whatever single photos lack.
    if answer.verdict == Verdict::Consistent {
        return Vec::new();
    }
    let mut wanted: Vec<HelpCode> = Vec::new();
    for reason in &answer.reasons {
        let helps = told(reason.code).helps;
        wanted.extend(helps);
        // What else was odd about a photo matters only where something came of it.
        if let Some(photo) = answer.photos.get(reason.photo) {
            wanted.extend(photo.error.as_ref().map(|e| helps_of_file(e.kind)));
            if !helps.is_empty() {
                wanted.extend(photo.mirrored.then_some(HelpCode::NotMirrored));
                wanted.extend((photo.instances.len() > 1).then_some(HelpCode::Cropped));
            }
        }
    }
    if wanted.is_empty() {
        wanted.extend(helps_of_verdict(answer.verdict));
    }
    // Beside another photo that would help, this would be a contradiction.
    if wanted.iter().any(|code| *code != HelpCode::NoneNeeded) {
        wanted.retain(|code| *code != HelpCode::NoneNeeded);
    }
    let mut helps = Vec::new();
    for code in wanted {
        if !helps.contains(&code) {
            helps.push(code);
        }
    }
    helps
}

/// How rare such a difference is among genuine photos. Told of what deviates within its budget only:
/// beyond it the genuine photos were too few for the rate that was asked for.
fn one_in(answer: &CheckAnswer) -> Option<u32> {
    let p = answer.p_value?;
    let supported = answer.verdict == Verdict::Deviates && p <= answer.calibration.budget;
    let told = ONE_IN.into_iter().find(|n| p <= 1.0 / f64::from(*n));
    told.filter(|_| supported)
}

/// The photo's match with the claimed product, if something is claimed and was compared.
pub(crate) fn claimed_match<'a>(
    claim: Option<&ClaimAnswer>,
    photo: &'a PhotoAnswer,
) -> Option<&'a MatchAnswer> {
    let claim = claim?;
    let covers = |m: &&MatchAnswer| {
        let product = claim.product.as_ref();
        m.brand == claim.brand && product.is_none_or(|p| *p == m.product)
    };
    photo.matches.iter().find(covers)
}

fn compared(answer: &CheckAnswer) -> Vec<Compared> {
    let photos = answer.photos.iter().enumerate();
    let seen = photos.filter(|(_, photo)| !photo.compared.is_empty());
    seen.map(|(n, photo)| {
        let own = claimed_match(answer.claim.as_ref(), photo);
        let what = photo.compared.iter();
        Compared {
            photo: n,
            product: own.map(|m| ProductAnswer {
                brand: m.brand.clone(),
                product: m.product.clone(),
            }),
            what: what
                .filter(|what| own.is_some() || mark_of(what).is_none())
                .cloned()
                .collect(),
        }
    })
    .collect()
}

/// The name of the mark, where it is one that was compared.
pub fn mark_of(what: &str) -> Option<&str> {
    what.strip_prefix("mark ")
}

fn finding(answer: &CheckAnswer, reason: &ReasonAnswer) -> Finding {
    let own = answer
        .photos
        .get(reason.photo)
        .and_then(|photo| claimed_match(answer.claim.as_ref(), photo));
    let differs = reason.code == ReasonCode::MarkDiffers;
    let mark = own.filter(|_| differs).and_then(|m| mark(reason, &m.marks));
    Finding {
        photo: reason.photo,
        code: reason.code,
        region: reason.region.clone(),
        place: place(&reason.region),
        mark,
    }
}

/// The mark that a reason is about. Its sentence names it first, and its place is the mark's own or
/// the first that differs inside it.
fn mark(reason: &ReasonAnswer, marks: &[MarkAnswerBody]) -> Option<FoundMark> {
    let named = |mark: &MarkAnswerBody| reason.detail.find(&quoted(&mark.name));
    let elsewhere = |mark: &MarkAnswerBody| {
        let first = mark.differing.first();
        *first.unwrap_or(&mark.region) != reason.region
    };
    let candidates = marks.iter().filter(|m| m.answer == MarkAnswer::Different);
    let named = candidates.filter_map(|m| Some((named(m)?, elsewhere(m), m)));
    let (.., mark) = named.min_by_key(|(at, elsewhere, _)| (*at, *elsewhere))?;
    Some(FoundMark {
        name: mark.name.clone(),
        misread: misread(reason, mark),
        recoloured: mark.hue_turn.is_some(),
    })
}

/// What was misread, only where the sentence quotes it: then it was read surely.
fn misread(reason: &ReasonAnswer, mark: &MarkAnswerBody) -> Option<(String, String)> {
    let (expected, read) = (mark.expected.as_ref()?, mark.read.as_ref()?);
    let quotes = |text: &str| reason.detail.contains(text);
    let reads = quotes(&format!("reads {}", quoted(read))) || quotes("reads nothing");
    (reads && quotes(&quoted(expected))).then(|| (expected.clone(), read.clone()))
}

fn quoted(text: &str) -> String {
    format!("`{text}`")
}

/// Where the middle of a region lies, by thirds of the photo.
fn place(region: &[[f64; 2]]) -> Option<Place> {
    const PLACES: [[Place; 3]; 3] = [
        [Place::UpperLeft, Place::UpperMiddle, Place::UpperRight],
        [Place::MiddleLeft, Place::Middle, Place::MiddleRight],
        [Place::LowerLeft, Place::LowerMiddle, Place::LowerRight],
    ];
    let third = |axis: usize| {
        let of = region.iter().map(|corner| corner[axis]);
        let (least, most) = of.fold((f64::INFINITY, f64::NEG_INFINITY), |(a, b), v| {
            (a.min(v), b.max(v))
        });
        match f64::midpoint(least, most) {
            middle if middle < 1.0 / 3.0 => 0,
            middle if middle > 2.0 / 3.0 => 2,
            _ => 1,
        }
    };
    (!region.is_empty()).then(|| PLACES[third(1)][third(0)])
}

#[cfg(test)]
mod tests;
