//! Reads the parts of an upload as they arrive, and stops at the first that is unknown, too many or
//! too large.

use std::time::Duration;

use axum::{
    extract::{
        Multipart,
        multipart::{Field, MultipartError},
    },
    http::StatusCode,
};
use bytes::{Bytes, BytesMut};

use crate::config::HttpConfig;

use super::problem::{Problem, kind};

/// Most bytes of a part that is an id, a name or a kind.
const SHORT_TEXT: usize = 1 << 10;
/// Most bytes of a part that is JSON.
const LONG_TEXT: usize = 64 << 10;

/// A part that an upload may have.
pub(crate) struct Wanted {
    name: &'static str,
    most: usize,
    most_bytes: usize,
    text: bool,
}

impl Wanted {
    /// Up to `most` pictures under one name.
    pub(crate) fn pictures(name: &'static str, most: usize, config: &HttpConfig) -> Self {
        Self {
            name,
            most,
            most_bytes: config.max_photo_bytes,
            text: false,
        }
    }

    /// An id, a name or a kind.
    pub(crate) fn text(name: &'static str) -> Self {
        Self {
            name,
            most: 1,
            most_bytes: SHORT_TEXT,
            text: true,
        }
    }

    /// The same, in up to `most` parts of one name.
    pub(crate) fn texts(name: &'static str, most: usize) -> Self {
        Self {
            most,
            ..Self::text(name)
        }
    }

    /// JSON, in up to `most` parts of one name.
    pub(crate) fn json(name: &'static str, most: usize) -> Self {
        Self {
            name,
            most,
            most_bytes: LONG_TEXT,
            text: true,
        }
    }
}

/// The parts of an upload.
#[derive(Debug, Default)]
pub(crate) struct Parts(Vec<(&'static str, Bytes)>);

impl Parts {
    /// Reads a whole upload within the configured time. After a refusal the rest is read and thrown
    /// away in the background, so that the caller sees the answer instead of a reset connection.
    pub(crate) async fn read(
        mut form: Multipart,
        wanted: &[Wanted],
        config: &HttpConfig,
    ) -> Result<Self, Problem> {
        let limit = config.body_timeout;
        // One limit for the whole form: by one for each part, a slow caller with many parts would
        // hold its place many times as long.
        let read = match tokio::time::timeout(limit, Self::read_all(&mut form, wanted)).await {
            Ok(read) => read,
            Err(_) => {
                let detail = format!(
                    "the body did not arrive within {} s; send fewer pictures at a time",
                    limit.as_secs()
                );
                return Err(Problem::new(&kind::BODY_TOO_SLOW, detail));
            }
        };
        if read.is_err() {
            tokio::spawn(discard(form, limit));
        }
        read
    }

    async fn read_all(form: &mut Multipart, wanted: &[Wanted]) -> Result<Self, Problem> {
        let mut parts = Self::default();
        while let Some(field) = form.next_field().await.map_err(unreadable)? {
            // A part without a name is answered like one with an unknown name.
            let name = field.name().unwrap_or_default();
            let Some(wanted) = wanted.iter().find(|w| w.name == name) else {
                let known: Vec<_> = wanted.iter().map(|w| format!("`{}`", w.name)).collect();
                return Err(Problem::field(
                    name,
                    format!(
                        "is not a part of this upload; the parts are {}",
                        known.join(", ")
                    ),
                ));
            };
            // Counted before the part is read: what will be refused should not fill memory first.
            if parts.0.iter().filter(|p| p.0 == wanted.name).count() == wanted.most {
                let problem = match wanted.most {
                    1 => "is there more than once; send it once".to_owned(),
                    most => format!(
                        "is there more than {most} times; send at most {most} in one request"
                    ),
                };
                return Err(Problem::field(wanted.name, problem));
            }
            parts.0.push((wanted.name, read_part(field, wanted).await?));
        }
        Ok(parts)
    }

    /// All pictures under a name, in the order sent.
    pub(crate) fn pictures(&self, name: &str) -> Vec<Bytes> {
        self.0
            .iter()
            .filter(|p| p.0 == name)
            .map(|p| p.1.clone())
            .collect()
    }

    /// The one picture under a name.
    pub(crate) fn picture(&self, name: &'static str) -> Result<Bytes, Problem> {
        self.find(name).ok_or_else(|| missing(name))
    }

    /// A text, if it was sent. An empty one is refused: it would look like a value and mean none.
    pub(crate) fn text(&self, name: &'static str) -> Result<Option<String>, Problem> {
        let Some(bytes) = self.find(name) else {
            return Ok(None);
        };
        // Reading has refused what is not UTF-8.
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if text.is_empty() {
            return Err(Problem::field(
                name,
                "is empty; fill it or leave the part out",
            ));
        }
        Ok(Some(text))
    }

    /// All texts under a name, in the order sent.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().filter(|p| p.0 == name);
        found
            .map(|p| String::from_utf8_lossy(&p.1).into_owned())
            .collect()
    }

    /// A text that must be there.
    pub(crate) fn required_text(&self, name: &'static str) -> Result<String, Problem> {
        self.text(name)?.ok_or_else(|| missing(name))
    }

    fn find(&self, name: &str) -> Option<Bytes> {
        self.0.iter().find(|p| p.0 == name).map(|p| p.1.clone())
    }
}

fn missing(name: &str) -> Problem {
    Problem::field(name, "is missing; send it as a part of the form")
}

async fn read_part(mut field: Field<'_>, wanted: &Wanted) -> Result<Bytes, Problem> {
    // Clients send a file with a name and a text without: here a path was typed, not a file chosen.
    if !wanted.text && field.file_name().is_none() {
        return Err(Problem::field(
            wanted.name,
            format!(
                "is a text; send it as a file, with a file name (with curl: `{}=@photo.jpg`)",
                wanted.name
            ),
        ));
    }
    let mut bytes = BytesMut::new();
    while let Some(chunk) = field.chunk().await.map_err(unreadable)? {
        // Looked at chunk by chunk: parts of a form do not declare their length.
        if bytes.len() + chunk.len() > wanted.most_bytes {
            let most = wanted.most_bytes;
            if wanted.text {
                let problem = format!("has more than {most} bytes, the most of a text; shorten it");
                return Err(Problem::field(wanted.name, problem));
            }
            let detail = format!(
                "`{}` has more than {most} bytes, the limit of one part",
                wanted.name
            );
            return Err(Problem::new(&kind::TOO_LARGE, detail));
        }
        bytes.extend_from_slice(&chunk);
    }
    if wanted.text && std::str::from_utf8(&bytes).is_err() {
        return Err(Problem::field(wanted.name, "is not UTF-8 text"));
    }
    Ok(bytes.freeze())
}

fn unreadable(error: MultipartError) -> Problem {
    match error.status() {
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(
            &kind::TOO_LARGE,
            "the body is larger than allowed; send fewer or smaller pictures",
        ),
        _ => Problem::new(
            &kind::MALFORMED,
            format!("the form could not be read: {}", error.body_text()),
        ),
    }
}

async fn discard(mut form: Multipart, longest: Duration) {
    let rest = async { while let Ok(Some(_)) = form.next_field().await {} };
    // The body's own limit ends this as well; past either the connection closes under the caller's
    // hands.
    let _ = tokio::time::timeout(longest, rest).await;
}
