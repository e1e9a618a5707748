//! ONNX Runtime: finding its library, loading verified model files, running them. The only user of
//! `ort`.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    sync::OnceLock,
};

use ndarray::{ArrayView4, ArrayViewD};
use ort::{
    environment::Environment,
    session::{
        HasSelectedOutputs, OutputSelector, RunOptions, Session, builder::GraphOptimizationLevel,
    },
    value::TensorRef,
};

use super::manifest::{self, ManifestError, ModelEntry};
use crate::{
    domain::{digest::Sha256, embedding::ModelId},
    engine::vision::InferenceError,
};

/// The variable of the environment that tells the library to collect nothing. Without it the library
/// keeps an id of the device and what it collected in the user's cache folder, and sends it off:
/// `with_telemetry(false)` comes after the first of these files.
pub(crate) const TELEMETRY_SWITCH: &str = "ORT_DISABLE_TELEMETRY";
/// What [`TELEMETRY_SWITCH`] must say.
pub(crate) const TELEMETRY_OFF: &str = "1";

/// Whether the library may be loaded: it would leave nothing behind and send nothing.
pub(crate) fn telemetry_is_off() -> bool {
    is_off(std::env::var_os(TELEMETRY_SWITCH).as_deref())
}

/// The library for Windows keeps no such files and knows no such variable.
fn is_off(switch: Option<&OsStr>) -> bool {
    cfg!(windows) || switch.is_some_and(|value| value == TELEMETRY_OFF)
}

/// Why a model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The runtime's library is missing or unusable.
    #[error("{0}")]
    Runtime(String),
    /// The model's file is missing.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The model's file could not be read.
    #[error("model file `{}` could not be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not the one this build was made for.
    #[error("model file `{}` is not the one this program was built for: sha256 is {found}, expected {expected}\n{remedy}", path.display())]
    Altered {
        /// The file.
        path: PathBuf,
        /// Its SHA-256.
        found: Sha256,
        /// The manifest's SHA-256.
        expected: Sha256,
        /// What to do.
        remedy: &'static str,
    },
    /// The runtime does not take the model.
    #[error("model `{model}` was refused by ONNX Runtime: {detail}")]
    Refused {
        /// The model.
        model: ModelId,
        /// What the runtime said.
        detail: String,
    },
    /// The graph lacks a tensor that the manifest names.
    #[error("model `{model}` has no {kind} `{tensor}`")]
    NoTensor {
        /// The model.
        model: ModelId,
        /// `input` or `output`.
        kind: &'static str,
        /// The manifest's name for it.
        tensor: String,
    },
}

impl From<LoadError> for InferenceError {
    fn from(error: LoadError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

impl From<ManifestError> for InferenceError {
    fn from(error: ManifestError) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// What becomes of the memory that a run needed for its intermediate results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scratch {
    /// Given back after each run: right for a model that stays loaded and sees pictures of many
    /// sizes.
    GivenBack,
    /// Kept and reused until the model is dropped: faster, and lower at its peak.
    Kept,
}

/// A loaded model with what the manifest says of it. Runs on the calling thread alone.
pub(crate) struct Model {
    id: ModelId,
    session: Session,
    inputs: Vec<String>,
    outputs: Vec<String>,
    options: RunOptions<HasSelectedOutputs>,
}

impl Model {
    /// Loads and verifies the file of `entry`; `chosen` is the models folder that the user named,
    /// if any.
    pub(crate) fn load(
        entry: &ModelEntry,
        chosen: Option<&Path>,
        scratch: Scratch,
    ) -> Result<Self, LoadError> {
        let environment = runtime()?;
        // What was hashed is what is loaded: the file might change between two readings.
        let bytes = verified(entry, &manifest::locate(entry, chosen)?)?;
        let id = entry.id();
        let refused = |e: ort::Error| LoadError::Refused {
            model: id.clone(),
            detail: e.to_string(),
        };
        let session = session(environment, &bytes, scratch).map_err(refused)?;
        // Told by name at the start; in a run it would be told in the runtime's words.
        for tensor in &entry.inputs {
            if !session.inputs().iter().any(|i| i.name() == tensor.name) {
                return Err(LoadError::NoTensor {
                    model: id,
                    kind: "input",
                    tensor: tensor.name.clone(),
                });
            }
        }
        // A graph may have outputs that nobody reads.
        let mut wanted = OutputSelector::no_default();
        for tensor in &entry.outputs {
            if !session.outputs().iter().any(|o| o.name() == tensor.name) {
                return Err(LoadError::NoTensor {
                    model: id,
                    kind: "output",
                    tensor: tensor.name.clone(),
                });
            }
            wanted = wanted.with(&tensor.name);
        }
        let options = RunOptions::new().map_err(refused)?.with_outputs(wanted);
        let names = |tensors: &[manifest::Tensor]| tensors.iter().map(|t| t.name.clone()).collect();
        Ok(Self {
            id,
            session,
            inputs: names(&entry.inputs),
            outputs: names(&entry.outputs),
            options,
        })
    }

    /// `name@version`.
    pub(crate) fn id(&self) -> &ModelId {
        &self.id
    }

    /// An entry of the file's own metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
    }

    /// Runs the model: `inputs` in the order of the manifest (NCHW, standard layout), outputs in
    /// the order of the manifest handed to `read` while they live.
    pub(crate) fn run<const I: usize, const O: usize, R>(
        &mut self,
        inputs: [ArrayView4<'_, f32>; I],
        read: impl FnOnce([ArrayViewD<'_, f32>; O]) -> R,
    ) -> Result<R, InferenceError> {
        let id = &self.id;
        let failed = |detail: String| InferenceError::Failed {
            model: id.clone(),
            detail,
        };
        // Counts are fixed where this is called and listed in the manifest: a change of one alone
        // is told.
        if I != self.inputs.len() || O != self.outputs.len() {
            return Err(failed(format!(
                "it takes {} inputs and gives {} outputs",
                self.inputs.len(),
                self.outputs.len()
            )));
        }
        let mut values = Vec::with_capacity(I);
        for (name, view) in self.inputs.iter().zip(inputs) {
            values.push((
                name.as_str(),
                TensorRef::from_array_view(view).map_err(|e| failed(e.to_string()))?,
            ));
        }
        let outputs = self
            .session
            .run_with_options(values, &self.options)
            .map_err(|e| failed(e.to_string()))?;
        let mut views = Vec::with_capacity(O);
        for name in &self.outputs {
            let value = outputs
                .get(name)
                .ok_or_else(|| failed(format!("no output `{name}`")))?;
            views.push(
                value
                    .try_extract_array::<f32>()
                    .map_err(|e| failed(e.to_string()))?,
            );
        }
        // As long as was asked above; the type alone does not know.
        let views = <[_; O]>::try_from(views).map_err(|_| failed("too few outputs".to_owned()))?;
        // Lent, not copied: outputs are megabytes, of which little is kept.
        Ok(read(views))
    }
}

/// Finds and verifies the file of `entry` without loading it, so that a fault shows at start, not
/// in the middle of work.
pub(crate) fn verify(entry: &ModelEntry, chosen: Option<&Path>) -> Result<(), LoadError> {
    verified(entry, &manifest::locate(entry, chosen)?).map(drop)
}

fn verified(entry: &ModelEntry, path: &Path) -> Result<Vec<u8>, LoadError> {
    let bytes = std::fs::read(path).map_err(|source| LoadError::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let found = Sha256::of(&bytes);
    if found == entry.sha256 {
        return Ok(bytes);
    }
    Err(LoadError::Altered {
        path: path.to_owned(),
        found,
        expected: entry.sha256,
        remedy: manifest::remedy(entry),
    })
}

/// One thread and no spinning, since each worker owns its sessions. Input sizes vary, so memory
/// patterns would only be recorded, never reused.
fn session(
    environment: &Environment,
    bytes: &[u8],
    scratch: Scratch,
) -> Result<Session, ort::Error> {
    Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
        .with_intra_threads(1)?
        .with_inter_threads(1)?
        .with_intra_op_spinning(false)?
        .with_inter_op_spinning(false)?
        .with_memory_pattern(false)?
        // With the arena and memory patterns that the runtime has by default, two workers that saw
        // pictures of many sizes grew to 970 MiB (measured with its Python package).
        .with_execution_providers([ort::ep::CPU::default()
            .with_arena_allocator(scratch == Scratch::Kept)
            .build()])?
        .commit_from_memory(bytes)
}

/// Finds and starts ONNX Runtime once per process.
fn runtime() -> Result<&'static Environment, LoadError> {
    // A library is loaded once per process. A failure is kept too, so that every worker is told the
    // same.
    static RUNTIME: OnceLock<Result<Environment, String>> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            if telemetry_is_off() {
                start()
            } else {
                Err(telemetry_is_on())
            }
        })
        .as_ref()
        .map_err(|said| LoadError::Runtime(said.clone()))
}

/// Refused here and not only where the program starts, so that no other way in can forget it.
fn telemetry_is_on() -> String {
    format!(
        "ONNX Runtime was not loaded: it would write into the user's cache folder and report its use\n\
         remedy: set {TELEMETRY_SWITCH}={TELEMETRY_OFF} in the environment before the process starts"
    )
}

#[cfg(feature = "dynamic")]
fn start() -> Result<Environment, String> {
    let mut tried = String::new();
    for path in candidates(std::env::var_os("ORT_DYLIB_PATH").map(PathBuf::from)) {
        // A bare name is for the system's loader, which looks where it likes.
        if path.components().count() > 1 && !path.exists() {
            tried += &format!("  - {} (no such file)\n", path.display());
            continue;
        }
        match ort::init_from(&path) {
            Ok(builder) => {
                // The switch that the library for Windows has; elsewhere it comes too late to be
                // enough.
                return builder
                    .with_telemetry(false)
                    .build()
                    .map_err(|e| e.to_string());
            }
            Err(e) => tried += &format!("  - {e}\n"),
        }
    }
    Err(missing(&tried))
}

#[cfg(not(feature = "dynamic"))]
fn start() -> Result<Environment, String> {
    ort::init()
        .with_telemetry(false)
        .build()
        .map_err(|e| e.to_string())
}

/// Where the library may be. A path chosen by the user is the only one: falling back silently would
/// hide a typing error.
#[cfg(feature = "dynamic")]
fn candidates(chosen: Option<PathBuf>) -> Vec<PathBuf> {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    // An empty variable is how many set none.
    if let Some(path) = chosen.filter(|path| !path.as_os_str().is_empty()) {
        return vec![path];
    }
    let name = format!("{DLL_PREFIX}onnxruntime{DLL_SUFFIX}");
    let mut paths = Vec::new();
    if let Some(folder) = std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.to_owned()))
    {
        paths.extend([folder.join(&name), folder.join("../lib").join(&name)]);
    }
    // The fetched one first: it is the version that was tested, the system's may be any.
    paths.extend([
        PathBuf::from(env!("ASSAY_FETCHED_ORT")),
        PathBuf::from(name),
    ]);
    paths
}

#[cfg(feature = "dynamic")]
fn missing(tried: &str) -> String {
    format!(
        "ONNX Runtime 1.24 or newer was not found; looked at:\n{tried}remedy, one of:\n  \
         - run `cargo build` where python3 with pip can reach a package index: the build fetches the library\n  \
         - `pip install onnxruntime==1.32.0` and set ORT_DYLIB_PATH to the library in its folder onnxruntime/capi\n  \
         - build with `--no-default-features --features download` for a library linked into the program"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inference::manifest::{Manifest, Role};

    #[test]
    fn an_altered_model_is_refused_by_its_hash() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = Manifest::of_this_build().unwrap();
        let entry = manifest.model(Role::LocalFeatures).unwrap();
        std::fs::write(folder.path().join(&entry.file), b"something else").unwrap();
        let said = verified(entry, &folder.path().join(&entry.file))
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("xfeat_dense.onnx")
                && said.contains("remedy:")
                && said.contains(&entry.sha256.to_string()),
            "{said}"
        );
    }

    #[cfg(unix)]
    #[test]
    fn the_library_is_loaded_only_where_its_telemetry_is_off() {
        for on in [None, Some(""), Some("0"), Some("off")] {
            assert!(!is_off(on.map(OsStr::new)), "{on:?}");
        }
        assert!(is_off(Some(OsStr::new("1"))));
        assert!(telemetry_is_on().contains("remedy: set ORT_DISABLE_TELEMETRY=1"));
    }

    #[cfg(feature = "dynamic")]
    #[test]
    fn a_library_chosen_by_the_user_is_the_only_candidate() {
        assert_eq!(
            candidates(Some("/opt/ort.so".into())),
            [PathBuf::from("/opt/ort.so")]
        );
        assert!(candidates(Some("".into())).len() >= 2);
        assert!(missing("  - here\n").contains("ORT_DYLIB_PATH"));
    }
}
