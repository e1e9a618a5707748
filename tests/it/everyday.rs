//! Photos as honest sellers send them, made from one genuine sample photo and judged by the real
//! models: what was done to a photo is no fault of the goods.

use std::{
    io::Cursor,
    path::{Path, PathBuf},
};

use assay::{
    app::App,
    checker::{
        actor::Actor,
        records::{Brand, Edition, Product, Settings},
        requests::{CheckRequest, NewReference},
    },
    config::AppConfig,
    contract::answer::CheckAnswer,
    domain::gallery::{ProductKey, ReferenceKind},
};
use bytes::Bytes;
use image::{
    DynamicImage, ImageDecoder, ImageFormat, RgbImage, codecs::jpeg::JpegDecoder, imageops,
};

const CLAIMED: &str = "oat-drink-original";
const SIBLING: &str = "oat-drink-vanilla";

fn file(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(path)
}

/// A sample photo as a camera's viewer shows it.
fn photo(name: &str) -> RgbImage {
    let bytes = std::fs::read(file(&format!("photos/{name}.jpg"))).unwrap();
    let mut decoder = JpegDecoder::new(Cursor::new(bytes)).unwrap();
    let turn = decoder.orientation().unwrap();
    let mut picture = DynamicImage::from_decoder(decoder).unwrap();
    picture.apply_orientation(turn);
    picture.into_rgb8()
}

fn png(picture: &RgbImage) -> Bytes {
    let mut out = Cursor::new(Vec::new());
    picture.write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner().into()
}

fn scaled(picture: &RgbImage, by: f32) -> RgbImage {
    let side = |v: u32| (v as f32 * by) as u32;
    let (w, h) = (side(picture.width()), side(picture.height()));
    imageops::resize(picture, w, h, imageops::FilterType::Triangle)
}

/// Pictures on one wall, at these places.
fn on_a_wall((width, height): (u32, u32), pictures: &[(&RgbImage, i64, i64)]) -> RgbImage {
    let mut wall = RgbImage::from_fn(width, height, |x, y| {
        let grain = (x * 7 + y * 13) % 11;
        image::Rgb([150, 160, 170].map(|v: u8| v + grain as u8))
    });
    for (picture, x, y) in pictures {
        imageops::replace(&mut wall, *picture, *x, *y);
    }
    wall
}

/// The two oat drinks of the samples enrolled without marks of their owner.
async fn stocked(data: &Path) -> App {
    let app = App::open(&AppConfig::over(data)).await.unwrap();
    let brand = "halmora".to_owned();
    let named = Brand {
        id: brand.clone(),
        name: "Halmora".into(),
        settings: Settings::default(),
    };
    app.assay
        .create_brand(&Actor::local(), named)
        .await
        .unwrap();
    for id in [CLAIMED, SIBLING] {
        let key = ProductKey {
            brand: brand.clone(),
            product: id.into(),
        };
        let product = Product {
            key: key.clone(),
            name: id.into(),
            settings: Settings::default(),
        };
        app.assay
            .create_product(&Actor::local(), product)
            .await
            .unwrap();
        let image = std::fs::read(file(&format!("brands/halmora/{id}/pack.jpg"))).unwrap();
        let new = NewReference {
            product: key,
            kind: ReferenceKind::Pack,
            view: None,
            marks: vec![],
            edition: Edition::default(),
            image: image.into(),
        };
        app.assay
            .enroll_reference(&Actor::local(), new)
            .await
            .unwrap();
    }
    app
}

async fn checked(app: &App, photos: Vec<Bytes>) -> CheckAnswer {
    let request = CheckRequest {
        photos,
        brand: Some("halmora".into()),
        product: Some(CLAIMED.into()),
        ..CheckRequest::default()
    };
    app.assay.check(&Actor::local(), request).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_genuine_pack_agrees_whatever_an_honest_seller_did_to_its_photo() {
    let data = tempfile::tempdir().unwrap();
    let app = stocked(data.path()).await;
    let (pack, other) = (photo("genuine-oat-kitchen"), photo("genuine-vanilla-table"));
    let (small, beside) = (scaled(&pack, 0.3), scaled(&pack, 0.6));
    let other = scaled(&other, 0.9);
    let grey = DynamicImage::from(pack.clone()).grayscale().into_rgb8();
    let forms = [
        ("mirrored", imageops::flip_horizontal(&pack)),
        ("upside down", imageops::rotate180(&pack)),
        ("small", on_a_wall((1600, 1200), &[(&small, 900, 500)])),
        (
            "beside a larger sibling",
            on_a_wall((2000, 1200), &[(&other, 20, 30), (&beside, 1250, 300)]),
        ),
        (
            "four copies",
            on_a_wall(
                (1400, 1300),
                &[
                    (&beside, 20, 20),
                    (&beside, 720, 20),
                    (&beside, 20, 640),
                    (&beside, 720, 640),
                ],
            ),
        ),
        ("grey", grey),
    ];
    for (name, picture) in forms {
        let answer = checked(&app, vec![png(&picture)]).await;
        let photo = &answer.photos[0];
        assert_eq!(
            answer.verdict.name(),
            "consistent",
            "{name}: {:#?}",
            answer.reasons
        );
        assert_eq!(photo.mirrored, name == "mirrored", "{name}");
        assert!(!photo.compared.is_empty(), "{name}");
        let first = &photo.instances[0];
        assert_eq!(first.product, CLAIMED, "{name}");
        let others = photo.instances.iter().filter(|i| i.product == SIBLING);
        assert_eq!(
            others.count(),
            usize::from(name.contains("sibling")),
            "{name}"
        );
        let copies = photo
            .instances
            .iter()
            .filter(|i| i.product == CLAIMED)
            .count();
        assert!(
            copies <= 4 && (copies > 1) == (name == "four copies"),
            "{name}: {copies}"
        );
    }
    app.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_photo_without_the_pack_is_no_reproach_and_spoils_no_listing() {
    let data = tempfile::tempdir().unwrap();
    let app = stocked(data.path()).await;
    let desk = checked(&app, vec![png(&photo("empty-desk"))]).await;
    assert_eq!(desk.verdict.name(), "not_comparable");
    let both = vec![
        png(&photo("genuine-oat-in-hand")),
        png(&photo("empty-desk")),
    ];
    assert_eq!(checked(&app, both).await.verdict.name(), "consistent");
    let sibling = checked(&app, vec![png(&photo("genuine-vanilla-table"))]).await;
    assert_ne!(sibling.verdict.name(), "consistent");
    app.close().await;
}
