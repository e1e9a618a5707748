//! The references searched: products, their references, and what a comparison needs to know of
//! each.

use std::{cmp::Ordering, collections::HashMap, ops::Range, sync::Arc};

use crate::domain::{
    digest::Sha256,
    embedding::QuantisedEmbedding,
    embedding_index::EmbeddingIndex,
    fingerprint::Fingerprint,
    geometry::{Point, Rect},
};

/// Names a product of a brand, as in `acme / oat-drink-1l`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProductKey {
    /// Brand id.
    pub brand: String,
    /// Product id, unique within the brand.
    pub product: String,
}

impl std::fmt::Display for ProductKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} / {}", self.brand, self.product)
    }
}

/// What a reference shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReferenceKind {
    /// A whole pack or article.
    Pack,
    /// A logo alone.
    Logo,
    /// A label alone.
    Label,
    /// The brand's own published picture: a listing that shows it shows no item at all.
    CataloguePhoto,
}

impl ReferenceKind {
    /// All kinds in the order of the documentation.
    pub const ALL: [Self; 4] = [Self::Pack, Self::Logo, Self::Label, Self::CataloguePhoto];

    /// The stable name used in requests, files and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pack => "pack",
            Self::Logo => "logo",
            Self::Label => "label",
            Self::CataloguePhoto => "catalogue_photo",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        // Names are few: a search needs no second list that could fall out of step.
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// What a protected mark holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MarkKind {
    /// Letters, with the text they should read.
    Text,
    /// A figure.
    Logo,
    /// Print that varies by design, such as a date: a region that is never compared.
    Ignored,
}

impl MarkKind {
    /// All kinds in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::Text, Self::Logo, Self::Ignored];

    /// The stable name used in requests, files and the database.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Logo => "logo",
            Self::Ignored => "ignored",
        }
    }

    /// The kind of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

/// A protected mark: one of the few places of a reference that a forger must get right.
#[derive(Clone, Debug, PartialEq)]
pub struct Mark {
    /// Name shown to people.
    pub name: String,
    /// Text or logo.
    pub kind: MarkKind,
    /// Corners in 0..1 of the upright reference, in order around the region, at least three.
    pub region: Vec<Point>,
    /// What a text mark should read.
    pub text: Option<String>,
    /// Whether Assay proposed it because the owner gave none.
    // People are told which marks nobody chose.
    pub proposed: bool,
}

impl Mark {
    /// The marks that are compared, and the regions that are not.
    pub fn parted(marks: Vec<Self>) -> (Vec<Self>, Vec<Self>) {
        marks.into_iter().partition(|m| m.kind != MarkKind::Ignored)
    }
}

/// One enrolled image of a known genuine item, as light as the search through the whole gallery
/// needs it.
///
/// The pixels and the full features are loaded when a comparison needs them.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// Stable id.
    pub id: String,
    /// Product it belongs to.
    pub product: ProductKey,
    /// What it shows.
    pub kind: ReferenceKind,
    /// Side or view named by the owner, such as `front`.
    pub view: Option<String>,
    /// Content hash of the image file.
    pub sha256: Sha256,
    /// The part of the upright image that shows the article, in pixels, when it is not the whole:
    /// found at enrolment in photos that show more than the article.
    pub article: Option<Rect>,
    /// Protected marks, given by the owner or proposed.
    pub marks: Vec<Mark>,
    /// Regions that vary by design, named by the owner: nothing is compared there.
    pub ignored: Vec<Mark>,
    /// Embedding of the cropped reference.
    // As bytes: the whole gallery is searched in memory, and they take a quarter of it.
    pub embedding: QuantisedEmbedding,
    /// Perceptual fingerprint of the whole picture, for `reused_photo`.
    pub fingerprint: Fingerprint,
    /// Local features found in it, upright.
    pub keypoints: usize,
}

impl Reference {
    /// Whether its owner named marks: then nothing else of it is judged.
    pub fn has_named_marks(&self) -> bool {
        self.marks.iter().any(|m| !m.proposed)
    }
}

/// How usable a reference is, told at enrolment.
#[derive(Clone, Debug, PartialEq)]
pub struct Health {
    /// Whether photos can be compared with it at all.
    pub usable: bool,
    /// Local features found.
    pub keypoints: usize,
    /// Sharpness, 0 to 1.
    pub sharpness: f64,
    /// What is wrong or weak and what to do about it, for the owner.
    pub problems: Vec<String>,
}

/// All references that a check may compare with, and the index over them; cheap to clone, replaced as
/// a whole when a reference comes or goes.
#[derive(Clone, Debug, Default)]
pub struct Gallery(Arc<Indexed>);

#[derive(Debug, Default)]
struct Indexed {
    /// Ordered by product and id.
    // Shared one by one: a new snapshot takes over all references that did not change.
    references: Vec<Arc<Reference>>,
    embeddings: EmbeddingIndex,
    // Side by side, since a check compares with all of them: a reference each would be a miss in the
    // processor's cache each.
    fingerprints: Vec<Fingerprint>,
    /// Places of references whose very file is enrolled for another product too.
    same_file: Vec<usize>,
}

impl Gallery {
    /// A gallery of `references` in any order.
    pub fn new(mut references: Vec<Arc<Reference>>) -> Self {
        // Whatever order the store gives, ties between references go the same way.
        references.sort_by(|a, b| (&a.product, &a.id).cmp(&(&b.product, &b.id)));
        // Of each file the product that has it, or none once a second one has.
        let mut only: HashMap<Sha256, Option<&ProductKey>> = HashMap::new();
        for reference in &references {
            let known = only
                .entry(reference.sha256)
                .or_insert(Some(&reference.product));
            *known = known.filter(|product| **product == reference.product);
        }
        let is_shared = |r: &Arc<Reference>| only[&r.sha256].is_none();
        let places = (0..references.len()).filter(|&n| is_shared(&references[n]));
        Self(Arc::new(Indexed {
            same_file: places.collect(),
            embeddings: EmbeddingIndex::of(references.iter().map(|r| &r.embedding)),
            fingerprints: references.iter().map(|r| r.fingerprint).collect(),
            references,
        }))
    }

    /// All references, ordered by product and id.
    pub fn references(&self) -> &[Arc<Reference>] {
        &self.0.references
    }

    /// The references of one product.
    pub fn of(&self, product: &ProductKey) -> &[Arc<Reference>] {
        &self.references()[self.places(|p| p.cmp(product))]
    }

    /// The places of the references whose product compares equal, by an order that products are in.
    pub(crate) fn places(&self, order: impl Fn(&ProductKey) -> Ordering) -> Range<usize> {
        let all = self.references();
        let start = all.partition_point(|r| order(&r.product).is_lt());
        let end = all.partition_point(|r| order(&r.product).is_le());
        start..end
    }

    /// For each embedding asked, the places of as many references as wanted that are most alike to
    /// it, of those in `among`, the most alike first; all in one pass over the gallery.
    pub(crate) fn nearest<const N: usize>(
        &self,
        asked: [(&QuantisedEmbedding, usize); N],
        among: impl IntoIterator<Item = Range<usize>>,
    ) -> [Vec<usize>; N] {
        self.0.embeddings.nearest(asked, among)
    }

    /// All places but some that follow each other.
    pub(crate) fn all_but(&self, places: &Range<usize>) -> [Range<usize>; 2] {
        [0..places.start, places.end..self.references().len()]
    }

    /// Each reference's fingerprint, by place.
    pub(crate) fn fingerprints(&self) -> &[Fingerprint] {
        &self.0.fingerprints
    }

    /// References whose very file is enrolled for another product too.
    pub(crate) fn same_file(&self) -> impl Iterator<Item = &Arc<Reference>> {
        self.0.same_file.iter().map(|&n| &self.0.references[n])
    }
}
