//! `Struct.__new__` and `Struct.__init__`: finds the format in the arguments of a call, compiles the format, and emits
//! the warnings of CPython.

use std::sync::Arc;

use pep3118::__private::arguments;
use pep3118::name;
use pyo3::PyTypeInfo;
use pyo3::exceptions::{PyDeprecationWarning, PyException, PyFutureWarning, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString, PyTuple, PyType};

use super::cache;
use super::class::Struct;
use super::compiled::Compiled;
use super::errors::not_a_format;
use crate::layout_argument::LayoutArgument;
use crate::objects::{self, string};

/// The positional and the keyword arguments of a call.
#[derive(Clone, Copy)]
pub(super) struct CallArguments<'a, 'py> {
    pub(super) positional: &'a Bound<'py, PyTuple>,
    /// `None` if the call has no keyword arguments.
    pub(super) keyword: Option<&'a Bound<'py, PyDict>>,
}

impl<'py> CallArguments<'_, 'py> {
    /// Returns the number of arguments.
    fn len(self) -> usize {
        self.positional.len().saturating_add(self.keyword.map_or(0, |keyword| keyword.len()))
    }

    /// Returns the argument `format` if the call has exactly one argument and this argument is `format`. Returns `None`
    /// for any other call.
    fn only_format(self) -> PyResult<Option<Bound<'py, PyAny>>> {
        match (self.len(), self.keyword) {
            (1, Some(keyword)) if self.positional.is_empty() => keyword.get_item(name!(keyword.py(), "format")),
            (1, _) => self.positional.get_item(0).map(Some),
            _ => Ok(None),
        }
    }

    /// Returns the error message for a call without the argument `format`, or with too many arguments.
    fn message(self) -> String {
        match self.len() {
            0 | 1 => "Struct() missing required argument 'format' (pos 1)".to_owned(),
            count => format!("Struct() takes at most 1 argument ({count} given)"),
        }
    }

    /// Returns the argument `format`.
    ///
    /// # Errors
    /// - the call does not have exactly one argument `format`: `TypeError`
    pub(super) fn format(self) -> PyResult<Bound<'py, PyAny>> {
        self.only_format()?.ok_or_else(|| {
            let message = match self.len() {
                count @ 2.. if self.positional.is_empty() => {
                    format!("Struct() takes at most 1 keyword argument ({count} given)")
                }
                _ => self.message(),
            };
            objects::error::<PyTypeError>(message)
        })
    }
}

/// Compiles `format`.
///
/// # Errors
/// - `format` is invalid: `struct.error`
/// - `format` describes no layout: `TypeError`
pub(super) fn compile(format: &Bound<'_, PyAny>) -> PyResult<Arc<Compiled>> {
    let is_text = format.is_instance_of::<PyString>() || format.is_instance_of::<PyBytes>();
    if !is_text && LayoutArgument::find_format(format)?.is_none() {
        return Err(not_a_format(format));
    }
    cache::get(format)
}

/// Returns `true` if `class`, a subclass of `Struct` or `Struct` itself, overrides the method `name` of `Struct`.
pub(super) fn overrides(class: &Bound<'_, PyType>, name: &Bound<'_, PyString>) -> PyResult<bool> {
    let base = Struct::type_object(class.py());
    Ok(!class.is(&base) && !class.getattr(name)?.is(&base.getattr(name)?))
}

/// Emits a warning of class `W` with `message`.
///
/// # Errors
/// - a filter turns the warning into an exception: the exception is returned unchanged
fn warn<W: PyTypeInfo>(py: Python<'_>, message: &str) -> PyResult<()> {
    let arguments = arguments(py, [&string(py, message)?, &W::type_object(py), &objects::number(py, 1)?])?;
    py.import(name!(py, "warnings"))?.call_method1(name!(py, "warn"), arguments)?;
    Ok(())
}

/// Emits the warning of `Struct.__init__` for a format that differs from the format of the object. `is_initialized` is
/// `true` if `__init__` was called before.
///
/// # Errors
/// - a filter turns the warning into an exception: the exception is returned unchanged
pub(super) fn warn_other_format(py: Python<'_>, is_initialized: bool) -> PyResult<()> {
    warn::<PyFutureWarning>(
        py,
        if is_initialized {
            "Re-initialization of Struct by calling the __init__() method will not work in future Python versions"
        } else {
            "Different format arguments for __new__() and __init__() methods of Struct"
        },
    )
}

/// Compiles the format in `arguments`, the arguments of `Struct.__new__` for an object of `class`, as CPython 3.15
/// does.
///
/// The arguments can belong to the `__init__` of a subclass, which can have other parameters. For a subclass with an
/// `__init__`, this function returns `None` and emits a `DeprecationWarning` if `arguments` are not one valid format.
///
/// # Errors
/// - the `__new__` of a subclass calls `Struct.__new__` with arguments other than one format: `TypeError`
/// - `Struct` or a subclass without an `__init__` is called with an invalid format: the errors of [`compile`]
/// - a filter turns a warning into an exception: the exception is returned unchanged
pub(super) fn compile_in_new(
    class: &Bound<'_, PyType>,
    arguments: CallArguments<'_, '_>,
) -> PyResult<Option<Arc<Compiled>>> {
    let py = class.py();
    if overrides(class, name!(py, "__new__"))? {
        return compile(&arguments.format()?).map(Some);
    }
    let has_own_init = overrides(class, name!(py, "__init__"))?;
    let Some(format) = arguments.only_format()? else {
        if has_own_init {
            warn::<PyDeprecationWarning>(py, &arguments.message())?;
        }
        return Ok(None);
    };
    match compile(&format) {
        Ok(compiled) => Ok(Some(compiled)),
        Err(error) if has_own_init && error.is_instance_of::<PyException>(py) => {
            let reason = error.value(py).str()?;
            let message = format!("Invalid 'format' argument for Struct.__new__(): {}", reason.to_string_lossy());
            warn::<PyDeprecationWarning>(py, &message)?;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
