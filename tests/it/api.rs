//! The HTTP contract in process: every route and every kind of problem, over a real store and
//! workers that see drawn scenes instead of loading models.

mod access;
mod audit;
mod checks;
mod editions;
mod errors;
mod gallery;
mod limits;
mod pages;
mod pages_brands;
mod reviews;
mod self_test;
mod serving;
mod statements;
mod tls;

use std::{
    num::NonZeroUsize,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
};

use assay::{
    checker::{
        actor::{Actor, Role},
        key_ring::{KeyRing, NewKey},
        ports::{Derived, Images, StoreError},
        records::Records,
        service::{Assay, EvidenceInputs, EvidencePainter, Parts},
    },
    config::{ComputeConfig, HttpConfig},
    domain::{digest::Sha256, embedding::ModelId},
    engine::{
        Engine,
        vision::{InferenceError, IntakeError, Vision},
    },
    http::{self, HttpState},
    inference::pool::WorkerPool,
    statement::Templates,
    storage::{files::ContentFiles, sqlite, threads::FileThreads},
};
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use bytes::Bytes;
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::support::{
    app::{Shipped, defaults},
    vision::{Scene, failing_vision, scene_bytes},
};

/// A whole server without a socket.
struct TestServer {
    router: Router,
    state: HttpState,
    assay: Arc<Assay>,
    pool: Arc<WorkerPool>,
    gate: Arc<Gate>,
    faults: Arc<Faults>,
    data: tempfile::TempDir,
    keys: KeyRing,
    /// What every request of a test sends that sends no key itself: an administrator's.
    key: String,
}

/// One worker and two places for requests, so that tests can fill them.
fn compute() -> ComputeConfig {
    ComputeConfig {
        workers: NonZeroUsize::MIN,
        queue: 64,
        requests: 2,
        bytes: 1 << 30,
        // Two photos of 960x640 pixels at a time, twenty in all.
        decoding: 2 * 960 * 640 * 3,
        decoding_admitted: 20 * 960 * 640 * 3,
    }
}

impl TestServer {
    async fn new() -> Self {
        Self::with(HttpConfig::default()).await
    }

    async fn with(config: HttpConfig) -> Self {
        let words = Templates::open(None).unwrap();
        Self::start(config, Shipped::Lenient, words).await
    }

    /// Judging so, and speaking to sellers in these words.
    async fn start(config: HttpConfig, shipped: Shipped, words: Templates) -> Self {
        let data = tempfile::tempdir().unwrap();
        let faults = Arc::new(Faults::default());
        let make = {
            let faults = Arc::clone(&faults);
            move || match faults.models_gone.load(Ordering::SeqCst) {
                true => Err(InferenceError::Unavailable("no model file".into())),
                false => Ok(failing_vision(Arc::clone(&faults.models_fail))),
            }
        };
        let pool = Arc::new(WorkerPool::start(compute(), make).await.unwrap());
        let files = ContentFiles::open(data.path()).unwrap();
        let files = Arc::new(Disk {
            files: FileThreads::start(files).unwrap(),
            faults: Arc::clone(&faults),
        });
        let database = Arc::new(sqlite::open(data.path()).await.unwrap());
        let keys = KeyRing::new(database.clone());
        let parts = Parts {
            records: Records::of(Arc::clone(&database)),
            engine: Engine::with(Arc::new(defaults(shipped)), 64 << 20),
            images: files.clone(),
            derived: files,
            compute: pool.clone(),
            decoding_bytes: scene_bytes,
            budget: 0.01,
        };
        let assay = Arc::new(Assay::open(parts, |_| {}).await.unwrap());
        let gate = Arc::new(Gate::default());
        let state = HttpState::new(
            Arc::clone(&assay),
            gate.clone(),
            Arc::new(words),
            keys.clone(),
            config,
        );
        let key = key(&keys, Role::Admin, None).await;
        Self {
            router: http::router(state.clone()),
            state,
            assay,
            pool,
            gate,
            faults,
            data,
            keys,
            key,
        }
    }

    /// With the brand `acme`, its product `oat`, and scene 1 as its reference.
    async fn with_reference() -> Self {
        let app = Self::new().await;
        app.create_product().await;
        let form = Form::new()
            .text("kind", "pack")
            .picture("image", &Scene::of(1));
        assert_eq!(
            app.upload("/v1/brands/acme/products/oat/references", form)
                .await
                .status,
            201
        );
        app
    }

    async fn create_product(&self) {
        assert_eq!(
            self.post("/v1/brands", json!({"id": "acme", "name": "Acme"}))
                .await
                .status,
            201
        );
        assert_eq!(
            self.post(
                "/v1/brands/acme/products",
                json!({"id": "oat", "name": "Oat drink"})
            )
            .await
            .status,
            201
        );
    }

    /// The header that names an administrator.
    fn bearer(&self) -> String {
        format!("authorization: Bearer {}", self.key)
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(request(Method::GET, path).body(Body::empty()).unwrap())
            .await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send(request(Method::DELETE, path).body(Body::empty()).unwrap())
            .await
    }

    async fn post(&self, path: &str, body: Value) -> Answer {
        self.json(Method::POST, path, body).await
    }

    async fn patch(&self, path: &str, body: Value) -> Answer {
        self.json(Method::PATCH, path, body).await
    }

    async fn json(&self, method: Method, path: &str, body: Value) -> Answer {
        let request = request(method, path).header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(Body::from(body.to_string())).unwrap())
            .await
    }

    async fn upload(&self, path: &str, form: Form) -> Answer {
        self.send(form.request(path)).await
    }

    async fn send(&self, mut request: Request<Body>) -> Answer {
        if !request.headers().contains_key(header::AUTHORIZATION) {
            let bearer = format!("Bearer {}", self.key).parse().unwrap();
            request.headers_mut().insert(header::AUTHORIZATION, bearer);
        }
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let answer = Answer {
            status: head.status,
            headers: head.headers,
            body: to_bytes(body, 1 << 24).await.unwrap(),
        };
        answer.assert_well_formed();
        answer
    }
}

/// A key of a role, limited to brands.
async fn key(keys: &KeyRing, role: Role, brands: Option<&[&str]>) -> String {
    let new = NewKey {
        name: role.name().to_owned(),
        role,
        brands: brands.map(|all| all.iter().map(ToString::to_string).collect()),
        expires_ms: None,
    };
    keys.create(&Actor::local(), new).await.unwrap().secret
}

fn request(method: Method, path: &str) -> axum::http::request::Builder {
    Request::builder()
        .method(method)
        .uri(path)
        .header(header::HOST, "127.0.0.1:8080")
}

/// A response read to its end.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    /// What every answer has, whatever was asked.
    fn assert_well_formed(&self) {
        let id = self.header("x-request-id");
        assert!(!id.is_empty());
        assert_eq!(self.header("x-content-type-options"), "nosniff");
        assert_eq!(self.header("referrer-policy"), "no-referrer");
        assert!(
            self.header("content-security-policy")
                .starts_with("default-src 'none'")
        );
        assert!(!self.headers.contains_key("access-control-allow-origin"));
        if self.status.is_client_error() || self.status.is_server_error() {
            let body = self.json();
            assert_eq!(self.header("content-type"), "application/problem+json");
            assert_eq!(body["status"], self.status.as_u16());
            assert_eq!(body["request_id"], id);
            assert!(
                body["type"].as_str().unwrap().starts_with("/problems/"),
                "{body}"
            );
            assert!(
                ["title", "detail"]
                    .iter()
                    .all(|f| !body[f].as_str().unwrap().is_empty()),
                "{body}"
            );
        }
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |v| v.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {:?}", self.body))
    }

    /// Asserts a kind of problem, and gives back what the caller is told.
    #[track_caller]
    fn problem(&self, status: u16, kind: &str) -> String {
        let body = self.json();
        assert_eq!(
            (self.status.as_u16(), body["type"].as_str().unwrap()),
            (status, &*format!("/problems/{kind}"))
        );
        body["detail"].as_str().unwrap().to_owned()
    }

    /// Asserts that one field is at fault, and gives back what is wrong with it.
    #[track_caller]
    fn invalid(&self, field: &str) -> String {
        let detail = self.problem(422, "invalid-field");
        assert_eq!(self.json()["errors"][0]["field"], field, "{detail}");
        assert!(detail.starts_with(&format!("`{field}` ")), "{detail}");
        detail
    }
}

/// A `multipart/form-data` body, written by hand so that tests can write wrong ones.
#[derive(Clone, Default)]
struct Form(Vec<u8>);

const BOUNDARY: &str = "a-line-between-parts";

impl Form {
    fn new() -> Self {
        Self::default()
    }

    fn text(self, name: &str, value: &str) -> Self {
        self.part(&format!("name=\"{name}\""), value.as_bytes())
    }

    fn picture(self, name: &str, scene: &Scene) -> Self {
        self.file(name, &scene.bytes())
    }

    fn file(self, name: &str, bytes: &[u8]) -> Self {
        self.part(
            &format!("name=\"{name}\"; filename=\"../odd name.jpg\""),
            bytes,
        )
    }

    fn part(mut self, disposition: &str, bytes: &[u8]) -> Self {
        let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {disposition}\r\n\r\n");
        self.0.extend_from_slice(head.as_bytes());
        self.0.extend_from_slice(bytes);
        self.0.extend_from_slice(b"\r\n");
        self
    }

    fn body(mut self) -> Vec<u8> {
        self.0
            .extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
        self.0
    }

    fn request(self, path: &str) -> Request<Body> {
        let body = self.body();
        let request = form_request(path).header(header::CONTENT_LENGTH, body.len());
        request.body(Body::from(body)).unwrap()
    }
}

fn form_request(path: &str) -> axum::http::request::Builder {
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    request(Method::POST, path).header(header::CONTENT_TYPE, content_type)
}

/// What a test may break, and mend again.
#[derive(Default)]
struct Faults {
    /// The disk has no room for files.
    disk_full: AtomicBool,
    /// The place of the images does not answer.
    images_gone: AtomicBool,
    /// Every model fails.
    models_fail: Arc<AtomicBool>,
    /// Workers cannot load models.
    models_gone: AtomicBool,
}

/// Files on a disk that can be full.
struct Disk {
    files: FileThreads,
    faults: Arc<Faults>,
}

impl Disk {
    fn room(&self) -> Result<(), StoreError> {
        match self.faults.disk_full.load(Ordering::SeqCst) {
            true => Err(StoreError::Full("no space left on device".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Images for Disk {
    async fn put_image(&self, sha256: Sha256, bytes: Bytes) -> Result<(), StoreError> {
        self.room()?;
        self.files.put_image(sha256, bytes).await
    }

    async fn image(&self, sha256: Sha256) -> Result<Bytes, StoreError> {
        self.files.image(sha256).await
    }

    async fn remove_image(&self, sha256: Sha256) -> Result<(), StoreError> {
        self.files.remove_image(sha256).await
    }

    async fn reachable(&self) -> Result<(), StoreError> {
        match self.faults.images_gone.load(Ordering::SeqCst) {
            true => Err(StoreError::Failed("no route to `s3://pictures`".into())),
            false => Ok(()),
        }
    }
}

#[async_trait]
impl Derived for Disk {
    async fn derived(&self, name: Sha256, model: &ModelId) -> Result<Option<Vec<u8>>, StoreError> {
        self.files.derived(name, model).await
    }

    async fn put_derived(
        &self,
        name: Sha256,
        model: &ModelId,
        bytes: Vec<u8>,
    ) -> Result<(), StoreError> {
        self.room()?;
        self.files.put_derived(name, model, bytes).await
    }
}

/// Paints nothing but what it was given, in words; a closed gate makes it wait on its worker until
/// it is opened.
#[derive(Default)]
struct Gate(Mutex<Option<(mpsc::Sender<()>, mpsc::Receiver<()>)>>);

impl Gate {
    /// The next painting tells the first that it has begun and waits for the second.
    fn close(&self) -> (mpsc::Receiver<()>, mpsc::Sender<()>) {
        let ((begun, has_begun), (open, opened)) = (mpsc::channel(), mpsc::channel());
        *self.0.lock().unwrap() = Some((begun, opened));
        (has_begun, open)
    }
}

impl EvidencePainter for Gate {
    fn paint(&self, vision: &mut Vision, inputs: &EvidenceInputs) -> Result<Vec<u8>, IntakeError> {
        let closed = self.0.lock().unwrap().take();
        if let Some((begun, opened)) = closed {
            // The test may have left, which opens the gate.
            let _ = begun.send(());
            let _ = opened.recv();
        }
        let photo = vision.imaging.decode(&inputs.photo)?;
        let (matches, references) = (inputs.answer.matches.len(), inputs.references.len());
        assert_eq!(matches, references);
        Ok(format!(
            "PNG {}x{} {}",
            photo.raster.width(),
            photo.raster.height(),
            inputs.answer.verdict
        )
        .into_bytes())
    }
}
