//! Compares who imports whom with the tables of the documentation: one crate means the compiler
//! does not.

mod scan;
mod sources;
mod tables;

use std::{collections::BTreeSet, fs, path::Path};

use sources::{Crate, Source, within};
use tables::{Graph, circles, table};

/// Modules whose files must not import each other in circles.
const WITHOUT_CIRCLES: &[&str] = &[
    "checker",
    "cli",
    "config",
    "contract",
    "engine",
    "evaluation",
    "http",
    "imaging",
    "inference",
    "statement",
    "storage",
];

/// Modules that may name no dependency but these, and in tests also those of [`TEST_ONLY`].
const PURE: &[(&str, &[&str])] = &[
    ("domain", &["ndarray", "sha2", "thiserror"]),
    ("config", &["clap", "serde"]),
    ("contract", &["serde", "utoipa"]),
    ("engine", &["ndarray", "serde", "serde_json", "thiserror"]),
    (
        "checker",
        &[
            "async_trait",
            "bytes",
            "futures_util",
            // secrets of keys are random
            "getrandom",
            "jiff",
            "ndarray",
            "serde",
            "serde_json",
            "thiserror",
            "tracing",
            "uuid",
        ],
    ),
];

const TEST_ONLY: &[&str] = &["insta", "proptest", "serde_json", "tempfile", "utoipa"];

/// Dependencies that stay behind one wall: the paths below `src` that may name them.
const WALLED: &[(&str, &[&str])] = &[
    ("ort", &["inference/onnx.rs"]),
    ("sqlx", &["storage/"]),
    ("object_store", &["storage/objects.rs"]),
    ("tar", &["storage/backup/"]),
    ("image", &["imaging/"]),
    (
        "fast_image_resize",
        &["imaging/", "inference/text/lines.rs"],
    ),
    ("ab_glyph", &["imaging/"]),
    ("axum", &["http/"]),
    ("hyper", &["http/"]),
    ("hyper_util", &["http/"]),
    // in the clients of a cluster it only names the cryptography
    ("rustls", &["http/tls.rs", "storage/objects.rs"]),
    ("tokio_rustls", &["http/"]),
    ("tower", &["http/"]),
    ("tower_http", &["http/"]),
    ("utoipa_axum", &["http/"]),
    ("utoipa_swagger_ui", &["http/"]),
    ("metrics_exporter_prometheus", &["http/", "app.rs"]),
    ("minijinja", &["statement/"]),
    ("base64", &["statement/"]),
    ("indicatif", &["cli/"]),
    ("clap", &["cli/", "config.rs", "config/", "main.rs"]),
    (
        "anyhow",
        &["cli/", "evaluation/", "app.rs", "app/", "main.rs"],
    ),
    (
        "tokio",
        &[
            "inference/pool.rs",
            "storage/",
            "http/",
            "cli/",
            "app.rs",
            "app/",
            "main.rs",
        ],
    ),
];

const LONGEST_FILE: usize = 500;

/// Source files but the crate's own, which imports nothing and says what there is.
fn files_and_docs(sources: &Crate) -> (Vec<&Source>, &Source) {
    let (docs, files): (Vec<_>, Vec<_>) = sources.files.iter().partition(|f| f.name == "lib.rs");
    (files, docs[0])
}

#[test]
fn modules_import_only_what_the_table_allows() {
    let sources = Crate::read();
    let (files, docs) = files_and_docs(&sources);
    let table = table(docs, "module");
    let mut unused: BTreeSet<_> = table
        .iter()
        .flat_map(|(module, paths)| paths.iter().map(move |p| (module, p)))
        .collect();
    let mut wrong = Vec::new();
    for file in files {
        let module = file.module().to_owned();
        let Some((module, allowed)) = table.get_key_value(&module) else {
            wrong.push(format!("{}: module `{module}` has no row", file.name));
            continue;
        };
        for path in file.imports().iter().filter(|path| !within(path, module)) {
            let row = allowed.iter().find(|prefix| within(path, prefix));
            match row {
                Some(prefix) => _ = unused.remove(&(module, prefix)),
                None => wrong.push(format!("{}: `crate::{path}`", file.name)),
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the table in src/lib.rs:\n{}",
        wrong.join("\n")
    );
    assert!(docs.imports().is_empty(), "{:?}", docs.imports());
    assert!(
        unused.is_empty(),
        "the table in src/lib.rs allows what nobody imports: {unused:?}"
    );
}

#[test]
fn rooms_of_the_domain_import_only_what_their_table_allows() {
    let sources = Crate::read();
    let docs = sources.home("domain").unwrap();
    let table = table(docs, "room");
    let room = |file: &Source| {
        file.path()
            .split("::")
            .nth(1)
            .unwrap_or_default()
            .to_owned()
    };
    let mut unused: BTreeSet<_> = table
        .iter()
        .flat_map(|(room, rooms)| rooms.iter().map(move |r| (room.clone(), r.clone())))
        .collect();
    let mut wrong = Vec::new();
    for file in sources
        .files
        .iter()
        .filter(|f| f.is_below("domain") && f.name != docs.name)
    {
        let Some(allowed) = table.get(&room(file)) else {
            wrong.push(format!("{}: room `{}` has no row", file.name, room(file)));
            continue;
        };
        for path in file.imports() {
            let to = sources.home(&path).map(room).unwrap_or_default();
            unused.remove(&(room(file), to.clone()));
            if to != room(file) && !allowed.contains(&to) {
                wrong.push(format!("{}: `crate::{path}` of room `{to}`", file.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "against the table in src/domain/mod.rs:\n{}",
        wrong.join("\n")
    );
    assert!(
        unused.is_empty(),
        "the table in src/domain/mod.rs allows what nobody imports: {unused:?}"
    );
}

#[test]
fn neither_modules_nor_rooms_stand_in_a_circle() {
    let sources = Crate::read();
    let mut modules = table(files_and_docs(&sources).1, "module");
    for paths in modules.values_mut() {
        let tops = paths
            .iter()
            .map(|path| path.split("::").next().unwrap_or(path).to_owned());
        *paths = tops.collect();
    }
    assert_eq!(circles(modules), [""; 0], "circles of modules");
    let rooms = table(sources.home("domain").unwrap(), "room");
    assert_eq!(circles(rooms), [""; 0], "circles of rooms");
}

#[test]
fn files_of_a_module_do_not_import_each_other_in_circles() {
    let sources = Crate::read();
    let mut wrong = Vec::new();
    for module in WITHOUT_CIRCLES {
        let files = sources.files.iter().filter(|f| f.is_below(module));
        let graph: Graph = files
            .map(|f| (f.name.clone(), sources.needs(f, module)))
            .collect();
        assert!(!graph.is_empty(), "there is no module `{module}`");
        wrong.extend(circles(graph));
    }
    assert!(
        wrong.is_empty(),
        "files in or between circles:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn dependencies_stay_behind_their_walls() {
    let dependencies = dependencies();
    assert!(
        dependencies.contains("ort") && dependencies.len() > 20,
        "Cargo.toml was not understood"
    );
    for (name, _) in WALLED {
        assert!(
            dependencies.contains(*name),
            "`{name}` of the test's table is no dependency any more"
        );
    }
    let mut wrong = Vec::new();
    for file in &Crate::read().files {
        let pure = PURE
            .iter()
            .find(|(module, _)| *module == file.module())
            .map(|(_, allowed)| *allowed);
        for dependency in dependencies.iter().filter(|d| file.names(d)) {
            let walled = WALLED.iter().find(|(name, _)| name == dependency);
            let outside_wall = walled.is_some_and(|(_, places)| {
                !places.iter().any(|place| file.name.starts_with(place))
            });
            let impure = pure.is_some_and(|allowed| {
                !allowed.contains(&dependency.as_str()) && !TEST_ONLY.contains(&dependency.as_str())
            });
            if outside_wall || impure {
                wrong.push(format!("{}: `{dependency}`", file.name));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "dependencies named outside their walls:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn files_are_short_and_say_what_they_are_for() {
    let mut wrong = Vec::new();
    for file in &Crate::read().files {
        let lines = file.text.lines().count();
        if lines > LONGEST_FILE {
            wrong.push(format!(
                "{}: {lines} lines, at most {LONGEST_FILE}",
                file.name
            ));
        }
        if !file.text.starts_with("//!") {
            wrong.push(format!(
                "{}: does not open with its responsibility (`//!`)",
                file.name
            ));
        }
    }
    assert!(wrong.is_empty(), "files to mend:\n{}", wrong.join("\n"));
}

#[test]
fn the_scanner_sees_through_groups_comments_and_strings() {
    let file = Source::new(
        "checker/x.rs",
        r##"
        use crate::{domain::{raster::Raster, gallery}, storage::sqlite as db};
        use crate::domain::marks;
        // crate::http
        /* crate::cli /* nested */ */
        const A: &str = "crate::app \" crate::app";
        const B: &str = r#"crate::app"#;
        const C: char = '"';
        fn f<'a>(x: &'a crate::imaging::Intake) { axum::serve(x); self::image::y(); super::image::z() }
        use super::super::inference;
        mod tests { use super::super::ports; }
        use super::records;
        "##,
    );
    let paths: Vec<_> = file.imports().into_iter().collect();
    assert_eq!(
        paths,
        [
            "checker::image::z",
            "checker::ports",
            "checker::records",
            "checker::x::image::y",
            "domain::gallery",
            "domain::marks",
            "domain::raster::Raster",
            "imaging::Intake",
            "inference",
            "storage::sqlite"
        ]
    );
    assert!(file.names("axum") && !file.names("image"));
}

#[test]
fn a_name_is_found_where_it_is_defined_and_circles_are_seen() {
    let sources = Crate::of(vec![
        Source::new(
            "room/mod.rs",
            "mod a; mod b; mod deep; pub use deep::c; pub(crate) use a::A; fn f() { b::g() }",
        ),
        Source::new("room/a.rs", "use super::c::C;"),
        Source::new("room/b.rs", "use super::A;"),
        Source::new("room/deep/mod.rs", "pub mod c;"),
        Source::new("room/deep/c.rs", "use crate::room::b;"),
    ]);
    assert_eq!(sources.home("room::c::C").unwrap().name, "room/deep/c.rs");
    assert_eq!(sources.home("room::A").unwrap().name, "room/a.rs");
    assert!(sources.home("elsewhere").is_none());
    let graph = sources
        .files
        .iter()
        .map(|f| (f.name.clone(), sources.needs(f, "room")))
        .collect();
    assert_eq!(
        circles(graph),
        [
            "room/a.rs -> room/deep/c.rs",
            "room/b.rs -> room/a.rs",
            "room/deep/c.rs -> room/b.rs"
        ]
    );
}

/// Names of all dependencies as code spells them.
fn dependencies() -> BTreeSet<String> {
    let manifest =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let mut names = BTreeSet::new();
    let mut inside = false;
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = line.trim_matches(['[', ']']).ends_with("dependencies");
        } else if let (true, Some((name, _))) = (inside, line.split_once('=')) {
            names.insert(name.trim().replace('-', "_"));
        }
    }
    names
}
