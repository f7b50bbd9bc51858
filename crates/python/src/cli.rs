//! The command line of the Python package.

use std::ffi::OsString;

use pep3118_cli::{Audit, Census, PythonCommand};
use pyo3::prelude::*;
use pyo3::types::PyTuple;

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

/// Returns `("audit", expressions, allow, explain, json)` or `("census", packages, json)`, the commands that Python
/// runs. None for any other command, and for arguments that `_cli` prints help or an error for.
#[pyfunction]
pub(super) fn _python_command(py: Python<'_>, argv: Vec<OsString>) -> PyResult<Option<Bound<'_, PyTuple>>> {
    Ok(match pep3118_cli::python_command(argv) {
        Some(PythonCommand::Audit(Audit { expressions, allow, explain, json })) => {
            Some(("audit", expressions, allow, explain, json).into_pyobject(py)?)
        }
        Some(PythonCommand::Census(Census { packages, json })) => Some(("census", packages, json).into_pyobject(py)?),
        None => None,
    })
}
