//! The page of a bundle that people read: one file, no scripts, pictures by relative links to files
//! of the bundle. Whatever callers sent is escaped.

use std::fmt::{self, Write};

use super::{
    contents::{Contents, Photo, Reference},
    trail::Trail,
};
use crate::contract::{
    MarkAnswer,
    answer::{CheckAnswer, MatchAnswer, PhotoAnswer},
};

const STYLE: &str = "\
body{font:15px/1.45 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.5rem}h2{font-size:1.2rem;margin-top:2.2rem;border-top:1px solid #bbb;padding-top:1rem}h3{font-size:1rem}\
table{border-collapse:collapse;width:100%;margin:.6rem 0}th,td{border:1px solid #ccc;padding:.25rem .5rem;text-align:left;\
vertical-align:top;overflow-wrap:anywhere}th{background:#f3f3f3;font-weight:600}td.n{text-align:right}\
img{max-width:100%;max-height:34rem;border:1px solid #ccc}figure{margin:.8rem 0;break-inside:avoid}\
figcaption{font-size:.85rem;color:#555;overflow-wrap:anywhere}p.note{background:#f6f6ee;border-left:4px solid #b9a94b;padding:.6rem .9rem}\
code{overflow-wrap:anywhere}@media print{body{max-width:none;margin:0;font-size:11pt}h2{break-after:avoid}tr{break-inside:avoid}}";

/// The page.
pub(super) fn html(contents: &Contents) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, contents);
    page
}

/// Text as it may stand between tags and in quoted attributes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;"),
                '<' => f.write_str("&lt;"),
                '>' => f.write_str("&gt;"),
                '"' => f.write_str("&quot;"),
                '\'' => f.write_str("&#39;"),
                // No page may hold these, and those that turn the direction of writing could make
                // one word look like another.
                '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => f.write_str("\u{fffd}"),
                c if c.is_control() && c != '\n' => f.write_str("\u{fffd}"),
                c => f.write_char(c),
            }?;
        }
        Ok(())
    }
}

fn e(text: &str) -> Escaped<'_> {
    Escaped(text)
}

/// A row of a table of two columns, left out where there is nothing to tell.
fn row(out: &mut String, title: &str, value: Option<&str>) -> fmt::Result {
    match value {
        Some(value) => writeln!(out, "<tr><th>{title}</th><td>{}</td></tr>", e(value)),
        None => Ok(()),
    }
}

fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "not measured".to_owned(), |v| format!("{v:.4}"))
}

fn write_page(out: &mut String, contents: &Contents) -> fmt::Result {
    let answer = &contents.answer;
    write!(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"script-src 'none'; object-src 'none'; \
         base-uri 'none'; form-action 'none'\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>Evidence of check {}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <h1>Evidence of check {}</h1>\n",
        e(&answer.id),
        e(&answer.id)
    )?;
    out.write_str(
        "<p class=\"note\">The comparison on this page was automated: a program compared the photos with \
         enrolled reference images and tells what it saw. Nothing here says that an article is counterfeit, \
         or that it is genuine. A good imitation looks alike, and a genuine article photographed badly does \
         not; what follows from the evidence is for a person to decide.</p>\n",
    )?;
    summary(out, answer)?;
    out.write_str("<h2>Why</h2>\n")?;
    reasons(out, answer, None)?;
    said(out, &contents.trail)?;
    for (n, photo) in answer.photos.iter().enumerate() {
        let kept = contents.photos.iter().find(|kept| kept.n == n);
        write_photo(out, contents, (n, photo), kept)?;
    }
    references(out, &contents.references)?;
    made_by(out, contents)?;
    out.write_str("</body>\n</html>\n")
}

/// What people said.
fn said(out: &mut String, trail: &Trail) -> fmt::Result {
    if trail.disputes.is_empty() && trail.decisions.is_empty() {
        return Ok(());
    }
    out.write_str("<h2>What people said</h2>\n<table>\n")?;
    for dispute in &trail.disputes {
        let (at, text) = (e(&dispute.created_at), e(&dispute.statement));
        writeln!(out, "<tr><th>Dispute, {at}</th><td>{text}</td></tr>")?;
    }
    for decision in &trail.decisions {
        let (at, text) = (e(&decision.created_at), e(&decision.reason));
        let (outcome, by) = (decision.outcome.name(), e(&decision.by));
        writeln!(
            out,
            "<tr><th>{outcome} by {by}, {at}</th><td>{text}</td></tr>"
        )?;
    }
    out.write_str("</table>\n")
}

fn summary(out: &mut String, answer: &CheckAnswer) -> fmt::Result {
    out.write_str("<table>\n")?;
    row(out, "Made at", Some(&answer.created_at))?;
    row(out, "Listing", answer.listing_id.as_deref())?;
    row(out, "Seller", answer.seller_id.as_deref())?;
    let claim = answer.claim.as_ref().map_or_else(
        || "none: the photos were to be identified".to_owned(),
        |claim| match &claim.product {
            Some(product) => format!("{} / {product}", claim.brand),
            None => claim.brand.clone(),
        },
    );
    row(out, "The listing claims", Some(&claim))?;
    row(out, "The photos show", Some(answer.verdict.name()))?;
    row(out, "Policy makes of it", Some(answer.action.name()))?;
    let p = answer.p_value.map(|p| {
        format!("{p:.4}: the share of genuine photos that would look at least this different")
    });
    row(out, "p-value", p.as_deref())?;
    let compared = match &answer.compared[..] {
        [] => "nothing could be compared".to_owned(),
        compared => compared.join(", "),
    };
    row(out, "Compared", Some(&compared))?;
    out.write_str("</table>\n")
}

/// The reasons of one photo, or of all.
fn reasons(out: &mut String, answer: &CheckAnswer, photo: Option<usize>) -> fmt::Result {
    let mut reasons = answer
        .reasons
        .iter()
        .filter(|reason| photo.is_none_or(|n| n == reason.photo))
        .peekable();
    if reasons.peek().is_none() {
        return out.write_str("<p>No reason was given: nothing that differs was found.</p>\n");
    }
    out.write_str("<ul>\n")?;
    for reason in reasons {
        let (code, detail) = (reason.code.name(), e(&reason.detail));
        let n = reason.photo;
        writeln!(out, "<li>photo {n}: {detail} (<code>{code}</code>)</li>")?;
    }
    out.write_str("</ul>\n")
}

fn write_photo(
    out: &mut String,
    contents: &Contents,
    (n, photo): (usize, &PhotoAnswer),
    kept: Option<&Photo>,
) -> fmt::Result {
    writeln!(out, "<h2>Photo {n}: {}</h2>", photo.verdict.name())?;
    out.write_str("<table>\n")?;
    row(out, "SHA-256", Some(&photo.sha256))?;
    if photo.width > 0 {
        let size = format!("{} x {} pixels", photo.width, photo.height);
        row(out, "Size, upright", Some(&size))?;
    }
    row(out, "Similarity", Some(&number(Some(photo.similarity))))?;
    let p = photo.p_value.map(|p| format!("{p:.4}"));
    row(out, "p-value", p.as_deref())?;
    let compared = (!photo.compared.is_empty()).then(|| photo.compared.join(", "));
    row(out, "Compared", compared.as_deref())?;
    let mirrored = photo.mirrored.then_some("yes, and judged turned over");
    row(out, "Mirrored", mirrored)?;
    for note in &photo.notes {
        row(out, "Note", Some(note))?;
    }
    if let Some(error) = &photo.error {
        row(out, "Not accepted", Some(&error.detail))?;
    }
    out.write_str("</table>\n")?;
    let Some(kept) = kept else {
        return Ok(());
    };
    let (name, drawn) = (kept.name(), kept.evidence_name());
    figure(
        out,
        &drawn,
        &format!("what was compared and what differs, drawn onto photo {n} ({drawn})"),
    )?;
    figure(out, &name, &format!("photo {n} as it was sent ({name})"))?;
    for (rank, found) in photo.matches.iter().enumerate() {
        let reference = contents
            .references
            .iter()
            .find(|r| r.record.id == found.reference);
        write_match(out, (rank, found), reference)?;
    }
    Ok(())
}

fn figure(out: &mut String, file: &str, caption: &str) -> fmt::Result {
    let (file, caption) = (e(file), e(caption));
    writeln!(
        out,
        "<figure><a href=\"{file}\"><img src=\"{file}\" alt=\"{caption}\"></a><figcaption>{caption}</figcaption></figure>"
    )
}

fn write_match(
    out: &mut String,
    (rank, found): (usize, &MatchAnswer),
    reference: Option<&Reference>,
) -> fmt::Result {
    let (brand, product) = (e(&found.brand), e(&found.product));
    let judged = if rank == 0 {
        ", by which it was judged"
    } else {
        ""
    };
    writeln!(
        out,
        "<h3>Compared with {brand} / {product}{judged}</h3>\n<table>"
    )?;
    row(out, "Reference", Some(&found.reference))?;
    let file = reference.map(Reference::name);
    row(out, "Its image", file.as_deref())?;
    let channels = &found.channels;
    row(out, "Similarity", Some(&number(Some(found.similarity))))?;
    let geometry = &channels.geometry;
    let points = format!(
        "{} ({:.0} % of those compared), over {:.0} % of the reference",
        geometry.inliers,
        geometry.inlier_ratio * 100.0,
        geometry.spread * 100.0
    );
    row(out, "Points that agree", Some(&points))?;
    row(out, "Whole picture", Some(&number(channels.embedding)))?;
    row(out, "Appearance", Some(&number(channels.appearance)))?;
    row(out, "Text", Some(&number(channels.text)))?;
    row(out, "Colour", Some(&number(channels.colour)))?;
    let elsewhere = found.deviations.len().to_string();
    row(
        out,
        "Places outside the marks that differ",
        Some(&elsewhere),
    )?;
    out.write_str("</table>\n")?;
    if found.marks.is_empty() {
        return Ok(());
    }
    out.write_str(
        "<table>\n<tr><th>Mark</th><th>Compares as</th><th>Differs by (0 to 1)</th>\
         <th>Should read</th><th>Reads</th></tr>\n",
    )?;
    for mark in &found.marks {
        let word = match mark.answer {
            MarkAnswer::Same => "same",
            MarkAnswer::Different => "different",
            MarkAnswer::CannotSee => "cannot be seen",
        };
        let text = |text: &Option<String>| e(text.as_deref().unwrap_or_default()).to_string();
        writeln!(
            out,
            "<tr><td>{}</td><td>{word}</td><td class=\"n\">{:.2}</td><td>{}</td><td>{}</td></tr>",
            e(&mark.name),
            mark.score,
            text(&mark.expected),
            text(&mark.read)
        )?;
    }
    out.write_str("</table>\n")
}

fn references(out: &mut String, references: &[Reference]) -> fmt::Result {
    if references.is_empty() {
        return Ok(());
    }
    out.write_str("<h2>References that were compared with</h2>\n")?;
    for reference in references {
        let record = &reference.record;
        let product = &record.product;
        let view = record.view.as_ref();
        let view = view.map(|view| format!(", {view}")).unwrap_or_default();
        let caption = format!(
            "{} / {}: {}{view}, reference {}, SHA-256 {}",
            product.brand,
            product.product,
            record.kind.name(),
            record.id,
            record.sha256
        );
        figure(out, &reference.name(), &caption)?;
    }
    Ok(())
}

fn made_by(out: &mut String, contents: &Contents) -> fmt::Result {
    let answer = &contents.answer;
    let calibration = &answer.calibration;
    out.write_str("<h2>What it was made by</h2>\n<table>\n")?;
    row(out, "Program", Some(&answer.program))?;
    for (role, model) in &answer.models {
        row(out, "Model", Some(&format!("{role}: {model}")))?;
    }
    row(out, "Similarity", Some(&answer.similarity_rule))?;
    row(out, "Reference set", Some(&answer.reference_set))?;
    let calibrated = format!(
        "{} ({}), from {} genuine items",
        calibration.id,
        calibration.source.name(),
        calibration.items
    );
    row(out, "Calibration", Some(&calibrated))?;
    let point = Some(&*calibration.operating_point).filter(|point| !point.is_empty());
    row(out, "Operating point", point)?;
    let budget = format!(
        "{:.2} % of genuine photos, at most {:.2} % by the items known (95 % bound)",
        calibration.budget * 100.0,
        calibration.bound_95 * 100.0
    );
    row(out, "Accepted false flags", Some(&budget))?;
    row(out, "Advice", calibration.advice.as_deref())?;
    out.write_str(
        "</table>\n<p>Every file of this bundle is named with its SHA-256 in <code>manifest.json</code>, which \
         <code>manifest.sig</code> signs. Verify the bundle with <code>assay verify BUNDLE.zip --public-key KEY</code>, \
         where KEY is the key that the operator publishes.</p>\n",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_escapes_its_place() {
        let text = "<script>\"x'&\u{1b}[2J\u{202e}</script>";
        assert_eq!(
            e(text).to_string(),
            "&lt;script&gt;&quot;x&#39;&amp;\u{fffd}[2J\u{fffd}&lt;/script&gt;"
        );
    }
}
