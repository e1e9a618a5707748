//! Logos that local features do not meet: too small, too simple, or in other colours. A network trained for
//! it puts photo and logo into one space; a logo lies where the photo's map is most like it, and the parts
//! of both have to agree there.
//!
//! What is found so is seen and no more: it tells where to look, not whether every line is right.
//! The search is described in `models/logo_finder.md`.

use std::{cmp::Ordering, sync::Arc};

use super::{
    cache::Cache,
    claim::Claim,
    frames::content_box,
    need::{Interrupt, Prepared},
    prepare::ReferencePixels,
    vision::{Imaging, InferenceError, LogoEncoder, LogoMaps, Vision},
};
use crate::domain::{
    gallery::{Gallery, Reference, ReferenceKind},
    geometry::Rect,
    number::{index, whole},
    raster::Raster,
    tuning::logos::{BIAS, MAP_WEIGHT, PARTS_WEIGHT, SEEN},
};

/// Longer sides in pixels at which a photo is looked at.
const LEVELS: [u32; 3] = [512, 256, 128];
/// Longer sides of a logo in a query, and the sides of the canvas that it lies on.
const SIZES: [(u32, u32); 4] = [(48, 96), (72, 128), (108, 160), (160, 224)];
/// Sides of a picture are multiples of this many pixels.
const MULTIPLE: u32 = 32;
/// Pixels to a cell of the maps of vectors and boxes.
const CELL_PX: f32 = 16.0;
/// Pixels to a cell of the maps of parts.
const PART_PX: f32 = 8.0;
/// Samples of parts across and down a box.
const GRID: usize = 5;
/// Pixels that a size of 0 in the maps of boxes stands for.
const UNIT: f32 = 64.0;
/// Places that are looked at for their parts.
const CANDIDATES: usize = 6;
/// Logos of a claim that are looked for at most: each costs about a millisecond.
const MOST: usize = 32;

/// A logo of the claim that was seen in a photo.
#[derive(Clone, Debug)]
pub(crate) struct SeenLogo {
    /// The logo.
    pub reference: Arc<Reference>,
    /// Where it lies, in 0..1 of the photo.
    pub place: Rect<f64>,
}

/// The logo of a claim that a photo shows most surely; `None` when none is sure.
///
/// # Errors
/// [`Interrupt::Need`] when pixels of a logo are not at hand; a model that could not be run.
pub(crate) fn seen_logo(
    vision: &mut Vision,
    cache: &Cache,
    photo: &Raster,
    (gallery, claim): (&Gallery, &Claim),
    prepared: &Prepared,
) -> Result<Option<SeenLogo>, Interrupt> {
    let claimed = &gallery.references()[claim.places(gallery)];
    let logos = claimed.iter().filter(|r| r.kind == ReferenceKind::Logo);
    let logos: Vec<&Arc<Reference>> = logos.take(MOST).collect();
    if logos.is_empty() {
        return Ok(None);
    }
    prepared.require_all_pixels(logos.iter().map(|r| r.as_ref()))?;
    let (imaging, encoder) = (vision.imaging.as_mut(), vision.logos.as_mut());
    let levels = levels(imaging, encoder, photo)?;
    let mut best: Option<(f32, SeenLogo)> = None;
    for reference in logos {
        let Some(pixels) = prepared.pixels(reference) else {
            continue;
        };
        let entries = entries(imaging, encoder, cache, pixels)?;
        let Some((score, place)) = search(&levels, &entries) else {
            continue;
        };
        if score >= SEEN && best.as_ref().is_none_or(|(s, _)| score > *s) {
            let reference = Arc::clone(reference);
            best = Some((score, SeenLogo { reference, place }));
        }
    }
    Ok(best.map(|(_, seen)| seen))
}

/// A photo at one size.
struct Level {
    maps: LogoMaps,
    /// Sides in pixels, without what fills up to a multiple.
    size: (f32, f32),
    /// Columns and rows of cells that begin inside the photo.
    cells: (usize, usize),
}

/// A logo at one size and in one polarity.
struct Entry {
    vector: Vec<f32>,
    parts: Vec<f32>,
    size: (f32, f32),
}

fn levels(
    imaging: &mut dyn Imaging,
    encoder: &mut dyn LogoEncoder,
    photo: &Raster,
) -> Result<Vec<Level>, InferenceError> {
    let mut levels = Vec::with_capacity(LEVELS.len());
    for side in LEVELS {
        let (width, height) = fitted(photo, side, 1);
        let small = imaging.resize(photo, width, height);
        let full = |v: u32| v.div_ceil(MULTIPLE) * MULTIPLE;
        let padded = Raster::from_fn(full(width), full(height), |x, y| {
            small.at(x.min(width - 1), y.min(height - 1))
        });
        levels.push(Level {
            maps: encoder.encode(&padded)?,
            size: (width as f32, height as f32),
            cells: (width.div_ceil(16) as usize, height.div_ceil(16) as usize),
        });
    }
    Ok(levels)
}

/// The sides of a picture whose longer one becomes `side`, at least `least`.
fn fitted(picture: &Raster, side: u32, least: u32) -> (u32, u32) {
    let scale = f64::from(side) / f64::from(picture.long_side());
    let fit = |v: u32| whole((f64::from(v) * scale).round_ties_even()).max(least);
    (fit(picture.width()), fit(picture.height()))
}

/// A logo's entries, from the cache where they are known.
fn entries(
    imaging: &mut dyn Imaging,
    encoder: &mut dyn LogoEncoder,
    cache: &Cache,
    pixels: &ReferencePixels,
) -> Result<Arc<Vec<Entry>>, InferenceError> {
    let key = format!("logo {}", pixels.key);
    if let Some(kept) = cache.get::<Vec<Entry>>(&key) {
        return Ok(kept);
    }
    let frame = &pixels.frame.raster;
    let tight = frame.crop(content_box(frame));
    let ground = ground(&tight);
    let mut entries = Vec::new();
    for (side, canvas) in SIZES {
        let (width, height) = fitted(&tight, side, 2);
        let small = imaging.resize(&tight, width, height);
        let (left, top) = ((canvas - width) / 2, (canvas - height) / 2);
        let laid = Raster::from_fn(canvas, canvas, |x, y| {
            let inside = (left..left + width).contains(&x) && (top..top + height).contains(&y);
            match inside {
                true => small.at(x - left, y - top),
                false => ground,
            }
        });
        let negative = Raster::from_fn(canvas, canvas, |x, y| laid.at(x, y).map(|v| 255 - v));
        for picture in [laid, negative] {
            let maps = encoder.encode(&picture)?;
            let (x, y) = (left as f32, top as f32);
            let (w, h) = (width as f32, height as f32);
            entries.push(Entry {
                vector: middle(&maps),
                parts: parts(&maps, [x, y, x + w, y + h]),
                size: (w, h),
            });
        }
    }
    let bytes = entries.iter().map(|e| 4 * (e.vector.len() + e.parts.len()));
    let (bytes, entries) = (bytes.sum(), Arc::new(entries));
    cache.put(key, Arc::clone(&entries), bytes);
    Ok(entries)
}

/// Median of the four edge lines, channel by channel.
fn ground(picture: &Raster) -> [u8; 3] {
    let (right, bottom) = (picture.width() - 1, picture.height() - 1);
    let across = (0..=right).flat_map(|x| [(x, 0), (x, bottom)]);
    let edges = across.chain((0..=bottom).flat_map(|y| [(0, y), (right, y)]));
    let levels: Vec<[u8; 3]> = edges.map(|(x, y)| picture.at(x, y)).collect();
    std::array::from_fn(|channel| {
        let mut levels: Vec<u8> = levels.iter().map(|p| p[channel]).collect();
        levels.sort_unstable();
        // Of an even number the mean of the middle two, cut to a byte.
        let (low, high) = (levels[(levels.len() - 1) / 2], levels[levels.len() / 2]);
        low.midpoint(high)
    })
}

/// Mean of the four vectors in the middle of a canvas, at unit length.
fn middle(maps: &LogoMaps) -> Vec<f32> {
    let (c, r) = (maps.columns / 2, maps.rows / 2);
    let at = |channel: usize, row: usize, column: usize| {
        maps.vectors[(channel * maps.rows + row) * maps.columns + column]
    };
    let mut vector: Vec<f32> = (0..maps.vectors.len() / (maps.rows * maps.columns))
        .map(|k| at(k, r - 1, c - 1) + at(k, r - 1, c) + at(k, r, c - 1) + at(k, r, c))
        .collect();
    to_unit_length(&mut vector);
    vector
}

/// Samples of the maps of parts over a box (left, top, right, bottom in pixels), at unit length: channel by
/// channel, row by row.
fn parts(maps: &LogoMaps, [left, top, right, bottom]: [f32; 4]) -> Vec<f32> {
    let (columns, rows) = (maps.columns * 2, maps.rows * 2);
    let steps = |from: f32, to: f32, last: usize| -> [(usize, usize, f32); GRID] {
        std::array::from_fn(|i| {
            let at = from + (to - from) * ((i as f32 + 0.5) / GRID as f32);
            let at = (at / PART_PX - 0.5).clamp(0.0, (last - 1) as f32);
            let low = index(f64::from(at.floor())).min(last - 1);
            (low, (low + 1).min(last - 1), at - low as f32)
        })
    };
    let (across, down) = (steps(left, right, columns), steps(top, bottom, rows));
    let mut samples = Vec::with_capacity(maps.parts.len() / (columns * rows) * GRID * GRID);
    for plane in maps.parts.chunks_exact(columns * rows) {
        for (y0, y1, fy) in down {
            for (x0, x1, fx) in across {
                let line =
                    |y: usize| plane[y * columns + x0] * (1.0 - fx) + plane[y * columns + x1] * fx;
                samples.push(line(y0) * (1.0 - fy) + line(y1) * fy);
            }
        }
    }
    to_unit_length(&mut samples);
    samples
}

fn to_unit_length(values: &mut [f32]) {
    let length = values.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-12);
    values.iter_mut().for_each(|v| *v /= length);
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// A cell that looks like a logo.
struct Candidate<'a> {
    agreement: f32,
    level: &'a Level,
    entry: &'a Entry,
    cell: (usize, usize),
}

/// The best place of a logo and its score, which is a logit; `None` without any cell.
fn search(levels: &[Level], entries: &[Entry]) -> Option<(f32, Rect<f64>)> {
    let mut found: Vec<Candidate> = Vec::new();
    for level in levels {
        found.extend(entries.iter().filter_map(|entry| best_cell(level, entry)));
    }
    // Stable, so that of equals the larger size and the first entry come first.
    found.sort_by(|a, b| b.agreement.total_cmp(&a.agreement));
    let hits = found.iter().take(CANDIDATES).map(verified);
    hits.max_by(|a, b| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal))
}

/// The cell of a photo that is most like an entry.
fn best_cell<'a>(level: &'a Level, entry: &'a Entry) -> Option<Candidate<'a>> {
    let maps = &level.maps;
    let cells = maps.rows * maps.columns;
    let mut agreement = vec![0.0_f32; cells];
    for (plane, weight) in maps.vectors.chunks_exact(cells).zip(&entry.vector) {
        for (sum, value) in agreement.iter_mut().zip(plane) {
            *sum += weight * value;
        }
    }
    let (columns, rows) = level.cells;
    let inside = (0..rows).flat_map(|row| (0..columns).map(move |column| (column, row)));
    let scored = inside.map(|(column, row)| (agreement[row * maps.columns + column], column, row));
    // The first of equals.
    let best = scored.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map(|(agreement, column, row)| Candidate {
        agreement,
        level,
        entry,
        cell: (column, row),
    })
}

/// The score of a candidate by its vector and its parts, and its box in 0..1 of the photo.
fn verified(candidate: &Candidate) -> (f32, Rect<f64>) {
    let Candidate {
        agreement,
        level,
        entry,
        cell: (column, row),
    } = candidate;
    let maps = &level.maps;
    let at = |k: usize| maps.boxes[(k * maps.rows + row) * maps.columns + column];
    let (x, y) = (
        (*column as f32 + 0.5 + at(0)) * CELL_PX,
        (*row as f32 + 0.5 + at(1)) * CELL_PX,
    );
    let told = (UNIT * at(2).exp(), UNIT * at(3).exp());
    let own = entry.size;
    let between = ((told.0 * own.0).sqrt(), (told.1 * own.1).sqrt());
    let tried = [told, own, between].map(|(w, h)| {
        let place = [x - w / 2.0, y - h / 2.0, x + w / 2.0, y + h / 2.0];
        (dot(&parts(maps, place), &entry.parts), place)
    });
    let (parts, [left, top, right, bottom]) =
        tried
            .into_iter()
            .fold((f32::NEG_INFINITY, [0.0; 4]), |best, next| {
                if next.0 > best.0 { next } else { best }
            });
    let (width, height) = level.size;
    let unit = |v: f32, side: f32| f64::from((v / side).clamp(0.0, 1.0));
    let place = Rect::new(
        unit(left, width),
        unit(top, height),
        unit(right, width),
        unit(bottom, height),
    );
    (MAP_WEIGHT * agreement + PARTS_WEIGHT * parts + BIAS, place)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Maps of 10 x 6 cells with 2 planes of vectors and one of parts, which holds its columns' numbers.
    fn maps() -> LogoMaps {
        let parts = (0..12 * 20).map(|i| (i % 20) as f32);
        LogoMaps {
            columns: 10,
            rows: 6,
            vectors: vec![0.0; 2 * 60],
            boxes: vec![0.0; 4 * 60],
            parts: parts.collect(),
        }
    }

    #[test]
    fn samples_lie_between_cells_and_stay_inside() {
        // From 16 to 96 pixels: the samples' middles at 24, 40, 56, 72, 88 are in cells of 8 pixels half
        // a cell on.
        let wanted = [2.5, 4.5, 6.5, 8.5, 10.5_f32];
        let length = (5.0 * wanted.iter().map(|v| v * v).sum::<f32>()).sqrt();
        let found = parts(&maps(), [16.0, 16.0, 96.0, 80.0]);
        assert_eq!(found.len(), GRID * GRID);
        for (i, value) in found.iter().enumerate() {
            assert!(
                (value * length - wanted[i % GRID]).abs() < 1e-3,
                "{found:?}"
            );
        }
        // Beyond the picture its border goes on.
        let beyond = parts(&maps(), [400.0, 0.0, 500.0, 10.0]);
        assert!(beyond.iter().all(|v| (v - 0.2).abs() < 1e-6), "{beyond:?}");
    }

    #[test]
    fn a_logo_is_found_at_its_cell_and_with_its_box() {
        let mut maps = maps();
        let cell = 3 * 10 + 6;
        (maps.vectors[cell], maps.vectors[60 + cell]) = (0.6, 0.8);
        // A quarter of a cell to the right, twice as wide as 64 pixels.
        (maps.boxes[cell], maps.boxes[2 * 60 + cell]) = (0.25, 2.0_f32.ln());
        let centre = ((6.0 + 0.5 + 0.25) * 16.0, 3.5 * 16.0);
        let place = [
            centre.0 - 64.0,
            centre.1 - 32.0,
            centre.0 + 64.0,
            centre.1 + 32.0,
        ];
        let entry = Entry {
            vector: vec![0.6, 0.8],
            parts: parts(&maps, place),
            size: (20.0, 20.0),
        };
        let level = Level {
            maps,
            size: (160.0, 90.0),
            cells: (10, 6),
        };
        let (score, found) = search(&[level], &[entry]).unwrap();
        assert!(
            (score - (MAP_WEIGHT + PARTS_WEIGHT + BIAS)).abs() < 1e-4,
            "{score}"
        );
        let wanted = Rect::new(44.0 / 160.0, 24.0 / 90.0, 1.0, 88.0 / 90.0);
        for (a, b) in found.corners().iter().zip(wanted.corners()) {
            assert!(a.distance(b) < 1e-6, "{found:?}");
        }
    }

    #[test]
    fn cells_beyond_the_photo_are_never_found() {
        let mut maps = maps();
        (maps.vectors[9], maps.vectors[60 + 9]) = (0.6, 0.8);
        let entry = Entry {
            vector: vec![0.6, 0.8],
            parts: vec![0.2; GRID * GRID],
            size: (20.0, 20.0),
        };
        let level = Level {
            maps,
            size: (140.0, 90.0),
            cells: (9, 6),
        };
        let best = best_cell(&level, &entry).unwrap();
        assert_eq!((best.agreement, best.cell), (0.0, (0, 0)));
    }
}
