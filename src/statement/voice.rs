//! One language: its sentences and its two pages, ready to be rendered.

use std::collections::BTreeMap;

use minijinja::{
    AutoEscape, Environment, UndefinedBehavior, Value, syntax::SyntaxConfig, value::Serde,
};

use super::{
    folder::Files,
    page::{Page, plain},
    sentences::{NAMED_PLACES, Sentence, Words, sentences},
};
use crate::{
    checker::statement::{
        Compared, Decided, Finding, FoundMark, Pictures, Statement, TemplateError, mark_of,
    },
    contract::statement::{
        ComparedAnswer, FindingAnswer, HelpAnswer, SettledAnswer, StatementAnswer,
    },
};

/// Steps of one rendering, and at 64 bytes each the most that it may write: a template in a loop
/// ends, and one with twelve pictures has ten times what it needs.
const FUEL: u64 = 2_000_000;

const TEXT: &str = "statement.txt";
const HTML: &str = "statement.html";

/// The templates of one language.
pub(super) struct Voice {
    /// Its tag.
    language: String,
    templates: Environment<'static>,
    /// By the name of a template: its file, and the line before its first.
    places: BTreeMap<String, (String, usize)>,
}

impl Voice {
    /// The templates of these files.
    pub(super) fn new(language: &str, files: Files) -> Result<Self, TemplateError> {
        let templates = environment().map_err(|error| TemplateError {
            file: files.html.place.clone(),
            line: None,
            why: error.to_string(),
        })?;
        let mut voice = Self {
            language: language.to_owned(),
            templates,
            places: BTreeMap::new(),
        };
        let table = files.sentences.place.clone();
        for Sentence { key, text, line } in sentences(&files.sentences)? {
            voice.add(&key, text, (table.clone(), line - 1))?;
        }
        for (name, file) in [(TEXT, files.text), (HTML, files.html)] {
            voice.add(name, file.text, (file.place, 0))?;
        }
        Ok(voice)
    }

    fn add(
        &mut self,
        name: &str,
        text: String,
        place: (String, usize),
    ) -> Result<(), TemplateError> {
        self.places.insert(name.to_owned(), place);
        let added = self.templates.add_template_owned(name.to_owned(), text);
        added.map_err(|error| self.fault(name, &error))
    }

    /// The statement with its sentences.
    pub(super) fn answer(&self, statement: &Statement) -> Result<StatementAnswer, TemplateError> {
        let words = Words {
            check: &statement.check,
            one_in: statement.one_in.unwrap_or_default(),
            ..Words::default()
        };
        let settled = |decided: &Decided| {
            Ok(SettledAnswer {
                outcome: decided.outcome,
                at: decided.at.clone(),
                sentence: self.say(&format!("decision.{}", decided.outcome), &words)?,
            })
        };
        let decision = statement.decision.as_ref().map(settled).transpose()?;
        let mut summary = vec![
            self.say(&format!("verdict.{}", statement.verdict), &words)?,
            match &decision {
                Some(decided) => decided.sentence.clone(),
                None => self.say(&format!("action.{}", statement.action), &words)?,
            },
        ];
        if statement.one_in.is_some() {
            // After what it is about, and before what is done.
            summary.insert(1, self.say("statement.one_in", &words)?);
        }
        let helps = statement.helps.iter().map(|code| {
            let sentence = self.say(&format!("help.{code}"), &words)?;
            Ok(HelpAnswer {
                code: *code,
                sentence,
            })
        });
        let compared = statement.compared.iter().map(|c| self.compared(c, &words));
        let findings = statement.findings.iter().map(|f| self.finding(f, &words));
        Ok(StatementAnswer {
            check: statement.check.clone(),
            created_at: statement.created_at.clone(),
            language: self.language.clone(),
            claim: statement.claim.clone(),
            listing_id: statement.listing_id.clone(),
            verdict: statement.verdict,
            action: statement.action,
            automated: decision.is_none(),
            decision,
            summary: summary.join(" "),
            compared: compared.collect::<Result<_, _>>()?,
            findings: findings.collect::<Result<_, _>>()?,
            what_would_help: helps.collect::<Result<_, TemplateError>>()?,
            how_to_dispute: self.say("statement.dispute", &words)?,
            program: statement.program.clone(),
        })
    }

    fn compared(
        &self,
        compared: &Compared,
        words: &Words,
    ) -> Result<ComparedAnswer, TemplateError> {
        let what = compared.what.iter().map(|what| match mark_of(what) {
            Some(name) => self.mark(name, words),
            None => self.say_known(&format!("what.{what}"), what, words),
        });
        let what: Vec<String> = what.collect::<Result<_, _>>()?;
        let what = what.join(&self.say("statement.separator", words)?);
        let (brand, product) = match &compared.product {
            Some(product) => (&*product.brand, &*product.product),
            None => ("", ""),
        };
        let words = Words {
            what: &what,
            brand,
            product,
            ..words.clone()
        };
        Ok(ComparedAnswer {
            photo: compared.photo,
            product: compared.product.clone(),
            what: compared.what.clone(),
            sentence: self.say("statement.compared", &words)?,
        })
    }

    fn finding(&self, finding: &Finding, words: &Words) -> Result<FindingAnswer, TemplateError> {
        let place = match finding.place {
            Some(place) => self.say(&format!("place.{place}"), words)?,
            None => String::new(),
        };
        let mark = match &finding.mark {
            Some(mark) => self.mark(&mark.name, words)?,
            None => String::new(),
        };
        let misread = finding.mark.as_ref().and_then(FoundMark::misread);
        let (expected, read) = misread.unwrap_or_default();
        let (expected_plain, read_plain) = (plain(expected), plain(read));
        let recoloured = finding.mark.as_ref().is_some_and(|mark| mark.recoloured);
        let words = Words {
            place: &place,
            mark: &mark,
            expected: &expected_plain,
            read: &read_plain,
            recoloured,
            ..words.clone()
        };
        Ok(FindingAnswer {
            photo: finding.photo,
            code: finding.code,
            sentence: self.say(&format!("reason.{}", finding.code), &words)?,
            region: finding.region.clone(),
            place: finding.place,
            mark: finding.mark.as_ref().map(|mark| mark.name.clone()),
            expected: misread.map(|_| expected.to_owned()),
            read: misread.map(|_| read.to_owned()),
        })
    }

    /// A mark in words: by its name, or what the program's own names mean.
    fn mark(&self, name: &str, words: &Words) -> Result<String, TemplateError> {
        let name = plain(name);
        let words = Words {
            name: &name,
            ..words.clone()
        };
        match NAMED_PLACES.contains(&&*name) {
            true => self.say(&format!("mark.{name}"), &words),
            false => self.say("what.mark", &words),
        }
    }

    /// A sentence, or for a code of another version the code itself.
    fn say_known(&self, key: &str, code: &str, words: &Words) -> Result<String, TemplateError> {
        match self.places.contains_key(key) {
            true => self.say(key, words),
            false => Ok(plain(code)),
        }
    }

    fn say(&self, key: &str, words: &Words) -> Result<String, TemplateError> {
        self.render(key, Value::from(Serde(words)))
    }

    /// The statement as plain text.
    pub(super) fn text(&self, answer: &StatementAnswer) -> Result<String, TemplateError> {
        let page = Page::new(answer, &Pictures::new());
        self.render(TEXT, Value::from(Serde(page)))
    }

    /// The statement as a page, with these pictures in it.
    pub(super) fn html(
        &self,
        answer: &StatementAnswer,
        pictures: &Pictures,
    ) -> Result<String, TemplateError> {
        let page = Page::new(answer, pictures);
        self.render(HTML, Value::from(Serde(page)))
    }

    /// Where the template of the page lies, for messages.
    pub(super) fn html_place(&self) -> &str {
        self.places.get(HTML).map_or(HTML, |(file, _)| file)
    }

    fn render(&self, name: &str, context: Value) -> Result<String, TemplateError> {
        let template = self.templates.get_template(name);
        let rendered = template.and_then(|template| template.render(context));
        rendered.map_err(|error| self.fault(name, &error))
    }

    /// An error with the file and line that a person finds it at.
    fn fault(&self, name: &str, error: &minijinja::Error) -> TemplateError {
        let (file, before) = self.places.get(name).cloned().unwrap_or_default();
        let kind = error.kind();
        TemplateError {
            file,
            line: error.line().map(|line| before + line),
            why: match error.detail() {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind.to_string(),
            },
        }
    }
}

fn environment() -> Result<Environment<'static>, minijinja::Error> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    // A name that there is not is a slip, told at the start.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|name| match name {
        HTML => AutoEscape::Html,
        _ => AutoEscape::None,
    });
    // Nothing that callers sent may be taken for markup.
    environment.remove_filter("safe");
    // A line that holds a block alone leaves no line in a letter.
    let syntax = SyntaxConfig::builder()
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build()?;
    environment.set_syntax(syntax);
    Ok(environment)
}
