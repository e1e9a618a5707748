//! What sellers are told, for every verdict and every code.

use super::*;
use crate::contract::answer::{InstanceAnswer, PhotoError};

/// The documented example: a mark that differs on one photo of acme / oat-drink-1l.
fn example() -> CheckAnswer {
    serde_json::from_str(include_str!("../../http/api/examples/check.json")).unwrap()
}

/// A check of this verdict whose one photo has one reason.
fn with(verdict: Verdict, code: ReasonCode) -> CheckAnswer {
    let mut answer = example();
    answer.verdict = verdict;
    answer.reasons[0].code = code;
    answer
}

#[test]
fn whatever_is_not_consistent_says_what_would_help_and_what_is_consistent_does_not() {
    for verdict in Verdict::ALL {
        for code in ReasonCode::ALL {
            let helps = Statement::of(&with(*verdict, *code)).helps;
            let is_consistent = *verdict == Verdict::Consistent;
            assert_eq!(helps.is_empty(), is_consistent, "{verdict} {code}");
        }
    }
}

#[test]
fn each_code_asks_for_the_photo_that_would_clear_it() {
    let helps = |code| Statement::of(&with(Verdict::NotComparable, code)).helps;
    for (code, wanted) in [
        (ReasonCode::PhotoBlurred, HelpCode::Sharper),
        (ReasonCode::PhotoTooSmall, HelpCode::MorePixels),
        (ReasonCode::PhotoTooDark, HelpCode::MoreLight),
        (ReasonCode::PhotoTooBright, HelpCode::LessLight),
        (ReasonCode::CataloguePicture, HelpCode::OwnPhoto),
        (ReasonCode::SeenElsewhere, HelpCode::OwnPhoto),
        (ReasonCode::ReferenceLost, HelpCode::NoneNeeded),
        (ReasonCode::NoReference, HelpCode::NoneNeeded),
        (ReasonCode::NotLocated, HelpCode::Closer),
        (ReasonCode::MarkDiffers, HelpCode::CloseUp),
        (ReasonCode::RivalFitsBetter, HelpCode::ClaimedArticle),
        (ReasonCode::OtherProductSeen, HelpCode::ClaimedArticle),
        (ReasonCode::WeakAgreement, HelpCode::Uncovered),
        (ReasonCode::OutsideCalibration, HelpCode::Front),
    ] {
        assert!(helps(code).contains(&wanted), "{code}: {:?}", helps(code));
    }
}

#[test]
fn a_file_that_is_no_photo_is_told_by_what_was_wrong_with_it() {
    for kind in PhotoErrorKind::ALL {
        let mut answer = with(Verdict::NotComparable, ReasonCode::PhotoUnreadable);
        answer.photos[0].error = Some(PhotoError {
            kind: *kind,
            detail: String::new(),
        });
        let wanted = match kind {
            PhotoErrorKind::TooSmall => HelpCode::MorePixels,
            PhotoErrorKind::TooManyBytes | PhotoErrorKind::TooLarge => HelpCode::SmallerFile,
            PhotoErrorKind::Empty | PhotoErrorKind::Damaged => HelpCode::ReadableFile,
            _ => continue,
        };
        assert_eq!(Statement::of(&answer).helps, [wanted], "{kind}");
    }
}

#[test]
fn what_was_odd_about_a_photo_is_asked_for_too() {
    let mut answer = example();
    answer.photos[0].mirrored = true;
    let other = InstanceAnswer {
        brand: "bolt".into(),
        ..answer.photos[0].instances[0].clone()
    };
    answer.photos[0].instances.push(other);
    let helps = Statement::of(&answer).helps;
    use HelpCode::{CloseUp, Cropped, NotMirrored, Uncovered};
    assert_eq!(helps, [CloseUp, Uncovered, NotMirrored, Cropped]);
}

#[test]
fn nobody_is_told_that_no_photo_helps_beside_one_that_does() {
    let mut answer = with(Verdict::NotComparable, ReasonCode::NoReference);
    let mut blurred = answer.reasons[0].clone();
    blurred.code = ReasonCode::PhotoBlurred;
    answer.reasons.push(blurred);
    assert_eq!(Statement::of(&answer).helps, [HelpCode::Sharper]);
}

#[test]
fn a_finding_names_its_mark_its_place_and_what_was_misread() {
    let statement = Statement::of(&example());
    let [finding] = &statement.findings[..] else {
        panic!("{:?}", statement.findings);
    };
    assert_eq!(finding.place, Some(Place::UpperMiddle));
    let mark = finding.mark.as_ref().unwrap();
    assert_eq!(mark.name, "brand name");
    assert_eq!(mark.misread(), Some(("ACME", "ACNE")));
    assert!(!mark.recoloured);
    assert_eq!(statement.drawn(), [0]);
    let [compared] = &statement.compared[..] else {
        panic!("{:?}", statement.compared);
    };
    assert_eq!(compared.what, ["pack", "mark brand name"]);
    assert_eq!(compared.product.as_ref().unwrap().product, "oat-drink-1l");
}

#[test]
fn a_word_that_was_not_read_surely_is_not_quoted() {
    let mut answer = example();
    // As the engine writes it then.
    answer.reasons[0].detail = "the mark `brand name` differs from the reference".into();
    answer.photos[0].matches[0].marks[0].hue_turn = Some(40.0);
    let mark = Statement::of(&answer).findings[0].mark.clone().unwrap();
    assert_eq!((mark.misread(), mark.recoloured), (None, true));
}

#[test]
fn marks_of_one_name_are_told_apart_by_their_place() {
    let mut answer = example();
    let marks = &mut answer.photos[0].matches[0].marks;
    let mut twin = marks[0].clone();
    (twin.expected, twin.read) = (Some("OAT".into()), Some("CAT".into()));
    twin.differing.clear();
    twin.region = vec![[0.7, 0.8], [0.9, 0.8], [0.9, 0.9], [0.7, 0.9]];
    let reason = &mut answer.reasons[0];
    reason.region = twin.region.clone();
    reason.detail =
        "the mark `brand name` differs from the reference: expected `OAT`, reads `CAT`: ...".into();
    marks.push(twin);
    let finding = &Statement::of(&answer).findings[0];
    assert_eq!(finding.place, Some(Place::LowerRight));
    let mark = finding.mark.as_ref().unwrap();
    assert_eq!(mark.misread(), Some(("OAT", "CAT")));
}

#[test]
fn without_a_claim_no_product_and_no_mark_is_named() {
    let mut answer = example();
    answer.claim = None;
    let statement = Statement::of(&answer);
    assert_eq!(statement.compared[0].product, None);
    assert_eq!(statement.compared[0].what, ["pack"]);
    assert_eq!(statement.findings[0].mark, None);
}

#[test]
fn a_match_with_another_product_is_not_the_claimed_one() {
    let mut answer = example();
    answer.photos[0].matches[0].product = "rice".into();
    assert_eq!(Statement::of(&answer).compared[0].product, None);
    // Where the brand alone is claimed, any product of it is.
    answer.claim.as_mut().unwrap().product = None;
    let product = Statement::of(&answer).compared[0].product.clone();
    assert_eq!(product.unwrap().product, "rice");
}

#[test]
fn rarity_is_told_in_coarse_steps_and_only_where_the_budget_supports_it() {
    let told = |p: f64, budget: f64| {
        let mut answer = example();
        (answer.p_value, answer.calibration.budget) = (Some(p), budget);
        Statement::of(&answer).one_in
    };
    assert_eq!(told(0.000_1, 0.01), Some(100));
    assert_eq!(told(0.01, 0.01), Some(100));
    assert_eq!(told(0.03, 0.05), Some(20));
    assert_eq!(told(0.2, 0.5), None);
    assert_eq!(told(0.03, 0.01), None);
    let mut consistent = with(Verdict::Consistent, ReasonCode::Agrees);
    consistent.p_value = Some(0.001);
    assert_eq!(Statement::of(&consistent).one_in, None);
}

#[test]
fn places_are_thirds_of_the_photo() {
    let at = |x: f64, y: f64| place(&[[x - 0.01, y], [x + 0.01, y], [x, y + 0.01]]);
    assert_eq!(at(0.1, 0.1), Some(Place::UpperLeft));
    assert_eq!(at(0.5, 0.5), Some(Place::Middle));
    assert_eq!(at(0.9, 0.5), Some(Place::MiddleRight));
    assert_eq!(at(0.5, 0.9), Some(Place::LowerMiddle));
    assert_eq!(place(&[]), None);
}

#[test]
fn no_name_of_others_and_no_number_of_a_reason_comes_through() {
    for code in ReasonCode::ALL {
        let mut answer = with(Verdict::NoBrandSeen, *code);
        answer.reasons[0].detail =
            "bolt/rice fits better than acme/oat-drink-1l (91 against 40 agreeing points)".into();
        let mut rival = answer.photos[0].matches[0].clone();
        (rival.brand, rival.product) = ("bolt".into(), "rice".into());
        answer.photos[0].matches.push(rival);
        let told = format!("{:?}", Statement::of(&answer));
        for hidden in ["bolt", "rice", "91", "seller-17", "0.58"] {
            assert!(!told.contains(hidden), "{code}: {hidden} in {told}");
        }
    }
}
