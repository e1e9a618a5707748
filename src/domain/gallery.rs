//! The references searched: products, their references, and what a comparison needs to know of
//! each.

use std::{
    cmp::Ordering,
    collections::{HashMap, HashSet},
    ops::Range,
    sync::Arc,
};

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
    // processor's cache each. So are the contents' hashes, of which the start tells nearly all apart.
    fingerprints: Vec<Fingerprint>,
    contents: Vec<u64>,
    /// References whose very file is enrolled for another product too, in the same order.
    same_file: Vec<Arc<Reference>>,
}

impl Indexed {
    /// Without references, for about as many as another has.
    fn like(other: &Self) -> Self {
        let count = other.references.len() + 1;
        Self {
            references: Vec::with_capacity(count),
            embeddings: EmbeddingIndex::like(&other.embeddings),
            fingerprints: Vec::with_capacity(count),
            contents: Vec::with_capacity(count),
            same_file: Vec::new(),
        }
    }

    fn push(&mut self, reference: Arc<Reference>) {
        self.embeddings.push(&reference.embedding);
        self.fingerprints.push(reference.fingerprint);
        self.contents.push(start_of(reference.sha256));
        self.references.push(reference);
    }

    fn extend(&mut self, other: &Self, places: Range<usize>) {
        self.embeddings.extend(&other.embeddings, places.clone());
        self.fingerprints
            .extend_from_slice(&other.fingerprints[places.clone()]);
        self.contents
            .extend_from_slice(&other.contents[places.clone()]);
        self.references.extend_from_slice(&other.references[places]);
    }

    /// The references of this content, when they are of several products.
    fn shared(&self, sha256: Sha256) -> Vec<Arc<Reference>> {
        let start = start_of(sha256);
        let places = self.contents.iter().enumerate();
        let places = places.filter(|(_, content)| **content == start);
        let references = places.map(|(n, _)| &self.references[n]);
        let of_it: Vec<_> = references.filter(|r| r.sha256 == sha256).cloned().collect();
        let is_shared = of_it.windows(2).any(|two| two[0].product != two[1].product);
        if is_shared { of_it } else { Vec::new() }
    }
}

fn start_of(sha256: Sha256) -> u64 {
    let bytes = &sha256.as_bytes()[..8];
    bytes
        .iter()
        .fold(0, |start, byte| start << 8 | u64::from(*byte))
}

/// What references are ordered by.
fn order(a: &Reference, b: &Reference) -> Ordering {
    (&a.product, &a.id).cmp(&(&b.product, &b.id))
}

impl Gallery {
    /// A gallery of `references` in any order.
    pub fn new(mut references: Vec<Arc<Reference>>) -> Self {
        // Whatever order the store gives, ties between references go the same way.
        references.sort_by(|a, b| order(a, b));
        // Of each file the product that has it, or none once a second one has.
        let mut only: HashMap<Sha256, Option<&ProductKey>> = HashMap::new();
        for reference in &references {
            let known = only
                .entry(reference.sha256)
                .or_insert(Some(&reference.product));
            *known = known.filter(|product| **product == reference.product);
        }
        let is_shared = |r: &&Arc<Reference>| only[&r.sha256].is_none();
        let same_file = references.iter().filter(is_shared).cloned().collect();
        let mut indexed = Indexed::default();
        references.into_iter().for_each(|r| indexed.push(r));
        Self(Arc::new(Indexed {
            same_file,
            ..indexed
        }))
    }

    /// This gallery with a few references more and a few less, which must be in it. Of the others only
    /// lists are copied: none of them is looked at.
    pub fn with(&self, mut came: Vec<Arc<Reference>>, gone: &[Arc<Reference>]) -> Self {
        let old = &self.0;
        came.sort_by(|a, b| order(a, b));
        let place = |r: &Reference| old.references.partition_point(|o| order(o, r).is_lt());
        let mut changed: HashSet<Sha256> = gone.iter().map(|r| r.sha256).collect();
        changed.extend(came.iter().map(|r| r.sha256));
        // At one place what came stands before what goes; their order in the gallery is the same.
        let arrivals = came.into_iter().map(|r| (place(&r), Some(r)));
        let mut steps: Vec<_> = arrivals
            .chain(gone.iter().map(|r| (place(r), None)))
            .collect();
        steps.sort_by_key(|(place, _)| *place);
        let (mut new, mut copied) = (Indexed::like(old), 0);
        for (place, arrival) in steps {
            new.extend(old, copied..place.max(copied));
            copied = copied.max(place);
            match arrival {
                Some(reference) => new.push(reference),
                None => copied += 1,
            }
        }
        new.extend(old, copied..old.references.len());
        let kept = old
            .same_file
            .iter()
            .filter(|r| !changed.contains(&r.sha256));
        let mut same_file: Vec<_> = kept.cloned().collect();
        same_file.extend(changed.iter().flat_map(|sha256| new.shared(*sha256)));
        same_file.sort_by(|a, b| order(a, b));
        Self(Arc::new(Indexed { same_file, ..new }))
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
        self.0.same_file.iter()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn reference(product: u8, id: u8, content: u8) -> Arc<Reference> {
        Arc::new(Reference {
            id: format!("r{id}"),
            product: ProductKey {
                brand: "acme".into(),
                product: format!("p{product}"),
            },
            kind: ReferenceKind::Pack,
            view: None,
            sha256: Sha256::of(&[content]),
            article: None,
            marks: vec![],
            ignored: vec![],
            embedding: QuantisedEmbedding::from_parts(
                [product, id, content].map(|n| n.cast_signed()).into(),
                0.5,
            ),
            fingerprint: Fingerprint {
                horizontal: id.into(),
                vertical: content.into(),
            },
            keypoints: 4,
        })
    }

    #[test]
    fn the_first_reference_of_an_empty_gallery_is_found() {
        let first = Gallery::default().with(vec![reference(0, 1, 1)], &[]);
        let second = first.with(vec![reference(0, 2, 2)], &[]);
        let asked = QuantisedEmbedding::from_parts([1, 2, 3].into(), 1.0);
        for (gallery, count) in [(first, 1), (second, 2)] {
            let [found] = gallery.nearest([(&asked, 12)], gallery.all_but(&(0..0)));
            assert_eq!(found.len(), count);
        }
    }

    proptest! {
        /// Against making it anew of all that is left.
        #[test]
        fn a_changed_gallery_is_the_one_that_is_made_anew(
            // Product and content by id, before and after; `None` where it is not enrolled.
            before in prop::array::uniform12(prop::option::of((0_u8..4, 0_u8..5))),
            after in prop::array::uniform12(prop::option::of((0_u8..4, 0_u8..5))),
        ) {
            let of = |n: usize, enrolled: Option<(u8, u8)>| {
                let (product, content) = enrolled?;
                Some(reference(product, u8::try_from(n).unwrap(), content))
            };
            let all = |enrolled: [Option<(u8, u8)>; 12]| -> Vec<Arc<Reference>> {
                (0..12).filter_map(|n| of(n, enrolled[n])).collect()
            };
            let changed = (0..12).filter(|n| before[*n] != after[*n]);
            let changed: Vec<usize> = changed.collect();
            let gone: Vec<_> = changed.iter().filter_map(|n| of(*n, before[*n])).collect();
            let came = changed.iter().filter_map(|n| of(*n, after[*n])).collect();
            let (with, new) = (Gallery::new(all(before)).with(came, &gone), Gallery::new(all(after)));
            prop_assert_eq!(with.references(), new.references());
            prop_assert_eq!(with.fingerprints(), new.fingerprints());
            prop_assert!(with.same_file().eq(new.same_file()));
            prop_assert_eq!(&with.0.contents, &new.0.contents);
            let asked = QuantisedEmbedding::from_parts([1, 2, 3].into(), 1.0);
            let nearest = |g: &Gallery| g.nearest([(&asked, 12)], g.all_but(&(0..0)));
            prop_assert_eq!(nearest(&with), nearest(&new));
        }
    }
}
