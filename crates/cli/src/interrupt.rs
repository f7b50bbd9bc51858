//! Handles the signals that end the command: removes the temporary output file and clears the progress bar.
//!
//! On Linux, the temporary file normally has no name, and the kernel removes it with the process; see
//! [`output`](super::output). The temporary file has a name in three cases: while it replaces an existing
//! file, on file systems without unnamed files, and on other operating systems.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The path of the temporary output file, while this file has a name.
static TEMPORARY: Mutex<Option<PathBuf>> = Mutex::new(None);

/// `true` while a progress bar is on the terminal.
static BAR_VISIBLE: AtomicBool = AtomicBool::new(false);

/// Locks the path of the temporary output file. The caller reads or changes the path through the returned guard.
///
/// The first signal does not end the command while the lock is held. The caller must create or rename the file and
/// update the path under the same lock. A signal then never leaves a temporary file behind.
pub(super) fn lock_temporary_path() -> MutexGuard<'static, Option<PathBuf>> {
    TEMPORARY.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Records that a progress bar is on the terminal (`visible` is `true`) or is not. A signal handler clears the line of
/// a visible bar.
pub(super) fn set_bar_visible(visible: bool) {
    BAR_VISIBLE.store(visible, Ordering::Relaxed);
}

/// Handles SIGHUP, SIGINT and SIGTERM for the rest of the process.
///
/// On the first signal, with number `n`, the handler removes the temporary file, clears the progress bar and ends the
/// process with status 128 + `n`. A second signal ends the process at once. A signal that the parent process has set to
/// be ignored stays ignored, because `nohup` and background jobs of shell scripts depend on this setting.
///
/// The handlers stay installed. Call this function only in a process whose only task is
/// [`run`](crate::run).
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
        // Handlers run in the order of registration. At the first signal, `received` is still false, so the conditional
        // shutdown does nothing, and the second handler sets `received`. If a registration fails, the thread that is
        // started below still handles the first signal.
        let _ = signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(&received));
        let _ = signal_hook::flag::register(signal, Arc::clone(&received));
    }
    std::thread::spawn(move || {
        let Some(signal) = signals.forever().next() else { return };
        let temporary = lock_temporary_path();
        if let Some(path) = temporary.as_ref() {
            // A failure is ignored, because the process ends here and cannot report the failure.
            let _ = std::fs::remove_file(path);
        }
        if BAR_VISIBLE.load(Ordering::Relaxed) {
            let _ = std::io::stderr().write_all(b"\r\x1b[2K");
        }
        // `std::process::exit` would flush standard output, and a flush can block.
        signal_hook::low_level::exit(signal.saturating_add(128));
    });
}

/// Does nothing, because only Unix has SIGHUP, SIGINT and SIGTERM.
#[cfg(not(unix))]
pub fn handle_signals() {}

/// Returns `true` if the process ignores `signal` since its start, because the parent process has set `signal` to be
/// ignored. Without `/proc`, returns `true` only for SIGHUP, if standard error is not a terminal.
#[cfg(unix)]
fn is_ignored(signal: i32) -> bool {
    use std::io::IsTerminal as _;

    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    match (mask, u32::try_from(signal.saturating_sub(1))) {
        (Some(mask), Ok(bit)) => mask.checked_shr(bit).is_some_and(|mask| mask & 1 == 1),
        // Only Linux has `/proc/self/status`. On other systems, the command assumes that SIGHUP is ignored if standard
        // error is not a terminal, because `nohup` redirects standard error.
        _ => signal == signal_hook::consts::SIGHUP && !std::io::stderr().is_terminal(),
    }
}
