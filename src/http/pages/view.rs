//! How values are shown to people.

use serde::de::{DeserializeOwned, IntoDeserializer, value};

use crate::{
    contract::{MarkAnswer, Verdict, answer::ClaimAnswer},
    http::problem::Problem,
};

/// What a listing claims.
pub(super) fn claim(claim: Option<&ClaimAnswer>) -> String {
    match claim {
        None => "no claim".to_owned(),
        Some(ClaimAnswer { brand, product }) => match product {
            Some(product) => format!("{brand} / {product}"),
            None => brand.clone(),
        },
    }
}

/// A time to the minute; the zone is said by the page.
pub(super) fn time(rfc3339: &str) -> String {
    rfc3339.get(..16).unwrap_or(rfc3339).replace('T', " ")
}

/// A p-value to two digits that count.
pub(super) fn p_value(p: Option<f64>) -> String {
    match p {
        None => "–".to_owned(),
        Some(p) if p < 0.001 => "< 0.001".to_owned(),
        Some(p) if p < 0.1 => format!("{p:.3}"),
        Some(p) => format!("{p:.2}"),
    }
}

/// A share to three places.
pub(super) fn share(value: Option<f64>) -> String {
    value.map_or_else(|| "–".to_owned(), |v| format!("{v:.3}"))
}

/// A share as a number of percent, with as many digits as it has, two at most.
pub(super) fn percent(share: &f64) -> String {
    let number = format!("{:.2}", share * 100.0);
    number
        .trim_end_matches('0')
        .trim_end_matches('.')
        .to_owned()
}

/// A name of the contract in words.
pub(super) fn words(name: &str) -> String {
    name.replace('_', " ")
}

/// The tone that a verdict is shown in.
pub(super) fn tone(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Consistent => "good",
        Verdict::Deviates | Verdict::NoBrandSeen => "bad",
        Verdict::ReusedPhoto => "odd",
        Verdict::NotComparable => "dim",
    }
}

/// The tone that a mark is shown in.
pub(super) fn mark_tone(answer: MarkAnswer) -> &'static str {
    match answer {
        MarkAnswer::Same => "good",
        MarkAnswer::Different => "bad",
        MarkAnswer::CannotSee => "dim",
    }
}

/// What a name stands for.
pub(super) fn named<T: DeserializeOwned>(field: &'static str, name: &str) -> Result<T, Problem> {
    let of: value::StrDeserializer<'_, value::Error> = name.into_deserializer();
    T::deserialize(of).map_err(|e| Problem::field(field, format!("does not fit: {e}")))
}
