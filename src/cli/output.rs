//! Text for people: tables that line up, colours where the terminal has them, errors with their
//! remedy.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthStr;

use crate::contract::Verdict;

/// Headings.
pub(crate) const HEADING: Style = Style::new().bold();
/// What matters less.
pub(crate) const DIM: Style = Style::new().dimmed();
/// As it should be.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// Worth a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// Not as it should be.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// The colour of a verdict's name.
pub(crate) fn verdict_style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Consistent => GOOD,
        Verdict::Deviates => BAD,
        // Not red: none of these says that the goods differ.
        Verdict::ReusedPhoto | Verdict::NotComparable | Verdict::NoBrandSeen => WARN,
    }
}

/// One cell of a table.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    /// A cell in the given colour.
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        // A line break or escape in a name must not break the table, nor reach the terminal as a
        // command.
        let text = text
            .into()
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        Self { text, style }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::styled(text, Style::new())
    }
}

/// A table: titles, rows, and below each row lines that belong to it.
#[derive(Debug)]
pub(crate) struct Table {
    titles: Vec<&'static str>,
    rows: Vec<(Vec<Cell>, Vec<Cell>)>,
}

impl Table {
    /// A table with these titles; a title that starts with `>` is set, like its column, to the
    /// right.
    pub(crate) fn new(titles: &[&'static str]) -> Self {
        Self {
            titles: titles.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Adds a row; missing cells stay empty.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push((cells.into_iter().collect(), Vec::new()));
    }

    /// Adds a line below the last row, across all columns.
    pub(crate) fn below(&mut self, text: Cell) {
        if let Some((_, lines)) = self.rows.last_mut() {
            lines.push(text);
        }
    }

    /// Whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes the table, each line after `indent` spaces.
    pub(crate) fn write(&self, out: &mut impl Write, indent: usize) -> io::Result<()> {
        let titles: Vec<Cell> = self
            .titles
            .iter()
            .map(|t| Cell::styled(t.trim_start_matches('>').to_uppercase(), HEADING))
            .collect();
        // Titles count as well: a column is as wide as its widest cell.
        let all = || std::iter::once(&titles).chain(self.rows.iter().map(|(cells, _)| cells));
        let widths: Vec<usize> = (0..titles.len())
            .map(|column| {
                all()
                    .filter_map(|row| row.get(column))
                    // The width on screen: many East Asian letters take two columns.
                    .map(|c| c.text.width())
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        self.line(out, indent, &widths, &titles)?;
        for (cells, below) in &self.rows {
            self.line(out, indent, &widths, cells)?;
            for Cell { text, style } in below {
                writeln!(out, "{:indent$}    {style}{text}{style:#}", "")?;
            }
        }
        Ok(())
    }

    fn line(
        &self,
        out: &mut impl Write,
        indent: usize,
        widths: &[usize],
        cells: &[Cell],
    ) -> io::Result<()> {
        // Nothing after the last filled cell: blanks at the end would wrap in a narrow window.
        let last = cells.iter().rposition(|c| !c.text.is_empty()).unwrap_or(0);
        write!(out, "{:indent$}", "")?;
        for (column, Cell { text, style }) in cells.iter().enumerate().take(last + 1) {
            let gap = widths
                .get(column)
                .copied()
                .unwrap_or(0)
                .saturating_sub(text.width());
            let (left, right) = if self.titles.get(column).is_some_and(|t| t.starts_with('>')) {
                (gap, 0)
            } else {
                (0, if column == last { 0 } else { gap })
            };
            let space = if column == 0 { "" } else { "  " };
            write!(
                out,
                "{space}{:left$}{style}{text}{style:#}{:right$}",
                "", ""
            )?;
        }
        writeln!(out)
    }
}

/// Writes a value as indented JSON.
pub(crate) fn json(value: &impl serde::Serialize, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, value)?;
    writeln!(out)
}

/// A number that may be missing, with `digits` after the point.
pub(crate) fn number(value: Option<f64>, digits: usize) -> String {
    // A dash and no zero: not measured is not the same as not alike.
    value.map_or_else(|| "-".to_owned(), |v| format!("{v:.digits$}"))
}

/// `1 photo`, `2 photos`.
pub(crate) fn count(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_by_width_on_screen() {
        let mut table = Table::new(&["name", ">score", "note"]);
        table.row(["オーツ".into(), "0.5".into(), "x".into()]);
        table.row(["oat\u{1b}[2J".into(), "12.25".into()]);
        table.below("because".into());
        let mut out = Vec::new();
        table.write(&mut out, 1).unwrap();
        let plain = anstream::adapter::strip_bytes(&out).into_vec();
        let text = String::from_utf8(plain).unwrap();
        assert_eq!(
            text,
            " NAME     SCORE  NOTE\n オーツ     0.5  x\n oat [2J  12.25\n     because\n"
        );
    }
}
