//! Text as evidence: what a mark should read against what the recogniser reads.
//!
//! Both are folded first (case, accents, everything but letters and digits), then aligned by an
//! edit distance in which characters that look alike cost less: a reader of small print confuses
//! them, and so do those who imitate print.

use crate::domain::tuning::text::{EDIT, LOOKALIKE};

/// Folded characters that look alike in print, in small or capital letters. Cyrillic and Greek
/// letters stand beside the Latin ones whose shape they share.
const ALIKE: &[&str] = &[
    "o0q", "il1j", "17", "s5", "b8", "b6", "z2", "gq9", "g6", "uv", "aа", "aα", "bв", "cс", "eе",
    "hн", "iі", "kк", "mм", "oо", "oο", "0о", "pр", "pρ", "tт", "tτ", "vν", "xх", "yу",
];

/// Two folded characters that look like one.
const PAIRS_ALIKE: &[(&str, char)] = &[
    ("rn", 'm'),
    ("nn", 'm'),
    ("vv", 'w'),
    ("uu", 'w'),
    ("cl", 'd'),
    ("lo", 'b'),
];

/// Letters with marks and ligatures, each run followed by what it folds to; applied after
/// lower-casing.
const FOLDED: &[(&str, &str)] = &[
    ("àáâãäåāăąǎ", "a"),
    ("çćĉċč", "c"),
    ("ďđð", "d"),
    ("èéêëēĕėęě", "e"),
    ("ĝğġģ", "g"),
    ("ĥħ", "h"),
    ("ìíîïĩīĭįı", "i"),
    ("ĵ", "j"),
    ("ķ", "k"),
    ("ĺļľŀł", "l"),
    ("ñńņň", "n"),
    ("òóôõöøōŏő", "o"),
    ("ŕŗř", "r"),
    ("śŝşšș", "s"),
    ("ţťŧț", "t"),
    ("ùúûüũūŭůűų", "u"),
    ("ŵ", "w"),
    ("ýÿŷ", "y"),
    ("źżž", "z"),
    ("æ", "ae"),
    ("œ", "oe"),
    ("ß", "ss"),
    ("þ", "th"),
    ("ﬁ", "fi"),
    ("ﬂ", "fl"),
    ("⁰₀", "0"),
    ("¹₁", "1"),
    ("²₂", "2"),
    ("³₃", "3"),
];

/// One place where the reading departs from what is expected, in the characters as printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// The expected characters; empty when characters were added.
    pub expected: String,
    /// The characters read; empty when characters are missing.
    pub read: String,
    /// Whether the two look alike, so that the reader rather than the print may be at fault.
    pub lookalike: bool,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.expected.as_str(), self.read.as_str()) {
            (expected, "") => write!(f, "`{expected}` is missing"),
            ("", read) => write!(f, "`{read}` is added"),
            (expected, read) => {
                write!(
                    f,
                    "`{expected}` -> `{read}`{}",
                    if self.lookalike { " (look alike)" } else { "" }
                )
            }
        }
    }
}

/// An expected text laid beside a reading.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Alignment {
    /// How far they agree, 0 to 1: 1 when they are equal once folded, 0 when no character agrees.
    pub agreement: f64,
    /// The places that differ, from left to right.
    pub differences: Vec<Difference>,
}

/// `text` folded for comparing: lower case, without accents, letters and digits only.
pub(crate) fn normalised(text: &str) -> String {
    glyphs(text).iter().map(|g| g.folded).collect()
}

/// How far `read` agrees with `expected`, 0 to 1; symmetric. Two texts without letters or digits
/// agree.
pub(crate) fn agreement(expected: &str, read: &str) -> f64 {
    align(expected, read).agreement
}

/// Lays `read` beside `expected` at the least cost.
pub(crate) fn align(expected: &str, read: &str) -> Alignment {
    let (a, b) = (glyphs(expected), glyphs(read));
    let longest = a.len().max(b.len());
    let costs = Costs::of(&a, &b);
    let agreement = if longest == 0 {
        1.0
    } else {
        // By the longer text, so that nothing in common is 0 whichever of the two is longer.
        1.0 - f64::from(costs.at(a.len(), b.len())) / (longest as f64 * f64::from(EDIT))
    };
    Alignment {
        agreement,
        differences: differences(&costs.steps(&a, &b), &a, &b, expected, read),
    }
}

/// The sentence for people: ``expected `TROPICANA`, reads `TROPlCANA`: `I` -> `l` (look alike)``.
/// `None` when the two are equal once folded.
pub(crate) fn explain(expected: &str, read: &str) -> Option<String> {
    let differences = align(expected, read).differences;
    if differences.is_empty() {
        return None;
    }
    // A list of every letter as missing would tell a person nothing more.
    if normalised(read).is_empty() {
        return Some(format!("expected `{expected}`, reads nothing"));
    }
    let listed: Vec<String> = differences.iter().map(Difference::to_string).collect();
    Some(format!(
        "expected `{expected}`, reads `{read}`: {}",
        listed.join(", ")
    ))
}

/// A folded character and the character it was printed as (its number in the text).
#[derive(Clone, Copy)]
struct Glyph {
    folded: char,
    origin: usize,
}

fn glyphs(text: &str) -> Vec<Glyph> {
    let mut glyphs = Vec::with_capacity(text.len());
    for (origin, printed) in text.chars().enumerate() {
        // A capital may become more than one letter when it is made small.
        for lower in half_width(printed).to_lowercase() {
            match FOLDED.iter().find(|(marked, _)| marked.contains(lower)) {
                Some((_, plain)) => {
                    glyphs.extend(plain.chars().map(|folded| Glyph { folded, origin }))
                }
                None if lower.is_alphanumeric() => glyphs.push(Glyph {
                    folded: lower,
                    origin,
                }),
                None => {}
            }
        }
    }
    glyphs
}

/// The letters and digits of `text`, each once, that `knows` neither as printed nor, small or
/// capital, as what they fold to.
pub(crate) fn unknown_letters(text: &str, knows: impl Fn(char) -> bool) -> Vec<char> {
    let known = |printed: &char| {
        let mut folded = glyphs(printed.encode_utf8(&mut [0; 4])).into_iter();
        let either_case = |small: char| knows(small) || small.to_uppercase().all(&knows);
        // A letter with an accent is compared without, so its plain form is enough.
        knows(*printed) || folded.all(|glyph| either_case(glyph.folded))
    };
    let mut unknown: Vec<char> = text.chars().filter(|c| !known(c)).collect();
    unknown.sort_unstable();
    unknown.dedup();
    unknown
}

/// The usual form of a sign of East Asian width (Unicode's block of half-width and full-width
/// forms); others as they are.
pub(crate) fn half_width(c: char) -> char {
    match u32::from(c) {
        // The block repeats ASCII in the same order, this far on.
        wide @ 0xFF01..=0xFF5E => char::from_u32(wide - 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

fn alike(a: char, b: char) -> bool {
    ALIKE
        .iter()
        .any(|group| group.contains(a) && group.contains(b))
}

fn pair_alike(pair: &[Glyph], one: Glyph) -> bool {
    PAIRS_ALIKE
        .iter()
        .any(|(two, single)| *single == one.folded && two.chars().eq(pair.iter().map(|g| g.folded)))
}

/// One step of an alignment: how many characters of each side it takes and what it costs.
#[derive(Clone, Copy)]
struct Step {
    expected: usize,
    read: usize,
    cost: u32,
}

/// Steps that may end at `i` characters of `a` and `j` of `b`.
fn steps_into(a: &[Glyph], b: &[Glyph], i: usize, j: usize) -> impl Iterator<Item = Step> {
    let step = |expected, read, cost| {
        Some(Step {
            expected,
            read,
            cost,
        })
    };
    // On the stack: this runs for every pair of characters.
    let mut steps = [None; 5];
    if i > 0 && j > 0 {
        let (x, y) = (a[i - 1].folded, b[j - 1].folded);
        steps[0] = step(
            1,
            1,
            if x == y {
                0
            } else if alike(x, y) {
                LOOKALIKE
            } else {
                EDIT
            },
        );
    }
    // Both ways: either text may have the pair where the other has the one letter.
    if i > 1 && j > 0 && pair_alike(&a[i - 2..i], b[j - 1]) {
        steps[1] = step(2, 1, LOOKALIKE);
    }
    if i > 0 && j > 1 && pair_alike(&b[j - 2..j], a[i - 1]) {
        steps[2] = step(1, 2, LOOKALIKE);
    }
    if i > 0 {
        steps[3] = step(1, 0, EDIT);
    }
    if j > 0 {
        steps[4] = step(0, 1, EDIT);
    }
    steps.into_iter().flatten()
}

/// Least costs of aligning every start of one text with every start of the other.
struct Costs {
    columns: usize,
    cells: Vec<u32>,
}

impl Costs {
    fn of(a: &[Glyph], b: &[Glyph]) -> Self {
        let mut costs = Self {
            columns: b.len() + 1,
            cells: vec![0; (a.len() + 1) * (b.len() + 1)],
        };
        for i in 0..=a.len() {
            for j in 0..=b.len() {
                // A cell needs only those above and to the left, which are filled already.
                let least = steps_into(a, b, i, j)
                    .map(|s| costs.at(i - s.expected, j - s.read) + s.cost)
                    .min();
                costs.cells[i * costs.columns + j] = least.unwrap_or(0);
            }
        }
        costs
    }

    fn at(&self, i: usize, j: usize) -> u32 {
        self.cells[i * self.columns + j]
    }

    /// The steps of a cheapest alignment, from left to right.
    fn steps(&self, a: &[Glyph], b: &[Glyph]) -> Vec<Step> {
        let (mut i, mut j, mut steps) = (a.len(), b.len(), Vec::new());
        // From the end backwards, since costs are those of starts. The first that fits is taken, so
        // that the same texts always give the same differences.
        while let Some(step) = steps_into(a, b, i, j)
            .find(|s| self.at(i - s.expected, j - s.read) + s.cost == self.at(i, j))
        {
            (i, j) = (i - step.expected, j - step.read);
            steps.push(step);
        }
        steps.reverse();
        steps
    }
}

/// Neighbouring steps that cost something become one difference, named in the characters as
/// printed.
fn differences(
    steps: &[Step],
    a: &[Glyph],
    b: &[Glyph],
    expected: &str,
    read: &str,
) -> Vec<Difference> {
    let (mut i, mut j, mut found) = (0, 0, Vec::new());
    for run in steps.chunk_by(|x, y| (x.cost == 0) == (y.cost == 0)) {
        let (from_i, from_j) = (i, j);
        for step in run {
            (i, j) = (i + step.expected, j + step.read);
        }
        if run[0].cost > 0 {
            found.push(Difference {
                expected: printed(&a[from_i..i], expected),
                read: printed(&b[from_j..j], read),
                // One other character is enough to say that more than the reader is at fault.
                lookalike: run.iter().all(|s| s.cost == LOOKALIKE),
            });
        }
    }
    found
}

fn printed(glyphs: &[Glyph], text: &str) -> String {
    let (Some(first), Some(last)) = (glyphs.first(), glyphs.last()) else {
        return String::new();
    };
    text.chars()
        .skip(first.origin)
        .take(last.origin + 1 - first.origin)
        .collect()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::float_cmp, reason = "the same sum gives the same bits")]

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn folding_drops_case_accents_and_punctuation() {
        assert_eq!(normalised("Crème-Brûlée, 2 %"), "cremebrulee2");
        assert_eq!(normalised("Straße ÆØ ﬁne ＡＢ１"), "strasseaeofineab1");
        assert_eq!(agreement("God Morgon®", "GOD MORGON"), 1.0);
    }

    #[test]
    fn spaces_are_no_difference_wherever_the_reader_drops_or_adds_them() {
        assert_eq!(agreement("SUN FLOWER OIL", "SUNFLOWER OIL"), 1.0);
        assert_eq!(explain("SUN FLOWER OIL", "SUNFLOWEROIL"), None);
        assert_eq!(
            explain("SUN FLOWER", "SUNFLOVER").as_deref(),
            Some("expected `SUN FLOWER`, reads `SUNFLOVER`: `W` -> `V`")
        );
    }

    #[test]
    fn letters_that_the_reader_does_not_know_are_named_once_each() {
        let latin = |c: char| c.is_ascii();
        assert!(unknown_letters("Crème ＡＢ – 50 %!", latin).is_empty());
        assert_eq!(unknown_letters("Kolos КОЛОС", latin), ['К', 'Л', 'О', 'С']);
        assert_eq!(unknown_letters("茶 tea", latin), ['茶']);
        let capitals = |c: char| c.is_ascii_uppercase();
        assert!(unknown_letters("oat", capitals).is_empty());
    }

    #[test]
    fn a_lookalike_costs_less_than_another_letter_and_is_named() {
        let close = agreement("TROPICANA", "TROPlCANA");
        let far = agreement("TROPICANA", "TROPXCANA");
        assert!(far < close && close < 1.0, "{far} {close}");
        assert_eq!(
            explain("TROPICANA", "TROPlCANA").as_deref(),
            Some("expected `TROPICANA`, reads `TROPlCANA`: `I` -> `l` (look alike)")
        );
        assert_eq!(explain("Tropicana", "TROPICANA"), None);
    }

    #[test]
    fn two_letters_may_look_like_one() {
        let found = align("MODERN", "MODEM");
        assert_eq!(found.differences.len(), 1);
        let difference = &found.differences[0];
        assert_eq!(
            (difference.expected.as_str(), difference.read.as_str()),
            ("RN", "M")
        );
        assert!(difference.lookalike && found.agreement > 0.9);
    }

    #[test]
    fn missing_added_and_swapped_letters_are_told_apart() {
        let told = |a: &str, b: &str| {
            align(a, b)
                .differences
                .iter()
                .map(Difference::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(told("NORDHAV", "NORDHV"), ["`A` is missing"]);
        assert_eq!(told("NORDHAV", "NORDHAVX"), ["`X` is added"]);
        assert_eq!(told("NORDHAV", "NODRHAV").len(), 1);
        assert_eq!(told("Straße", "Strase"), ["`ß` is missing"]);
        assert_eq!(
            explain("ACME", " - ").as_deref(),
            Some("expected `ACME`, reads nothing")
        );
    }

    #[test]
    fn nothing_in_common_is_zero_and_nothing_at_all_is_one() {
        assert_eq!(
            (
                agreement("abc", "xyz"),
                agreement("abc", ""),
                agreement("", "!?")
            ),
            (0.0, 0.0, 1.0)
        );
    }

    proptest! {
        #[test]
        fn agreement_is_symmetric_and_between_zero_and_one(a in "[a-zA-Z0-9 ßéÅ.]{0,12}", b in "[a-zA-Z0-9 ßéÅ.]{0,12}") {
            let (there, back) = (agreement(&a, &b), agreement(&b, &a));
            prop_assert_eq!(there, back);
            prop_assert!((0.0..=1.0).contains(&there));
            prop_assert_eq!(there == 1.0, normalised(&a) == normalised(&b));
            prop_assert_eq!(there == 1.0, align(&a, &b).differences.is_empty());
        }

        #[test]
        fn a_text_agrees_with_itself(a in "\\PC{0,20}") {
            prop_assert_eq!(align(&a, &a), Alignment { agreement: 1.0, differences: vec![] });
        }

        #[test]
        fn differences_name_characters_of_both_texts(a in "[a-z0-9 ]{1,12}", b in "[a-z0-9 ]{1,12}") {
            for difference in align(&a, &b).differences {
                prop_assert!(a.contains(&difference.expected) && b.contains(&difference.read));
                prop_assert!(!(difference.expected.is_empty() && difference.read.is_empty()));
            }
        }
    }
}
