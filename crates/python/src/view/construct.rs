//! From an object to the items of a view: the arguments of `View(...)`, and their refusals.

use pep3118::__private::open_as;
use pep3118::layout::{Dialect, Interpretation, Table};
use pep3118::py::{OpenBuffer, OpenError};
use pyo3::exceptions::{PyBufferError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

use super::class::View;
use crate::errors::{FormatError, broken_rules};

/// Opens an exporter, in a format or a dialect of the caller if they are given.
///
/// # Errors
/// - as [`pep3118::py::open`]
pub(super) fn open(
    exporter: &Bound<'_, PyAny>,
    format: Option<&Bound<'_, PyAny>>,
    dialect: Option<&str>,
) -> PyResult<OpenBuffer> {
    let format = format.map(format_bytes).transpose()?;
    let dialect = dialect.map(by_name).transpose()?;
    open_as(exporter, format.as_deref(), dialect, &dialect_of_view).map_err(exception)
}

/// The dialect of the format of a view. A memoryview of it may be cast, and then has a format of its own.
fn dialect_of_view(exporter: &Bound<'_, PyAny>, format: Option<&[u8]>) -> Option<Option<&'static Dialect>> {
    let view = exporter.cast_exact::<View>().ok()?;
    let description = view.get().description();
    Some(if format == Some(description.format()) { description.dialect() } else { None })
}

/// The exception of the package for an object that is not opened.
pub(super) fn exception(error: OpenError) -> PyErr {
    match error {
        OpenError::Rules(report) => Python::attach(|py| broken_rules(py, &report))
            .unwrap_or_else(|| PyBufferError::new_err(format!("the buffer cannot be read: {report}"))),
        OpenError::Ambiguous(reading, format) => ambiguous(&reading, &format),
        error => error.into(),
    }
}

/// A format as `struct` takes it: text or bytes.
pub(super) fn format_bytes(format: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    if let Ok(bytes) = format.cast::<PyBytes>() {
        return Ok(bytes.as_bytes().to_vec());
    }
    match format.cast::<PyString>() {
        Ok(text) => Ok(text.to_string_lossy().into_owned().into_bytes()),
        Err(_) => Err(PyTypeError::new_err(format!("format must be str or bytes, not {}", format.get_type().name()?))),
    }
}

/// A dialect by its name.
pub(super) fn by_name(name: &str) -> PyResult<&'static Dialect> {
    Dialect::by_name(name).ok_or_else(|| {
        let names: Vec<&str> = Dialect::ALL.iter().map(|dialect| dialect.name).collect();
        PyValueError::new_err(format!("no dialect is called '{}'; there are {}", name.escape_debug(), names.join(", ")))
    })
}

/// The interpretations that all fit, and how the caller chooses one.
fn ambiguous(reading: &Interpretation, format: &[u8]) -> PyErr {
    let mut message = format!(
        "format `{}` with itemsize {} has several readings, which put values at different places\n",
        format.escape_ascii(),
        reading.layout.size()
    );
    let alternatives = reading.alternatives.iter().map(|(dialect, layout)| (dialect.name, layout));
    for (name, layout) in core::iter::once((reading.dialect.name, &reading.layout)).chain(alternatives) {
        message.push_str(&format!("dialect='{name}':\n{}", Table::new(layout)));
    }
    message.push_str(&format!(
        "help: say who wrote the format, for example View(obj, dialect='{}')",
        reading.dialect.name
    ));
    FormatError::new_err(message)
}
