//! The report for people.

use std::fmt::{Result, Write};

use super::{AtBudget, Report};
use crate::contract::Verdict;

impl Report {
    /// The table.
    pub(crate) fn text(&self) -> String {
        let mut out = String::new();
        // Writing to a string cannot fail.
        let _ = self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) -> Result {
        self.head(out)?;
        for at in &self.budgets {
            self.budget(at, out)?;
        }
        self.edits(out)?;
        writeln!(
            out,
            "\nprovenance audit: AUC of a classifier that sees only how the files were made (0.5 is chance)"
        )?;
        for (group, area) in &self.provenance_audit {
            writeln!(out, "  {group:<22} {area:.3}")?;
        }
        writeln!(out, "\nmilliseconds per photo")?;
        for (stage, ms) in &self.ms_per_photo {
            writeln!(out, "  {stage:<22} {ms:7.1}")?;
        }
        Ok(())
    }

    fn head(&self, out: &mut String) -> Result {
        writeln!(
            out,
            "{} with {} added references per product",
            self.folder, self.references_per_product
        )?;
        writeln!(
            out,
            "calibration: {}, {} photos of {} items",
            self.calibration.text(),
            self.calibration_photos,
            self.calibration_items
        )?;
        if let Some([least, most]) = self.variation_items {
            let products = self.products_with_variation;
            writeln!(
                out,
                "genuine variation: known of {products} products, by {least} to {most} items each"
            )?;
        }
        writeln!(
            out,
            "\n{:<24} {}",
            "identification top-1",
            self.top_1.text()
        )?;
        writeln!(out, "{:<24} {}", "identification top-3", self.top_3.text())?;
        if let Some(outlined) = &self.nothing_outlined {
            writeln!(out, "{:<24} {}", "nothing there, outlined", outlined.text())?;
        }
        writeln!(out, "{:<24} {}", "located", self.located.text())?;
        writeln!(out, "{:<24} {}", "coverage", self.coverage.text())?;
        if let Some(boxes) = &self.boxes {
            writeln!(
                out,
                "{:<24} {}",
                "boxes: any outline",
                boxes.outlined.text()
            )?;
            writeln!(
                out,
                "{:<24} {}",
                "boxes: overlap >= 0.5",
                boxes.at_least_half.text()
            )?;
            if let Some(median) = boxes.median {
                writeln!(out, "{:<24} {median:7.2}", "boxes: median overlap")?;
            }
        }
        Ok(())
    }

    fn budget(&self, at: &AtBudget, out: &mut String) -> Result {
        writeln!(
            out,
            "\nat a false-flag budget of {} % (95 % bound that the items support: {:.1} %)",
            at.budget * 100.0,
            at.bound_95 * 100.0
        )?;
        let line = |name: &str, value: String| format!("  {name:<22} {value}");
        writeln!(
            out,
            "{}",
            line("false flags reached", at.false_flags.text())
        )?;
        if let Some(worst) = &at.worst_product {
            let of = format!(
                "{} {} / {}",
                worst.false_flags.text(),
                worst.brand,
                worst.product
            );
            writeln!(out, "{}", line("  worst product", of))?;
        }
        for (name, rate) in &at.detection {
            let auc = self
                .area_under_curve
                .get(name)
                .map_or(String::new(), |a| format!("   AUC {a:.3}"));
            writeln!(
                out,
                "{}{auc}",
                line(&format!("{name} flagged"), rate.text())
            )?;
        }
        if let Some(rate) = &at.false_identifications {
            writeln!(out, "{}", line("nothing there, named", rate.text()))?;
        }
        for listings in &at.listings {
            let name = format!("listings of {}", listings.photos);
            let smaller = match listings.smaller {
                0 => String::new(),
                n => format!(", {n} with fewer photos"),
            };
            let flags = format!("{} falsely flagged{smaller}", listings.false_flags.text());
            writeln!(out, "{}", line(&name, flags))?;
            for (group, rate) in &listings.detection {
                let rate = format!("{} flagged", rate.text());
                writeln!(out, "{}", line(&format!("  {group}"), rate))?;
            }
        }
        write!(out, "  {:<22}", "verdicts")?;
        for verdict in Verdict::ALL {
            write!(out, " {verdict:>14}")?;
        }
        writeln!(out)?;
        for (group, verdicts) in &at.verdicts {
            write!(out, "    {group:<20}")?;
            for verdict in Verdict::ALL {
                let count = verdicts.get(verdict).copied().unwrap_or(0);
                write!(out, " {count:>14}")?;
            }
            writeln!(out)?;
        }
        Ok(())
    }

    /// Counts alone: twenty lines of shares with intervals would not be read.
    fn edits(&self, out: &mut String) -> Result {
        if self.genuine_by_edit.is_empty() {
            return Ok(());
        }
        write!(
            out,
            "\n{:<24} {:>7} {:>8} {:>8}",
            "genuine claims by edit", "claims", "located", "covered"
        )?;
        for at in &self.budgets {
            let percent = at.budget * 100.0;
            write!(out, " {:>14}", format!("flagged at {percent} %"))?;
        }
        writeln!(out)?;
        for (name, edit) in &self.genuine_by_edit {
            let (claims, located, covered) =
                (edit.located.total, edit.located.hits, edit.coverage.hits);
            write!(out, "  {name:<22} {claims:>7} {located:>8} {covered:>8}")?;
            for flagged in &edit.false_flags {
                write!(out, " {:>14}", flagged.hits)?;
            }
            writeln!(out)?;
        }
        Ok(())
    }
}
