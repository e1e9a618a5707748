//! Which edition of an article a reference shows: since when and until when it is sold, and where.

use super::{
    records::{Edition, ReferenceRecord},
    requests::Invalid,
};

/// Officially assigned codes of countries and territories (ISO 3166-1 alpha-2).
const COUNTRIES: &str = "\
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT \
    BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH \
    ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT \
    HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS \
    LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI \
    NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG \
    SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG \
    UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW";

/// An edition as it is kept, its markets in order and each once, or what is wrong with it. `own` is the
/// id of the reference that it is about, `others` are the product's references.
pub(crate) fn checked(
    mut edition: Edition,
    own: &str,
    others: &[ReferenceRecord],
) -> Result<Edition, Invalid> {
    day("valid_from", edition.valid_from.as_deref())?;
    day("valid_to", edition.valid_to.as_deref())?;
    // As text: days of this form sort as they follow each other.
    if let (Some(from), Some(to)) = (&edition.valid_from, &edition.valid_to)
        && from > to
    {
        let problem = format!("is {to}, before `valid_from`, {from}");
        return Err(invalid("valid_to", problem));
    }
    for market in &edition.markets {
        if !COUNTRIES.split(' ').any(|code| code == market) {
            let problem = format!(
                "holds `{market}`; codes of countries by ISO 3166-1 are needed, such as `DE` or `GB`"
            );
            return Err(invalid("markets", problem));
        }
    }
    edition.markets.sort_unstable();
    edition.markets.dedup();
    if let Some(original) = &edition.variant_of {
        variant(own, original, others)?;
    }
    Ok(edition)
}

/// A variant leads to its original in one step.
fn variant(own: &str, original: &str, others: &[ReferenceRecord]) -> Result<(), Invalid> {
    let problem = match others.iter().find(|r| r.id == original) {
        _ if original == own => "names the reference itself".to_owned(),
        None => format!("is `{original}`, which is no reference of this product"),
        Some(found) => match &found.edition.variant_of {
            Some(first) => format!("names a variant itself; name `{first}`, as that does"),
            None if has_variants(own, others) => {
                "cannot be given to a reference that others are variants of".to_owned()
            }
            None => return Ok(()),
        },
    };
    Err(invalid("variant_of", problem))
}

fn has_variants(own: &str, others: &[ReferenceRecord]) -> bool {
    let of_own = |r: &ReferenceRecord| r.edition.variant_of.as_deref() == Some(own);
    others.iter().any(of_own)
}

fn day(field: &str, day: Option<&str>) -> Result<(), Invalid> {
    let Some(day) = day else { return Ok(()) };
    let known = day.parse::<jiff::civil::Date>();
    // The parser takes other spellings too, which would not sort.
    if known.is_ok_and(|date| date.to_string() == day) {
        return Ok(());
    }
    let problem = format!("is `{day}`; a day is needed, such as 2026-01-31");
    Err(invalid(field, problem))
}

fn invalid(field: &str, problem: impl Into<String>) -> Invalid {
    Invalid {
        field: field.to_owned(),
        problem: problem.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        digest::Sha256,
        gallery::{Health, ProductKey, ReferenceKind},
    };

    fn reference(id: &str, variant_of: Option<&str>) -> ReferenceRecord {
        let product = ProductKey {
            brand: "acme".into(),
            product: "oat".into(),
        };
        ReferenceRecord {
            id: id.into(),
            product,
            kind: ReferenceKind::Pack,
            view: None,
            sha256: Sha256::of(id.as_bytes()),
            width: 10,
            height: 10,
            article: None,
            marks: Vec::new(),
            health: Health {
                usable: true,
                keypoints: 1,
                sharpness: 1.0,
                problems: Vec::new(),
            },
            edition: Edition {
                variant_of: variant_of.map(str::to_owned),
                ..Edition::default()
            },
            actor: "local".into(),
            created_ms: 0,
        }
    }

    fn refused(edition: Edition) -> String {
        checked(edition, "a", &[]).map_or_else(|e| e.field, |_| "nothing".to_owned())
    }

    #[test]
    fn days_are_days_and_the_last_is_not_before_the_first() {
        let edition = |from: &str, to: &str| {
            let day = |day: &str| Some(day.to_owned()).filter(|d| !d.is_empty());
            refused(Edition {
                valid_from: day(from),
                valid_to: day(to),
                ..Edition::default()
            })
        };
        assert_eq!(edition("2024-02-29", "2024-02-29"), "nothing");
        assert_eq!(edition("", "2024-02-29"), "nothing");
        assert_eq!(edition("2024-03-01", "2024-02-29"), "valid_to");
        for bad in [
            "2023-02-29",
            "20240229",
            "2024-2-9",
            "soon",
            "2024-02-29T00:00",
        ] {
            assert_eq!(edition(bad, ""), "valid_from", "{bad}");
        }
    }

    #[test]
    fn markets_are_countries_each_once() {
        let markets = |all: &[&str]| Edition {
            markets: all.iter().map(ToString::to_string).collect(),
            ..Edition::default()
        };
        let kept = checked(markets(&["GB", "DE", "GB"]), "a", &[]).unwrap();
        assert_eq!(kept.markets, ["DE", "GB"]);
        for bad in ["UK", "de", "D", "", "DE GB"] {
            assert_eq!(refused(markets(&[bad])), "markets", "{bad}");
        }
        assert_eq!(COUNTRIES.split(' ').count(), 249);
    }

    #[test]
    fn a_variant_leads_to_an_original_and_never_round() {
        let all = [
            reference("a", None),
            reference("b", Some("a")),
            reference("c", None),
        ];
        let of = |own: &str, original: &str| {
            let edition = Edition {
                variant_of: Some(original.to_owned()),
                ..Edition::default()
            };
            checked(edition, own, &all).map_err(|e| e.problem)
        };
        assert!(of("c", "a").is_ok() && of("b", "c").is_ok());
        for (own, original, why) in [
            ("c", "c", "itself"),
            ("c", "z", "no reference of this product"),
            ("c", "b", "name `a`"),
            ("a", "c", "others are variants of"),
        ] {
            let problem = of(own, original).unwrap_err();
            assert!(problem.contains(why), "{own} {original}: {problem}");
        }
    }
}
