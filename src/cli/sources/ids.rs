//! Ids of brands and products, as people's folders and tables name them.

use crate::{checker::validate, domain::gallery::ProductKey};

/// Refuses what cannot be an id, with an example of what can.
pub(super) fn check(key: &ProductKey) -> Result<(), String> {
    for (column, value) in [("brand", &key.brand), ("product", &key.product)] {
        validate::id(column, value).map_err(|refused| {
            let example = match example(value) {
                Some(id) => format!(", such as `{id}`"),
                None => String::new(),
            };
            format!(
                "`{column}` is `{value}`, which {}{example}",
                refused.problem
            )
        })?;
    }
    Ok(())
}

/// The id nearest to a name.
fn example(name: &str) -> Option<String> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c));
    let words: Vec<_> = words
        .map(|w| w.trim_matches(['-', '_', '.']))
        .filter(|w| !w.is_empty())
        .collect();
    let id = words.join("-").to_ascii_lowercase();
    validate::id("", &id).is_ok().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(brand: &str, product: &str) -> Option<String> {
        let (brand, product) = (brand.to_owned(), product.to_owned());
        check(&ProductKey { brand, product }).err()
    }

    #[test]
    fn a_name_that_is_no_id_is_refused_with_one_that_is() {
        assert_eq!(refusal("quillmere", "earl-grey-20"), None);
        for (brand, product, parts) in [
            (
                "Quillmere Ltd.",
                "tea",
                ["`brand` is `Quillmere Ltd.`", "`quillmere-ltd`"],
            ),
            (
                "acme",
                "Tee: Früh",
                ["`product` is `Tee: Früh`", "`tee-fr-h`"],
            ),
            ("", "tea", ["`brand` is ``", "`a-z`"]),
            ("茶", "tea", ["`brand` is `茶`", "a letter or digit"]),
        ] {
            let said = refusal(brand, product).expect("refused");
            assert!(parts.iter().all(|p| said.contains(p)), "{said}");
        }
    }
}
