//! What of an answer somebody may see who is limited to some brands.

use super::actor::{Actor, Role};
use crate::contract::{ReasonCode, answer::CheckAnswer};

/// Whether somebody may read a check at all: those that are limited to brands, only claims on them.
pub(crate) fn may_read(actor: &Actor, answer: &CheckAnswer) -> bool {
    match (&answer.claim, actor.brands()) {
        (_, None) => true,
        (Some(claim), Some(_)) => actor.sees(&claim.brand),
        (None, Some(_)) => false,
    }
}

/// The answer without what its reader may not know: products of other brands, other sellers'
/// listings, and for a brand's owner who sells.
pub(crate) fn shown_to(actor: &Actor, mut answer: CheckAnswer) -> CheckAnswer {
    if actor.brands().is_none() {
        return answer;
    }
    for photo in &mut answer.photos {
        photo.matches.retain(|m| actor.sees(&m.brand));
        photo.instances.retain(|i| actor.sees(&i.brand));
    }
    for reason in &mut answer.reasons {
        let plain = match reason.code {
            // Such a sentence begins with the product that fits.
            ReasonCode::RivalFitsBetter | ReasonCode::OtherProductSeen => {
                let named = reason.detail.split([' ', '/']).next().unwrap_or_default();
                (!actor.sees(named)).then_some("another product fits better than the claimed one")
            }
            ReasonCode::CataloguePicture => {
                let own = photo_shows_own(actor, &reason.detail);
                (!own).then_some(
                    "the photo is an enrolled picture itself: it says nothing about the item",
                )
            }
            ReasonCode::SeenElsewhere => Some(
                "the same file was on a listing of another seller before: it says nothing about this item",
            ),
            _ => None,
        };
        if let Some(plain) = plain {
            plain.clone_into(&mut reason.detail);
        }
    }
    if actor.role() == Role::Brand {
        answer.seller_id = None;
        answer.listing_id = None;
    }
    answer
}

/// Whether a sentence about an enrolled picture names a product of the reader's.
fn photo_shows_own(actor: &Actor, detail: &str) -> bool {
    let named = detail.split(" of ").nth(1).unwrap_or_default();
    actor.sees(named.split([' ', '/']).next().unwrap_or_default())
}
