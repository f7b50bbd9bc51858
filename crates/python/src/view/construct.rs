//! Implements `View(obj, format, dialect)`: opens the buffer of `obj`, and converts an error of the library to an
//! exception.

use pep3118::__private::{open_as, open_described};
use pep3118::layout::Dialect;
use pep3118::py::{OpenBuffer, OpenError};
use pyo3::exceptions::PyBufferError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::class::View;
use crate::errors::{ambiguous, broken_rules};
use crate::format::format_bytes;
use crate::names::dialect_by_name;

/// The call that an error message suggests to a user of `View(...)` with an ambiguous format.
const CHOOSE: &str = "View(obj, dialect='…')";

/// The call that an error message suggests to a user of `View.cast` with an ambiguous format.
pub(super) const CHOOSE_CAST: &str = ".cast(…, dialect='…')";

/// Opens the buffer of `exporter`. `format` replaces the format of the exporter; `None` keeps the exporter's format.
/// `dialect` is the name of the dialect of the format; with `None`, the library determines the dialect.
///
/// # Errors
/// - a `format` that is neither text nor bytes, or a `dialect` of an unknown name
/// - as [`pep3118::py::open`]
#[inline]
pub(super) fn open(
    exporter: &Bound<'_, PyAny>,
    format: Option<&Bound<'_, PyAny>>,
    dialect: Option<&str>,
) -> PyResult<OpenBuffer> {
    if exporter.is_exact_instance_of::<PyMemoryView>()
        && format.is_none()
        && dialect.is_none()
        && let Some(view) = view_of(exporter)
        && let Some(open) = open_memoryview_of(&view, exporter)?
    {
        return Ok(open);
    }
    open_exporter(exporter, format, dialect)
}

/// Opens the buffer of `exporter`, which is not a memoryview of a `View`. The arguments are those of [`open`].
///
/// # Errors
/// - as [`open`]
#[inline]
pub(super) fn open_exporter(
    exporter: &Bound<'_, PyAny>,
    format: Option<&Bound<'_, PyAny>>,
    dialect: Option<&str>,
) -> PyResult<OpenBuffer> {
    let format = format.map(format_bytes).transpose()?;
    let dialect = dialect.map(dialect_by_name).transpose()?;
    open_as(exporter, format.as_deref(), dialect, &dialect_of_view).map_err(|error| exception(error, CHOOSE))
}

/// Returns `exporter` if it is a `View`, and the `View` that exports the memory if `exporter` is a memoryview. Returns
/// `None` for any other exporter, and for a memoryview that was released.
#[inline]
pub(super) fn view_of<'py>(exporter: &Bound<'py, PyAny>) -> Option<Bound<'py, View>> {
    if let Ok(view) = exporter.cast_exact::<View>() {
        return Some(view.clone());
    }
    let memoryview = exporter.cast_exact::<PyMemoryView>().ok()?;
    // If the memoryview was released, the request for its buffer raises the exception.
    memoryview.getattr(intern!(exporter.py(), "obj")).ok()?.cast_into_exact::<View>().ok()
}

/// Opens the buffer of `memoryview`, a memoryview of `view`. The items have the description of the items of `view`,
/// which says more than their exported format. Returns `None` if the memoryview was cast to another format, or has no
/// format of the view.
///
/// # Errors
/// - as [`pep3118::py::open`]
#[inline(never)]
fn open_memoryview_of(view: &Bound<'_, View>, memoryview: &Bound<'_, PyAny>) -> PyResult<Option<OpenBuffer>> {
    let view = view.get();
    let Some(format) = view.exported_format()? else { return Ok(None) };
    open_described(memoryview, view.description(), &format).map_err(|error| exception(error, CHOOSE))
}

/// Returns the dialect of the format of a `View`, or `None` for any other exporter. `exporter` may also be a memoryview
/// of a `View`. If the memoryview was cast, `format` differs from the format of the `View`. The result is then
/// `Some(None)`, because the dialect is unknown.
fn dialect_of_view(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<Option<&'static Dialect>> {
    let view = exporter.cast_exact::<View>().ok()?;
    let description = view.get().description();
    Some(if format == Some(description.format()) { description.dialect() } else { None })
}

/// Converts `error`, the reason why a buffer was not opened, to an exception. `call` is the call that the message
/// suggests if the format is ambiguous.
pub(super) fn exception(error: OpenError, call: &str) -> PyErr {
    match error {
        OpenError::Rules(report) => Python::attach(|py| broken_rules(py, &report))
            .unwrap_or_else(|| PyBufferError::new_err(format!("the buffer cannot be read: {report}"))),
        OpenError::Ambiguous(found) => ambiguous(&found, call),
        error => error.into(),
    }
}
