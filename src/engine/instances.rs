//! What is in a photo and where: each article that was found, several copies of one among them.
//!
//! Only the product in question is compared closely, at its best place. The others are told, so that
//! a person sees what the answer is about.

use super::{
    candidate::{Candidate, is_rival},
    compare::Comparison,
    hypotheses::Placed,
    locate::locate,
    prepare::Scale,
    search::Query,
    sight::Sight,
};
use crate::domain::{
    geometry::{Point, check_quad, intersection_over_union, quad_area},
    tuning::{
        instances::{COPY_INLIERS, COPY_SIZE, HALF_BELOW, OUTSIDE},
        presence::SAME_PLACE,
    },
    verdict::Instance,
};

/// Most instances told of one photo.
const MOST: usize = 12;

/// The instances of a compared photo: the one judged first, then its copies, then other products.
/// `whole` is the whole photo, `seen` what was compared.
pub(crate) fn instances(
    whole: &Query,
    seen: &Query,
    comparison: &Comparison,
    sight: Option<Sight>,
) -> Vec<Instance> {
    let mut all: Vec<Instance> = Vec::new();
    if let (Some(Sight::Seen), Some(subject)) = (sight, &comparison.subject) {
        let own = &comparison.candidates[subject.candidate];
        if let Some(first) = judged(own, seen) {
            all.push(first);
            copies((comparison, own), whole, seen, &mut all);
        }
    }
    if let Some(logo) = &comparison.logo {
        all.push(Instance {
            product: logo.reference.product.clone(),
            reference: logo.reference.id.clone(),
            kind: logo.reference.kind,
            region: logo.place.corners(),
            inliers: 0,
            mirrored: false,
        });
    }
    // The strongest first: of two products at one place the better is told.
    let mut elsewhere: Vec<&Placed> = comparison.elsewhere.iter().collect();
    elsewhere.sort_by(|a, b| {
        let order = b.location.inliers.cmp(&a.location.inliers);
        order.then_with(|| a.reference.id.cmp(&b.reference.id))
    });
    for placed in elsewhere {
        let region = placed.region;
        if is_free(&region, &all) {
            all.push(Instance {
                product: placed.reference.product.clone(),
                reference: placed.reference.id.clone(),
                kind: placed.reference.kind,
                region,
                inliers: placed.location.inliers,
                mirrored: false,
            });
        }
    }
    all.truncate(MOST);
    all
}

fn judged(own: &Candidate, seen: &Query) -> Option<Instance> {
    let to_unit = seen.frame_to_unit();
    Some(Instance {
        product: own.reference.product.clone(),
        reference: own.reference.id.clone(),
        kind: own.reference.kind,
        region: own.outline?.map(|p| to_unit.apply(p)),
        inliers: own.inliers(),
        mirrored: seen.is_mirrored(),
    })
}

/// Further copies of the article that was judged: what is left of the photo's points when those
/// inside known outlines are taken out is matched again, as the first copy was found. A sibling
/// that fits better there is told instead.
fn copies(
    (comparison, own): (&Comparison, &Candidate),
    whole: &Query,
    seen: &Query,
    all: &mut Vec<Instance>,
) {
    let Some(location) = own.location.as_ref().filter(|_| !seen.is_mirrored()) else {
        return;
    };
    // Found in the whole photo, the points that agree with nothing inside the outline tell whether
    // there may be another; found in a part of it, nothing is known of the rest.
    let is_whole = std::ptr::eq(whole, seen);
    if is_whole && location.outside < OUTSIDE {
        return;
    }
    let (size, frame) = (own.features.frame_size(), whole.frame.size());
    let to_unit = whole.frame_to_unit();
    let Some(from_unit) = to_unit.inverse() else {
        return;
    };
    let first = all[0].region.map(|p| from_unit.apply(p));
    let scale = match is_whole {
        true => location.scale,
        // The size at which the whole photo shows it.
        false if quad_area(&first).sqrt() < HALF_BELOW * (size.0 * size.1).sqrt() => Scale::Half,
        false => Scale::Whole,
    };
    while all.len() < MOST {
        let known: Vec<[Point; 4]> = all
            .iter()
            .map(|i| i.region.map(|p| from_unit.apply(p)))
            .collect();
        let rest = whole.features().outside(&known);
        let place = |candidate: &Candidate| {
            let found = locate(&rest, &candidate.features, scale, &[location.turn])?;
            let size = candidate.features.frame_size();
            let outline = check_quad(&found.reference_to_photo, size, frame).ok()?;
            Some((found.inliers, outline))
        };
        let Some((inliers, outline)) = place(own).filter(|f| f.0 >= COPY_INLIERS) else {
            return;
        };
        // Copies in one picture are about as large as each other; chance is of any size.
        let ratio = (quad_area(&outline) / quad_area(&first)).sqrt();
        let region = outline.map(|p| to_unit.apply(p));
        if !(1.0 / COPY_SIZE..=COPY_SIZE).contains(&ratio) || !is_free(&region, all) {
            return;
        }
        // Siblings share much of their print.
        let others = comparison
            .candidates
            .iter()
            .filter(|c| is_rival(&c.reference, &own.reference));
        let best = others
            .filter_map(|c| Some((c, place(c)?)))
            .filter(|(_, f)| intersection_over_union(&f.1, &outline) >= SAME_PLACE)
            .max_by_key(|(_, f)| f.0)
            .filter(|(_, f)| f.0 > inliers);
        let (shown, (inliers, outline)) = best.unwrap_or((own, (inliers, outline)));
        all.push(Instance {
            product: shown.reference.product.clone(),
            reference: shown.reference.id.clone(),
            kind: shown.reference.kind,
            region: outline.map(|p| to_unit.apply(p)),
            inliers,
            mirrored: false,
        });
    }
}

/// Whether nothing told so far lies at this place.
fn is_free(region: &[Point; 4], all: &[Instance]) -> bool {
    all.iter()
        .all(|known| intersection_over_union(&upright(known), region) < SAME_PLACE)
}

/// An instance's corners, clockwise on the screen: a mirror image's run the other way.
fn upright(instance: &Instance) -> [Point; 4] {
    let [a, b, c, d] = instance.region;
    match instance.mirrored {
        true => [a, d, c, b],
        false => [a, b, c, d],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        gallery::{ProductKey, ReferenceKind},
        geometry::Rect,
    };

    fn square(left: f64, top: f64, side: f64) -> [Point; 4] {
        Rect::new(left, top, left + side, top + side).corners()
    }

    fn instance(region: [Point; 4], mirrored: bool) -> Instance {
        Instance {
            product: ProductKey {
                brand: "acme".into(),
                product: "tea".into(),
            },
            reference: "r".into(),
            kind: ReferenceKind::Pack,
            region,
            inliers: 50,
            mirrored,
        }
    }

    #[test]
    fn a_place_is_taken_also_by_a_mirror_image() {
        let [a, b, c, d] = square(0.1, 0.1, 0.4);
        let known = [instance([b, a, d, c], true)];
        assert!(!is_free(&square(0.12, 0.1, 0.4), &known));
        assert!(is_free(&square(0.6, 0.1, 0.3), &known));
    }
}
