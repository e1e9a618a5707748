//! The form that changes a brand or a product: its name, its budget in percent, and whether it is
//! retired.

use super::form::PageForm;
use crate::{checker::records::Change, http::problem::Problem};

/// What the form asks for; it always sends all of its fields.
pub(super) fn change(form: &PageForm) -> Result<Change, Problem> {
    Ok(Change {
        name: Some(form.text("name").trim().to_owned()),
        budget: Some(budget(form.text("budget").trim())?),
        retired: Some(form.text("retired") == "yes"),
    })
}

/// A share from a number of percent; none for nothing.
fn budget(percent: &str) -> Result<Option<f64>, Problem> {
    if percent.is_empty() {
        return Ok(None);
    }
    // Many a keyboard writes the other sign.
    let number: f64 = percent.replace(',', ".").parse().map_err(|_| {
        Problem::field(
            "budget",
            format!("is `{percent}`; a number of percent is needed, such as 1"),
        )
    })?;
    // To the digit: 0.07 of 7 %, and not the number next to it.
    Ok(Some((number * 1e6).round() / 1e8))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_in_percent_is_the_share_that_json_would_bring() {
        for (percent, share) in [("1", 0.01), ("7", 0.07), ("0,5", 0.005), ("0.29", 0.0029)] {
            assert_eq!(budget(percent).unwrap(), Some(share), "{percent}");
        }
        assert_eq!(budget("").unwrap(), None);
        assert!(budget("a few").is_err());
    }
}
