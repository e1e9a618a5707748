//! Rust source as text: what is code, and which paths a use tree names.

use std::collections::BTreeSet;

/// The code alone: comments and literals blanked, white space taken out where it means nothing.
pub fn code(text: &str) -> String {
    squeeze(&blank(text))
}

pub fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Adds the paths of one use tree (or one path expression) to `found`; returns what follows it.
pub fn expand<'a>(tree: &'a str, prefix: &str, found: &mut BTreeSet<String>) -> &'a str {
    let end = tree.find(|c| !is_word(c)).unwrap_or(tree.len());
    let join = |part: &str| {
        if prefix.is_empty() {
            part.to_owned()
        } else {
            format!("{prefix}::{part}")
        }
    };
    if let Some(mut inside) = tree.strip_prefix('{') {
        loop {
            inside = expand(inside, prefix, found);
            match inside.strip_prefix(',') {
                Some(next) if !next.starts_with('}') => inside = next,
                other => return other.unwrap_or(inside).strip_prefix('}').unwrap_or(""),
            }
        }
    }
    let here = match &tree[..end] {
        "" | "self" => prefix.to_owned(),
        part => join(part),
    };
    let rest = &tree[end..];
    if let Some(below) = rest.strip_prefix("::")
        && below.starts_with(|c| is_word(c) || c == '{')
    {
        return expand(below, &here, found);
    }
    if !here.is_empty() {
        found.insert(here);
    }
    // An alias, a glob or a turbofish ends the path: go on at the next separator of the group.
    rest.find([',', '}', ';']).map_or("", |at| &rest[at..])
}

/// Replaces comments, strings and characters by spaces, so that only code is left.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = match c {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => quoted(rest),
            'r' if !out.ends_with(is_word) || out.ends_with('b') => raw_string(rest),
            '\'' => character(rest),
            _ => 0,
        };
        if skip == 0 {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        } else {
            out.push(' ');
            rest = &rest[skip..];
        }
    }
    out
}

fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Length of a raw string that starts here, 0 when none does.
fn raw_string(text: &str) -> usize {
    let hashes = text[1..].chars().take_while(|c| *c == '#').count();
    if !text[1 + hashes..].starts_with('"') {
        return 0;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    text[2 + hashes..]
        .find(&close)
        .map_or(text.len(), |at| 2 + hashes + at + close.len())
}

/// Length of a character literal that starts here, 0 for a lifetime.
fn character(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => text[3..].find('\'').map_or(0, |at| at + 4),
        Some(_) => chars
            .next()
            .filter(|(_, c)| *c == '\'')
            .map_or(0, |(at, _)| at + 1),
        None => 0,
    }
}

/// Drops white space except between two words, so that `crate :: {` and `crate::{` look alike.
fn squeeze(code: &str) -> String {
    let mut out = String::with_capacity(code.len());
    let mut gap = false;
    for c in code.chars() {
        if c.is_whitespace() {
            gap = true;
            continue;
        }
        if gap && is_word(c) && out.ends_with(is_word) {
            out.push(' ');
        }
        gap = false;
        out.push(c);
    }
    out
}
