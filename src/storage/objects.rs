//! Images in a bucket of an S3-compatible store, which several machines share.
//!
//! `PREFIX/images/ab/<sha256>` holds the bytes as they were sent: the folders of
//! [`super::files`], so that one can be copied to the other. Nothing read back is trusted unhashed.
//! What models made of images stays in the data folder of each machine: it can be made again.
//!
//! Images in a folder do not pass through `object_store`, though it has a store for folders, too.
//! Told to, that syncs what it writes. But a file that is there already it leaves alone unsynced,
//! and whoever wrote that may not have got to it; and it works on the runtime's blocking threads,
//! of which there is no bound but memory.

use std::{fmt, net::IpAddr, net::SocketAddr, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use object_store::{
    BackoffConfig, ClientOptions, Error, ObjectStore, ObjectStoreExt, PutMode, RetryConfig,
    aws::{AmazonS3, AmazonS3Builder},
    list::{PaginatedListOptions, PaginatedListStore},
    path::Path as Key,
};

use super::files::MOST_IMAGE_BYTES;
use crate::{
    checker::ports::{Images, StoreError},
    domain::digest::{Hashing, Sha256},
};

/// Most characters of what a server says that an error repeats: some answer with whole pages.
const LONGEST_WORD: usize = 300;

/// What S3 calls a bucket that does not exist.
const NO_BUCKET: &str = "NoSuchBucket";

/// Where the store is and who asks, by the variables that other programs read, too.
#[derive(Clone, PartialEq, Eq)]
pub struct Access {
    /// `AWS_ENDPOINT_URL`; without it, that of Amazon's own store in the region.
    pub endpoint: Option<String>,
    /// `AWS_REGION`, `us-east-1` when unset: servers that one runs oneself seldom care.
    pub region: String,
    /// `AWS_ACCESS_KEY_ID`.
    pub key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret: String,
    /// `AWS_SESSION_TOKEN`, of keys that expire.
    pub token: Option<String>,
    /// `AWS_ALLOW_HTTP=true`: plain HTTP to other machines, too.
    pub allow_http: bool,
}

/// Without the keys: what is printed for a look ends in logs.
impl fmt::Debug for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Access")
            .field("endpoint", &self.endpoint)
            .field("region", &self.region)
            .field("allow_http", &self.allow_http)
            .finish_non_exhaustive()
    }
}

impl Access {
    /// As `variable` tells, which answers with the value of an environment variable.
    ///
    /// # Errors
    /// A key is missing.
    // A function instead of the environment: tests cannot change that one.
    pub fn by(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ObjectsError> {
        let set = |name| variable(name).filter(|value| !value.is_empty());
        let needed = |name| {
            let why = format!("`{name}` is not set; images in a bucket need a key");
            set(name).ok_or(ObjectsError(why))
        };
        Ok(Self {
            endpoint: set("AWS_ENDPOINT_URL"),
            region: set("AWS_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
            key_id: needed("AWS_ACCESS_KEY_ID")?,
            secret: needed("AWS_SECRET_ACCESS_KEY")?,
            token: set("AWS_SESSION_TOKEN"),
            allow_http: set("AWS_ALLOW_HTTP").is_some_and(|v| v.eq_ignore_ascii_case("true")),
        })
    }

    /// Whether plain HTTP may be spoken; the endpoint is refused if it is plain and that may not be.
    fn plain(&self) -> Result<bool, ObjectsError> {
        let Some(endpoint) = &self.endpoint else {
            return Ok(false);
        };
        // Names and passwords in it would be repeated by every error.
        if endpoint.contains('@') {
            let why = "`AWS_ENDPOINT_URL` must not hold a user; use `AWS_ACCESS_KEY_ID`";
            return Err(ObjectsError(why.to_owned()));
        }
        match endpoint.split_once("://") {
            Some(("https", _)) => Ok(false),
            Some(("http", rest)) if self.allow_http || is_loopback(rest) => Ok(true),
            Some(("http", _)) => Err(ObjectsError(format!(
                "`AWS_ENDPOINT_URL` is `{endpoint}`: pictures would pass the network unencrypted; use https, or set AWS_ALLOW_HTTP=true where nobody listens"
            ))),
            _ => Err(ObjectsError(format!(
                "`AWS_ENDPOINT_URL` is `{endpoint}`, not a URL such as `https://s3.example.com`"
            ))),
        }
    }

    /// A text in which no key is left, and not more of it than a line of the log should hold.
    fn told(&self, text: &str) -> String {
        let keys = [Some(&self.secret), Some(&self.key_id), self.token.as_ref()];
        let mut text = text.to_owned();
        for key in keys.into_iter().flatten() {
            text = text.replace(key.as_str(), "[key]");
        }
        let mut words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some((at, _)) = words.char_indices().nth(LONGEST_WORD) {
            words.truncate(at);
            words.push('…');
        }
        words
    }
}

/// An error in words, its innermost cause first: the library says that a request failed, the system
/// that nobody listens.
fn reason(error: &Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(cause) = innermost.source() {
        innermost = cause;
    }
    let (cause, whole) = (innermost.to_string(), error.to_string());
    if whole.contains(&cause) {
        whole
    } else {
        format!("{cause}: {whole}")
    }
}

/// Whether what follows `http://` is this machine.
fn is_loopback(rest: &str) -> bool {
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    let ip = host
        .parse::<SocketAddr>()
        .map(|address| address.ip())
        .or_else(|_| host.trim_matches(['[', ']']).parse::<IpAddr>());
    match ip {
        Ok(ip) => ip.is_loopback(),
        Err(_) => host.split(':').next() == Some("localhost"),
    }
}

/// How long to wait and how often to try before a request fails.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// For one request with its body: a picture of 20 MiB takes as long at 6 Mbit/s.
    pub request: Duration,
    /// Tries after the first, of a request that may be repeated.
    pub retries: usize,
    /// For the answer of one that is asked whether it can be reached: less than a probe waits.
    pub reachable: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            request: Duration::from_secs(30),
            retries: 3,
            reachable: Duration::from_secs(3),
        }
    }
}

impl Patience {
    /// After this no further try is made.
    fn retry_timeout(&self) -> Duration {
        self.request
    }

    /// Longest that any call takes, all tries together.
    fn whole(&self) -> Duration {
        self.retry_timeout() + self.request
    }
}

/// The store could not be used. It holds no keys.
// Text instead of a cause: causes repeat what servers say, and that may hold a key.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[error("{0}")]
pub struct ObjectsError(String);

impl From<ObjectsError> for StoreError {
    fn from(cause: ObjectsError) -> Self {
        Self::Failed(Box::new(cause))
    }
}

/// Images in a bucket.
pub struct ObjectImages {
    store: AmazonS3,
    bucket: String,
    prefix: String,
    access: Access,
    patience: Patience,
}

/// What was found under a key.
enum Found {
    Whole(Bytes),
    /// What was found instead, to follow "lost:".
    Other(String),
}

impl ObjectImages {
    /// Images below `prefix` (which may be empty) of a bucket that exists. Nothing is asked of the
    /// server yet.
    ///
    /// # Errors
    /// The endpoint is no URL, or a plain one that `access` does not allow.
    pub fn new(
        bucket: &str,
        prefix: &str,
        access: Access,
        patience: Patience,
    ) -> Result<Self, ObjectsError> {
        // The client of HTTPS brings no cryptography of its own. Installed already is as good: there is
        // no other than this in the program.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = ClientOptions::new()
            .with_allow_http(access.plain()?)
            .with_connect_timeout(patience.connect)
            .with_timeout(patience.request);
        let retry = RetryConfig {
            backoff: BackoffConfig {
                max_backoff: Duration::from_secs(2),
                ..BackoffConfig::default()
            },
            max_retries: patience.retries,
            retry_timeout: patience.retry_timeout(),
        };
        // Not from the environment: that would let it lift limits and checks of certificates, too.
        let mut builder = AmazonS3Builder::new()
            .with_client_options(client)
            .with_retry(retry)
            .with_bucket_name(bucket)
            .with_region(&access.region)
            .with_access_key_id(&access.key_id)
            .with_secret_access_key(&access.secret);
        if let Some(endpoint) = &access.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(token) = &access.token {
            builder = builder.with_token(token);
        }
        let store = builder
            .build()
            .map_err(|e| ObjectsError(access.told(&e.to_string())))?;
        Ok(Self {
            store,
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
            access,
            patience,
        })
    }

    fn key(&self, sha256: Sha256) -> Key {
        Key::from(format!(
            "{}/images/{}/{sha256}",
            self.prefix,
            sha256.prefix(2)
        ))
    }

    /// A key for people.
    fn place(&self, key: &Key) -> String {
        format!("s3://{}/{key}", self.bucket)
    }

    fn failed(&self, doing: &str, key: &Key, cause: &Error) -> StoreError {
        let (place, cause) = (self.place(key), self.access.told(&reason(cause)));
        ObjectsError(format!("cannot {doing} `{place}`: {cause}")).into()
    }

    /// The whole of a call, which several requests may belong to, in bounded time.
    async fn bounded<T>(
        &self,
        most: Duration,
        work: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        tokio::time::timeout(most, work).await.unwrap_or_else(|_| {
            let (bucket, most) = (&self.bucket, most.as_secs_f64());
            let why = format!("the store of the bucket `{bucket}` gave no answer within {most} s");
            Err(ObjectsError(why).into())
        })
    }

    async fn write(&self, key: &Key, bytes: &Bytes, mode: PutMode) -> Result<(), Error> {
        let kept = self.store.put_opts(key, bytes.clone().into(), mode.into());
        kept.await.map(|_| ())
    }

    /// Reads no more than an image can have, and hashes on the way: a picture hashed in one go
    /// would hold up everybody else on this thread.
    async fn read(&self, key: &Key, sha256: Sha256) -> Result<Found, StoreError> {
        let place = || self.place(key);
        let object = match self.store.get(key).await {
            Ok(object) => object,
            // A bucket that is not there is a wrong setting, and no image is lost by it.
            Err(cause @ Error::NotFound { .. }) if !cause.to_string().contains(NO_BUCKET) => {
                return Ok(Found::Other(format!("there is no object `{}`", place())));
            }
            Err(cause) => return Err(self.failed("read", key, &cause)),
        };
        let size = object.meta.size;
        // Before memory is spent on it: whoever can write to the bucket could otherwise take it all.
        let Some(room) = usize::try_from(size)
            .ok()
            .filter(|_| size <= MOST_IMAGE_BYTES)
        else {
            let why = format!("`{}` has {size} bytes, more than any image", place());
            return Ok(Found::Other(why));
        };
        let (mut bytes, mut hashing) = (BytesMut::with_capacity(room), Hashing::default());
        let mut pieces = object.into_stream();
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(|cause| self.failed("read", key, &cause))?;
            if bytes.len() + piece.len() > room {
                let why = format!("`{}` has more than its {size} bytes", place());
                return Ok(Found::Other(why));
            }
            hashing.update(&piece);
            bytes.extend_from_slice(&piece);
        }
        if hashing.finish() != sha256 {
            let why = format!("`{}` does not hold the bytes its name promises", place());
            return Ok(Found::Other(why));
        }
        Ok(Found::Whole(bytes.freeze()))
    }

    async fn put(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError> {
        let key = self.key(sha256);
        match self.write(&key, &bytes, PutMode::Create).await {
            Ok(()) => return Ok(()),
            Err(Error::AlreadyExists { .. }) => {}
            Err(cause) => return Err(self.failed("write", &key, &cause)),
        }
        // What is there may be damaged, or be another's that is not whole yet: its true content is
        // at hand, and writing that once more harms nobody.
        if let Found::Other(why) = self.read(&key, sha256).await? {
            tracing::warn!("{why}; it is written again");
            let written = self.write(&key, &bytes, PutMode::Overwrite).await;
            written.map_err(|cause| self.failed("write", &key, &cause))?;
        }
        Ok(())
    }
}

#[async_trait]
impl Images for ObjectImages {
    async fn put_image(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError> {
        // Three requests at most: tried, compared, replaced.
        let most = 3 * self.patience.whole();
        self.bounded(most, self.put(sha256, bytes)).await
    }

    async fn image(&self, sha256: Sha256) -> Result<Bytes, StoreError> {
        let key = self.key(sha256);
        let found = self.read(&key, sha256);
        match self.bounded(self.patience.whole(), found).await? {
            Found::Whole(bytes) => Ok(bytes),
            Found::Other(why) => Err(StoreError::Lost { sha256, why }),
        }
    }

    async fn remove_image(&self, sha256: Sha256) -> Result<(), StoreError> {
        let key = self.key(sha256);
        let removed = async {
            match self.store.delete(&key).await {
                // Some stores say so of what is not there, most do not.
                Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                Err(cause) => Err(self.failed("remove", &key, &cause)),
            }
        };
        // Others wait meanwhile.
        self.bounded(self.patience.reachable, removed).await
    }

    async fn reachable(&self) -> Result<(), StoreError> {
        // One name at most; a bucket that is not there answers otherwise than an empty one.
        let one = PaginatedListOptions {
            max_keys: Some(1),
            ..PaginatedListOptions::default()
        };
        let asked = async {
            let below = format!("{}/", self.prefix);
            let below = (!self.prefix.is_empty()).then_some(below.as_str());
            let listed = self.store.list_paginated(below, one).await;
            let key = Key::from(self.prefix.as_str());
            listed.map_err(|cause| self.failed("list", &key, &cause))
        };
        self.bounded(self.patience.reachable, asked)
            .await
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn access(endpoint: &str) -> Access {
        Access {
            endpoint: Some(endpoint.to_owned()),
            region: "us-east-1".to_owned(),
            key_id: "the-key".to_owned(),
            secret: "the-secret".to_owned(),
            token: Some("the-token".to_owned()),
            allow_http: false,
        }
    }

    #[test]
    fn plain_http_is_for_this_machine_or_those_who_allow_it() {
        for here in [
            "http://127.0.0.1:8333",
            "http://127.1.2.3/",
            "http://[::1]:8333",
            "http://[::1]",
            "http://localhost:8333/x",
        ] {
            assert_eq!(access(here).plain(), Ok(true), "{here}");
        }
        assert_eq!(access("https://s3.example.com").plain(), Ok(false));
        for elsewhere in [
            "http://s3.example.com",
            "http://localhost.example.com",
            "http://10.0.0.1:8333",
            "http://127.0.0.1.example.com",
        ] {
            let refused = access(elsewhere).plain().unwrap_err().to_string();
            assert!(refused.contains("AWS_ALLOW_HTTP"), "{refused}");
            let mut allowed = access(elsewhere);
            allowed.allow_http = true;
            assert_eq!(allowed.plain(), Ok(true), "{elsewhere}");
        }
        for bad in ["s3.example.com", "ftp://s3.example.com", "https://a:b@c"] {
            assert!(access(bad).plain().is_err(), "{bad}");
        }
    }

    #[test]
    fn access_is_read_from_the_usual_variables_and_needs_keys() {
        let variable = |name: &str| match name {
            "AWS_ACCESS_KEY_ID" => Some("k".to_owned()),
            "AWS_SECRET_ACCESS_KEY" => Some("s".to_owned()),
            "AWS_ENDPOINT_URL" => Some(String::new()),
            "AWS_ALLOW_HTTP" => Some("True".to_owned()),
            _ => None,
        };
        let read = Access::by(variable).unwrap();
        assert_eq!((read.endpoint, read.allow_http), (None, true));
        assert_eq!(read.region, "us-east-1");
        let message = Access::by(|_| None).unwrap_err().to_string();
        assert!(message.contains("`AWS_ACCESS_KEY_ID`"), "{message}");
    }

    #[test]
    fn no_key_is_told() {
        let access = access("https://s3.example.com");
        let told = access.told("<Id>the-key</Id>\n the-token the-secret");
        assert_eq!(told, "<Id>[key]</Id> [key] [key]");
        assert!(access.told(&"x".repeat(5000)).chars().count() <= LONGEST_WORD + 1);
        let shown = format!("{access:?}");
        assert!(!shown.contains("the-"), "{shown}");
    }

    #[test]
    fn keys_lie_below_the_prefix_like_files_in_the_folder() {
        let sha256 = Sha256::of(b"abc");
        let key = |prefix| {
            let access = access("https://s3.example.com");
            let images = ObjectImages::new("bucket", prefix, access, Patience::default()).unwrap();
            images.place(&images.key(sha256))
        };
        let below = format!("images/ba/{sha256}");
        assert_eq!(key("a/b"), format!("s3://bucket/a/b/{below}"));
        assert_eq!(key(""), format!("s3://bucket/{below}"));
    }
}
