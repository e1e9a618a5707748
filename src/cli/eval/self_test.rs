//! `assay eval --self-test BRAND`: what would be flagged of simulated edits of a brand's own
//! references.

use std::{fs, io::Write, path::Path};

use anyhow::Context;
use indicatif::ProgressBar;

use crate::{
    app::App,
    checker::{
        actor::Actor,
        service::{SelfTestRequest, Trial},
    },
    cli::{
        args::EvalArgs,
        failure::Failure,
        output::{self, DIM, HEADING, Table},
    },
    contract::{
        EditKind, Verdict,
        self_test::{KindAnswer, NOTE, SelfTestAnswer},
    },
    domain::{gallery::ProductKey, rates::Rate},
};

/// Tries the brand's products, or the one named, and writes a table for each with a total, or JSON.
pub async fn run(
    args: &EvalArgs,
    brand: &str,
    app: &App,
    json: bool,
    bar: &ProgressBar,
    out: &mut impl Write,
) -> anyhow::Result<()> {
    let mut products = app
        .assay
        .products(&Actor::local(), brand)
        .await
        .map_err(Failure::from)?;
    products.retain(|p| {
        args.product
            .as_ref()
            .is_none_or(|wanted| wanted == &p.key.product)
    });
    if products.is_empty() {
        let hint =
            "enroll references with `assay enroll`; --data names the folder they are kept in";
        return Err(Failure::new(format!("brand `{brand}` has no such product"))
            .hint(hint)
            .into());
    }
    let gallery = app.assay.gallery();
    // A product without references would end the run with an error; it is named at its end instead.
    let (tried, bare): (Vec<_>, Vec<_>) = products
        .into_iter()
        .map(|p| p.key)
        .partition(|key| !gallery.of(key).is_empty());
    if tried.is_empty() {
        return Err(Failure::new(format!("brand `{brand}` has no reference"))
            .hint("add one with `assay enroll`")
            .into());
    }
    let mut answers = Vec::new();
    // One after the other: the service runs a single self-test at a time.
    for (n, product) in tried.iter().enumerate() {
        bar.set_message(product.to_string());
        let (photos_per_kind, seed) = (args.photos_per_kind, args.seed);
        let request = SelfTestRequest {
            product: product.clone(),
            photos_per_kind,
            seed,
        };
        let mut pictures = Vec::new();
        let progress = |trial: Option<Trial>, done: usize, total: usize| {
            // Products make about as many photos each, so the number of this one stands for all.
            bar.set_length((total * tried.len()) as u64);
            bar.set_position((total * n + done) as u64);
            // Kept only when they will be written: a run makes many pictures.
            let wanted = trial.filter(|_| args.pictures.is_some());
            pictures.extend(
                wanted.map(|trial| (file_name(&product.product, done, &trial), trial.jpeg)),
            );
        };
        answers.push(
            app.assay
                .self_test(&Actor::local(), request, progress)
                .await
                .map_err(Failure::from)?,
        );
        for (dir, (name, jpeg)) in args
            .pictures
            .iter()
            .flat_map(|dir| pictures.iter().map(move |p| (dir, p)))
        {
            write_picture(dir, name, jpeg)?;
        }
    }
    bar.finish_and_clear();
    if json {
        return Ok(output::json(&answers, out)?);
    }
    write(&answers, &bare, out)?;
    Ok(())
}

/// Kind, mark and verdict in a name that every file system takes.
fn file_name(product: &str, number: usize, trial: &Trial) -> String {
    let mark = trial
        .mark
        .as_ref()
        .map_or_else(String::new, |m| format!("-{m}"));
    // The names of marks may hold slashes, colons and quotes.
    let plain = |c: char| {
        if c.is_alphanumeric() || matches!(c, '-' | '_') {
            c
        } else {
            '_'
        }
    };
    format!(
        "{product}-{number:03}-{}{mark}-{}",
        trial.kind,
        Verdict::from(trial.verdict)
    )
    .chars()
    .map(plain)
    .collect::<String>()
        + ".jpg"
}

fn write_picture(dir: &Path, name: &str, jpeg: &[u8]) -> anyhow::Result<()> {
    let path = dir.join(name);
    fs::create_dir_all(dir)
        .and_then(|()| fs::write(&path, jpeg))
        .with_context(|| format!("cannot write `{}`", path.display()))
}

fn write(
    answers: &[SelfTestAnswer],
    bare: &[ProductKey],
    out: &mut impl Write,
) -> std::io::Result<()> {
    for answer in answers {
        writeln!(
            out,
            "{HEADING}{} / {}{HEADING:#}",
            answer.brand, answer.product
        )?;
        table(&kinds(answer), out)?;
        let genuine = &answer.genuine_photos;
        writeln!(
            out,
            "  genuine photos: {} of {} judged flagged",
            genuine.flagged.len(),
            genuine.judged
        )?;
        for photo in &genuine.flagged {
            writeln!(
                out,
                "    {} of item {}, p-value {:.4}",
                photo.id, photo.item, photo.p_value
            )?;
        }
        let authorised = &answer.authorised_photos;
        if authorised.stored > 0 {
            writeln!(
                out,
                "  photos that must never be flagged: {} of {} flagged",
                authorised.flagged.len(),
                authorised.stored
            )?;
        }
        for photo in &authorised.flagged {
            writeln!(out, "    {} ({}), {}", photo.id, photo.note, photo.verdict)?;
        }
        let used = &answer.calibration;
        writeln!(
            out,
            "  {DIM}budget {} %, calibration {} ({}){DIM:#}",
            used.budget * 100.0,
            used.id,
            used.source
        )?;
    }
    // With a single product the total would only repeat its table.
    if let (Some(first), true) = (answers.first(), answers.len() > 1) {
        writeln!(out, "{HEADING}{}, all products{HEADING:#}", first.brand)?;
        let all: Vec<_> = answers.iter().map(kinds).collect();
        let sums: Vec<_> = (0..all[0].len())
            .map(|i| (all[0][i].0, sum(all.iter().map(|k| k[i].1))))
            .collect();
        table(&sums, out)?;
    }
    for product in bare {
        writeln!(out, "{product} has no reference and was left out")?;
    }
    // At the end, where it is read: such shares are easily taken for more than they are.
    writeln!(out, "{NOTE}")
}

fn kinds(answer: &SelfTestAnswer) -> Vec<(EditKind, Rate)> {
    let rate = |k: &KindAnswer| {
        (
            k.kind,
            Rate {
                hits: k.flagged,
                total: k.made,
            },
        )
    };
    std::iter::once(&answer.unedited)
        .chain(&answer.edits)
        .map(rate)
        .collect()
}

fn sum(rates: impl Iterator<Item = Rate>) -> Rate {
    rates.fold(Rate::default(), |a, b| Rate {
        hits: a.hits + b.hits,
        total: a.total + b.total,
    })
}

fn table(rates: &[(EditKind, Rate)], out: &mut impl Write) -> std::io::Result<()> {
    let mut table = Table::new(&["edit", ">made", ">flagged", "share, 95 % interval"]);
    for (kind, rate) in rates {
        let (low, high) = rate.wilson_95();
        // Nothing made is not the same as nothing flagged.
        let share = match rate.total {
            0 => "not applicable".to_owned(),
            _ => format!(
                "{:.0} % [{:.0}, {:.0}]",
                rate.share() * 100.0,
                low * 100.0,
                high * 100.0
            ),
        };
        table.row([
            kind.name().into(),
            rate.total.to_string().into(),
            rate.hits.to_string().into(),
            share.into(),
        ]);
    }
    table.write(out, 2)
}
