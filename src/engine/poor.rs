//! Photos too poor to be judged.

use super::{compare::Comparison, defaults::Defaults, search::Query, sight::Sight};
use crate::domain::{
    quality::{Quality, measure},
    verdict::ReasonCode,
};

/// Why a photo is too poor to be judged: code and sentence.
pub(crate) fn too_poor(defaults: &Defaults, quality: &Quality) -> Option<(ReasonCode, String)> {
    let t = &defaults.thresholds;
    // Size before sharpness: a tiny photo may measure as blurred too, and its size is the cause.
    if quality.short_side_px < t.min_short_side_px {
        let detail = format!(
            "the photo's shorter side is {} px, at least {} px are needed",
            quality.short_side_px, t.min_short_side_px
        );
        return Some((ReasonCode::PhotoTooSmall, detail));
    }
    if quality.sharpness < t.min_sharpness {
        return Some((
            ReasonCode::PhotoBlurred,
            format!(
                "the photo is blurred (sharpness {:.2}, {:.2} is needed)",
                quality.sharpness, t.min_sharpness
            ),
        ));
    }
    if quality.exposure < t.exposure[0] {
        return Some((
            ReasonCode::PhotoTooDark,
            "the photo is too dark to compare; take it in more light".into(),
        ));
    }
    if quality.exposure > t.exposure[1] {
        return Some((
            ReasonCode::PhotoTooBright,
            "the photo is overexposed; take it without direct light".into(),
        ));
    }
    None
}

/// The same of a photo that was compared. Where the article was seen, its own sharpness and exposure
/// count: a smooth wall behind it makes no blur, and a sharp one cures none.
pub(crate) fn too_poor_for(
    defaults: &Defaults,
    query: &Query,
    (comparison, sight): (&Comparison, Option<Sight>),
    doubted: bool,
) -> Option<(ReasonCode, String)> {
    let whole = too_poor(defaults, &query.photo.facts.quality);
    // The article is measured only where that can change the answer: it costs a walk over its
    // pixels.
    if sight != Some(Sight::Seen) || whole.is_none() && !doubted {
        return whole;
    }
    let article = comparison.article(query);
    article.map_or(whole, |article| {
        let seen = measure(&article);
        let short_side_px = query.photo.facts.quality.short_side_px;
        too_poor(
            defaults,
            &Quality {
                short_side_px,
                ..seen
            },
        )
    })
}
