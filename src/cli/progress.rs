//! Progress bars on stderr, drawn only when it is a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar named `what`; the work gives it its length.
pub(crate) fn bar(what: &str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_prefix(what.to_owned());
    // The template is fixed and holds; if it did not, a plain bar would do.
    if let Ok(style) =
        ProgressStyle::with_template("{prefix:>10} [{bar:30}] {pos}/{len}  {eta} left  {wide_msg}")
    {
        bar.set_style(style.progress_chars("=> "));
    }
    // Moves by itself: one step may take many seconds.
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

/// A sign of life while something of unknown length runs.
pub(crate) fn spinner(what: &str) -> ProgressBar {
    let bar = ProgressBar::new_spinner().with_message(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
