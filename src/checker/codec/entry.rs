//! The searchable part of a reference as bytes, kept beside its image.

use crate::{
    checker::records::ReferenceRecord,
    domain::{
        digest::Sha256,
        embedding::{ModelId, QuantisedEmbedding},
        fingerprint::Fingerprint,
        gallery::{Mark, Reference},
        geometry::{Rect, number::count_u32},
    },
};

/// What the entries of a gallery are made with: these models and this form.
pub(crate) fn entry_model(embedder: &ModelId, local: &ModelId) -> ModelId {
    // The form is part of the name, so that entries of another form are not found and made anew.
    ModelId(format!("entry-{FORMAT}+{embedder}+{local}"))
}

/// The name an entry is stored under: the same image may serve as a whole and in part.
pub(crate) fn entry_name(sha256: Sha256, article: Option<Rect>) -> Sha256 {
    let article = article.map(Rect::to_xywh);
    Sha256::of(format!("{sha256} {article:?}").as_bytes())
}

const FORMAT: u8 = 2;

/// The searchable part of a reference as bytes, little-endian: fingerprint, embedding, count of local
/// features.
pub(crate) fn entry_to_bytes(reference: &Reference) -> Vec<u8> {
    let mut out = Vec::new();
    // In one byte order everywhere: a data folder may move to another machine.
    out.extend(reference.fingerprint.horizontal.to_le_bytes());
    out.extend(reference.fingerprint.vertical.to_le_bytes());
    out.extend(reference.embedding.scale().to_le_bytes());
    put_row(&mut out, reference.embedding.values());
    out.extend(count_u32(reference.keypoints).to_le_bytes());
    out
}

fn put_row(out: &mut Vec<u8>, row: &[i8]) {
    out.extend(count_u32(row.len()).to_le_bytes());
    out.extend(row.iter().map(|v| v.cast_unsigned()));
}

/// The gallery's entry for a record from its stored bytes; `None` when they are not of this form.
pub(crate) fn entry_from_bytes(record: &ReferenceRecord, bytes: &[u8]) -> Option<Reference> {
    let mut rest = Rest(bytes);
    let fingerprint = Fingerprint {
        horizontal: u64::from_le_bytes(rest.take()?),
        vertical: u64::from_le_bytes(rest.take()?),
    };
    let scale = f32::from_le_bytes(rest.take()?);
    let embedding = QuantisedEmbedding::from_parts(rest.row()?, scale);
    let keypoints = u32::from_le_bytes(rest.take()?) as usize;
    // Whatever is cut off or too long is refused and made anew, rather than searched with holes.
    let whole = rest.0.is_empty();
    let (marks, ignored) = Mark::parted(record.marks.clone());
    whole.then(|| Reference {
        id: record.id.clone(),
        product: record.product.clone(),
        kind: record.kind,
        view: record.view.clone(),
        sha256: record.sha256,
        article: record.article,
        marks,
        ignored,
        embedding,
        fingerprint,
        keypoints,
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
        // A damaged file may hold any length: it is compared with what is there before memory is
        // taken.
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head.iter().map(|v| v.cast_signed()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        checker::{records::Edition, snapshot::tests::entry},
        domain::gallery::{Health, ProductKey, ReferenceKind},
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
            edition: Edition::default(),
            actor: "local".into(),
            created_ms: 0,
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
