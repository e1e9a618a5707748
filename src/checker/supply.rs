//! Brings what the engine needs of references: from its cache, from what is stored beside their
//! pictures, or made anew from the pictures themselves.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;

use super::{
    codec::features::{features_from_bytes, features_model, features_to_bytes},
    ports::{Derived, Images, StoreError},
    snapshot::{GallerySnapshot, LostReference},
};
use crate::{
    domain::{
        embedding::ModelId,
        gallery::{ProductKey, Reference},
    },
    engine::{
        Decoded, Engine, Lacking, Need, Prepared, keep_features, recall, take,
        vision::{InferenceError, Vision},
    },
};

/// What references are prepared from, and which of them are known to be lost.
pub(crate) struct Supply {
    images: Arc<dyn Images>,
    derived: Arc<dyn Derived>,
    engine: Engine,
    /// The embedder and the model of local features, part of the names that things are stored
    /// under.
    models: (ModelId, ModelId),
    // Held for a moment and never across an await, so a plain lock will do.
    lost: Mutex<BTreeMap<String, ProductKey>>,
}

/// Bytes of one reference on their way to a worker.
pub(crate) struct Fetched {
    reference: Arc<Reference>,
    form: Form,
}

enum Form {
    /// Local features as they were stored.
    Features(Vec<u8>),
    /// The picture, to take what is lacking from.
    Picture(Bytes, Lacking),
}

/// What came of unpacking on a worker.
#[derive(Default)]
pub(crate) struct Unpacked {
    /// Features that were taken anew and are worth storing: of which reference, and their bytes.
    made: Vec<(Arc<Reference>, Vec<u8>)>,
    /// References whose stored features are of another form than this program's.
    stale: BTreeSet<String>,
    /// References whose picture is there and cannot be decoded, and why.
    undecodable: Vec<(Arc<Reference>, String)>,
}

impl Supply {
    /// A supply for `engine`; `models` are its embedder and its model of local features.
    pub(crate) fn new(
        images: Arc<dyn Images>,
        derived: Arc<dyn Derived>,
        engine: Engine,
        models: (ModelId, ModelId),
    ) -> Self {
        Self {
            images,
            derived,
            engine,
            models,
            lost: Mutex::default(),
        }
    }

    /// The embedder and the model of local features.
    pub(crate) fn models(&self) -> (&ModelId, &ModelId) {
        (&self.models.0, &self.models.1)
    }

    /// Fills `prepared` with what the cache holds of `need` and fetches the rest. Features of
    /// `stale` references are taken from their pictures whatever is stored of them.
    pub(crate) async fn fetch(
        &self,
        snapshot: &GallerySnapshot,
        need: &Need,
        stale: &BTreeSet<String>,
        prepared: &mut Prepared,
    ) -> Result<Vec<Fetched>, StoreError> {
        let mut fetched = Vec::new();
        for id in need.features.union(&need.pixels) {
            let Some(reference) = snapshot.get(id) else {
                continue;
            };
            let mut lacking = Lacking {
                features: need.features.contains(id),
                pixels: need.pixels.contains(id),
            };
            lacking = recall(self.engine.cache(), reference, lacking, prepared);
            // Stored features come first: reading them costs far less than four runs of a model.
            if lacking.features && !stale.contains(id) {
                let model = features_model(&self.models.1, reference.article);
                if let Some(bytes) = self.derived.derived(reference.sha256, &model).await? {
                    fetched.push(Fetched {
                        reference: Arc::clone(reference),
                        form: Form::Features(bytes),
                    });
                    lacking.features = false;
                }
            }
            if lacking.any() {
                fetched.extend(self.picture(reference, lacking, prepared).await?);
            }
        }
        Ok(fetched)
    }

    async fn picture(
        &self,
        reference: &Arc<Reference>,
        lacking: Lacking,
        prepared: &mut Prepared,
    ) -> Result<Option<Fetched>, StoreError> {
        match self.images.image(reference.sha256).await {
            Ok(bytes) => {
                self.found(&reference.id);
                Ok(Some(Fetched {
                    reference: Arc::clone(reference),
                    form: Form::Picture(bytes, lacking),
                }))
            }
            Err(StoreError::Lost { why, .. }) => {
                // No error: the other references can be compared, and the verdict says what is
                // missing.
                self.is_lost(&reference.id, &reference.product, &why);
                prepared.add_lost(&reference.id);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes what was fetched ready for comparison, on a worker.
    pub(crate) fn unpack(
        &self,
        vision: &mut Vision,
        fetched: Vec<Fetched>,
        prepared: &mut Prepared,
    ) -> Result<Unpacked, InferenceError> {
        let (cache, mut unpacked) = (self.engine.cache(), Unpacked::default());
        for Fetched { reference, form } in fetched {
            match form {
                Form::Features(bytes) => match features_from_bytes(&bytes, &self.models.1) {
                    Some(features) => {
                        keep_features(cache, &reference, features, prepared);
                    }
                    None => {
                        // Perhaps of an earlier program. Asked for once more, they are made from
                        // the picture.
                        unpacked.stale.insert(reference.id.clone());
                    }
                },
                Form::Picture(bytes, lacking) => {
                    let picture = match Decoded::from_bytes(vision.imaging.as_mut(), &bytes) {
                        Ok(picture) => picture,
                        Err(error) => {
                            // As good as lost: the same bytes will not become a picture by asking
                            // again.
                            prepared.add_lost(&reference.id);
                            unpacked.undecodable.push((reference, error.to_string()));
                            continue;
                        }
                    };
                    let shown = (reference.as_ref(), &picture);
                    if let Some(features) = take(cache, vision, shown, lacking, prepared)? {
                        let bytes = features_to_bytes(&features);
                        unpacked.made.push((reference, bytes));
                    }
                }
            }
        }
        Ok(unpacked)
    }

    /// Stores what was made on the worker; the references whose stored features must not be asked
    /// for again.
    pub(crate) async fn store(&self, unpacked: Unpacked) -> Result<BTreeSet<String>, StoreError> {
        for (reference, why) in unpacked.undecodable {
            self.is_lost(&reference.id, &reference.product, &why);
        }
        // Only now, off the worker: a disk must not keep models waiting.
        for (reference, bytes) in unpacked.made {
            self.put_features(&reference, bytes).await?;
        }
        Ok(unpacked.stale)
    }

    /// Stores the features of a reference.
    pub(crate) async fn put_features(
        &self,
        reference: &Reference,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        let model = features_model(&self.models.1, reference.article);
        self.derived
            .put_derived(reference.sha256, &model, bytes)
            .await
    }

    /// Remembers that a reference's picture is lost, and says so in the log once.
    pub(crate) fn is_lost(&self, id: &str, product: &ProductKey, why: &str) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        // Once, and not at each of the checks that ask for it until somebody restores it.
        if lost.insert(id.to_owned(), product.clone()).is_none() {
            tracing::error!(
                "the picture of reference `{id}` of {product} is lost ({why}): checks that need it \
                 are not comparable until it is restored from a backup or enrolled again"
            );
        }
    }

    /// Remembers that a reference's picture is there.
    pub(crate) fn found(&self, id: &str) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        if lost.remove(id).is_some() {
            tracing::info!("the picture of reference `{id}` is there again");
        }
    }

    /// References whose picture was lost when it was last asked for.
    pub(crate) fn lost(&self) -> Vec<LostReference> {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        let named = |(id, product): (&String, &ProductKey)| LostReference {
            id: id.clone(),
            product: product.clone(),
        };
        lost.iter().map(named).collect()
    }
}
