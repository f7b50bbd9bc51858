//! `Progress`: the progress bar of `decode` and `encode` on standard error. The bar appears only if standard error is a
//! terminal.

use pep3118::__private::to_u64;
use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::interrupt;

/// The time after which the bar appears. A command that takes less time shows no bar.
const DELAY: Duration = Duration::from_millis(500);

/// A progress bar that shows the number of read bytes of the input.
pub(super) struct Progress {
    /// The bar. `None` if standard error is not a terminal, or if rows are written to that terminal.
    bar: Option<ProgressBar>,
    started: Instant,
    /// `true` if the bar is on the terminal. The bar appears after [`DELAY`].
    is_drawn: bool,
}

impl Progress {
    /// Creates a hidden bar and starts its clock. `total` is the number of bytes to read, or `None` if the number is
    /// unknown. `rows_on_terminal` must be `true` if the command writes rows to the terminal. The bar then stays
    /// hidden, because the rows and the bar would overwrite each other.
    pub(super) fn new(total: Option<u64>, rows_on_terminal: bool) -> Self {
        let visible = io::stderr().is_terminal() && !rows_on_terminal;
        Self { bar: visible.then(|| bar(total)), started: Instant::now(), is_drawn: false }
    }

    /// Adds `bytes` to the number of read bytes. Shows the bar after [`DELAY`].
    pub(super) fn advance(&mut self, bytes: usize) {
        let Some(bar) = &self.bar else { return };
        if !self.is_drawn && self.started.elapsed() >= DELAY {
            self.is_drawn = true;
            interrupt::set_bar_visible(true);
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.inc(to_u64(bytes));
    }
}

/// Creates a hidden bar. The bar measures the speed from its creation. `total` is the number of bytes to read, or
/// `None` if the number is unknown.
fn bar(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{wide_bar} {percent:>3}%  {bytes} of {total_bytes}  {eta} left",
        None => "{spinner} {bytes}  {bytes_per_sec}",
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    // Each template is a constant. The tests of the bar check that the templates are valid.
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

impl Drop for Progress {
    /// Clears the line of the bar, so that the next message starts on an empty line.
    fn drop(&mut self) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.is_drawn) {
            bar.finish_and_clear();
            interrupt::set_bar_visible(false);
        }
    }
}
