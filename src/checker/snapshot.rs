//! The gallery in memory, as one check sees it, and what version of the references it is.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use crate::{
    domain::{
        digest::Sha256,
        gallery::{Gallery, ProductKey, Reference},
        geometry::Rect,
    },
    engine::Claim,
};

/// A gallery as it was after one change.
#[derive(Debug, Default)]
pub(crate) struct GallerySnapshot {
    /// The references.
    pub gallery: Gallery,
    /// Number of the last change of references, by any process, that is in it.
    pub change: i64,
    /// Version of all references.
    pub reference_set: String,
    /// References that are enrolled and left out because their picture is lost or damaged.
    lost: Vec<LostReference>,
    by_id: ById,
    all: SetDigest,
    by_brand: HashMap<String, SetDigest>,
}

/// References that may come or go before the gallery is made anew rather than changed.
const MOST_PIECEMEAL: usize = 256;
/// Parts that references lie in by their ids.
const PARTS: usize = 256;

/// References by id, in parts: of a copy that is changed, only the parts that change are copied.
#[derive(Clone, Debug)]
struct ById(Vec<Arc<HashMap<String, Arc<Reference>>>>);

impl Default for ById {
    fn default() -> Self {
        Self(vec![Arc::default(); PARTS])
    }
}

impl ById {
    fn part(id: &str) -> usize {
        let hash = |h: usize, byte: u8| h.wrapping_mul(31).wrapping_add(byte.into());
        id.bytes().fold(0, hash) % PARTS
    }

    fn get(&self, id: &str) -> Option<&Arc<Reference>> {
        self.0[Self::part(id)].get(id)
    }

    fn insert(&mut self, reference: Arc<Reference>) {
        let part = &mut self.0[Self::part(&reference.id)];
        Arc::make_mut(part).insert(reference.id.clone(), reference);
    }

    fn remove(&mut self, id: &str) -> Option<Arc<Reference>> {
        let part = &mut self.0[Self::part(id)];
        part.contains_key(id)
            .then(|| Arc::make_mut(part).remove(id))
            .flatten()
    }

    fn values(&self) -> impl Iterator<Item = &Arc<Reference>> {
        self.0.iter().flat_map(|part| part.values())
    }
}

/// An enrolled reference whose picture is lost or damaged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostReference {
    /// Its id.
    pub id: String,
    /// Product it belongs to.
    pub product: ProductKey,
}

/// What a snapshot differs in from the one before it.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    /// Number of the last change that is in it.
    pub change: i64,
    /// References that are searched from now on, by id.
    came: HashMap<String, Arc<Reference>>,
    /// References whose picture turned out to be lost, by id.
    lost: HashMap<String, LostReference>,
    /// Ids of references that are no longer searched.
    gone: HashSet<String>,
}

impl Delta {
    /// Nothing yet, up to a change.
    pub(crate) fn up_to(change: i64) -> Self {
        Self {
            change,
            ..Self::default()
        }
    }

    /// A reference is searched from now on. What was said of it before no longer holds, as with the
    /// two below.
    pub(crate) fn came(&mut self, reference: Arc<Reference>) {
        self.stays(&reference.id);
        self.came.insert(reference.id.clone(), reference);
    }

    /// A reference's picture turned out to be lost.
    pub(crate) fn lost(&mut self, reference: LostReference) {
        self.stays(&reference.id);
        self.lost.insert(reference.id.clone(), reference);
    }

    /// A reference is no longer searched.
    pub(crate) fn gone(&mut self, id: String) {
        self.stays(&id);
        self.gone.insert(id);
    }

    /// A reference is as the older snapshot has it.
    pub(crate) fn stays(&mut self, id: &str) {
        self.came.remove(id);
        self.lost.remove(id);
        self.gone.remove(id);
    }

    /// How many references came.
    pub(crate) fn arrivals(&self) -> usize {
        self.came.len()
    }
}

impl GallerySnapshot {
    /// This snapshot with a few references more or less. What they cost to read is paid for them
    /// alone; of the others only a list is made anew.
    pub(crate) fn with(&self, delta: Delta) -> Self {
        let (mut by_id, mut by_brand) = (self.by_id.clone(), self.by_brand.clone());
        let (mut all, mut lost) = (self.all, self.lost.clone());
        lost.retain(|r| {
            let id = &r.id;
            // One that was lost and came back is not lost any more.
            !delta.gone.contains(id) && !delta.came.contains_key(id) && !delta.lost.contains_key(id)
        });
        lost.extend(delta.lost.into_values());
        lost.sort_by(|a, b| a.id.cmp(&b.id));
        let gone: Vec<_> = delta
            .gone
            .iter()
            .filter_map(|id| by_id.remove(id))
            .collect();
        for reference in &gone {
            let digest = digest(reference);
            all.remove(digest);
            if let Some(set) = by_brand.get_mut(&reference.product.brand) {
                set.remove(digest);
            }
        }
        // Two that read at the same time may bring the same one twice.
        let came = delta.came.into_values();
        let came: Vec<_> = came.filter(|r| by_id.get(&r.id).is_none()).collect();
        for reference in &came {
            let digest = digest(reference);
            all.add(digest);
            let brand = reference.product.brand.clone();
            by_brand.entry(brand).or_default().add(digest);
            by_id.insert(Arc::clone(reference));
        }
        let gallery = if came.len() + gone.len() <= MOST_PIECEMEAL {
            self.gallery.with(came, &gone)
        } else {
            Gallery::new(by_id.values().cloned().collect())
        };
        Self {
            gallery,
            change: delta.change,
            reference_set: all.version(),
            lost,
            by_id,
            all,
            by_brand,
        }
    }

    /// The same with the references of some brands alone.
    pub(crate) fn only(&self, sees: impl Fn(&str) -> bool) -> Self {
        let mut delta = Delta::up_to(self.change);
        let all = self.gallery.references().iter();
        for reference in all.filter(|r| sees(&r.product.brand)) {
            delta.came(Arc::clone(reference));
        }
        for lost in self.lost.iter().filter(|l| sees(&l.product.brand)) {
            delta.lost(lost.clone());
        }
        Self::default().with(delta)
    }

    /// References that are lost, of those that a claim covers.
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
        self.by_id.get(id)
    }

    /// Version of the references of one brand.
    pub(crate) fn version_of(&self, brand: &str) -> String {
        self.by_brand
            .get(brand)
            .copied()
            .unwrap_or_default()
            .version()
    }
}

/// The digests of a set's members added up, so that the order does not matter and a member comes or
/// goes without the others being looked at. It tells sets apart; it is no proof against somebody
/// who makes up members to reach a sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct SetDigest {
    members: u64,
    sum: [u64; 4],
}

impl SetDigest {
    fn add(&mut self, digest: [u64; 4]) {
        self.members += 1;
        self.sum = std::array::from_fn(|n| self.sum[n].wrapping_add(digest[n]));
    }

    fn remove(&mut self, digest: [u64; 4]) {
        self.members -= 1;
        self.sum = std::array::from_fn(|n| self.sum[n].wrapping_sub(digest[n]));
    }

    fn version(&self) -> String {
        Sha256::of(format!("{} {:?}", self.members, self.sum).as_bytes()).prefix(16)
    }
}

/// A digest over all of a reference that a score depends on.
fn digest(r: &Reference) -> [u64; 4] {
    // Debug formatting quotes texts, so that no two references give the same line.
    let line = format!(
        "{:?} {} {} {:?} {:?} {:?}",
        r.product,
        r.id,
        r.sha256,
        r.article.map(Rect::to_xywh),
        r.marks,
        r.ignored,
    );
    let digest = Sha256::of(line.as_bytes());
    let mut words = digest.as_bytes().chunks(8).map(|bytes| {
        bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))
    });
    std::array::from_fn(|_| words.next().unwrap_or_default())
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

    fn named(id: &str, brand: &str) -> Arc<Reference> {
        let mut reference = entry();
        reference.id = id.into();
        reference.product.brand = brand.into();
        Arc::new(reference)
    }

    fn with(
        snapshot: &GallerySnapshot,
        came: &[&Arc<Reference>],
        gone: &[&str],
    ) -> GallerySnapshot {
        let mut delta = Delta::default();
        gone.iter().for_each(|id| delta.gone((*id).to_owned()));
        came.iter().for_each(|r| delta.came(Arc::clone(r)));
        snapshot.with(delta)
    }

    #[test]
    fn the_version_moves_with_contents_and_marks_but_not_with_order() {
        let (a, b) = (named("r1", "acme"), named("r2", "acme"));
        let set = |references: [&Arc<Reference>; 2]| {
            with(&GallerySnapshot::default(), &references, &[]).reference_set
        };
        let before = set([&a, &b]);
        assert_eq!(set([&b, &a]), before);
        let mut other = Reference::clone(&b);
        other.sha256 = Sha256::of(b"another");
        assert_ne!(set([&a, &Arc::new(other)]), before);
    }

    #[test]
    fn whatever_way_a_set_came_about_its_version_is_the_same() {
        let empty = GallerySnapshot::default();
        let (a, b, c) = (
            named("r1", "acme"),
            named("r2", "acme"),
            named("r3", "bolt"),
        );
        let at_once = with(&empty, &[&a, &c], &[]);
        let by_steps = with(
            &with(&with(&empty, &[&b], &[]), &[&c, &a, &a], &[]),
            &[],
            &["r2", "r9"],
        );
        assert_eq!(by_steps.reference_set, at_once.reference_set);
        assert_eq!(by_steps.version_of("acme"), at_once.version_of("acme"));
        assert_eq!(by_steps.gallery.references(), at_once.gallery.references());
        assert!(by_steps.get("r2").is_none() && by_steps.get("r3").is_some());
        let none = with(&by_steps, &[], &["r1", "r3"]);
        assert_eq!(
            none.reference_set,
            empty.with(Delta::default()).reference_set
        );
        assert_eq!(none.version_of("acme"), none.version_of("nobody"));
    }

    #[test]
    fn of_several_words_about_a_reference_the_last_holds() {
        let a = named("r1", "acme");
        let mut delta = Delta::default();
        delta.came(Arc::clone(&a));
        delta.gone("r1".into());
        assert!(GallerySnapshot::default().with(delta).get("r1").is_none());
        let mut delta = Delta::default();
        delta.gone("r1".into());
        delta.came(Arc::clone(&a));
        assert!(GallerySnapshot::default().with(delta).get("r1").is_some());
    }

    #[test]
    fn a_lost_reference_is_lost_once_until_it_comes_back_or_goes() {
        let a = named("r1", "acme");
        let lost = LostReference {
            id: "r1".into(),
            product: a.product.clone(),
        };
        let lose = |snapshot: &GallerySnapshot| {
            let mut delta = Delta::default();
            delta.lost(lost.clone());
            snapshot.with(delta)
        };
        let claim = Claim::Brand("acme".into());
        let once = lose(&lose(&GallerySnapshot::default()));
        assert_eq!(once.lost_of(Some(&claim)), ["r1"]);
        assert_eq!(once.lost_of(None), [] as [String; 0]);
        assert_eq!(
            with(&once, &[&a], &[]).lost_of(Some(&claim)),
            [] as [String; 0]
        );
        assert_eq!(
            with(&once, &[], &["r1"]).lost_of(Some(&claim)),
            [] as [String; 0]
        );
    }
}
