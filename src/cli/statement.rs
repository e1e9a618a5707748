//! `assay statement`: what the seller is told of a check.

use std::{
    fs,
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use clap::{Args, ValueEnum};

use super::{failure::Failure, open::open, output};
use crate::{
    app::{self, App},
    checker::{
        actor::Actor,
        statement::{StatementWriter, TemplateError},
    },
    config::{AppConfig, StatementsConfig},
    contract::statement::is_language_tag,
};

const STATEMENT: &str = "\
A statement of reasons, as a marketplace owes it to a seller: what was compared with what, what differs and where, that it was \
automated, which photo would clear it, and how to dispute. It names no other seller, no other brand's product and no threshold.

Its words are templates. Write the program's own into a folder, change or translate them there, and name the folder with \
--statements, here and for `assay serve`. Another language lies in a folder of its tag, such as de.

Examples:
  assay statement 01a20ab5-ecbf-7443-9eb0-45b593e2dd97
  assay statement 01a20ab5-ecbf-7443-9eb0-45b593e2dd97 --format html --out reasons.html
  assay statement --templates words
  assay statement 01a20ab5-ecbf-7443-9eb0-45b593e2dd97 --statements words --language de

Exit codes: 0 the statement is written, 2 error.";

/// Arguments of `assay statement`.
#[derive(Debug, Args)]
#[command(after_help = STATEMENT)]
pub struct StatementArgs {
    /// The check, by the id in its answer
    #[arg(value_name = "CHECK_ID", required_unless_present = "templates")]
    pub check: Option<String>,
    /// Plain text, or a page with pictures that needs no other file
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        conflicts_with = "json"
    )]
    pub format: StatementFormat,
    /// Language, as a tag such as de; English where there are no templates in it
    #[arg(long, value_name = "TAG", default_value = "en", value_parser = language)]
    pub language: String,
    /// File to write; on stdout when left out
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// In which words sellers are told why.
    #[command(flatten)]
    pub statements: StatementsConfig,
    /// Write the program's own templates into this folder instead, to begin with
    #[arg(long, value_name = "DIR", conflicts_with_all = ["check", "format", "out"])]
    pub templates: Option<PathBuf>,
}

fn language(text: &str) -> Result<String, String> {
    match is_language_tag(text) {
        true => Ok(text.to_owned()),
        false => Err(format!(
            "`{text}` is no language tag, such as `de` or `pt-BR`"
        )),
    }
}

/// How a statement is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum StatementFormat {
    /// For a letter or mail
    #[default]
    Text,
    /// A page for browsers and printers
    Html,
}

/// Writes a statement, or the templates that statements are made of.
pub(crate) async fn run(
    args: &StatementArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    if let Some(folder) = &args.templates {
        write_templates(folder, out)?;
    }
    let Some(check) = &args.check else {
        return Ok(ExitCode::SUCCESS);
    };
    // Before the models are loaded: a broken template is told at once.
    let writer = templates(&args.statements)?;
    let app = open(config).await?;
    let told = tell(&app, writer.as_ref(), (args, check), json).await;
    // Before the outcome is looked at: the store is closed in order after a failure as well.
    app.close().await;
    let told = told?;
    match &args.out {
        Some(file) => write_new(file, &told)?,
        None => out.write_all(&told)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The words of statements, for a person to mend where they are broken.
pub(super) fn templates(config: &StatementsConfig) -> anyhow::Result<Arc<dyn StatementWriter>> {
    Ok(app::statements(config).map_err(failed)?)
}

async fn tell(
    app: &App,
    writer: &dyn StatementWriter,
    (args, check): (&StatementArgs, &str),
    json: bool,
) -> anyhow::Result<Vec<u8>> {
    let actor = Actor::local();
    let statement = app.assay.statement(&actor, check).await;
    let statement = statement.map_err(Failure::from)?;
    let language = writer.language(std::slice::from_ref(&args.language));
    let answer = writer.answer(&statement, &language).map_err(failed)?;
    if json {
        let mut told = Vec::new();
        output::json(&answer, &mut told)?;
        return Ok(told);
    }
    let told = match args.format {
        StatementFormat::Text => writer.text(&answer),
        StatementFormat::Html => {
            let painted = app.assay.statement_pictures(&actor, check, &app.painter);
            writer.html(&answer, &painted.await.map_err(Failure::from)?)
        }
    };
    Ok(told.map_err(failed)?.into_bytes())
}

fn write_new(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let written = fs::File::create_new(file).and_then(|mut file| file.write_all(bytes));
    Ok(written.map_err(|error| {
        let name = file.display();
        match error.kind() {
            ErrorKind::AlreadyExists => Failure::new(format!("`{name}` exists already"))
                .hint("give another name with --out, or move that file away"),
            _ => Failure::new(format!("`{name}` cannot be written: {error}"))
                .hint("the folder of --out must exist, be writable and have room"),
        }
    })?)
}

fn write_templates(folder: &Path, out: &mut impl Write) -> anyhow::Result<()> {
    let written = app::write_statement_templates(folder).map_err(|error| {
        Failure::new(format!("the templates cannot be written: {error}"))
            .hint("--templates names a folder to make, or one without files of these names")
    })?;
    for file in written {
        writeln!(out, "{}", file.display())?;
    }
    let folder = folder.display();
    writeln!(out, "Change them, and use them with --statements {folder}")?;
    Ok(())
}

fn failed(error: TemplateError) -> Failure {
    Failure::new(error.to_string()).hint(
        "--statements names the folder; `assay statement --templates DIR` writes templates that work",
    )
}
