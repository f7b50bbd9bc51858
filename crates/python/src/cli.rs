//! The command line, for the Python package.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command `pep3118` of Rust and returns its exit status. `argv[0]` is the name of the program.
///
/// With `handle_signals`, SIGHUP, SIGINT and SIGTERM end the process from now on, without Python's handlers.
#[pyfunction]
#[pyo3(signature = (argv, handle_signals = false))]
pub(super) fn _cli(py: Python<'_>, argv: Vec<OsString>, handle_signals: bool) -> u8 {
    if handle_signals {
        pep3118_cli::handle_signals();
    }
    py.detach(|| pep3118_cli::run(argv))
}
