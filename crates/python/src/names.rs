//! Finds dialects, data models and emit targets by name. The command `pep3118` accepts the same names and prints the
//! same messages.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, Target};
use pep3118_cli::names;

use crate::objects;

/// Returns the dialect, or the variant of a dialect, named `name`.
///
/// # Errors
/// - `name` is unknown: `ValueError`
pub(crate) fn dialect_by_name(name: &str) -> PyResult<&'static Dialect> {
    names::dialect(name).map_err(objects::error::<PyValueError>)
}

/// Returns the data model `name`: the name of a model, `host`, an alias or a target triple.
///
/// # Errors
/// - `name` is unknown: `ValueError`
pub(crate) fn model_by_name(name: &str) -> PyResult<DataModel> {
    names::model(name).map_err(objects::error::<PyValueError>)
}

/// Returns the emit target named `name`.
///
/// # Errors
/// - `name` is unknown: `ValueError`
pub(crate) fn target_by_name(name: &str) -> PyResult<Target> {
    names::target(name).map_err(objects::error::<PyValueError>)
}
