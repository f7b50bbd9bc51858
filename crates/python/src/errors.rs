//! The exceptions of the Python package.

use pep3118::layout::{Ambiguity, LayoutError};
use pep3118::view::{Report, Severity};
use pyo3::exceptions::{PyBufferError, PyValueError};
use pyo3::prelude::*;

pyo3::create_exception!(
    pep3118,
    FormatError,
    PyValueError,
    "A format that cannot be read.\n\n`span` is the pair of byte offsets that the error is about, or None.\n
>>> import pep3118
>>> try:
...     pep3118.calcsize('T{i:a:')
... except pep3118.FormatError as error:
...     print(error.span, str(error).splitlines()[0])
(6, 6) error: structure opened at byte 0 is never closed"
);
pyo3::create_exception!(
    pep3118,
    BufferRuleError,
    PyBufferError,
    "Metadata that break a rule of the buffer protocol.\n\n`rule` is the id of the first one, such as 'A04'; `findings` has all.\n
>>> import pep3118
>>> try:
...     pep3118.Exporter(bytes(8), format='<i', shape=(3,))
... except pep3118.BufferRuleError as error:
...     print(error.rule, len(error.findings))
D06 1"
);

/// An exception of a class with a message.
fn with_attributes<'py, T: pyo3::PyTypeInfo>(
    py: Python<'py>,
    message: String,
    attributes: &[(&str, Py<PyAny>)],
) -> PyErr {
    let made = py.get_type::<T>().call1((message,)).and_then(|error| {
        for (name, value) in attributes {
            error.setattr(*name, value)?;
        }
        Ok(error)
    });
    match made {
        Ok(error) => PyErr::from_value(error),
        Err(error) => error,
    }
}

/// The exception for an ambiguous format. `call` is the call of the user with the argument that chooses.
pub(crate) fn ambiguous(ambiguity: &Ambiguity, call: &str) -> PyErr {
    FormatError::new_err(ambiguity.diagnostic().with_help(format!("choose one: {call}")).to_string())
}

/// The exception for a format that is refused or, in the call of a function that takes a dialect, ambiguous.
pub(crate) fn refused_or_ambiguous(error: LayoutError, call: &str) -> PyErr {
    match error.ambiguity() {
        Some(ambiguity) => ambiguous(ambiguity, call),
        None => error.into(),
    }
}

/// The exception for a refused format: the annotated format as its message, and its span.
pub(crate) fn format_exception(error: LayoutError) -> PyErr {
    if let Some(ambiguity) = error.ambiguity() {
        return ambiguous(ambiguity, "dialect='…'");
    }
    Python::attach(|py| {
        let span = error.span();
        let span = (span.start(), span.end()).into_pyobject(py).map(|span| span.into_any().unbind());
        let span = span.unwrap_or_else(|_| py.None());
        with_attributes::<FormatError>(py, format!("{error:#}"), &[("span", span)])
    })
}

/// The errors of a report as one exception; `None` where there is no error.
pub(crate) fn broken_rules(py: Python<'_>, report: &Report) -> Option<PyErr> {
    let mut errors = report.iter().filter(|finding| finding.severity() == Severity::Error);
    let rule = errors.next()?.rule().as_str().into_pyobject(py).ok()?.into_any().unbind();
    let findings = crate::report::findings(py, report).ok()?.into_any().unbind();
    Some(with_attributes::<BufferRuleError>(py, format!("{report:#}"), &[("rule", rule), ("findings", findings)]))
}
