//! What callers may send, checked once for HTTP and the command line alike; every refusal names the
//! field and the remedy.

use super::{
    records::{Brand, Change, CheckFilter, Product},
    requests::{CheckRequest, Invalid, NewReference, SelfTestRequest},
};
use crate::{
    contract::limits::{
        BUDGETS, LEAST_CORNERS, LONGEST_ID, LONGEST_STATEMENT, LONGEST_TEXT, MOST_CORNERS,
        MOST_MARKS, MOST_PHOTOS, MOST_PHOTOS_PER_KIND,
    },
    domain::{
        gallery::{Mark, MarkKind, ProductKey},
        geometry::Point,
    },
};

/// A mark's region covers at least this share of the reference; less holds nothing to compare.
const SMALLEST_REGION: f64 = 1e-5;
/// Characters of a check's id; without hyphens or in braces it would sort elsewhere.
const HYPHENATED: usize = uuid::fmt::Hyphenated::LENGTH;

type Checked = Result<(), Invalid>;

fn invalid(field: impl Into<String>, problem: impl Into<String>) -> Invalid {
    Invalid {
        field: field.into(),
        problem: problem.into(),
    }
}

/// An id chosen by the caller: part of paths and file names, hence of few characters.
pub(crate) fn id(field: &str, id: &str) -> Checked {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    let starts_plain = id.bytes().next().is_some_and(plain);
    // A first letter or digit rules out `.`, `..` and what a shell takes for an option.
    if starts_plain && id.len() <= LONGEST_ID && id.bytes().all(|c| plain(c) || b"-_.".contains(&c))
    {
        return Ok(());
    }
    let problem = format!(
        "is not an id: 1 to {LONGEST_ID} of `a-z`, `0-9`, `-`, `_` and `.` are needed, the first a letter or digit"
    );
    Err(invalid(field, problem))
}

/// A text for people, not blank and without control characters.
pub(crate) fn text(field: &str, text: &str) -> Checked {
    // Characters and not bytes: the limit should be the same in every language.
    let length = text.chars().count();
    if text.trim().is_empty() || length > LONGEST_TEXT {
        return Err(invalid(
            field,
            format!("has {length} characters, 1 to {LONGEST_TEXT} that are not blank are needed"),
        ));
    }
    // They would reach logs and terminals, where some of them act as commands.
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "holds control characters; send plain text"));
    }
    Ok(())
}

/// Several lines for people, not blank.
pub(crate) fn statement(field: &str, text: &str) -> Checked {
    let length = text.chars().count();
    if text.trim().is_empty() || length > LONGEST_STATEMENT {
        let problem = format!(
            "has {length} characters, 1 to {LONGEST_STATEMENT} that are not blank are needed"
        );
        return Err(invalid(field, problem));
    }
    let breaks = ['\n', '\r', '\t'];
    if text.chars().any(|c| c.is_control() && !breaks.contains(&c)) {
        return Err(invalid(field, "holds control characters; send plain text"));
    }
    Ok(())
}

fn optional(field: &str, value: Option<&str>) -> Checked {
    value.map_or(Ok(()), |v| text(field, v))
}

/// A brand to create.
pub(crate) fn brand(brand: &Brand) -> Checked {
    id("id", &brand.id)?;
    text("name", &brand.name)
}

/// What is to change of a brand or a product.
pub(crate) fn change(change: &Change) -> Checked {
    if *change == Change::default() {
        let problem = "changes nothing: send `name`, `budget` or `retired`";
        return Err(invalid("body", problem));
    }
    optional("name", change.name.as_deref())?;
    match change.budget.flatten() {
        Some(budget) if !BUDGETS.contains(&budget) => Err(invalid(
            "budget",
            format!(
                "is `{budget}`; a share between {} and {} is needed, such as 0.01, or null for none \
                 of its own",
                BUDGETS.start(),
                BUDGETS.end()
            ),
        )),
        _ => Ok(()),
    }
}

/// A product to create.
pub(crate) fn product(product: &Product) -> Checked {
    key(&product.key)?;
    text("name", &product.name)
}

/// The ids of a product.
pub(crate) fn key(key: &ProductKey) -> Checked {
    id("brand", &key.brand)?;
    id("product", &key.product)
}

/// The physical item of a genuine photo.
pub(crate) fn item(item: &str) -> Checked {
    text("item", item)
}

/// A reference to enroll.
pub(crate) fn reference(new: &NewReference) -> Checked {
    key(&new.product)?;
    optional("view", new.view.as_deref())?;
    if new.marks.len() > MOST_MARKS {
        return Err(invalid(
            "marks",
            format!(
                "has {} entries, at most {MOST_MARKS} are taken",
                new.marks.len()
            ),
        ));
    }
    for (n, given) in new.marks.iter().enumerate() {
        mark(&format!("marks[{n}]"), given)?;
        // Answers name a mark by its name alone: two of one name could not be told apart.
        let mut earlier = new.marks[..n].iter().filter(|m| !m.name.is_empty());
        if earlier.any(|m| m.name == given.name) {
            return Err(invalid(
                format!("marks[{n}].name"),
                format!("`{}` is there twice; rename one", given.name),
            ));
        }
    }
    Ok(())
}

/// A mark of a reference; `field` names it.
pub(crate) fn mark(field: &str, mark: &Mark) -> Checked {
    // What is never compared is never named in an answer either.
    if mark.kind != MarkKind::Ignored || !mark.name.is_empty() {
        text(&format!("{field}.name"), &mark.name)?;
    }
    let text_field = format!("{field}.text");
    match (mark.kind, &mark.text) {
        // Nothing reads these: their text would look checked and never be.
        (MarkKind::Logo | MarkKind::Ignored, Some(_)) => {
            return Err(invalid(text_field, "belongs to marks of kind `text` only"));
        }
        (_, expected) => optional(&text_field, expected.as_deref())?,
    }
    region(&format!("{field}.region"), &mark.region)
}

fn region(field: &str, corners: &[Point]) -> Checked {
    if !(LEAST_CORNERS..=MOST_CORNERS).contains(&corners.len()) {
        return Err(invalid(
            field,
            format!(
                "has {} corners, {LEAST_CORNERS} to {MOST_CORNERS} are needed",
                corners.len()
            ),
        ));
    }
    // What is not inside is refused, so also a number that is none.
    if let Some(p) = corners
        .iter()
        .find(|p| ![p.x, p.y].iter().all(|v| (0.0..=1.0).contains(v)))
    {
        let problem = format!(
            "holds ({}, {}); coordinates are 0 to 1 of the upright image",
            p.x, p.y
        );
        return Err(invalid(field, problem));
    }
    // The shoelace formula: half the sum of the corners' cross products.
    let next = corners.iter().cycle().skip(1);
    let area = corners
        .iter()
        .zip(next)
        .map(|(a, b)| a.x * b.y - b.x * a.y)
        .sum::<f64>()
        .abs()
        / 2.0;
    if area < SMALLEST_REGION {
        return Err(invalid(
            field,
            "has no area; give the corners in order around the mark",
        ));
    }
    Ok(())
}

/// Photos to check.
pub(crate) fn check(request: &CheckRequest) -> Checked {
    if !(1..=MOST_PHOTOS).contains(&request.photos.len()) {
        let problem = format!(
            "is there {} times, 1 to {MOST_PHOTOS} photos make a check",
            request.photos.len()
        );
        return Err(invalid("photo", problem));
    }
    match (&request.brand, &request.product) {
        // The ids of products are unique within a brand only.
        (None, Some(_)) => return Err(invalid("product", "needs `brand` beside it")),
        (brand, product) => {
            brand.as_deref().map_or(Ok(()), |b| id("brand", b))?;
            product.as_deref().map_or(Ok(()), |p| id("product", p))?;
        }
    }
    optional("listing_id", request.listing_id.as_deref())?;
    optional("seller_id", request.seller_id.as_deref())
}

/// A self-test to run.
pub(crate) fn self_test(request: &SelfTestRequest) -> Checked {
    if (1..=MOST_PHOTOS_PER_KIND).contains(&request.photos_per_kind) {
        return Ok(());
    }
    let problem = format!(
        "is {}; 1 to {MOST_PHOTOS_PER_KIND} are possible",
        request.photos_per_kind
    );
    Err(invalid("photos_per_kind", problem))
}

/// Which checks to list.
pub(crate) fn filter(filter: &CheckFilter) -> Checked {
    filter.brand.as_deref().map_or(Ok(()), |b| id("brand", b))?;
    match &filter.before {
        Some(cursor) if cursor.len() != HYPHENATED || uuid::Uuid::try_parse(cursor).is_err() => {
            let problem = "is no cursor; send the `next_cursor` of the page before as it is";
            Err(invalid("cursor", problem))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checker::records::{Edition, Settings},
        contract::{Id, PlainText},
        domain::gallery::ReferenceKind,
    };
    use bytes::Bytes;
    use proptest::{prelude::*, string::string_regex};

    fn refused(checked: Checked) -> String {
        match checked {
            Err(Invalid { field, .. }) => field,
            Ok(()) => "nothing".to_owned(),
        }
    }

    fn with_mark(change: impl FnOnce(&mut Mark)) -> Checked {
        let region = [(0.1, 0.1), (0.4, 0.1), (0.4, 0.2)]
            .map(|(x, y)| Point::new(x, y))
            .to_vec();
        let text = Some("OAT".to_owned());
        let mut mark = Mark {
            name: "word".into(),
            kind: MarkKind::Text,
            region,
            text,
            proposed: false,
        };
        change(&mut mark);
        let product = ProductKey {
            brand: "acme".into(),
            product: "oat".into(),
        };
        let (kind, image) = (ReferenceKind::Pack, Bytes::new());
        reference(&NewReference {
            product,
            kind,
            view: None,
            marks: vec![mark],
            edition: Edition::default(),
            image,
        })
    }

    /// The pattern of a schema; strings for tests are made without anchors.
    fn pattern<T: utoipa::PartialSchema>() -> String {
        let schema = serde_json::to_value(T::schema()).unwrap();
        let pattern = schema["pattern"].as_str().unwrap();
        pattern.trim_matches(['^', '$']).to_owned()
    }

    proptest! {
        #[test]
        fn what_the_contract_calls_an_id_is_one(value in string_regex(&pattern::<Id>()).unwrap()) {
            prop_assert_eq!(id("id", &value).is_ok(), value.len() <= LONGEST_ID);
        }

        #[test]
        fn what_the_contract_calls_a_text_is_one(
            value in string_regex(&pattern::<PlainText>()).unwrap()
        ) {
            prop_assert_eq!(text("name", &value).is_ok(), value.chars().count() <= LONGEST_TEXT);
        }
    }

    #[test]
    fn ids_hold_what_paths_can_hold() {
        for good in ["a", "0", "oat-drink_1.5l", &"a".repeat(64)] {
            assert!(id("id", good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-a",
            ".a",
            "A",
            "ä",
            "a b",
            "a/b",
            "..",
            &"a".repeat(65),
        ] {
            assert_eq!(refused(id("id", bad)), "id", "{bad}");
        }
    }

    #[test]
    fn names_are_texts_for_people() {
        let named = |name: String| {
            brand(&Brand {
                id: "acme".into(),
                name,
                settings: Settings::default(),
            })
        };
        assert!(named("Ä".repeat(200)).is_ok());
        for bad in ["", "  ", "a\nb", &"a".repeat(201)] {
            assert_eq!(refused(named(bad.into())), "name", "{bad}");
        }
    }

    #[test]
    fn marks_have_a_place_and_only_text_marks_have_text() {
        assert!(with_mark(|_| {}).is_ok());
        assert!(with_mark(|m| m.text = None).is_ok());
        assert_eq!(refused(with_mark(|m| m.name.clear())), "marks[0].name");
        assert_eq!(
            refused(with_mark(|m| m.kind = MarkKind::Logo)),
            "marks[0].text"
        );
        assert_eq!(
            refused(with_mark(|m| m.text = Some("x".repeat(201)))),
            "marks[0].text"
        );
        assert_eq!(
            refused(with_mark(|m| m.region.truncate(2))),
            "marks[0].region"
        );
        assert_eq!(
            refused(with_mark(|m| m.region[0].x = 1.5)),
            "marks[0].region"
        );
        assert_eq!(
            refused(with_mark(|m| m.region[0].x = f64::NAN)),
            "marks[0].region"
        );
        assert_eq!(
            refused(with_mark(|m| m.region = vec![Point::new(0.1, 0.1); 4])),
            "marks[0].region"
        );
    }

    #[test]
    fn a_check_has_photos_and_a_product_only_with_its_brand() {
        let request = |photos: usize, brand: Option<&str>, product: Option<&str>| CheckRequest {
            photos: vec![Bytes::new(); photos],
            brand: brand.map(str::to_owned),
            product: product.map(str::to_owned),
            ..CheckRequest::default()
        };
        assert!(check(&request(1, None, None)).is_ok());
        assert!(check(&request(12, Some("acme"), Some("oat"))).is_ok());
        assert_eq!(refused(check(&request(0, None, None))), "photo");
        assert_eq!(refused(check(&request(13, None, None))), "photo");
        assert_eq!(refused(check(&request(1, None, Some("oat")))), "product");
        assert_eq!(refused(check(&request(1, Some("Acme"), None))), "brand");
    }
}
