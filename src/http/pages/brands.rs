//! The brands that somebody sees, and one of them: its products and what was checked against it.

use askama::Template;
use axum::{
    Extension,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;

use super::{
    chart::Chart,
    form::PageForm,
    frame::{Frame, page},
    settings, view,
};
use crate::{
    checker::{
        actor::{Actor, Role},
        records::{Brand, Product, Settings},
        service::{BrandOverview, ProductOverview},
    },
    contract::{
        Verdict,
        limits::STATISTICS_DAYS,
        statistics::{DayAnswer, StatisticsAnswer},
    },
    domain::gallery::ProductKey,
    http::{
        api::products::BrandPath,
        extract::{Caller, Path, Query},
        problem::Problem,
        session::Session,
        state::HttpState,
    },
};

/// Brands or products on one page: each takes a few questions to the database.
const ROWS: usize = 50;
/// Different problems of a product's references that its row tells; its page tells all.
const MOST_PROBLEMS: usize = 3;

/// Which page of a list.
#[derive(Debug, Default, Deserialize)]
pub(super) struct After {
    /// The last id of the page before.
    #[serde(default)]
    after: String,
}

#[derive(Template)]
#[template(path = "brands.html")]
struct BrandsPage {
    frame: Frame,
    brands: Vec<BrandOverview>,
    next: Option<String>,
}

#[derive(Template)]
#[template(path = "brand.html")]
struct BrandPage {
    frame: Frame,
    brand: Brand,
    products: Vec<ProductOverview>,
    next: Option<String>,
    statistics: StatisticsAnswer,
    chart: Option<Chart>,
    edits: bool,
}

impl BrandPage {
    fn path(&self) -> String {
        format!("/brands/{}", self.brand.id)
    }

    /// Days that had any checks, newest first.
    fn days(&self) -> impl Iterator<Item = &DayAnswer> {
        let days = self.statistics.days.iter().rev();
        days.filter(|day| !day.verdicts.is_empty())
    }

    fn verdicts(&self) -> impl Iterator<Item = &'static Verdict> {
        let known = &self.statistics.verdicts;
        Verdict::ALL.iter().filter(|v| known.contains_key(v))
    }

    fn count(&self, day: &DayAnswer, verdict: &Verdict) -> usize {
        day.verdicts.get(verdict).copied().unwrap_or(0)
    }

    fn total(&self, verdict: &Verdict) -> usize {
        let known = &self.statistics.verdicts;
        known.get(verdict).copied().unwrap_or(0)
    }

    fn checks(&self, product: &Product) -> usize {
        let known = &self.statistics.products;
        known.get(&product.key.product).copied().unwrap_or(0)
    }

    /// What the references of a product lack, each with how many do, and how many more problems
    /// there are.
    fn problems(&self, of: &ProductOverview) -> (Vec<(String, usize)>, usize) {
        let mut all: Vec<(String, usize)> = Vec::new();
        for problem in of.references.iter().flat_map(|r| &r.health.problems) {
            match all.iter_mut().find(|(known, _)| known == problem) {
                Some((_, times)) => *times += 1,
                None => all.push((problem.clone(), 1)),
            }
        }
        let more = all.len().saturating_sub(MOST_PROBLEMS);
        all.truncate(MOST_PROBLEMS);
        (all, more)
    }
}

/// Whether somebody may change what a brand has.
pub(super) fn edits(actor: &Actor) -> bool {
    matches!(actor.role(), Role::Brand | Role::Admin)
}

/// The part of a list, sorted by id, that comes after an id, and the last id of it where more follow.
fn part<T>(mut all: Vec<T>, after: &str, id: impl Fn(&T) -> &str) -> (Vec<T>, Option<String>) {
    all.retain(|one| id(one) > after);
    let more = all.len() > ROWS;
    all.truncate(ROWS);
    let next = all.last().filter(|_| more).map(|one| id(one).to_owned());
    (all, next)
}

pub(super) async fn list(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    Query(After { after }): Query<After>,
) -> Result<Response, Problem> {
    let brands = state.assay().brands(&actor).await?;
    // Whoever looks after one brand has nothing to choose.
    if let (Role::Brand, [only]) = (actor.role(), &brands[..]) {
        return Ok(Redirect::to(&format!("/brands/{}", only.id)).into_response());
    }
    let (shown, next) = part(brands, &after, |brand| &brand.id);
    let mut brands = Vec::with_capacity(shown.len());
    for brand in shown {
        brands.push(state.assay().brand_overview(&actor, &brand.id).await?);
    }
    let brands = BrandsPage {
        frame: Frame::of(&actor, session.as_deref()),
        brands,
        next,
    };
    Ok(page(StatusCode::OK, &brands))
}

pub(super) async fn show(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    session: Option<Extension<Session>>,
    Path(BrandPath { brand: id }): Path<BrandPath>,
    Query(After { after }): Query<After>,
) -> Result<Response, Problem> {
    let assay = state.assay();
    let brand = assay.brand(&actor, &id).await?;
    let (shown, next) = part(assay.products(&actor, &id).await?, &after, |p| {
        &p.key.product
    });
    let mut products = Vec::with_capacity(shown.len());
    for product in shown {
        products.push(assay.product_overview(&actor, &product.key).await?);
    }
    let statistics = assay.statistics(&actor, &id, STATISTICS_DAYS).await?;
    let brand = BrandPage {
        frame: Frame::of(&actor, session.as_deref()),
        brand,
        products,
        next,
        chart: Chart::of(&statistics),
        statistics,
        edits: edits(&actor),
    };
    Ok(page(StatusCode::OK, &brand))
}

pub(super) async fn change(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(BrandPath { brand: id }): Path<BrandPath>,
    form: PageForm,
) -> Result<Redirect, Problem> {
    let change = settings::change(&form)?;
    state.assay().change_brand(&actor, &id, &change).await?;
    Ok(Redirect::to(&format!("/brands/{id}")))
}

pub(super) async fn create_product(
    State(state): State<HttpState>,
    Caller(actor): Caller,
    Path(BrandPath { brand }): Path<BrandPath>,
    form: PageForm,
) -> Result<Redirect, Problem> {
    let product = Product {
        key: ProductKey {
            brand,
            product: form.text("id").trim().to_owned(),
        },
        name: form.text("name").trim().to_owned(),
        settings: Settings::default(),
    };
    let ProductKey { brand, product } = state.assay().create_product(&actor, product).await?.key;
    Ok(Redirect::to(&format!("/brands/{brand}/products/{product}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_read_part_by_part_and_whole() {
        let all: Vec<String> = (0..120).map(|n| format!("p{n:03}")).collect();
        let (mut seen, mut after, mut parts) = (Vec::new(), String::new(), 0);
        loop {
            let (some, next) = part(all.clone(), &after, String::as_str);
            seen.extend(some);
            parts += 1;
            let Some(next) = next else { break };
            after = next;
        }
        assert_eq!((seen, parts), (all, 3));
    }
}
