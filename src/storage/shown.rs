//! Words out of a file that comes from anywhere.

/// Most characters that a message repeats of a file.
const LONGEST_WORD: usize = 200;

/// Words that may repeat what a file says, fit for a terminal: not endless, and no command to it.
pub(super) fn shown(words: &impl std::fmt::Display) -> String {
    let text = words.to_string();
    let shown = text.chars().take(LONGEST_WORD);
    shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
