//! The searchable part of a reference as bytes, kept beside its image.

use crate::{
    checker::records::ReferenceRecord,
    domain::{
        descriptors::CoarseDescriptors,
        digest::Sha256,
        embedding::{ModelId, QuantisedEmbedding},
        fingerprint::Fingerprint,
        gallery::Reference,
        geometry::Rect,
    },
};

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
pub fn entry_from_bytes(record: &ReferenceRecord, bytes: &[u8]) -> Option<Reference> {
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
        sha256: record.sha256.clone(),
        article: record.article,
        marks: record.marks.clone(),
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
        domain::gallery::Health,
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
            sha256: Sha256::of(b"pack"),
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
    fn an_entry_comes_back_from_its_bytes_and_nothing_else_does() {
        let bytes = entry_to_bytes(&entry());
        let read = |bytes: &[u8]| entry_from_bytes(&record(), bytes);
        assert_eq!(read(&bytes), Some(entry()));
        for end in 0..bytes.len() {
            assert_eq!(read(&bytes[..end]), None, "cut at {end}");
        }
        assert_eq!(read(&[&bytes[..], &[0]].concat()), None);
    }
}
