//! Whether the log of what was done is whole: nothing in it changed, missing or out of order.

use super::{
    ports::StoreError,
    records::{Audit, Entry, Head, Logged},
};

/// Entries that are read at a time.
const PORTION: usize = 500;

/// The first thing that is wrong with a log.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
pub enum Fault {
    /// The entry or its hash is not what was written.
    #[error("entry {seq} was changed, or the one before it was: {why}")]
    Changed {
        /// Which.
        seq: i64,
        /// How it shows.
        why: String,
    },
    /// There is none of this number, and there are later ones.
    #[error("entry {seq} is missing")]
    Missing {
        /// Which.
        seq: i64,
    },
    /// An entry stands where another one belongs.
    #[error("entry {found} stands in the place of entry {seq}")]
    OutOfOrder {
        /// Whose place it is.
        seq: i64,
        /// Which stands there.
        found: i64,
    },
    /// The entry is not the one that a checkpoint names.
    #[error("entry {seq} is not the one that was signed: it or one before it was made anew")]
    Other {
        /// Which.
        seq: i64,
    },
    /// A checkpoint names an entry after the last.
    #[error(
        "entry {seq} is missing: a checkpoint names entry {signed}, so that the end was cut off"
    )]
    Cut {
        /// The first that is missing.
        seq: i64,
        /// The entry that was signed.
        signed: i64,
    },
    /// The log ends elsewhere than it says.
    #[error("the log ends with entry {seq}, and {why}")]
    Head {
        /// Number of the last entry.
        seq: i64,
        /// What it says instead.
        why: String,
    },
}

/// Follows a log entry by entry, and remembers the last one alone.
#[derive(Clone, Copy, Debug)]
pub struct Chain(Head);

impl Default for Chain {
    fn default() -> Self {
        Self(Head::start())
    }
}

impl Chain {
    /// How far it was followed.
    pub fn head(&self) -> Head {
        self.0
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// It is not the one that follows, or not as it was written.
    pub fn follow(&mut self, logged: &Logged) -> Result<Entry, Fault> {
        let seq = self.0.seq + 1;
        if logged.seq > seq {
            return Err(Fault::Missing { seq });
        }
        if logged.seq < seq {
            let found = logged.seq;
            return Err(Fault::OutOfOrder { seq, found });
        }
        let changed = |why: &str| {
            let why = why.to_owned();
            Fault::Changed { seq, why }
        };
        let next = self.0.then(seq, &logged.entry);
        let fits = next.hash.to_string() == logged.hash;
        let entry: Option<Entry> = serde_json::from_str(&logged.entry).ok();
        match entry {
            // Told before the hash, which does not fit either then.
            Some(entry) if entry.seq != seq => Err(Fault::OutOfOrder {
                seq,
                found: entry.seq,
            }),
            _ if !fits => Err(changed("its hash is that of another text")),
            None => Err(changed("it is no entry")),
            Some(entry) if entry.about != logged.about => {
                Err(changed("it is kept under another thing than it names"))
            }
            Some(entry) => {
                self.0 = next;
                Ok(entry)
            }
        }
    }

    /// Whether the log ends here.
    ///
    /// # Errors
    /// It says that it ends elsewhere, or with another hash.
    pub fn end(&self, head: Option<Head>) -> Result<(), Fault> {
        let seq = self.0.seq;
        match head {
            Some(head) if head == self.0 => Ok(()),
            Some(head) if head.seq > seq => Err(Fault::Missing { seq: seq + 1 }),
            Some(head) if head.seq < seq => Err(Fault::Head {
                seq,
                why: format!("its head is entry {}", head.seq),
            }),
            Some(_) => Err(Fault::Head {
                seq,
                why: "its head has another hash".to_owned(),
            }),
            None => Err(Fault::Head {
                seq,
                why: "its head is lost".to_owned(),
            }),
        }
    }
}

/// What a look at a whole log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// How far it holds.
    pub head: Head,
    /// Checkpoints that it agrees with.
    pub checkpoints: usize,
    /// The first thing that is wrong with it.
    pub fault: Option<Fault>,
}

/// Follows the whole log, and compares it with what was signed of it. In portions, so that a long
/// log takes no more memory than a short one, but for the checkpoints. What is noted meanwhile is
/// looked at too; the checkpoints must have been read before.
///
/// # Errors
/// The log cannot be read.
pub async fn verify(audit: &dyn Audit, mut signed: Vec<Head>) -> Result<Verified, StoreError> {
    signed.sort_unstable_by_key(|head| head.seq);
    let mut signed = signed.into_iter().peekable();
    let (mut chain, mut checkpoints) = (Chain::default(), 0);
    let fault = 'found: loop {
        let portion = audit.entries(None, chain.head().seq, PORTION).await?;
        for logged in &portion.entries {
            if let Err(fault) = chain.follow(logged) {
                break 'found Some(fault);
            }
            let head = chain.head();
            while let Some(signed) = signed.next_if(|signed| signed.seq <= head.seq) {
                if signed != head {
                    break 'found Some(Fault::Other { seq: signed.seq });
                }
                checkpoints += 1;
            }
        }
        if portion.entries.len() < PORTION {
            let seq = chain.head().seq + 1;
            let cut = signed
                .next()
                .map(|Head { seq: signed, .. }| Fault::Cut { seq, signed });
            break chain.end(portion.head).err().or(cut);
        }
    };
    Ok(Verified {
        head: chain.head(),
        checkpoints,
        fault,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::domain::digest::Sha256;

    fn entry(seq: i64) -> Entry {
        Entry {
            seq,
            at: format!("2026-01-02T03:04:{seq:02}Z"),
            actor: "key:k1".into(),
            role: "admin".into(),
            request: (seq % 2 == 0).then(|| format!("request-{seq}")),
            action: "brand.changed".into(),
            about: format!("brand/b{}", seq % 3),
            before: (seq > 1).then(|| json!({"budget": 0.25, "name": "\u{e9}\n\""})),
            after: Some(json!({"retired": seq % 2 == 0})),
            why: (seq % 3 == 0).then(|| "because".into()),
        }
    }

    fn log(length: i64) -> (Vec<Logged>, Head) {
        let (mut head, mut log) = (Head::start(), Vec::new());
        for seq in 1..=length {
            let entry = entry(seq);
            let text = serde_json::to_string(&entry).unwrap();
            head = head.then(seq, &text);
            log.push(Logged {
                seq,
                entry: text,
                hash: head.hash.to_string(),
                about: entry.about,
            });
        }
        (log, head)
    }

    fn verified(log: &[Logged], head: Option<Head>) -> Result<Head, Fault> {
        let mut chain = Chain::default();
        for logged in log {
            chain.follow(logged)?;
        }
        chain.end(head).map(|()| chain.head())
    }

    /// The same in the plainest way, over a whole log at once: the number of the first entry in
    /// whose place something else stands, if any.
    fn first_wrong(log: &[Logged]) -> Option<usize> {
        let mut before = "0".repeat(64);
        for (n, logged) in log.iter().enumerate() {
            let text = format!("{before}\n{}", logged.entry);
            let hash = Sha256::of(text.as_bytes()).to_string();
            let read = serde_json::from_str::<Entry>(&logged.entry).ok();
            let expected = i64::try_from(n + 1).unwrap();
            if logged.hash != hash
                || logged.seq != expected
                || read.is_none_or(|e| (e.seq, &e.about) != (expected, &logged.about))
            {
                return Some(n + 1);
            }
            before = hash;
        }
        None
    }

    fn place(fault: &Fault) -> i64 {
        match fault {
            Fault::Changed { seq, .. }
            | Fault::Missing { seq }
            | Fault::OutOfOrder { seq, .. }
            | Fault::Other { seq }
            | Fault::Cut { seq, .. }
            | Fault::Head { seq, .. } => *seq,
        }
    }

    /// As `first_wrong` says of a log that is not as it was written.
    fn is_found(log: &[Logged], head: Head) -> bool {
        let wrong = first_wrong(log).and_then(|n| i64::try_from(n).ok());
        let fault = verified(log, Some(head)).err();
        wrong.is_some() && fault.as_ref().map(place) == wrong
    }

    #[test]
    fn an_entry_is_written_in_one_order() {
        let (log, _) = log(1);
        assert_eq!(
            log[0].entry,
            r#"{"seq":1,"at":"2026-01-02T03:04:01Z","actor":"key:k1","role":"admin","request":null,"action":"brand.changed","about":"brand/b1","before":null,"after":{"retired":false},"why":null}"#
        );
        let text = format!("{}\n{}", "0".repeat(64), log[0].entry);
        assert_eq!(log[0].hash, Sha256::of(text.as_bytes()).to_string());
    }

    #[test]
    fn a_log_as_it_was_written_holds_up_to_its_head() {
        for length in [0, 1, 7] {
            let (log, head) = log(length);
            assert_eq!(verified(&log, Some(head)), Ok(head));
            assert_eq!(first_wrong(&log), None);
        }
    }

    #[test]
    fn every_changed_byte_of_every_field_is_found_in_its_entry() {
        let (whole, head) = log(4);
        let mut changed = 0;
        for n in 0..whole.len() {
            let texts: [fn(&mut Logged) -> &mut String; 3] =
                [|l| &mut l.entry, |l| &mut l.hash, |l| &mut l.about];
            for text in texts {
                for byte in 0..text(&mut whole[n].clone()).len() {
                    let mut log = whole.clone();
                    let of = text(&mut log[n]);
                    let mut bytes = of.clone().into_bytes();
                    bytes[byte] ^= 1;
                    // The database refuses what is no text.
                    let Ok(other) = String::from_utf8(bytes) else {
                        continue;
                    };
                    *of = other;
                    assert!(is_found(&log, head), "{:?}", log[n]);
                    changed += 1;
                }
            }
        }
        assert!(changed > 1000, "{changed}");
    }

    #[test]
    fn an_entry_hashed_anew_does_not_fit_the_next() {
        let (mut log, head) = log(4);
        log[1].entry = log[1].entry.replace("key:k1", "key:k2");
        log[1].hash = Head {
            seq: 1,
            hash: log[0].hash.parse().unwrap(),
        }
        .then(2, &log[1].entry)
        .hash
        .to_string();
        let fault = verified(&log, Some(head)).unwrap_err();
        assert!(matches!(fault, Fault::Changed { seq: 3, .. }), "{fault}");
        assert!(is_found(&log, head));
    }

    #[test]
    fn gaps_swaps_and_repetitions_are_found() {
        let (whole, head) = log(6);
        for n in 0..5 {
            let mut gap = whole.clone();
            gap.remove(n);
            let seq = i64::try_from(n + 1).unwrap();
            assert_eq!(verified(&gap, Some(head)), Err(Fault::Missing { seq }));
            let mut swapped = whole.clone();
            swapped.swap(n, n + 1);
            assert!(is_found(&swapped, head));
            // Each under the number of the other.
            (swapped[n].seq, swapped[n + 1].seq) = (seq, seq + 1);
            let found = seq + 1;
            let fault = verified(&swapped, Some(head));
            assert_eq!(fault, Err(Fault::OutOfOrder { seq, found }));
            let mut twice = whole.clone();
            twice.insert(n, whole[n].clone());
            assert!(is_found(&twice, head));
        }
    }

    #[test]
    fn a_cut_tail_shows_by_the_head_and_once_that_is_cut_too_by_nothing() {
        let (log, head) = log(5);
        let cut = &log[..3];
        let missing = Err(Fault::Missing { seq: 4 });
        assert_eq!(verified(cut, Some(head)), missing);
        let earlier = Head {
            seq: 3,
            hash: log[2].hash.parse().unwrap(),
        };
        // Only somebody who kept the later head, as in a checkpoint, can tell.
        assert_eq!(verified(cut, Some(earlier)), Ok(earlier));
        assert_ne!(earlier, head);
        let more = verified(&log, Some(earlier)).unwrap_err();
        assert!(matches!(more, Fault::Head { seq: 5, .. }), "{more}");
        let other = Head {
            hash: Sha256::of(b"other"),
            ..head
        };
        for wrong in [Some(other), None] {
            let fault = verified(&log, wrong).unwrap_err();
            assert!(matches!(fault, Fault::Head { seq: 5, .. }), "{fault}");
        }
    }

    proptest! {
        /// Whatever is done to a log: what the plain way finds, this one finds in the same place.
        #[test]
        fn any_mixture_is_judged_as_by_the_plain_way(
            picks in proptest::collection::vec((0_usize..6, 0_usize..6, 0_usize..6, 0_i64..7), 0..7)
        ) {
            let (whole, _) = log(6);
            let mixed: Vec<_> = picks
                .into_iter()
                .map(|(entry, hash, about, seq)| Logged {
                    seq,
                    entry: whole[entry].entry.clone(),
                    hash: whole[hash].hash.clone(),
                    about: whole[about].about.clone(),
                })
                .collect();
            let end = Chain::default();
            let followed = mixed.iter().try_fold(end, |mut chain, logged| {
                chain.follow(logged).map(|_| chain)
            });
            let wrong = first_wrong(&mixed).and_then(|n| i64::try_from(n).ok());
            prop_assert_eq!(followed.err().as_ref().map(place), wrong);
        }
    }
}
