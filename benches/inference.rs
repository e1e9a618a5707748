//! Time of each model on one thread, pictures in memory to result: `cargo bench --bench inference`.

use assay::{
    domain::{geometry::Rect, number::level, raster::Raster},
    engine::vision::{Embedder, LocalFeatures, MarkComparator, TextReader},
    inference::{
        comparator::Comparator, embedder::PrintEmbedder, manifest::Manifest, text::PpOcr,
        xfeat::XFeat,
    },
};
use divan::{Bencher, black_box};

fn main() {
    divan::main();
}

fn load<T, E: std::fmt::Display>(loaded: Result<T, E>) -> T {
    loaded.unwrap_or_else(|e| panic!("{e}"))
}

fn manifest() -> Manifest {
    load(Manifest::of_this_build())
}

/// A picture with corners and edges everywhere, drawn from integers alone.
fn picture(width: u32, height: u32) -> Raster {
    Raster::from_fn(width, height, |x, y| {
        // Tiles of uneven sides and grain, so that no kernel meets a plain area.
        let tile = (x / 13 * 7 + y / 11 * 5) % 9;
        let grain = (x * 31 + y * 17) % 23;
        [
            tile * 24 + grain,
            230 - tile * 20 - grain,
            60 + tile * 12 + grain,
        ]
        .map(level)
    })
}

#[divan::bench(args = [(960, 704), (640, 448)])]
fn xfeat(bencher: Bencher, (width, height): (u32, u32)) {
    let (mut model, frame) = (load(XFeat::load(&manifest(), None)), picture(width, height));
    bencher.bench_local(|| model.extract(black_box(&frame), 1000));
}

#[divan::bench]
fn embedder(bencher: Bencher) {
    let mut model = load(PrintEmbedder::load(&manifest(), None));
    let square = picture(model.side(), model.side());
    bencher.bench_local(|| model.embed(black_box(&square)));
}

/// One mark of a photo against a reference whose side is known already, as it is from the second
/// check on; the last size is an overview's at a whole article.
#[divan::bench(args = [(192, 64), (320, 96), (432, 304)])]
fn comparator(bencher: Bencher, (width, height): (u32, u32)) {
    let mut model = load(Comparator::load(&manifest(), None));
    let (reference, photo) = (
        picture(width, height),
        // Shifted by two pixels, as an alignment leaves it.
        picture(width + 2, height).crop(Rect::from_size(2, 0, width, height)),
    );
    // Outside the measured part: from the second check on it is known.
    let reference = load(model.encode(&reference));
    bencher.bench_local(|| {
        let photo = load(model.encode(black_box(&photo)));
        model.compare(black_box(&reference), &photo)
    });
}

/// What a mark's first comparison costs besides.
#[divan::bench(args = [(192, 64), (320, 96)])]
fn comparator_reference(bencher: Bencher, (width, height): (u32, u32)) {
    let mut model = load(Comparator::load(&manifest(), None));
    let reference = picture(width, height);
    bencher.bench_local(|| model.encode(black_box(&reference)));
}

#[divan::bench(args = [160, 320])]
fn text_recogniser(bencher: Bencher, width: u32) {
    let mut model = load(PpOcr::load(manifest(), None));
    let line = [picture(width, 48)];
    bencher.bench_local(|| model.recognise(black_box(&line)));
}

#[divan::bench]
fn text_detector(bencher: Bencher) {
    let model = load(PpOcr::load(manifest(), None));
    // The size of the detector's first look, so that nothing is resized for that.
    let photo = picture(736, 736);
    bencher.bench_local(|| model.detect(black_box(&photo)));
}

/// What a worker does once at start.
#[divan::bench]
fn loading_all_models() -> usize {
    let manifest = manifest();
    let names = [
        load(XFeat::load(&manifest, None)).model().to_string(),
        load(PrintEmbedder::load(&manifest, None))
            .model()
            .to_string(),
        load(Comparator::load(&manifest, None)).model().to_string(),
        load(PpOcr::load(manifest, None)).model().to_string(),
    ];
    names.iter().map(String::len).sum()
}
