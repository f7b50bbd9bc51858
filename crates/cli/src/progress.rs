//! How far long work is: a bar on the terminal that errors go to.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that ends sooner has no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// Bytes that were read, of all if that is known.
pub(super) struct Progress {
    /// `None` where nobody would see it, or where it would stand between the rows.
    bar: Option<ProgressBar>,
    started: Instant,
    shown: bool,
}

impl Progress {
    /// `rows_on_terminal`: the values go to the terminal, which then is not for bars.
    pub(super) fn new(total: Option<u64>, rows_on_terminal: bool) -> Self {
        let seen = io::stderr().is_terminal() && !rows_on_terminal;
        Self { bar: seen.then(|| bar(total)), started: Instant::now(), shown: false }
    }

    /// So many bytes more.
    pub(super) fn advance(&mut self, bytes: usize) {
        let Some(bar) = &self.bar else { return };
        if !self.shown && self.started.elapsed() >= PATIENCE {
            self.shown = true;
            bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        bar.inc(super::input::wide(bytes));
    }
}

/// A bar that is not drawn yet, but counts the speed from the start.
fn bar(total: Option<u64>) -> ProgressBar {
    let template = match total {
        Some(_) => "{wide_bar} {percent:>3}%  {bytes} of {total_bytes}  {eta} left",
        None => "{spinner} {bytes}  {bytes_per_sec}",
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::hidden());
    // The template is a constant; were it wrong, the usual one would do.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar
}

/// The line is clear again before anyone else writes to the terminal.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = self.bar.as_ref().filter(|_| self.shown) {
            bar.finish_and_clear();
        }
    }
}
