//! TLS: the certificate that the server shows, read anew when its files change, and the handshake.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::{
    ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, server::TlsStream};

use crate::config::TlsFiles;

/// How often the files are looked at: renewal comes days before the old certificate runs out.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Why a server cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file is missing or may not be read.
    #[error("cannot read `{file}`: {cause}", file = .file.display())]
    Unreadable {
        /// Which one.
        file: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A file is damaged, or holds something else.
    #[error("`{file}` holds no {wanted} in PEM form{why}", file = .file.display())]
    Missing {
        /// Which one.
        file: PathBuf,
        /// What it should hold.
        wanted: &'static str,
        /// What is known of the reason, to follow the sentence.
        why: String,
    },
    /// The key is another certificate's.
    #[error("the key in `{key}` does not belong to the certificate in `{cert}`", cert = .0.cert.display(), key = .0.key.display())]
    Mismatch(TlsFiles),
    /// The library knows no use for these files.
    #[error("the certificate in `{cert}` and the key in `{key}` cannot be used: {cause}", cert = .files.cert.display(), key = .files.key.display())]
    Unusable {
        /// Which ones.
        files: TlsFiles,
        /// What the library says.
        cause: rustls::Error,
    },
}

/// The certificate and key of a server.
pub struct Tls {
    files: TlsFiles,
    look_every: Duration,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    config: Arc<ServerConfig>,
    changed: Changed,
}

/// When the certificate and the key were last written.
type Changed = [SystemTime; 2];

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    /// One is missing or does not hold what it should, or the key does not belong to the certificate.
    pub async fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let current = read(&files).await?;
        Ok(Self {
            files,
            look_every: LOOK_EVERY,
            current: RwLock::new(current),
        })
    }

    /// Looks for changed files this often, and not once a minute.
    #[must_use]
    pub fn look_every(mut self, interval: Duration) -> Self {
        self.look_every = interval;
        self
    }

    /// Reads the files again whenever they have changed; never done. While they cannot be used, the
    /// earlier certificate stays, and the log says so at each look.
    pub(crate) async fn renew(&self) {
        let mut looks = tokio::time::interval(self.look_every);
        loop {
            looks.tick().await;
            match self.look().await {
                Ok(false) => {}
                Ok(true) => {
                    let file = self.files.cert.display();
                    tracing::info!(%file, "new connections are shown the renewed certificate");
                }
                Err(error) => {
                    tracing::warn!(%error, "the certificate was not renewed: the earlier one stays");
                }
            }
        }
    }

    /// Whether there was something new, which new connections get from now on.
    async fn look(&self) -> Result<bool, TlsError> {
        if changed(&self.files).await? == self.current().changed {
            return Ok(false);
        }
        let new = read(&self.files).await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = new;
        Ok(true)
    }

    /// Agrees with a caller on keys; what follows is encrypted. There is no limit on its time.
    ///
    /// # Errors
    /// The caller does not speak TLS, or no version or name that the server does; or it hangs up.
    pub(crate) async fn handshake(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let acceptor = TlsAcceptor::from(self.current().config);
        acceptor.accept(stream).await
    }

    fn current(&self) -> Current {
        // Replaced whole, so a panic elsewhere spoils nothing.
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }
}

async fn read(files: &TlsFiles) -> Result<Current, TlsError> {
    // Before the contents: a file that is written in between counts as changed at the next look.
    let changed = changed(files).await?;
    let certificates = of_file(&files.cert, tokio::fs::read(&files.cert).await)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&certificates).collect();
    let chain = match chain {
        Ok(chain) if chain.is_empty() => Err(pem::Error::NoItemsFound),
        other => other,
    };
    let chain = chain.map_err(|error| missing(&files.cert, "certificate", &error))?;
    let key = of_file(&files.key, tokio::fs::read(&files.key).await)?;
    let key = PrivateKeyDer::from_pem_slice(&key)
        .map_err(|error| missing(&files.key, "private key without a passphrase", &error))?;
    let unusable = |cause| match cause {
        rustls::Error::InconsistentKeys(_) => TlsError::Mismatch(files.clone()),
        cause => TlsError::Unusable {
            files: files.clone(),
            cause,
        },
    };
    let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(unusable)?;
    // The only one that the server speaks.
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Current {
        config: Arc::new(config),
        changed,
    })
}

async fn changed(files: &TlsFiles) -> Result<Changed, TlsError> {
    let written = async |file| {
        let metadata = tokio::fs::metadata(file).await;
        of_file(file, metadata.and_then(|m| m.modified()))
    };
    Ok([written(&files.cert).await?, written(&files.key).await?])
}

fn of_file<T>(file: &Path, result: io::Result<T>) -> Result<T, TlsError> {
    result.map_err(|cause| TlsError::Unreadable {
        file: file.to_owned(),
        cause,
    })
}

fn missing(file: &Path, wanted: &'static str, error: &pem::Error) -> TlsError {
    TlsError::Missing {
        file: file.to_owned(),
        wanted,
        why: match error {
            pem::Error::NoItemsFound => String::new(),
            damaged => format!(": {damaged}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// A certificate's or key's text, by its file among the fixtures.
    fn fixture(name: &str) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
        fs::read_to_string(folder.join(name)).unwrap()
    }

    /// A folder with a certificate and a key of these texts.
    fn folder(cert: &str, key: &str) -> (tempfile::TempDir, TlsFiles) {
        let folder = tempfile::tempdir().unwrap();
        let files = TlsFiles {
            cert: folder.path().join("cert.pem"),
            key: folder.path().join("key.pem"),
        };
        fs::write(&files.cert, cert).unwrap();
        fs::write(&files.key, key).unwrap();
        (folder, files)
    }

    async fn refused(files: &TlsFiles) -> String {
        let opened = Tls::open(files.clone()).await;
        opened.err().expect("it is refused").to_string()
    }

    #[tokio::test]
    async fn what_cannot_be_used_is_told_by_the_name_of_its_file() {
        let (cert, key) = (fixture("first.pem"), fixture("first.key"));
        let cut = &cert[..cert.len() / 4];
        let garbled = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let locked = key.replace(" PRIVATE", " ENCRYPTED PRIVATE");
        for (cert, key, file, why) in [
            ("", &*key, "cert.pem` holds", "no certificate"),
            (&key, &key, "cert.pem` holds", "no certificate"),
            (cut, &key, "cert.pem` holds", "no certificate"),
            (garbled, &key, "cert.pem` and", "cannot be used"),
            (&cert, "", "key.pem` holds", "no private key"),
            (&cert, &cert, "key.pem` holds", "no private key"),
            (&cert, &locked, "key.pem` holds", "without a passphrase"),
            (&cert, &fixture("second.key"), "key.pem` does", "not belong"),
        ] {
            let (_folder, files) = folder(cert, key);
            let told = refused(&files).await;
            assert!(told.contains(file) && told.contains(why), "{told}");
        }
    }

    #[tokio::test]
    async fn a_missing_file_is_told_by_its_name() {
        let (_folder, files) = folder(&fixture("first.pem"), &fixture("first.key"));
        fs::remove_file(&files.key).unwrap();
        let told = refused(&files).await;
        assert!(told.contains("cannot read `") && told.contains("key.pem`"));
        fs::remove_file(&files.cert).unwrap();
        assert!(refused(&files).await.contains("cert.pem`"));
    }

    /// Writes a text, and a time of writing that no earlier one had.
    fn rewrite(file: &Path, text: &str, second: u64) {
        fs::write(file, text).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
        let file = fs::File::options().append(true).open(file).unwrap();
        file.set_modified(time).unwrap();
    }

    #[tokio::test]
    async fn a_new_certificate_is_taken_once_its_key_is_there_too() {
        let (_folder, files) = folder(&fixture("first.pem"), &fixture("first.key"));
        let tls = Tls::open(files.clone()).await.unwrap();
        let first = tls.current().config;
        assert!(!tls.look().await.unwrap());
        assert!(Arc::ptr_eq(&first, &tls.current().config));

        rewrite(&files.cert, &fixture("second.pem"), 1);
        // Again and again, for it has to be mended before the first runs out.
        for _ in 0..2 {
            assert!(matches!(tls.look().await, Err(TlsError::Mismatch(_))));
            assert!(Arc::ptr_eq(&first, &tls.current().config));
        }
        rewrite(&files.key, &fixture("second.key"), 2);
        assert!(tls.look().await.unwrap());
        assert!(!Arc::ptr_eq(&first, &tls.current().config));
        assert!(!tls.look().await.unwrap());
    }
}
