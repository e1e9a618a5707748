//! Assay over a temporary folder with eyes that need no model: everything but the models is the
//! real thing.

use std::{num::NonZeroUsize, path::Path, sync::Arc};

use assay::{
    checker::{
        actor::Actor,
        ports::Images,
        records::{Edition, Records, ReferenceRecord},
        service::{Assay, CheckRequest, NewReference, Parts},
    },
    config::ComputeConfig,
    contract::{answer::CheckAnswer, limits::MOST_PHOTOS},
    domain::{
        calibration::Class,
        gallery::{ProductKey, ReferenceKind},
    },
    engine::{Defaults, Engine, vision::Vision},
    inference::pool::WorkerPool,
    storage::{database::Database, files::ContentFiles, sqlite, threads::FileThreads},
};
use tempfile::TempDir;

use super::{
    records::{brand, key, product},
    vision::{Scene, fake_vision, scene_bytes},
};

/// False flags accepted: 14 genuine items support it.
pub const BUDGET: f64 = 0.2;

/// A program under test.
pub struct TestApp {
    pub assay: Arc<Assay>,
    folder: Arc<TempDir>,
}

/// How the shipped calibration judges in a test.
#[derive(Clone, Copy)]
pub enum Shipped {
    /// Every genuine score is far below any photo's: nothing is flagged.
    Lenient,
    /// Every genuine score is far above any photo's: everything is flagged.
    Strict,
}

impl TestApp {
    /// Empty, over a folder of its own, with two workers.
    pub async fn start(shipped: Shipped) -> Self {
        let folder = Arc::new(TempDir::new().unwrap());
        Self::over(folder, shipped, fake_vision).await
    }

    /// Another process over the same folder.
    pub async fn beside(&self, shipped: Shipped) -> Self {
        self.beside_seeing(shipped, fake_vision).await
    }

    /// Another process over the same folder, with models of its own.
    pub async fn beside_seeing(&self, shipped: Shipped, eyes: fn() -> Vision) -> Self {
        Self::over(Arc::clone(&self.folder), shipped, eyes).await
    }

    /// The data folder.
    pub fn data(&self) -> &Path {
        self.folder.path()
    }

    /// Over a folder that is there.
    pub async fn over(folder: Arc<TempDir>, shipped: Shipped, eyes: fn() -> Vision) -> Self {
        let database = sqlite::open(folder.path()).await.unwrap();
        Self::on(folder, database, None, shipped, eyes).await
    }

    /// Over a database and, unless they lie in the folder, over images elsewhere.
    pub async fn on(
        folder: Arc<TempDir>,
        database: Database,
        images: Option<Arc<dyn Images>>,
        shipped: Shipped,
        eyes: fn() -> Vision,
    ) -> Self {
        let config = ComputeConfig::for_workers(NonZeroUsize::new(2).unwrap(), MOST_PHOTOS);
        let pool = WorkerPool::start(config, move || Ok(eyes())).await.unwrap();
        let files = ContentFiles::open(folder.path()).unwrap();
        let files = Arc::new(FileThreads::start(files).unwrap());
        let engine = Engine::with(Arc::new(defaults(shipped)), 64 << 20);
        let parts = Parts {
            records: Records::of(Arc::new(database)),
            images: images.unwrap_or_else(|| files.clone()),
            derived: files,
            compute: Arc::new(pool),
            decoding_bytes: scene_bytes,
            engine,
            budget: BUDGET,
        };
        let assay = Arc::new(Assay::open(parts, |_| {}).await.unwrap());
        Self { assay, folder }
    }

    /// Creates a product and its brand.
    pub async fn create(&self, brand_id: &str, product_id: &str) -> ProductKey {
        self.assay
            .create_brand(&Actor::local(), brand(brand_id))
            .await
            .unwrap();
        self.assay
            .create_product(&Actor::local(), product(brand_id, product_id))
            .await
            .unwrap();
        key(brand_id, product_id)
    }

    /// Enrolls a scene as the pack of a product.
    pub async fn enroll(&self, product: &ProductKey, scene: &Scene) -> ReferenceRecord {
        self.assay
            .enroll_reference(&Actor::local(), new_reference(product, scene))
            .await
            .unwrap()
    }

    /// Checks scenes against a claim.
    pub async fn check(&self, claim: Option<&ProductKey>, scenes: &[Scene]) -> CheckAnswer {
        self.assay
            .check(&Actor::local(), request(claim, scenes))
            .await
            .unwrap()
    }
}

pub fn new_reference(product: &ProductKey, scene: &Scene) -> NewReference {
    let (product, image) = (product.clone(), scene.bytes());
    NewReference {
        product,
        kind: ReferenceKind::Pack,
        view: None,
        marks: vec![],
        edition: Edition::default(),
        image,
    }
}

pub fn request(claim: Option<&ProductKey>, scenes: &[Scene]) -> CheckRequest {
    CheckRequest {
        photos: scenes.iter().map(Scene::bytes).collect(),
        brand: claim.map(|c| c.brand.clone()),
        product: claim.map(|c| c.product.clone()),
        ..CheckRequest::default()
    }
}

/// The shipped file with thresholds that let every scene through and with scores that leave no
/// doubt.
pub fn defaults(shipped: Shipped) -> Defaults {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/calibration.json");
    let mut file: serde_json::Value =
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let score = match shipped {
        Shipped::Lenient => -1e6,
        Shipped::Strict => 1e6,
    };
    file["scores"] = (0..99)
        .flat_map(|n| {
            Class::ALL.map(Class::name).map(|class| {
                serde_json::json!([format!("item-{n}"), format!("product-{n}"), class, score])
            })
        })
        .collect();
    file["thresholds"]["min_sharpness"] = 0.0.into();
    Defaults::parse(&file.to_string()).unwrap()
}
