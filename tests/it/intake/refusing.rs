//! What is refused: other content, damage, and pictures that would take too much.

use std::time::Duration;

use assay::{
    engine::vision::{Imaging, IntakeError},
    imaging::{Intake, IntakeLimits},
};
use image::{ImageFormat, RgbImage};

use super::{
    decode, decode_within, drawn, encoded, exif, fixture, jpeg,
    mutation::{HEIGHT, Mutator, WIDTH, originals},
    png, webp, with_segment,
};

#[test]
fn no_bytes_and_too_many_bytes_are_refused() {
    assert_eq!(decode(&[]), Err(IntakeError::Empty));
    let limits = IntakeLimits {
        bytes: 100,
        ..IntakeLimits::default()
    };
    let bytes = png();
    let refused = decode_within(limits, &bytes);
    assert_eq!(
        refused,
        Err(IntakeError::TooManyBytes {
            bytes: bytes.len() as u64,
            limit: 100
        })
    );
}

#[test]
fn other_content_is_refused_by_name() {
    for (bytes, found) in [
        (&b"hello, this is no picture"[..], "plain text"),
        (b"GIF89a\x30\0\x20\0", "a GIF picture"),
        (b"\0\0\0\x20ftypheic\0\0\0\0mif1", "a HEIC picture"),
        (b"%PDF-1.4", "a PDF document"),
    ] {
        assert_eq!(
            decode(bytes),
            Err(IntakeError::UnsupportedFormat {
                found: found.into()
            })
        );
    }
}

#[test]
fn animations_are_refused() {
    let mut apng = Vec::new();
    let mut encoder = png::Encoder::new(&mut apng, 48, 32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_animated(2, 0).expect("two frames");
    let mut writer = encoder.write_header().expect("header");
    for _ in 0..2 {
        writer.write_image_data(drawn().as_raw()).expect("data");
    }
    drop(writer);
    assert_eq!(decode(&apng), Err(IntakeError::Animated));
    assert_eq!(
        decode(&fixture("animated.webp")),
        Err(IntakeError::Animated)
    );
}

#[test]
fn tiny_pictures_are_refused_with_their_size() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP] {
        let refused = decode(&encoded(RgbImage::new(1, 1), format));
        assert_eq!(
            refused,
            Err(IntakeError::TooSmall {
                width: 1,
                height: 1,
                min_side: 16
            }),
            "{format:?}"
        );
    }
    let limits = IntakeLimits {
        min_side: 0,
        ..IntakeLimits::default()
    };
    let photo =
        decode_within(limits, &encoded(RgbImage::new(1, 1), ImageFormat::Png)).expect("allowed");
    assert_eq!((photo.raster.width(), photo.raster.height()), (1, 1));
}

/// A file that says 60000x60000 in its header and holds next to nothing.
fn bombs() -> [Vec<u8>; 3] {
    let mut jpeg = jpeg();
    let frame = jpeg
        .windows(2)
        .position(|w| w == [0xff, 0xc0])
        .expect("baseline frame");
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xea, 0x60, 0xea, 0x60]);
    let mut png = png();
    png[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let canvas = [
        b"VP8X\x0a\0\0\0\0\0\0\0".as_slice(),
        &[0x5f, 0xea, 0, 0x5f, 0xea, 0],
    ]
    .concat();
    let webp = [&b"RIFF\x30\0\0\0WEBP"[..], &canvas, &webp()[12..]].concat();
    [jpeg, png, webp]
}

#[test]
fn pictures_that_claim_too_many_pixels_are_refused_from_their_header() {
    for bytes in bombs() {
        let refused = decode(&bytes);
        assert!(
            matches!(
                refused,
                Err(IntakeError::TooLarge {
                    width: 60_000,
                    height: 60_000,
                    ..
                })
            ),
            "{refused:?}"
        );
    }
    let limits = IntakeLimits {
        max_pixels: 48 * 32 - 1,
        ..IntakeLimits::default()
    };
    for bytes in [jpeg(), png(), webp()] {
        let refused = decode_within(limits.clone(), &bytes);
        assert!(
            matches!(
                refused,
                Err(IntakeError::TooLarge {
                    width: 48,
                    height: 32,
                    ..
                })
            ),
            "{refused:?}"
        );
    }
}

#[test]
fn a_bitstream_larger_than_its_canvas_is_damage() {
    // The canvas says 48x32, the lossy frame inside 16383x16383.
    let canvas = [b"VP8X\x0a\0\0\0\0\0\0\0".as_slice(), &[47, 0, 0, 31, 0, 0]].concat();
    let frame = [
        &b"VP8 \x0a\0\0\0"[..],
        &[0, 0, 0, 0x9d, 1, 0x2a, 0xff, 0x3f, 0xff, 0x3f],
    ]
    .concat();
    let bytes = [&b"RIFF\x30\0\0\0WEBP"[..], &canvas, &frame].concat();
    assert!(matches!(decode(&bytes), Err(IntakeError::Damaged { .. })));
}

#[test]
fn pictures_that_take_too_much_memory_are_refused_from_their_header() {
    let picture = 48 * 32 * 3;
    let turned = with_segment(&jpeg(), 0xe1, &[b"Exif\0\0", &exif(6)[..]].concat());
    for (bytes, needs) in [
        (jpeg(), picture),
        (turned, picture * 2),
        (fixture("progressive.jpg"), picture * 2),
        (webp(), 48 * 32 * 7),
        (fixture("lossy.webp"), 48 * 32 * 5),
        (fixture("lossy-alpha.webp"), 48 * 32 * 15),
    ] {
        let within = |memory| {
            decode_within(
                IntakeLimits {
                    memory,
                    ..IntakeLimits::default()
                },
                &bytes,
            )
        };
        assert!(within(needs).is_ok());
        assert_eq!(
            within(needs - 1),
            Err(IntakeError::TooMuchMemory {
                bytes: needs,
                limit: needs - 1
            })
        );
    }
}

#[test]
fn a_picture_of_too_many_scans_is_refused() {
    let bytes = fixture("progressive.jpg");
    assert!(bytes.windows(2).filter(|w| *w == [0xff, 0xda]).count() > 3);
    let refused = decode_within(
        IntakeLimits {
            scans: 3,
            ..IntakeLimits::default()
        },
        &bytes,
    );
    assert!(refused.is_err_and(|e| e.to_string().contains("scans")));
}

/// A sound picture of each kind.
fn sound() -> [Vec<u8>; 5] {
    [
        jpeg(),
        png(),
        webp(),
        fixture("progressive.jpg"),
        fixture("lossy.webp"),
    ]
}

#[test]
fn a_picture_that_takes_too_long_is_refused() {
    let limits = IntakeLimits {
        decode_time: Duration::ZERO,
        ..IntakeLimits::default()
    };
    for bytes in sound() {
        assert_eq!(
            decode_within(limits.clone(), &bytes),
            Err(IntakeError::TooSlow { limit_ms: 0 })
        );
    }
}

#[test]
fn every_cut_of_a_file_is_refused_or_complete() {
    for bytes in sound() {
        let whole = decode(&bytes).expect("whole").raster;
        for length in 0..bytes.len() {
            // Only what follows the pixels, such as PNG's end chunk, may be missing.
            if let Ok(photo) = decode(&bytes[..length]) {
                assert!(
                    length + 16 >= bytes.len() && photo.raster == whole,
                    "{} cut at {length}",
                    photo.format
                );
            }
        }
    }
}

#[test]
fn fifteen_hundred_damaged_files_are_decoded_within_the_limits_or_refused() {
    let (max_pixels, decode_time) = (u64::from(WIDTH * HEIGHT), Duration::from_secs(600));
    let mut intake = Intake::new(IntakeLimits {
        max_pixels,
        decode_time,
        ..IntakeLimits::default()
    });
    let originals = originals();
    assert!(
        originals
            .iter()
            .filter(|o| intake.decode(o).is_ok())
            .count()
            >= originals.len() - 1,
        "one is animated"
    );
    let mut mutator = Mutator::new(1);
    let (mut decoded, mut refused) = (0, std::collections::BTreeMap::<&str, usize>::new());
    for _ in 0..1500 {
        let bytes = mutator.mutated(&originals);
        let answer = intake.decode(&bytes);
        assert_eq!(
            answer,
            intake.decode(&bytes),
            "the same bytes give the same answer"
        );
        match answer {
            Ok(photo) => {
                assert!(photo.raster.width() * photo.raster.height() <= WIDTH * HEIGHT);
                decoded += 1;
            }
            Err(e) => {
                *refused.entry(e.kind()).or_default() += 1;
            }
        }
    }
    // Else the damage is too weak or too strong to reach the decoders.
    assert!(decoded > 100, "{decoded} decoded");
    for kind in [
        "photo-damaged",
        "photo-too-large",
        "photo-unsupported-format",
        "photo-too-small",
    ] {
        assert!(refused.contains_key(kind), "{refused:?}");
    }
}
