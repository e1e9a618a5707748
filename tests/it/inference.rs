//! The models against vectors that Python made from the same picture
//! (models/export/reference_vectors.py): preprocessing and post-processing here equal the code that
//! the models' measured quality comes from.
//!
//! These tests need ONNX Runtime and the models; without them they fail with the program's own
//! message and its remedy.

use std::io::Cursor;

use assay::{
    domain::{geometry::Rect, raster::Raster},
    engine::vision::{Embedder, LocalFeatures, LogoEncoder, MarkComparator, TextReader},
    imaging::Intake,
    inference::{
        self,
        comparator::Comparator,
        embedder::PrintEmbedder,
        logos::LogoNetwork,
        manifest::{Manifest, Role},
        text::PpOcr,
        xfeat::XFeat,
    },
};
use image::{ImageDecoder, codecs::png::PngDecoder};
use serde_json::Value;

/// Summation order differs between builds of the runtime and between vector units.
const FLOAT_TOLERANCE: f64 = 2e-3;
/// A unit vector's component; the network is deep.
const EMBEDDING_TOLERANCE: f64 = 2e-3;
/// Share of the reference's keypoints that must be found at the same pixel: ties at the threshold
/// may fall either way.
const SAME_KEYPOINTS: f64 = 0.97;
/// Corners of a line in pixels: the reference grows rectangles on whole pixels of the detector's
/// map.
const CORNER_TOLERANCE_PX: f64 = 1.0;
/// Mean confidence of a line: lines are cut with other rounding.
const CONFIDENCE_TOLERANCE: f64 = 0.05;
/// Probability of a class in a cell: inside are whole numbers, and what lies between two may be
/// rounded either way.
const PROBABILITY_TOLERANCE: f64 = 2e-2;

fn vectors(name: &str) -> Value {
    let path = format!(
        "{}/tests/fixtures/vectors/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{path}: {e}"));
    serde_json::from_str(&text).unwrap()
}

fn picture() -> Raster {
    let decoder = PngDecoder::new(Cursor::new(include_bytes!(
        "../fixtures/vectors/picture.png"
    )))
    .unwrap();
    let (width, height) = decoder.dimensions();
    let mut pixels = vec![0; width as usize * height as usize * 3];
    decoder.read_image(&mut pixels).unwrap();
    Raster::new(width, height, pixels).unwrap()
}

fn manifest() -> Manifest {
    Manifest::of_this_build().unwrap()
}

/// Vectors of another file prove nothing.
fn made_from(role: Role, sha256: &Value) {
    let manifest = manifest();
    let entry = manifest.model(role).unwrap();
    assert_eq!(
        sha256.as_str(),
        Some(entry.sha256.to_string().as_str()),
        "the vectors of `{}` were made from another file: run models/export/reference_vectors.py",
        entry.name
    );
}

fn load<T, E: std::fmt::Display>(loaded: Result<T, E>) -> T {
    loaded.unwrap_or_else(|e| panic!("{e}"))
}

fn numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_f64().unwrap())
        .collect()
}

fn close(found: f64, expected: f64, tolerance: f64, what: &str) {
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found} differs from {expected} by more than {tolerance}"
    );
}

#[test]
fn xfeat_finds_and_describes_the_points_of_the_reference() {
    let expected = vectors("xfeat");
    made_from(Role::LocalFeatures, &expected["sha256"]);
    let mut xfeat = load(XFeat::load(&manifest(), None));
    let top = expected["top"].as_u64().unwrap() as usize;
    let found = xfeat.extract(&picture(), top).unwrap();
    let (xs, ys, scores) = (
        numbers(&expected["x"]),
        numbers(&expected["y"]),
        numbers(&expected["score"]),
    );
    assert_eq!(found.len(), xs.len());
    assert!(
        found.len() >= 50,
        "the picture has too few points to prove anything: {}",
        found.len()
    );
    assert!(found.keypoints.windows(2).all(|w| w[0].score >= w[1].score));
    let mut same = 0;
    for (i, (x, y)) in xs.iter().zip(&ys).enumerate() {
        let Some(k) = found
            .keypoints
            .iter()
            .position(|p| f64::from(p.x) == *x && f64::from(p.y) == *y)
        else {
            continue;
        };
        same += 1;
        close(
            f64::from(found.keypoints[k].score),
            scores[i],
            FLOAT_TOLERANCE,
            "score",
        );
        if let Some(descriptor) = expected["descriptors"].get(i) {
            for (found, expected) in found.descriptor(k).iter().zip(numbers(descriptor)) {
                close(f64::from(*found), expected, FLOAT_TOLERANCE, "descriptor");
            }
        }
    }
    assert!(
        f64::from(same) >= SAME_KEYPOINTS * xs.len() as f64,
        "{same} of {}",
        xs.len()
    );
}

#[test]
fn the_embedding_is_that_of_the_reference() {
    let expected = vectors("embedder");
    made_from(Role::Embedder, &expected["sha256"]);
    let mut embedder = load(PrintEmbedder::load(&manifest(), None));
    let picture = picture();
    let square = Raster::from_fn(embedder.side(), embedder.side(), |x, y| {
        picture.at(x % 160, y % 96)
    });
    let found = embedder.embed(&square).unwrap();
    assert_eq!(
        found.values().len() as u64,
        expected["dimensions"].as_u64().unwrap()
    );
    let every = expected["every"].as_u64().unwrap() as usize;
    let values = numbers(&expected["values"]);
    assert_eq!(values.len(), found.values().len().div_ceil(every));
    for (found, expected) in found.values().iter().step_by(every).zip(values) {
        close(
            f64::from(*found),
            expected,
            EMBEDDING_TOLERANCE,
            "component",
        );
    }
    assert!(
        embedder.embed(&picture).is_err(),
        "a picture of another size must be refused"
    );
}

#[test]
fn the_comparator_answers_as_the_reference() {
    let expected = vectors("comparator");
    made_from(Role::ComparatorEncoder, &expected["encoder_sha256"]);
    made_from(Role::Comparator, &expected["sha256"]);
    let mut comparator = load(Comparator::load(&manifest(), None));
    let picture = picture();
    let reference = picture.crop(Rect::from_size(0, 0, 128, 64));
    // One letter put over another, seen two pixels to the left and one up, as the script makes it.
    let photo = Raster::from_fn(128, 64, |x, y| {
        let x = if (60..90).contains(&x) && (14..34).contains(&y) {
            x - 44
        } else {
            x
        };
        picture.at(x + 2, y + 1)
    });
    let mut encode = |picture| load(comparator.encode(picture));
    let (known, seen, other) = (encode(&reference), encode(&photo), encode(&picture));
    let found = comparator.compare(&known, &seen).unwrap();
    assert_eq!((found.rows, found.columns), (8, 16));
    let cells = expected["probabilities"].as_array().unwrap();
    assert_eq!(cells.len(), found.probabilities.len());
    for (found, expected) in found.probabilities.iter().zip(cells) {
        let found = [found.same, found.different, found.unseen];
        assert!((found.iter().sum::<f32>() - 1.0).abs() < 1e-5);
        for (found, expected) in found.iter().zip(numbers(expected)) {
            close(
                f64::from(*found),
                expected,
                PROBABILITY_TOLERANCE,
                "probability",
            );
        }
    }
    assert!(
        comparator.compare(&known, &other).is_err(),
        "pictures of two sizes must be refused"
    );
    assert!(
        comparator
            .encode(&picture.crop(Rect::from_size(0, 0, 100, 64)))
            .is_err(),
        "sides that are no multiples of 16 must be refused"
    );
    let overview = load(comparator.encode(&Raster::from_fn(304, 432, |_, _| [90; 3])));
    assert_eq!((overview.rows, overview.columns), (108, 76));
    let long = Raster::from_fn(528, 32, |_, _| [90; 3]);
    assert!(
        comparator.encode(&long).is_err(),
        "longer sides must be refused"
    );
}

#[test]
fn text_is_found_and_read_as_by_the_reference() {
    let expected = vectors("text");
    made_from(Role::TextDetector, &expected["detector_sha256"]);
    made_from(Role::TextRecogniser, &expected["recogniser_sha256"]);
    let mut reader = load(PpOcr::load(manifest(), None));
    let picture = picture();
    let found = reader.read(&picture).unwrap();
    let corners = expected["corners"].as_array().unwrap();
    assert_eq!(found.len(), corners.len());
    assert!(found.len() >= 2);
    for ((line, corners), reading) in found
        .iter()
        .zip(corners)
        .zip(expected["readings"].as_array().unwrap())
    {
        for (found, expected) in line.corners.iter().zip(corners.as_array().unwrap()) {
            close(
                found.x,
                expected[0].as_f64().unwrap(),
                CORNER_TOLERANCE_PX,
                "x of a corner",
            );
            close(
                found.y,
                expected[1].as_f64().unwrap(),
                CORNER_TOLERANCE_PX,
                "y of a corner",
            );
        }
        assert_eq!(Some(line.reading.text.as_str()), reading["text"].as_str());
        close(
            line.reading.confidence,
            reading["confidence"].as_f64().unwrap(),
            CONFIDENCE_TOLERANCE,
            "confidence",
        );
    }
    let ready = reader
        .recognise(&[picture.crop(Rect::from_size(6, 2, 148, 48))])
        .unwrap();
    assert_eq!(
        Some(ready[0].text.as_str()),
        expected["ready"]["text"].as_str()
    );
    close(
        ready[0].confidence,
        expected["ready"]["confidence"].as_f64().unwrap(),
        FLOAT_TOLERANCE,
        "confidence",
    );
}

#[test]
fn text_that_runs_upwards_or_downwards_is_read_too() {
    let mut reader = load(PpOcr::load(manifest(), None));
    let upright = picture().crop(Rect::from_size(6, 6, 148, 40));
    for turns in [1, 3] {
        let lines = reader.read(&upright.rotated(turns)).unwrap();
        let read: Vec<&str> = lines.iter().map(|l| l.reading.text.as_str()).collect();
        assert_eq!(read, ["OAT DRINK"], "turned {turns} times");
    }
}

#[test]
fn models_in_a_folder_that_lacks_them_give_one_readable_message() {
    let empty = tempfile::tempdir().unwrap();
    let said = XFeat::load(&manifest(), Some(empty.path()))
        .err()
        .map(|e| e.to_string())
        .unwrap_or_default();
    assert!(
        said.contains("xfeat_dense.onnx") && said.contains("remedy"),
        "{said}"
    );
}

#[test]
fn every_model_answers_the_picture_that_a_probe_shows() {
    let mut vision = inference::vision(None, Box::new(Intake::default())).unwrap();
    vision.probe().unwrap();
}

#[test]
fn the_network_for_logos_sees_what_the_reference_sees() {
    let expected = vectors("logos");
    made_from(Role::Logos, &expected["sha256"]);
    let mut network = load(LogoNetwork::load(&manifest(), None));
    let maps = network.encode(&picture()).unwrap();
    let count = |name: &str| expected[name].as_u64().unwrap() as usize;
    let (rows, columns) = (count("rows"), count("columns"));
    assert_eq!((maps.rows, maps.columns), (rows, columns));
    let (row, column) = (count("row"), count("column"));
    for (name, map, fine) in [
        ("vector", &maps.vectors, 1),
        ("box", &maps.boxes, 1),
        ("parts", &maps.parts, 2),
    ] {
        let (width, plane) = (fine * columns, fine * fine * rows * columns);
        for (k, wanted) in numbers(&expected[name]).into_iter().enumerate() {
            let found = map[k * plane + fine * row * width + fine * column];
            // Weights are kept in 16 bits: as exact as these are.
            close(f64::from(found), wanted, 1e-2, &format!("{name} {k}"));
        }
    }
}
