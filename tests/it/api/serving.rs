//! Over a real socket: answers that are seen although the body was not read, and stopping without
//! losing any.

use std::{net::SocketAddr, time::Duration};

use assay::{
    config::HttpConfig,
    http::{self, Tls},
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::JoinHandle,
};

use super::{BOUNDARY, Form, TestServer};
use crate::support::vision::Scene;

/// Serves until told to stop; gives the address, the way to stop it, and the end.
async fn serve(app: &TestServer) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    serve_with(app, None).await
}

/// Serves as `serve` does, over TLS where it is given.
pub(super) async fn serve_with(
    app: &TestServer,
    tls: Option<Tls>,
) -> (SocketAddr, oneshot::Sender<()>, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let state = app.state.clone();
    let served = tokio::spawn(async move {
        http::serve(listener, state, tls, async {
            let _ = stopped.await;
        })
        .await;
    });
    (address, stop, served)
}

/// Sends a request as it is, with `connection: close`, and reads the answer to its end.
async fn exchange(address: SocketAddr, head: &str, body: &[u8]) -> String {
    let stream = TcpStream::connect(address).await.unwrap();
    exchange_on(stream, head, body).await
}

/// Does so on a connection that is there.
pub(super) async fn exchange_on(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    head: &str,
    body: &[u8],
) -> String {
    stream
        .write_all(format!("{head}\r\nhost: localhost\r\nconnection: close\r\n\r\n").as_bytes())
        .await
        .unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_refused_upload_is_answered_although_its_body_is_still_being_sent() {
    let app = TestServer::with_reference().await;
    let (address, stop, served) = serve(&app).await;
    let taken: Vec<_> = (0..2).map(|_| app.assay.try_admit(0).unwrap()).collect();
    let body = Form::new().file("photo", &vec![b'x'; 8 << 20]).body();
    let head = format!(
        "POST /v1/checks HTTP/1.1\r\ncontent-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n{}",
        body.len(),
        app.bearer()
    );
    let busy = exchange(address, &head, &body).await;
    assert!(
        busy.starts_with("HTTP/1.1 429 ") && busy.contains("/problems/busy"),
        "{busy}"
    );
    drop(taken);
    let body = Form::new()
        .text("colour", "red")
        .file("photo", &vec![b'x'; 8 << 20])
        .body();
    let head = format!(
        "POST /v1/checks HTTP/1.1\r\ncontent-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}\r\n{}",
        body.len(),
        app.bearer()
    );
    let unknown = exchange(address, &head, &body).await;
    assert!(
        unknown.starts_with("HTTP/1.1 422 ") && unknown.contains("`colour`"),
        "{unknown}"
    );
    stop.send(()).unwrap();
    served.await.unwrap();
}

/// Asks for the evidence picture of a check on a connection of its own.
fn ask_for_evidence(app: &TestServer, address: SocketAddr, check: &Value) -> JoinHandle<String> {
    let path = format!(
        "/v1/checks/{}/photos/0/evidence.png",
        check["id"].as_str().unwrap()
    );
    let head = format!("GET {path} HTTP/1.1\r\n{}", app.bearer());
    tokio::spawn(async move { exchange(address, &head, b"").await })
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_answers_what_is_underway_and_accepts_nothing_new() {
    let app = TestServer::with_reference().await;
    let check = app
        .upload(
            "/v1/checks",
            Form::new().picture("photo", &Scene::photo(1, "a")),
        )
        .await
        .json();
    let (address, stop, served) = serve(&app).await;
    let (begun, open) = app.gate.close();
    let underway = ask_for_evidence(&app, address, &check);
    // Blocking is fine: this runtime has other threads.
    tokio::task::block_in_place(|| begun.recv().unwrap());
    // A connection without a request must not hold up the end.
    let idle = TcpStream::connect(address).await.unwrap();
    stop.send(()).unwrap();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!served.is_finished());
    open.send(()).unwrap();
    let answer = underway.await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 ") && answer.contains("PNG 960x640"),
        "{answer}"
    );
    served.await.unwrap();
    drop(idle);
}

/// Two connections at a time, and headers are waited for longer than any test runs.
fn two_connections() -> HttpConfig {
    HttpConfig {
        max_connections: 2,
        header_timeout: Duration::from_secs(3_600),
        ..HttpConfig::default()
    }
}

#[tokio::test]
async fn connections_without_a_request_give_way_to_new_ones() {
    let app = TestServer::with(two_connections()).await;
    let (address, stop, served) = serve(&app).await;
    let alive = format!("GET /livez HTTP/1.1\r\nhost: {address}\r\n\r\n");
    // One that never says a word, one that begins and does not go on, and one that goes on idling
    // after its answer, or begins anew.
    let beginnings = ["", "GET /livez", &alive, &format!("{alive}GET /livez")];
    let mut idle = Vec::new();
    for beginning in beginnings.iter().cycle().take(8) {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(beginning.as_bytes()).await.unwrap();
        idle.push(stream);
        let answer = exchange(address, "GET /livez HTTP/1.1", b"").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    }
    // The oldest was closed, and not the server's end alone.
    let mut rest = Vec::new();
    idle[0].read_to_end(&mut rest).await.unwrap();
    assert!(rest.is_empty());
    stop.send(()).unwrap();
    drop(idle);
    served.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_with_a_request_underway_does_not_give_way() {
    let app = TestServer::with(two_connections()).await;
    app.create_product().await;
    let photo = Form::new().picture("photo", &Scene::photo(1, "a"));
    let check = app.upload("/v1/checks", photo).await.json();
    let (address, stop, served) = serve(&app).await;
    let (begun, open) = app.gate.close();
    let underway = ask_for_evidence(&app, address, &check);
    tokio::task::block_in_place(|| begun.recv().unwrap());
    for _ in 0..4 {
        let idle = TcpStream::connect(address).await.unwrap();
        let answer = exchange(address, "GET /livez HTTP/1.1", b"").await;
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        drop(idle);
    }
    open.send(()).unwrap();
    let answer = underway.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    stop.send(()).unwrap();
    served.await.unwrap();
}

#[tokio::test]
async fn several_requests_share_a_connection() {
    let app = TestServer::new().await;
    let (address, stop, served) = serve(&app).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let one = format!("GET /livez HTTP/1.1\r\nhost: {address}\r\n\r\n");
    let last = format!("GET /livez HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream
        .write_all(format!("{one}{one}{last}").as_bytes())
        .await
        .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).await.unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3, "{answers}");
    stop.send(()).unwrap();
    served.await.unwrap();
}
