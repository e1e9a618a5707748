//! `assay demo`: the samples enrolled, checked and compared with what is expected of each.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    args::DemoArgs,
    check, enroll,
    exit::NOT_CONSISTENT,
    failure::Failure,
    open::open,
    output::{self, BAD, Cell, DIM, GOOD, Table, count, number, verdict_style},
    progress,
    sources::{self, Row},
    statement::templates,
    stop::stop_signal,
};
use crate::{
    app::App,
    checker::{
        actor::{Actor, Role},
        key_ring::NewKey,
        service::{Assay, CheckRequest},
    },
    config::{AppConfig, HttpConfig, StatementsConfig},
    contract::Verdict,
};

/// The samples' brands chose to see 5 of 100 genuine photos flagged, for the sake of finer
/// differences: at the default of 1 % the shipped calibration lets one changed letter pass.
const BUDGET: f64 = 0.05;

/// One line of `expected.csv`.
#[derive(Debug, Deserialize)]
struct Expectation {
    /// The photo, relative to the samples.
    path: PathBuf,
    brand: String,
    product: String,
    /// The verdict that a check must come to.
    expected: Verdict,
    /// What the photo shows, in words.
    what: String,
}

impl Row for Expectation {
    const NEEDED: &'static [&'static str] = &["path", "brand", "product", "expected", "what"];
    const OPTIONAL: &'static [&'static str] = &[];
}

/// What became of one photo.
#[derive(Debug, Serialize)]
struct Judged {
    check: String,
    photo: String,
    claim: String,
    what: String,
    expected: Verdict,
    verdict: Verdict,
    similarity: f64,
    reasons: Vec<String>,
    ok: bool,
    evidence: Option<PathBuf>,
}

/// The samples enrolled and checked.
struct Tried {
    app: App,
    enrolled: String,
    judged: Vec<Judged>,
    samples: PathBuf,
    /// Removes the demo's folder at the end, where nobody named one to keep.
    scratch: tempfile::TempDir,
}

/// Runs the command. Models and a fresh gallery are opened only when the samples are there.
pub(crate) async fn run(
    args: &DemoArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let tried = try_samples(args, config).await?;
    tried.app.close().await;
    told(&tried.judged, &tried.enrolled, args, json, out)
}

/// Runs the command, leaves a dispute in the queue, and serves it all until a signal ends it.
pub(super) async fn serve(
    args: &DemoArgs,
    config: &AppConfig,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let prepared = async {
        let tried = try_samples(args, config).await?;
        told(&tried.judged, &tried.enrolled, args, false, out)?;
        dispute(&tried).await?;
        let new = NewKey {
            name: "Demo reviewer".to_owned(),
            role: Role::Reviewer,
            brands: None,
            expires_ms: None,
        };
        let made = tried.app.keys.create(&Actor::local(), new).await;
        let reviewer = made.map_err(Failure::from)?.secret;
        let Tried { app, scratch, .. } = tried;
        let http = HttpConfig {
            listen: args.listen,
            ..HttpConfig::default()
        };
        let writer = templates(&StatementsConfig::default())?;
        anyhow::Ok((app.bind(http, writer).await?, reviewer, scratch))
    };
    let (server, reviewer, _scratch) = tokio::select! {
        prepared = prepared => prepared?,
        () = stop_signal() => return Err(Failure::new("stopped").into()),
    };
    let address = server.address();
    // Behind the `#`: browsers send that to no server, and so it stands in no log.
    writeln!(
        out,
        "\nsign in as a reviewer: http://{address}/sign-in#{reviewer}"
    )?;
    writeln!(
        out,
        "Ctrl-C ends it{}",
        match &args.keep {
            Some(_) => "",
            None => " and removes the demo's data; --keep names a folder that stays",
        }
    )?;
    out.flush()?;
    server.run().await?;
    Ok(ExitCode::SUCCESS)
}

/// Enrolls and checks the samples.
async fn try_samples(args: &DemoArgs, config: &AppConfig) -> anyhow::Result<Tried> {
    let samples = find_samples(args.samples.as_deref())?;
    let expected = sources::rows::<Expectation>(&samples.join("expected.csv"))?;
    // The samples come with the program: a bad line is our mistake, not one to skip.
    if let Some(line) = expected.refused.first() {
        return Err(Failure::new(format!("{}: {}", line.place, line.error)).into());
    }
    // Before the models are loaded: that this fails should be told at once.
    fs::create_dir_all(&args.out).map_err(|e| {
        Failure::new(format!("`{}` cannot be created: {e}", args.out.display()))
            .hint("--out names the folder")
    })?;
    // Has a name even when it is not used: dropped at the end, it removes itself.
    let scratch = tempfile::Builder::new().prefix("assay-demo-").tempdir()?;
    let data = args.keep.as_deref().unwrap_or(scratch.path()).to_owned();
    let app = open(&AppConfig {
        data,
        budget: BUDGET,
        // Invented brands have no business among true ones.
        #[cfg(feature = "cluster")]
        database: None,
        #[cfg(feature = "cluster")]
        images: None,
        ..config.clone()
    })
    .await?;
    let enrolled = enroll_samples(&app.assay, enroll::workers(config), &samples).await?;
    let bar = progress::bar("checking");
    bar.set_length(expected.items.len() as u64);
    let mut judged = Vec::new();
    // One after the other, so that the table keeps the order of the file.
    for (_, expectation) in expected.items {
        judged.push(judge(&app, &samples, &args.out, expectation).await?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(Tried {
        app,
        enrolled,
        judged,
        samples,
        scratch,
    })
}

/// Says what came out.
fn told(
    judged: &[Judged],
    enrolled: &str,
    args: &DemoArgs,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    let wrong = judged.iter().filter(|j| !j.ok).count();
    if json {
        output::json(&judged, out)?;
    } else {
        print(judged, enrolled, wrong, &args.out, out)?;
    }
    Ok(if wrong == 0 {
        ExitCode::SUCCESS
    } else {
        NOT_CONSISTENT
    })
}

/// Lets a seller dispute the first check that was flagged, with a photo of a genuine article.
async fn dispute(tried: &Tried) -> anyhow::Result<()> {
    let Some(flagged) = tried.judged.iter().find(|j| j.verdict == Verdict::Deviates) else {
        return Ok(());
    };
    let photo = fs::read(tried.samples.join("photos/genuine-oat-in-hand.jpg"))?;
    let statement =
        "I bought this carton in a shop and still have it. Here is another photo of it.";
    let (assay, seller) = (&tried.app.assay, Actor::local());
    let photos = vec![Bytes::from(photo)];
    let disputed = assay.dispute(&seller, &flagged.check, statement.to_owned(), photos);
    disputed.await.map_err(Failure::from)?;
    Ok(())
}

fn print(
    judged: &[Judged],
    enrolled: &str,
    wrong: usize,
    folder: &Path,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "{enrolled}; false-flag budget {} %", BUDGET * 100.0)?;
    table(judged).write(out, 0)?;
    writeln!(out, "evidence pictures: {}", folder.display())?;
    let photos = count(judged.len(), "photo");
    if wrong == 0 {
        writeln!(out, "{GOOD}{photos}, every verdict as expected{GOOD:#}")
    } else {
        writeln!(
            out,
            "{BAD}{photos}, {} WRONG{BAD:#}",
            count(wrong, "verdict")
        )
    }
}

/// Finds the samples: as told, else in the source tree this program was built from, else beside the
/// program.
fn find_samples(told: Option<&Path>) -> Result<PathBuf, Failure> {
    let beside = std::env::current_exe()
        .ok()
        .and_then(|exe| Some(exe.parent()?.join("samples")));
    let places = match told {
        Some(told) => vec![told.to_owned()],
        None => [
            // First, so that a build is tried on the samples that belong to it.
            Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("samples")),
            beside,
        ]
        .into_iter()
        .flatten()
        .collect(),
    };
    places
        .iter()
        // A folder of the right name is not enough: this file tells what to compare with.
        .find(|place| place.join("expected.csv").is_file())
        .cloned()
        .ok_or_else(|| {
            let places: Vec<_> = places
                .iter()
                .map(|p| format!("`{}`", p.display()))
                .collect();
            Failure::new(format!("no samples in {}", places.join(" or ")))
                .hint("--samples names the folder that holds expected.csv, brands and photos")
        })
}

async fn enroll_samples(assay: &Assay, workers: usize, samples: &Path) -> anyhow::Result<String> {
    let mut references = sources::references(&samples.join("brands"))?.items;
    let marks = sources::add_marks(&mut references, &samples.join("marks.csv"))?;
    if let Some(line) = marks.refused.first() {
        return Err(Failure::new(format!("{}: {}", line.place, line.error)).into());
    }
    let marks: usize = references.iter().map(|r| r.marks.len()).sum();
    let bar = progress::bar("enrolling");
    // Never told to stop: Ctrl-C drops the demo as a whole.
    let outcomes =
        enroll::add_all(assay, references, workers, &bar, std::future::pending()).await?;
    for outcome in &outcomes {
        if let enroll::report::Status::Refused { error } = &outcome.status {
            return Err(Failure::new(format!("sample `{}`: {error}", outcome.path)).into());
        }
    }
    Ok(format!(
        "enrolled {} with {}",
        count(outcomes.len(), "reference"),
        count(marks, "protected mark")
    ))
}

async fn judge(
    app: &App,
    samples: &Path,
    out: &Path,
    expectation: Expectation,
) -> anyhow::Result<Judged> {
    let Expectation {
        path,
        brand,
        product,
        expected,
        what,
    } = expectation;
    let file = samples.join(&path);
    let bytes = fs::read(&file)
        .map_err(|e| Failure::new(format!("sample `{}` cannot be read: {e}", file.display())))?;
    let request = CheckRequest {
        photos: vec![Bytes::from(bytes)],
        listing_id: Some(format!("demo-{}", stem(&path))),
        seller_id: Some(format!("{brand}-fan")),
        brand: Some(brand.clone()),
        product: Some(product.clone()),
    };
    let answer = app
        .assay
        .check(&Actor::local(), request)
        .await
        .map_err(Failure::from)?;
    let photo = stem(&path);
    let evidence = out.join(format!("{photo}.png"));
    let drawn = check::write_evidence(app, &answer, 0, &evidence).await?;
    Ok(Judged {
        check: answer.id,
        photo,
        claim: format!("{brand} / {product}"),
        what,
        ok: answer.verdict == expected,
        expected,
        // One photo went in and one comes out; zero would only keep the table whole.
        similarity: answer.photos.first().map_or(0.0, |p| p.similarity),
        reasons: answer.reasons.iter().map(|r| r.detail.clone()).collect(),
        verdict: answer.verdict,
        evidence: drawn.then_some(evidence),
    })
}

/// A file's name without its folder and ending.
fn stem(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

fn table(judged: &[Judged]) -> Table {
    let mut table = Table::new(&["photo", "claim", "expected", "verdict", ">similarity", ""]);
    for j in judged {
        table.row([
            Cell::from(j.photo.as_str()),
            j.claim.as_str().into(),
            j.expected.name().into(),
            Cell::styled(j.verdict.name(), verdict_style(j.verdict)),
            number(Some(j.similarity), 3).into(),
            if j.ok {
                Cell::styled("ok", GOOD)
            } else {
                // In words too: output is often piped, and not everyone sees red.
                Cell::styled("WRONG", BAD)
            },
        ]);
        table.below(Cell::styled(format!("is: {}", j.what), DIM));
        for reason in &j.reasons {
            table.below(Cell::styled(format!("says: {reason}"), DIM));
        }
    }
    table
}
