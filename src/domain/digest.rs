//! Content hashes.

use std::{
    fmt::{self, Write},
    str::FromStr,
};

use sha2::Digest;

/// The SHA-256 of some bytes; written in lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256([u8; 32]);

/// A text is not a SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a SHA-256: 64 lower-case hex digits are expected")]
pub struct NotASha256(String);

impl Sha256 {
    /// 64 zeros: stands where there is no hash yet.
    pub const ZERO: Self = Self([0; 32]);

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
        f.write_str(&hex(&self.0))
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
        from_hex(text)
            .map(Self)
            .ok_or_else(|| NotASha256(text.to_owned()))
    }
}

/// Bytes in lower-case hex.
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// The `N` bytes that a text of lower-case hex digits stands for; `None` when it is none.
pub fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digit = |c: u8| match c {
        b'0'..=b'9' => Some(c - b'0'),
        // Capitals are refused: the same bytes would have two names.
        b'a'..=b'f' => Some(c - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if pairs.len() != N || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, [high, low]) in bytes.iter_mut().zip(pairs) {
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
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

    #[test]
    fn hex_has_one_form() {
        assert_eq!(from_hex(&hex(&[0, 171, 255])), Some([0, 171, 255]));
        for bad in ["", "00abf", "00ABff", "00abfg", "00abff00"] {
            assert_eq!(from_hex::<3>(bad), None, "{bad}");
        }
    }
}
