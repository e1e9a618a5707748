//! Which enrolled picture a photo is a copy of, and which enrolled pictures are copies of each
//! other.
//!
//! A fingerprint or a place found by features only nominates: both look past one other letter and
//! another hue. The copy test of the domain decides, pixel by pixel.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    cache::Cache,
    candidate::Candidate,
    claim::Claim,
    frames::{Frame, pixels_to_unit, unit_to_pixels},
    need::{Interrupt, Prepared},
    prepare::{ReferencePixels, pixels_key},
    search::Query,
    vision::{Imaging, Vision},
};
use crate::domain::{
    copy::{CopyAgreement, copy_agreement},
    digest::Sha256,
    gallery::{Gallery, ProductKey, Reference},
    geometry::{Homography, Point, number::whole, quad_area},
    raster::Raster,
    rectify::local_scale,
    tuning::copy::{COVERED, MOST_PERSPECTIVE, MOST_TRIED, NOMINATED_BITS, TWIN_BITS},
};

/// An enrolled picture that a photo may be a copy of.
pub(crate) struct Nominee {
    pub reference: Arc<Reference>,
    /// Where to begin.
    start: Start,
}

/// How a copy may lie in its picture before anything is known of its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Start {
    /// It shows all of it, from edge to edge.
    Whole,
    /// The same, mirrored.
    Mirrored,
    /// Features placed it: pixels of the reference's frame to pixels of the photo's.
    Placed(Homography),
}

/// The enrolled pictures that are worth a copy test, the nearest first; of most photos none are.
/// `found` are those that features placed in the whole photo.
// Of the whole gallery and not of the claim alone: a sibling's picture is near to all its siblings.
pub(crate) fn nominees<'a>(
    query: &Query,
    gallery: &Gallery,
    found: impl Iterator<Item = &'a Candidate>,
) -> Vec<Nominee> {
    let (facts, photo) = (&query.photo.facts, &query.frame);
    let placed: HashMap<&str, (&Arc<Reference>, Start)> = found
        .filter_map(|c| Some((c.reference.id.as_str(), (&c.reference, placed(c, photo)?))))
        .collect();
    let nominee = |bits, reference: &Arc<Reference>, start| {
        let reference = Arc::clone(reference);
        (bits, Nominee { reference, start })
    };
    // Before all others: features place a picture more surely than a fingerprint.
    let placed_first = placed.values().map(|(r, start)| nominee(0, r, *start));
    let mut near: Vec<(u32, Nominee)> = placed_first.collect();
    for (n, fingerprint) in gallery.fingerprints().iter().enumerate() {
        let bits = facts.fingerprint.distance(fingerprint);
        let mirrored = facts.mirrored.distance(fingerprint);
        if bits.min(mirrored) > NOMINATED_BITS {
            continue;
        }
        // Only now: looking at every reference of a large gallery takes longer than its fingerprint.
        let reference = &gallery.references()[n];
        if placed.contains_key(reference.id.as_str()) {
            continue;
        }
        near.push(match mirrored < bits {
            true => nominee(mirrored, reference, Start::Mirrored),
            false => nominee(bits, reference, Start::Whole),
        });
    }
    near.sort_by(|(a, x), (b, y)| {
        let key = |n: &'_ Nominee| (n.reference.product.clone(), n.reference.id.clone());
        a.cmp(b).then_with(|| key(x).cmp(&key(y)))
    });
    near.truncate(MOST_TRIED);
    near.into_iter().map(|(_, nominee)| nominee).collect()
}

/// Where features placed a reference, when that may be a copy of its picture.
fn placed(candidate: &Candidate, photo: &Frame) -> Option<Start> {
    let location = candidate
        .location
        .as_ref()
        .filter(|_| candidate.is_located())?;
    let features = &candidate.features;
    let map = without_perspective(&location.reference_to_photo, features.frame_size())?;
    let to_photo = map.after(&features.from_unit);
    (coverage(&to_photo, photo) >= COVERED).then_some(Start::Placed(map))
}

/// An enrolled picture that a photo was made from.
pub struct Copied {
    /// The reference whose picture it is.
    pub reference: Arc<Reference>,
    /// Whether something in it was changed.
    pub altered: bool,
}

/// The enrolled picture that the photo is a copy of: of the whole gallery the one that agrees best,
/// when it is one of the claim.
// A copy of another product's picture is judged as any photo of that product is: it must not be
// called a picture of the claimed one, whose own may be as like as one letter.
pub(crate) fn copied(
    vision: &mut Vision,
    query: &Query,
    nominees: &[Nominee],
    claim: Option<&Claim>,
    prepared: &Prepared,
) -> Option<Copied> {
    let mut best: Option<(CopyAgreement, bool, &Arc<Reference>)> = None;
    for nominee in nominees {
        let reference = &nominee.reference;
        // A lost picture cannot be compared; the verdict says so where it is one of the claim.
        let Some(pixels) = prepared.pixels(reference) else {
            continue;
        };
        let Some(agreement) = tried(vision.imaging.as_mut(), query, nominee.start, pixels) else {
            continue;
        };
        let claimed = claim.is_none_or(|c| c.covers(&reference.product));
        let better = best.is_none_or(|(known, other, _)| {
            // The same picture enrolled for two products is the claimed one's.
            agreement.mean < known.mean || (agreement.mean <= known.mean && claimed && !other)
        });
        if better {
            best = Some((agreement, claimed, reference));
        }
    }
    best.filter(|b| b.1)
        .map(|(agreement, _, reference)| Copied {
            reference: Arc::clone(reference),
            altered: !agreement.is_copy(),
        })
}

/// The photo tried as a copy of a reference's picture, altered or not; `None` when it is none.
fn tried(
    imaging: &mut dyn Imaging,
    query: &Query,
    start: Start,
    pixels: &ReferencePixels,
) -> Option<CopyAgreement> {
    let photo = &query.frame;
    let (width, height) = photo.size();
    let frame_to_unit = pixels.frame.from_unit.inverse()?;
    let map = match start {
        Start::Placed(map) => map,
        Start::Whole => unit_to_pixels(width, height).after(&frame_to_unit),
        Start::Mirrored => {
            let flip = Homography([-1.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]);
            unit_to_pixels(width, height)
                .after(&flip)
                .after(&frame_to_unit)
        }
    };
    let (agreement, picture_to_frame) = agreement(imaging, &pixels.frame, photo, &map)?;
    let picture_to_unit = frame_to_unit.after(&picture_to_frame);
    let unit_to_photo = agreement
        .picture_to_photo
        .after(&picture_to_unit.inverse()?);
    let is_copy = agreement.is_copy() || agreement.is_altered();
    (is_copy && coverage(&unit_to_photo, photo) >= COVERED).then_some(agreement)
}

/// The copy test at a size at which both have pixels of their own, and the map from that size to
/// the reference's frame.
fn agreement(
    imaging: &mut dyn Imaging,
    reference: &Frame,
    photo: &Frame,
    map: &Homography,
) -> Option<(CopyAgreement, Homography)> {
    let (w, h) = reference.size();
    let middle = Point::new(w / 2.0, h / 2.0);
    // What was made up by enlarging one of them would count as a difference.
    let photo_pixels = local_scale(|at| map.apply(at), middle) * photo.source_pixels;
    let scale = photo_pixels.min(reference.source_pixels).min(1.0);
    let side = |v: f64| whole((v * scale).round()).max(1);
    let (pw, ph) = (side(w), side(h));
    let picture: Raster = imaging.resize(&reference.raster, pw, ph);
    let picture_to_frame =
        unit_to_pixels(w, h).after(&pixels_to_unit(f64::from(pw), f64::from(ph)));
    let start = map.after(&picture_to_frame);
    let agreement = copy_agreement(&picture, &photo.raster, &start)?;
    Some((agreement, picture_to_frame))
}

/// Share of a photo's frame that a whole picture (0..1 by `unit_to_photo`) covers; a little more
/// than 1 when it was cropped.
fn coverage(unit_to_photo: &Homography, photo: &Frame) -> f64 {
    let corners = [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)];
    let quad = corners.map(|(x, y)| unit_to_photo.apply(Point::new(x, y)));
    let (width, height) = photo.size();
    quad_area(&quad).abs() / (width * height)
}

/// A map without its perspective when there is next to none, else `None`: no camera stood before a
/// copy.
fn without_perspective(map: &Homography, (width, height): (f64, f64)) -> Option<Homography> {
    let at = |x: f64, y: f64| map.apply(Point::new(x * width, y * height));
    let (o, x, y, far) = (at(0.0, 0.0), at(1.0, 0.0), at(0.0, 1.0), at(1.0, 1.0));
    let parallel = Point::new(x.x + y.x - o.x, x.y + y.y - o.y);
    let is_flat = far.distance(parallel) <= MOST_PERSPECTIVE * o.distance(far);
    // Nor is it where a place is not finite.
    if !is_flat {
        return None;
    }
    // Through the middle of all four corners, so that what is off is shared among them.
    let lean = Point::new((far.x - parallel.x) / 4.0, (far.y - parallel.y) / 4.0);
    let (across, down) = (
        Point::new(
            (x.x + far.x - o.x - y.x) / 2.0,
            (x.y + far.y - o.y - y.y) / 2.0,
        ),
        Point::new(
            (y.x + far.x - o.x - x.x) / 2.0,
            (y.y + far.y - o.y - x.y) / 2.0,
        ),
    );
    Some(Homography([
        across.x / width,
        down.x / height,
        o.x - lean.x,
        across.y / width,
        down.y / height,
        o.y - lean.y,
        0.0,
        0.0,
        1.0,
    ]))
}

/// References that a claim is judged without, by id: those that show the very picture of a reference
/// before them, the claim's own first. Two products enrolled with one picture cannot be told apart by
/// it, so that neither may speak against the other.
///
/// # Errors
/// [`Interrupt::Need`] when pixels of pictures that are much alike are not at hand.
pub(crate) fn twins(
    vision: &mut Vision,
    cache: &Cache,
    (gallery, claim): (&Gallery, Option<&Claim>),
    prepared: &Prepared,
) -> Result<HashSet<String>, Interrupt> {
    let is_claimed = |r: &Reference| claim.is_some_and(|c| c.covers(&r.product));
    let mut order: Vec<&Arc<Reference>> = gallery.same_file().collect();
    order.sort_by_key(|r| !is_claimed(r));
    let mut first: HashMap<Sha256, &ProductKey> = HashMap::new();
    let mut twins = HashSet::new();
    for reference in order {
        let product = *first.entry(reference.sha256).or_insert(&reference.product);
        if *product != reference.product {
            twins.insert(reference.id.clone());
        }
    }
    let near = match claim {
        Some(claim @ Claim::Product(_)) => near_twins(gallery, claim, &twins),
        // Of a brand or of the whole gallery there are too many pairs to ask for in a check.
        Some(Claim::Brand(_)) | None => Vec::new(),
    };
    // Asked once for each pair, and remembered: siblings are as near as copies are.
    let known = |pair: &Pair| cache.get::<bool>(&twins_key(pair));
    let open = near.iter().filter(|pair| known(pair).is_none());
    prepared.require_all_pixels(open.flatten().map(AsRef::as_ref))?;
    for pair in &near {
        let same = known(pair).map_or_else(|| compared(vision, cache, pair, prepared), |k| *k);
        if same {
            twins.insert(pair[1].id.clone());
        }
    }
    Ok(twins)
}

/// A reference of the claim and one of another product.
type Pair<'a> = [&'a Arc<Reference>; 2];

/// References of a claim with those of other products that may show the same picture.
fn near_twins<'a>(gallery: &'a Gallery, claim: &Claim, twins: &HashSet<String>) -> Vec<Pair<'a>> {
    let all = gallery.references();
    let claimed = claim.places(gallery);
    let mut near: Vec<(u32, Pair)> = Vec::new();
    for own in &all[claimed.clone()] {
        for (n, fingerprint) in gallery.fingerprints().iter().enumerate() {
            let bits = own.fingerprint.distance(fingerprint);
            let is_near = bits <= TWIN_BITS && !claimed.contains(&n);
            if is_near && !twins.contains(&all[n].id) {
                near.push((bits, [own, &all[n]]));
            }
        }
    }
    near.sort_by_key(|(bits, _)| *bits);
    near.truncate(MOST_TRIED);
    near.into_iter().map(|(_, pair)| pair).collect()
}

/// Whether two references show the same picture, kept for the next check.
fn compared(vision: &mut Vision, cache: &Cache, pair: &Pair, prepared: &Prepared) -> bool {
    let [Some(own), Some(other)] = pair.map(|r| prepared.pixels(r)) else {
        // A lost picture is nobody's twin.
        return false;
    };
    let same = same_picture(vision.imaging.as_mut(), &own.frame, &other.frame);
    let key = twins_key(pair);
    let bytes = key.len();
    cache.put(key, Arc::new(same), bytes);
    same
}

fn twins_key(pair: &Pair) -> String {
    let [own, other] = pair.map(|r| pixels_key(r.sha256, r.article));
    format!("twins {own} {other}")
}

/// Whether two references show one picture, each of them all of it.
pub(crate) fn same_picture(imaging: &mut dyn Imaging, own: &Frame, other: &Frame) -> bool {
    let Some(own_to_unit) = own.from_unit.inverse() else {
        return false;
    };
    let map = other.from_unit.after(&own_to_unit);
    agreement(imaging, own, other, &map).is_some_and(|(agreement, _)| agreement.is_copy())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_seen_by_a_camera_is_no_start() {
        let frame = (640.0, 480.0);
        let flat = Homography([1.2, 0.1, 20.0, -0.1, 1.2, 9.0, 0.0, 0.0, 1.0]);
        let kept = without_perspective(&flat, frame).expect("it has no perspective");
        let p = Point::new(301.0, 77.0);
        assert!(kept.apply(p).distance(flat.apply(p)) < 1e-9);
        let leaning = Homography([1.2, 0.1, 20.0, -0.1, 1.2, 9.0, 2e-4, 0.0, 1.0]);
        assert_eq!(without_perspective(&leaning, frame), None);
        // What features leave of an error is shared among the corners.
        let nearly = Homography([1.2, 0.1, 20.0, -0.1, 1.2, 9.0, 1e-5, 0.0, 1.0]);
        let kept = without_perspective(&nearly, frame).expect("next to none");
        let far = Point::new(640.0, 480.0);
        assert!(kept.apply(far).distance(nearly.apply(far)) < 3.0);
    }
}
