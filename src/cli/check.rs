//! `assay check`: photos of one listing against its claim, by the same code path as the server.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use bytes::Bytes;

use super::{
    args::CheckArgs,
    exit::NOT_CONSISTENT,
    failure::Failure,
    open::open,
    output::{self, BAD, Cell, DIM, GOOD, HEADING, Table, WARN, count, number, verdict_style},
    progress,
};
use crate::{
    app::App,
    checker::{actor::Actor, service::CheckRequest},
    config::AppConfig,
    contract::{
        MarkAnswer, Verdict,
        answer::{CheckAnswer, MarkAnswerBody, MatchAnswer, PhotoAnswer},
        limits::MOST_PHOTOS,
    },
    domain::tuning::variation::LEAST_ITEMS,
};

/// Runs the command. Models and gallery are opened only when the photos are there.
pub(crate) async fn run(
    args: &CheckArgs,
    config: &AppConfig,
    json: bool,
    out: &mut impl Write,
) -> anyhow::Result<ExitCode> {
    // Before the models are loaded: they need not be for that.
    if args.photos.len() > MOST_PHOTOS {
        let photos = args.photos.len();
        let message = format!("{photos} photos were given; a check takes at most {MOST_PHOTOS}");
        return Err(Failure::new(message)
            .hint("check the ones that show most of the article, or make several checks")
            .into());
    }
    let read = |path: &PathBuf| {
        let bytes = std::fs::read(path);
        bytes
            .map(Bytes::from)
            .map_err(|e| Failure::new(format!("photo `{}` cannot be read: {e}", path.display())))
    };
    let request = CheckRequest {
        photos: args.photos.iter().map(read).collect::<Result<_, _>>()?,
        brand: args.brand.clone(),
        product: args.product.clone(),
        listing_id: args.listing.clone(),
        seller_id: args.seller.clone(),
    };
    // After the photos are read: models take seconds to load, and a mistyped name should not.
    let app = open(config).await?;
    let spinner = progress::spinner("checking");
    let answer = app
        .assay
        .check(&Actor::local(), request)
        .await
        .map_err(Failure::from)?;
    // Before anything is printed: on a terminal both would share a line.
    spinner.finish_and_clear();
    if json {
        output::json(&answer, out)?;
    } else {
        print(&answer, &args.photos, out)?;
    }
    if let Some(path) = &args.evidence {
        // After the answer is printed: a folder that cannot be written to costs the picture only.
        for n in 0..answer.photos.len() {
            let path = if answer.photos.len() == 1 {
                path.clone()
            } else {
                numbered(path, n + 1)
            };
            // With JSON, stdout holds one document and nothing beside it.
            if write_evidence(&app, &answer, n, &path).await? && !json {
                writeln!(out, "evidence: {}", path.display())?;
            }
        }
    }
    app.close().await;
    Ok(if answer.verdict == Verdict::Consistent {
        ExitCode::SUCCESS
    } else {
        NOT_CONSISTENT
    })
}

/// Draws the evidence of photo `n` (from 0) of a check into a file; `false` when there is nothing
/// to draw because the photo's bytes were not accepted.
pub(crate) async fn write_evidence(
    app: &App,
    answer: &CheckAnswer,
    n: usize,
    path: &Path,
) -> anyhow::Result<bool> {
    if answer.photos[n].error.is_some() {
        return Ok(false);
    }
    let inputs = app
        .assay
        .evidence(&Actor::local(), &answer.id, n)
        .await
        .map_err(Failure::from)?;
    let painted = app.assay.paint(Arc::clone(&app.painter), inputs).await;
    let png = painted.map_err(Failure::from)?;
    std::fs::write(path, png).map_err(|e| {
        Failure::new(format!(
            "evidence `{}` cannot be written: {e}",
            path.display()
        ))
        .hint("its folder must exist and be writable")
    })?;
    Ok(true)
}

/// `why.png` becomes `why-2.png`.
fn numbered(path: &Path, n: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let extension = path
        .extension()
        .map(|e| format!(".{}", e.to_string_lossy()))
        .unwrap_or_default();
    path.with_file_name(format!("{stem}-{n}{extension}"))
}

fn print(answer: &CheckAnswer, paths: &[PathBuf], out: &mut impl Write) -> io::Result<()> {
    for (index, photo) in answer.photos.iter().enumerate() {
        let name = paths
            .get(index)
            .map(|p| p.display().to_string())
            .unwrap_or_default();
        print_photo(answer, index, &name, photo, out)?;
        writeln!(out)?;
    }
    let style = verdict_style(answer.verdict);
    // Of one photo it stands beside the photo.
    let together = match answer.p_value {
        Some(p) if answer.photos.len() > 1 => format!(", p-value of all photos {p:.4}"),
        _ => String::new(),
    };
    let claim = match &answer.claim {
        Some(claim) => match &claim.product {
            Some(product) => format!("claim {} / {product}", claim.brand),
            None => format!("claim {}", claim.brand),
        },
        None => "no claim".to_owned(),
    };
    writeln!(
        out,
        "{HEADING}check{HEADING:#} {}: {style}{}{style:#}, action {}, {claim}{together}",
        answer.id, answer.verdict, answer.action
    )?;
    let calibration = &answer.calibration;
    // Of fewer items nothing is taken off yet, so nothing is said.
    let variation = match calibration.variation_items {
        items if items < LEAST_ITEMS => String::new(),
        items => format!("; genuine variation by {}", count(items, "item")),
    };
    writeln!(
        out,
        "{DIM}calibration {} ({}): {}, budget {:.1} %, at most {:.1} % of genuine photos flagged (95 % bound){variation}{DIM:#}",
        calibration.id,
        calibration.source,
        count(calibration.items, "genuine item"),
        calibration.budget * 100.0,
        calibration.bound_95 * 100.0
    )?;
    if let Some(advice) = &calibration.advice {
        writeln!(out, "{WARN}{advice}{WARN:#}")?;
    }
    Ok(())
}

fn print_photo(
    answer: &CheckAnswer,
    index: usize,
    name: &str,
    photo: &PhotoAnswer,
    out: &mut impl Write,
) -> io::Result<()> {
    let style = verdict_style(photo.verdict);
    writeln!(
        out,
        "{HEADING}{name}{HEADING:#}  {style}{}{style:#}",
        photo.verdict
    )?;
    let mut facts = vec![format!("similarity {:.3}", photo.similarity)];
    if let Some(p) = photo.p_value {
        facts.push(format!("p-value {p:.4}"));
    }
    // Zero stands for a photo that could not be decoded.
    if photo.width > 0 {
        facts.push(format!("{} x {} px", photo.width, photo.height));
    }
    if let Some(quality) = &photo.quality {
        facts.push(format!(
            "sharpness {:.2}, exposure {:.2}",
            quality.sharpness, quality.exposure
        ));
    }
    writeln!(out, "  {}", facts.join(", "))?;
    for reason in answer.reasons.iter().filter(|r| r.photo == index) {
        writeln!(out, "  {style}{}{style:#}: {}", reason.code, reason.detail)?;
    }
    for note in &photo.notes {
        writeln!(out, "  {DIM}note: {note}{DIM:#}")?;
    }
    if photo.matches.is_empty() {
        return Ok(());
    }
    matches_table(&photo.matches).write(out, 2)?;
    // Of the first match only: the photo is judged by it.
    let marks = marks_table(&photo.matches[0].marks);
    if marks.is_empty() {
        return Ok(());
    }
    marks.write(out, 2)
}

fn matches_table(matches: &[MatchAnswer]) -> Table {
    let titles = [
        "match",
        "reference",
        ">similarity",
        ">inliers",
        ">embedding",
        ">appearance",
        ">text",
        ">colour",
    ];
    let mut table = Table::new(&titles);
    for m in matches {
        let channels = &m.channels;
        table.row([
            Cell::from(format!("{} / {}", m.brand, m.product)),
            // The first characters tell references apart; the whole id is in the JSON.
            m.reference.chars().take(13).collect::<String>().into(),
            number(Some(m.similarity), 3).into(),
            channels.geometry.inliers.to_string().into(),
            number(channels.embedding, 3).into(),
            number(channels.appearance, 3).into(),
            number(channels.text, 2).into(),
            number(channels.colour, 2).into(),
        ]);
    }
    table
}

fn marks_table(marks: &[MarkAnswerBody]) -> Table {
    let mut table = Table::new(&["mark", "answer", ">differs", "expected", "read"]);
    for mark in marks {
        let style = match mark.answer {
            MarkAnswer::Same => GOOD,
            MarkAnswer::Different => BAD,
            MarkAnswer::CannotSee => WARN,
        };
        table.row([
            Cell::from(mark.name.as_str()),
            Cell::styled(mark.answer.name(), style),
            number(Some(mark.score), 2).into(),
            mark.expected.clone().unwrap_or_default().into(),
            mark.read.clone().unwrap_or_default().into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_evidence_pictures_are_numbered() {
        assert_eq!(
            numbered(Path::new("a/why.png"), 2),
            Path::new("a/why-2.png")
        );
        assert_eq!(numbered(Path::new("why"), 1), Path::new("why-1"));
    }
}
