//! From an object to the items of a view: the arguments of `View(...)`, and their refusals.

use pep3118::__private::open_as;
use pep3118::layout::Dialect;
use pep3118::py::{OpenBuffer, OpenError};
use pyo3::exceptions::PyBufferError;
use pyo3::prelude::*;

use super::class::View;
use crate::errors::{ambiguous, broken_rules};
use crate::format::format_bytes;
use crate::names::dialect_by_name;

/// The call that chooses one alternative of an ambiguous format.
const CHOOSE: &str = "View(obj, dialect='…')";

/// The same for a cast.
pub(super) const CHOOSE_CAST: &str = ".cast(…, dialect='…')";

/// Opens an exporter, in a format or a dialect of the caller if they are given.
///
/// # Errors
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

/// The dialect of the format of a view. A memoryview of it may be cast, and then has a format of its own.
fn dialect_of_view(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<Option<&'static Dialect>> {
    let view = exporter.cast_exact::<View>().ok()?;
    let description = view.get().description();
    Some(if format == Some(description.format()) { description.dialect() } else { None })
}

/// The exception of the package for an object that is not opened. `call` chooses an alternative of an ambiguous format.
pub(super) fn exception(error: OpenError, call: &str) -> PyErr {
    match error {
        OpenError::Rules(report) => Python::attach(|py| broken_rules(py, &report))
            .unwrap_or_else(|| PyBufferError::new_err(format!("the buffer cannot be read: {report}"))),
        OpenError::Ambiguous(found) => ambiguous(&found, call),
        error => error.into(),
    }
}
