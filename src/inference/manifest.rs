//! The models this build was made for, and where their files are found.
//!
//! The manifest is part of the program, so a model file that was replaced or damaged is noticed,
//! never used.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::domain::{digest::Sha256, embedding::ModelId};

// A manifest read from a folder could be replaced together with the models in it.
const TEXT: &str = include_str!("../../models/manifest.toml");

/// What a model is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Keypoints and descriptors.
    LocalFeatures,
    /// Whole-image embedding.
    Embedder,
    /// One side of a comparison, made ready to meet the other.
    ComparatorEncoder,
    /// Same, different or cannot see, cell by cell.
    Comparator,
    /// Where logos are.
    Logos,
    /// Where text is.
    TextDetector,
    /// What text reads.
    TextRecogniser,
}

/// An input or output of a model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tensor {
    /// Its name in the graph.
    pub name: String,
    /// Its sides: a number where it is fixed, else a letter or formula for people.
    pub shape: Vec<String>,
}

/// One model of the manifest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEntry {
    /// What it is for; one model per role.
    pub role: Role,
    /// Its name.
    pub name: String,
    /// Raised whenever the same input may give another output.
    pub version: String,
    /// Its file's name.
    pub file: String,
    /// Whether the build fetches the file instead of the repository holding it.
    #[serde(default)]
    pub fetched: bool,
    /// Content hash of the file; lower-case hex in the manifest.
    #[serde(deserialize_with = "sha256")]
    pub sha256: Sha256,
    /// SPDX name of the weights' licence.
    pub licence: String,
    /// Where it comes from and how it was made.
    pub source: String,
    /// What the host does before and after, in words.
    pub preprocessing: String,
    /// Measured time.
    pub cost: String,
    /// Measured quality.
    pub quality: String,
    /// Inputs in the order of the graph.
    pub inputs: Vec<Tensor>,
    /// The outputs that are used.
    pub outputs: Vec<Tensor>,
}

fn sha256<'de, D: Deserializer<'de>>(hex: D) -> Result<Sha256, D::Error> {
    // Checked here: a slip in the manifest would otherwise look like an altered model file.
    String::deserialize(hex)?.parse().map_err(D::Error::custom)
}

impl ModelEntry {
    /// `name@version`.
    pub fn id(&self) -> ModelId {
        ModelId(format!("{}@{}", self.name, self.version))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    model: Vec<ModelEntry>,
}

/// Why a model could not be located.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// The manifest in the program is not understood: an error of the build.
    #[error("the model manifest is not understood: {0}")]
    Unreadable(#[from] toml::de::Error),
    /// No model has this role.
    #[error("the model manifest names no model for the role `{0:?}`")]
    NoModel(Role),
    /// The file is nowhere.
    #[error("model file `{file}` was not found; looked at:\n{looked_at}{remedy}")]
    Missing {
        /// File name.
        file: String,
        /// One path a line.
        looked_at: String,
        /// What to do.
        remedy: &'static str,
    },
}

/// All models of this build.
pub struct Manifest {
    models: Vec<ModelEntry>,
}

impl Manifest {
    /// The manifest that this program was built with.
    pub fn of_this_build() -> Result<Self, ManifestError> {
        Ok(Self {
            models: toml::from_str::<File>(TEXT)?.model,
        })
    }

    /// The model for `role`.
    pub fn model(&self, role: Role) -> Result<&ModelEntry, ManifestError> {
        self.models
            .iter()
            .find(|m| m.role == role)
            .ok_or(ManifestError::NoModel(role))
    }
}

/// Finds the file of `entry`: in `chosen` alone when given, else in `models` beside the executable,
/// else in the source tree the program was built in. A fetched model is also looked for where the
/// build puts it.
pub fn locate(entry: &ModelEntry, chosen: Option<&Path>) -> Result<PathBuf, ManifestError> {
    let mut folders: Vec<PathBuf> = match chosen {
        // The only one: a copy found elsewhere would hide a slip in the path.
        Some(folder) => vec![folder.to_owned()],
        None => {
            // First beside the program: one that was installed must not hang on its source tree.
            let beside = std::env::current_exe()
                .ok()
                .and_then(|exe| Some(exe.parent()?.join("models")));
            beside
                .into_iter()
                .chain([Path::new(env!("CARGO_MANIFEST_DIR")).join("models")])
                .collect()
        }
    };
    // Last, so that a file which somebody put into a models folder is preferred.
    if entry.fetched {
        folders.push(PathBuf::from(env!("ASSAY_FETCHED_TEXT")));
    }
    let paths: Vec<PathBuf> = folders
        .iter()
        .map(|folder| folder.join(&entry.file))
        .collect();
    paths
        .iter()
        // A folder of that name is passed over here rather than failing when it is read.
        .find(|path| path.is_file())
        .cloned()
        .ok_or_else(|| ManifestError::Missing {
            file: entry.file.clone(),
            looked_at: paths
                .iter()
                .map(|path| format!("  - {}\n", path.display()))
                .collect(),
            remedy: remedy(entry),
        })
}

/// How to get the file of `entry` again.
pub fn remedy(entry: &ModelEntry) -> &'static str {
    if entry.fetched {
        "remedy: run `cargo build` where python3 with pip can reach a package index, or take det.onnx and rec.onnx \
         (ch_PP-OCRv4_det_infer.onnx of the wheel rapidocr_onnxruntime 1.4.4 and PP-OCRv6_rec_small.onnx of the wheel \
         rapidocr 3.10.0) and put them into the models folder"
    } else {
        "remedy: restore the repository's models folder (`git checkout models`), put a copy beside the executable, or \
         name its place with `--models` or ASSAY_MODELS"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_of_this_build_names_one_model_per_role() {
        let manifest = Manifest::of_this_build().unwrap();
        for role in [
            Role::LocalFeatures,
            Role::Embedder,
            Role::ComparatorEncoder,
            Role::Comparator,
            Role::TextDetector,
            Role::TextRecogniser,
        ] {
            let entry = manifest.model(role).unwrap();
            assert_eq!(manifest.models.iter().filter(|m| m.role == role).count(), 1);
            assert!(
                !entry.inputs.is_empty() && !entry.outputs.is_empty(),
                "{}",
                entry.name
            );
        }
    }

    #[test]
    fn unknown_fields_are_refused() {
        assert!(toml::from_str::<File>(&format!("{TEXT}\nsurprise = 1\n")).is_err());
    }

    #[test]
    fn a_missing_file_says_where_it_was_sought_and_what_to_do() {
        let manifest = Manifest::of_this_build().unwrap();
        let empty = tempfile::tempdir().unwrap();
        let said = locate(manifest.model(Role::Embedder).unwrap(), Some(empty.path()))
            .unwrap_err()
            .to_string();
        assert!(
            said.contains("embedder.onnx") && said.contains("remedy:"),
            "{said}"
        );
        assert!(said.contains(&empty.path().display().to_string()), "{said}");
    }
}
