//! Look-up of dialects, data models and targets by name, as in the command.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, Target};
use pep3118_cli::names;

/// The dialect of an argument.
///
/// # Errors
/// - an unknown name: `ValueError`
pub(crate) fn dialect_by_name(name: &str) -> PyResult<&'static Dialect> {
    names::dialect(name).map_err(PyValueError::new_err)
}

/// The data model of an argument: a name or a target triple.
///
/// # Errors
/// - an unknown name: `ValueError`
pub(crate) fn model_by_name(name: &str) -> PyResult<DataModel> {
    names::model(name).map_err(PyValueError::new_err)
}

/// The target of an argument.
///
/// # Errors
/// - an unknown name: `ValueError`
pub(crate) fn target_by_name(name: &str) -> PyResult<Target> {
    names::target(name).map_err(PyValueError::new_err)
}
