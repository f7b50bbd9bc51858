//! The command line, for the Python package.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command `pep3118`, and returns its exit status. The first argument is the name of the program.
#[pyfunction]
pub(super) fn _cli(py: Python<'_>, argv: Vec<OsString>) -> u8 {
    py.detach(|| pep3118_cli::run(argv))
}
