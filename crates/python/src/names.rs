//! Look-up of dialects, data models and targets by name.

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use pep3118::__private::escape;
use pep3118::abi::DataModel;
use pep3118::layout::{Dialect, Target};

/// The dialect of an argument.
///
/// # Errors
/// - an unknown name: `ValueError`
pub(crate) fn dialect_by_name(name: &str) -> PyResult<&'static Dialect> {
    Dialect::by_name(name).ok_or_else(|| {
        let names = Dialect::ALL.map(|dialect| dialect.name).join(", ");
        PyValueError::new_err(format!("unknown dialect `{}`; dialects are {names}", escape(name)))
    })
}

/// The data model of an argument: a name or a target triple.
///
/// # Errors
/// - an unknown name: `ValueError`
pub(crate) fn model_by_name(name: &str) -> PyResult<DataModel> {
    let found = DataModel::by_name(name).map_or_else(|| DataModel::from_triple(name), Ok);
    found.map_err(|error| {
        let names = DataModel::ALL.map(|model| model.name).join(", ");
        PyValueError::new_err(format!("{error}; named models are {names}, host"))
    })
}

/// The target of an argument.
///
/// # Errors
/// - an unknown name: `ValueError`
pub(crate) fn target_by_name(name: &str) -> PyResult<Target> {
    Target::by_name(name).ok_or_else(|| {
        let names = Target::ALL.map(Target::as_str).join(", ");
        PyValueError::new_err(format!("unknown target `{}`; targets are {names}", escape(name)))
    })
}
