//! The files of `src` as modules: what each imports, and where a path is defined.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use super::scan::{code, expand, is_word};

/// All source files of the crate.
pub struct Crate {
    /// Sorted by name.
    pub files: Vec<Source>,
    /// By the path of a module and a name in it: the path that `pub use` takes the name from.
    handed_on: BTreeMap<String, String>,
}

impl Crate {
    /// Reads `src`; a test is worth nothing if that finds nothing.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut paths = Vec::new();
        collect(&root, &mut paths);
        let found = paths.len();
        assert!(
            found > 20,
            "only {found} source files found below {}",
            root.display()
        );
        let file = |path: &PathBuf| {
            let name = path.strip_prefix(&root).unwrap_or(path).to_string_lossy();
            Source::new(&name.replace('\\', "/"), &fs::read_to_string(path).unwrap())
        };
        Self::of(paths.iter().map(file).collect())
    }

    /// A crate of these files.
    pub fn of(files: Vec<Source>) -> Self {
        let mut handed_on = BTreeMap::new();
        for file in &files {
            for path in file.handed_on() {
                let name = path.rsplit("::").next().unwrap_or(&path);
                handed_on.insert(join(&file.path(), name), join(&file.path(), &path));
            }
        }
        Self { files, handed_on }
    }

    /// The file in which `path`, written from the crate's root, is defined: a name that a module
    /// only hands on is looked up where it comes from.
    pub fn home(&self, path: &str) -> Option<&Source> {
        prefixes(path).find_map(|prefix| {
            // A module and what it hands on may bear the same name: it stands in that module.
            let file = self.files.iter().find(|f| f.path() == prefix);
            let further = || {
                self.home(&format!(
                    "{}{}",
                    self.handed_on.get(prefix)?,
                    &path[prefix.len()..]
                ))
            };
            file.or_else(further)
        })
    }

    /// The files that `file` needs of those below `room`: what it imports, and which of its own
    /// child modules its code names. A name it only hands on is no need.
    pub fn needs(&self, file: &Source, room: &str) -> BTreeSet<String> {
        let below = join(&file.path(), "");
        let children = self.files.iter().filter_map(|f| {
            let path = f.path();
            let child = path.strip_prefix(&below)?;
            (!child.contains("::") && file.names_itself(child)).then_some(path.clone())
        });
        let paths = file.imports().into_iter().chain(children);
        let homes = paths.filter_map(|path| self.home(&path));
        homes
            .filter(|home| home.is_below(room) && home.name != file.name)
            .map(|home| home.name.clone())
            .collect()
    }
}

/// One file of `src`.
pub struct Source {
    /// Path below `src`, with forward slashes.
    pub name: String,
    pub text: String,
    code: String,
}

impl Source {
    pub fn new(name: &str, text: &str) -> Self {
        Self {
            name: name.to_owned(),
            text: text.to_owned(),
            code: code(text),
        }
    }

    /// The top-level module that the file belongs to.
    pub fn module(&self) -> &str {
        let first = self.name.split('/').next().unwrap_or(&self.name);
        first.strip_suffix(".rs").unwrap_or(first)
    }

    /// The module that the file is, written from the crate's root.
    pub fn path(&self) -> String {
        let stem = self.name.trim_end_matches(".rs");
        let stem = stem.strip_suffix("/mod").unwrap_or(stem);
        if stem == "lib" {
            String::new()
        } else {
            stem.replace('/', "::")
        }
    }

    /// Whether the file is the module `room` or lies below it.
    pub fn is_below(&self, room: &str) -> bool {
        within(&self.path(), room)
    }

    /// Every path of the crate that the code names by `crate`, `super` or `self`, groups expanded,
    /// written from the crate's root. The program's own file names the crate instead.
    pub fn imports(&self) -> BTreeSet<String> {
        let root = if self.name == "main.rs" {
            "assay::"
        } else {
            "crate::"
        };
        let mut found = BTreeSet::new();
        let mut here: Vec<String> = self.path().split("::").map(str::to_owned).collect();
        // How deep in braces each inline module that is open was opened.
        let (mut depth, mut inline) = (0, Vec::new());
        for (at, c) in self.code.char_indices() {
            let rest = &self.code[at..];
            match c {
                '{' => depth += 1,
                '}' => {
                    depth -= 1;
                    if inline.last() == Some(&depth) {
                        inline.pop();
                        here.pop();
                    }
                }
                _ if self.code[..at].ends_with(|c| is_word(c) || c == ':') => {}
                _ if rest.starts_with(root) => {
                    expand(&rest[root.len()..], "", &mut found);
                }
                _ if rest.starts_with("super::") || rest.starts_with("self::") => {
                    let up = rest.split("::").take_while(|part| *part == "super").count();
                    let start = rest
                        .trim_start_matches("self::")
                        .trim_start_matches("super::");
                    let module = here[..here.len().saturating_sub(up)].join("::");
                    expand(start, &module, &mut found);
                }
                _ => {
                    if let Some(name) = inline_module(rest) {
                        inline.push(depth);
                        here.push(name.to_owned());
                    }
                }
            }
        }
        found
    }

    /// Whether the code names a path that starts with this dependency.
    pub fn names(&self, dependency: &str) -> bool {
        names(&self.code, dependency)
    }

    /// Whether the code names a path that starts with this child module, besides handing it on.
    fn names_itself(&self, child: &str) -> bool {
        let mut statements = self.code.split(';');
        statements.any(|s| names(hands_on(s).map_or(s, |(before, _)| before), child))
    }

    /// The paths that `pub use` hands on from child modules.
    fn handed_on(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for (_, tree) in self.code.split(';').filter_map(hands_on) {
            expand(tree.strip_prefix("self::").unwrap_or(tree), "", &mut found);
        }
        found
    }
}

/// What stands before a `pub use` that ends the statement, and what it hands on.
fn hands_on(statement: &str) -> Option<(&str, &str)> {
    let (before, tree) = statement.rsplit_once("use ")?;
    let restricted = || {
        let (before, scope) = before.strip_suffix(')')?.rsplit_once("pub(")?;
        scope
            .chars()
            .all(|c| is_word(c) || c == ' ' || c == ':')
            .then_some(before)
    };
    Some((before.strip_suffix("pub ").or_else(restricted)?, tree))
}

fn names(code: &str, first: &str) -> bool {
    let wanted = format!("{first}::");
    let named = code.match_indices(&wanted).any(|(at, _)| {
        let before = &code[..at];
        !before.ends_with(is_word) && !before.ends_with(':')
    });
    named || code.ends_with(&format!("use {first}")) || code.contains(&format!("use {first};"))
}

/// The name of the inline module that the text opens, if it does.
fn inline_module(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix("mod ")?.split_once('{')?;
    name.chars().all(is_word).then_some(name)
}

/// Whether `path` is `prefix` or lies below it.
pub fn within(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

/// The path itself, then without its last part, and so on.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |p| Some(p.rsplit_once("::")?.0))
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}::{name}")
    }
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
