//! Logos by the real models: met in any polarity and colour, seen where they are too small to be compared,
//! and never enough for a claim on a product of which more is known.

use std::{io::Cursor, path::Path};

use assay::{
    app::App,
    checker::{
        actor::Actor,
        records::{Brand, Edition, Product, Settings},
        requests::{CheckRequest, NewReference},
    },
    config::AppConfig,
    contract::{
        MarkAnswer, ReasonCode, ReferenceKind as Kind, Verdict,
        answer::{CheckAnswer, PhotoAnswer},
    },
    domain::gallery::{ProductKey, ReferenceKind},
};
use bytes::Bytes;
use image::{ImageFormat, Rgb, RgbImage, imageops};
use tempfile::TempDir;

/// A made-up logo: a ring with a notch, three bars of unlike length and a dot, `side` pixels high.
fn logo(side: u32, [ground, ink]: [[u8; 3]; 2], extra: bool) -> RgbImage {
    // Drawn large and made smaller, so that its edges are smooth.
    let large = RgbImage::from_fn(800, 800, |x, y| {
        let (dx, dy) = (f64::from(x) - 400.0, f64::from(y) - 400.0);
        let radius = dx.hypot(dy);
        let notch = dx > 0.0 && dy.abs() < 60.0;
        let ring = (230.0..320.0).contains(&radius) && !notch;
        let bar = |left: f64, right: f64, middle: f64| {
            (left..right).contains(&dx) && (dy - middle).abs() < 26.0
        };
        let bars = bar(-150.0, 60.0, -90.0) || bar(-150.0, 130.0, 0.0) || bar(-150.0, -10.0, 90.0);
        let dot = (dx - 100.0).hypot(dy - 100.0) < 42.0;
        // A limb on the outside.
        let limb = extra && (dx + dy).abs() < 34.0 && (300.0..400.0).contains(&radius) && dx > 0.0;
        Rgb(match ring || bars || dot || limb {
            true => ink,
            false => ground,
        })
    });
    imageops::resize(&large, side, side, imageops::FilterType::Triangle)
}

/// The same on a wall of `width` x `height` pixels, at a place.
fn on_a_wall(logo: &RgbImage, (width, height): (u32, u32), at: (i64, i64)) -> Bytes {
    let ground = logo.get_pixel(0, 0).0;
    let mut wall = RgbImage::from_fn(width, height, |x, y| {
        // Neither plain nor a pattern.
        let grain = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 7;
        Rgb(ground.map(|v| v.saturating_sub((grain % 9) as u8)))
    });
    imageops::replace(&mut wall, logo, at.0, at.1);
    png(&wall)
}

fn png(picture: &RgbImage) -> Bytes {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner().into()
}

async fn stocked(data: &Path) -> App {
    let app = App::open(&AppConfig::over(data)).await.unwrap();
    let settings = Settings::default();
    let brand = Brand {
        id: "ringbar".into(),
        name: "Ringbar".into(),
        settings,
    };
    let actor = Actor::local();
    app.assay.create_brand(&actor, brand).await.unwrap();
    let product = Product {
        key: key(),
        name: "Logo".into(),
        settings,
    };
    app.assay.create_product(&actor, product).await.unwrap();
    enroll(
        &app,
        ReferenceKind::Logo,
        png(&logo(400, [[255; 3], [0; 3]], false)),
    )
    .await;
    app
}

fn key() -> ProductKey {
    ProductKey {
        brand: "ringbar".into(),
        product: "logo".into(),
    }
}

async fn enroll(app: &App, kind: ReferenceKind, image: Bytes) {
    let new = NewReference {
        product: key(),
        kind,
        view: None,
        marks: Vec::new(),
        edition: Edition::default(),
        image,
    };
    app.assay
        .enroll_reference(&Actor::local(), new)
        .await
        .unwrap();
}

async fn check(app: &App, photo: Bytes) -> CheckAnswer {
    let request = CheckRequest {
        photos: vec![photo],
        brand: Some("ringbar".into()),
        product: Some("logo".into()),
        listing_id: None,
        seller_id: None,
    };
    app.assay.check(&Actor::local(), request).await.unwrap()
}

fn codes(answer: &CheckAnswer) -> Vec<ReasonCode> {
    answer.reasons.iter().map(|r| r.code).collect()
}

/// Whether the outline that is told first lies around this middle.
fn outlined_at(photo: &PhotoAnswer, (x, y): (f64, f64)) -> bool {
    let region = &photo.instances[0].region;
    let mean = |k: usize| region.iter().map(|p| p[k]).sum::<f64>() / region.len() as f64;
    (mean(0) - x).abs() < 0.06 && (mean(1) - y).abs() < 0.06
}

#[tokio::test]
async fn a_logo_is_met_in_any_polarity_and_colour() {
    let data = TempDir::new().unwrap();
    let app = stocked(data.path()).await;
    for tones in [
        [[240; 3], [30; 3]],
        [[20, 30, 60], [240, 230, 210]],
        [[180, 30, 40], [245, 240, 240]],
    ] {
        let photo = on_a_wall(&logo(420, tones, false), (900, 700), (240, 140));
        let answer = check(&app, photo).await;
        assert_eq!(
            codes(&answer),
            [ReasonCode::Agrees],
            "{tones:?}: {answer:?}"
        );
        let photo = &answer.photos[0];
        assert_eq!(photo.instances[0].kind, Some(Kind::Logo));
        assert!(outlined_at(photo, (0.5, 0.5)), "{photo:?}");
    }
}

#[tokio::test]
async fn a_logo_too_small_to_be_compared_is_seen_and_accuses_nobody() {
    let data = TempDir::new().unwrap();
    let app = stocked(data.path()).await;
    let small = on_a_wall(
        &logo(64, [[20, 60, 40], [240; 3]], false),
        (640, 480),
        (480, 60),
    );
    let answer = check(&app, small).await;
    assert_eq!(answer.verdict, Verdict::NotComparable, "{answer:?}");
    assert_eq!(codes(&answer), [ReasonCode::LogoSeen], "{answer:?}");
    assert!(outlined_at(&answer.photos[0], (0.8, 0.19)), "{answer:?}");
    // On another picture nothing is seen.
    let other = RgbImage::from_fn(640, 480, |x, y| Rgb([(x / 3) as u8, (y / 2) as u8, 90]));
    let answer = check(&app, png(&other)).await;
    assert!(answer.photos[0].instances.is_empty(), "{answer:?}");
}

#[tokio::test]
async fn a_limb_that_was_added_is_told_where_it_is() {
    let data = TempDir::new().unwrap();
    let app = stocked(data.path()).await;
    let photo = on_a_wall(
        &logo(420, [[235; 3], [40; 3]], true),
        (900, 700),
        (240, 140),
    );
    let answer = check(&app, photo).await;
    let marks = &answer.photos[0].matches[0].marks;
    let figure = marks.iter().find(|mark| mark.name == "figure").unwrap();
    assert_eq!(figure.answer, MarkAnswer::Different, "{figure:?}");
    // On the outside, at the upper right.
    let place = &figure.differing[0];
    let mean = |k: usize| place.iter().map(|p| p[k]).sum::<f64>() / place.len() as f64;
    assert!(
        (mean(0) - 0.65).abs() < 0.06 && (mean(1) - 0.3).abs() < 0.08,
        "{place:?}"
    );
    // Without it the figure is the same.
    let photo = on_a_wall(
        &logo(420, [[235; 3], [40; 3]], false),
        (900, 700),
        (240, 140),
    );
    let answer = check(&app, photo).await;
    let marks = &answer.photos[0].matches[0].marks;
    let figure = marks.iter().find(|mark| mark.name == "figure").unwrap();
    assert_eq!(figure.answer, MarkAnswer::Same, "{figure:?}");
}

#[tokio::test]
async fn a_logo_alone_is_not_enough_for_a_product_of_which_more_is_enrolled() {
    let data = TempDir::new().unwrap();
    let app = stocked(data.path()).await;
    let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/photos/genuine-oat-in-hand.jpg");
    enroll(
        &app,
        ReferenceKind::Pack,
        std::fs::read(pack).unwrap().into(),
    )
    .await;
    let photo = on_a_wall(
        &logo(420, [[240; 3], [30; 3]], false),
        (900, 700),
        (240, 140),
    );
    let answer = check(&app, photo).await;
    assert_eq!(answer.verdict, Verdict::NotComparable, "{answer:?}");
    assert_eq!(codes(&answer), [ReasonCode::LogoAgrees], "{answer:?}");
}
