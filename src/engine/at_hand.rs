//! References from pictures to what comparisons take, kept in the cache on the way.

use std::sync::Arc;

use super::{
    cache::Cache,
    decoded::Decoded,
    need::Prepared,
    prepare::{ReferencePixels, TurnedFeatures, features_key, pixels_key},
    vision::{InferenceError, Vision},
};
use crate::domain::gallery::Reference;

/// Which parts of a reference are lacking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lacking {
    /// Its local features.
    pub features: bool,
    /// Its pixels.
    pub pixels: bool,
}

impl Lacking {
    /// Whether anything is.
    pub fn any(self) -> bool {
        self.features || self.pixels
    }
}

/// Fills `prepared` with what the cache holds of a reference; what is lacking then.
pub(crate) fn recall(
    cache: &Cache,
    reference: &Reference,
    mut lacking: Lacking,
    prepared: &mut Prepared,
) -> Lacking {
    let (sha256, article) = (reference.sha256, reference.article);
    if lacking.features
        && let Some(kept) = cache.get(&features_key(sha256, article))
    {
        prepared.add_features(&reference.id, kept);
        lacking.features = false;
    }
    if lacking.pixels
        && let Some(kept) = cache.get(&pixels_key(sha256, article))
    {
        prepared.add_pixels(&reference.id, kept);
        lacking.pixels = false;
    }
    lacking
}

/// Keeps a reference's features for this comparison and the next.
pub(crate) fn keep_features(
    cache: &Cache,
    reference: &Reference,
    features: TurnedFeatures,
    prepared: &mut Prepared,
) -> Arc<TurnedFeatures> {
    // Handed over besides being kept: other workers fill the same cache, which may drop it before
    // this comparison comes to it.
    let key = features_key(reference.sha256, reference.article);
    let (bytes, features) = (features.bytes(), Arc::new(features));
    cache.put(key, Arc::clone(&features), bytes);
    prepared.add_features(&reference.id, Arc::clone(&features));
    features
}

/// Takes what is lacking of a reference from its picture; the features, when they were taken.
///
/// # Errors
/// A model could not be run.
pub fn take(
    cache: &Cache,
    vision: &mut Vision,
    (reference, picture): (&Reference, &Decoded),
    lacking: Lacking,
    prepared: &mut Prepared,
) -> Result<Option<Arc<TurnedFeatures>>, InferenceError> {
    let (sha256, article) = (reference.sha256, reference.article);
    let (imaging, local) = (vision.imaging.as_mut(), vision.local.as_mut());
    // Both parts start from the same frame, which is cheap beside the features: it is made for
    // either.
    let pixels = ReferencePixels::take(imaging, sha256, &picture.raster, article);
    let features = match lacking.features {
        true => {
            let taken = TurnedFeatures::extract(imaging, local, &pixels.frame)?;
            Some(keep_features(cache, reference, taken, prepared))
        }
        false => None,
    };
    if lacking.pixels {
        let (key, bytes, pixels) = (pixels.key.clone(), pixels.bytes(), Arc::new(pixels));
        cache.put(key, Arc::clone(&pixels), bytes);
        prepared.add_pixels(&reference.id, pixels);
    }
    Ok(features)
}
