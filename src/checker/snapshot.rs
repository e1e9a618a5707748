//! The gallery in memory: how a reference's entry is kept beside its image, and what version of the
//! references it is.

use std::{collections::HashMap, fmt::Write, sync::Arc};

use super::records::ReferenceRecord;
use crate::domain::{
    descriptors::CoarseDescriptors,
    digest::Sha256,
    embedding::{ModelId, QuantisedEmbedding},
    fingerprint::Fingerprint,
    gallery::{Gallery, Reference},
    geometry::Rect,
};

/// A gallery as it was at one count of changes.
#[derive(Debug, Default)]
pub struct GallerySnapshot {
    /// The references.
    pub gallery: Gallery,
    /// How often references had changed, in all processes, when this was read.
    pub changes: i64,
    /// Version of all references.
    pub reference_set: String,
}

impl GallerySnapshot {
    /// A shelf of these references.
    pub fn new(references: Vec<Arc<Reference>>, changes: i64) -> Self {
        let gallery = Gallery::new(references);
        let reference_set = reference_set(&gallery, None);
        Self {
            gallery,
            changes,
            reference_set,
        }
    }

    /// References by id.
    pub fn by_id(&self) -> HashMap<&str, &Arc<Reference>> {
        self.gallery
            .references
            .iter()
            .map(|r| (r.id.as_str(), r))
            .collect()
    }
}

/// Version of the references of one brand, or of all: a hash over ids, contents and marks in a
/// fixed order.
pub fn reference_set(gallery: &Gallery, brand: Option<&str>) -> String {
    let mut lines = String::new();
    for r in gallery
        .references
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
            r.article.map(Rect::to_xywh),
            r.marks
        );
    }
    Sha256::of(lines.as_bytes()).prefix(16)
}

/// What the entries of a gallery are made with: these models and this form.
pub fn entry_model(embedder: &ModelId, local: &ModelId) -> ModelId {
    ModelId(format!("entry-{FORMAT}+{embedder}+{local}"))
}

/// The name an entry is stored under: the same image may serve as a whole and in part.
pub fn entry_name(sha256: Sha256, article: Option<Rect>) -> Sha256 {
    let article = article.map(Rect::to_xywh);
    Sha256::of(format!("{sha256} {article:?}").as_bytes())
}

const FORMAT: u8 = 1;

/// The searchable part of a reference as bytes, little-endian: fingerprint, embedding, coarse
/// descriptors.
pub fn entry_to_bytes(reference: &Reference) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(reference.fingerprint.horizontal.to_le_bytes());
    out.extend(reference.fingerprint.vertical.to_le_bytes());
    out.extend(reference.embedding.scale().to_le_bytes());
    put_row(&mut out, reference.embedding.values());
    out.extend((reference.coarse.dimensions as u32).to_le_bytes());
    for turn in &reference.coarse.turns {
        put_row(&mut out, turn);
    }
    out
}

fn put_row(out: &mut Vec<u8>, row: &[i8]) {
    out.extend((row.len() as u32).to_le_bytes());
    out.extend(row.iter().map(|v| v.cast_unsigned()));
}

/// The gallery's entry for a record from its stored bytes; `None` when they are not of this form.
pub fn entry_from_bytes(
    record: &ReferenceRecord,
    embedding_model: ModelId,
    bytes: &[u8],
) -> Option<Reference> {
    let mut rest = Rest(bytes);
    let fingerprint = Fingerprint {
        horizontal: u64::from_le_bytes(rest.take()?),
        vertical: u64::from_le_bytes(rest.take()?),
    };
    let scale = f32::from_le_bytes(rest.take()?);
    let embedding = QuantisedEmbedding::from_parts(rest.row()?, scale);
    let dimensions = u32::from_le_bytes(rest.take()?) as usize;
    let turns = [rest.row()?, rest.row()?, rest.row()?, rest.row()?];
    let whole = rest.0.is_empty()
        && turns
            .iter()
            .all(|t| dimensions > 0 && t.len() % dimensions == 0 || t.is_empty());
    whole.then(|| Reference {
        id: record.id.clone(),
        product: record.product.clone(),
        kind: record.kind,
        view: record.view.clone(),
        sha256: record.sha256,
        article: record.article,
        marks: record.marks.clone(),
        embedding_model,
        embedding,
        fingerprint,
        coarse: CoarseDescriptors { turns, dimensions },
    })
}

/// Bytes not read yet.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    fn row(&mut self) -> Option<Box<[i8]>> {
        let length = u32::from_le_bytes(self.take()?) as usize;
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head.iter().map(|v| v.cast_signed()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checker::records::Health,
        domain::gallery::{ProductKey, ReferenceKind},
    };

    fn record() -> ReferenceRecord {
        ReferenceRecord {
            id: "r1".into(),
            product: ProductKey {
                brand: "acme".into(),
                product: "oat".into(),
            },
            kind: ReferenceKind::Pack,
            view: None,
            sha256: Sha256::of(b"one"),
            width: 10,
            height: 10,
            article: None,
            marks: vec![],
            health: Health {
                usable: true,
                keypoints: 1,
                sharpness: 1.0,
                problems: vec![],
            },
            created_ms: 0,
        }
    }

    fn entry() -> Reference {
        let turn = |v: i8| vec![v, -v, 127, -127].into_boxed_slice();
        Reference {
            id: "r1".into(),
            product: record().product,
            kind: ReferenceKind::Pack,
            view: None,
            sha256: record().sha256,
            article: None,
            marks: vec![],
            embedding_model: ModelId("e@1".into()),
            embedding: QuantisedEmbedding::from_parts(vec![1, -2, 3].into(), 0.25),
            fingerprint: Fingerprint {
                horizontal: 5,
                vertical: u64::MAX,
            },
            coarse: CoarseDescriptors {
                turns: [turn(1), turn(2), turn(3), turn(4)],
                dimensions: 2,
            },
        }
    }

    #[test]
    fn an_article_enters_hashes_as_x_y_width_and_height() {
        let article = Some(Rect::from_size(10, 20, 300, 400));
        let sha256 = "ab".repeat(32).parse().unwrap();
        assert_eq!(
            entry_name(sha256, article).to_string(),
            "604b84a5ac2b685471f8793893da210a737f62ade8e581b92d05561fe61ba110"
        );
        let reference = Reference {
            sha256,
            article,
            ..entry()
        };
        let gallery = Gallery::new(vec![Arc::new(reference)]);
        assert_eq!(reference_set(&gallery, None), "6a40610f2ed3fdc2");
    }

    #[test]
    fn an_entry_comes_back_from_its_bytes_and_nothing_else_does() {
        let bytes = entry_to_bytes(&entry());
        let read = |bytes: &[u8]| entry_from_bytes(&record(), ModelId("e@1".into()), bytes);
        assert_eq!(read(&bytes), Some(entry()));
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(read(&[&bytes[..], &[0]].concat()), None);
    }

    #[test]
    fn the_version_moves_with_contents_and_marks_but_not_with_order() {
        let (a, mut b) = (entry(), entry());
        b.id = "r2".into();
        let set = |references: [&Reference; 2]| {
            let references = references.map(|r| Arc::new(r.clone())).to_vec();
            GallerySnapshot::new(references, 0).reference_set
        };
        let before = set([&a, &b]);
        assert_eq!(set([&b, &a]), before);
        b.sha256 = Sha256::of(b"another");
        assert_ne!(set([&a, &b]), before);
    }
}
