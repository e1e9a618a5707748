//! Compares who imports whom with the table of the crate's architecture: one crate means the
//! compiler does not.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// What a top-level module may import of the crate, and which dependencies it may name.
struct Rule {
    module: &'static str,
    /// Prefixes of paths below `crate::`, besides the module itself.
    imports: &'static [&'static str],
}

/// The table. A new edge here is the most heavily reviewed kind of change.
const RULES: &[Rule] = &[
    Rule {
        module: "domain",
        imports: &[],
    },
    Rule {
        module: "config",
        imports: &[],
    },
    Rule {
        module: "contract",
        imports: &["domain"],
    },
    Rule {
        module: "engine",
        imports: &["domain", "checker::ports", "checker::records"],
    },
    Rule {
        module: "checker",
        imports: &["domain", "engine", "contract"],
    },
    Rule {
        module: "imaging",
        imports: &["domain", "config", "engine::vision", "contract"],
    },
    Rule {
        module: "inference",
        imports: &[
            "domain",
            "engine::vision",
            "checker::ports",
            "imaging",
            "config",
        ],
    },
    Rule {
        module: "storage",
        imports: &[
            "domain",
            "checker::ports",
            "checker::records",
            "contract",
            "config",
        ],
    },
    Rule {
        module: "http",
        imports: &["checker", "contract", "engine", "domain", "config"],
    },
    Rule {
        module: "cli",
        imports: &["checker", "contract", "engine", "domain", "config", "app"],
    },
    Rule {
        module: "app",
        imports: &[
            "domain",
            "config",
            "contract",
            "engine",
            "checker",
            "imaging",
            "inference",
            "storage",
            "http",
            "cli",
        ],
    },
    Rule {
        module: "lib",
        imports: &[],
    },
    Rule {
        module: "main",
        imports: &[],
    },
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
            "jiff",
            "ndarray",
            "serde",
            "serde_json",
            "sha2",
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
    ("image", &["imaging/"]),
    (
        "fast_image_resize",
        &["imaging/", "inference/text/lines.rs"],
    ),
    ("ab_glyph", &["imaging/"]),
    ("axum", &["http/"]),
    ("hyper", &["http/"]),
    ("hyper_util", &["http/"]),
    ("tower", &["http/"]),
    ("tower_http", &["http/"]),
    ("hyper", &["http/"]),
    ("hyper_util", &["http/"]),
    ("utoipa_axum", &["http/"]),
    ("utoipa_swagger_ui", &["http/"]),
    ("metrics_exporter_prometheus", &["http/", "app.rs"]),
    ("indicatif", &["cli/"]),
    ("clap", &["cli/", "config.rs", "config/", "main.rs"]),
    ("anyhow", &["cli/", "app.rs", "app/", "main.rs"]),
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

const LONGEST_FILE: usize = 620;

#[test]
fn modules_import_only_what_the_table_allows() {
    let mut wrong = Vec::new();
    for file in sources() {
        let rule = RULES.iter().find(|r| r.module == file.module());
        let rule =
            rule.unwrap_or_else(|| panic!("`{}` belongs to no module of the table", file.name));
        for path in file.crate_paths() {
            if path == rule.module
                || within(&path, rule.module)
                || rule.imports.iter().any(|i| within(&path, i))
            {
                continue;
            }
            wrong.push(format!("{}: `crate::{path}`", file.name));
        }
        wrong.extend(file.escapes());
    }
    assert!(
        wrong.is_empty(),
        "imports against the table:\n{}",
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
    for file in sources() {
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
    for file in sources() {
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
        "##,
    );
    let paths: Vec<_> = file.crate_paths().into_iter().collect();
    assert_eq!(
        paths,
        [
            "domain::gallery",
            "domain::marks",
            "domain::raster::Raster",
            "imaging::Intake",
            "storage::sqlite"
        ]
    );
    assert!(file.names("axum") && !file.names("image"));
    assert_eq!(file.escapes().len(), 1, "{:?}", file.escapes());
}

/// Whether `path` is `prefix` or lies below it; a bare group such as `checker::{ports, ..}` was
/// expanded before.
fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

struct Source {
    /// Path below `src`, with forward slashes.
    name: String,
    text: String,
    /// The text with comments and literals blanked and white space taken out where it means
    /// nothing.
    code: String,
}

impl Source {
    fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            code: squeeze(&blank(text)),
        }
    }

    /// The top-level module that the file belongs to.
    fn module(&self) -> &str {
        let first = self.name.split('/').next().unwrap_or(&self.name);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// Every path below `crate::` that the code names, groups expanded.
    fn crate_paths(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (at, _) in self.code.match_indices("crate::") {
            if !self.code[..at].ends_with(is_word) {
                expand(&self.code[at + "crate::".len()..], "", &mut found);
            }
        }
        found
    }

    /// Chains of `super` that reach the crate's root, where this scanner could not follow them.
    fn escapes(&self) -> Vec<String> {
        let parts = self
            .name
            .trim_end_matches(".rs")
            .split('/')
            .filter(|p| *p != "mod")
            .count();
        let mut wrong = Vec::new();
        let mut rest = self.code.as_str();
        let mut inline = 0;
        while let Some(at) = rest.find("super::") {
            inline += rest[..at]
                .match_indices("mod ")
                .filter(|(i, _)| opens_inline(&rest[*i..]))
                .count();
            let chain = rest[at..]
                .split("::")
                .take_while(|part| *part == "super")
                .count();
            if chain >= parts + inline {
                wrong.push(format!(
                    "{}: a chain of `super` reaches the root, write `crate::`",
                    self.name
                ));
            }
            rest = &rest[at + chain * "super::".len()..];
        }
        wrong
    }

    /// Whether the code names a path that starts with this dependency.
    fn names(&self, dependency: &str) -> bool {
        let wanted = format!("{dependency}::");
        let named = self.code.match_indices(&wanted).any(|(at, _)| {
            let before = &self.code[..at];
            !before.ends_with(is_word) && !before.ends_with(':')
        });
        named || self.code.contains(&format!("use {dependency};"))
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Whether the text, which starts with `mod `, opens an inline module.
fn opens_inline(text: &str) -> bool {
    text["mod ".len()..]
        .trim_start_matches(is_word)
        .starts_with('{')
}

/// Adds the paths of one use tree (or one path expression) to `found`; returns what follows it.
fn expand<'a>(tree: &'a str, prefix: &str, found: &mut BTreeSet<String>) -> &'a str {
    let end = tree.find(|c| !is_word(c)).unwrap_or(tree.len());
    let join = |part: &str| {
        if prefix.is_empty() {
            part.to_owned()
        } else {
            format!("{prefix}::{part}")
        }
    };
    if let Some(mut inside) = tree.strip_prefix('{') {
        loop {
            inside = expand(inside, prefix, found);
            match inside.strip_prefix(',') {
                Some(next) if !next.starts_with('}') => inside = next,
                other => return other.unwrap_or(inside).strip_prefix('}').unwrap_or(""),
            }
        }
    }
    let here = match &tree[..end] {
        "" | "self" => prefix.to_owned(),
        part => join(part),
    };
    let rest = &tree[end..];
    if let Some(below) = rest.strip_prefix("::")
        && below.starts_with(|c| is_word(c) || c == '{')
    {
        return expand(below, &here, found);
    }
    if !here.is_empty() {
        found.insert(here);
    }
    // An alias, a glob or a turbofish ends the path: go on at the next separator of the group.
    rest.find([',', '}', ';']).map_or("", |at| &rest[at..])
}

/// Replaces comments, strings and characters by spaces, so that only code is left.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest),
            'r' if !out.ends_with(is_word) || out.ends_with('b') => raw_string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if skip == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.push(' ');
            rest = &rest[skip..];
        }
    }
    out
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a raw string that starts here, 0 when none does.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    text[2 + hashes..]
        .find(&close)
        .map_or(text.len(), |at| 2 + hashes + at + close.len())
}

/// Length of a character literal that starts here, 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |at| at + 4),
        Some(_) => chars
            .next()
            .filter(|(_, c)| *c == '\'')
            .map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// Drops white space except between two words, so that `crate :: {` and `crate::{` look alike.
fn squeeze(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut gap = false;
    for c in code.chars() {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && is_word(c) && out.ends_with(is_word) {
            out.push(' ');
        }
        gap = false;
        out.push(c);
    }
    out
}

/// All source files; the test is worth nothing if it finds none.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut paths = Vec::new();
    collect(&root, &mut paths);
    assert!(
        paths.len() > 20,
        "only {} source files found below {}",
        paths.len(),
        root.display()
    );
    paths
        .into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(&root)
                .unwrap_or(&path)
                .to_string_lossy()
                .replace('\\', "/");
            Source::new(&name, &fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
    into.sort();
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
