//! A product: its references and what they are worth, its genuine photos, and what its budget rests
//! on; and the forms that change them.

use askama::Template;
use axum::{
    Extension,
    extract::{Request, State},
    http::StatusCode,
    response::{Redirect, Response},
};
use serde::Deserialize;

use super::{
    brands::edits,
    form,
    form::PageForm,
    frame::{Frame, page},
    settings,
    shapes::Shape,
    view,
};
use crate::{
    checker::{
        clock::rfc3339,
        records::{AuthorisedPhotoRecord, Edition, GenuinePhotoRecord, ReferenceRecord},
        service::{EditionChange, NewReference, ProductOverview},
    },
    contract::{
        CalibrationSource, ReferenceKind,
        answer::CalibrationAnswer,
        limits::{MOST_MARKS, MOST_PHOTOS_PER_KIND, PHOTOS_PER_KIND},
    },
    domain::gallery::ProductKey,
    http::{
        api::{products::ProductPath, references::ReferencePath},
        extract::{Caller, Path, Query},
        parts::Wanted,
        problem::{Problem, kind},
        session::Session,
        state::HttpState,
    },
};

/// Items of genuine photos on one page.
const MOST_ITEMS: usize = 60;

/// Which page of the items, from 0.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Items {
    #[serde(default)]
    items: usize,
}

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage {
    frame: Frame,
    brand: String,
    id: String,
    overview: ProductOverview,
    references: Vec<Card>,
    /// What its checks are judged by now.
    told: CalibrationAnswer,
    items: Vec<Item>,
    /// Photos that must never be flagged.
    authorised: Vec<AuthorisedPhotoRecord>,
    /// Number of the page of items, and how many there are.
    part: (usize, usize),
    edits: bool,
}

/// A reference.
struct Card {
    record: ReferenceRecord,
    shapes: Vec<Shape>,
    enrolled: String,
}

impl Card {
    /// When and where it is sold, if anything is said of it.
    fn edition(&self) -> Option<String> {
        let edition = &self.record.edition;
        let days = [("from", &edition.valid_from), ("until", &edition.valid_to)];
        let days = days.into_iter().filter_map(|(word, day)| {
            let day = day.as_ref()?;
            Some(format!("{word} {day}"))
        });
        let mut words: Vec<String> = days.collect();
        if !edition.markets.is_empty() {
            words.push(format!("in {}", edition.markets.join(", ")));
        }
        (!words.is_empty()).then(|| format!("Sold {}", words.join(" ")))
    }

    fn from(&self) -> &str {
        self.record
            .edition
            .valid_from
            .as_deref()
            .unwrap_or_default()
    }

    fn to(&self) -> &str {
        self.record.edition.valid_to.as_deref().unwrap_or_default()
    }

    fn markets(&self) -> String {
        self.record.edition.markets.join(", ")
    }

    fn chosen(&self) -> &str {
        self.record
            .edition
            .variant_of
            .as_deref()
            .unwrap_or_default()
    }

    /// Whether nobody chose its marks.
    fn proposed(&self) -> bool {
        self.record.marks.iter().any(|mark| mark.proposed)
    }
}

/// A physical item.
struct Item {
    name: String,
    photos: Vec<GenuinePhotoRecord>,
}

impl ProductPage {
    /// Whether checks are judged by this budget now.
    fn in_use(&self, budget: &f64) -> bool {
        budget.total_cmp(&self.overview.budget).is_eq()
    }

    fn added(&self, photo: &AuthorisedPhotoRecord) -> String {
        view::time(&rfc3339(photo.created_ms))
    }

    fn path(&self) -> String {
        path(&self.overview.product.key)
    }

    fn kinds(&self) -> &'static [ReferenceKind] {
        ReferenceKind::ALL
    }

    fn about(&self, kind: &ReferenceKind) -> &'static str {
        match kind {
            ReferenceKind::Pack => "a whole pack or article",
            ReferenceKind::Logo => "a logo alone",
            ReferenceKind::Label => "a label alone",
            ReferenceKind::CataloguePhoto => {
                "a published picture, which on a listing shows no item"
            }
        }
    }

    /// Whose genuine photos its checks are judged by.
    fn source(&self) -> &'static str {
        match self.told.source {
            CalibrationSource::Product => "its own genuine photos",
            CalibrationSource::Brand => "genuine photos of all the brand's products",
            CalibrationSource::Default => "photos that come with the program",
        }
    }

    /// Advice as a sentence of its own.
    fn sentence(&self, advice: &str) -> String {
        let mut letters = advice.chars();
        let first = letters.next().map(|c| c.to_uppercase().to_string());
        format!("{}{}.", first.unwrap_or_default(), letters.as_str())
    }

    /// References that another one can be a variant of: neither itself nor a variant.
    fn originals<'a>(&'a self, own: &'a str) -> impl Iterator<Item = (&'a str, String)> {
        let all = self.overview.references.iter();
        let others = all.filter(move |r| r.id != own && r.edition.variant_of.is_none());
        others.map(|r| (&*r.id, called(r)))
    }

    /// What a reference is called that another one is a variant of.
    fn original(&self, id: &str) -> String {
        let found = self.overview.references.iter().find(|r| r.id == id);
        found.map_or_else(|| "a reference that was removed".to_owned(), called)
    }

    fn most_marks(&self) -> usize {
        MOST_MARKS
    }

    fn most_photos(&self) -> usize {
        MOST_PHOTOS_PER_KIND
    }

    fn usual_photos(&self) -> usize {
        PHOTOS_PER_KIND
    }
}

/// What people call a reference.
fn called(reference: &ReferenceRecord) -> String {
    let (kind, side) = (
        view::words(reference.kind.name()),
        reference.view.as_deref(),
    );
    let since = view::time(&rfc3339(reference.created_ms));
    format!("{kind} {}, enrolled {since}", side.unwrap_or_default())
}

/// Path of a product's page.
pub(super) fn path(key: &ProductKey) -> String {
    format!("/brands/{}/products/{}", key.brand, key.product)
}

/// Photos by item, each item where its first photo stands.
fn by_item(photos: &[GenuinePhotoRecord]) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for photo in photos {
        let place = *places.entry(photo.item.clone()).or_insert_with(|| {
            items.push(Item {
                name: photo.item.clone(),
                photos: Vec::new(),
            });
            items.len() - 1
        });
        items[place].photos.push(photo.clone());
    }
    items
}

pub(super) async fn show(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    Path(path): Path<ProductPath>,
    Query(Items { items: n }): Query<Items>,
) -> Result<Response, Problem> {
    let key = ProductKey::from(path);
    let overview = state.assay().product_overview(&actor, &key).await?;
    let told = state.assay().judging(&actor, &key).await?;
    let references = overview.references.iter().map(|record| Card {
        shapes: Shape::of_marks(&record.marks),
        enrolled: view::time(&rfc3339(record.created_ms)),
        record: record.clone(),
    });
    let authorised = state.assay().authorised_photos(&actor, &key).await?;
    let all = by_item(&overview.photos);
    let parts = all.len().div_ceil(MOST_ITEMS).max(1);
    let items = all.into_iter().skip(n.saturating_mul(MOST_ITEMS));
    let shown = ProductPage {
        frame: Frame::of(&actor, session.as_deref()),
        brand: key.brand,
        id: key.product,
        references: references.collect(),
        told,
        items: items.take(MOST_ITEMS).collect(),
        authorised,
        part: (n, parts),
        edits: edits(&actor),
        overview,
    };
    Ok(page(StatusCode::OK, &shown))
}

pub(super) async fn change(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(at): Path<ProductPath>,
    form: PageForm,
) -> Result<Redirect, Problem> {
    let (key, change) = (at.into(), settings::change(&form)?);
    state.assay().change_product(&actor, &key, &change).await?;
    Ok(Redirect::to(&path(&key)))
}

/// Enrolls one picture without a script: marks are proposed.
pub(super) async fn enroll(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(at): Path<ProductPath>,
    request: Request,
) -> Result<Redirect, Problem> {
    let wanted = vec![
        Wanted::pictures("image", 1, state.config()),
        Wanted::text("kind"),
        Wanted::text("view"),
        Wanted::text("valid_from"),
        Wanted::text("valid_to"),
        Wanted::text("markets"),
        Wanted::text("variant_of"),
    ];
    let parts = form::upload(request, &state, wanted).await?;
    let kind: ReferenceKind = view::named("kind", &parts.required_text("kind")?)?;
    // A browser sends a field that was not filled as an empty one.
    let filled = |name| parts.texts(name).into_iter().find(|v| !v.is_empty());
    let new = NewReference {
        product: at.into(),
        kind: kind.into(),
        view: filled("view"),
        marks: Vec::new(),
        edition: Edition {
            valid_from: filled("valid_from"),
            valid_to: filled("valid_to"),
            markets: markets(&parts.texts("markets").join(" ")),
            variant_of: filled("variant_of"),
        },
        image: parts.picture("image")?,
    };
    let record = state.assay().enroll_reference(&actor, new).await?;
    let at = format!("{}#r-{}", path(&record.product), record.id);
    Ok(Redirect::to(&at))
}

/// Codes of countries as people write them, parted by commas or blanks.
fn markets(text: &str) -> Vec<String> {
    let codes = text.split(|c: char| c == ',' || c.is_whitespace());
    let some = codes.filter(|code| !code.is_empty());
    some.map(str::to_uppercase).collect()
}

/// Says which edition of the article a reference shows.
pub(super) async fn change_edition(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
    form: PageForm,
) -> Result<Redirect, Problem> {
    // The form sends all of its fields; an empty one takes away what was said.
    let text = |name| Some(Some(form.text(name).to_owned()).filter(|t| !t.is_empty()));
    let change = EditionChange {
        valid_from: text("valid_from"),
        valid_to: text("valid_to"),
        markets: Some(markets(form.text("markets"))),
        variant_of: text("variant_of"),
    };
    let key = ProductKey { brand, product };
    let assay = state.assay();
    assay.change_edition(&actor, &key, &id, change).await?;
    Ok(Redirect::to(&format!("{}#r-{id}", path(&key))))
}

#[derive(Template)]
#[template(path = "remove.html")]
pub(super) struct RemovePage {
    pub(super) frame: Frame,
    pub(super) title: &'static str,
    pub(super) about: String,
    pub(super) follows: &'static str,
    pub(super) picture: Option<String>,
    /// Where the form is sent, and where to go instead.
    pub(super) action: String,
    pub(super) back: String,
}

/// Asks before a reference is removed.
pub(super) async fn ask_reference(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
) -> Result<Response, Problem> {
    let key = ProductKey { brand, product };
    let references = state.assay().references(&actor, &key).await?;
    let found = references.into_iter().find(|r| r.id == id);
    let record = found.ok_or_else(|| missing("reference", &id))?;
    let back = path(&key);
    let asked = RemovePage {
        frame: Frame::of(&actor, session.as_deref()),
        title: "Remove this reference?",
        about: format!(
            "{} {} of {key}, {} marks",
            view::words(record.kind.name()),
            record.view.unwrap_or_default(),
            record.marks.len()
        ),
        follows: "The next check no longer sees it; earlier checks keep their answers, and its \
                  picture is kept for their evidence. Genuine photos of the brand are scored anew.",
        picture: Some(format!("/v1/references/{id}/image")),
        action: format!("{back}/references/{id}/remove"),
        back,
    };
    Ok(page(StatusCode::OK, &asked))
}

pub(super) async fn remove_reference(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(ReferencePath { brand, product, id }): Path<ReferencePath>,
    _: PageForm,
) -> Result<Redirect, Problem> {
    let key = ProductKey { brand, product };
    state.assay().delete_reference(&actor, &key, &id).await?;
    Ok(Redirect::to(&path(&key)))
}

pub(super) fn missing(what: &str, id: &str) -> Problem {
    Problem::new(&kind::NOT_FOUND, format!("{what} `{id}` does not exist"))
}
