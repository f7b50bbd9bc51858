//! The functions that the Python module `pep3118.__main__` calls to run the command `pep3118`.

use std::ffi::OsString;

use pep3118::__private::escape;
use pep3118_cli::{Audit, Census, PythonCommand};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString, PyTuple};

/// Runs the native command `pep3118` with `argv`, and returns the exit status. `argv[0]` is the program name.
///
/// If `handle_signals` is true, SIGHUP, SIGINT and SIGTERM end the process from now on. Python's handlers of these
/// signals no longer run.
#[pyfunction]
#[pyo3(signature = (argv, handle_signals = false))]
pub(super) fn _cli(py: Python<'_>, argv: Vec<OsString>, handle_signals: bool) -> u8 {
    if handle_signals {
        pep3118_cli::handle_signals();
    }
    py.detach(|| pep3118_cli::run(argv))
}

/// Returns `text` with all control characters and invisible characters escaped.
#[pyfunction]
pub(super) fn _escape(text: &Bound<'_, PyString>) -> PyResult<String> {
    // `backslashreplace` escapes lone surrogates, which UTF-8 cannot encode.
    let bytes = text.call_method1("encode", ("utf-8", "backslashreplace"))?.cast_into::<PyBytes>()?;
    Ok(escape(bytes.as_bytes()).into_owned())
}

/// Returns the options in `argv` if Python runs the command, and otherwise None.
///
/// The result is `("audit", expressions, allow, explain, json)` or `("census", packages, json)`. It is None too if
/// `_cli` would print help or an error for `argv`.
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
