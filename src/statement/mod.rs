//! Statements of reasons in words: templates that are part of the program, or those of a folder in
//! which an operator translates them.

mod example;
mod folder;
mod page;
mod sentences;
mod voice;

use std::{collections::BTreeMap, path::Path};

pub use folder::write_built_in;

use self::{folder::ENGLISH, voice::Voice};
use crate::{
    checker::statement::{Pictures, Statement, StatementWriter, TemplateError},
    contract::statement::StatementAnswer,
};

/// Templates in one or more languages, each tried out.
pub struct Templates {
    english: Voice,
    /// Other languages by their tags, in small letters.
    others: BTreeMap<String, Voice>,
}

impl Templates {
    /// The templates of a folder: `sentences.toml`, `statement.txt` and `statement.html` in place of
    /// the program's own, each where it is there, and all three of another language in a folder that
    /// its tag names, such as `de`. Without a folder the program's own.
    ///
    /// # Errors
    /// The first file that cannot be read or used, with the line at fault: every template is
    /// rendered with examples of every verdict.
    pub fn open(folder: Option<&Path>) -> Result<Self, TemplateError> {
        let english = folder::english(folder)?;
        let mut templates = Self {
            english: Voice::new(ENGLISH, english)?,
            others: BTreeMap::new(),
        };
        for (tag, path) in folder
            .map(folder::languages)
            .transpose()?
            .unwrap_or_default()
        {
            let voice = Voice::new(&tag, folder::whole(&path)?)?;
            templates.others.insert(tag, voice);
        }
        let all = templates.others.values().chain([&templates.english]);
        all.into_iter().try_for_each(example::try_out)?;
        Ok(templates)
    }

    fn voice(&self, language: &str) -> &Voice {
        self.others.get(language).unwrap_or(&self.english)
    }
}

impl StatementWriter for Templates {
    fn language(&self, wanted: &[String]) -> String {
        for tag in wanted {
            let tag = tag.to_ascii_lowercase();
            // `de-at` is also served by `de`, and `de-latn-at` by `de-latn`.
            let mut tag = Some(&*tag);
            while let Some(narrow) = tag {
                if narrow == ENGLISH || self.others.contains_key(narrow) {
                    return narrow.to_owned();
                }
                tag = narrow.rsplit_once('-').map(|(wider, _)| wider);
            }
        }
        ENGLISH.to_owned()
    }

    fn answer(
        &self,
        statement: &Statement,
        language: &str,
    ) -> Result<StatementAnswer, TemplateError> {
        self.voice(language).answer(statement)
    }

    fn text(&self, answer: &StatementAnswer) -> Result<String, TemplateError> {
        self.voice(&answer.language).text(answer)
    }

    fn html(&self, answer: &StatementAnswer, pictures: &Pictures) -> Result<String, TemplateError> {
        self.voice(&answer.language).html(answer, pictures)
    }
}

#[cfg(test)]
mod tests;
