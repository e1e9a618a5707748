//! The tables of the documentation that say who may import whom, and circles in such relations.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::Source;

/// Who reaches whom.
pub type Graph = BTreeMap<String, BTreeSet<String>>;

/// The table in the documentation of `file` whose columns are `what`, what it holds, and the list
/// of paths it may import.
pub fn table(file: &Source, what: &str) -> Graph {
    let head = format!("//! | {what} | holds | may import |");
    let mut lines = file.text.lines().skip_while(|line| *line != head).skip(2);
    let rows = lines.by_ref().map_while(|line| line.strip_prefix("//! |"));
    let table: Graph = rows.map(|line| row(line, &file.name)).collect();
    assert!(table.len() > 5, "{} has no table `{head}`", file.name);
    table
}

fn row(line: &str, name: &str) -> (String, BTreeSet<String>) {
    let cells: Vec<_> = line
        .trim_end_matches('|')
        .split('|')
        .map(str::trim)
        .collect();
    let [module, _, imports] = cells[..] else {
        panic!("{name}: three columns are wanted: {line}");
    };
    let quoted = |cell: &str| {
        let inside = cell.trim_matches(['[', ']']).strip_prefix('`')?;
        Some(inside.strip_suffix('`')?.to_owned())
    };
    let module = quoted(module).unwrap_or_else(|| panic!("{name}: no `module` in front: {line}"));
    let imports = match imports {
        "nothing" => BTreeSet::new(),
        list => list
            .split(", ")
            .map(|path| {
                quoted(path)
                    .unwrap_or_else(|| panic!("{name}: `{path}` is no path in backticks: {line}"))
            })
            .collect(),
    };
    (module, imports)
}

/// What is left of a graph when everything is taken away that no circle passes through, one line
/// for each that is left.
pub fn circles(mut graph: Graph) -> Vec<String> {
    loop {
        let (from, to): (BTreeSet<_>, BTreeSet<_>) = (
            graph.keys().cloned().collect(),
            graph.values().flatten().cloned().collect(),
        );
        let before = graph.len();
        graph
            .values_mut()
            .for_each(|to| to.retain(|name| from.contains(name)));
        graph.retain(|name, reached| !reached.is_empty() && to.contains(name));
        if graph.len() == before {
            let line = |(from, to): (&String, &BTreeSet<String>)| {
                format!(
                    "{from} -> {}",
                    to.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
                )
            };
            return graph.iter().map(line).collect();
        }
    }
}
