//! The gallery in memory, as one check sees it, and what version of the references it is.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use crate::{
    domain::{
        digest::Sha256,
        gallery::{Gallery, ProductKey, Reference},
        geometry::Rect,
    },
    engine::Claim,
};

/// A gallery as it was at one count of changes.
#[derive(Debug, Default)]
pub(crate) struct GallerySnapshot {
    /// The references.
    pub gallery: Gallery,
    /// How often references had changed, in all processes, when this was read.
    pub changes: i64,
    /// Version of all references.
    pub reference_set: String,
    /// References that are enrolled and left out because their picture is lost or damaged.
    pub lost: Vec<LostReference>,
    /// Where each reference stands in the gallery, by id.
    places: HashMap<String, usize>,
}

/// An enrolled reference whose picture is lost or damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostReference {
    /// Its id.
    pub id: String,
    /// Product it belongs to.
    pub product: ProductKey,
}

impl GallerySnapshot {
    /// A snapshot of these references, without those that are `lost`.
    pub(crate) fn new(
        references: Vec<Arc<Reference>>,
        lost: Vec<LostReference>,
        changes: i64,
    ) -> Self {
        let gallery = Gallery::new(references);
        let reference_set = reference_set(&gallery, None);
        // Every fetch asks for many by id, and a gallery may be long.
        let places = gallery.references().iter().enumerate();
        let places = places.map(|(n, r)| (r.id.clone(), n)).collect();
        Self {
            gallery,
            changes,
            reference_set,
            lost,
            places,
        }
    }

    /// Ids of lost references that a claim covers.
    pub(crate) fn lost_of(&self, claim: Option<&Claim>) -> Vec<String> {
        let covered = |r: &&LostReference| claim.is_some_and(|c| c.covers(&r.product));
        self.lost
            .iter()
            .filter(covered)
            .map(|r| r.id.clone())
            .collect()
    }

    /// A reference by its id.
    pub(crate) fn get(&self, id: &str) -> Option<&Arc<Reference>> {
        self.gallery.references().get(*self.places.get(id)?)
    }
}

/// Version of the references of one brand, or of all: a hash over ids, contents and marks in a
/// fixed order.
pub(crate) fn reference_set(gallery: &Gallery, brand: Option<&str>) -> String {
    let mut lines = String::new();
    for r in gallery
        .references()
        .iter()
        .filter(|r| brand.is_none_or(|b| r.product.brand == b))
    {
        // Debug formatting quotes texts, so that no two sets give the same lines; writing to a
        // string cannot fail.
        let _ = writeln!(
            lines,
            "{:?} {} {} {:?} {:?}",
            r.product,
            r.id,
            r.sha256,
            // As the four numbers it was first written in: other text would change every version
            // and have all genuine photos scored again.
            r.article.map(Rect::to_xywh),
            r.marks
        );
        // On a line of its own only where there are some, for the same reason.
        if !r.ignored.is_empty() {
            let _ = writeln!(lines, "{:?}", r.ignored);
        }
    }
    Sha256::of(lines.as_bytes()).prefix(16)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::domain::{
        embedding::QuantisedEmbedding, fingerprint::Fingerprint, gallery::ReferenceKind,
    };

    /// A product's only reference, small enough to be read.
    pub(in crate::checker) fn entry() -> Reference {
        Reference {
            id: "r1".into(),
            product: ProductKey {
                brand: "acme".into(),
                product: "oat".into(),
            },
            kind: ReferenceKind::Pack,
            view: None,
            sha256: Sha256::of(b"pack"),
            article: None,
            marks: vec![],
            ignored: vec![],
            embedding: QuantisedEmbedding::from_parts(vec![1, -2, 3].into(), 0.25),
            fingerprint: Fingerprint {
                horizontal: 5,
                vertical: u64::MAX,
            },
            keypoints: 4,
        }
    }

    #[test]
    fn the_version_moves_with_contents_and_marks_but_not_with_order() {
        let (a, mut b) = (entry(), entry());
        b.id = "r2".into();
        let set = |references: [&Reference; 2]| {
            let references = references.map(|r| Arc::new(r.clone())).to_vec();
            GallerySnapshot::new(references, vec![], 0).reference_set
        };
        let before = set([&a, &b]);
        assert_eq!(set([&b, &a]), before);
        b.sha256 = Sha256::of(b"another");
        assert_ne!(set([&a, &b]), before);
    }
}
