//! Which references may be in a photo, and where.

use std::{collections::HashSet, sync::Arc};

use super::{
    claim::Claim,
    locate::Location,
    need::{Interrupt, Prepared},
    prepare::TurnedFeatures,
    search::{Effort, Query},
    stage::{Stage, Stages},
    vision::Vision,
};
use crate::domain::{
    embedding::QuantisedEmbedding,
    gallery::{Gallery, Reference},
    geometry::{Point, check_quad},
    tuning::search::NEAREST_TO_PLACE,
};

/// What a photo is compared with.
pub(crate) struct Among<'a> {
    /// All references.
    pub gallery: &'a Gallery,
    /// What is claimed.
    pub claim: Option<&'a Claim>,
    /// References left out of the comparison, by id.
    pub without: HashSet<String>,
}

/// A reference looked for in the photo.
pub(crate) struct Hypothesis {
    /// The reference.
    pub reference: Arc<Reference>,
    /// Where it lies, if anywhere.
    pub location: Option<Location>,
    /// Its features.
    pub features: Arc<TurnedFeatures>,
}

/// A reference placed in the whole photo.
pub(crate) struct Placed {
    /// The reference.
    pub reference: Arc<Reference>,
    /// Where it was placed.
    pub location: Location,
    /// Its corners in 0..1 of the upright photo.
    pub region: [Point; 4],
}

/// The references worth asking, which are at hand then or lost.
///
/// # Errors
/// [`Interrupt::Need`] when features of some are not in `prepared`.
pub(crate) fn near(
    vision: &mut Vision,
    query: &mut Query,
    among: &Among,
    prepared: &Prepared,
    stages: &mut dyn Stages,
) -> Result<Vec<Arc<Reference>>, Interrupt> {
    let near = query.near(vision, (among.gallery, among.claim), &among.without)?;
    stages.ended(Stage::Search);
    prepared.require_features(&near)?;
    Ok(near)
}

/// Whether the photo, as it is looked at now, surely shows one of the references claimed.
pub(crate) fn shows_claimed(
    query: &mut Query,
    near: &[Arc<Reference>],
    claim: &Claim,
    prepared: &Prepared,
) -> bool {
    let mut own = near.iter().filter(|r| claim.covers(&r.product));
    own.any(|reference| {
        let features = prepared.features(reference);
        let seen = features.and_then(|f| query.location(reference, f, Effort::Claimed));
        seen.is_some_and(|location| location.is_sure())
    })
}

/// The references worth comparing, and where the photo shows them. One whose file is lost cannot be
/// compared; what that means for a claim on it is said in the verdict.
pub(crate) fn hypotheses(
    query: &mut Query,
    near: Vec<Arc<Reference>>,
    claim: Option<&Claim>,
    (prepared, effort): (&Prepared, Effort),
    stages: &mut dyn Stages,
) -> Vec<Hypothesis> {
    // The claimed first: in a part that was cut out for them, the others can only lie as they do.
    let likeliest = query.likeliest(near, claim, prepared);
    stages.ended(Stage::Search);
    let mut found = Vec::with_capacity(likeliest.len());
    let mut like = Effort::Rival;
    for (reference, features) in likeliest {
        let is_own = claim.is_some_and(|c| c.covers(&reference.product));
        // Without a claim everyone may be what is there.
        let is_wanted = is_own || claim.is_none() && effort == Effort::Thorough;
        let tried = if is_wanted { effort } else { like };
        let location = query.location(&reference, &features, tried);
        // Rivals compete for its place: there they can only lie as it does.
        if let Some(seen) = location.as_ref().filter(|_| is_own)
            && (seen.is_sure() || effort == Effort::Thorough && seen.is_placed())
        {
            like = Effort::Like(seen.turn, seen.scale);
        }
        found.push(Hypothesis {
            reference,
            location,
            features,
        });
    }
    found
}

/// The embedding of the article where it was found. References that are most alike to it join those
/// found: on a crowded shelf nothing else tells which sibling stands where the claimed product seems
/// to.
///
/// # Errors
/// [`Interrupt::Need`] when features of such references are not in `prepared`.
pub(crate) fn embed_article(
    vision: &mut Vision,
    query: &mut Query,
    found: &mut Vec<Hypothesis>,
    among: &Among,
    prepared: &Prepared,
) -> Result<QuantisedEmbedding, Interrupt> {
    let sizes = found
        .iter()
        .map(|h| (h.reference.id.clone(), h.features.frame_size()))
        .collect();
    let is_own = |h: &&Hypothesis| among.claim.is_some_and(|c| c.covers(&h.reference.product));
    let own = found.iter().filter(is_own);
    let own = own.filter_map(|h| {
        let location = h.location.as_ref().filter(|l| l.is_placed())?;
        Some((
            location.inliers,
            h.reference.id.clone(),
            location.turn,
            location.scale,
        ))
    });
    let own = own.max_by_key(|(inliers, ..)| *inliers);
    let id = own.as_ref().map(|(_, id, ..)| id.as_str());
    let embedding = query.embedding(vision, &sizes, id)?;
    let all = among.gallery.references();
    let Some((_, _, turn, scale)) = own else {
        return Ok(embedding);
    };
    let claimed = among
        .claim
        .map_or(0..0, |claim| claim.places(among.gallery));
    // As many more as may be left out again.
    let count = NEAREST_TO_PLACE + among.without.len();
    let others = among.gallery.all_but(&claimed);
    let [alike] = among.gallery.nearest([(&embedding, count)], others);
    let alike: Vec<Arc<Reference>> = alike
        .into_iter()
        .map(|n| &all[n])
        .filter(|r| !among.without.contains(&r.id))
        .take(NEAREST_TO_PLACE)
        .filter(|r| found.iter().all(|h| h.reference.id != r.id))
        .cloned()
        .collect();
    prepared.require_features(&alike)?;
    for reference in alike {
        let Some(features) = prepared.features(&reference).cloned() else {
            continue;
        };
        // There it can only lie as the claimed product seems to.
        let location = query.location(&reference, &features, Effort::Like(turn, scale));
        found.push(Hypothesis {
            reference,
            location,
            features,
        });
    }
    Ok(embedding)
}

/// What the whole photo shows, claimed or not.
pub(crate) fn placed(found: &[Hypothesis], whole: &Query) -> Vec<Placed> {
    let to_unit = whole.frame_to_unit();
    let place = |h: &Hypothesis| {
        let location = h.location.clone().filter(Location::is_placed)?;
        let map = &location.reference_to_photo;
        let outline = check_quad(map, h.features.frame_size(), whole.frame.size()).ok()?;
        Some(Placed {
            reference: Arc::clone(&h.reference),
            region: outline.map(|p| to_unit.apply(p)),
            location,
        })
    };
    found.iter().filter_map(place).collect()
}
