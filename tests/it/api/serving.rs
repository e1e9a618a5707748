//! Over a real socket: answers that are seen although the body was not read, and stopping without
//! losing any.

use assay::http;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::oneshot,
};

use super::{BOUNDARY, Form, TestServer};
use crate::support::vision::Scene;

/// Serves until told to stop; gives the address, the way to stop it, and the end.
async fn serve(
    app: &TestServer,
) -> (
    std::net::SocketAddr,
    oneshot::Sender<()>,
    tokio::task::JoinHandle<()>,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let state = app.state.clone();
    let served = tokio::spawn(async move {
        http::serve(listener, state, async {
            let _ = stopped.await;
        })
        .await;
    });
    (address, stop, served)
}

/// Sends a request as it is, with `connection: close`, and reads the answer to its end.
async fn exchange(address: std::net::SocketAddr, head: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream
        .write_all(format!("{head}\r\nhost: {address}\r\nconnection: close\r\n\r\n").as_bytes())
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
        "POST /v1/checks HTTP/1.1\r\ncontent-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}",
        body.len()
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
        "POST /v1/checks HTTP/1.1\r\ncontent-type: multipart/form-data; boundary={BOUNDARY}\r\ncontent-length: {}",
        body.len()
    );
    let unknown = exchange(address, &head, &body).await;
    assert!(
        unknown.starts_with("HTTP/1.1 422 ") && unknown.contains("`colour`"),
        "{unknown}"
    );
    stop.send(()).unwrap();
    served.await.unwrap();
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
    let path = format!(
        "/v1/checks/{}/photos/0/evidence.png",
        check["id"].as_str().unwrap()
    );
    let underway =
        tokio::spawn(async move { exchange(address, &format!("GET {path} HTTP/1.1"), b"").await });
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
