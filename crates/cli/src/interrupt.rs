//! Signals that end the command: the temporary file of an output is removed first.
//!
//! On Linux the temporary file normally has no name and vanishes with the process; see
//! [`output`](super::output). It has a name while it replaces an existing file, on file systems that
//! have no files without a name, and on other systems.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The name of the temporary file, if there is one.
static TEMPORARY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// Whether a progress bar is on the terminal.
static BAR: AtomicBool = AtomicBool::new(false);

/// Locks the name of the temporary file. A signal does not end the command while the lock is held, so
/// a file that is created under the lock is registered, or gone, before the command ends.
pub(super) fn lock() -> MutexGuard<'static, Option<PathBuf>> {
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records that a progress bar is on the terminal, or was cleared.
pub(super) fn set_bar(shown: bool) {
    BAR.store(shown, Ordering::Relaxed);
}

/// Handles SIGHUP, SIGINT and SIGTERM for the rest of the process.
///
/// The first signal number `n` removes the temporary file and ends the process with status 128 + `n`;
/// a second one ends it at once. Signals that the parent process chose to ignore stay ignored, as
/// `nohup` and background jobs of a shell script need it. Call this in a process that does nothing but
/// [`run`](crate::run): the handlers stay installed.
#[cfg(unix)]
pub fn handle_signals() {
    use std::io::Write as _;
    use std::sync::Arc;

    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

    let handled: Vec<i32> = [SIGHUP, SIGINT, SIGTERM].into_iter().filter(|signal| !is_ignored(*signal)).collect();
    let Ok(mut signals) = signal_hook::iterator::Signals::new(&handled) else { return };
    let received = Arc::new(AtomicBool::new(false));
    for signal in handled {
        let status = signal.saturating_add(128);
        // In this order: the first signal does not end the process, because the flag is not set yet. If
        // one of them cannot be registered, the thread below still handles the first signal.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(&received));
        let _ = signal_hook::flag::register(signal, Arc::clone(&received));
    }
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        let temporary = lock();
        if let Some(path) = temporary.as_ref() {
            // Nothing can be done if this fails: the process ends.
            let _ = std::fs::remove_file(path);
        }
        if BAR.load(Ordering::Relaxed) {
            let _ = std::io::stderr().write_all(b"\r\x1b[2K");
        }
        // Unlike `std::process::exit`, this does not flush standard output, which may block.
        signal_hook::low_level::exit(signal.saturating_add(128));
    });
}

/// Does nothing: only Unix has these signals.
#[cfg(not(unix))]
pub fn handle_signals() {}

/// Returns `true` if the process ignores a signal.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    use std::io::IsTerminal as _;

    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    match (mask, u32::try_from(signal.saturating_sub(1))) {
        (Some(mask), Ok(bit)) => mask.checked_shr(bit).is_some_and(|mask| mask & 1 == 1),
        // Only Linux has this file. Elsewhere, `nohup` is recognised by its standard error, which it
        // redirects from the terminal.
        _ => signal == signal_hook::consts::SIGHUP && !std::io::stderr().is_terminal(),
    }
}
