//! Where images lie in an S3-compatible store.

use std::{fmt, str::FromStr};

/// A bucket and what all keys in it start with, written `s3://BUCKET/PREFIX`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Folders that the keys lie in, without a slash at either end; may be empty.
    pub prefix: String,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.name, self.prefix)
    }
}

impl FromStr for Bucket {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || {
            format!(
                "`{text}` is not a bucket, such as `s3://pictures` or `s3://pictures/assay`; names hold letters, digits, `.`, `_` and `-`"
            )
        };
        let rest = text.strip_prefix("s3://").ok_or_else(refused)?;
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.strip_suffix('/').unwrap_or(prefix);
        let whole = name.len() >= 3 && is_word(name);
        if whole && (prefix.is_empty() || prefix.split('/').all(is_word)) {
            Ok(Self {
                name: name.to_owned(),
                prefix: prefix.to_owned(),
            })
        } else {
            Err(refused())
        }
    }
}

/// Nothing that a URL would write otherwise than it stands here, and no way up.
fn is_word(text: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.chars().all(plain) && text.contains(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_read_as_it_is_written() {
        for (text, name, prefix) in [
            ("s3://pictures", "pictures", ""),
            ("s3://pictures/", "pictures", ""),
            ("s3://pictures/assay/", "pictures", "assay"),
            ("s3://my.pictures-2/a/b", "my.pictures-2", "a/b"),
        ] {
            let bucket: Bucket = text.parse().unwrap();
            assert_eq!((&*bucket.name, &*bucket.prefix), (name, prefix), "{text}");
            let again = bucket.to_string().parse();
            assert_eq!(again, Ok(bucket), "{text}");
        }
    }

    #[test]
    fn what_is_no_bucket_is_refused_with_an_example() {
        for bad in [
            "",
            "pictures",
            "s3://",
            "s3:///assay",
            "s3://pictures//assay",
            "s3://pictures/../assay",
            "s3://key:secret@pictures/assay",
            "s3://pictures/a b",
            "https://s3.example.com/pictures",
        ] {
            let refused = bad.parse::<Bucket>().unwrap_err();
            assert!(refused.contains("`s3://pictures/assay`"), "{bad}");
        }
    }
}
