//! How far the audit log was at some moments, signed, in a file beside the database.
//!
//! Whoever can write to the database can make its log anew, or cut off its end. What was signed
//! before tells, if it was copied to where they cannot write.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::signing::is_signed;
use crate::{
    checker::{ports::Signer, records::Head},
    domain::digest::{from_hex, hex},
};

/// Name of the file in the data folder.
const FILE: &str = "audit.checkpoints";
/// Most bytes of a line: the longest that this program writes has less than half as many.
const MOST_LINE_BYTES: u64 = 1024;

/// What is signed: a checkpoint's line without its signature, as compact JSON with the fields in this
/// order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Statement {
    /// The public key of whoever signs, 64 hex digits.
    pub origin: String,
    /// Number of the last entry.
    pub seq: i64,
    /// Its hash, 64 hex digits.
    pub hash: String,
    /// When, RFC 3339.
    pub at: String,
}

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What is signed.
    #[serde(flatten)]
    pub statement: Statement,
    /// The signature (Ed25519) over it, 128 hex digits.
    pub signature: String,
}

impl Checkpoint {
    /// Signs how far the log is at this moment.
    pub fn sign(signer: &dyn Signer, head: Head) -> serde_json::Result<Self> {
        let statement = Statement {
            origin: hex(&signer.public_key()),
            seq: head.seq,
            hash: head.hash.to_string(),
            at: jiff::Timestamp::now().to_string(),
        };
        let signature = hex(&signer.sign(&serde_json::to_vec(&statement)?));
        Ok(Self {
            statement,
            signature,
        })
    }

    /// What it says, where its signature holds; `None` where it does not.
    pub fn head(&self) -> Option<Head> {
        let Statement {
            origin, seq, hash, ..
        } = &self.statement;
        let bytes = serde_json::to_vec(&self.statement).ok()?;
        is_signed(&from_hex(origin)?, &bytes, &from_hex(&self.signature)?).then_some(())?;
        Some(Head {
            seq: *seq,
            hash: hash.parse().ok()?,
        })
    }
}

/// The file in a data folder.
pub fn file_in(data: &Path) -> PathBuf {
    data.join(FILE)
}

/// Adds a checkpoint at the end of a file, which is made where there is none; on the disk when this
/// returns. Its line.
///
/// # Errors
/// What the system said.
pub fn append(path: &Path, checkpoint: &Checkpoint) -> io::Result<String> {
    let line = serde_json::to_string(checkpoint).map_err(io::Error::other)?;
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .open(path)?;
    // Several processes may share the folder.
    file.lock()?;
    drop_torn_end(&mut file)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()?;
    Ok(line)
}

/// Takes away what a power failure left of a line, on which nobody relied yet.
fn drop_torn_end(file: &mut File) -> io::Result<()> {
    let tail = tail(file)?;
    let torn = tail.iter().rev().take_while(|byte| **byte != b'\n').count();
    // A longer one is not of this program: left for whoever verifies.
    if torn > 0 && torn < tail.len() {
        let end = file.metadata()?.len();
        file.set_len(end - torn as u64)?;
    }
    Ok(())
}

/// The last bytes of a file, as many as the longest line has.
fn tail(file: &mut File) -> io::Result<Vec<u8>> {
    let end = file.metadata()?.len();
    file.seek(SeekFrom::Start(end.saturating_sub(MOST_LINE_BYTES)))?;
    let mut tail = Vec::new();
    Read::take(file, MOST_LINE_BYTES).read_to_end(&mut tail)?;
    Ok(tail)
}

/// The last checkpoint in a file; `None` where there is no such file, or its end is none.
///
/// # Errors
/// The file cannot be read.
pub fn last(path: &Path) -> io::Result<Option<Head>> {
    let tail = match File::open(path) {
        Ok(mut file) => tail(&mut file)?,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    // From its end alone: a file of years is long.
    let mut lines = tail.split_inclusive(|byte| *byte == b'\n');
    let whole = lines.rfind(|line| line.ends_with(b"\n"));
    let last = whole.and_then(|line| serde_json::from_slice::<Checkpoint>(line).ok());
    Ok(last.and_then(|checkpoint| checkpoint.head()))
}

/// Reads a file line by line: `each` hears the number of each line, from 1, and the checkpoint in it,
/// or why there is none. Nothing where there is no such file.
///
/// # Errors
/// The file cannot be read.
pub fn read(path: &Path, mut each: impl FnMut(u64, Result<Checkpoint, String>)) -> io::Result<()> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(e),
    };
    let (mut lines, mut line) = (BufReader::new(file), Vec::new());
    for n in 1.. {
        line.clear();
        let read = Read::take(&mut lines, MOST_LINE_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            break;
        }
        let whole = line.ends_with(b"\n");
        match serde_json::from_slice(&line) {
            Ok(checkpoint) => each(n, Ok(checkpoint)),
            // What a power failure left of the last one, or a copy made meanwhile.
            Err(_) if !whole && lines.fill_buf()?.is_empty() => {}
            Err(e) => each(n, Err(format!("it is no checkpoint: {e}"))),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{domain::digest::Sha256, storage::signing::KeyFile};

    fn head(seq: i64) -> Head {
        Head {
            seq,
            hash: Sha256::of(&seq.to_be_bytes()),
        }
    }

    #[test]
    fn what_was_signed_is_read_back_and_nothing_else_holds() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::open(folder.path()).unwrap();
        let path = file_in(folder.path());
        assert_eq!(last(&path).unwrap(), None);
        for seq in [3, 7] {
            let checkpoint = Checkpoint::sign(&key, head(seq)).unwrap();
            append(&path, &checkpoint).unwrap();
        }
        assert_eq!(last(&path).unwrap(), Some(head(7)));
        // Half a line, as a power failure leaves it, is not in the way.
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, format!("{text}{{\"origin\":\"ab")).unwrap();
        assert_eq!(last(&path).unwrap(), Some(head(7)));
        append(&path, &Checkpoint::sign(&key, head(8)).unwrap()).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        let mut heads = Vec::new();
        read(&path, |n, line| heads.push((n, line.unwrap().head()))).unwrap();
        let wanted = [(1, 3), (2, 7), (3, 8)].map(|(n, seq)| (n, Some(head(seq))));
        assert_eq!(heads, wanted);

        let line = text.lines().next().unwrap();
        let mut changed = 0;
        for n in 0..line.len() {
            let mut bytes = line.as_bytes().to_vec();
            bytes[n] ^= 1;
            // A line that is no checkpoint any more is told by the reader.
            if let Ok(other) = serde_json::from_slice::<Checkpoint>(&bytes) {
                assert_eq!(other.head(), None, "{n}");
                changed += 1;
            }
        }
        assert!(changed > 200, "{changed}");
        std::fs::write(&path, format!("nonsense\n{line}")).unwrap();
        let mut found = Vec::new();
        read(&path, |n, line| found.push((n, line.is_ok()))).unwrap();
        assert_eq!(found, [(1, false), (2, true)]);
    }
}
