//! Opens the object of `View(obj, format, dialect)`, and converts a refusal to an exception.

use pep3118::__private::open_as;
use pep3118::layout::Dialect;
use pep3118::py::{OpenBuffer, OpenError};
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;

use super::class::View;
use crate::errors::{ambiguous, broken_rules};
use crate::format::format_bytes;
use crate::names::dialect_by_name;

/// The call that a message suggests for choosing one interpretation of an ambiguous format.
const CHOOSE: &str = "View(obj, dialect='…')";

/// The suggestion of [`CHOOSE`] for a cast.
pub(super) const CHOOSE_CAST: &str = ".cast(…, dialect='…')";

/// Opens `exporter`, in the `format` and the `dialect` of the caller if they are given.
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
    let format = format.map(format_bytes).transpose()?;
    let dialect = dialect.map(dialect_by_name).transpose()?;
    open_as(exporter, format.as_deref(), dialect, &dialect_of_view).map_err(|error| exception(error, CHOOSE))
}

/// Returns the dialect of the format of a `View`, or `None` for any other exporter. A memoryview of the `View` may be
/// cast. Its `format` then differs from the format of the `View`, and its dialect is unknown: `Some(None)`.
fn dialect_of_view(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<Option<&'static Dialect>> {
    let view = exporter.cast_exact::<View>().ok()?;
    let description = view.get().description();
    Some(if format == Some(description.format()) { description.dialect() } else { None })
}

/// Returns the exception for an object that is not opened. `call` is the call that the message suggests for an
/// ambiguous format.
pub(super) fn exception(error: OpenError, call: &str) -> PyErr {
    match error {
        OpenError::Rules(report) => Python::attach(|py| broken_rules(py, &report))
            .unwrap_or_else(|| PyBufferError::new_err(format!("the buffer cannot be read: {report}"))),
        OpenError::Ambiguous(found) => ambiguous(&found, call),
        error => error.into(),
    }
}
