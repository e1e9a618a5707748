//! Over TLS: who is answered, who is not, and what a proxy may say.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};

use assay::{
    config::{HttpConfig, TlsFiles},
    http::Tls,
};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::{
    TestServer,
    serving::{exchange_on, serve_with},
};

/// How long a test waits for what should come soon.
const PATIENCE: Duration = Duration::from_secs(60);

const ALIVE: &str = "GET /livez HTTP/1.1";

/// A file of the certificates, which `README.md` beside them tells of.
fn fixture(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tls");
    folder.join(name)
}

fn files(name: &str) -> TlsFiles {
    TlsFiles {
        cert: fixture(&format!("{name}.pem")),
        key: fixture(&format!("{name}.key")),
    }
}

async fn first() -> Option<Tls> {
    Some(Tls::open(files("first")).await.unwrap())
}

/// A connection of a caller who trusts the root of the certificates and offers these protocols.
async fn connect(address: SocketAddr, protocols: &[&[u8]]) -> io::Result<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_file(fixture("root.pem")).unwrap();
    roots.add(root).unwrap();
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await
}

/// The answer to whether the server lives, over TLS.
async fn alive(address: SocketAddr) -> String {
    let stream = connect(address, &[]).await.unwrap();
    exchange_on(stream, ALIVE, b"").await
}

#[tokio::test]
async fn callers_are_answered_over_tls_and_by_nothing_else() {
    let app = TestServer::new().await;
    let (address, stop, served) = serve_with(&app, first().await).await;
    let answer = alive(address).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.contains("\r\nstrict-transport-security: max-age=31536000\r\n"),
        "{answer}"
    );

    let both = connect(address, &[b"h2", b"http/1.1"]).await.unwrap();
    assert_eq!(both.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
    assert!(connect(address, &[b"h2"]).await.is_err());

    // Who speaks plain HTTP reads no answer, whether the end comes as bytes of TLS or as a reset.
    let mut plain = TcpStream::connect(address).await.unwrap();
    let request = format!("{ALIVE}\r\nhost: localhost\r\n\r\n");
    plain.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, plain.read_to_end(&mut bytes))
        .await
        .expect("the server hangs up");
    assert!(!bytes.starts_with(b"HTTP"), "{bytes:?}");

    stop.send(()).unwrap();
    drop(both);
    served.await.unwrap();
}

#[tokio::test]
async fn who_never_ends_its_handshake_is_dropped_and_keeps_nobody_waiting() {
    let config = HttpConfig {
        header_timeout: Duration::from_secs(3),
        ..HttpConfig::default()
    };
    let app = TestServer::with(config).await;
    let (address, stop, served) = serve_with(&app, first().await).await;
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut halting = TcpStream::connect(address).await.unwrap();
    // The head of a handshake's first message, which promises 512 more bytes.
    halting.write_all(&[22, 3, 1, 2, 0]).await.unwrap();
    let answer = alive(address).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    for stream in [&mut silent, &mut halting] {
        let mut bytes = Vec::new();
        let end = timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
        assert_eq!(end.expect("the server hangs up").unwrap(), 0);
    }
    stop.send(()).unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn a_handshake_underway_gives_way_to_others_and_to_the_end() {
    let config = HttpConfig {
        max_connections: 2,
        // Longer than anybody waits: only giving way ends a handshake here.
        header_timeout: Duration::from_secs(3_600),
        drain_timeout: Duration::from_secs(3_600),
        ..HttpConfig::default()
    };
    let app = TestServer::with(config).await;
    let (address, stop, served) = serve_with(&app, first().await).await;
    // Accepted in this order, so the silent one is idle longest.
    let mut silent = TcpStream::connect(address).await.unwrap();
    let mut idle = connect(address, &[]).await.unwrap();
    let answered = async || {
        let answer = timeout(PATIENCE, alive(address)).await;
        answer.expect("one gave way").starts_with("HTTP/1.1 200 ")
    };
    assert!(answered().await);
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
    let mut silent = TcpStream::connect(address).await.unwrap();
    // The idle one gives way now, to a connection that is accepted after the new silent one.
    assert!(answered().await);
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    stop.send(()).unwrap();
    timeout(PATIENCE, served).await.expect("it ends").unwrap();
    assert_eq!(silent.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let used = TlsFiles {
        cert: folder.path().join("cert.pem"),
        key: folder.path().join("key.pem"),
    };
    let install = |name: &str, second: u64| {
        let new = files(name);
        for (from, to) in [(new.key, &used.key), (new.cert, &used.cert)] {
            fs::write(to, fs::read(from).unwrap()).unwrap();
            // So that two writings within the clock's precision differ.
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            let file = fs::File::options().append(true).open(to).unwrap();
            file.set_modified(time).unwrap();
        }
    };
    let leaf = |name: &str| CertificateDer::from_pem_file(files(name).cert).unwrap();
    let shown = async |address| {
        let stream = connect(address, &[]).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    install("first", 1);
    let tls = Tls::open(used.clone()).await.unwrap();
    let tls = tls.look_every(Duration::from_millis(5));
    let app = TestServer::new().await;
    let (address, stop, served) = serve_with(&app, Some(tls)).await;
    let earlier = connect(address, &[]).await.unwrap();
    assert_eq!(shown(address).await, leaf("first"));

    install("second", 2);
    let renewed = async { while shown(address).await != leaf("second") {} };
    timeout(PATIENCE, renewed).await.expect("it is picked up");
    let answer = exchange_on(earlier, ALIVE, b"").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stop.send(()).unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn only_a_trusted_proxy_may_say_that_its_caller_came_over_tls() {
    let strict = "\r\nstrict-transport-security: ";
    for (trusted, says, expected) in [
        (&["127.0.0.0/8"][..], "https", true),
        (&["127.0.0.0/8"], "http", false),
        (&["192.0.2.1"], "https", false),
        (&[], "https", false),
    ] {
        let config = HttpConfig {
            trusted_proxies: trusted.iter().map(|text| text.parse().unwrap()).collect(),
            ..HttpConfig::default()
        };
        let app = TestServer::with(config).await;
        let (address, stop, served) = serve_with(&app, None).await;
        let stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{ALIVE}\r\nx-forwarded-proto: {says}");
        let answer = exchange_on(stream, &head, b"").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert_eq!(answer.contains(strict), expected, "{trusted:?} {says}");
        stop.send(()).unwrap();
        served.await.unwrap();
    }
}
