//! Where templates lie: in the program, and in a folder of an operator.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, ErrorKind, Read, Write},
    path::{Path, PathBuf},
};

use crate::{checker::statement::TemplateError, contract::statement::is_language_tag};

/// The language of the program's own templates, and of those that lie in a folder itself.
pub(super) const ENGLISH: &str = "en";

/// Most bytes of one file: the program's own have a twentieth.
const MOST_BYTES: u64 = 128 << 10;

/// What a language needs: name and the program's own text.
const BUILT_IN: [(&str, &str); 3] = [
    ("sentences.toml", include_str!("templates/sentences.toml")),
    ("statement.txt", include_str!("templates/statement.txt")),
    ("statement.html", include_str!("templates/statement.html")),
];

/// A file of a language.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Its name for people: where it lies.
    pub place: String,
    /// What it holds.
    pub text: String,
}

/// The files of one language.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub sentences: File,
    pub text: File,
    pub html: File,
}

/// What a folder itself holds, in place of the program's own.
pub(super) fn english(folder: Option<&Path>) -> Result<Files, TemplateError> {
    collect(|name, built_in| {
        let path = folder.map(|folder| folder.join(name));
        let given = path.as_deref().map(read).transpose()?.flatten();
        Ok(given.unwrap_or_else(|| File {
            place: format!("built-in {name}"),
            text: built_in.to_owned(),
        }))
    })
}

/// All that a folder of another language must hold: a statement half translated helps nobody.
pub(super) fn whole(folder: &Path) -> Result<Files, TemplateError> {
    collect(|name, _| {
        let path = folder.join(name);
        let missing = || fault(&path, "it is missing; a language needs all three files");
        read(&path)?.ok_or_else(missing)
    })
}

/// The folders of further languages by their tags.
pub(super) fn languages(folder: &Path) -> Result<BTreeMap<String, PathBuf>, TemplateError> {
    let broken = |error: io::Error| fault(folder, &error.to_string());
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(broken)? {
        let path = entry.map_err(broken)?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        // A folder such as `.git` is no language.
        if !path.is_dir() || name.starts_with('.') {
            continue;
        }
        let tag = name.to_ascii_lowercase();
        if !is_language_tag(&tag) {
            return Err(fault(
                &path,
                "the folder's name is no language tag, such as `de`",
            ));
        }
        if tag == ENGLISH {
            let why = "English lies in the folder above itself";
            return Err(fault(&path, why));
        }
        if let Some(twin) = found.insert(tag, path.clone()) {
            let why = format!("it is the same language as `{}`", twin.display());
            return Err(fault(&path, &why));
        }
    }
    let own = BUILT_IN.iter().any(|(name, _)| folder.join(name).exists());
    match own || !found.is_empty() {
        true => Ok(found),
        false => Err(fault(
            folder,
            "the folder holds no templates; `assay statement --templates DIR` writes some to begin with",
        )),
    }
}

/// Writes the program's own templates into a folder, which is made where it is missing.
///
/// # Errors
/// A file of that name is there already, or cannot be written.
pub fn write_built_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut written = Vec::new();
    for (name, text) in BUILT_IN {
        let path = folder.join(name);
        // Never over somebody's translation.
        let file = fs::File::create_new(&path).and_then(|mut f| f.write_all(text.as_bytes()));
        file.map_err(|e| io::Error::new(e.kind(), format!("`{}`: {e}", path.display())))?;
        written.push(path);
    }
    Ok(written)
}

fn collect(
    file: impl Fn(&str, &str) -> Result<File, TemplateError>,
) -> Result<Files, TemplateError> {
    let [sentences, text, html] = BUILT_IN.map(|(name, built_in)| file(name, built_in));
    Ok(Files {
        sentences: sentences?,
        text: text?,
        html: html?,
    })
}

/// A file's text, if it is there.
fn read(path: &Path) -> Result<Option<File>, TemplateError> {
    let broken = |error: io::Error| fault(path, &error.to_string());
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(broken(error)),
    };
    let mut text = String::new();
    let read = file.take(MOST_BYTES + 1).read_to_string(&mut text);
    if read.map_err(broken)? as u64 > MOST_BYTES {
        return Err(fault(
            path,
            &format!("it is larger than {MOST_BYTES} bytes"),
        ));
    }
    Ok(Some(File {
        place: path.display().to_string(),
        text,
    }))
}

fn fault(path: &Path, why: &str) -> TemplateError {
    TemplateError {
        file: path.display().to_string(),
        line: None,
        why: why.to_owned(),
    }
}
