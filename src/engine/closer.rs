//! A search closer by, where the whole photo shows too little of what is looked for: small articles,
//! mirror images, one pack among several.
//!
//! Every step ends in a part of the photo that is looked at as if it were the photo, so that all
//! that follows need not know of it. Cheap steps come first, and the first part that shows the
//! article ends the search:
//!
//! 1. what the whole photo hints at, at both of the reference's sizes;
//! 2. the negative, where a logo is looked for: it is printed in any polarity;
//! 3. the mirror image;
//! 4. windows where the photo shows most detail, at the photo's own pixels, for a logo as its
//!    negative too.

use std::{cmp::Reverse, sync::Arc};

use super::{
    locate::{Location, locate},
    part::{Look, Part},
    prepare::{Scale, TurnedFeatures},
    search::{Effort, FeaturePass, Query},
    vision::{InferenceError, Vision},
};
use crate::domain::{
    features::FeatureSet,
    gallery::{Reference, ReferenceKind},
    geometry::{Point, Rect, check_quad},
    tuning::closer::{
        CROWDED_SHARE, HINT_INLIERS, LARGE_SHARE, LARGE_WINDOW, MARGIN, MOST_WANTED, SMALL_WINDOW,
        WINDOWS,
    },
};

/// Sides of windows, the smallest first.
const WINDOW_SHARES: [f64; 2] = [SMALL_WINDOW, LARGE_WINDOW];

/// What is looked for: references and their features.
pub(crate) type Wanted = (Arc<Reference>, Arc<TurnedFeatures>);

/// Looks for the wanted references closer by; the part of the photo that shows one of them.
/// `doubted` when what the whole photo shows was compared and not believed.
///
/// # Errors
/// A model could not be run.
pub(crate) fn look_closer(
    vision: &mut Vision,
    query: &mut Query,
    mut wanted: Vec<Wanted>,
    doubted: bool,
) -> Result<Option<Query>, InferenceError> {
    // Each costs eight matches in every part: an owner's many views of one article are alike, and
    // the likeliest will do to find it.
    wanted.sort_by_key(|(reference, features)| {
        let seen = query.location(reference, features, Effort::Claimed);
        Reverse(seen.map_or(0, |l| l.inliers))
    });
    wanted.truncate(MOST_WANTED);
    let mut hunt = Hunt { vision, wanted };
    // What was followed and not believed needs no second visit.
    if let Some(hint) = hunt.best(query).filter(|_| !doubted)
        && let Some(found) = hunt.follow(query, &hint)?
    {
        return Ok(Some(found));
    }
    let whole = Rect::new(0.0, 0.0, 1.0, 1.0);
    let mut looks = vec![(whole, Look::Mirrored)];
    let mut close = vec![Look::AsItIs];
    if hunt.is_for_logos() {
        looks.insert(0, (whole, Look::Negative));
        close.push(Look::Negative);
    }
    for window in windows(query.features()) {
        looks.extend(close.iter().map(|look| (window, *look)));
    }
    for (window, look) in looks {
        if let Some(found) = hunt.look_at(query, window, look)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// Looks for the wanted references outside a place of the photo, in 0..1 of it, where another
/// product fits better.
///
/// # Errors
/// A model could not be run.
pub(crate) fn look_elsewhere(
    vision: &mut Vision,
    query: &Query,
    wanted: Vec<Wanted>,
    taken: &[Point; 4],
) -> Result<Option<Query>, InferenceError> {
    let Some(from_unit) = query.frame_to_unit().inverse() else {
        return Ok(None);
    };
    let rest = query
        .features()
        .outside(&[taken.map(|p| from_unit.apply(p))]);
    let mut best: Option<Hint> = None;
    for (_, features) in &wanted {
        for scale in [Scale::Whole, Scale::Half] {
            let seen = locate(&rest, features, scale, &[0, 1, 2, 3]);
            let hint = seen.and_then(|seen| hint(seen, features, query.frame.size()));
            best = stronger(best, hint);
        }
    }
    match best {
        Some(hint) => Hunt { vision, wanted }.follow(query, &hint),
        None => Ok(None),
    }
}

/// Looks for the wanted references in the mirror image of a place of the photo, in 0..1 of it.
///
/// # Errors
/// A model could not be run.
pub(crate) fn turn_over(
    vision: &mut Vision,
    query: &Query,
    wanted: Vec<Wanted>,
    place: &[Point; 4],
) -> Result<Option<Query>, InferenceError> {
    let Some(window) = Rect::around(place) else {
        return Ok(None);
    };
    let mut hunt = Hunt { vision, wanted };
    let window = widened(window);
    let mut part = hunt.view(query, window, Look::Mirrored, FeaturePass::Coarse)?;
    let found = hunt.best(&mut part);
    Ok(found.filter(|f| f.0.is_placed()).map(|_| part))
}

/// A location that may be chance, the share of the frame's longer side that its outline takes, and
/// the outline's box in pixels of the frame.
type Hint = (Location, f64, Rect<f64>);

/// A location as a hint, when it has points enough to be worth a look.
fn hint(seen: Location, features: &TurnedFeatures, frame: (f64, f64)) -> Option<Hint> {
    let outline = check_quad(&seen.reference_to_photo, features.frame_size(), frame).ok()?;
    let place = Rect::around(&outline)?;
    let share = place.width().max(place.height()) / frame.0.max(frame.1);
    (seen.inliers >= HINT_INLIERS).then_some((seen, share, place))
}

/// The one with more points; of equals the first.
fn stronger(a: Option<Hint>, b: Option<Hint>) -> Option<Hint> {
    let points = |h: &Option<Hint>| h.as_ref().map_or(0, |h| h.0.inliers);
    if points(&b) > points(&a) { b } else { a }
}

struct Hunt<'a> {
    vision: &'a mut Vision,
    wanted: Vec<Wanted>,
}

impl Hunt<'_> {
    /// The best location of what is wanted, when it has points enough to be worth a look.
    fn best(&self, query: &mut Query) -> Option<Hint> {
        let frame = query.frame.size();
        let mut best: Option<Hint> = None;
        for (reference, features) in &self.wanted {
            let Some(seen) = query.location(reference, features, Effort::Thorough) else {
                continue;
            };
            best = stronger(best, hint(seen, features, frame));
        }
        best
    }

    /// Whether logos are looked for, and nothing else.
    fn is_for_logos(&self) -> bool {
        let logo = |(reference, _): &Wanted| reference.kind == ReferenceKind::Logo;
        self.wanted.iter().all(logo)
    }

    /// Looks at a window of the photo, and closer where it hints at a place; the part that shows the
    /// article.
    fn look_at(
        &mut self,
        query: &Query,
        window: Rect<f64>,
        look: Look,
    ) -> Result<Option<Query>, InferenceError> {
        let mut part = self.view(query, window, look, FeaturePass::Coarse)?;
        match self.best(&mut part) {
            None => Ok(None),
            Some(hint) if hint.0.is_placed() && hint.1 >= LARGE_SHARE => Ok(Some(part)),
            Some(hint) => self.follow(&part, &hint),
        }
    }

    /// Looks at the place of a hint; what comes of it, when the article is there.
    fn follow(
        &mut self,
        query: &Query,
        (_, _, place): &Hint,
    ) -> Result<Option<Query>, InferenceError> {
        let to_unit = query.frame_to_unit();
        let corners = place.corners().map(|p| to_unit.apply(p));
        let Some(window) = Rect::around(&corners) else {
            return Ok(None);
        };
        let window = widened(window);
        let mut part = self.view(query, window, query.look(), FeaturePass::Coarse)?;
        let found = self.best(&mut part);
        Ok(found.filter(|f| f.0.is_placed()).map(|_| part))
    }

    fn view(
        &mut self,
        query: &Query,
        window: Rect<f64>,
        look: Look,
        pass: FeaturePass,
    ) -> Result<Query, InferenceError> {
        let imaging = self.vision.imaging.as_mut();
        let part = Part::cut(imaging, &query.photo.raster, window, look);
        Query::of_part(self.vision, Arc::clone(&query.photo), part, pass)
    }
}

/// A window with a margin, since the outline of a hint is rough; inside 0..1.
fn widened(window: Rect<f64>) -> Rect<f64> {
    let by = MARGIN * window.width().max(window.height());
    Rect::new(
        (window.left - by).max(0.0),
        (window.top - by).max(0.0),
        (window.right + by).min(1.0),
        (window.bottom + by).min(1.0),
    )
}

/// Windows worth a closer look, in 0..1 of the picture that the features are of: the smallest that
/// holds most of all detail, if there is one, then those that hold most of it.
fn windows(features: &FeatureSet) -> Vec<Rect<f64>> {
    let (w, h) = (f64::from(features.width), f64::from(features.height));
    let points: Vec<Point> = features
        .keypoints
        .iter()
        .map(|k| Point::new(f64::from(k.x), f64::from(k.y)))
        .collect();
    let mut chosen = Vec::new();
    for (n, share) in WINDOW_SHARES.iter().enumerate() {
        let side = share * w.max(h);
        let mut all = counted(&points, (w, h), side);
        // Ties in reading order, so that a replay looks at the same places.
        all.sort_by_key(|(count, _)| Reverse(*count));
        let is_last = n + 1 == WINDOW_SHARES.len();
        match all.first() {
            Some((count, window)) if *count as f64 >= CROWDED_SHARE * points.len() as f64 => {
                chosen.push(*window);
                break;
            }
            _ if is_last => {
                for (_, window) in all {
                    let apart = |c: &Rect<f64>| shared(c, &window) < 0.34;
                    if chosen.len() < WINDOWS && chosen.iter().all(apart) {
                        chosen.push(window);
                    }
                }
            }
            _ => {}
        }
    }
    chosen
        .into_iter()
        .map(|r| Rect::new(r.left / w, r.top / h, r.right / w, r.bottom / h))
        .collect()
}

/// Square windows of `side` pixels, a quarter of it apart, with the points that each holds.
fn counted(points: &[Point], (w, h): (f64, f64), side: f64) -> Vec<(usize, Rect<f64>)> {
    let places = |length: f64| -> Vec<f64> {
        let last = (length - side).max(0.0);
        let steps = (last / (side / 4.0)).ceil().max(1.0);
        let count = crate::domain::number::index(steps);
        (0..=count).map(|i| last * i as f64 / steps).collect()
    };
    let mut all = Vec::new();
    for top in places(h) {
        for left in places(w) {
            let window = Rect::new(left, top, (left + side).min(w), (top + side).min(h));
            let inside = |p: &&Point| window.contains((p.x, p.y));
            all.push((points.iter().filter(inside).count(), window));
        }
    }
    all
}

/// Share of the smaller of two boxes that lies in the other, 0 to 1.
fn shared(a: &Rect<f64>, b: &Rect<f64>) -> f64 {
    let width = (a.right.min(b.right) - a.left.max(b.left)).max(0.0);
    let height = (a.bottom.min(b.bottom) - a.top.max(b.top)).max(0.0);
    let area = |r: &Rect<f64>| r.width() * r.height();
    width * height / area(a).min(area(b)).max(f64::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{embedding::ModelId, features::Keypoint};

    fn features(points: impl Iterator<Item = (f32, f32)>) -> FeatureSet {
        let keypoints: Vec<_> = points.map(|(x, y)| Keypoint { x, y, score: 1.0 }).collect();
        FeatureSet {
            model: ModelId("test".into()),
            width: 960,
            height: 720,
            descriptors: vec![0.0; keypoints.len()],
            keypoints,
            dimensions: 1,
        }
    }

    #[test]
    fn a_lone_small_article_gets_the_smallest_window_that_holds_it() {
        let cluster =
            (0..400).map(|i| (700.0 + (i % 20) as f32 * 5.0, 500.0 + (i / 20) as f32 * 5.0));
        let found = windows(&features(cluster));
        assert_eq!(found.len(), 1);
        let (w, window) = (960.0, found[0]);
        assert!(window.width() * w <= WINDOW_SHARES[0] * w + 1.0);
        assert!(window.contains((700.0 / w, 500.0 / 720.0)));
        assert!(window.contains((795.0 / w, 595.0 / 720.0)));
    }

    #[test]
    fn detail_everywhere_gives_several_windows_apart() {
        let grid = (0..1200).map(|i| ((i % 40) as f32 * 24.0, (i / 40) as f32 * 24.0));
        let found = windows(&features(grid));
        assert_eq!(found.len(), WINDOWS);
        for (i, a) in found.iter().enumerate() {
            assert!(a.left >= 0.0 && a.right <= 1.0 && a.top >= 0.0 && a.bottom <= 1.0);
            assert!(found[i + 1..].iter().all(|b| shared(a, b) < 0.34));
        }
    }

    #[test]
    fn a_picture_without_detail_gives_windows_all_the_same() {
        assert!(!windows(&features(std::iter::empty())).is_empty());
    }
}
