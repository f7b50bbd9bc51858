//! The command line for Python.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command `pep3118` of Rust: `argv[0]` is the name of the program. What it returns is the exit
/// status.
#[pyfunction]
pub(super) fn _cli(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    py.detach(|| pep3118_cli::run(argv))
}
