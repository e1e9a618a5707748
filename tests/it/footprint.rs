//! What a real check leaves behind: nothing but its data folder.
#![cfg(unix)]

use std::{
    collections::BTreeSet,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use tempfile::TempDir;

/// A folder with a home, the folders that programs are wont to write to, and one to stand in.
struct World(TempDir);

const EMPTY_FOLDERS: [(&str, &str); 8] = [
    ("HOME", "home"),
    ("TMPDIR", "tmp"),
    ("XDG_CACHE_HOME", "cache"),
    ("XDG_CONFIG_HOME", "config"),
    ("XDG_DATA_HOME", "share"),
    ("XDG_STATE_HOME", "state"),
    ("XDG_RUNTIME_DIR", "run"),
    ("PWD", "here"),
];

impl World {
    fn new() -> Self {
        let world = Self(TempDir::new().unwrap());
        for (_, name) in EMPTY_FOLDERS {
            fs::create_dir(world.path(name)).unwrap();
        }
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program as this file's user starts it. The environment is this world's alone: one that
    /// tells of a build server would silence the library, as the tests' own does.
    fn program(&self, file: &Path) -> Command {
        let mut command = Command::new(file);
        command.env_clear().current_dir(self.path("here"));
        command.envs(EMPTY_FOLDERS.map(|(variable, name)| (variable, self.path(name))));
        // Where to find the library is the builder's choice.
        command.envs(std::env::var_os("ORT_DYLIB_PATH").map(|path| ("ORT_DYLIB_PATH", path)));
        command
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let data = self.path("data");
        let mut command = self.program(Path::new(env!("CARGO_BIN_EXE_assay")));
        finished(command.args(args).arg("--data").arg(data))
    }

    /// What lies in the world but its own folders and the data.
    fn left_behind(&self) -> BTreeSet<PathBuf> {
        let mut found = BTreeSet::new();
        let mut folders = vec![self.0.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.0.path()).unwrap().to_owned();
                if name == Path::new("data") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                }
                if !EMPTY_FOLDERS.iter().any(|(_, own)| name == Path::new(own)) {
                    found.insert(name);
                }
            }
        }
        found
    }
}

fn finished(command: &mut Command) -> (i32, String) {
    let Output {
        status,
        stdout,
        stderr,
    } = command.output().unwrap();
    let said = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (status.code().unwrap(), said.concat())
}

fn sample(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("samples")
        .join(path);
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_check_writes_nothing_outside_its_data_folder() {
    let world = World::new();
    let (code, said) = world.run(&["enroll", &sample("brands")]);
    assert_eq!(code, 0, "{said}");
    let photo = sample("photos/genuine-oat-kitchen.jpg");
    let claim = ["--brand", "halmora", "--product", "oat-drink-original"];
    let (code, said) = world.run(&[&["check", &photo][..], &claim].concat());
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("consistent"), "{said}");
    assert!(
        world.path("data").is_dir(),
        "the data folder is not where --data says"
    );
    assert_eq!(world.left_behind(), BTreeSet::new());
}

/// The program starts itself once more, which nobody may notice.
#[test]
fn the_second_start_keeps_arguments_and_exit_code_behind_a_link() {
    let world = World::new();
    let link = world.path("tmp").join("a link");
    symlink(env!("CARGO_BIN_EXE_assay"), &link).unwrap();
    let mut command = world.program(&link);
    let (code, said) = finished(command.args(["check", "a photo that \"is not\" there"]));
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("`a photo that \"is not\" there`"), "{said}");
}
