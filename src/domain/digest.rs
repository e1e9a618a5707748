//! Content hashes.

use std::{fmt, str::FromStr};

use sha2::Digest;

/// The SHA-256 of some bytes; written in lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// A text is not a SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256: 64 lower-case hex digits are expected")]
pub struct NotASha256(String);

impl Sha256 {
    /// Hex digits of a whole hash.
    const DIGITS: usize = 64;

    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(sha2::Sha256::digest(bytes).into())
    }

    /// The bytes of the hash itself.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The first hex digits, for ids that people read; all of them when `digits` is more than
    /// there are.
    pub fn prefix(&self, digits: usize) -> String {
        let mut hex = self.to_string();
        // Hex digits are ASCII: every length is a whole number of characters.
        hex.truncate(digits);
        hex
    }
}

/// The hash of bytes that come piece by piece.
#[derive(Clone, Default)]
pub struct Hashing(sha2::Sha256);

impl Hashing {
    /// Goes on with these bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The hash of all bytes so far.
    pub fn finish(self) -> Sha256 {
        Sha256(self.0.finalize().into())
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// As it is displayed: bytes in decimals help nobody who reads a failed test.
impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Sha256 {
    type Err = NotASha256;

    fn from_str(text: &str) -> Result<Self, NotASha256> {
        let refused = || NotASha256(text.to_owned());
        // Capitals are refused: the same hash would have two names.
        let digit = |c: u8| match c {
            b'0'..=b'9' => Ok(c - b'0'),
            b'a'..=b'f' => Ok(c - b'a' + 10),
            _ => Err(refused()),
        };
        // The length first: pairs of digits below would leave a last single one unread.
        if text.len() != Self::DIGITS {
            return Err(refused());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? * 16 + digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn a_hash_is_written_in_lower_case_hex_and_read_back() {
        let hash = Sha256::of(b"abc");
        assert_eq!(hash.to_string(), ABC);
        assert_eq!(ABC.parse(), Ok(hash));
        assert_eq!(hash.prefix(12), "ba7816bf8f01");
        assert_eq!(hash.prefix(100), ABC);
    }

    #[test]
    fn pieces_hash_like_the_whole() {
        let mut hashing = Hashing::default();
        for piece in ["a", "", "bc"] {
            hashing.update(piece.as_bytes());
        }
        assert_eq!(hashing.finish().to_string(), ABC);
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let zeros = "0".repeat(61);
        for text in [
            "",
            "../../etc/passwd",
            &ABC.to_uppercase(),
            &ABC[1..],
            &format!("{ABC}0"),
            &format!("{zeros}../"),
            &format!("{}é", "0".repeat(62)),
        ] {
            assert_eq!(text.parse::<Sha256>(), Err(NotASha256(text.to_owned())));
        }
    }
}
