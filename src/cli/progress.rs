//! How far long work is: a bar on the terminal that errors go to.

use std::io::{self, IsTerminal as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Work that ends sooner has no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// Bytes that were read, of all if that is known.
pub(super) struct Progress {
    /// `None` where nobody would see it, or where it would stand between the rows.
    started: Option<Instant>,
    total: Option<u64>,
    done: u64,
    bar: Option<ProgressBar>,
}

impl Progress {
    /// `rows_on_terminal`: the values go to the terminal, which then is not for bars.
    pub(super) fn new(total: Option<u64>, rows_on_terminal: bool) -> Self {
        let seen = io::stderr().is_terminal() && !rows_on_terminal;
        Self { started: seen.then(Instant::now), total, done: 0, bar: None }
    }

    /// So many bytes more.
    pub(super) fn advance(&mut self, bytes: usize) {
        let Some(started) = self.started else { return };
        self.done = self.done.saturating_add(super::input::wide(bytes));
        if self.bar.is_none() && started.elapsed() >= PATIENCE {
            self.bar = Some(bar(self.total, started));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(self.done);
        }
    }
}

fn bar(total: Option<u64>, started: Instant) -> ProgressBar {
    let (bar, template) = match total {
        Some(total) => {
            (ProgressBar::new(total), "{bar:30} {percent:>3}%  {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left")
        }
        None => (ProgressBar::new_spinner(), "{spinner} {bytes}  {bytes_per_sec}"),
    };
    bar.set_draw_target(ProgressDrawTarget::stderr());
    // The template is a constant; were it wrong, the usual one would do.
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style);
    bar.with_elapsed(started.elapsed())
}

/// The line is clear again before anyone else writes to the terminal.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
