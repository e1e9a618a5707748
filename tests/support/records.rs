//! Records with one obvious value per field, to be changed where a test looks.

use std::collections::BTreeMap;

use assay::{
    checker::{
        actor::Actor,
        records::{Brand, Edition, GenuinePhotoRecord, Product, ReferenceRecord, Settings},
    },
    contract::{
        Action, CalibrationSource, Verdict,
        answer::{CalibrationAnswer, CheckAnswer, ClaimAnswer, PhotoAnswer},
    },
    domain::{
        digest::Sha256,
        gallery::{Health, Mark, MarkKind, ProductKey, ReferenceKind},
        geometry::{Point, Rect},
    },
};

/// Whoever sits at the machine.
pub fn local() -> Actor {
    Actor::local()
}

pub fn key(brand: &str, product: &str) -> ProductKey {
    ProductKey {
        brand: brand.into(),
        product: product.into(),
    }
}

pub fn brand(id: &str) -> Brand {
    Brand {
        id: id.into(),
        name: format!("Brand {id}"),
        settings: Settings::default(),
    }
}

pub fn product(brand: &str, id: &str) -> Product {
    Product {
        key: key(brand, id),
        name: format!("Product {id}"),
        settings: Settings::default(),
    }
}

/// The hash whose 64 hex digits are all `digit`.
pub fn hash(digit: char) -> Sha256 {
    digit.to_string().repeat(64).parse().expect("a hex digit")
}

pub fn mark() -> Mark {
    let region = [(0.1, 0.2), (0.5, 0.2), (0.5, 0.4), (0.1, 0.4)]
        .map(|(x, y)| Point::new(x, y))
        .to_vec();
    Mark {
        name: "wordmark".into(),
        kind: MarkKind::Text,
        region,
        text: Some("OAT".into()),
        proposed: false,
    }
}

pub fn reference(id: &str, product: ProductKey, sha256: Sha256) -> ReferenceRecord {
    ReferenceRecord {
        id: id.into(),
        product,
        kind: ReferenceKind::Pack,
        view: Some("front".into()),
        sha256,
        width: 640,
        height: 480,
        article: Some(Rect::from_size(10, 20, 300, 400)),
        marks: vec![mark()],
        health: Health {
            usable: true,
            keypoints: 900,
            sharpness: 0.75,
            problems: vec!["a little dark".into()],
        },
        edition: Edition {
            valid_from: Some("2026-01-31".into()),
            valid_to: None,
            markets: vec!["DE".into(), "GB".into()],
            variant_of: None,
        },
        actor: "local".into(),
        created_ms: 1_000,
    }
}

pub fn genuine_photo(
    id: &str,
    product: ProductKey,
    item: &str,
    sha256: Sha256,
) -> GenuinePhotoRecord {
    GenuinePhotoRecord {
        id: id.into(),
        product,
        item: item.into(),
        sha256,
        actor: "local".into(),
        created_ms: 2_000,
    }
}

/// A check of one photo by seller `seller`.
pub fn check(
    id: &str,
    verdict: Verdict,
    brand: Option<&str>,
    seller: Option<&str>,
    sha256: Sha256,
) -> CheckAnswer {
    let photo = PhotoAnswer {
        sha256: sha256.to_string(),
        width: 64,
        height: 48,
        verdict,
        similarity: 0.5,
        p_value: Some(0.25),
        error: None,
        notes: vec![],
        quality: None,
        matches: vec![],
        instances: vec![],
        compared: vec![],
        mirrored: false,
    };
    CheckAnswer {
        id: id.into(),
        created_at: "2026-01-02T03:04:05Z".into(),
        verdict,
        action: match verdict {
            Verdict::Consistent => Action::Allow,
            Verdict::Deviates | Verdict::NoBrandSeen => Action::Review,
            Verdict::ReusedPhoto | Verdict::NotComparable => Action::RequestPhoto,
        },
        claim: brand.map(|b| ClaimAnswer {
            brand: b.into(),
            product: None,
        }),
        p_value: Some(0.25),
        listing_id: None,
        seller_id: seller.map(str::to_owned),
        reasons: vec![],
        compared: vec![],
        photos: vec![photo],
        calibration: CalibrationAnswer {
            id: "c".into(),
            operating_point: String::new(),
            budget: 0.01,
            bound_95: 0.02,
            items: 150,
            source: CalibrationSource::Default,
            covers: true,
            variation_items: 0,
            advice: None,
        },
        reference_set: "r".into(),
        models: BTreeMap::from([("embedder".into(), "e@1".into())]),
        program: "assay 0.1.0+tuning.000000000000".into(),
        similarity_rule: "rule".into(),
        timings_ms: BTreeMap::new(),
    }
}
