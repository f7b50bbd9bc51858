//! The progress bar on the terminal of standard error.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt;

/// Work that takes less time has no bar.
const DELAY: Duration = Duration::from_millis(500);

/// The number of bytes that were read, shown after half a second.
pub(super) struct Progress {
    /// `None` if standard error is not a terminal, or if rows are written to the same terminal.
    bar: Option<ProgressBar>,
    started: Instant,
    shown: bool,
}

impl Progress {
    /// Starts the clock. `total` is the number of bytes to read, if it is known.
    pub(super) fn new(total: Option<u64>, rows_on_terminal: bool) -> Self {
        let visible = io::stderr().is_terminal() && !rows_on_terminal;
        Self { bar: visible.then(|| bar(total)), started: Instant::now(), shown: false }
    }

    /// Adds bytes that were read.
    pub(super) fn advance(&mut self, bytes: usize) {
        let Some(bar) = &self.bar else { return };
        if !self.shown && self.started.elapsed() >= DELAY {
            self.shown = true;
            interrupt::set_bar(true);
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.inc(super::input::to_u64(bytes));
    }
}

/// Makes a bar that is not drawn yet, but measures the speed from the start.
fn bar(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{wide_bar} {percent:>3}%  {bytes} of {total_bytes}  {eta} left",
        None => "{spinner} {bytes}  {bytes_per_sec}",
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    // The template is a constant, and the tests of the bar use both.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

impl Drop for Progress {
    /// Clears the line of the bar, so that a message can use it.
    fn drop(&mut self) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.shown) {
            bar.finish_and_clear();
            interrupt::set_bar(false);
        }
    }
}
