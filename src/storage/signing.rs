//! The key of this installation that signs evidence and checkpoints of the audit log (Ed25519,
//! RFC 8032).

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    path::Path,
};

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};

use crate::{checker::ports::Signer, domain::digest::Sha256};

/// Name of the file in the data folder.
const FILE: &str = "signing.key";
/// Bytes of a secret key.
const BYTES: usize = 32;

/// Signs with a secret key that lies in a file.
pub struct KeyFile(SigningKey);

impl KeyFile {
    /// The key in `data/signing.key`, made at the first call, readable by its owner alone.
    ///
    /// # Errors
    /// The file cannot be read or made, or does not hold the 32 bytes of a key.
    pub fn open(data: &Path) -> io::Result<Self> {
        let path = data.join(FILE);
        match File::open(&path) {
            Ok(file) => Self::read(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Self::make(&path),
            Err(e) => Err(e),
        }
    }

    fn read(mut file: File) -> io::Result<Self> {
        let mut secret = [0; BYTES];
        file.read_exact(&mut secret)?;
        Ok(Self(SigningKey::from_bytes(&secret)))
    }

    fn make(path: &Path) -> io::Result<Self> {
        let mut secret = [0; BYTES];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        // Whole or not at all, and never over a key that another process made meanwhile.
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&secret)?;
        file.as_file().sync_all()?;
        match file.persist_noclobber(path) {
            Ok(_) => Ok(Self(SigningKey::from_bytes(&secret))),
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => {
                Self::read(OpenOptions::new().read(true).open(path)?)
            }
            Err(e) => Err(e.error),
        }
    }
}

impl Signer for KeyFile {
    fn sign(&self, bytes: &[u8]) -> [u8; 64] {
        self.0.sign(bytes).to_bytes()
    }

    fn public_key(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
}

/// Whether `signature` is the one that the owner of `public_key` gave these bytes.
pub fn is_signed(public_key: &[u8; 32], bytes: &[u8], signature: &[u8; 64]) -> bool {
    // Strict: a signature that other programs might refuse is no evidence.
    VerifyingKey::from_bytes(public_key).is_ok_and(|key| {
        key.verify_strict(bytes, &Signature::from_bytes(signature))
            .is_ok()
    })
}

/// Name of a public key: the start of its SHA-256, 16 hex digits.
pub fn key_id(public_key: &[u8; 32]) -> String {
    Sha256::of(public_key).prefix(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_its_signatures_hold_for_these_bytes_alone() {
        let folder = tempfile::tempdir().unwrap();
        let key = KeyFile::open(folder.path()).unwrap();
        let again = KeyFile::open(folder.path()).unwrap();
        assert_eq!(key.public_key(), again.public_key());
        let signature = key.sign(b"evidence");
        assert!(is_signed(&again.public_key(), b"evidence", &signature));
        assert!(!is_signed(&again.public_key(), b"evidencf", &signature));
        let mut other = signature;
        other[7] ^= 1;
        assert!(!is_signed(&again.public_key(), b"evidence", &other));
        assert_eq!(key_id(&key.public_key()).len(), 16);
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_read_the_key() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        KeyFile::open(folder.path()).unwrap();
        let mode = folder.path().join(FILE).metadata().unwrap().permissions();
        assert_eq!(mode.mode() & 0o077, 0);
    }

    #[test]
    fn half_a_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), [1; 31]).unwrap();
        assert!(KeyFile::open(folder.path()).is_err());
    }
}
