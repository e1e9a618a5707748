//! Pictures through the one door: what is accepted becomes upright RGB8, everything else is refused
//! by name.

mod mending;
#[path = "../support/mutation.rs"]
mod mutation;
mod refusing;

use std::io::Cursor;

use assay::{
    domain::{digest::Sha256, raster::Raster},
    engine::vision::{Imaging, IntakeError, UprightPhoto},
    imaging::{Intake, IntakeLimits},
};
use image::{
    DynamicImage, ExtendedColorType, GrayImage, ImageBuffer, ImageEncoder, ImageFormat, LumaA, Rgb,
    RgbImage, Rgba, RgbaImage, codecs::jpeg::JpegEncoder,
};

const RED: [u8; 3] = [200, 40, 30];
const BLUE: [u8; 3] = [20, 60, 180];
const WHITE: [u8; 3] = [255; 3];

/// 48x32: left half red, right half blue, the top left 8x8 white. The fixtures show the same.
fn drawn() -> RgbImage {
    RgbImage::from_fn(48, 32, |x, y| {
        Rgb(if x < 8 && y < 8 {
            WHITE
        } else if x < 24 {
            RED
        } else {
            BLUE
        })
    })
}

fn encoded(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture.into().write_to(&mut out, format).expect("encodes");
    out.into_inner()
}

fn jpeg() -> Vec<u8> {
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, 95)
        .encode_image(&drawn())
        .expect("encodes");
    out
}

fn png() -> Vec<u8> {
    encoded(drawn(), ImageFormat::Png)
}

fn webp() -> Vec<u8> {
    encoded(drawn(), ImageFormat::WebP)
}

fn fixture(name: &str) -> Vec<u8> {
    let path = format!(
        "{}/tests/fixtures/hostile/{name}",
        env!("CARGO_MANIFEST_DIR")
    );
    std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}"))
}

fn decode(bytes: &[u8]) -> Result<UprightPhoto, IntakeError> {
    Intake::default().decode(bytes)
}

fn decode_within(limits: IntakeLimits, bytes: &[u8]) -> Result<UprightPhoto, IntakeError> {
    Intake::new(limits).decode(bytes)
}

fn near(raster: &Raster, x: u32, y: u32, want: [u8; 3], tolerance: u8) {
    let got = raster.at(x, y);
    let off = (0..3).map(|c| got[c].abs_diff(want[c])).max().unwrap_or(0);
    assert!(
        off <= tolerance,
        "pixel ({x}, {y}) is {got:?}, not {want:?}"
    );
}

/// Checks that a photo shows the drawing, up to a lossy format's error away from the edges.
fn shows_drawing(photo: &UprightPhoto, tolerance: u8) {
    assert_eq!((photo.raster.width(), photo.raster.height()), (48, 32));
    near(&photo.raster, 3, 3, WHITE, tolerance);
    near(&photo.raster, 12, 20, RED, tolerance);
    near(&photo.raster, 36, 20, BLUE, tolerance);
}

/// A JPEG segment put right behind the start marker.
fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16 + 2).to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, body, &jpeg[2..]].concat()
}

/// A TIFF block whose one entry is the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0]);
    block
}

#[test]
fn the_three_formats_are_accepted_whatever_they_are_called() {
    for (bytes, format, tolerance) in [(jpeg(), "jpeg", 8), (png(), "png", 0), (webp(), "webp", 0)]
    {
        let photo = decode(&bytes).expect(format);
        assert_eq!((photo.format, photo.notes.len()), (format, 0));
        shows_drawing(&photo, tolerance);
    }
}

#[test]
fn what_decoding_takes_is_told_before_decoding() {
    let limits = IntakeLimits::default();
    let pixels = 48 * 32;
    let turned = with_segment(&jpeg(), 0xe1, &[b"Exif\0\0", &exif(6)[..]].concat());
    assert_eq!(limits.decoding_bytes(&jpeg()), 3 * pixels);
    assert_eq!(limits.decoding_bytes(&turned), 6 * pixels);
    // Its scratch memory is bounded, not measured.
    assert_eq!(limits.decoding_bytes(&png()), 3 * pixels + (4 << 20));
    // A lossless frame is unpacked with alpha.
    assert_eq!(limits.decoding_bytes(&webp()), 7 * pixels);
    assert!(limits.decoding_bytes(&fixture("progressive.jpg")) > 3 * pixels);
    for refused in [&b""[..], b"no picture", &jpeg()[..20]] {
        assert_eq!(limits.decoding_bytes(refused), 0);
    }
    let tight = IntakeLimits {
        max_pixels: 100,
        ..limits
    };
    assert_eq!(tight.decoding_bytes(&jpeg()), 0);
}

#[test]
fn an_exif_block_behind_the_data_turns_nothing() {
    let whole = jpeg();
    let (picture, end) = whole.split_at(whole.len() - 2);
    let block = [b"Exif\0\0", &exif(6)[..]].concat();
    let length = (block.len() as u16 + 2).to_be_bytes();
    let late = [picture, &[0xff, 0xe1], &length, &block, end].concat();
    shows_drawing(&decode(&late).expect("accepted"), 8);
}

#[test]
fn the_hash_is_that_of_the_bytes() {
    for bytes in [png(), webp()] {
        assert_eq!(decode(&bytes).expect("a photo").sha256, Sha256::of(&bytes));
    }
}

#[test]
fn other_encodings_of_the_formats_are_accepted() {
    for (name, tolerance) in [
        ("progressive.jpg", 8),
        ("cmyk.jpg", 8),
        ("ycck.jpg", 8),
        ("interlaced.png", 0),
        ("lossy.webp", 8),
    ] {
        let photo = decode(&fixture(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        shows_drawing(&photo, tolerance);
        let expected: &[&str] = if name.ends_with("k.jpg") {
            &["CMYK colours were converted without a profile"]
        } else {
            &[]
        };
        assert_eq!(photo.notes, expected, "{name}");
    }
}

#[test]
fn every_orientation_is_applied_once_in_every_format() {
    // Where the white corner of the stored picture lies once upright.
    let corners = [
        (3, 3),
        (44, 3),
        (44, 28),
        (3, 28),
        (3, 3),
        (28, 3),
        (28, 44),
        (3, 44),
    ];
    for (orientation, (x, y)) in (1..).zip(corners) {
        let block = exif(orientation);
        let as_jpeg = with_segment(&jpeg(), 0xe1, &[b"Exif\0\0", &block[..]].concat());
        let mut as_png = Vec::new();
        let mut encoder = png::Encoder::new(&mut as_png, 48, 32);
        encoder.set_color(png::ColorType::Rgb);
        let mut writer = encoder.write_header().expect("header");
        writer
            .write_chunk(png::chunk::ChunkType(*b"eXIf"), &block)
            .expect("exif");
        writer.write_image_data(drawn().as_raw()).expect("data");
        drop(writer);
        let mut as_webp = Vec::new();
        let mut encoder = image::codecs::webp::WebPEncoder::new_lossless(&mut as_webp);
        encoder.set_exif_metadata(block).expect("exif");
        encoder
            .write_image(drawn().as_raw(), 48, 32, ExtendedColorType::Rgb8)
            .expect("data");

        for bytes in [as_jpeg, as_png, as_webp] {
            let photo = decode(&bytes).expect("decodes");
            let sides = if orientation < 5 { (48, 32) } else { (32, 48) };
            assert_eq!(
                (photo.raster.width(), photo.raster.height()),
                sides,
                "{} {orientation}",
                photo.format
            );
            near(&photo.raster, x, y, WHITE, 8);
        }
    }
}

#[test]
fn a_colour_profile_is_ignored_and_said_so() {
    let with_profile = with_segment(&jpeg(), 0xe2, b"ICC_PROFILE\0\x01\x01not a profile");
    let photo = decode(&with_profile).expect("decodes");
    shows_drawing(&photo, 8);
    assert_eq!(photo.notes, ["the colour profile was ignored"]);
    assert_eq!(photo.raster, decode(&jpeg()).expect("decodes").raster);
}

#[test]
fn a_second_picture_behind_the_first_is_ignored_and_said_so() {
    let photo = decode(&[jpeg(), jpeg()].concat()).expect("decodes");
    shows_drawing(&photo, 8);
    assert_eq!(
        photo.notes,
        ["only the first of several pictures in the file was used"]
    );
}

#[test]
fn grey_palette_and_sixteen_bit_pictures_become_rgb8() {
    let grey = GrayImage::from_fn(48, 32, |x, _| image::Luma([x as u8 * 5]));
    for format in [ImageFormat::Png, ImageFormat::Jpeg] {
        let photo = decode(&encoded(grey.clone(), format)).expect("grey");
        near(&photo.raster, 20, 9, [100; 3], 4);
    }

    let deep = ImageBuffer::from_fn(48, 32, |x, _| Rgb([x as u16 * 1285, 0, u16::MAX]));
    let photo =
        decode(&encoded(DynamicImage::ImageRgb16(deep), ImageFormat::Png)).expect("16 bits");
    near(&photo.raster, 20, 9, [100, 0, 255], 0);
    assert_eq!(photo.notes, ["16 bits a channel became 8"]);

    let mut palette = Vec::new();
    let mut encoder = png::Encoder::new(&mut palette, 48, 32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_depth(png::BitDepth::Two);
    encoder.set_palette([&RED[..], &BLUE, &WHITE].concat());
    encoder.set_trns(vec![255, 255, 0]);
    let mut writer = encoder.write_header().expect("header");
    // Four pixels a byte: red, blue, white and invisible, red.
    writer
        .write_image_data(&[0b00_01_10_00; 12 * 32])
        .expect("data");
    drop(writer);
    let photo = decode(&palette).expect("palette");
    assert_eq!(
        [0, 1, 2, 3].map(|x| photo.raster.at(x, 5)),
        [RED, BLUE, WHITE, RED]
    );
    assert_eq!(photo.notes, ["transparency was laid on white"]);
}

#[test]
fn white_on_transparent_is_laid_on_what_shows_it() {
    let logo = RgbaImage::from_fn(48, 32, |x, _| {
        Rgba([255, 255, 255, if x < 24 { 0 } else { 255 }])
    });
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let photo = decode(&encoded(logo.clone(), format)).expect("alpha");
        near(&photo.raster, 3, 3, [64; 3], 0);
        near(&photo.raster, 30, 3, WHITE, 0);
        assert!(photo.notes[0].contains("dark grey"), "{:?}", photo.notes);
    }
    // A white pack with print on it is no white logo: it shows.
    let pack = RgbaImage::from_fn(48, 32, |x, y| {
        let ink = if x % 8 == 0 && y > 16 { 40 } else { 255 };
        Rgba([ink, ink, ink, if x < 24 { 0 } else { 255 }])
    });
    let photo = decode(&encoded(pack, ImageFormat::Png)).expect("alpha");
    near(&photo.raster, 3, 3, WHITE, 0);
}

#[test]
fn transparency_is_laid_on_white_and_said_so() {
    let glass = RgbaImage::from_fn(48, 32, |x, _| {
        Rgba([0, 100, 200, if x < 24 { 0 } else { 51 }])
    });
    for format in [ImageFormat::Png, ImageFormat::WebP] {
        let photo = decode(&encoded(glass.clone(), format)).expect("alpha");
        near(&photo.raster, 3, 3, WHITE, 0);
        near(&photo.raster, 30, 3, [204, 224, 244], 0);
        assert_eq!(photo.notes, ["transparency was laid on white"]);
    }
    let grey = ImageBuffer::from_pixel(48, 32, LumaA([0, 0]));
    let photo =
        decode(&encoded(DynamicImage::ImageLumaA8(grey), ImageFormat::Png)).expect("grey alpha");
    near(&photo.raster, 3, 3, WHITE, 0);

    let lossy = decode(&fixture("lossy-alpha.webp")).expect("lossy alpha");
    near(&lossy.raster, 12, 20, RED, 8);
    near(&lossy.raster, 36, 20, WHITE, 0);

    let opaque = RgbaImage::from_pixel(48, 32, Rgba([1, 2, 3, 255]));
    assert!(
        decode(&encoded(opaque, ImageFormat::Png))
            .expect("opaque")
            .notes
            .is_empty()
    );
}

#[test]
fn resizing_keeps_flat_colours_and_gives_the_sides_asked_for() {
    let mut intake = Intake::default();
    let flat = Raster::from_fn(100, 60, |_, _| RED);
    for (width, height) in [(50, 30), (33, 17), (200, 120), (1, 1), (0, 5), (300, 7)] {
        let resized = intake.resize(&flat, width, height);
        assert_eq!(
            (resized.width(), resized.height()),
            (width.max(1), height.max(1))
        );
        assert!(resized.pixels().chunks_exact(3).all(|p| p == RED));
    }
    assert_eq!(intake.resize(&flat, 100, 60), flat);
}

#[test]
fn shrinking_averages_and_enlarging_interpolates() {
    let mut intake = Intake::default();
    let checks = Raster::from_fn(256, 256, |x, y| [((x + y) % 2) as u8 * 255; 3]);
    let small = intake.resize(&checks, 32, 32);
    assert!(
        small.pixels().iter().all(|v| v.abs_diff(128) <= 2),
        "a fine pattern averages to grey"
    );
    let ramp = Raster::from_fn(16, 16, |x, _| [x as u8 * 16; 3]);
    let large = intake.resize(&ramp, 64, 64);
    assert!(
        (8..56).all(|x| large.at(x, 30)[0] <= large.at(x + 1, 30)[0]),
        "a ramp stays a ramp"
    );
    near(&large, 32, 30, [126; 3], 4);
}
