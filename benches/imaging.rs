//! What pixels cost: decoding, resizing, measuring on intake; light and hues of an aligned pack.
//! Run with `cargo bench --bench imaging`.

use std::io::Cursor;

use assay::{
    domain::{
        appearance::compare_blocks,
        colour::PackColours,
        fingerprint::fingerprint,
        geometry::{Homography, Rect},
        illumination::normalised_light,
        number::level,
        quality::measure,
        raster::Raster,
        rectify::{Rectified, rectify},
    },
    engine::vision::Imaging,
    imaging::Intake,
};
use divan::{Bencher, black_box};
use image::{ImageFormat, Rgb, RgbImage};

/// Sides of a listing photo and of a phone photo.
const SIZES: [(u32, u32); 2] = [(1280, 960), (4000, 3000)];

fn main() {
    divan::main();
}

/// Something with edges of every size, so that decoding is neither trivial nor noise.
fn drawn((width, height): (u32, u32)) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        // A slow wave and hard blocks: encoders and filters meet both in real photos.
        let wave = f64::from(x * 7 + y * 3).to_radians().sin() * 50.0 + 120.0;
        let block = (x / 37 * 61 + y / 23 * 97) % 120;
        Rgb([
            level(wave),
            level(f64::from(block) + wave * 0.5),
            level(x * 255 / width),
        ])
    })
}

fn encoded(picture: &RgbImage, format: ImageFormat) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    picture
        .write_to(&mut out, format)
        .expect("a drawn picture encodes");
    out.into_inner()
}

fn raster(size: (u32, u32)) -> Raster {
    let picture = drawn(size);
    Raster::new(size.0, size.1, picture.into_raw()).expect("sides fit")
}

#[divan::bench(args = SIZES)]
fn decode_jpeg(bencher: Bencher, size: (u32, u32)) {
    decode(bencher, encoded(&drawn(size), ImageFormat::Jpeg));
}

#[divan::bench]
fn decode_png(bencher: Bencher) {
    decode(bencher, encoded(&drawn(SIZES[0]), ImageFormat::Png));
}

#[divan::bench]
fn decode_webp(bencher: Bencher) {
    decode(bencher, encoded(&drawn(SIZES[0]), ImageFormat::WebP));
}

fn decode(bencher: Bencher, bytes: Vec<u8>) {
    // One for all rounds, as each worker has one.
    let mut intake = Intake::default();
    bencher.bench_local(|| intake.decode(black_box(&bytes)));
}

#[divan::bench(args = SIZES)]
fn resize_to_960(bencher: Bencher, size: (u32, u32)) {
    let (mut intake, raster) = (Intake::default(), raster(size));
    bencher.bench_local(|| intake.resize(black_box(&raster), 960, 720));
}

#[divan::bench(args = SIZES)]
fn measure_quality(bencher: Bencher, size: (u32, u32)) {
    let raster = raster(size);
    bencher.bench_local(|| measure(black_box(&raster)));
}

#[divan::bench(args = SIZES)]
fn take_fingerprint(bencher: Bencher, size: (u32, u32)) {
    let raster = raster(size);
    bencher.bench_local(|| fingerprint(black_box(&raster)));
}

/// A pack in its frame and a darker photo of it.
fn aligned() -> (Raster, Rectified) {
    let reference = raster((640, 448));
    let photo = Raster::from_fn(640, 448, |x, y| reference.at(x, y).map(|v| v / 4 * 3 + 9));
    (
        reference,
        Rectified {
            raster: photo,
            // Wholly in view, so that every pixel is worked on.
            visible: vec![true; 640 * 448],
            scale: 1.0,
        },
    )
}

/// A pack seen aslant, at one and at four samples of the photo to a pixel of the frame.
#[divan::bench(args = [1.2, 1.8])]
fn rectify_a_pack(bencher: Bencher, scale: f64) {
    let photo = raster(SIZES[0]);
    let aslant = Homography([scale, 0.05, 40.0, -0.04, scale, 60.0, 1e-5, -2e-5, 1.0]);
    bencher.bench_local(|| rectify(black_box(&photo), &aslant, 640, 448));
}

#[divan::bench]
fn blocks_of_a_pack(bencher: Bencher) {
    let (reference, photo) = aligned();
    // Made before, for a check makes them once for all its blocks.
    let (own, seen) = (reference.grey(), photo.raster.grey());
    bencher.bench_local(|| compare_blocks(black_box(&own), &seen, &photo));
}

#[divan::bench]
fn light_of_a_pack(bencher: Bencher) {
    let (reference, photo) = aligned();
    bencher.bench_local(|| normalised_light(black_box(&photo), &reference));
}

#[divan::bench]
fn hues_of_eight_marks(bencher: Bencher) {
    let (reference, photo) = aligned();
    // Its own time is measured above.
    let lit = normalised_light(&photo, &reference);
    bencher.bench_local(|| {
        let colours = PackColours::of(black_box(&reference), &photo, &lit);
        (0..8)
            .map(|i| colours.turn(Rect::from_size(64 * i + 32, 96, 128, 64)))
            .collect::<Vec<_>>()
    });
}
